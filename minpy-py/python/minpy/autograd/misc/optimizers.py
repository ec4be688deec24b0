"""Stochastic optimisers for nested values: `optimizer(grad, x0, callback, num_iters, ...)` with `grad(x, i)`."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import minpy.numpy as np
from minpy.autograd.misc.flatten import flatten
from minpy.autograd.wrap_util import wraps

if TYPE_CHECKING:
    from collections.abc import Callable

    Grad = Callable[[Any, int], Any]
    Callback = Callable[[Any, int, Any], Any] | None


def unflatten_optimizer(optimize: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: an optimiser of vectors becomes one of nested tuples, lists and dictionaries."""
    @wraps(optimize)
    def optimize_nested(grad, x0, callback=None, *args, **kwargs):
        start, unflatten = flatten(x0)

        def told(x, i, g):
            return callback(unflatten(x), i, unflatten(g))

        def flat_grad(x, i):
            return flatten(grad(unflatten(x), i))[0]
        return unflatten(optimize(flat_grad, start, told if callback else None, *args, **kwargs))
    return optimize_nested


def _steps(grad, x, callback, num_iters, step):
    """`x` after so many of the steps that `step(i, gradient)` gives."""
    for i in range(num_iters):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        x = x + step(i, g)
    return x


@unflatten_optimizer
def sgd(grad: Grad, x: Any, callback: Callback = None, num_iters: int = 200, step_size: Any = 0.1, mass: Any = 0.9) -> Any:
    """Gradient descent with momentum."""
    velocity = np.zeros(len(x))

    def step(i, g):
        nonlocal velocity
        velocity = mass * velocity - (1 - mass) * g
        return step_size * velocity
    return _steps(grad, x, callback, num_iters, step)


@unflatten_optimizer
def rmsprop(
    grad: Grad, x: Any, callback: Callback = None, num_iters: int = 100, step_size: Any = 0.1, gamma: Any = 0.9, eps: Any = 1e-8,
) -> Any:
    """Steps divided by the root of a running mean of squared gradients."""
    squares = np.ones(len(x))

    def step(i, g):
        nonlocal squares
        squares = gamma * squares + (1 - gamma) * g**2
        return -step_size * g / (np.sqrt(squares) + eps)
    return _steps(grad, x, callback, num_iters, step)


@unflatten_optimizer
def adam(
    grad: Grad, x: Any, callback: Callback = None, num_iters: int = 100, step_size: Any = 0.001, b1: Any = 0.9, b2: Any = 0.999,
    eps: Any = 1e-8,
) -> Any:
    """Adam (Kingma and Ba, https://arxiv.org/abs/1412.6980): running means of gradients and of their squares, without the bias that
    their start at 0 gives them."""
    mean, squares = np.zeros(len(x)), np.zeros(len(x))

    def step(i, g):
        nonlocal mean, squares
        mean, squares = b1 * mean + (1 - b1) * g, b2 * squares + (1 - b2) * g**2
        return -step_size * (mean / (1 - b1 ** (i + 1))) / (np.sqrt(squares / (1 - b2 ** (i + 1))) + eps)
    return _steps(grad, x, callback, num_iters, step)
