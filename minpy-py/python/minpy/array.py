"""The original's names for values: `Array`, `Number`, `Value` and `wrap`."""
from typing import Any

import numpy

from minpy import _minpy
from minpy._minpy import array_base as Value, ndarray, scalar as Number


class _Exact(type):
    """`isinstance` by the exact class: to `minpy.numpy.ndarray`, which stands for NumPy's class too, NumPy's arrays are instances."""

    def __instancecheck__(cls, value):
        return type(value) is ndarray

    def __subclasscheck__(cls, other):
        return other is cls or other is ndarray

    def __call__(cls, data, atype=None, context=None):
        return _minpy.asarray(data, device=context)


class Array(metaclass=_Exact):
    """MinPy's arrays: `isinstance(x, Array)` is false for NumPy's. `Array(data)` makes one, sharing a NumPy array's memory on the CPU."""


def wrap(data: Any) -> Any:
    """A NumPy array (sharing its memory on the CPU) or a number as MinPy's; anything else as it is."""
    if isinstance(data, Value):
        return data
    if isinstance(data, numpy.generic):
        made = _minpy._adopt(numpy.asarray(data), None, [], True)
        return data if made is None else made
    return _minpy.asarray(data) if isinstance(data, numpy.ndarray) else data


__all__ = ["Array", "Number", "Value", "wrap"]
