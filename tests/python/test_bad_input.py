"""Mistakes raise exceptions of NumPy's class that name the operation, the shapes and the dtypes."""
import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy.context import Context, cpu, gpu, set_context
from minpy.core import grad

A, B = np.ones((2, 3)), np.ones((4, 5))

CASES = [
    ("add shapes", lambda np, a, b: a + b, ValueError, ["(2,3)", "(4,5)"]),
    ("in place shapes", lambda np, a, b: np.add(a, 1, out=b), ValueError, ["(4,5)"]),
    ("dot shapes", lambda np, a, b: np.dot(a, b), ValueError, ["(2,3)", "(4,5)"]),
    ("matmul shapes", lambda np, a, b: a @ b, ValueError, []),
    ("matmul number", lambda np, a, b: a @ 2, ValueError, ["matmul"]),
    ("reshape", lambda np, a, b: a.reshape(4, 2), ValueError, ["reshape", "(4,2)"]),
    ("reshape two unknown", lambda np, a, b: a.reshape(-1, -1), ValueError, []),
    ("dtype name", lambda np, a, b: np.zeros(2, dtype="float33"), TypeError, ["float33"]),
    ("axis", lambda np, a, b: np.sum(a, axis=2), numpy.exceptions.AxisError, ["axis 2", "dimension 2"]),
    ("axis negative", lambda np, a, b: np.max(a, axis=-3), numpy.exceptions.AxisError, ["-3"]),
    ("axis twice", lambda np, a, b: np.sum(a, axis=(0, 0)), ValueError, ["duplicate"]),
    ("axis kind", lambda np, a, b: np.sum(a, axis="x"), TypeError, []),
    ("transpose axes", lambda np, a, b: a.transpose(0, 0), ValueError, []),
    ("expand_dims", lambda np, a, b: np.expand_dims(a, 5), numpy.exceptions.AxisError, ["5"]),
    ("index", lambda np, a, b: a[2], IndexError, ["index 2", "size 2"]),
    ("index negative", lambda np, a, b: a[0, -4], IndexError, ["-4", "size 3"]),
    ("too many indices", lambda np, a, b: a[0, 0, 0], IndexError, ["too many indices"]),
    ("float index", lambda np, a, b: a[1.5], IndexError, []),
    ("string index", lambda np, a, b: a["x"], IndexError, []),
    ("array index", lambda np, a, b: a[np.array([0, 7])], IndexError, ["7", "size 2"]),
    ("mask shape", lambda np, a, b: a[np.array([True, False, True])], IndexError, []),
    ("two ellipses", lambda np, a, b: a[..., ...], IndexError, []),
    ("slice step", lambda np, a, b: a[::0], ValueError, ["zero"]),
    ("set shape", lambda np, a, b: a.__setitem__(0, np.ones(4)), ValueError, ["(4,)", "(3,)"]),
    ("set string", lambda np, a, b: a.__setitem__(0, "text"), ValueError, []),
    ("integer overflow", lambda np, a, b: np.zeros(2, "int8") + 300, OverflowError, ["300", "int8"]),
    ("set overflow", lambda np, a, b: np.zeros(2, "uint8").__setitem__(0, 256), OverflowError, ["256"]),
    ("negative power", lambda np, a, b: np.array([2, 3]) ** -1, ValueError, ["negative integer powers"]),
    ("bits of floats", lambda np, a, b: a & a, TypeError, ["bitwise_and"]),
    ("subtract bool", lambda np, a, b: np.array([True]) - np.array([True]), TypeError, ["subtract"]),
    ("cast in place", lambda np, a, b: np.ones(2, int).__iadd__(1.5), TypeError, ["same_kind"]),
    ("unsafe astype", lambda np, a, b: a.astype(int, casting="safe"), TypeError, []),
    ("truth", lambda np, a, b: bool(a), ValueError, ["ambiguous"]),
    ("float of array", lambda np, a, b: float(a), TypeError, []),
    ("len of 0-d", lambda np, a, b: len(np.array(1.0)), TypeError, ["unsized"]),
    ("iterate 0-d", lambda np, a, b: iter(np.array(1.0)), TypeError, ["0-d"]),
    ("concatenate", lambda np, a, b: np.concatenate([a, b]), ValueError, []),
    ("concatenate nothing", lambda np, a, b: np.concatenate([]), ValueError, ["at least one array"]),
    ("stack", lambda np, a, b: np.stack([a, b]), ValueError, ["same shape"]),
    ("max of nothing", lambda np, a, b: np.max(np.ones((0, 3))), ValueError, ["zero-size"]),
    ("argmax of nothing", lambda np, a, b: np.argmax(np.ones(0)), ValueError, ["empty"]),
    ("out of memory", lambda np, a, b: np.zeros((1 << 26, 1 << 26)), MemoryError, []),
    ("too big", lambda np, a, b: np.zeros((1 << 40, 1 << 40)), ValueError, []),
    ("negative size", lambda np, a, b: np.zeros(-1), ValueError, ["negative"]),
    ("shape kind", lambda np, a, b: np.zeros("x"), TypeError, []),
    ("not a number", lambda np, a, b: np.exp(object()), TypeError, ["exp"]),
    ("string operand", lambda np, a, b: a + "x", TypeError, []),
    ("none operand", lambda np, a, b: a + None, TypeError, []),
    ("singular", lambda np, a, b: np.linalg.inv(np.zeros((2, 2))), numpy.linalg.LinAlgError, ["Singular"]),
    ("unknown argument", lambda np, a, b: np.sum(a, axes=1), TypeError, ["axes"]),
    ("too few arguments", lambda np, a, b: np.add(a), TypeError, []),
    ("out kind", lambda np, a, b: np.add(a, a, out=[1]), TypeError, []),
    ("where kind", lambda np, a, b: np.add(a, a, out=a, where=np.ones((2, 3))), TypeError, []),
    ("broadcast_to", lambda np, a, b: np.broadcast_to(a, (2, 4)), ValueError, ["(2,4)"]),
    ("ragged list", lambda np, a, b: np.array([[1, 2], [3]]), ValueError, ["inhomogeneous"]),
    ("unknown name", lambda np, a, b: np.no_such_function, AttributeError, ["no_such_function"]),
]


