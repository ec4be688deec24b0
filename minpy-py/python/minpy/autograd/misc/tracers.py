"""autograd's graphs of a call: here the tape is the graph, and a function simply runs."""
from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def const_graph(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """`functools.partial(fun, *args, **kwargs)`: nothing is remembered from one call for the next."""
    return functools.wraps(fun)(functools.partial(fun, *args, **kwargs))
