"""Shapes by views and joins: axes moved, arrays stacked, split, repeated, flipped and rolled."""
import operator

import numpy

from minpy import _minpy
from minpy._minpy import concatenate
from minpy.numpy._native import all_ours, as_ours, by_numpy, is_ours, native, on_host

_axes = numpy.lib.array_utils.normalize_axis_tuple
_axis = numpy.lib.array_utils.normalize_axis_index


@native
def ravel(a, order="C"):
    """The elements as one dimension: a view where possible."""
    a = as_ours(a)
    return a.ravel(order) if is_ours(a) else by_numpy("ravel", a, order)


@native
def moveaxis(a, source, destination):
    """Axes moved to new places."""
    if not is_ours(a):
        a = as_ours(a)
    source, destination = _axes(source, a.ndim, "source"), _axes(destination, a.ndim, "destination")
    if len(source) != len(destination):
        raise ValueError("`source` and `destination` arguments must have the same number of elements")
    order = [n for n in range(a.ndim) if n not in source]
    for to, at in sorted(zip(destination, source)):
        order.insert(to, at)
    return a.transpose(order)


@native
def rollaxis(a, axis, start=0):
    """One axis rolled back to `start`."""
    a = as_ours(a)
    n = a.ndim
    axis = _axis(axis, n)
    if start < 0:
        start += n
    if not 0 <= start < n + 1:
        raise numpy.exceptions.AxisError(f"'start' arg requires {-n} <= start < {n + 1}, but {start} was passed in")
    if axis < start:
        start -= 1
    if axis == start:
        return a[...]
    order = list(range(n))
    order.remove(axis)
    order.insert(start, axis)
    return a.transpose(order)


@native
def permute_dims(a, axes=None):
    """Axes permuted (the array API's name)."""
    return _minpy.transpose(a, axes)


@native
def matrix_transpose(x, /):
    """The last two axes swapped."""
    x = as_ours(x)
    if x.ndim < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {x.ndim}")
    return x.swapaxes(-1, -2)


@native
def broadcast_arrays(*args, subok=False):
    """Views of all arrays with their common shape."""
    arrays = [as_ours(a) for a in args]
    if not all_ours(*arrays):
        return by_numpy("broadcast_arrays", *args)
    shape = numpy.broadcast_shapes(*[a.shape for a in arrays])
    return tuple(a if a.shape == shape else _minpy.broadcast_to(a, shape) for a in arrays)


def _at_least(name, dims, arrays):
    result = []
    for a in arrays:
        a = as_ours(a)
        if not is_ours(a):
            return by_numpy(name, *arrays)
        a = a.reshape(()) if type(a) is _minpy.scalar else a
        if a.ndim < dims:
            if dims == 3 and a.ndim == 1:
                a = a.reshape(1, -1, 1)
            elif dims == 3 and a.ndim == 2:
                a = a.reshape(a.shape + (1,))
            else:
                a = a.reshape((1,) * (dims - a.ndim) + a.shape)
        result.append(a)
    return result[0] if len(result) == 1 else tuple(result)


@native
def atleast_1d(*arys):
    """Arrays with at least one dimension."""
    return _at_least("atleast_1d", 1, arys)


@native
def atleast_2d(*arys):
    """Arrays with at least two dimensions."""
    return _at_least("atleast_2d", 2, arys)


@native
def atleast_3d(*arys):
    """Arrays with at least three dimensions."""
    return _at_least("atleast_3d", 3, arys)


def _list(name, arrays):
    if not hasattr(arrays, "__getitem__"):
        raise TypeError('arrays to stack must be passed as a "sequence" type such as list or tuple.')
    arrays = [as_ours(a) for a in arrays]
    return arrays if all_ours(*arrays) else None


