"""New arrays whose NumPy signatures need more than a shape: ranges, identities, triangles, copies, joined sequences."""
import math
import operator

import numpy

from minpy import _minpy
from minpy.numpy._native import as_ours, by_numpy, is_ours, is_subclass, native

_NUMBERS = (int, float, complex, bool)


def join(sequence):
    """Nested lists and tuples that hold arrays of ours, as one array: the elements are stacked, and so recorded."""
    items = [join(s) if isinstance(s, (list, tuple)) else s for s in sequence]
    if not any(is_ours(i) for i in items):
        return _minpy.asarray(sequence)
    shape = next(i.shape for i in items if is_ours(i))
    weak = numpy.result_type(*[i.dtype if is_ours(i) else (i if isinstance(i, _NUMBERS) else numpy.asarray(i).dtype) for i in items])
    arrays = [i.astype(weak, copy=False) if is_ours(i) else _minpy.asarray(i, weak) for i in items]
    for i in arrays:
        if i.shape != shape:
            raise ValueError(
                "setting an array element with a sequence. The requested array has an inhomogeneous shape: "
                f"{[a.shape for a in arrays]}")
    return _minpy._stack(arrays, 0)


@native
def arange(start=None, stop=None, step=None, dtype=None, *, device=None, like=None):
    """arange([start,] stop[, step,], dtype=None): values in [start, stop)."""
    if start is None and stop is None:
        raise TypeError("arange() requires stop to be specified.")
    if stop is None:
        start, stop = 0, start
    elif start is None:
        start = 0
    step = 1 if step is None else step
    values = (start, stop, step)
    kind = numpy.dtype(dtype) if dtype is not None else numpy.result_type(*[
        numpy.dtype(type(v)) if type(v) in _NUMBERS and abs(v) < 2**63 else getattr(v, "dtype", None) or numpy.asarray(v).dtype for v in values])
    simple = all(type(v) in (int, float, bool) for v in values) and kind.kind in "iufc" and device is None
    simple = simple and all(math.isfinite(v) for v in values) and step != 0  # NumPy words the complaints
    if simple and kind.kind == "f" and kind.itemsize == 8 or simple and kind.kind in "iu" and all(type(v) is int for v in values):
        made = _minpy._arange(start, stop, step, kind)
        if made is not None:
            return made
    return by_numpy("arange", start, stop, step, dtype=dtype)


@native
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    """Evenly spaced numbers over an interval."""
    num = operator.index(num)
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    simple = type(start) in (int, float) and type(stop) in (int, float) and device is None
    kind = numpy.dtype(dtype if dtype is not None else float)
    if simple and kind == numpy.float64:
        made = _minpy._linspace(start, stop, num, bool(endpoint), kind)
        if made is not None:
            steps = num - 1 if endpoint else num
            return (made, numpy.float64((stop - start) / steps if steps > 0 else numpy.nan)) if retstep else made
    return by_numpy("linspace", start, stop, num, endpoint=endpoint, retstep=retstep, dtype=dtype, axis=axis)


@native
def eye(N, M=None, k=0, dtype=float, order="C", *, device=None, like=None):
    """Ones on a diagonal, zeros elsewhere."""
    n, m, k = operator.index(N), operator.index(N if M is None else M), operator.index(k)
    made = _minpy._eye(n, m, k, dtype) if n >= 0 and m >= 0 and order == "C" and device is None else None
    return by_numpy("eye", n, m, k, dtype, order) if made is None else made


@native
def identity(n, dtype=None, *, like=None):
    """The identity matrix."""
    return eye(n, dtype=float if dtype is None else dtype)


@native
def full(shape, fill_value, dtype=None, order="C", *, device=None, like=None):
    """An array of one value."""
    if dtype is None:
        dtype = fill_value.dtype if hasattr(fill_value, "dtype") else numpy.asarray(fill_value).dtype
    made = _minpy.empty(shape, dtype, order, device=device)
    copyto(made, fill_value, casting="unsafe")
    return made


@native
def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    """An array of one value, shaped like another."""
    made = _minpy.empty_like(a, dtype, order, subok, shape, device=device)
    copyto(made, fill_value, casting="unsafe")
    return made


@native
def from_dlpack(x, /, *, device=None, copy=None):
    """The array behind an object with the DLPack protocol: ours as a view, any other by NumPy."""
    if is_ours(x) and device is None:
        return _minpy.array(x, copy=True) if copy else x[...]
    return numpy.from_dlpack(x, device=device, copy=copy)


