"""Every ufunc and every function of the tables against NumPy: values, dtype of the result, and the class of the exception. The functions by
their own cases, with arrays of every dtype and layout; beside them only what no table has: programs of several functions, indexing, methods of
ufuncs, and functions that run in NumPy."""
import warnings

import numpy
import pytest

import minpy.numpy as np
from minpy import _minpy
from table_calls import CALLS, ENTRIES, NAMES, SIGNATURES, UNSET, host, kind_of, parameters

warnings.filterwarnings("ignore")
UFUNCS = {name: f for name, f in _minpy._ufuncs().items() if f._numpy is not None}
DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
          "complex64", "complex128"]
SHAPE = (3, 4)


def sample(dtype, seed, shape=SHAPE):
    random = numpy.random.RandomState(seed)
    kind = numpy.dtype(dtype).kind
    if kind == "b":
        return random.rand(*shape) > 0.5
    if kind in "iu":
        return random.randint(0 if kind == "u" else -9, 10, shape).astype(dtype)
    x = (random.randn(*shape) * 2).astype("float64")
    if kind == "c":
        x = x + 1j * random.randn(*shape)
    return x.astype(dtype)


LAYOUTS = {
    "contiguous": lambda a: a.copy(),
    "transposed": lambda a: a.T.copy().T,
    "sliced": lambda a: numpy.repeat(a, 2, axis=1)[:, ::2],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "broadcast": lambda a: numpy.broadcast_to(a[:1], a.shape),
    "0-d": lambda a: a[0, 0].reshape(()),
    "empty": lambda a: a[:0],
}
# Units in the last place of the compute dtype that results may differ by; complex functions lose some near branch cuts.
ULP = 8


def close(ours, theirs, name):
    assert ours.dtype == theirs.dtype, f"{name}: dtype {ours.dtype} for {theirs.dtype}"
    assert ours.shape == theirs.shape
    if theirs.dtype.kind in "biu":
        numpy.testing.assert_array_equal(ours, theirs)
    else:
        eps = numpy.finfo(theirs.dtype).eps
        scale = 40 if theirs.dtype.kind == "c" else ULP
        numpy.testing.assert_allclose(ours, theirs, rtol=scale * eps, atol=scale * eps, equal_nan=True)


def outcome(function, *args, **kwargs):
    try:
        return numpy.asarray(function(*args, **kwargs)), None
    except Exception as e:  # the class is what is compared
        return None, e


def compare(name, ours, theirs, args, **kwargs):
    want, error = outcome(theirs, *args, **kwargs)
    mine = [np.array(a) if isinstance(a, numpy.ndarray) else a for a in args]
    got, problem = outcome(ours, *mine, **kwargs)
    if error is not None:
        assert problem is not None, f"{name}: NumPy raises {type(error).__name__}: {error}"
        assert any(isinstance(problem, c) for c in type(error).__mro__[:-3] or type(error).__mro__), (name, error, problem)
    else:
        assert problem is None, f"{name}: {type(problem).__name__}: {problem}"
        close(got, want, name)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(UFUNCS))
def test_dtype(name, dtype):
    f = UFUNCS[name]
    args = [sample(dtype, i) for i in range(f.nin)]
    if name in ("left_shift", "right_shift"):
        args[1] = (abs(args[1].astype("int64")) % 7).astype(dtype) if args[1].dtype.kind in "iu" else args[1]
    if name == "reciprocal" and args[0].dtype.kind in "iu":
        args[0][args[0] == 0] = 1  # NumPy converts an infinity to an integer: undefined
    compare(name, f, f._numpy, args)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("name", sorted(UFUNCS))
