"""Distributions of a location and a scale: from the logarithm of the standard density to all six functions."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import minpy.numpy as np
from minpy.scipy._scipy import as_formula, by_element

if TYPE_CHECKING:
    from collections.abc import Callable


def family(distribution: Any, log_density: Callable[..., Any], shapes: int) -> tuple[Callable[..., Any], ...]:
    """`pdf, logpdf, cdf, logcdf, sf, logsf` of `(x, *shapes, loc=0.0, scale=1.0)`: values are SciPy's; gradients those of
    `log_density(x, *shapes)`, and of the integrals the density (of their shapes there are none)."""
    none = [None] * shapes
    logpdf = as_formula(distribution.logpdf, log_density)
    pdf = as_formula(distribution.pdf, lambda *args: np.exp(log_density(*args)))
    cdf = by_element(distribution.cdf, lambda ans, *args: pdf(*args), *none)
    sf = by_element(distribution.sf, lambda ans, *args: -pdf(*args), *none)
    logcdf = by_element(distribution.logcdf, lambda ans, *args: np.exp(logpdf(*args) - ans), *none)
    logsf = by_element(distribution.logsf, lambda ans, *args: -np.exp(logpdf(*args) - ans), *none)
    return tuple(placed(f, shapes, name) for f, name in (
        (pdf, "pdf"), (logpdf, "logpdf"), (cdf, "cdf"), (logcdf, "logcdf"), (sf, "sf"), (logsf, "logsf")))


def is_number(value: Any, number: float) -> bool:
    """Whether it is that number of Python's own, which needs no work."""
    return isinstance(value, (int, float)) and value == number


def placed(standard: Callable[..., Any], shapes: int, name: str) -> Callable[..., Any]:
    """A standard function with a location and a scale."""
    def f(x, *parameters, loc=0.0, scale=1.0):
        given, rest = parameters[:shapes], parameters[shapes:]
        if len(given) != shapes or len(rest) > 2:
            raise TypeError(f"{name}: {shapes} parameters, loc and scale, not {len(parameters)} parameters")
        loc, scale = (*rest, *(loc, scale)[len(rest):])
        z = x if is_number(loc, 0) else x - loc
        if is_number(scale, 1):
            return standard(z, *given)
        value = standard(z / scale, *given)
        return value / scale if name == "pdf" else value - np.log(scale) if name == "logpdf" else value
    f.__name__ = f.__qualname__ = name
    f.__doc__ = standard.__doc__
    return f


def inside(x: Any, low: float, high: float, log_density: Callable[[Any], Any]) -> Any:
    """A logarithm of a density in an interval, minus infinity outside of it."""
    where = (x >= low) & (x <= high)
    return np.where(where, log_density(np.where(where, x, low + 0.5)), -np.inf)
