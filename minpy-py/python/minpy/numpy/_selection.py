"""Elements chosen or written by indices and conditions."""
import operator

import numpy

from minpy import _minpy
from minpy.numpy._native import FUNCTIONS, all_ours, as_ours, by_numpy, is_ours, native, on_host

_axis = numpy.lib.array_utils.normalize_axis_index


def _wrapped(indices, n, mode):
    if mode == "raise":
        return indices
    import minpy.numpy as np
    indices = indices.astype(numpy.int64, copy=False)  # the length need not fit the dtype of the indices
    return np.remainder(indices, n) if mode == "wrap" else np.maximum(np.minimum(indices, n - 1), 0)


@native
def take(a, indices, axis=None, out=None, mode="raise"):
    """Elements at indices along an axis."""
    a, i = as_ours(a), as_ours(indices)
    if type(indices) in (list, tuple) and i.size == 0:
        i = i.astype(numpy.int64)  # no numbers have no kind
    if not all_ours(a, i) or out is not None or i.dtype.kind not in "iub" or mode not in ("raise", "wrap", "clip"):
        return by_numpy("take", a, indices, axis, out=out, mode=mode)
    if axis is None:
        a, axis = a.ravel(), 0
    elif a.ndim == 0:
        a = a.reshape(1)
    axis = _axis(axis, a.ndim)
    shape = a.shape[:axis] + i.shape + a.shape[axis + 1:]
    if 0 in (a.shape[:axis] if mode == "raise" else shape):
        # As in NumPy: nothing that an index could miss.
        import minpy.numpy as np
        return np.empty_like(a, shape=shape)
    made = _minpy._take(a, _wrapped(i, a.shape[axis], mode), axis)
    return by_numpy("take", a, indices, axis, out=out, mode=mode) if made is None else made


@native
def take_along_axis(arr, indices, axis=-1):
    """Elements at indices along an axis, matched along the others."""
    arr, i = as_ours(arr), as_ours(indices)
    if not all_ours(arr, i):
        return by_numpy("take_along_axis", arr, indices, axis)
    if axis is None:
        if i.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        arr, axis = arr.ravel(), 0
    return _minpy._take_along_axis(arr, i, _axis(axis, arr.ndim))


@native
def put_along_axis(arr, indices, values, axis):
    """Values written at indices along an axis."""
    if not is_ours(arr):
        return by_numpy("put_along_axis", arr, indices, values, axis)
    i = as_ours(indices)
    if axis is None:
        if i.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        axis, arr = 0, arr.reshape(-1)
    axis = _axis(axis, arr.ndim)
    if i.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    if i.ndim != arr.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    at = []
    for k, n in enumerate(arr.shape):
        if k == axis:
            at.append(i)
        else:
            at.append(FUNCTIONS["arange"](n).reshape((-1,) + (1,) * (arr.ndim - 1 - k)))
    arr[tuple(at)] = values


@native
def put(a, ind, v, mode="raise"):
    """Values written at flat positions, repeated as needed."""
    if not is_ours(a):
        if not isinstance(a, numpy.ndarray):
            raise TypeError(f"argument 1 must be numpy.ndarray, not {type(a).__name__}")
        return numpy.put(a, numpy.asarray(ind), numpy.asarray(v), mode)
    if not a.flags.writeable:
        raise ValueError("put: output array is read-only")
    i, v = as_ours(ind).ravel(), as_ours(v, a.dtype).ravel()
    if not isinstance(ind, numpy.ndarray) and not is_ours(ind):
        i = i.astype(numpy.int64)  # numbers that are no array yet become positions
    if not numpy.can_cast(i.dtype, numpy.intp):
        raise TypeError(f"Cannot cast array data from {i.dtype!r} to {numpy.dtype(numpy.intp)!r} according to the rule 'safe'")
    if i.size and not a.size:
        raise IndexError("cannot replace elements of an empty array")
    if i.size == 0 or v.size == 0:
        return None
    if not all_ours(i, v) or i.dtype.kind not in "iub" or mode not in ("raise", "wrap", "clip"):
        return by_numpy("put", a, ind, v, mode)
    i = _wrapped(i.astype(numpy.int64, copy=False), a.size, mode)
    if v.size not in (1, i.size):
        v = _minpy._take(v, numpy.arange(i.size) % v.size, 0)
    flat = a.reshape(-1)
    if _minpy._may_share(flat, a):
        flat[i] = v
        return None
    import minpy.numpy as np
    if bool(((i < -a.size) | (i >= a.size)).any()):
        raise IndexError(f"put: an index is out of bounds for an array of size {a.size}")
    rest, at = np.where(i < 0, i + a.size, i), []
    for n in reversed(a.shape):
        at.append(np.remainder(rest, n))
        rest = np.floor_divide(rest, n)
    a[tuple(reversed(at))] = v
    return None


