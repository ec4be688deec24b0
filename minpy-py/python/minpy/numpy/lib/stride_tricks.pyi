"""Types of `minpy.numpy.lib.stride_tricks` over NumPy 2.4; written by scripts/stubs.py."""
# mypy: disable-error-code="overload-overlap, override"
import builtins
from typing import Any, Literal, NamedTuple, SupportsIndex, overload, type_check_only

import numpy
from numpy.typing import DTypeLike

from minpy._minpy import ndarray, scalar, ufunc
from minpy._types import Device, Either, ScalarLike, ShapeLike
from minpy.policy import Policy


__all__ = [
    "as_strided", "sliding_window_view"
]

def as_strided(x: Any, shape: ShapeLike | None = ..., strides: Any = ..., subok: builtins.bool = ..., writeable: builtins.bool = ...) -> ndarray: ...
def sliding_window_view(x: Any, window_shape: Any, axis: ShapeLike | None = ..., *, subok: builtins.bool = ..., writeable: builtins.bool = ...) -> ndarray: ...
