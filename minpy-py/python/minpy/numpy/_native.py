"""Functions that are ours beside those of core's table: each file of this package adds its own by a decorator."""
from typing import Any

import numpy

from minpy import _minpy
from minpy._minpy import array_base, tape
from minpy.numpy import _fallback, _words

# name in `minpy.numpy` -> function: of core's table, and what Python adds
FUNCTIONS = _minpy._functions()
TABLE: dict[str, Any] = {}


def native(function):
    """Registers a function under its name (a trailing underscore keeps Python's builtins apart)."""
    name = function.__name__.rstrip("_")
    function.__name__ = function.__qualname__ = name
    function.__module__ = "minpy.numpy"
    _words.explain(function)
    TABLE[name] = function
    return function


def by_numpy(name, *args, **kwargs):
    """NumPy's function of that name on host arrays."""
    return _fallback.call_named(name, args, {k: v for k, v in kwargs.items() if v is not None})


def is_ours(value):
    """One of our arrays or scalars."""
    return type(value) is _minpy.ndarray or type(value) is _minpy.scalar


def is_subclass(value):
    """An array of a subclass of NumPy's. Asks the type: `isinstance` says yes for ours too (`__class__`)."""
    return type(value) is not numpy.ndarray and issubclass(type(value), numpy.ndarray)


def _computes_itself(kind):
    """Whether NumPy's functions are another library's business when they meet such an object (pandas, xarray). A tape would not see
    that: while it records, the object is an array of its values. Rust has the same question in `convert.rs`."""
    theirs = hasattr(kind, "__array_ufunc__") or hasattr(kind, "__array_function__")
    return theirs and not issubclass(kind, numpy.generic) and not tape.recording()


def as_ours(value, dtype=None):
    """The argument as one of our arrays; a NumPy array when its elements are only NumPy's."""
    if is_ours(value) and dtype is None:
        return value
    if is_subclass(value):
        return value if dtype is None else value.astype(dtype, copy=False)  # a subclass computes itself
    if dtype is None and type(value) is not numpy.ndarray and _computes_itself(type(value)):
        return value
    return _minpy.asarray(value, dtype)


def on_host(value):
    """The values as a NumPy array, to choose or count by: no gradient is expected of them."""
    return value._numpy() if is_ours(value) else numpy.asarray(value)


def all_ours(*values):
    """Whether every value has elements that core knows."""
    return all(is_ours(v) for v in values)


def on_host_only(value):
    """Whether the value is an array whose elements only NumPy has."""
    return not isinstance(value, array_base)
