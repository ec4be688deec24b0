"""Nested containers of numbers and arrays as one vector."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

import minpy.numpy as np
from minpy._minpy import array_base
from minpy.autograd import _tree

if TYPE_CHECKING:
    from collections.abc import Callable


def _sorted(value):
    """The value with the keys of its dictionaries in order."""
    parts = _tree.children(value)
    if parts is None:
        return value
    if isinstance(value, dict):
        return {k: _sorted(value[k]) for k in sorted(value)}
    return parts[1]([_sorted(v) for v in parts[0]])


def flatten(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """`(vector, unflatten)`: the numbers of nested tuples, lists and dictionaries (in the order of their keys) as an array of one axis,
    and the function from such a vector back to the structure. Both can be differentiated."""
    leaves, build = _tree.flatten(_sorted(value))
    vector = np.concatenate([np.ravel(leaf) for leaf in leaves]) if leaves else np.array([])
    sizes = [int(numpy.prod(np.shape(leaf))) for leaf in leaves]
    ends = numpy.cumsum([0, *sizes])

    def unflatten(vector):
        return _tree.plain(build([_like(vector[ends[k]:ends[k + 1]], leaf) for k, leaf in enumerate(leaves)]))
    return vector, unflatten


def _like(part, leaf):
    dtype = leaf.dtype if isinstance(leaf, (array_base, numpy.ndarray, numpy.generic)) else numpy.asarray(leaf).dtype
    part = np.reshape(part, np.shape(leaf))
    if dtype.kind not in "fc" or part.dtype == dtype:
        return part[()]
    return (np.real(part) if part.dtype.kind == "c" and dtype.kind == "f" else part).astype(dtype)[()]


def flatten_func(func: Callable[..., Any], example: Any) -> tuple[Callable[..., Any], Callable[[Any], Any], Any]:
    """`(flat function, unflatten, flat example)`: a function of a nested value as one of its vector."""
    flat, unflatten = flatten(example)
    return lambda vector, *args: flatten(func(unflatten(vector), *args))[0], unflatten, flat
