"""NumPy's scalars in front of our arrays: their operators leave the work to the array (`deference.rs`), and everything else is as it was."""
import operator
import os
import subprocess
import sys

import numpy
import pytest

import minpy.numpy as np
from minpy.core import grad

OPERATORS = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor", "lshift", "rshift", "lt", "le", "gt", "ge", "eq", "ne",
             "divmod"]
SCALARS = [numpy.bool(True), numpy.int8(3), numpy.uint8(3), numpy.int32(2), numpy.int64(2), numpy.uint64(2), numpy.float16(1.5), numpy.float32(1.5),
           numpy.float64(1.5), numpy.complex64(1 + 2j), numpy.complex128(1 - 2j), numpy.longlong(3), numpy.longdouble(2)]


def outcome(f, a, b):
    try:
        with numpy.errstate(all="ignore"):
            r = f(a, b)
    except Exception as e:
        return type(e)
    # `repr`, for NaN; rounded, because powers may differ in the last digit.
    return [(x.dtype, repr((numpy.round(x, 4 if x.dtype.itemsize > 3 else 2) if x.dtype.kind in "fc" else x).tolist())) for x in map(numpy.asarray, r if isinstance(r, tuple) else [r])]


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("x", SCALARS, ids=lambda x: type(x).__name__)
@pytest.mark.filterwarnings("ignore")
def test_operators_give_what_numpys_give(name, x):
    f = divmod if name == "divmod" else getattr(operator, name)
    for values in (numpy.array([1.0, 2.0, 4.0]), numpy.array([1, 2, 3]), numpy.array([True, False]), numpy.array([1, 2], "int8"),
                   numpy.array([0.5, 2], "float32"), numpy.array([1 + 1j, 2]), numpy.array(2.0), numpy.array([])):
        assert outcome(f, x, np.array(values)) == outcome(f, x, values), values
        assert outcome(f, np.array(values), x) == outcome(f, values, x), values


def test_results_are_ours():
    a = np.array([1.0, 2.0])
    for r in (numpy.float64(2) * a, a * numpy.float64(2), numpy.float32(2) - a, numpy.int64(2) / a, numpy.float64(1.5) > a, numpy.float64(2)**a):
        assert type(r) is np.ndarray


def test_gradients_go_through():
    x = np.array([1.0, 2.0, 3.0])
    assert grad(lambda x: np.sum(numpy.float64(3) * x - numpy.float64(1)))(x).tolist() == [3.0, 3.0, 3.0]


def test_numpys_own_are_as_they_were():
    class Mine(numpy.float64):
        def __mul__(self, other):
            return "mine"

        def __radd__(self, other):
            return "mine"

    class Other:
        def __rmul__(self, other):
            return "other"

        __array_ufunc__ = None

    x = numpy.float64(2)
    assert x * 3 == 6.0 and type(x * 3) is numpy.float64 and type(x + numpy.float32(1)) is numpy.float64
    assert (x * numpy.arange(3.0)).tolist() == [0.0, 2.0, 4.0] and Mine(2) * 3 == "mine" and 1 + Mine(2) == "mine" and x * Other() == "other"
    assert Mine(2) * np.arange(3.0) == "mine"
    assert numpy.int64(7) // 2 == 3 and divmod(numpy.int64(7), 2) == (3, 1) and pow(numpy.int64(3), 2) == 9 and x < 3 and x != 3
    with pytest.raises(TypeError):
        x * "a"


@pytest.mark.parametrize("setting", ["on", "off"])
def test_with_and_without(setting):
    """The answers are the same where the slots are left alone."""
    code = ("import numpy, minpy.numpy as np; x = numpy.float64(2); a = np.arange(3.0)\n"
            "print(type(x * a) is np.ndarray, (x * a).tolist(), (x > a).tolist(), (x ** a).tolist(), divmod(x, a + 1)[0].tolist(), x * 3)")
    run = subprocess.run([sys.executable, "-c", code], env={**os.environ, "MINPY_SCALAR_SLOTS": setting}, capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[0] == "True [0.0, 2.0, 4.0] [True, True, False] [1.0, 2.0, 4.0] [2.0, 1.0, 0.0] 6.0"


def test_a_second_module_finds_the_slots_as_they_are():
    code = ("import sys; from unittest import mock; import numpy\nwith mock.patch.dict(sys.modules): import minpy.numpy\n"
            "import minpy.numpy as np\nprint(numpy.float64(1) + numpy.float64(2), numpy.float64(2) > 1)")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout == "3.0 True\n"
