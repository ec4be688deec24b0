"""The normal distribution, of `(x, loc=0.0, scale=1.0)`. The density is MinPy's own."""
import math

import minpy.numpy as np
from minpy.scipy.special import log_ndtr, ndtr
from minpy.scipy.stats._family import placed


def _log_density(x):
    return -x * x / 2 - math.log(2 * math.pi) / 2


pdf = placed(lambda x: np.exp(_log_density(x)), 0, "pdf")
logpdf = placed(_log_density, 0, "logpdf")
cdf = placed(ndtr, 0, "cdf")
logcdf = placed(log_ndtr, 0, "logcdf")
sf = placed(lambda x: ndtr(-x), 0, "sf")
logsf = placed(lambda x: log_ndtr(-x), 0, "logsf")
__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
