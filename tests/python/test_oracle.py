"""Every ufunc and every function of the tables against NumPy: values, dtype of the result, and the class of the exception. The functions by
their own cases, with arrays of every dtype and layout; beside them only what no table has: programs of several functions, indexing, methods of
ufuncs, and functions that run in NumPy."""
import warnings

import numpy
import pytest
from table_calls import CALLS, ENTRIES, NAMES, SIGNATURES, find, kind_of, parameters

import minpy.numpy as np
from minpy import _minpy

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


# The methods of arrays that are operators of Python, from the left, from the right and in place.
UNARY = ["__neg__", "__pos__", "__abs__", "__invert__"]
OPERATORS = [f"__{side}{name}__" for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow", "and", "or", "xor", "lshift", "rshift", "matmul",
                                              "eq", "ne", "lt", "le", "gt", "ge") for side in ("", "r", "i") if hasattr(numpy.ndarray, f"__{side}{name}__")]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY + OPERATORS)
def test_operators(name, dtype):
    x = abs(sample(dtype, 4))
    args = [] if name in UNARY else [(x % 3 if x.dtype.kind in "iu" else x)]
    if "matmul" in name:
        x, args = x[:3, :3], [args[0][:3, :3]]
    compare(name, lambda a, *b: getattr(a.copy(), name)(*b), lambda a, *b: getattr(a.copy(), name)(*b), [x, *args])


# What takes an array and perhaps an axis, and nothing else that it must be given. (Each name has its own test: `median` runs in NumPy.)
ALONG = [name for name, p in parameters("Axis", "Axes", "Ints", "Int", named="axis") if kind_of(name, SIGNATURES[name][0].name) in ("Array", "Kept", "Ours")
         and all(q.default is not q.empty for q in SIGNATURES[name][1:] if q.kind is not q.VAR_KEYWORD)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*ALONG, "median"])
def test_along_axes(name, dtype):
    if name in ("argsort",) and dtype == "complex64":
        pytest.skip("NumPy's argsort of ties depends on its algorithm")
    x = sample(dtype, 5, (3, 4, 5)) if name != "argsort" else numpy.random.RandomState(1).permutation(60).reshape(3, 4, 5).astype(dtype)
    if name in ("prod", "cumprod"):
        x = x[:, :2, :2]
    if name == "argsort" and dtype == "bool":
        return
    for axis in (None, 0, 1, -1):
        loose = {"float16": 1e-2, "float32": 1e-5, "complex64": 1e-5}.get(dtype, 1e-12)
        want, error = outcome(find(numpy, name), x, axis=axis)
        got, problem = outcome(find(np, name), np.array(x), axis=axis)
        assert (error is None) == (problem is None), (name, dtype, axis, error, problem)
        if error is None:
            assert got.dtype == want.dtype, (name, dtype, axis)
            numpy.testing.assert_allclose(got, want, rtol=loose, atol=loose)


# Of an array, along axes, all axes at once too.
REDUCTIONS = [name for name in ALONG if kind_of(name, "axis") == "Axes" and "keepdims" in dict(ENTRIES[name]["parameters"])]


@pytest.mark.parametrize("axis", [None, 0, (0, 2), (), -1])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reduction_arguments(name, axis, keepdims):
    x = sample("float64", 6, (2, 3, 4))
    want, error = outcome(find(numpy, name), x, axis=axis, keepdims=keepdims)
    got, problem = outcome(find(np, name), np.array(x), axis=axis, keepdims=keepdims)
    assert type(error) is type(problem)
    if error is not None:
        return  # `linalg.norm` of more than two axes, or none
    assert numpy.shape(got) == numpy.shape(want)
    numpy.testing.assert_allclose(numpy.asarray(got), want)