@native
def copy(a, order="K", subok=False):
    """A copy."""
    return _minpy.array(a, order=order, copy=True)


@native
def asanyarray(a, dtype=None, order=None, *, device=None, copy=None, like=None):
    """The argument as an array; subclasses of NumPy's array stay as they are."""
    if is_subclass(a):
        return numpy.asanyarray(a, dtype, order)
    return _minpy.asarray(a, dtype, order, device=device, copy=copy)


@native
def asarray_chkfinite(a, dtype=None, order=None):
    """The argument as an array; an error for NaN and infinity."""
    a = _minpy.asarray(a, dtype, order)
    if a.dtype.kind in "fc" and not numpy_all_finite(a):
        raise ValueError("array must not contain infs or NaNs")
    return a


def numpy_all_finite(a):
    """Whether every element is finite."""
    import minpy.numpy as np
    return bool(np.isfinite(a).all())


@native
def require(a, dtype=None, requirements=None, *, like=None):
    """The argument as an array of that dtype; requirements on memory are NumPy's business."""
    if not requirements:
        return asanyarray(a, dtype=dtype)
    return by_numpy("require", a, dtype, requirements)


@native
def copyto(dst, src, casting="same_kind", where=True):
    """Writes values into an array, broadcasting them."""
    if not is_ours(dst):
        if not isinstance(dst, numpy.ndarray):
            raise TypeError(f"argument 1 must be numpy.ndarray, not {type(dst).__name__}")
        return by_numpy("copyto", dst, src, casting, where)
    given = src if is_ours(src) or type(src) in _NUMBERS else as_ours(src)
    if type(given) not in _NUMBERS and not is_ours(given):
        return by_numpy("copyto", dst, src, casting, where)
    if _minpy._same_view(dst, given):
        return  # NumPy does not look at anything else then
    kind = given.dtype if is_ours(given) else None
    if kind is not None and not numpy.can_cast(kind, dst.dtype, casting):
        raise TypeError(f"Cannot cast array data from {kind!r} to {dst.dtype!r} according to the rule '{casting}'")
    if kind is None and casting == "same_kind" and numpy.result_type(dst.dtype, given) != dst.dtype:
        raise TypeError(f"Cannot cast scalar from dtype('{numpy.asarray(given).dtype}') to {dst.dtype!r} according to the rule 'same_kind'")
    if where is True:
        if is_ours(given) and given.ndim > dst.ndim:
            raise ValueError(f"could not broadcast input array from shape {given.shape} into shape {dst.shape}")
        dst[...] = given
    else:
        _minpy._copy_where(dst, given, where)


def _band(m, k, lower):
    m = as_ours(m)
    if not is_ours(m) or m.ndim < 1:
        return None
    if m.ndim == 1:
        m = _minpy.broadcast_to(m, (m.shape[0],) * 2)
    rows, cols = (_minpy._arange(0, n, 1, numpy.int64) for n in m.shape[-2:])
    below = rows.reshape(-1, 1) + operator.index(k) >= cols
    import minpy.numpy as np
    return np.where(below, m, 0) if lower else np.where(below, 0, m)


@native
def tril(m, k=0):
    """The lower triangle."""
    made = _band(m, k, True)
    return by_numpy("tril", m, k) if made is None else _same_dtype(made, m)


@native
def triu(m, k=0):
    """The upper triangle."""
    made = _band(m, operator.index(k) - 1, False)
    return by_numpy("triu", m, k) if made is None else _same_dtype(made, m)


def _same_dtype(made, m):
    kind = as_ours(m).dtype
    return made if made.dtype == kind else made.astype(kind)


@native
def diag(v, k=0):
    """A diagonal as a vector, or a matrix with that diagonal."""
    v = as_ours(v)
    if not is_ours(v) or v.ndim not in (1, 2):
        return by_numpy("diag", v, k)
    if v.ndim == 2:
        import minpy.numpy as np
        return np.diagonal(v, k)
    n = v.shape[0] + abs(k)
    made = _minpy.zeros((n, n), v.dtype, device=v.context)
    if v.shape[0]:
        at = _minpy._arange(0, v.shape[0], 1, numpy.int64)
        made[at + max(-k, 0), at + max(k, 0)] = v
    return made


@native
def diagflat(v, k=0):
    """A matrix with the flattened argument as a diagonal."""
    return diag(as_ours(v).ravel(), k)