@native
def fill_diagonal(a, val, wrap=False):
    """Values written on the main diagonal."""
    if not is_ours(a) or wrap:
        return by_numpy("fill_diagonal", a, val, wrap)
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    if a.ndim > 2 and len(set(a.shape)) != 1:
        raise ValueError("All dimensions of input must be of equal length")
    n = min(a.shape)
    value = as_ours(val, None if is_ours(val) else a.dtype) if not isinstance(val, (int, float, complex, bool)) else val
    if is_ours(value) and value.ndim:
        value = value.ravel()
        if value.size not in (1, n):
            value = _minpy._take(value, numpy.arange(n) % value.size, 0)
    at = FUNCTIONS["arange"](n)
    a[(at,) * a.ndim] = value


@native
def putmask(a, mask, values):
    """Values written where a mask is true, taken from the same flat positions."""
    if not is_ours(a) or not (isinstance(values, (int, float, bool)) or numpy.size(values) == 1):
        return by_numpy("putmask", a, mask, values)
    if numpy.shape(mask) != a.shape:
        if numpy.size(mask) != a.size:
            raise ValueError(f"putmask: mask and data must be the same size, not shapes {numpy.shape(mask)} and {a.shape}")
        mask = as_ours(mask, bool).reshape(a.shape)
    a[as_ours(mask, bool)] = values


@native
def flatnonzero(a):
    """Flat positions of the elements that are not zero."""
    import minpy.numpy as np
    return np.nonzero(np.ravel(a))[0]


@native
def argwhere(a):
    """Positions of the elements that are not zero, one per row."""
    import minpy.numpy as np
    a = as_ours(a)
    if not is_ours(a) or a.ndim == 0:
        return by_numpy("argwhere", a)
    return np.transpose(np.stack(np.nonzero(a)))


@native
def diagonal(a, offset=0, axis1=0, axis2=1):
    """A read-only view of a diagonal."""
    a = as_ours(a)
    made = _minpy._diagonal(a, operator.index(offset), axis1, axis2) if is_ours(a) else None
    return by_numpy("diagonal", a, offset, axis1, axis2) if made is None else made


@native
def trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    """Sum along a diagonal."""
    a = as_ours(a)
    if not is_ours(a):
        return by_numpy("trace", a, offset, axis1, axis2, dtype, out=out)
    return diagonal(a, offset, axis1, axis2).sum(-1, dtype, out)


@native
def compress(condition, a, axis=None, out=None):
    """Elements along an axis where a condition is true."""
    a, c = as_ours(a), on_host(condition)
    if not is_ours(a) or out is not None or c.ndim != 1:
        return by_numpy("compress", condition, a, axis, out=out)
    return take(a, numpy.flatnonzero(c), axis)


@native
def extract(condition, arr):
    """Elements where a condition is true."""
    return take(as_ours(arr).ravel(), numpy.flatnonzero(on_host(condition)))


@native
def slice_axis(data, axis, begin, end):
    """`data[..., begin:end, ...]` along one axis (MXNet's function)."""
    data = as_ours(data)
    return data[(slice(None),) * _axis(axis, data.ndim) + (slice(begin, end),)]


@native
def onehot_encode(indices, out):
    """Writes ones at `indices` into the rows of `out`, zeros elsewhere, and returns it (MXNet's function)."""
    indices = as_ours(indices)
    classes = FUNCTIONS["arange"](out.shape[-1])
    out[...] = indices.astype(numpy.int64, copy=False).reshape(indices.shape + (1,)) == classes
    return out


@native
class ndenumerate(numpy.ndenumerate):
    """Pairs of index and element, in C order; elements of ours are ours, and recorded."""

    def __init__(self, arr):
        arr = as_ours(arr)
        self._array = arr if is_ours(arr) else None
        if self._array is None:
            super().__init__(arr)
        else:
            self._indices = numpy.ndindex(arr.shape)

    def __next__(self):
        if self._array is None:
            return super().__next__()
        index = next(self._indices)
        return index, self._array[index]
