"""The two modes on functions of one argument, which may be nested; everything else is made of them."""
from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from minpy._minpy import array_base, tape
from minpy.autograd import _tree
from minpy.autograd._primitive import (
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    deprecated_primitive as primitive,
    primitive_jvps,
    primitive_vjps,
)
from minpy.autograd._spaces import VSpace, vspace

if TYPE_CHECKING:
    from collections.abc import Callable

primitive_with_deprecation_warnings = primitive


class _Apart:
    """A function of one nested argument as one of its leaves, which gives the leaves of what it returns."""

    def __init__(self, fun, x):
        self.fun, (self.leaves, self.build) = fun, _tree.flatten(x)
        for leaf in self.leaves:
            if not _tree.differentiable(leaf):
                raise TypeError(f"Can't differentiate w.r.t. type {type(leaf)}")

    def __call__(self, *leaves):
        self.value = self.fun(self.build(list(leaves)))
        self.ends = _tree.flatten(self.value)[0]
        return self.ends

    def back(self, gradients):
        """Gradients of the leaves as one of the argument."""
        found = zip(gradients, self.leaves, strict=True)
        return _tree.plain(self.build([_tree.as_given(_tree.zeros(leaf) if g is None else g, leaf) for g, leaf in found]))


def _arrays(ends):
    """Places of the leaves that are outputs of a traced call."""
    return [k for k, leaf in enumerate(ends) if isinstance(leaf, array_base)]


def independent() -> None:
    """Warns as autograd does: a mistake more often than not."""
    warnings.warn("Output seems independent of input.", stacklevel=4)


def make_vjp(fun: Callable[[Any], Any], x: Any) -> tuple[Callable[[Any], Any], Any]:
    """`(vjp, fun(x))`: `vjp(g)` is the gradient of the value weighted with `g`, which has the structure of the value. It can be called
    as often as one likes, and be differentiated itself."""
    call = _Apart(fun, x)
    _, held = tape.trace(call, call.leaves)
    value, outputs = call.value, _arrays(call.ends)
    if not held.is_recorded():
        independent()
    call.fun, call.value, call.ends = None, None, []

    def vjp(g):
        seeds = _tree.aligned(g, value)
        return call.back(held.gradients([seeds[k] for k in outputs]))
    return vjp, _tree.plain(value)


def make_jvp(fun: Callable[[Any], Any], x: Any) -> Callable[[Any], tuple[Any, Any]]:
    """`jvp(v)` gives `(fun(x), tangent of the value in direction v)`: forward mode."""
    def jvp(v):
        call = _Apart(fun, x)
        _, held = tape.trace(call, call.leaves)
        value, ends = call.value, call.ends
        if not held.is_recorded():
            independent()
        found = dict(zip(_arrays(ends), held.tangents(_tree.aligned(v, x)), strict=True))
        places = iter(range(len(ends)))

        def tangent(leaf):
            t = found.get(next(places))
            return _tree.zeros(leaf) if t is None else t
        return _tree.plain(value), _tree.plain(_tree.mapped(tangent, value))
    return jvp


def gradient(fun: Callable[[Any], Any], x: Any, check: Callable[[Any], None]) -> tuple[Any, Any]:
    """`(value, gradient of the sum of its numbers)`, once `check` has seen the value: what is kept for the gradient goes on the way."""
    def checked(x):
        value = fun(x)
        check(value)
        return value
    call = _Apart(checked, x)
    _, found = tape.pull(call, call.leaves)
    if found and all(g is None for g in found):
        independent()
    return _tree.plain(call.value), call.back(found)


__all__ = [
    "VSpace", "def_linear", "defjvp", "defjvp_argnum", "defjvp_argnums", "defvjp", "defvjp_argnum", "defvjp_argnums", "gradient", "independent",
    "make_jvp", "make_vjp", "primitive", "primitive_jvps", "primitive_vjps", "primitive_with_deprecation_warnings", "vspace",
]