@pytest.mark.parametrize("name", [name for name, _ in parameters("Mask", named="where") if name in REDUCTIONS])
def test_masks_and_first_values_of_reductions(name):
    x = sample("float64", 6, (2, 3, 4))
    for options in ({"where": x > 0}, {"where": x > 0, "initial": 3.0}, {"initial": 3.0}, {"where": x > 0, "initial": 3, "axis": (0, 1)}):
        want, error = outcome(find(numpy, name), x, **options)
        got, problem = outcome(find(np, name), np.array(x), **{k: np.array(v) if k == "where" else v for k, v in options.items()})
        assert type(error) is type(problem)
        if error is None:
            numpy.testing.assert_allclose(got, want)


@pytest.mark.parametrize("name", [name for name, _ in parameters("Out") if name in REDUCTIONS])
def test_outputs_of_reductions(name):
    x, out = sample("float64", 6, (2, 3, 4)), np.zeros(4)
    assert find(np, name)(np.array(x), axis=(0, 1), out=out) is out
    numpy.testing.assert_allclose(numpy.asarray(out), find(numpy, name)(x, axis=(0, 1)))


MIXED = {"first": 1, "all": None}


@pytest.mark.parametrize("which", MIXED)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in NAMES if CALLS[name]])
def test_functions_of_dtypes(name, dtype, which):
    """The floating-point numbers of the cases in another dtype: those of all arrays, or of the first one, beside others as they are."""
    wrong = []
    for call in CALLS[name]:
        if name == "argsort":  # NumPy's of ties depends on its algorithm
            call = call.with_value("kind", "stable")
        left = iter([True] * (MIXED[which] or 99))
        wrong.append(call.mapped(lambda kind, a: a.astype(dtype) if a.dtype.kind in "fc" and kind not in ("Mask", "Indices") and next(left, False) else a).disagreement())
    assert not any(wrong), "\n".join(filter(None, wrong))


VIEWS = {"transposed": lambda a: a.T.copy().T, "sliced": lambda a: (a.repeat(2, axis=-1) if a.ndim else a)[..., ::2] if a.ndim else a, "reversed": lambda a: a[::-1].copy()[::-1] if a.ndim else a}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", [name for name in NAMES if CALLS[name]])
def test_functions_of_views(name, view, device):
    """The arrays of the cases lie otherwise in memory; what is written is read through the view."""
    # Where the elements of a view are not one after another, NumPy refuses to write them by their numbers.
    calls = [call for call in CALLS[name] if name != "put_along_axis" or call.values["axis"] is not None]
    wrong = [call.disagreement(view=VIEWS[view]) for call in calls]
    assert not any(wrong), "\n".join(filter(None, wrong))


# What is no call of one function of the table with arguments as in its cases.
PROGRAMS = [
    ("repeat_list", lambda np, a: np.repeat(a, [1, 2], axis=0)),
    ("rot90", lambda np, a: np.rot90(a)),
    ("where_numbers", lambda np, a: np.where(a > 0, 1, 2)),
    ("take_along_axis", lambda np, a: np.take_along_axis(a, np.argsort(a, axis=1), axis=1)),
    ("dot_high", lambda np, a: np.dot(a, np.swapaxes(a, 1, 2))),
    ("matmul", lambda np, a: a @ np.swapaxes(a, 1, 2)),
    ("matmul_vector", lambda np, a: a[0, 0] @ a[1, 0]),
    ("einsum", lambda np, a: np.einsum("ijk,ijl->kl", a, a)),
    ("nan_to_num", lambda np, a: np.nan_to_num(np.where(a > 0, np.inf, a))),
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


@pytest.mark.parametrize("name,case", PROGRAMS, ids=[n for n, _ in PROGRAMS])
def test_programs(name, case, device):
    a = sample("float64", 8, (2, 3, 4))
    want = numpy.asarray(case(numpy, a))
    result = case(np, np.array(a))
    got = numpy.asarray(result)
    assert got.dtype == want.dtype and got.shape == want.shape
    numpy.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)
    if hasattr(result, "context"):
        assert result.context == device
