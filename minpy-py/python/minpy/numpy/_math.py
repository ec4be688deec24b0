"""Products, comparisons of whole arrays, rounding, and other functions made of operations."""
import math
import operator

import numpy

from minpy import _minpy
from minpy._minpy import array_base, tape
from minpy.numpy._native import TABLE, all_ours, as_ours, by_numpy, is_ours, native


def _np():
    import minpy.numpy
    return minpy.numpy


@native
def inner(a, b, /):
    """Sum of products over the last axes."""
    a, b = as_ours(a), as_ours(b)
    if not all_ours(a, b):
        return by_numpy("inner", a, b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(f"shapes {a.shape} and {b.shape} not aligned: {a.shape[-1]} (dim {a.ndim - 1}) != {b.shape[-1]} (dim {b.ndim - 1})")
    return _minpy._tensordot(a, b, [-1], [-1])


@native
def outer(a, b, out=None):
    """Every product of the flattened arguments."""
    a, b = as_ours(a), as_ours(b)
    if not all_ours(a, b):
        return by_numpy("outer", a, b, out=out)
    return _np().multiply(a.reshape(-1, 1), b.reshape(1, -1), out=out)


@native
def vdot(a, b, /):
    """Dot product of the flattened arguments, the first one conjugated."""
    a, b = as_ours(a), as_ours(b)
    if not all_ours(a, b):
        return by_numpy("vdot", a, b)
    a = a.ravel()
    return _minpy.dot(a.conj() if a.dtype.kind == "c" else a, b.ravel())


@native
def tensordot(a, b, axes=2):
    """Sum of products over paired axes."""
    try:
        first, second = axes
    except TypeError:
        first, second = list(range(-axes, 0)), list(range(axes))
    first = [first] if isinstance(first, int) else [operator.index(i) for i in first]
    second = [second] if isinstance(second, int) else [operator.index(i) for i in second]
    a, b = as_ours(a), as_ours(b)
    if len(set(first)) != len(first) or len(set(second)) != len(second):
        raise ValueError("tensordot: duplicate axes are not allowed")
    fits = all_ours(a, b) and len(first) == len(second) and len(first) <= min(a.ndim, b.ndim)
    if not fits or any(a.shape[i] != b.shape[j] for i, j in zip(first, second)):
        return by_numpy("tensordot", a, b, axes)
    return _minpy._tensordot(a, b, first, second)


@native
def clip(a, a_min=numpy._NoValue, a_max=numpy._NoValue, out=None, *, min=numpy._NoValue, max=numpy._NoValue, **kwargs):
    """Values limited to an interval."""
    if a_min is numpy._NoValue and a_max is numpy._NoValue:
        a_min, a_max = (None if v is numpy._NoValue else v for v in (min, max))
    elif a_min is numpy._NoValue or a_max is numpy._NoValue:
        missing = "a_min" if a_min is numpy._NoValue else "a_max"
        raise TypeError(f"clip() missing 1 required positional argument: '{missing}'")
    elif min is not numpy._NoValue or max is not numpy._NoValue:
        raise ValueError("Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is forbidden.")
    if not kwargs:
        a = a if isinstance(a, array_base) else as_ours(a)
        made = _minpy._clip(a, a_min, a_max, out)
        if made is not None:
            return made
    return _fallback_clip(a, a_min, a_max, out, kwargs)


def _fallback_clip(a, low, high, out, kwargs):
    from minpy.numpy._fallback import call
    return call("clip", numpy.clip, (a, low, high), dict(kwargs, **({} if out is None else {"out": out})))


@native
def round_(a, decimals=0, out=None):
    """Rounded to the given number of decimals. Also called `around`."""
    a = as_ours(a)
    if not is_ours(a) or decimals != 0 or a.dtype.kind not in "fc":
        if is_ours(a) and decimals >= 0 and a.dtype.kind in "iu" and out is None:
            return a.copy()
        return by_numpy("round", a, decimals, out=out)
    return _np().rint(a, out=out)


TABLE["around"] = round_


@native
def real(val):
    """The real part."""
    return val.real if is_ours(val) else as_ours(val).real


@native
def imag(val):
    """The imaginary part."""
    return val.imag if is_ours(val) else as_ours(val).imag


@native
def isclose(a, b, rtol=1.e-5, atol=1.e-8, equal_nan=False):
    """Whether elements are equal within a tolerance."""
    np = _np()
    a, b = (v if isinstance(v, (int, float)) and type(v) in (int, float) else as_ours(v) for v in (a, b))
    plain = type(rtol) in (int, float) and type(atol) in (int, float)
    if not plain or not any(is_ours(v) and v.ndim for v in (a, b)) or any(
            is_ours(v) and v.dtype.kind not in "biufc" for v in (a, b)) or not all(is_ours(v) or type(v) in (int, float) for v in (a, b)):
        return by_numpy("isclose", a, b, rtol, atol, equal_nan)
    a, b = (v.astype(numpy.float64) if is_ours(v) and v.dtype.kind in "biu" else v for v in (a, b))
    finite = np.isfinite(b)
    difference = np.abs(np.subtract(a, b))
    result = ((difference <= atol + rtol * np.abs(b)) & finite) | np.equal(a, b)
    if equal_nan:
        result = result | (np.isnan(a) & np.isnan(b))
    return result


@native
def allclose(a, b, rtol=1.e-5, atol=1.e-8, equal_nan=False):
    """Whether all elements are equal within a tolerance."""
    result = isclose(a, b, rtol, atol, equal_nan)
    return bool(result.all())


@native
def array_equal(a1, a2, equal_nan=False):
    """Whether two arrays have the same shape and elements."""
    try:
        a, b = as_ours(a1), as_ours(a2)
    except Exception:
        return False
    if not all_ours(a, b):
        return by_numpy("array_equal", a1, a2, equal_nan)
    if a.shape != b.shape:
        return False
    same = a == b
    if equal_nan and a.dtype.kind in "fc" and b.dtype.kind in "fc":
        same = same | ((a != a) & (b != b))
    return bool(same.all())


@native
def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    """NaN and infinities replaced by numbers."""
    np = _np()
    a = as_ours(x)
    if not copy and is_ours(x):
        from minpy.numpy._fallback import call
        return call("nan_to_num", numpy.nan_to_num, (x, False, nan, posinf, neginf), {}, 0)
    if not is_ours(a) or a.dtype.kind == "c":
        return by_numpy("nan_to_num", x, copy, nan, posinf, neginf)
    if a.dtype.kind != "f":
        return a.copy()
    limits = numpy.finfo(a.dtype)
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    infinite = np.isinf(a)
    return np.where(np.isnan(a), nan, np.where(infinite & (a > 0), high, np.where(infinite & (a < 0), low, a))).astype(a.dtype, copy=False)


@native
def iscomplexobj(x):
    """Whether the dtype is complex."""
    return numpy.iscomplexobj(x) if not is_ours(x) else x.dtype.kind == "c"


@native
def shape(a):
    """The shape."""
    return a.shape if hasattr(a, "shape") else as_ours(a).shape


@native
def ndim(a):
    """The number of dimensions."""
    return a.ndim if hasattr(a, "ndim") else as_ours(a).ndim


@native
def size(a, axis=None):
    """The number of elements."""
    if not is_ours(a):
        return numpy.size(a, axis)
    if axis is None:
        return a.size
    axes = numpy.lib.array_utils.normalize_axis_tuple(axis, a.ndim)
    return math.prod(a.shape[i] for i in axes)


@native
def isscalar(element):
    """Whether the element is a number or another scalar."""
    return type(element) is _minpy.scalar or numpy.isscalar(element)


@native
def may_share_memory(a, b, /, max_work=0):
    """Whether two arrays may have an element in common; `max_work` (NumPy's) decides on the host how hard it is tried."""
    if is_ours(a) and is_ours(b) and (max_work == 0 or a.context.device_type != "cpu"):
        return _minpy._may_share(a, b)
    # Objects that give an array are asked for it here: it may be one of ours, which NumPy would not take.
    seen = (v if issubclass(type(v), numpy.ndarray) else as_ours(v) for v in (a, b))
    return numpy.may_share_memory(*(v._numpy() if is_ours(v) else v for v in seen), max_work=max_work)


@native
def softmax_output(x, y):
    """Row softmax of the original: its gradient with respect to `x` is `(softmax(x) - y) / N`, whatever comes from above."""
    return _minpy.softmax(x) if not tape.recording() else _softmax_output(x, y)


def _softmax_output(x, y):
    from minpy.primitive import softmax_with_label
    return softmax_with_label(x, y)


@native
def activation(x, act_type="relu"):
    """`relu`, `sigmoid`, `tanh` or `softrelu` (MXNet's function)."""
    np = _np()
    table = {"relu": np.relu, "sigmoid": np.sigmoid, "tanh": np.tanh, "softrelu": lambda v: np.logaddexp(v, 0)}
    if act_type not in table:
        raise ValueError(f"activation: unknown type '{act_type}'; there are: {', '.join(table)}")
    return table[act_type](x)
