"""`customop`: functions on NumPy arrays with gradients of their own, as nodes of the tape.

    @customop('numpy')
    def double(x):
        return 2 * x
    double.def_grad(lambda ans, x: lambda g: 2 * g)
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from minpy import _minpy
from minpy._minpy import NoGradientFuncError, array_base, profiler, tape
from minpy.core import _mapped
from minpy.numpy import _fallback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ZERO = object()


def _kept(value):
    """A copy of the arrays in a structure."""
    return _mapped(lambda v: v.copy() if issubclass(type(v), numpy.ndarray) else v, value)


class Primitive:
    """A function on raw NumPy arrays; the gradient of each argument is defined apart."""

    type = "numpy"
    typestr = "NumPy"

    def __init__(self, func: Callable[..., Any], typestr: str = "numpy") -> None:
        self._func = func
        self._gradients: dict[int, Any] = {}
        self._named: dict[str, Callable[..., Any]] = {}
        self._several: list[tuple[tuple[int, ...], Callable[..., Any]]] = []
        self.__name__, self.__doc__ = getattr(func, "__name__", "customop"), func.__doc__

    def def_grad(self, func: Callable[..., Any], argnum: int = 0) -> Primitive:
        """`func(ans, *args, **kwargs)` gives the function from the gradient of the result to that of the argument."""
        self._gradients[argnum] = func
        return self

    def def_grad_kw(self, func: Callable[..., Any], key: str) -> Primitive:
        """The same for a keyword argument."""
        self._named[key] = func
        return self

    def def_grad_zero(self, argnum: int = 0) -> Primitive:
        """The result does not depend on the argument, as far as gradients go."""
        self._gradients[argnum] = _ZERO
        return self

    def def_multiple_grad(self, func: Callable[..., Any], argnums: Iterable[int]) -> Primitive:
        """One function that gives the gradients of all those arguments."""
        self._several.append((tuple(argnums), func))
        return self

    def gradable(self, bp_args: Iterable[int], bp_kwargs: Iterable[str]) -> bool:
        """Whether the gradients of those positions and keywords are defined."""
        known = set(self._gradients).union(*[n for n, _ in self._several])
        return set(bp_args) <= known and set(bp_kwargs) <= set(self._named)

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The function itself, on raw arrays."""
        return self._func(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        this = _fallback.Call()
        raw = [this.give(a) for a in args]
        raw_kwargs = {k: this.give(v) for k, v in kwargs.items()}
        function = _fallback.measured(self.__name__, self._func, this) if profiler.numpy_begins() else self._func
        answer = function(*raw, **raw_kwargs)
        # A result that is an argument (or a view of one) becomes an array of its own: the custom gradient is this call's,
        # not that of every other use of the argument.
        given = [r for r in raw + list(raw_kwargs.values()) if isinstance(r, numpy.ndarray)]

        def own(r):
            return r.copy() if isinstance(r, numpy.ndarray) and any(numpy.may_share_memory(r, g) for g in given) else r
        answer = tuple(map(own, answer)) if isinstance(answer, tuple) else own(answer)
        result = this.take(answer)
        if tape.recording():
            self._record(args, kwargs, raw, raw_kwargs, answer, result)
        return result

    def _record(self, args, kwargs, raw, raw_kwargs, answer, result):
        slots = [(i, a) for i, a in enumerate(args)] + list(kwargs.items())
        slots = [(at, a) for at, a in slots if isinstance(a, array_base) and a.dtype.kind in "fc"]
        several = isinstance(result, tuple)
        outputs = [r for r in (result if several else (result,)) if isinstance(r, array_base)]
        watched = [at for at, a in slots if tape.is_watched(a)]

        def vjp(gradients):
            if several:
                shapes = [numpy.zeros(r.shape, r.dtype) for r in outputs]
                g: Any = tuple(z if v is None else v.asnumpy() for v, z in zip(gradients, shapes, strict=True))
            else:
                g = gradients[0].asnumpy() if gradients[0] is not None else numpy.zeros(outputs[0].shape, outputs[0].dtype)
            found = [self._gradient(at, watched, g, answer, raw, raw_kwargs, a) for at, a in slots]
            if tape.recording():
                # For gradients of gradients: nobody knows the derivative of the rule.
                tape.record_foreign(f"the gradient of {self.__name__}", [a for _, a in slots] + gradients, found, None)
            return found
        # The arrays may be written later: what backward sees is what the function saw.
        answer, raw, raw_kwargs = _kept(answer), _kept(raw), _kept(raw_kwargs)
        tape.record_foreign(self.__name__, [a for _, a in slots], outputs, vjp)

    def _gradient(self, at, watched, g, answer, raw, raw_kwargs, like):
        if at not in watched:
            return None
        rule = self._named.get(at) if isinstance(at, str) else self._gradients.get(at)
        if rule is _ZERO:
            return None
        if rule is not None:
            value = rule(answer, *raw, **raw_kwargs)(g)
        else:
            for numbers, func in self._several:
                if at in numbers:
                    value = func(answer, *raw, **raw_kwargs)(g)[numbers.index(at)]
                    break
            else:
                raise NoGradientFuncError(f"No partial derivative of customized op {self.__name__} defined on argument {at}.")
        value = numpy.asarray(value, dtype=like.dtype)
        if value.shape != like.shape:
            value = numpy.broadcast_to(value, like.shape)
        return _minpy.array(value)


def customop(op_type: str) -> Callable[[Callable[..., Any]], Primitive]:
    """Decorator that makes a `Primitive` of a function on NumPy arrays. 'mxnet' functions get NumPy arrays as well."""
    if op_type not in ("numpy", "mxnet"):
        raise ValueError('Wrong type for CustomOp. Must be either "numpy" or "mxnet"')

    def decorate(func):
        return Primitive(func, op_type)
    return decorate


__all__ = ["NoGradientFuncError", "Primitive", "customop"]