@native
def stack(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    """Arrays joined along a new axis."""
    given = _list("stack", arrays)
    if given is None or casting != "same_kind" or not given:
        return by_numpy("stack", arrays, axis, out=out, dtype=dtype, casting=casting)
    if len({a.shape for a in given}) != 1:
        raise ValueError("all input arrays must have the same shape")
    axis = _axis(axis, given[0].ndim + 1)
    return concatenate([_minpy.expand_dims(a, axis) for a in given], axis, out, dtype=dtype)


def _stacked(name, arrays, dims, axis, dtype, casting):
    given = _list(name, arrays)
    if given is None or casting != "same_kind" or not given:
        return by_numpy(name, arrays, dtype=dtype, casting=casting)
    given = [_at_least(name, dims, [a]) for a in given]
    if name == "hstack":
        axis = 0 if given[0].ndim == 1 else 1
    return concatenate(given, axis, dtype=dtype)


@native
def vstack(tup, *, dtype=None, casting="same_kind"):
    """Arrays stacked as rows."""
    return _stacked("vstack", tup, 2, 0, dtype, casting)


@native
def hstack(tup, *, dtype=None, casting="same_kind"):
    """Arrays stacked side by side."""
    return _stacked("hstack", tup, 1, 1, dtype, casting)


@native
def dstack(tup):
    """Arrays stacked in depth."""
    return _stacked("dstack", tup, 3, 2, None, "same_kind")


@native
def column_stack(tup):
    """One-dimensional arrays as columns."""
    given = _list("column_stack", tup)
    if not given:
        return by_numpy("column_stack", tup)
    return concatenate([_at_least("column_stack", 2, [a]).T if a.ndim < 2 else a for a in given], 1)


@native
def append(arr, values, axis=None):
    """Values joined to the end of an array."""
    arr, values = as_ours(arr), as_ours(values)
    if not all_ours(arr, values):
        return by_numpy("append", arr, values, axis=axis)
    if axis is None:
        return concatenate((arr.ravel(), values.ravel()))
    return concatenate((arr, values), axis)


@native
def array_split(ary, indices_or_sections, axis=0):
    """Views of parts along an axis, of nearly equal size."""
    ary = as_ours(ary)
    if not is_ours(ary):
        return by_numpy("array_split", ary, indices_or_sections, axis)
    axis = _axis(axis, ary.ndim)
    n = ary.shape[axis]
    try:
        bounds = [0] + [operator.index(i) for i in indices_or_sections] + [n]
    except TypeError:
        parts = int(indices_or_sections)
        if parts <= 0:
            raise ValueError("number sections must be larger than 0.") from None
        each, extra = divmod(n, parts)
        bounds = numpy.cumsum([0] + [each + 1] * extra + [each] * (parts - extra)).tolist()
    lead = (slice(None),) * axis
    return [ary[lead + (slice(a, b),)] for a, b in zip(bounds[:-1], bounds[1:])]


@native
def split(ary, indices_or_sections, axis=0):
    """Views of equal parts along an axis."""
    try:
        len(indices_or_sections)
    except TypeError:
        n = as_ours(ary).shape[axis]
        if n % indices_or_sections:
            raise ValueError("array split does not result in an equal division") from None
    return array_split(ary, indices_or_sections, axis)


def _split_along(name, ary, sections, axis, dims):
    ary = as_ours(ary)
    if ary.ndim < dims:
        raise ValueError(f"{name} only works on arrays of {dims} or more dimensions")
    return split(ary, sections, axis)


@native
def hsplit(ary, indices_or_sections):
    """Parts side by side."""
    ary = as_ours(ary)
    return _split_along("hsplit", ary, indices_or_sections, 1 if ary.ndim > 1 else 0, 1)


@native
def vsplit(ary, indices_or_sections):
    """Parts by rows."""
    return _split_along("vsplit", ary, indices_or_sections, 0, 2)


@native
def dsplit(ary, indices_or_sections):
    """Parts in depth."""
    return _split_along("dsplit", ary, indices_or_sections, 2, 3)


@native
def unstack(x, /, *, axis=0):
    """Views of the slices along an axis."""
    x = as_ours(x)
    if x.ndim == 0:
        raise ValueError("Input array must be at least 1-d.")
    return tuple(moveaxis(x, axis, 0))


@native
def tile(A, reps):
    """The array repeated along its axes."""
    try:
        reps = tuple(int(r) for r in reps)
    except TypeError:
        reps = (int(reps),)
    a = as_ours(A)
    if not is_ours(a):
        return by_numpy("tile", A, reps)
    shape = (1,) * (len(reps) - a.ndim) + a.shape
    reps = (1,) * (len(shape) - len(reps)) + reps
    spread = a.reshape(tuple(n for s in shape for n in (1, s)))
    wide = _minpy.broadcast_to(spread, tuple(n for r, s in zip(reps, shape) for n in (r, s)))
    return _minpy.array(wide, copy=True, order="C").reshape(tuple(r * s for r, s in zip(reps, shape)))


@native
def repeat(a, repeats, axis=None):
    """Each element repeated."""
    a = as_ours(a)
    counts = repeats if isinstance(repeats, int) else on_host(repeats)
    if not is_ours(a) or not (isinstance(counts, int) or counts.ndim <= 1 and counts.dtype.kind in "iu"):
        return by_numpy("repeat", a, repeats, axis=axis)
    if axis is None:
        a, axis = a.ravel(), 0
    elif a.ndim == 0:
        a = a.reshape(1)
    axis = _axis(axis, a.ndim)
    if isinstance(counts, int) or counts.size == 1:
        n = int(counts if isinstance(counts, int) else counts.reshape(-1)[0])
        if n < 0 and not a.shape[axis]:
            n = 0  # nothing is repeated less than not at all
        if n < 0:
            raise ValueError("repeats may not contain negative values.")
        at = axis + 1
        wide = _minpy.broadcast_to(_minpy.expand_dims(a, at), a.shape[:at] + (n,) + a.shape[at:])
        return _minpy.array(wide, copy=True, order="C").reshape(a.shape[:axis] + (a.shape[axis] * n,) + a.shape[axis + 1:])
    if counts.size != a.shape[axis]:
        raise ValueError(f"operands could not be broadcast together with shape ({a.shape[axis]},) ({counts.size},)")
    if (counts < 0).any():
        raise ValueError("repeats may not contain negative values.")
    return _minpy._take(a, numpy.repeat(numpy.arange(counts.size), counts), axis)


@native
def flip(m, axis=None):
    """Axes reversed: a view."""
    m = as_ours(m)
    if not is_ours(m):
        return by_numpy("flip", m, axis)
    chosen = range(m.ndim) if axis is None else _axes(axis, m.ndim)
    return m[tuple(slice(None, None, -1) if i in chosen else slice(None) for i in range(m.ndim))]


@native
def flipud(m):
    """Rows reversed."""
    m = as_ours(m)
    if m.ndim < 1:
        raise ValueError("Input must be >= 1-d.")
    return m[::-1]


@native
def fliplr(m):
    """Columns reversed."""
    m = as_ours(m)
    if m.ndim < 2:
        raise ValueError("Input must be >= 2-d.")
    return m[:, ::-1]


@native
def roll(a, shift, axis=None):
    """Elements rolled along axes."""
    a = as_ours(a)
    if not is_ours(a):
        return by_numpy("roll", a, shift, axis)
    if axis is None:
        return roll(a.ravel(), shift, 0).reshape(a.shape)
    axes = _axes(axis, a.ndim, allow_duplicate=True)
    pairs = numpy.broadcast(on_host(shift), axes)
    if pairs.ndim > 1:
        raise ValueError("'shift' and 'axis' should be scalars or 1D sequences")
    moves = dict.fromkeys(range(a.ndim), 0)
    for by, at in pairs:
        moves[at] += int(by)
    result, copied = a, False
    for at, by in moves.items():
        n = result.shape[at]
        by = by % n if n else 0
        if by:
            lead = (slice(None),) * at
            result, copied = concatenate((result[lead + (slice(n - by, None),)], result[lead + (slice(None, n - by),)]), at), True
    return result if copied else _minpy.array(a)
