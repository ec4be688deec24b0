"""Sums of floats have NumPy's digits: the same order of additions, whatever the shape, the axes, the strides, the dtype and the number of threads."""

import os
import subprocess
import sys
import warnings

import numpy
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import minpy
import minpy.numpy as np

FUNCTIONS = ["sum", "mean", "var", "std", "prod"]
SETTINGS = settings(deadline=None, max_examples=int(os.environ.get("MINPY_DIGITS_EXAMPLES", "150")), suppress_health_check=list(HealthCheck))


def bits(x):
    return numpy.ascontiguousarray(numpy.asarray(x)).tobytes()


def same(ours, theirs, what):
    ours, theirs = numpy.asarray(ours), numpy.asarray(theirs)
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), what
    assert bits(ours) == bits(theirs), (what, ours - theirs)


def values(seed, shape, dtype):
    """Numbers of many sizes: each order of additions has digits of its own."""
    random = numpy.random.default_rng(seed)
    x = random.standard_normal(shape) * 2.0 ** random.integers(-3, 4, shape)
    if numpy.dtype(dtype).kind == "c":
        x = x + 1j * random.standard_normal(shape)
    return x.astype(dtype)


@st.composite
def arrays(draw, most=20_000):
    """An array of NumPy's with any strides, and the same of ours."""
    shape = draw(st.lists(st.sampled_from([1, 2, 3, 5, 7, 8, 9, 13, 16, 40, 129, 150, 700, 5000]), min_size=1, max_size=5))
    while numpy.prod(shape) > most:
        shape.pop(shape.index(max(shape)))
    shape = shape or [1]
    dtype = draw(st.sampled_from(["float32", "float64"]))
    base = values(draw(st.integers(0, 1000)), [n + 1 for n in shape], dtype)
    cut = draw(st.booleans())
    base = base[tuple(slice(0, n) for n in shape)] if cut else numpy.ascontiguousarray(base[tuple(slice(0, n) for n in shape)])
    ours = np.array(values(0, [n + 1 for n in shape], dtype))[tuple(slice(0, n) for n in shape)] if cut else np.zeros(shape, dtype)
    ours[...] = np.array(base)
    order = draw(st.permutations(range(len(shape))))
    steps = tuple(draw(st.sampled_from([slice(None), slice(None), slice(None, None, 2), slice(None, None, -1), slice(1, None)])) for _ in shape)
    theirs, ours = base.transpose(order)[steps], ours.transpose(order)[steps]
    if theirs.size == 0:
        theirs, ours = base, np.array(base)
    return theirs, ours


@SETTINGS
@given(arrays(), st.data())
def test_reductions(both, data):
    theirs, ours = both
    axes = data.draw(st.one_of(st.none(), st.lists(st.integers(0, theirs.ndim - 1), min_size=1, unique=True).map(tuple)))
    keepdims = data.draw(st.booleans())
    name = data.draw(st.sampled_from(FUNCTIONS))
    what = (name, theirs.shape, theirs.strides, theirs.dtype, axes)
    with numpy.errstate(all="ignore"):
        same(getattr(np, name)(ours, axis=axes, keepdims=keepdims), getattr(numpy, name)(theirs, axis=axes, keepdims=keepdims), what)


@SETTINGS
@given(arrays(), st.data())
def test_running_sums(both, data):
    theirs, ours = both
    axis = data.draw(st.one_of(st.none(), st.integers(0, theirs.ndim - 1)))
    for name in ("cumsum", "cumprod"):
        same(getattr(np, name)(ours, axis=axis), getattr(numpy, name)(theirs, axis=axis), (name, theirs.shape, theirs.strides, axis))


@SETTINGS
@given(arrays(), st.data())
def test_sums_of_what_is_computed(both, data):
    """Fused with what makes their elements, sums are those of the array that NumPy would make."""
    theirs, ours = both
    axes = data.draw(st.one_of(st.none(), st.lists(st.integers(0, theirs.ndim - 1), min_size=1, unique=True).map(tuple)))
    what = (theirs.shape, theirs.strides, theirs.dtype, axes)
    same(np.sum(ours * ours + 1, axis=axes), numpy.sum(theirs * theirs + 1, axis=axes), what)
    same(np.mean(np.abs(ours) - ours, axis=axes), numpy.mean(numpy.abs(theirs) - theirs, axis=axes), what)


ANY_DTYPES = ["float32", "float64", "complex64", "complex128", "int8", "uint16", "int64", "bool"]
ALL_FUNCTIONS = [*FUNCTIONS, "cumsum", "cumprod", "nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nancumsum", "nancumprod"]


