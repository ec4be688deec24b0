"""Small things that programs import from autograd's module of this name."""
from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def subvals(x: Iterable[Any], ivs: Iterable[tuple[int, Any]]) -> tuple[Any, ...]:
    """The items with others in the places that `(place, item)` name."""
    items = list(x)
    for i, v in ivs:
        items[i] = v
    return tuple(items)


def subval(x: Iterable[Any], i: int, v: Any) -> tuple[Any, ...]:
    """The items with another in one place."""
    return subvals(x, [(i, v)])


def func(f: Any) -> Any:
    """The function itself, of a method looked up in its class."""
    return f


def quick_grad_check(
    fun: Callable[..., Any], arg0: Any, extra_args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None, **options: Any,
) -> None:
    """Deprecated in autograd too: `test_util.check_grads` of the first argument, reverse mode, first order."""
    from minpy.autograd.test_util import check_grads
    warnings.warn("quick_grad_check is deprecated: use minpy.autograd.test_util.check_grads", stacklevel=2)
    check_grads(lambda x: fun(x, *extra_args, **(kwargs or {})), modes=["rev"], order=1)(arg0)
