"""Helpers of autograd's rules that programs use in their own."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import minpy.numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


def unbroadcast(x: Any, target_meta: tuple[Any, ...], broadcast_idx: int = 0) -> Any:
    """A gradient summed over the axes along which an argument was broadcast; `target_meta` is the argument's `metadata`."""
    shape, ndim, _, is_complex = target_meta
    while np.ndim(x) > ndim:
        x = np.sum(x, axis=broadcast_idx)
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and np.shape(x)[i] != 1)
    if axes:
        x = np.sum(x, axis=axes, keepdims=True)
    return np.real(x) if np.iscomplexobj(x) and not is_complex else x


def metadata(a: Any) -> tuple[Any, ...]:
    """Shape, number of axes, dtype, and whether it is complex."""
    return np.shape(a), np.ndim(a), np.result_type(a), np.iscomplexobj(a)


def unbroadcast_f(target: Any, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The map to the gradient of an argument, summed over the axes along which it was broadcast."""
    known = metadata(target)
    return lambda g: unbroadcast(f(g), known)
