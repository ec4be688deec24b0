"""The original's names for values: `Array`, `Number`, `Value` and `wrap`."""
import numpy

from minpy import _minpy
from minpy._minpy import array_base as Value
from minpy._minpy import ndarray as Array
from minpy._minpy import scalar as Number


def wrap(data):
    """A NumPy array (sharing its memory on the CPU) or a number as MinPy's; anything else as it is."""
    if isinstance(data, Value):
        return data
    if isinstance(data, numpy.generic):
        made = _minpy._adopt(numpy.asarray(data), None, [], True)
        return data if made is None else made
    return _minpy.asarray(data) if isinstance(data, numpy.ndarray) else data


__all__ = ["Array", "Number", "Value", "wrap"]
