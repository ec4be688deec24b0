"""Gradients compared with differences."""
from collections.abc import Callable
from typing import Any

import numpy

from minpy import core


def quick_grad_check(func: Callable[..., Any], *args: Any, argnum: int = 0, eps: float = 1e-6, rtol: float = 1e-4, atol: float = 1e-6,
                     samples: int = 10, verbose: bool = False) -> bool:
    """Whether the gradient of `func` agrees with central differences at a few random elements of the argument.

    Args are NumPy or MinPy arrays or numbers; float64 arguments give the sharpest answer.
    """
    import minpy.numpy as np
    points = list(args)
    x = numpy.array(args[argnum], dtype=numpy.float64)
    points[argnum] = np.array(x) if x.ndim else float(x)
    gradient = numpy.broadcast_to(numpy.asarray(core.grad(func, argnum)(*points), dtype=numpy.float64), x.shape)
    random = numpy.random.RandomState(0)
    positions = [numpy.unravel_index(i, x.shape) for i in random.permutation(x.size)[:samples]]

    def at(position, step):
        moved = x.copy()
        moved[position] += step
        given = [*points[:argnum], np.array(moved) if x.ndim else float(moved), *points[argnum + 1:]]
        return float(numpy.sum(numpy.asarray(func(*given), dtype=numpy.float64)))
    good = True
    for position in positions:
        numerical = (at(position, eps) - at(position, -eps)) / (2 * eps)
        fine = numpy.isclose(gradient[position], numerical, rtol, atol)
        if verbose or not fine:
            print(f"gradient check at {tuple(int(i) for i in position)}: {gradient[position]} by the tape, {numerical} by differences")
        good = good and bool(fine)
    return good


def gradient_checker(func: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    """The original's name for `quick_grad_check`."""
    return quick_grad_check(func, *args, **kwargs)
