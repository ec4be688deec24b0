"""What `partition`, medians and quantiles promise beyond their cases: the order around the places, every method, NaN, gradients."""
import numpy
import pytest

import minpy.numpy as np
from minpy.core import grad, jvp

METHODS = ["inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "linear", "median_unbiased",
           "normal_unbiased", "lower", "higher", "midpoint", "nearest"]
DTYPES = ["bool", "int8", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64", "complex64", "complex128"]


def draw(dtype, n, seed):
    random = numpy.random.RandomState(seed)
    x = random.randint(0, 50, n) - (0 if dtype[0] in "bu" else 25)
    if dtype[0] == "f":
        x = x + random.rand(n)
        x[random.rand(n) < 0.05] = numpy.nan
        x[random.rand(n) < 0.05] = -0.0
    if dtype[0] == "c":
        x = x + 1j * random.rand(n)
        x[random.rand(n) < 0.05] = complex(numpy.nan, 1)
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 17, 400, 5000])
def test_elements_stand_on_their_side_of_each_place(dtype, n):
    x = draw(dtype, n, n)
    want = numpy.sort(x)
    for kth in ([0], [n - 1], [n // 2], [0, n // 3, -1], list(range(0, n, max(1, n // 12)))):
        values, positions = np.partition(np.array(x), kth).asnumpy(), np.argpartition(np.array(x), kth).asnumpy()
        assert sorted(positions) == list(range(n))
        for r in (values, x[positions]):
            numpy.testing.assert_array_equal(numpy.sort(r), want)
            numpy.testing.assert_array_equal(r[kth], want[kth])
            for k in kth:
                numpy.testing.assert_array_equal(numpy.sort(r[:k] if k >= 0 else r[:n + k]), want[:k] if k >= 0 else want[:n + k])


def test_partition_along_axes_and_in_place():
    x = draw("int64", 60, 1).reshape(3, 4, 5)
    for axis in (0, 1, -1):
        want = numpy.sort(x, axis=axis)
        assert (np.partition(np.array(x), 1, axis).asnumpy().take(1, axis) == want.take(1, axis)).all()
        a = np.array(x)
        a.partition(1, axis)
        assert (a.asnumpy().take(1, axis) == want.take(1, axis)).all()
    for bad in (4, -5):
        with pytest.raises(ValueError, match=r"kth\(=.*\) out of bounds \(4\)"):
            np.partition(np.arange(4.0), bad)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_quantiles_of_many(method, dtype):
    for n in (1, 2, 5, 8, 101):
        x = draw("int64", n, n).astype(dtype)
        for q in (0.0, 0.05, 1 / 3, 0.5, 0.9, 1.0, [0.1, 0.5, 0.75], [[0.2], [0.4]], numpy.float64(0.3)):
            mine, theirs = np.quantile(np.array(x), q, method=method), numpy.quantile(x, q, method=method)
            assert numpy.asarray(mine).dtype == numpy.asarray(theirs).dtype
            numpy.testing.assert_allclose(numpy.asarray(mine), theirs, rtol=1e-6)


def test_quantiles_of_nan_and_along_axes():
    x = draw("float64", 120, 3).reshape(4, 5, 6)
    for name in ("quantile", "nanquantile"):
        for axis in (None, 0, -1, (0, 2), (1, 0, 2)):
            for keepdims in (False, True):
                for q in (0.3, [0.1, 0.9]):
                    mine = getattr(np, name)(np.array(x), q, axis=axis, keepdims=keepdims)
                    numpy.testing.assert_allclose(numpy.asarray(mine), getattr(numpy, name)(x, q, axis=axis, keepdims=keepdims), rtol=1e-12)
    numpy.testing.assert_array_equal(np.median(np.array(x), axis=0).asnumpy(), numpy.median(x, axis=0))
    numpy.testing.assert_allclose(np.nanmedian(np.array(x), axis=2).asnumpy(), numpy.nanmedian(x, axis=2))
    for q in (-0.1, 1.1, numpy.nan, [0.5, 2.0]):
        with pytest.raises(ValueError, match=r"Quantiles must be in the range \[0, 1\]"):
            np.quantile(np.array(x), q)
    with pytest.raises(TypeError, match="a must be an array of real numbers"):
        np.percentile(np.array([1j]), 50)


def test_gradients_go_to_the_elements_found():
    x = np.array([3.0, 1.0, 2.0, 5.0])
    assert grad(lambda a: np.median(a))(x).asnumpy().tolist() == [0.5, 0, 0.5, 0]
    numpy.testing.assert_allclose(grad(lambda a: np.sum(np.percentile(a, [25, 75])))(x).asnumpy(), [0.75, 0.25, 0.75, 0.25])
    assert jvp(lambda a: np.median(a), 0)((x,), (np.array([1.0, 0, 0, 0]),))[1] == 0.5
    x = np.array([3.0, numpy.nan, 2.0, 5.0])
    assert grad(lambda a: np.nanmedian(a))(x).asnumpy().tolist() == [1, 0, 0, 0]
    weights = np.arange(4.0)
    g = grad(lambda a: np.sum(np.partition(a, 1) * weights))(np.array([3.0, 1.0, 2.0, 5.0])).asnumpy()
    assert g[2] == 1 and g[1] == 0 and sorted(g) == [0, 1, 2, 3]
