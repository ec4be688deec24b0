"""Arrays of lists and lists of arrays: what NumPy makes of the same objects."""
import itertools
import random
import warnings

import numpy
import pytest

import minpy.numpy as np
from minpy.core import grad

ITEMS = [0, 1, -5, True, False, 2.5, float("nan"), 2**62, 2**63, 2**64, -2**63, -2**70, 9007199254740993, 1j, numpy.float64(0.5), numpy.int64(3), numpy.float32(1.5),
         numpy.bool_(True), None, "a", [1], [1, 2], (3, 4), [], [[1]], [1.5, True], numpy.arange(2)]


def outcome(f):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            r = f()
        except Exception as e:
            return type(e), str(e)
    return r.dtype, r.shape, str(r.tolist())


@pytest.mark.parametrize("dtype", [None, float, int, "float32", bool, complex])
def test_arrays_of_lists(dtype):
    random.seed(0)
    rows = [list(t) for n in (0, 1, 2) for t in itertools.product(ITEMS, repeat=n)]
    rows += [random.choices(ITEMS[:17], k=random.randrange(3, 40)) for _ in range(300)]
    rows += [[random.choices(ITEMS[:6], k=3) for _ in range(random.randrange(1, 4))] for _ in range(100)]
    for row in rows:
        for value in (row, tuple(row)):
            ours, theirs = outcome(lambda: np.array(value, dtype=dtype)), outcome(lambda: numpy.array(value, dtype=dtype))
            assert ours == theirs, value


def test_options_of_array_on_lists():
    for options in [{"ndmin": 3}, {"order": "F"}, {"copy": False}, {"copy": None}, {"dtype": float, "ndmin": 2}]:
        ours, theirs = outcome(lambda: np.array([[1, 2], [3, 4]], **options)), outcome(lambda: numpy.array([[1, 2], [3, 4]], **options))
        assert ours[0] == theirs[0] and (isinstance(ours[0], type) or ours == theirs)
    assert np.array([[1, 2], [3, 4]], order="F").flags.f_contiguous
    deep = [1.0]
    for _ in range(70):
        deep = [deep]
    with pytest.raises(ValueError):
        np.array(deep)
    circle = []
    circle.append(circle)
    assert isinstance(outcome(lambda: np.array(circle))[0], type)


def test_lists_under_a_gradient_keep_what_they_hold():
    assert grad(lambda x: np.sum(np.array([x[0], x[1] * 2, 3.0]) ** 2))(np.array([1.0, 2.0])).tolist() == [2.0, 16.0]


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "uint64", "float16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 3), (2, 0, 3), (1, 2, 2)])
def test_lists_of_arrays(dtype, shape):
    theirs = (numpy.arange(numpy.prod(shape, dtype=int)) % 3).reshape(shape).astype(dtype)
    for ours, other in [(np.array(theirs), theirs), (np.array(theirs).T, theirs.T)]:
        assert repr(ours.tolist()) == repr(other.tolist())