@st.composite
def calls(draw):
    """A function, an array of any dtype, and any of the arguments that NumPy takes: as NumPy gets them and as we do."""
    name = draw(st.sampled_from(ALL_FUNCTIONS))
    # Products of complex numbers are fused in NumPy, where the processor can do that.
    of = st.sampled_from([d for d in ANY_DTYPES if not ("prod" in name and d[0] == "c")])
    dtype = draw(of)
    theirs, ours = draw(arrays(most=5000))
    theirs = (theirs * 5).astype(dtype) if dtype[0] != "u" else abs(theirs * 5).astype(dtype)
    if dtype[0] == "c":
        theirs = theirs + (1j * theirs.real[::-1]).astype(dtype)
    if name.startswith("nan") and dtype[0] in "fc":
        theirs = numpy.where(numpy.random.default_rng(draw(st.integers(0, 9))).random(theirs.shape) < 0.1, numpy.nan, theirs).astype(dtype)
    # The same strides in both.
    steps = draw(st.sampled_from([slice(None), slice(None, None, 2), slice(None, None, -1)]))
    theirs, ours = theirs[..., steps], np.array(theirs)[..., steps]
    scan = "cum" in name
    axis = st.integers(-theirs.ndim, theirs.ndim - 1)
    axes = draw(st.one_of(st.none(), axis) if scan else st.one_of(st.none(), axis, st.lists(st.integers(0, theirs.ndim - 1), unique=True).map(tuple)))
    kw = {"axis": axes}
    if not scan and draw(st.booleans()):
        kw["keepdims"] = True
    if draw(st.integers(0, 3)) == 0:
        kw["dtype"] = draw(st.sampled_from(["float32", "float64"] if "prod" in name else ["float32", "float64", "complex64", "complex128", *([] if name.startswith("nan") else ["int64"])]))
    if not scan and draw(st.integers(0, 3)) == 0:
        shape = [n if draw(st.booleans()) else 1 for n in theirs.shape]
        kw["where"] = numpy.random.default_rng(draw(st.integers(0, 9))).random(shape) < 0.7
    if name in ("sum", "prod", "nansum", "nanprod") and draw(st.integers(0, 3)) == 0:
        kw["initial"] = 3
    if draw(st.integers(0, 3)) == 0:
        into = draw(st.sampled_from(["as it is", *(d for d in ANY_DTYPES if not ("prod" in name and d[0] == "c"))]))
        with numpy.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = numpy.asarray(getattr(numpy, name)(theirs, **kw))
        kw["out"] = numpy.zeros(made.shape, made.dtype if into == "as it is" else into)
    return name, theirs, ours, kw, {k: np.array(v) if isinstance(v, numpy.ndarray) else v for k, v in kw.items()}


@SETTINGS
@given(calls(), st.sampled_from([1, 2, 3]))
def test_every_argument(call, threads):
    name, theirs, ours, kw, given_to_us = call
    what = (name, theirs.shape, theirs.strides, theirs.dtype, {k: getattr(v, "dtype", v) for k, v in kw.items()})

    def result(function, a, kw):
        try:
            return function(a, **kw)
        except (TypeError, ValueError) as e:
            return type(e)

    with numpy.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = minpy.get_num_threads()
        minpy.set_num_threads(threads)
        try:
            got, want = result(getattr(np, name), ours, given_to_us), result(getattr(numpy, name), theirs, kw)
        finally:
            minpy.set_num_threads(before)
    if isinstance(want, type) or isinstance(got, type):
        assert got is want, what
    else:
        same(got, want, what)


@SETTINGS
@given(st.integers(0, 1000), st.sampled_from([1, 2, 7, 40, 129, 700]), st.sampled_from([1, 3, 16]), st.sampled_from(["int8", "uint16", "int64", "bool", "float16"]))
def test_inner_products_that_are_not_a_library_s(seed, n, step, dtype):
    """Those of floats are computed by NumPy's BLAS, in whichever order it has for the processor."""
    a, b = (abs(values(seed + i, n * step, "float32") * 3).astype(dtype)[::step] for i in range(2))
    for name in ("dot", "vdot", "inner"):
        same(getattr(np, name)(np.array(a), np.array(b)), getattr(numpy, name)(a, b), (name, n, dtype))


def test_means_of_more_numbers_than_single_precision_counts():
    n = 2**24 + 1
    a = numpy.full(n, 1 / 3, "float32")
    a[::7] = 5
    for name in ("mean", "var"):
        same(getattr(np, name)(np.array(a)), getattr(numpy, name)(a), name)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize(
    "shape",
    [(100_003,), (1_000_000,), (1000, 1000), (3, 300_000), (300_000, 3), (100, 50, 60), (60, 70, 8), (200, 3, 40), (9000, 3), (20, 100, 5, 3), (2, 5, 5000)],
)
def test_larger_ones(shape, dtype):
    theirs = values(1, shape, dtype)
    ours = np.array(theirs)
    # NumPy multiplies complex numbers by fused instructions where the processor has some.
    for name in ("sum", "prod", "mean") if dtype.startswith("float") else ("sum",):
        for axes in (None, *range(len(shape)), (0, len(shape) - 1)) if len(shape) > 1 else (None,):
            with numpy.errstate(all="ignore"):
                x, y = (theirs, ours) if name != "prod" else (1 + theirs * 1e-6, 1 + ours * 1e-6)
                x = x.astype(dtype)
                same(getattr(np, name)(y, axis=axes), getattr(numpy, name)(x, axis=axes), (name, axes))
    if dtype.startswith("float"):
        for axes in (None, 0, -1):
            same(np.var(ours, axis=axes), numpy.var(theirs, axis=axes), axes)
            same(np.std(ours, axis=axes), numpy.std(theirs, axis=axes), axes)
    # Of parts that do not lie together.
    cut = tuple(slice(0, n - 1) for n in shape)
    same(np.sum(ours[cut]), numpy.sum(theirs[cut]), "cut")
    same(np.sum(ours.T), numpy.sum(theirs.T), "transposed")
    same(np.sum(ours[::-1]), numpy.sum(theirs[::-1]), "reversed")
    if len(shape) > 1:
        same(np.sum(ours[:, 1:], axis=-1), numpy.sum(theirs[:, 1:], axis=-1), "cut, along the last axis")
        same(np.sum(ours.T, axis=0), numpy.sum(theirs.T, axis=0), "transposed, along the first axis")


