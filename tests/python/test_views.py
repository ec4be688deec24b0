"""Basic index expressions of every kind against NumPy's: shape, elements, steps, class, and the words of what is refused."""
import numpy
import pytest
from hypothesis import given, settings, strategies as st

import minpy.numpy as np

POSITION = st.integers(-5, 5)
ITEM = st.one_of(
    POSITION, POSITION.map(numpy.int64), st.just(None), st.just(...), st.just(slice(None)),
    st.builds(slice, st.none() | POSITION, st.none() | POSITION, st.none() | st.sampled_from([1, 2, -1, -2, 3])),
)
KEY = st.one_of(ITEM, st.lists(ITEM, max_size=7).map(tuple))


def outcome(f):
    try:
        return f()
    except Exception as e:
        return type(e), str(e)


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=5), KEY, st.booleans())
def test_views_are_numpys(shape, key, turned):
    base = numpy.arange(int(numpy.prod(shape))).reshape(shape)
    theirs, ours = base, np.array(base)
    if turned:
        theirs, ours = theirs.T, ours.T
    want, have = outcome(lambda: theirs[key]), outcome(lambda: ours[key])
    if isinstance(want, tuple):
        assert have == want
        return
    assert isinstance(have, np.ndarray) == isinstance(want, numpy.ndarray)
    assert numpy.shape(have) == want.shape and numpy.array_equal(have, want)
    if isinstance(want, numpy.ndarray) and want.size:
        longer = [n > 1 for n in want.shape]
        assert [s for s, n in zip(have.strides, longer, strict=True) if n] == [s for s, n in zip(want.strides, longer, strict=True) if n]
        assert have.base is not None and np.shares_memory(have, ours)


class Asked:
    """An index that counts how often it was asked, and may refuse."""

    def __init__(self, value):
        self.value, self.times = value, 0

    def __index__(self):
        self.times += 1
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


@pytest.mark.parametrize("shape", [(6,), (6, 2), (6, 1, 2, 1), (6, 1, 1, 1, 1)])
@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: (s,), lambda s: (s, ...), lambda s: (None, s)])
def test_what_a_slice_holds_is_asked_once(shape, wrap):
    a = np.zeros(shape)
    first, last, step = Asked(1), Asked(5), Asked(2)
    assert a[wrap(slice(first, last, step))].size == a.size // 3
    assert [x.times for x in (first, last, step)] == [1, 1, 1]
    with pytest.raises(ZeroDivisionError, match="mine"):
        a[wrap(slice(Asked(ZeroDivisionError("mine")), None))]
    with pytest.raises(ValueError, match="slice step cannot be zero"):
        a[wrap(slice(None, None, 0))]


def test_views_of_views_and_of_read_only_arrays():
    a = np.arange(24.0).reshape(2, 3, 4).copy()
    v = a[1][:, 1:][..., 0]
    assert v.base is a and v.tolist() == [13.0, 17.0, 21.0]
    v[0] = -1
    assert a[1, 0, 1] == -1
    a.flags.writeable = False
    for view in (a[0], a[:1], a[:, 0], a[...], a[None]):
        assert not view.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            view[:] = 0
