"""Basic index expressions of every kind against NumPy's: shape, elements, steps, class, and the words of what is refused."""
import copy
import pickle
import random

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


def test_an_index_that_resizes_the_array():
    arrays, held = [np.zeros(12)], []
    arrays[0].shape = (3, 4)

    class Resizes:
        def __index__(self):
            arrays.pop().resize((500,), refcheck=False)
            held.extend(bytes(200) for _ in range(2000))
            return 1

    assert arrays[0][Resizes():3, 0:2].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_iterators_are_copied_and_see_the_array_as_it_is():
    def outcomes(m):
        a = m.arange(5)
        steps = iter(a)
        next(steps)
        twice, again = copy.copy(steps), pickle.loads(pickle.dumps(steps))
        ends = iter(a)
        next(ends)
        a.resize(1, refcheck=False)
        left = [list(x) for x in (ends, ends, again, copy.copy(ends), iter(m.ones((2, 2))))]
        a.resize(3, refcheck=False)
        return [[numpy.asarray(x).tolist() for x in all] for all in [*left, twice, ends]]
    assert outcomes(np) == outcomes(numpy)


@pytest.mark.parametrize("seed", range(5))
def test_resize_by_the_rules(seed):
    pick = random.Random(seed)
    for _ in range(200):
        theirs = numpy.arange(pick.randint(0, 6) * 1.0)
        ours = np.array(theirs)
        if theirs.size == 6:
            theirs, ours = numpy.asfortranarray(theirs.reshape(2, 3)), np.asfortranarray(ours.reshape(2, 3))
        for _ in range(6):
            shape = tuple(pick.randint(0, 5) for _ in range(pick.randint(1, 3)))
            want, have = (outcome(lambda a=a, shape=shape: a.resize(shape, refcheck=False)) for a in (theirs, ours))
            assert have == want and ours.shape == theirs.shape and ours.tolist() == theirs.tolist()
            theirs[...] = ours[...] = 7


def test_flat_goes_on_where_it_stopped():
    def steps(m):
        flat = m.arange(6).reshape(2, 3).flat
        seen = [next(flat), next(flat), *flat, *flat]
        first = m.arange(6).reshape(2, 3).flat
        next(first)
        seen += first.coords
        for x in first:
            seen.append(first.index)
            if x == 3:
                break
        return [int(x) for x in [*seen, *first]]
    assert steps(np) == steps(numpy)