def test_sums_in_another_dtype():
    a = values(2, 30_011, "float32") * numpy.float32(10.0) ** numpy.arange(30_011) % 7
    a = a.astype("float32")
    same(np.sum(np.array(a), dtype="float64"), numpy.sum(a, dtype="float64"), "float64")
    i = numpy.random.default_rng(0).integers(-(2**60), 2**60, 30_011)
    same(np.mean(np.array(i)), numpy.mean(i), "integers")
    for axis in (0, 1):
        b = a[:30_000].reshape(300, 100)
        same(np.sum(np.array(b), axis=axis, dtype="float64"), numpy.sum(b, axis=axis, dtype="float64"), axis)


def test_nothing_has_no_sign():
    for shape in ((1,), (5,), (300,), (3, 5), (300, 2)):
        a = numpy.full(shape, -0.0)
        for axes in (None, 0, -1):
            same(np.sum(np.array(a), axis=axes), numpy.sum(a, axis=axes), (shape, axes))
            same(np.prod(np.array(a), axis=axes), numpy.prod(a, axis=axes), (shape, axes))


SCRIPT = """
import numpy, hashlib, minpy.numpy as np
h = hashlib.sha256()
for n in (1000, 70_001, 1_000_000):
    x = numpy.random.default_rng(n).standard_normal(n)
    for dtype in ("float32", "float64"):
        a = np.array(x.astype(dtype))
        for r in (np.sum(a), np.mean(a), np.var(a), np.std(a), np.cumsum(a), np.sum(a[::2] * 2), np.sum(a[: n // 100 * 100].reshape(-1, 100), axis=0),
                  np.sum(a[: n // 100 * 100].reshape(100, -1)[:, 1:]), np.sum(a[: n // 100 * 100].reshape(-1, 100), axis=1)):
            h.update(numpy.ascontiguousarray(numpy.asarray(r)).tobytes())
print(h.hexdigest())
"""


def test_any_number_of_threads():
    seen = set()
    for threads in ("1", "2", "3", "8"):
        for simd in ("base", "avx2", "avx512"):
            env = os.environ | {"MINPY_NUM_THREADS": threads, "MINPY_SIMD": simd}
            seen.add(subprocess.run([sys.executable, "-c", SCRIPT], env=env, check=True, capture_output=True, text=True).stdout)
    assert len(seen) == 1


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8"])
def test_a_column_is_summed_as_a_row(dtype):
    for n in (9, 40, 200, 1000):
        theirs = numpy.random.default_rng(n).standard_normal((n, 3)).astype(dtype)
        for view in (lambda a: a[:, :1], lambda a: a[:, :1].T, lambda a: a[::-1, 1:2]):
            ours = view(np.array(theirs))
            for axis in (0, 1):
                same(np.sum(ours, axis=axis), numpy.sum(view(theirs), axis=axis), (n, axis))


@SETTINGS
@given(st.integers(0, 1000), st.integers(2, 70), st.integers(1, 5), st.sampled_from([1, 2, 3]), st.sampled_from(["complex64", "complex128"]))
def test_products_of_complex_numbers(seed, rows, columns, step, dtype):
    rng = numpy.random.default_rng(seed)
    a, b = ((rng.standard_normal((rows * step, columns)) + 1j * rng.standard_normal((rows * step, columns))).astype(dtype)[::step] for _ in range(2))
    for f in (lambda m, x, y: x * y, lambda m, x, y: x[0, 0] * y, lambda m, x, y: x * y[0], lambda m, x, y: x.T * y.T, lambda m, x, y: x * x + y, lambda m, x, y: m.square(x),
              lambda m, x, y: x ** 2, lambda m, x, y: x ** 3, lambda m, x, y: x ** -5, lambda m, x, y: m.prod(x, 0), lambda m, x, y: m.prod(x, 1), lambda m, x, y: m.cumprod(x, 0),
              lambda m, x, y: m.cumprod(x, 1), lambda m, x, y: m.var(x, 0), lambda m, x, y: m.std(x), lambda m, x, y: m.nanvar(x), lambda m, x, y: x / y, lambda m, x, y: m.reciprocal(x)):
        ours, numpys = numpy.asarray(f(np, np.array(a), np.array(b))), numpy.asarray(f(numpy, numpy.array(a), numpy.array(b)))
        assert ours.tobytes() == numpys.tobytes()
