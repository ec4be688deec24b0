"""`scipy.special`: functions with gradients, of any order and in both modes."""
from __future__ import annotations

import math
from typing import Any

import numpy

import minpy.numpy as np
from minpy.autograd._primitive import notrace_primitive
from minpy.scipy._scipy import as_formula, by_element, module, others

_theirs = module("special")

# They refer to one another.
polygamma: Any
xlogy: Any
xlog1py: Any
j1: Any
jn: Any
jv: Any
y1: Any
yn: Any
i1: Any
iv: Any
ive: Any

# The gamma function and its relatives.
polygamma = by_element(_theirs.polygamma, lambda ans, n, x: np.zeros(()), lambda ans, n, x: polygamma(n + 1, x))
psi = by_element(_theirs.psi, lambda ans, x: polygamma(1, x))
digamma = by_element(_theirs.digamma, lambda ans, x: polygamma(1, x))
gamma = by_element(_theirs.gamma, lambda ans, x: ans * psi(x))
gammaln = by_element(_theirs.gammaln, lambda ans, x: psi(x))
rgamma = by_element(_theirs.rgamma, lambda ans, x: -ans * psi(x))
gammasgn = notrace_primitive(_theirs.gammasgn)
gammainc = by_element(_theirs.gammainc, None, lambda ans, a, x: np.exp(xlogy(a - 1, x) - x - gammaln(a)))
gammaincc = by_element(_theirs.gammaincc, None, lambda ans, a, x: -np.exp(xlogy(a - 1, x) - x - gammaln(a)))
multigammaln = as_formula(
    _theirs.multigammaln, lambda a, d: sum(gammaln(a - i / 2) for i in range(d)) + d * (d - 1) / 4 * math.log(math.pi))
beta = by_element(_theirs.beta, lambda ans, a, b: ans * (psi(a) - psi(a + b)), lambda ans, a, b: ans * (psi(b) - psi(a + b)))
betaln = by_element(_theirs.betaln, lambda ans, a, b: psi(a) - psi(a + b), lambda ans, a, b: psi(b) - psi(a + b))
betainc = by_element(_theirs.betainc, None, None, lambda ans, a, b, x: np.exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b)))

# The error function and its relatives.
_ROOT = 2 / math.sqrt(math.pi)
_complex_erf = by_element(_theirs.erf, lambda ans, x: _ROOT * np.exp(-x * x))
_complex_expit = by_element(lambda x: 1 / (1 + numpy.exp(-x)), lambda ans, x: ans * (1 - ans))
erfc = by_element(_theirs.erfc, lambda ans, x: -_ROOT * np.exp(-x * x))
erfcx = by_element(_theirs.erfcx, lambda ans, x: 2 * x * ans - _ROOT)
erfinv = by_element(_theirs.erfinv, lambda ans, y: np.exp(ans * ans) / _ROOT)
erfcinv = by_element(_theirs.erfcinv, lambda ans, y: -np.exp(ans * ans) / _ROOT)
ndtr = by_element(_theirs.ndtr, lambda ans, x: np.exp(-x * x / 2) / math.sqrt(2 * math.pi))
ndtri = by_element(_theirs.ndtri, lambda ans, y: np.exp(ans * ans / 2) * math.sqrt(2 * math.pi))
log_ndtr = by_element(_theirs.log_ndtr, lambda ans, x: np.exp(-x * x / 2 - ans) / math.sqrt(2 * math.pi))
logit = by_element(_theirs.logit, lambda ans, p: 1 / (p * (1 - p)))
log_expit = by_element(_theirs.log_expit, lambda ans, x: expit(-x))

