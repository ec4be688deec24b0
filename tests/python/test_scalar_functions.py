"""Ufuncs of numbers alone against NumPy's: class, bits, warnings and errors of every one, and what numbers they are made of."""
import math
import random
import warnings

import numpy
import pytest

import minpy.numpy as np

UFUNCS = [name for name in dir(numpy) if isinstance(getattr(numpy, name), numpy.ufunc) and not getattr(numpy, name).signature and getattr(numpy, name).nin <= 2]
ODD = [
    0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 0, 1, 2, -3, True, numpy.float64(2.5), numpy.float32(1.5), numpy.int64(4), numpy.bool_(True),
    1e300, 5e-324, 2**53, 2**53 + 1, -(2**63), 2**70, 1j, type("Number", (float,), {})(0.5),
]
# Names of NumPy's for one and the same ufunc, which its errors call by the other.
RENAMED = {"degrees": "rad2deg", "radians": "deg2rad"}


def outcome(f, args):
    with warnings.catch_warnings(record=True) as caught, numpy.errstate(all="warn"):
        warnings.simplefilter("always")
        try:
            result = f(*args)
        except Exception as e:
            return type(e), str(e)
    return type(result), repr(result), [(w.category, str(w.message)) for w in caught]


@pytest.mark.parametrize("name", UFUNCS)
def test_every_ufunc_of_numbers(name):
    theirs, ours, pick = getattr(numpy, name), getattr(np, name), random.Random(name)
    draws = [lambda: pick.choice(ODD), lambda: pick.uniform(-5, 5), lambda: pick.uniform(0, 1e5), lambda: numpy.float64(pick.gauss(0, 1)), lambda: pick.randint(-9, 9)]
    for _ in range(400):
        args = [pick.choice(draws)() for _ in range(theirs.nin)]
        want, have = outcome(theirs, args), outcome(ours, args)
        if name in RENAMED:
            want, have = (str(x).replace(RENAMED[name], name) for x in (want, have))
        assert have == want, args


def test_exceptions_are_treated_as_asked():
    for _ in range(3):
        with numpy.errstate(divide="raise"), pytest.raises(FloatingPointError, match="divide by zero encountered in log"):
            np.log(0.0)
        with numpy.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.log(0.0) == -math.inf


def test_a_subclass_of_float_is_asked():
    class Odd(float):
        def sin(self):
            raise AssertionError

        def __float__(self):
            return 2.0

    assert np.sin(Odd(1.0)) == numpy.sin(Odd(1.0))


def test_other_calls_of_ufuncs():
    out = np.zeros(2)
    assert np.add(1.5, 2.5, out) is out and out.tolist() == [4.0, 4.0]
    assert np.add(1.5, 2.5, dtype="f").dtype == "f" and np.add(*(1.5, 2.5), **{}) == 4.0
    with pytest.raises(TypeError):
        np.sin()
    with pytest.raises(TypeError):
        np.sin(1.0, nothing=1)
    assert list(map(np.sqrt, [4.0, 9, numpy.float64(16)])) == [2.0, 3.0, 4.0]
