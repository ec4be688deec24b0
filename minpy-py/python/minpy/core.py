"""Gradients of ordinary functions, and conversions between NumPy and MinPy.

    grad(f, argnum=0)(*args)            gradient of f
    grad_and_loss(f, argnum=0)(*args)   (gradient, value)
    value_and_grad(f, argnum=0)(*args)  (value, gradient)

One `argnum` (also in a list) gives the bare gradient, several a list. A result with several elements counts as their sum,
a tuple of results as the sum of all. An argument that the result does not depend on has the gradient 0: an array of zeros for an
array, 0.0 for a number.
"""
from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

import numpy

from minpy import _minpy
from minpy._departures import LostGradientWarning
from minpy._minpy import NoGradientFuncError, array_base, tape
from minpy.array import Number, wrap
from minpy.numpy._native import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from minpy._types import Either
    from minpy.symbol import Function as Function

P = ParamSpec("P")
R = TypeVar("R")


def _numbers(argnum):
    numbers = [argnum] if isinstance(argnum, int) else list(argnum)
    if any(not isinstance(n, int) for n in numbers):
        raise TypeError(f"argnum must be an integer or a list of integers, not {argnum!r}")
    return numbers


def _resolve(numbers, count):
    return [n + count if n < 0 else n for n in numbers] if min(numbers, default=0) < 0 else numbers


def _zero(argument):
    if isinstance(argument, (tuple, list)):
        argument = _minpy.asarray(argument)
    if isinstance(argument, (array_base, numpy.ndarray)):
        zeros = FUNCTIONS["zeros_like"](argument, argument.dtype if argument.dtype.kind in "fc" else float)
        return zeros[()] if isinstance(argument, Number) else zeros
    return 0j if isinstance(argument, (complex, numpy.complexfloating)) else 0.0


def _shaped(numbers, gradients, args):
    # Every gradient comes by here, and `strict=` would cost more than half of the rest of the line.
    gradients = [_zero(args[n]) if g is None else g for n, g in zip(numbers, gradients)]  # noqa: B905
    return gradients[0] if len(numbers) == 1 else gradients


def _expect_list(name, args):
    if not isinstance(args, (tuple, list)):
        raise TypeError(f"{name}: the arguments are passed as one tuple, not as '{type(args).__name__}'")


@overload
def grad_and_loss(func: Callable[P, R], argnum: int = 0) -> Callable[P, tuple[Either, R]]: ...
@overload
def grad_and_loss(func: Callable[P, R], argnum: Sequence[int]) -> Callable[P, tuple[Any, R]]: ...
def grad_and_loss(func, argnum=0):
    """A function that gives the gradient of `func` and its value."""
    numbers = _numbers(argnum)

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        gradients, value = tape.differentiate(func, _resolve(numbers, len(args)), args, kwargs)
        return _shaped(numbers, gradients, args), value
    return wrapped


@overload
def grad(func: Callable[P, Any], argnum: int = 0) -> Callable[P, Either]: ...
@overload
def grad(func: Callable[P, Any], argnum: Sequence[int]) -> Callable[P, Any]: ...
def grad(func, argnum=0):
    """A function that gives the gradient of `func`."""
    both = grad_and_loss(func, argnum)

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        return both(*args, **kwargs)[0]
    return wrapped


@overload
def value_and_grad(func: Callable[P, R], argnum: int = 0) -> Callable[P, tuple[R, Either]]: ...
@overload
def value_and_grad(func: Callable[P, R], argnum: Sequence[int]) -> Callable[P, tuple[R, Any]]: ...
def value_and_grad(func, argnum=0):
    """A function that gives the value of `func` and its gradient."""
    both = grad_and_loss(func, argnum)

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        gradients, value = both(*args, **kwargs)
        return value, gradients
    return wrapped


def vjp(func: Callable[..., R], argnum: int | Sequence[int] = 0) -> Callable[..., tuple[R, Any]]:
    """A function of `(args, seed, **kwargs)`: the value of `func(*args, **kwargs)` and the gradient of its results weighted with
    `seed`, which has the structure of the value."""
    numbers = _numbers(argnum)

    @functools.wraps(func)
    def wrapped(args, seed, **kwargs):
        _expect_list("vjp", args)
        numbers_here = _resolve(numbers, len(args))
        gradients, value = tape.differentiate(func, numbers_here, tuple(args), kwargs, seed)
        return value, _shaped(numbers_here, gradients, args)
    return wrapped


def jvp(func: Callable[..., R], argnum: int | Sequence[int] = 0) -> Callable[..., tuple[R, Any]]:
    """A function of `(args, tangents, **kwargs)`: the value of `func(*args, **kwargs)` and its derivative in that direction
    (forward mode). One tangent for each argument of `argnum`; the derivative has the structure of the value."""
    numbers = _numbers(argnum)

    @functools.wraps(func)
    def wrapped(args, tangents, **kwargs):
        _expect_list("jvp", args)
        tangents = [tangents] if len(numbers) == 1 and not isinstance(tangents, (list, tuple)) else list(tangents)
        value, found = tape.push_forward(func, _resolve(numbers, len(args)), tuple(args), kwargs, tangents)
        return value, _like(value, iter(found))
    return wrapped


def _like(value, tangents):
    """The tangents in the structure of the value: 0 in the places of constants."""
    if isinstance(value, (tuple, list)):
        parts = [_like(v, tangents) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return next(tangents) if isinstance(value, array_base) else _zero(value)


def no_grad(func: Callable[P, R]) -> Callable[P, R]:
    """Decorator: what the function does is not recorded."""
    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        return tape.no_grad(functools.partial(func, **kwargs), *args)
    return wrapped


def numpy_to_minpy(value: Any) -> Any:
    """NumPy arrays and numbers in a structure of tuples, lists and dictionaries as MinPy's."""
    return _mapped(wrap, value)


def minpy_to_numpy(value: Any) -> Any:
    """MinPy arrays in a structure of tuples, lists and dictionaries as NumPy arrays."""
    return _mapped(lambda v: v.asnumpy() if isinstance(v, array_base) else v, value)


def _mapped(function, value):
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[_mapped(function, v) for v in value])
    if isinstance(value, (tuple, list)):
        return type(value)(_mapped(function, v) for v in value)
    if isinstance(value, dict):
        return {k: _mapped(function, v) for k, v in value.items()}
    return function(value)


def convert_args(func: Callable[..., R]) -> Callable[..., R]:
    """Decorator: NumPy arrays among the arguments become MinPy's."""
    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        return func(*numpy_to_minpy(args), **numpy_to_minpy(kwargs))
    return wrapped


def return_numpy(func: Callable[P, Any]) -> Callable[P, Any]:
    """Decorator: MinPy arrays in the result become NumPy's."""
    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        return minpy_to_numpy(func(*args, **kwargs))
    return wrapped


class MXNetSymbolError(ValueError):
    """A symbol that cannot be used as a function (the original's name)."""


if not TYPE_CHECKING:  # to a checker a `__getattr__` says that every name is there
    def __getattr__(name):
        if name == "Function":
            from minpy.symbol import Function
            return Function
        raise AttributeError(f"module 'minpy.core' has no attribute '{name}'")


__all__ = [
    "Function", "LostGradientWarning", "MXNetSymbolError", "NoGradientFuncError", "convert_args", "grad", "grad_and_loss", "jvp", "minpy_to_numpy",
    "no_grad", "numpy_to_minpy", "return_numpy", "value_and_grad", "vjp",
]
