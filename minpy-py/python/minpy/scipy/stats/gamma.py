"""The gamma distribution with shape `a`."""
import minpy.numpy as np
from minpy.scipy._scipy import module
from minpy.scipy.special import gammaln, xlogy
from minpy.scipy.stats._family import family, inside


def _log_density(x, a):
    return inside(x, 0, np.inf, lambda x: xlogy(a - 1, x) - x - gammaln(a))


pdf, logpdf, cdf, logcdf, sf, logsf = family(module("stats").gamma, _log_density, 1)
__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
