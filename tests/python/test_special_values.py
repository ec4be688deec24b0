"""Zeros with signs, infinities, NaN and numbers at the ends of the range in complex functions; scalars of NumPy's kind; writes of an
array into itself; takes of nothing: NumPy's answers, and its errors."""
import itertools
import operator
import warnings

import numpy
import pytest

import minpy.numpy as np
from minpy.core import grad

INF, NAN = float("inf"), float("nan")
PARTS = [0.0, -0.0, 1.0, -2.5, 1e30, 1e-30, INF, -INF, NAN]
VALUES = [complex(a, b) for a in PARTS for b in PARTS]
# Those whose formula says what comes of infinities; that of the others is the library's, and no table knows which.
UNARY = ["negative", "positive", "square", "reciprocal", "conjugate", "isnan", "isinf", "isfinite", "absolute", "sign", "exp", "tanh"]
BINARY = ["add", "subtract", "multiply", "divide", "equal", "not_equal"]


def same(ours, theirs, tolerance):
    """Equal parts: the same NaNs, infinities and signs of zeros, numbers within the tolerance."""
    ours, theirs = numpy.asarray(ours), numpy.asarray(theirs)
    assert ours.dtype == theirs.dtype
    if theirs.dtype.kind != "c":
        return same_real(ours, theirs, tolerance)
    return same_real(ours.real, theirs.real, tolerance) & same_real(ours.imag, theirs.imag, tolerance)


def same_real(a, b, tolerance):
    if b.dtype.kind == "b":
        return a == b
    equal = (a == b) & (numpy.signbit(a) == numpy.signbit(b)) | numpy.isnan(a) & numpy.isnan(b)
    with numpy.errstate(all="ignore"):
        return equal | numpy.isfinite(b) & (abs(a - b) <= tolerance * abs(b)) & (b != 0)


def product(x, y):
    """The product as it is written. NumPy's vector loops round one of two products less (a fused multiply-add), where the processor
    has it: what cancels or overflows there depends on the machine."""
    made = numpy.empty_like(x)
    made.real, made.imag = x.real * y.real - x.imag * y.imag, x.real * y.imag + x.imag * y.real
    return made


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", UNARY)
def test_of_one(name, dtype):
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        x = numpy.array(VALUES, dtype)
        ours, theirs = getattr(np, name)(np.array(x)), getattr(numpy, name)(x)
        fine = same(ours, theirs, 4 * numpy.finfo(dtype).eps)
        if name == "square":
            fine |= same(ours, product(x, x), 4 * numpy.finfo(dtype).eps)
        assert fine.all(), [(v, o, t) for v, o, t, f in zip(x, numpy.asarray(ours), theirs, fine, strict=True) if not f]


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", BINARY)
def test_of_two(name, dtype):
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        x, y = (numpy.array(v, dtype) for v in zip(*itertools.product(VALUES, VALUES), strict=True))
        ours, theirs = getattr(np, name)(np.array(x), np.array(y)), getattr(numpy, name)(x, y)
        fine = same(ours, theirs, 4 * numpy.finfo(dtype).eps)
        if name == "multiply":
            fine |= same(ours, product(x, y), 4 * numpy.finfo(dtype).eps)
        assert fine.all(), [(a, b, o, t) for a, b, o, t, f in zip(x, y, numpy.asarray(ours), theirs, fine, strict=True) if not f][:8]


@pytest.mark.parametrize("made", ["element", "reduction"])
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64", "float32", "float64", "complex64"])
def test_scalars_with_numbers_of_python(made, dtype):
    for symbol in ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "lshift"]:
        for number in [True, 2, 3, 2.0, 0.5, 2j]:
            for swapped in (False, True):
                x = numpy.array([1, 1], dtype)
                pair = (x[0], np.array(x)[0]) if made == "element" else (x.max(), np.array(x).max())
                results = []
                for value in pair:
                    a, b = (number, value) if swapped else (value, number)
                    try:
                        results.append(getattr(operator, symbol)(a, b))
                    except Exception as e:
                        results.append(type(e))
                theirs, ours = results
                if isinstance(theirs, type):
                    assert ours is theirs, (symbol, number, swapped)
                else:
                    ours, theirs = numpy.asarray(ours)[()], numpy.asarray(theirs)[()]  # 2j + float64 is a number of Python's there
                    assert ours.dtype == theirs.dtype and complex(ours) == complex(theirs), (symbol, number, swapped, ours.dtype, theirs.dtype)


def test_writes_into_itself():
    for module in (numpy, np):
        d = module.diagonal(module.ones((3, 3)))
        module.copyto(d, d)
        with pytest.raises(ValueError):
            module.copyto(d, d[::-1])
        z = module.array([1 + 2j, 3 - 1j])
        z.real = z.real
        module.copyto(z.imag, z.imag)
        assert z.tolist() == [1 + 2j, 3 - 1j]

    def f(z):
        part = z.imag
        np.copyto(part, part)
        return np.sum(z.real * z.imag)
    assert grad(f)(np.array([1 + 2j, 3 - 1j])).shape == (2,)


def outcome(module, call):
    try:
        r = call(module)
    except Exception as e:
        return type(e)
    return r.shape, numpy.asarray(r).tolist()


@pytest.mark.parametrize("shape", [(0,), (0, 0), (0, 3), (3, 0), (2, 0, 3)])
def test_takes_of_nothing(shape):
    for axis in [None, *range(len(shape))]:
        for indices in ([], [-1], [0], [5], [[0, -1]]):
            for mode in ("raise", "clip"):
                def take(m):
                    return m.take(m.ones(shape), m.array(indices, dtype=int), axis=axis, mode=mode)
                assert outcome(np, take) == outcome(numpy, take), (axis, indices, mode)

            def put(m):
                a = m.ones(shape)
                m.put(a, indices, [1.0])
                return a
            assert outcome(np, put) == outcome(numpy, put), indices
    for axis in range(len(shape)):
        def along(m):
            return m.take_along_axis(m.ones(shape), m.zeros(shape, int), axis)
        assert outcome(np, along) == outcome(numpy, along)

        def repeat(m):
            return m.repeat(m.ones(shape), 2, axis)
        assert outcome(np, repeat) == outcome(numpy, repeat)
