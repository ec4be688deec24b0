"""`minpy.numpy.random`: NumPy's streams bit for bit, on the current device."""
import numpy
import pytest

import minpy
import minpy.numpy as np
import minpy.numpy.random as random

CALLS = [
    ("rand", (3, 2), {}), ("randn", (4,), {}), ("randint", (0, 10), {"size": 5}), ("normal", (1.0, 2.0, (2, 2)), {}),
    ("uniform", (-1, 1, 3), {}), ("random", (3,), {}), ("permutation", (6,), {}), ("choice", (5, 3), {}), ("standard_normal", ((2, 3),), {}),
    ("exponential", (2.0, 3), {}), ("binomial", (10, 0.5, 4), {}), ("multivariate_normal", ([0.0, 0.0], [[1.0, 0], [0, 1]]), {}),
]


@pytest.mark.parametrize("name,args,kwargs", CALLS, ids=[c[0] for c in CALLS])
def test_streams(name, args, kwargs, device):
    numpy.random.seed(7)
    want = getattr(numpy.random, name)(*args, **kwargs)
    np.random.seed(7)
    got = getattr(np.random, name)(*args, **kwargs)
    assert type(got) is np.ndarray and got.context == device and got.dtype == want.dtype
    numpy.testing.assert_array_equal(got.asnumpy(), want)


def test_generators(device):
    want = numpy.random.RandomState(3).randn(5)
    assert np.random.RandomState(3).randn(5).tolist() == want.tolist()
    g, n = np.random.default_rng(4), numpy.random.default_rng(4)
    r = g.normal(size=(2, 2))
    assert r.context == device and r.tolist() == n.normal(size=(2, 2)).tolist()
    assert isinstance(g, numpy.random.Generator)
    assert g.integers(10) == n.integers(10)


def test_shuffle(device):
    a, n = np.arange(10), numpy.arange(10)
    np.random.seed(1)
    np.random.shuffle(a)
    numpy.random.seed(1)
    numpy.random.shuffle(n)
    assert a.tolist() == n.tolist() and a.context == device


def test_arguments_of_ours():
    loc = np.array([1.0, 2.0])
    np.random.seed(0)
    a = np.random.normal(loc, 1.0)
    numpy.random.seed(0)
    assert a.tolist() == numpy.random.normal([1.0, 2.0], 1.0).tolist()


def test_not_a_fallback():
    before = minpy.fallback_count()
    with minpy.use_policy("only_device"):
        np.random.rand(3)
        np.random.normal(np.zeros(2))
    assert minpy.fallback_count() == before
    assert random.rand is np.random.rand
    state = np.random.get_state()
    a = np.random.rand()
    np.random.set_state(state)
    assert a == np.random.rand()
