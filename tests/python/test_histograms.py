"""Histograms and orders of keys on data that the cases do not have: edges, outliers, weights, many dtypes."""
import warnings

import numpy
import pytest

import minpy.numpy as np
from minpy.core import grad


def same(mine, theirs):
    for a, b in zip(mine, theirs, strict=True):
        a = numpy.asarray(a)
        assert a.dtype == b.dtype and a.shape == b.shape
        numpy.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "float32", "float64"])
def test_counts(dtype):
    random = numpy.random.RandomState(0)
    for n in (0, 1, 7, 5000):
        x = (random.randn(n) * 20).astype(dtype)
        for bins in (1, 10, 33, [-10, 0, 0, 5, 30], [0.5, 1.5], numpy.array([3, 4, 5])):
            for options in ({}, {"range": (-5.0, 12.5)}, {"density": True}, {"weights": numpy.arange(n) * 0.5}):
                with warnings.catch_warnings(), numpy.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    same(np.histogram(np.array(x), bins, **options), numpy.histogram(x, bins, **options))


def test_numbers_at_the_edges():
    x = numpy.concatenate([numpy.linspace(0, 1, 11), numpy.nextafter(numpy.linspace(0, 1, 11), -1), [-1, 2]])
    for bins in (10, numpy.linspace(0, 1, 11)):
        same(np.histogram(np.array(x), bins, range=(0, 1)), numpy.histogram(x, bins, range=(0, 1)))
    x[3] = numpy.nan
    same(np.histogram(np.array(x), [0, 0.5, 1]), numpy.histogram(x, [0, 0.5, 1]))
    for call in (lambda m: m.histogram(m.array(x)), lambda m: m.histogram(m.arange(3.0), 0), lambda m: m.histogram(m.arange(3.0), [2, 1, 3]),
                 lambda m: m.histogram(m.arange(3.0), 3, (2, 1)), lambda m: m.histogram(m.arange(3.0), 2.5), lambda m: m.histogram(m.arange(3.0), weights=m.ones(2))):
        with pytest.raises(Exception) as theirs:  # whichever NumPy raises
            call(numpy)
        with pytest.raises(theirs.type) as mine:
            call(np)
        assert str(mine.value).split("[")[0] == str(theirs.value).split("[")[0]


def test_pairs():
    random = numpy.random.RandomState(1)
    x, y = random.randn(300), random.rand(300)
    for bins in (10, [3, 4], [0, 0.5, 1, 1.5], [[-1, 0, 1], [0, 0.5, 1]], [[-1, 0, 1], [0, 1]]):
        for options in ({}, {"density": True}, {"weights": y}, {"range": [[-1, 1], [0, 0.5]]}):
            mine = {k: np.array(v) if isinstance(v, numpy.ndarray) else v for k, v in options.items()}
            same(np.histogram2d(np.array(x), np.array(y), bins, **mine), numpy.histogram2d(x, y, bins, **options))


def test_gradients_of_weights():
    x = np.array([0.0, 1.0, 2.0, 3.0])
    g = grad(lambda w: np.sum(np.histogram(x, 2, weights=w)[0] * np.array([1.0, 10.0])))(np.ones(4))
    assert g.asnumpy().tolist() == [1, 1, 10, 10]


def test_several_keys():
    random = numpy.random.RandomState(2)
    keys = [random.randint(0, 3, (4, 50)) for _ in range(3)]
    for axis in (0, 1, -1):
        numpy.testing.assert_array_equal(np.lexsort([np.array(k) for k in keys], axis).asnumpy(), numpy.lexsort(keys, axis))
    numpy.testing.assert_array_equal(np.lexsort(np.array(keys[0])).asnumpy(), numpy.lexsort(keys[0]))
    with pytest.raises(ValueError, match="all keys need to be the same shape"):
        np.lexsort((np.ones(3), np.ones(2)))
