"""`wrap_namespace`, by which programs make primitives of a module's functions."""
from __future__ import annotations

import types
from typing import Any

import numpy

from minpy.autograd._primitive import primitive

_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, numpy.ufunc)


def wrap_namespace(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Adds what the one namespace has to the other, functions as primitives."""
    for name, value in old.items():
        if isinstance(value, _FUNCTIONS):
            new[name] = primitive(value)
        elif type(value) in (float, int, type(None), type):
            new[name] = value
