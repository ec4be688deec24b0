"""`scipy.linalg`: functions with gradients, of any order and in both modes."""
from __future__ import annotations

from typing import Any

import numpy

import minpy.numpy as np
from minpy.autograd._primitive import defjvp, defjvp_argnums, defvjp, defvjp_argnums, primitive
from minpy.scipy._scipy import module, others

_theirs = module("linalg")


def _t(a):
    return np.swapaxes(a, -1, -2)


# X of A X + X B = Q.
solve_sylvester = primitive(_theirs.solve_sylvester)


def _sylvester_vjp(argnums, ans, args, kwargs):
    a, b, _ = args

    def vjp(g):
        by_q = solve_sylvester(_t(a), _t(b), g)
        return [(-np.matmul(by_q, _t(ans)), -np.matmul(_t(ans), by_q), by_q)[i] for i in argnums]
    return vjp


def _sylvester_jvp(argnums, tangents, ans, args, kwargs):
    a, b, _ = args
    parts = {0: lambda t: -np.matmul(t, ans), 1: lambda t: -np.matmul(ans, t), 2: lambda t: t}
    return solve_sylvester(a, b, sum(parts[i](t) for i, t in zip(argnums, tangents, strict=True)))


defvjp_argnums(solve_sylvester, _sylvester_vjp)
defjvp_argnums(solve_sylvester, _sylvester_jvp)

# S of S S = A, whose tangent solves S dS + dS S = dA.
sqrtm = primitive(_theirs.sqrtm)
defvjp(sqrtm, lambda ans, a, **kwargs: lambda g: solve_sylvester(_t(ans), _t(ans), g))
defjvp(sqrtm, lambda t, ans, a, **kwargs: solve_sylvester(ans, ans, t))

# Its tangent stands in the corner of the exponential of a matrix of twice the size (Mathias, SIAM J. Matrix Anal. Appl. 17, 1996).
expm = primitive(_theirs.expm)


def _along(a, t):
    n = np.shape(a)[-1]
    upper, lower = np.concatenate([a, t], -1), np.concatenate([np.zeros_like(a), a], -1)
    return expm(np.concatenate([upper, lower], -2))[..., :n, n:]


defvjp(expm, lambda ans, a: lambda g: _along(_t(a), g))
defjvp(expm, lambda t, ans, a: _along(a, t))

_triangular = primitive(_theirs.solve_triangular)
_TRANSPOSED = {0: 0, "N": 0, 1: 1, "T": 1, 2: 2, "C": 2}


def solve_triangular(a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False, **options: Any) -> Any:
    """X of A X = B for a triangular matrix, of which only that triangle is read; `trans` 1 or 'T': of A' X = B, 2 or 'C': of the
    conjugate transpose."""
    trans = _TRANSPOSED[trans]
    if trans == 2:
        a, trans = np.conj(a), 1
    return _triangular(a, b, trans=trans, lower=bool(lower), unit_diagonal=bool(unit_diagonal), **options)


def _column(a):
    return a if np.ndim(a) > 1 else np.expand_dims(a, -1)


def _triangle(a, lower, unit_diagonal):
    return np.tril(a, -1 if unit_diagonal else 0) if lower else np.triu(a, 1 if unit_diagonal else 0)


def _triangular_vjp(argnums, ans, args, kwargs):
    a, _ = args
    back = {**kwargs, "trans": 1 - kwargs["trans"]}

    def vjp(g):
        by_b = solve_triangular(a, g, **back)
        left, right = (_column(ans), _column(by_b)) if kwargs["trans"] else (_column(by_b), _column(ans))
        return [by_b if i else -_triangle(np.matmul(left, _t(right)), kwargs["lower"], kwargs["unit_diagonal"]) for i in argnums]
    return vjp


def _triangular_jvp(argnums, tangents, ans, args, kwargs):
    def part(i, t):
        if i == 1:
            return t
        t = _triangle(t, kwargs["lower"], kwargs["unit_diagonal"])
        return -np.reshape(np.matmul(_t(t) if kwargs["trans"] else t, _column(ans)), np.shape(ans))
    return solve_triangular(args[0], sum(part(i, t) for i, t in zip(argnums, tangents, strict=True)), **kwargs)


defvjp_argnums(_triangular, _triangular_vjp)
defjvp_argnums(_triangular, _triangular_jvp)

# X of A X = B for a matrix that is given by its diagonals: element (i, j) stands in row u + i - j of column j.
solve_banded = primitive(_theirs.solve_banded)


def _places(l_and_u, n):
    """For each element of the diagonals the row in which it stands in the matrix, and whether there is such a row."""
    below, above = l_and_u
    rows = numpy.arange(n) + numpy.arange(below + above + 1)[:, None] - above
    return numpy.clip(rows, 0, n - 1), (rows >= 0) & (rows < n)


def _transposed(l_and_u, ab):
    """Widths and diagonals of the transpose."""
    below, above = (int(k) for k in l_and_u)
    columns, inside = _places((above, below), ab.shape[1])
    rows = numpy.arange(below + above, -1, -1)[:, None]
    return (above, below), np.where(inside, ab[rows, columns], 0)


def _banded_vjp(argnums, ans, args, kwargs):
    l_and_u, ab, _ = args

    def vjp(g):
        by_b = solve_banded(*_transposed(l_and_u, ab), g)
        rows, inside = _places(l_and_u, ab.shape[1])
        by_a = -np.sum(_column(by_b)[rows] * _column(ans), axis=-1)
        return [None if i == 0 else np.where(inside, by_a, 0) if i == 1 else by_b for i in argnums]
    return vjp


defvjp_argnums(solve_banded, _banded_vjp)


def block_diag(*arrs: Any) -> Any:
    """The matrix with these along its diagonal (vectors are matrices of one row), zeros elsewhere."""
    if not arrs:
        return np.array(_theirs.block_diag())
    blocks = [np.atleast_2d(a) for a in arrs]
    if any(b.ndim != 2 for b in blocks):
        return np.array(_theirs.block_diag(*[b.asnumpy() for b in blocks]))
    made = np.zeros(numpy.sum([b.shape for b in blocks], axis=0).tolist(), numpy.result_type(*[b.dtype for b in blocks]))
    i = j = 0
    for b in blocks:
        made[i:i + b.shape[0], j:j + b.shape[1]] = b
        i, j = i + b.shape[0], j + b.shape[1]
    return made


__getattr__ = others(_theirs, globals())
__all__ = ["block_diag", "expm", "solve_banded", "solve_sylvester", "solve_triangular", "sqrtm"]