# Products with logarithms, without NaN where a factor is 0.
xlogy = by_element(_theirs.xlogy, lambda ans, x, y: np.log(y), lambda ans, x, y: x / y)
xlog1py = by_element(_theirs.xlog1py, lambda ans, x, y: np.log1p(y), lambda ans, x, y: x / (1 + y))
entr = by_element(_theirs.entr, lambda ans, x: -np.log(x) - 1)
rel_entr = by_element(_theirs.rel_entr, lambda ans, x, y: np.log(x / y) + 1, lambda ans, x, y: -x / y)
kl_div = by_element(_theirs.kl_div, lambda ans, x, y: np.log(x / y), lambda ans, x, y: 1 - x / y)

# Bessel functions. Of the order there is no derivative.
j0 = by_element(_theirs.j0, lambda ans, x: -j1(x))
j1 = by_element(_theirs.j1, lambda ans, x: (j0(x) - jn(2, x)) / 2)
jn = by_element(_theirs.jn, None, lambda ans, n, x: (jn(n - 1, x) - jn(n + 1, x)) / 2)
jv = by_element(_theirs.jv, None, lambda ans, v, x: (jv(v - 1, x) - jv(v + 1, x)) / 2)
y0 = by_element(_theirs.y0, lambda ans, x: -y1(x))
y1 = by_element(_theirs.y1, lambda ans, x: (y0(x) - yn(2, x)) / 2)
yn = by_element(_theirs.yn, None, lambda ans, n, x: (yn(n - 1, x) - yn(n + 1, x)) / 2)
i0 = by_element(_theirs.i0, lambda ans, x: i1(x))
i1 = by_element(_theirs.i1, lambda ans, x: (i0(x) + iv(2, x)) / 2)
iv = by_element(_theirs.iv, None, lambda ans, v, x: (iv(v - 1, x) + iv(v + 1, x)) / 2)
ive = by_element(_theirs.ive, None, lambda ans, v, x: (ive(v - 1, x) + ive(v + 1, x)) / 2 - ans * np.sign(x))


def erf(x: Any) -> Any:
    """The error function. MinPy's own, but for complex numbers."""
    return _complex_erf(x) if np.iscomplexobj(x) else np.erf(x)


def expit(x: Any) -> Any:
    """The logistic function, 1 / (1 + exp(-x)). MinPy's own, but for complex numbers."""
    return _complex_expit(x) if np.iscomplexobj(x) else np.sigmoid(x)


def logsumexp(x: Any, axis: Any = None, b: Any = 1.0, keepdims: bool = False, return_sign: bool = False) -> Any:
    """log(sum(b * exp(x))), without overflow; with `return_sign` the logarithm of the absolute value, and the sign."""
    x = np.asarray(x)
    top = np.max(x.real if x.dtype.kind == "c" else x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    total = np.sum(b * np.exp(x - top), axis=axis, keepdims=True)
    sign = np.sign(total) if return_sign else None
    found = np.log(np.abs(total) if return_sign else total) + top
    if not keepdims:
        found = np.squeeze(found, axis)[()]
        sign = None if sign is None else np.squeeze(sign, axis)[()]
    return found if sign is None else (found, sign)


def softmax(x: Any, axis: Any = None) -> Any:
    """exp(x) / sum(exp(x))."""
    return np.exp(log_softmax(x, axis))


def log_softmax(x: Any, axis: Any = None) -> Any:
    """The logarithm of softmax."""
    return x - logsumexp(x, axis, keepdims=True)


__getattr__ = others(_theirs, globals())
__all__ = [
    "beta", "betainc", "betaln", "digamma", "entr", "erf", "erfc", "erfcinv", "erfcx", "erfinv", "expit", "gamma", "gammainc", "gammaincc",
    "gammaln", "gammasgn", "i0", "i1", "iv", "ive", "j0", "j1", "jn", "jv", "kl_div", "log_expit", "log_ndtr", "log_softmax", "logit", "logsumexp",
    "multigammaln", "ndtr", "ndtri", "polygamma", "psi", "rel_entr", "rgamma", "softmax", "xlog1py", "xlogy", "y0", "y1", "yn",
]
