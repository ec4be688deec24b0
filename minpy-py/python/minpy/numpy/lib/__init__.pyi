"""Types of `minpy.numpy.lib` over NumPy 2.4; written by scripts/stubs.py."""
# mypy: disable-error-code="overload-overlap, override"
import builtins
from typing import Any, Literal, NamedTuple, SupportsIndex, overload, type_check_only

import numpy
from numpy.typing import DTypeLike

from minpy._minpy import ndarray, scalar, ufunc
from minpy._types import Device, Either, ScalarLike, ShapeLike
from minpy.policy import Policy

from numpy.lib import Arrayterator as Arrayterator
from numpy.lib import NumpyVersion as NumpyVersion
from numpy.lib import array_utils as array_utils
from minpy.numpy.lib import format as format
from numpy.lib import introspect as introspect
from minpy.numpy.lib import mixins as mixins
from numpy.lib import npyio as npyio
from minpy.numpy.lib import scimath as scimath
from minpy.numpy.lib import stride_tricks as stride_tricks
test: Any
from numpy.lib import tracemalloc_domain as tracemalloc_domain

__all__ = [
    "Arrayterator", "NumpyVersion", "add_docstring", "add_newdoc", "array_utils", "format", "introspect", "mixins", "npyio", "scimath",
    "stride_tricks", "tracemalloc_domain"
]

def add_docstring(*args: Any, **kwargs: Any) -> None: ...
def add_newdoc(place: Any, obj: Any, doc: Any, warn_on_python: builtins.bool = ...) -> None: ...
