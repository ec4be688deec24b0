"""What is Python's own about elements: iteration over them, and what counts as one."""
import numpy

from minpy import _minpy
from minpy.numpy._native import as_ours, is_ours, native


@native
def isscalar(element):
    """Whether the element is a number or another scalar."""
    return type(element) is _minpy.scalar or numpy.isscalar(element)


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
