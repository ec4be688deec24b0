"""The chi-squared distribution with `df` degrees of freedom."""
import math

import minpy.numpy as np
from minpy.scipy._scipy import module
from minpy.scipy.special import gammaln, xlogy
from minpy.scipy.stats._family import family, inside


def _log_density(x, df):
    return inside(x, 0, np.inf, lambda x: xlogy(df / 2 - 1, x) - x / 2 - gammaln(df / 2) - df * math.log(2) / 2)


pdf, logpdf, cdf, logcdf, sf, logsf = family(module("stats").chi2, _log_density, 1)
__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
