"""Arrays of what Python programs hold: sequences with arrays of ours in them, objects with protocols, subclasses of NumPy's array.

What is made of numbers (zeros, arange, eye, ...) stands in core's table of functions.
"""

import numpy

from minpy import _minpy
from minpy.numpy._native import FUNCTIONS, by_numpy, is_ours, is_subclass, native

_NUMBERS = (int, float, complex, bool)
_finite = _minpy._ufuncs()["isfinite"]


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
    return FUNCTIONS["stack"](arrays)


@native
def from_dlpack(x, /, *, device=None, copy=None):
    """The array behind an object with the DLPack protocol: ours as a view, any other by NumPy."""
    if is_ours(x) and device is None:
        return _minpy.array(x, copy=True) if copy else x[...]
    return numpy.from_dlpack(x, device=device, copy=copy)


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
    if a.dtype.kind in "fc" and not _finite(a).all():
        raise ValueError("array must not contain infs or NaNs")
    return a


@native
def require(a, dtype=None, requirements=None, *, like=None):
    """The argument as an array of that dtype; requirements on memory are NumPy's business."""
    if not requirements:
        return asanyarray(a, dtype=dtype)
    return by_numpy("require", a, dtype, requirements)