@pytest.mark.parametrize("name,case,error,parts", CASES, ids=[c[0] for c in CASES])
def test_case(name, case, error, parts):
    with pytest.raises(error):
        case(numpy, numpy.ones((2, 3)), numpy.ones((4, 5)))
    with pytest.raises(error) as caught:
        case(np, np.ones((2, 3)), np.ones((4, 5)))
    text = str(caught.value).replace(", ", ",")
    for part in parts:
        assert part in text, text


@pytest.mark.parametrize("case", [c for c in CASES if c[0] in ("add shapes", "dot shapes", "index", "array index", "axis", "reshape", "negative power", "cast in place")],
                         ids=lambda c: c[0])
def test_on_devices(case, device):
    with pytest.raises(case[2]):
        case[1](np, np.ones((2, 3)), np.ones((4, 5)))
    assert float(np.sum(np.ones(3))) == 3, "the device still works"


def test_devices():
    with pytest.raises(ValueError, match="tpu"):
        Context("tpu", 0)
    with pytest.raises(RuntimeError, match="devices found"):
        cpu(7)
    with pytest.raises(RuntimeError, match="devices found"):
        gpu(99)
    with pytest.raises((ValueError, RuntimeError)):
        set_context("nothing:0")
    with pytest.raises(TypeError):
        Context(3)
    with pytest.raises((OverflowError, TypeError, ValueError)):
        Context("cpu", -1)


def test_policies():
    with pytest.raises(TypeError, match="Unknown policy name"):
        minpy.set_global_policy("only_magic")


def test_gradients():
    assert grad(lambda x: x * x)(np.array([1, 2])).tolist() == [2, 4]  # as of the numbers 1.0 and 2.0
    with pytest.raises(TypeError):
        grad(lambda x: x)("text")
    with pytest.raises(ValueError):
        grad(lambda x: x, 3)(1.0)


def test_products_that_do_not_align_say_where(device):
    for call, dims in ((lambda a, b: a @ b, r"4 \(dim 1\) != 5 \(dim 0\)"), (np.dot, r"4 \(dim 1\) != 5 \(dim 0\)")):
        with pytest.raises(ValueError, match=r"shapes \(3,4\) and \(5,2\) not aligned: " + dims):
            call(np.ones((3, 4)), np.ones((5, 2)))
    with pytest.raises(ValueError, match=r"matmul: shapes \(3,\) and \(4,\) not aligned: 3 \(dim 0\) != 4 \(dim 0\)"):
        np.ones(3) @ np.ones(4)


@pytest.mark.parametrize("error", [ValueError("v"), OverflowError("o"), KeyError("k"), TypeError("t"), ZeroDivisionError("z")])
@pytest.mark.parametrize("key", [lambda i: (slice(None, i), [0, 1]), lambda i: (slice(i, None), [0, 1]), lambda i: (slice(None, None, i), [0, 1]), lambda i: slice(i, None)])
def test_an_index_raises_its_own_error_in_a_slice(error, key):
    class Index:
        def __index__(self):
            raise error

    for f in (lambda a: a[key(Index())], lambda a: a.__setitem__(key(Index()), 1)):
        with pytest.raises(type(error)) as caught:
            f(np.ones((3, 3)))
        assert caught.value is error
    a, b = np.arange(9).reshape(3, 3), numpy.arange(9).reshape(3, 3)
    for far in (2**70, -(2**70)):
        assert a[far:, [0, 1]].tolist() == b[far:, [0, 1]].tolist() and a[::far, [0, 1]].tolist() == b[::far, [0, 1]].tolist()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64"])
@pytest.mark.parametrize("value", [1e300, -1e300, 1e30, 300.5 * 2**60, -(2**70), 2**70])
def test_overflow_names_no_number_that_nobody_wrote(dtype, value):
    for write in (lambda a: a.__setitem__(0, value), lambda a: a.__setitem__(slice(2), value), lambda a: a.fill(value)):
        words = []
        for module in (numpy, np):
            with pytest.raises(OverflowError) as caught:
                write(module.zeros(3, dtype))
            words.append(str(caught.value))
        assert words[0] == words[1]
