"""Arrays as sets, on many dtypes and sizes, against NumPy."""
import numpy
import pytest

import minpy.numpy as np
from minpy.core import grad

DTYPES = ["bool", "int8", "uint8", "int64", "uint64", "float16", "float32", "float64", "complex128"]


def draw(dtype, n, seed, most=40):
    random = numpy.random.RandomState(seed)
    x = random.randint(0, most, n) - (0 if dtype[0] in "bu" else most // 2)
    if dtype[0] in "fc":
        x = x / 4
        x[random.rand(n) < 0.1] = numpy.nan
        x[random.rand(n) < 0.1] = -0.0
    return x.astype(dtype)


def same(mine, theirs):
    if not isinstance(theirs, tuple):
        mine, theirs = (mine,), (theirs,)
    for a, b in zip(mine, theirs, strict=True):
        a = numpy.asarray(a)
        assert a.dtype == b.dtype and a.shape == b.shape
        numpy.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 2, 12, 500])
def test_unique(dtype, n):
    x = draw(dtype, n, n)
    a = np.array(x)
    for equal_nan in (True, False):
        same(np.unique(a, equal_nan=equal_nan), numpy.unique(x, equal_nan=equal_nan))
        same(np.unique(a, True, False, True, equal_nan=equal_nan), numpy.unique(x, True, False, True, equal_nan=equal_nan))
    same(np.unique(a, True, True, True), numpy.unique(x, True, True, True))
    shaped = x[:n // 2 * 2].reshape(2, -1)
    same(np.unique(np.array(shaped), return_inverse=True), numpy.unique(shaped, return_inverse=True))
    same(tuple(np.unique_all(a)), tuple(numpy.unique_all(x)))
    assert type(np.unique_counts(a)).__name__ == "UniqueCountsResult"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n, m", [(0, 3), (3, 0), (5, 3), (40, 30), (300, 500)])
def test_two_sets(dtype, n, m):
    x, y = draw(dtype, n, 1), draw(dtype, m, 2)
    a, b = np.array(x), np.array(y)
    for name in ("intersect1d", "union1d", "setdiff1d", "setxor1d", "isin"):
        same(getattr(np, name)(a, b), getattr(numpy, name)(x, y))
    same(np.isin(a, b, invert=True), numpy.isin(x, y, invert=True))
    same(np.intersect1d(a, b, return_indices=True), numpy.intersect1d(x, y, return_indices=True))
    far = draw("int64", m, 3, 10**9)
    same(np.isin(np.array(far[:n]), np.array(far)), numpy.isin(far[:n], far))
    same(np.isin(a, np.array(far)), numpy.isin(x, far))


@pytest.mark.parametrize("dtype", ["int32", "float64"])
def test_many(dtype):
    random = numpy.random.RandomState(0)
    for most in (10**9, 30_000):
        x, y = random.randint(0, most, 50_000).astype(dtype), random.randint(0, most, 40_000).astype(dtype)
        y[:10_000] = x[:10_000]
        for z in (y, numpy.append(y, numpy.nan)) if dtype == "float64" else (y,):
            a, b = np.array(x), np.array(z)
            for name in ("intersect1d", "union1d", "setdiff1d", "setxor1d", "isin"):
                same(getattr(np, name)(a, b), getattr(numpy, name)(x, z))


def test_neighbours_and_zeros():
    x = numpy.array([0, 0, 1, 0, 3, 0])
    for trim in ("fb", "f", "b", "FB"):
        same(np.trim_zeros(np.array(x), trim), numpy.trim_zeros(x, trim))
    assert np.trim_zeros([0, 1, 2, 0]) == [1, 2]
    with pytest.raises(ValueError, match="unexpected character"):
        np.trim_zeros(np.array(x), "q")
    a = np.array(x)
    assert np.trim_zeros(a).base is a
    with pytest.raises(TypeError, match="to_end"):
        np.ediff1d(np.array(x), to_end=np.array([1.5]))


def test_gradients():
    x = np.array([3.0, 1.0, 3.0, 2.0])
    assert grad(lambda a: np.sum(np.unique(a) * np.array([1.0, 10.0, 100.0])))(x).asnumpy().tolist() == [100, 1, 0, 10]
    assert grad(lambda a: np.sum(np.setdiff1d(a, np.array([1.0]))))(x).asnumpy().tolist() == [1, 0, 0, 1]
