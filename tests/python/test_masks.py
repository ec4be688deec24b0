"""`a[mask] = value`: which shapes of values NumPy takes for which masks, and with which words it refuses the others."""

import numpy
import pytest
from hypothesis import given, settings, strategies as st

import minpy.numpy as np

lengths = st.integers(0, 3)
shapes = st.lists(lengths, max_size=3).map(tuple)


@st.composite
def writes(draw):
    """The shape of an array, a mask for it or for some of its axes, and a value's shape: often one that fits, often one that nearly does."""
    shape = draw(shapes)
    first = draw(st.integers(0, len(shape)))
    of = draw(st.sampled_from([shape, shape[:first], shape[first:]]))
    mask = numpy.array(draw(st.lists(st.booleans(), min_size=int(numpy.prod(of)), max_size=int(numpy.prod(of)))), bool).reshape(of)
    n = int(mask.sum())
    fitting = [(), (1,), (n,), (n, *shape[len(of):]), shape[len(of):], (1, n), (n, 1), (1, 1), (n + 1,), (1, 1, 1)]
    return shape, mask, draw(st.one_of(st.sampled_from(fitting), shapes))


def outcome(module, shape, mask, value, kind, key):
    a = module.zeros(shape)
    mask = module.array(mask)
    value = value.tolist() if kind == "list" else module.array(value) if kind == "ours" else value
    try:
        a[mask if key == "alone" else (mask, ...) if key == "..." else (mask, slice(None))] = value
    except (ValueError, TypeError, IndexError) as e:
        return type(e), str(e)
    return a.tolist()


@settings(deadline=None, max_examples=600)
@given(writes(), st.sampled_from(["list", "ours", "theirs"]), st.sampled_from(["alone", "alone", "...", ":"]))
def test_values_for_masks(write, kind, key):
    shape, mask, of = write
    value = numpy.arange(1.0, 1 + int(numpy.prod(of))).reshape(of)
    got, want = (outcome(module, shape, mask, value, kind, key) for module in (np, numpy))
    if isinstance(want, tuple) and key == "alone" and mask.shape == shape:
        assert got == want
    elif isinstance(want, tuple):
        assert isinstance(got, tuple) and got[0] is want[0], (got, want)
    elif (mask.any() and numpy.prod(shape)) or (mask.shape == shape and key == "alone"):  # Where nothing is written, NumPy looks at some shapes of values, and at others not.
        assert got == want


@pytest.mark.parametrize("n", [3, 1000])
def test_two_axes_of_values_for_one_mask(n):
    for module in (np, numpy):
        a, mask = module.zeros(n), module.array(numpy.arange(n) < 3)
        with pytest.raises(TypeError, match="requires a 0 or 1-dimensional input, input has 2 dimensions"):
            a[mask] = [[1, 2, 3]]
        with pytest.raises(ValueError, match="cannot assign 2 input values to the 3 output values where the mask is true"):
            a[mask] = [1, 2]
        a[mask] = [1, 2, 3]
        assert a[:3].tolist() == [1, 2, 3]
