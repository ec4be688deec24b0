"""SciPy, and its functions as nodes of the tape."""
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from minpy.autograd._primitive import defjvp, defjvp_argnums, defvjp, defvjp_argnums, primitive
from minpy.autograd.core import make_jvp, make_vjp

if TYPE_CHECKING:
    from collections.abc import Callable


def module(name: str) -> Any:
    """SciPy's module of that name.

    Raises ImportError, with the way out, where there is no SciPy.
    """
    try:
        return importlib.import_module("scipy." + name)
    except ImportError as e:
        raise ImportError(f"minpy.scipy.{name} needs SciPy: pip install scipy ({e})") from e


def by_element(function: Any, *slopes: Callable[..., Any] | None) -> Any:
    """A function of SciPy's that works by element, with its partial derivatives `slope(ans, *args)`. None: unknown, an error."""
    made = primitive(function)
    known = {i: slope for i, slope in enumerate(slopes) if slope is not None}

    def vjp(slope):
        return lambda ans, *args, **kwargs: lambda g: g * slope(ans, *args)

    def jvp(slope):
        return lambda t, ans, *args, **kwargs: t * slope(ans, *args)
    defvjp(made, *map(vjp, known.values()), argnums=known)
    defjvp(made, *map(jvp, known.values()), argnums=known)
    return made


def as_formula(function: Any, formula: Callable[..., Any]) -> Any:
    """A function of SciPy's whose derivatives are those of a formula of ours."""
    made = primitive(function)

    def of(argnums, args, kwargs):
        def formula_of(some):
            given = list(args)
            for i, v in zip(argnums, some, strict=True):
                given[i] = v
            return formula(*given, **kwargs)
        return formula_of, tuple(args[i] for i in argnums)
    defvjp_argnums(made, lambda argnums, ans, args, kwargs: make_vjp(*of(argnums, args, kwargs))[0])
    defjvp_argnums(made, lambda argnums, tangents, ans, args, kwargs: make_jvp(*of(argnums, args, kwargs))(tangents)[1])
    return made


def others(theirs: Any, ours: dict[str, Any]) -> Callable[[str], Any]:
    """`__getattr__` of a module: what SciPy has under a name, functions as primitives without a gradient."""
    def lookup(name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(theirs, name)
        if callable(value) and not isinstance(value, type):
            value = primitive(value)
            value.__name__ = name
        ours[name] = value
        return value
    return lookup
