"""The Dirichlet distribution with concentrations `alpha`: `x` has the components along its first axis, all of them or all but the last."""
import minpy.numpy as np
from minpy.autograd._primitive import notrace_primitive
from minpy.scipy._scipy import as_formula, module
from minpy.scipy.special import gammaln, xlogy

_theirs = module("stats").dirichlet


def _log_density(x, alpha):
    x, alpha = np.asarray(x), np.asarray(alpha)
    if x.shape[0] == alpha.shape[0] - 1:
        x = np.concatenate([x, 1 - np.sum(x, axis=0, keepdims=True)])
    constant = gammaln(np.sum(alpha)) - np.sum(gammaln(alpha))
    return constant + np.sum(xlogy(np.reshape(alpha - 1, (-1,) + (1,) * (x.ndim - 1)), x), axis=0)


logpdf = as_formula(_theirs.logpdf, _log_density)
pdf = as_formula(_theirs.pdf, lambda x, alpha: np.exp(_log_density(x, alpha)))
rvs = notrace_primitive(_theirs.rvs)
__all__ = ["logpdf", "pdf", "rvs"]
