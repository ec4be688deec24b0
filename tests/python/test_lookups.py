"""`np.r_` and `np.c_` of arrays, which are computed here, against NumPy's; what else they take is NumPy's to read."""
import random

import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy.core import grad


def outcome(f):
    try:
        return f()
    except Exception as e:
        return type(e)


@pytest.mark.parametrize("name", ["r_", "c_"])
def test_of_arrays(name):
    pick = random.Random(name)
    for _ in range(300):
        dimensions = pick.choice([1, 1, 2, 3])
        theirs = []
        for _ in range(pick.randint(1, 3)):
            shape = [pick.randint(0, 3) for _ in range(dimensions if pick.random() < 0.9 else pick.randint(0, 2))]
            theirs.append(numpy.arange(int(numpy.prod(shape))).reshape(shape).astype(pick.choice("dfil")))
        want = outcome(lambda theirs=theirs: getattr(numpy, name)[tuple(theirs)])
        have = outcome(lambda theirs=theirs: getattr(np, name)[tuple(map(np.array, theirs))])
        if isinstance(want, type):
            assert have is want
        else:
            assert type(have) is np.ndarray and have.dtype == want.dtype and have.shape == want.shape and numpy.array_equal(have, want)


def test_they_are_no_fallbacks_and_have_gradients():
    before = minpy.fallback_count()
    assert grad(lambda x: (np.c_[x, x * x] ** 2).sum())(np.arange(3.0)).tolist() == [0, 6, 36]
    assert grad(lambda x: (np.r_[x, x] ** 2).sum())(np.arange(3.0)).tolist() == [0, 4, 8]
    assert minpy.fallback_count() == before


def test_the_rest_of_the_language():
    a = np.arange(3.0)
    for have, want in [(np.r_[0:3, a, 5], numpy.r_[0:3, numpy.arange(3.0), 5]), (np.r_["0,2", a, a], numpy.r_["0,2", numpy.arange(3.0), numpy.arange(3.0)]), (np.c_[a, [7, 8, 9]], numpy.c_[numpy.arange(3.0), [7, 8, 9]])]:  # fmt: skip
        assert have.tolist() == want.tolist() and type(have) is np.ndarray
