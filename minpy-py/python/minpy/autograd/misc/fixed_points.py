"""Fixed points of iterations, differentiated without the iterations."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minpy.autograd._primitive import defvjp, of_ours
from minpy.autograd._spaces import vspace
from minpy.autograd.core import make_vjp

if TYPE_CHECKING:
    from collections.abc import Callable


@of_ours
def fixed_point(f: Callable[[Any], Callable[[Any], Any]], a: Any, x0: Any, distance: Callable[[Any, Any], Any], tol: float) -> Any:
    """The `x` with `x = f(a)(x)`, by iteration from `x0` until two steps are nearer than `tol`. Its gradient with respect to `a`
    is found by an iteration too, and so on for higher orders; it does not depend on `x0`."""
    step = f(a)
    before, x = x0, step(x0)
    while distance(x, before) > tol:
        before, x = x, step(x)
    return x


def _adjoint(parameters):
    """The iteration whose fixed point is the gradient of what a fixed point depends on: w = g + w' df/dx."""
    f, a, x, g = parameters
    pull = make_vjp(f(a), x)[0]
    return lambda w: vspace(x).add(pull(w), g)


def _of_a(ans, f, a, x0, distance, tol):
    pull = make_vjp(lambda a: f(a)(ans), a)[0]

    def vjp(g):
        adjoint = fixed_point(lambda p: _adjoint((f, *p)), (a, ans, g), vspace(ans).zeros(), distance, tol)
        return pull(adjoint)
    return vjp


defvjp(fixed_point, None, _of_a, None)
