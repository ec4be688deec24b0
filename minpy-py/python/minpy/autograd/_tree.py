"""Nested tuples, lists and dictionaries, taken apart into their leaves and put together again."""
from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy

from minpy._minpy import array_base, asarray, tape

if TYPE_CHECKING:
    from collections.abc import Callable

_CONTAINERS = (tuple, list, dict)
_FIRST = operator.itemgetter(0)


def children(value: Any) -> tuple[list[Any], Callable[[list[Any]], Any]] | None:
    """The items of a container, and what makes one like it of others; None for a leaf."""
    if not isinstance(value, _CONTAINERS):
        return None
    kind = type(value)
    if isinstance(value, dict):
        keys = list(value)
        return list(value.values()), lambda items: dict(zip(keys, items, strict=True))
    if hasattr(kind, "_fields"):
        return list(value), lambda items: kind(*items)
    made: Any = list if isinstance(value, list) else tuple
    return list(value), made


def flatten(value: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The leaves in order, and the function that puts others in their places."""
    if not isinstance(value, _CONTAINERS):
        return [value], _FIRST
    leaves: list[Any] = []

    def build(value):
        parts = children(value)
        if parts is None:
            at = len(leaves)
            leaves.append(value)
            return lambda items: items[at]
        items, make = parts
        below = [build(item) for item in items]
        return lambda items: make([b(items) for b in below])
    return leaves, build(value)


def aligned(value: Any, like: Any) -> list[Any]:
    """The leaves of a value that has the structure of another; None stands for a structure of zeros, numbers may stand as arrays do."""
    parts = children(like)
    if parts is None:
        return [value]
    items, _ = parts
    if value is None:
        return [None for item in items for _ in flatten(item)[0]]
    found = [value[k] for k in like] if isinstance(like, dict) else list(value)
    if len(found) != len(items):
        raise ValueError(f"{len(found)} items in place of {len(items)}")
    return [leaf for v, item in zip(found, items, strict=True) for leaf in aligned(v, item)]


def mapped(function: Callable[..., Any], value: Any, *others: Any) -> Any:
    """The structure with `function(leaf, leaves in the same place of the others)` in place of each leaf."""
    if not isinstance(value, _CONTAINERS):
        return function(value, *others)
    leaves, build = flatten(value)
    return build([function(*all_) for all_ in zip(leaves, *[aligned(o, value) for o in others], strict=True)])


def differentiable(leaf: Any) -> bool:
    """Whether a leaf is numbers that have derivatives (integers count as floating-point numbers)."""
    if isinstance(leaf, (array_base, numpy.ndarray, numpy.generic)):
        return leaf.dtype.kind in "fciub"
    return isinstance(leaf, (float, complex, int)) and not isinstance(leaf, bool)


def inexact(leaf: Any) -> bool:
    """Whether a leaf is floating-point or complex numbers."""
    if isinstance(leaf, (array_base, numpy.ndarray, numpy.generic)):
        return leaf.dtype.kind in "fc"
    return isinstance(leaf, (float, complex))


def zeros(leaf: Any) -> Any:
    """Zeros in the place of a leaf."""
    if isinstance(leaf, numpy.generic) or (isinstance(leaf, array_base) and leaf.ndim == 0):
        return leaf.dtype.type(0) if leaf.dtype.kind in "fc" else 0.0
    if isinstance(leaf, (array_base, numpy.ndarray)):
        made = numpy.zeros(leaf.shape, leaf.dtype if leaf.dtype.kind in "fc" else float)
        return asarray(made, device=leaf.context) if isinstance(leaf, array_base) else asarray(made)
    return 0j if isinstance(leaf, complex) else 0.0


def plain(value: Any) -> Any:
    """Scalars of ours in a result as NumPy's, where nobody records any more."""
    if tape.recording():
        return value
    return mapped(lambda v: v.asnumpy()[()] if isinstance(v, array_base) and v.ndim == 0 else v, value)


def as_given(value: Any, leaf: Any) -> Any:
    """An array of ours as NumPy's, where nobody records any more and NumPy's was given: for code in C (`scipy.optimize`)."""
    theirs = type(leaf) is numpy.ndarray and isinstance(value, array_base) and not tape.recording()
    return numpy.asarray(value) if theirs else value
