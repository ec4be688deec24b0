"""The Poisson distribution of mean `mu`. There are gradients of the mean."""
import minpy.numpy as np
from minpy.scipy._scipy import by_element, module

_theirs = module("stats").poisson


def _slope(k, mu):
    return np.where(k % 1 == 0, k / mu - 1, 0.0)


pmf = by_element(_theirs.pmf, None, lambda ans, k, mu, *loc: ans * (np.subtract(k, *loc or (0,)) / mu - 1))
logpmf = by_element(_theirs.logpmf, None, lambda ans, k, mu, *loc: _slope(np.subtract(k, *loc or (0,)), mu))
cdf = by_element(_theirs.cdf, None, lambda ans, k, mu, *loc: -pmf(np.floor(k), mu, *loc))
sf = by_element(_theirs.sf, None, lambda ans, k, mu, *loc: pmf(np.floor(k), mu, *loc))
__all__ = ["cdf", "logpmf", "pmf", "sf"]
