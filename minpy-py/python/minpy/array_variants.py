"""The original's table of the kinds of arrays: NumPy's, and those of the device, which it took from MXNet.

Programs ask it `isinstance(x, array_types['mxnet'])` and `x.has_type(ArrayType.NUMPY)`. Gradients and operators are not registered
by kind: each array of MinPy is on its device and of both kinds at once.
"""
import numpy

from minpy.array import Array


class ArrayType:
    """Numbers of the kinds."""

    NUMPY = 0
    MXNET = 1


variants = {"numpy": ArrayType.NUMPY, "mxnet": ArrayType.MXNET}
variants_repr = {ArrayType.NUMPY: "NumPy", ArrayType.MXNET: "MXNet"}
array_types = {"numpy": numpy.ndarray, "mxnet": Array}
number_types = {
    "numpy": [int, float, numpy.float16, numpy.float32, numpy.float64, numpy.int32, numpy.int64],
    "mxnet": [int, float],
}

__all__ = ["ArrayType", "array_types", "number_types", "variants", "variants_repr"]
