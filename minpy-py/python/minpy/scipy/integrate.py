"""`odeint` with gradients: of the initial state, the times and the arguments of the right-hand side."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

import minpy.numpy as np
from minpy.autograd._primitive import defjvp_argnums, defvjp_argnums, primitive
from minpy.autograd.core import make_jvp, make_vjp
from minpy.autograd.misc.flatten import flatten
from minpy.autograd.tracer import getval
from minpy.scipy._scipy import module, others

if TYPE_CHECKING:
    from collections.abc import Callable

_theirs = module("integrate")


def _solve(func, y0, t, args, **options):
    def on_numpy(y, time, *args):
        return numpy.asarray(getval(func(y, time, *args)))
    return _theirs.odeint(on_numpy, y0, t, args, **options)


_solve.__name__ = "odeint"
_odeint = primitive(_solve)


def odeint(func: Callable[..., Any], y0: Any, t: Any, args: tuple[Any, ...] = (), **options: Any) -> Any:
    """The solution of dy/dt = func(y, t, *args) with y(t[0]) = y0 at the times `t`, by SciPy's `odeint`.

    Gradients by the adjoint equation, which is solved backwards from one time to the one before; tangents by the equation of the
    sensitivities. `func` computes with `minpy.numpy`; what else it refers to is a constant.
    """
    if options.pop("tfirst", False):
        original = func
        func = lambda y, time, *args: original(time, y, *args)
    return _odeint(func, y0, t, tuple(args), **options)


def _adjoint(argnums, ans, args, options):
    """The adjoint (of y, then of the arguments) of a state that is written at several times (Chen et al., 2018, appendix B;
    https://arxiv.org/abs/1806.07366)."""
    func, _, t, given = args
    n, size = np.shape(ans)
    flat, unflatten = flatten(given)

    def slope(y, time, flat):
        return func(y, time, *unflatten(flat)) * np.ones(size)

    def backwards(state, time, flat):
        y, w = state[:size], state[size:2 * size]
        pull, dy = make_vjp(lambda yp: slope(yp[0], time, yp[1]), (y, flat))
        by_y, by_flat = pull(-w)
        return np.concatenate([dy, by_y, by_flat])

    def vjp(g):
        w, by_flat, by_t = g[-1], np.zeros(np.shape(flat)), [np.zeros(())] * n
        for i in range(n - 1, 0, -1):
            by_t[i] = np.dot(g[i], slope(ans[i], t[i], flat))
            start = np.concatenate([ans[i], w, by_flat])
            state = odeint(backwards, start, np.stack([t[i], t[i - 1]]), (flat,), **options)[1]
            w, by_flat = state[size:2 * size] + g[i - 1], state[2 * size:]
        # The first time is where the initial state is, and moves all that follows: there it stays.
        by_t[0] = -np.dot(w - g[0], slope(ans[0], t[0], flat))
        found = {0: None, 1: w, 2: np.stack(by_t), 3: unflatten(by_flat) if 3 in argnums else None}
        return [found[i] for i in argnums]
    return vjp


def _sensitivities(argnums, tangents, ans, args, options):
    func, _, t, given = args
    known = dict(zip(argnums, tangents, strict=True))
    size = np.shape(ans)[1]
    along_t = known.get(2, np.zeros(np.shape(t)))
    flat, unflatten = flatten(given)
    along = flatten(known[3])[0] if 3 in known else np.zeros(np.shape(flat))

    def slope(y, time, flat):
        return func(y, time, *unflatten(flat)) * np.ones(size)

    def both(state, time, flat, along):
        y, s = state[:size], state[size:]
        return np.concatenate(make_jvp(lambda yp: slope(yp[0], time, yp[1]), (y, flat))((s, along)))
    start = known.get(1, np.zeros(size)) * np.ones(size) - slope(ans[0], t[0], flat) * along_t[0]
    moved = odeint(both, np.concatenate([ans[0], start]), t, (flat, along), **options)[:, size:]
    return moved + np.stack([slope(ans[i], t[i], flat) * along_t[i] for i in range(np.shape(ans)[0])])


defvjp_argnums(_odeint, _adjoint)
defjvp_argnums(_odeint, _sensitivities)

__getattr__ = others(_theirs, globals())
__all__ = ["odeint"]
