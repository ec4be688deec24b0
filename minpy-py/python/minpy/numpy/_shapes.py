"""Shapes of any number of arrays, and names of methods."""
import numpy

from minpy import _minpy
from minpy.numpy._native import all_ours, as_ours, by_numpy, is_ours, native


@native
def ravel(a, order="C"):
    """The elements as one dimension: a view where possible."""
    a = as_ours(a)
    return a.ravel(order) if is_ours(a) else by_numpy("ravel", a, order)


@native
def permute_dims(a, axes=None):
    """Axes permuted (the array API's name)."""
    return _minpy.transpose(a, axes)


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
