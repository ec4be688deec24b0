"""The beta distribution on (0, 1), with shapes `a` and `b`."""
from minpy.scipy._scipy import module
from minpy.scipy.special import betaln, xlog1py, xlogy
from minpy.scipy.stats._family import family, inside


def _log_density(x, a, b):
    return inside(x, 0, 1, lambda x: xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b))


pdf, logpdf, cdf, logcdf, sf, logsf = family(module("stats").beta, _log_density, 2)
__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
