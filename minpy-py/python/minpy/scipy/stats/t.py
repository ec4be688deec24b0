"""Student's t distribution with `df` degrees of freedom."""
import math

import minpy.numpy as np
from minpy.scipy._scipy import module
from minpy.scipy.special import gammaln
from minpy.scipy.stats._family import family


def _log_density(x, df):
    return gammaln((df + 1) / 2) - gammaln(df / 2) - (np.log(df) + math.log(math.pi)) / 2 - (df + 1) / 2 * np.log1p(x * x / df)


pdf, logpdf, cdf, logcdf, sf, logsf = family(module("stats").t, _log_density, 1)
__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