def test_layout(name, layout):
    f = UFUNCS[name]
    dtype = "int32" if name in ("invert", "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "gcd", "lcm") else "float64"
    args = [LAYOUTS[layout](abs(sample(dtype, i))) for i in range(f.nin)]
    compare(name, f, f._numpy, args)


BINARY = sorted(name for name, f in UFUNCS.items() if (f.nin, f.nout) == (2, 1) and not f.signature)


@pytest.mark.parametrize("a", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_promotion(name, a):
    f = UFUNCS[name]
    for b in DTYPES:
        args = [abs(sample(a, 1)), abs(sample(b, 2))]
        if name == "power" and args[1].dtype.kind in "iu":
            args[1] = (args[1] % 3).astype(b)
        compare(f"{name} {a} {b}", f, f._numpy, args)


@pytest.mark.parametrize("number", [True, 3, -2, 2.5, 1 + 2j, numpy.float32(1.5), numpy.int8(2), numpy.float64(0.5)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers(dtype, number):
    x = sample(dtype, 3)
    for name in BINARY:
        f = UFUNCS[name]
        compare(f"{name} {dtype} {number!r}", f, f._numpy, [x, number])
        compare(f"{name} {number!r} {dtype}", f, f._numpy, [number, x])


OPERATORS = ["__add__", "__sub__", "__mul__", "__truediv__", "__floordiv__", "__mod__", "__pow__", "__radd__", "__rsub__", "__rtruediv__",
             "__eq__", "__lt__", "__and__", "__lshift__", "__neg__", "__abs__", "__invert__"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name, dtype):
    x = abs(sample(dtype, 4))
    args = [] if name in ("__neg__", "__abs__", "__invert__") else [(x % 3 if x.dtype.kind in "iu" else x)]
    compare(name, lambda a, *b: getattr(a, name)(*b), lambda a, *b: getattr(a, name)(*b), [x, *args])


REDUCTIONS = ["sum", "prod", "max", "min", "any", "all", "mean", "var", "std", "argmax", "argmin", "cumsum", "cumprod", "count_nonzero",
              "ptp", "median", "sort", "argsort"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name, dtype):
    if name in ("argsort",) and dtype == "complex64":
        pytest.skip("NumPy's argsort of ties depends on its algorithm")
    x = sample(dtype, 5, (3, 4, 5)) if name != "argsort" else numpy.random.RandomState(1).permutation(60).reshape(3, 4, 5).astype(dtype)
    if name in ("prod", "cumprod"):
        x = x[:, :2, :2]
    if name == "argsort" and dtype == "bool":
        return
    for axis in (None, 0, 1, -1):
        loose = {"float16": 1e-2, "float32": 1e-5, "complex64": 1e-5}.get(dtype, 1e-12)
        want, error = outcome(getattr(numpy, name), x, axis=axis)
        got, problem = outcome(getattr(np, name), np.array(x), axis=axis)
        assert (error is None) == (problem is None), (name, dtype, axis, error, problem)
        if error is None:
            assert got.dtype == want.dtype, (name, dtype, axis)
            numpy.testing.assert_allclose(got, want, rtol=loose, atol=loose)


@pytest.mark.parametrize("axis", [None, 0, (0, 2), (), -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reduction_arguments(axis, keepdims):
    x = sample("float64", 6, (2, 3, 4))
    for name in ("sum", "max", "mean", "std", "any"):
        want = getattr(numpy, name)(x, axis=axis, keepdims=keepdims)
        got = getattr(np, name)(np.array(x), axis=axis, keepdims=keepdims)
        assert got.shape == want.shape
        numpy.testing.assert_allclose(numpy.asarray(got), want)
    mask = x > 0
    numpy.testing.assert_allclose(float(np.sum(np.array(x), where=mask, initial=3.0)), numpy.sum(x, where=mask, initial=3.0))
    out = np.zeros(4)
    assert np.sum(np.array(x), axis=(0, 1), out=out) is out
    numpy.testing.assert_allclose(numpy.asarray(out), x.sum((0, 1)))


CASES = [
    ("reshape", lambda np, a: np.reshape(a, (4, -1), order="F")),
    ("ravel", lambda np, a: np.ravel(a, "F")),
    ("transpose", lambda np, a: np.transpose(a, (2, 0, 1))),
    ("moveaxis", lambda np, a: np.moveaxis(a, 0, -1)),
    ("rollaxis", lambda np, a: np.rollaxis(a, 2)),
    ("swapaxes", lambda np, a: np.swapaxes(a, 0, 2)),
    ("concatenate", lambda np, a: np.concatenate([a, a.astype("float32")], axis=1)),
    ("concatenate_flat", lambda np, a: np.concatenate([a, a], axis=None)),
    ("stack", lambda np, a: np.stack([a, a], axis=2)),
    ("vstack", lambda np, a: np.vstack([a[0], a[0, 0]])),
    ("hstack", lambda np, a: np.hstack([a[0, 0], a[0, 1]])),
    ("dstack", lambda np, a: np.dstack([a[0], a[1]])),
    ("column_stack", lambda np, a: np.column_stack([a[0, 0], a[0, 1]])),
    ("split", lambda np, a: np.split(a, 2, axis=2)[1]),
    ("array_split", lambda np, a: np.array_split(a, 3, axis=2)[0]),
    ("tile", lambda np, a: np.tile(a, (2, 1, 2))),
    ("repeat", lambda np, a: np.repeat(a, 3, axis=1)),
    ("repeat_list", lambda np, a: np.repeat(a, [1, 2], axis=0)),
    ("flip", lambda np, a: np.flip(a, (0, 2))),
    ("roll", lambda np, a: np.roll(a, (1, -2), axis=(0, 2))),
    ("roll_flat", lambda np, a: np.roll(a, 5)),
    ("rot90", lambda np, a: np.rot90(a)),
    ("where", lambda np, a: np.where(a > 0, a, 0)),
    ("where_numbers", lambda np, a: np.where(a > 0, 1, 2)),
    ("nonzero", lambda np, a: np.nonzero(a > 0)[1]),
    ("argwhere", lambda np, a: np.argwhere(a > 0)),
    ("flatnonzero", lambda np, a: np.flatnonzero(a > 0)),
    ("take", lambda np, a: np.take(a, [[0, -1], [1, 1]], axis=1)),
    ("take_flat", lambda np, a: np.take(a, [3, 1])),
    ("take_wrap", lambda np, a: np.take(a, [30, -31], mode="wrap")),
    ("take_along_axis", lambda np, a: np.take_along_axis(a, np.argsort(a, axis=1), axis=1)),
    ("dot", lambda np, a: np.dot(a, a[0].T)),
    ("dot_high", lambda np, a: np.dot(a, np.swapaxes(a, 1, 2))),
    ("matmul", lambda np, a: a @ np.swapaxes(a, 1, 2)),
    ("matmul_vector", lambda np, a: a[0, 0] @ a[1, 0]),
    ("inner", lambda np, a: np.inner(a, a[0])),
    ("outer", lambda np, a: np.outer(a[0], a[1])),
    ("tensordot", lambda np, a: np.tensordot(a, a, ([0, 1], [0, 1]))),
    ("vdot", lambda np, a: np.vdot(a, a)),
    ("einsum", lambda np, a: np.einsum("ijk,ijl->kl", a, a)),
    ("trace", lambda np, a: np.trace(a, 1)),
    ("diagonal", lambda np, a: np.diagonal(a, -1, 1, 2)),
    ("diag", lambda np, a: np.diag(a[0, 0], -2)),
    ("diag_of", lambda np, a: np.diag(a[0], 1)),
    ("tril", lambda np, a: np.tril(a, -1)),
    ("triu", lambda np, a: np.triu(a, 1)),
    ("clip", lambda np, a: np.clip(a, -0.5, None)),
    ("round", lambda np, a: np.round(a, 1)),
    ("average", lambda np, a: np.average(a, axis=1, weights=[1, 2, 3])),
    ("nan_to_num", lambda np, a: np.nan_to_num(np.where(a > 0, np.inf, a))),
    ("isclose", lambda np, a: np.isclose(a, a + 1e-9)),
    ("array_equal", lambda np, a: np.array_equal(a, a + 1)),
    ("expand_dims", lambda np, a: np.expand_dims(a, (0, -1))),
    ("squeeze", lambda np, a: np.squeeze(a[:1, :, :1], axis=(0, 2))),
    ("broadcast_to", lambda np, a: np.broadcast_to(a[0, 0], (2, 3, 4))),
    ("broadcast_arrays", lambda np, a: np.broadcast_arrays(a, a[0, 0])[1]),
    ("append", lambda np, a: np.append(a, a[:1], axis=0)),
    ("searchsorted", lambda np, a: np.searchsorted(np.sort(a[0, 0]), a[1, 0])),
    ("unique", lambda np, a: np.unique(np.round(a))),
    ("percentile", lambda np, a: np.percentile(a, 30, axis=0)),
    ("histogram", lambda np, a: np.histogram(a, 5)[0]),
    ("add.reduce", lambda np, a: np.add.reduce(a)),
    ("add.reduce_all", lambda np, a: np.add.reduce(a, axis=None)),
    ("multiply.accumulate", lambda np, a: np.multiply.accumulate(a, axis=1)),
    ("maximum.reduce", lambda np, a: np.maximum.reduce(a, axis=(0, 1))),
    ("subtract.outer", lambda np, a: np.subtract.outer(a[0, 0], a[0, 1])),
    ("add.reduceat", lambda np, a: np.add.reduceat(a, [0, 1], axis=1)),
    ("logical_or.reduce", lambda np, a: np.logical_or.reduce(a > 1, axis=0)),
    ("arange", lambda np, a: np.arange(2, 9, 3)),
    ("arange_float", lambda np, a: np.arange(0.5, 3, 0.25)),
    ("linspace", lambda np, a: np.linspace(-1, 2, 7)),
    ("eye", lambda np, a: np.eye(3, 4, 1)),
    ("full", lambda np, a: np.full((2, 2), 7)),
    ("full_like", lambda np, a: np.full_like(a, 2.5)),
    ("mgrid", lambda np, a: np.mgrid[0:2, 0:3]),
    ("r_", lambda np, a: np.r_[1:4, 0, 4]),
    ("meshgrid", lambda np, a: np.meshgrid(a[0, 0], a[0, 1])[1]),
    ("linalg.inv", lambda np, a: np.linalg.inv(a[0] @ a[0].T + np.eye(3))),
    ("fft", lambda np, a: np.fft.fft(a)),
    ("complex", lambda np, a: (a + 1j * a).conj().imag),
    ("fancy", lambda np, a: a[:, [0, 2], [1, 3]]),
    ("fancy_split", lambda np, a: a[[0, 1], :, [1, 3]]),
    ("mask", lambda np, a: a[a > 0]),
    ("mask_axis", lambda np, a: a[:, np.array([True, False, True])]),
    ("newaxis", lambda np, a: a[:, None, ..., ::-2]),
]


@pytest.mark.parametrize("name,case", CASES, ids=[n for n, _ in CASES])
def test_functions(name, case, device):
    a = sample("float64", 8, (2, 3, 4))
    want = numpy.asarray(case(numpy, a))
    result = case(np, np.array(a))
    got = numpy.asarray(result)
    assert got.dtype == want.dtype and got.shape == want.shape
    numpy.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)
    if hasattr(result, "context"):
        assert result.context == device
