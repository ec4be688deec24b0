"""The normal distribution of vectors: `(x, mean=None, cov=1, allow_singular=False)`, with the vectors along the last axis of `x`."""
import math

import numpy

import minpy.numpy as np
from minpy.scipy._scipy import as_formula, module

_theirs = module("stats").multivariate_normal
_LOG = math.log(2 * math.pi)


def _parameters(mean, cov):
    """Mean and covariance as a vector and a matrix."""
    size = numpy.size(mean) if mean is not None else numpy.shape(cov)[0] if numpy.ndim(cov) else 1
    mean = np.zeros(size) if mean is None else np.reshape(mean, (-1,))
    cov = np.asarray(1.0 if cov is None else cov)
    return mean, cov * np.eye(size) if cov.ndim == 0 else np.diag(cov) if cov.ndim == 1 else cov


def _log_density(x, mean=None, cov=1, allow_singular=False):
    mean, cov = _parameters(mean, cov)
    x, size = np.asarray(x), len(mean)
    shape = x.shape if size == 1 and (x.ndim == 0 or x.shape[-1] != 1 or x.ndim == 1) else x.shape[:-1]
    d = np.reshape(x, (-1, size)) - mean
    if allow_singular:
        values = numpy.linalg.eigvalsh(cov.asnumpy())
        values = values[values > values.max() * size * 1e-10]
        solved, log_det, rank = np.matmul(d, np.linalg.pinv(cov)), numpy.log(values).sum(), len(values)
    else:
        solved, log_det, rank = np.linalg.solve(cov, d.T).T, np.linalg.slogdet(cov)[1], size
    found = -(np.sum(d * solved, axis=-1) + log_det + rank * _LOG) / 2
    return np.squeeze(np.reshape(found, shape))[()]


def _entropy(mean=None, cov=1):
    mean, cov = _parameters(mean, cov)
    return (np.linalg.slogdet(cov)[1] + len(mean) * (_LOG + 1)) / 2


logpdf = as_formula(_theirs.logpdf, _log_density)
pdf = as_formula(_theirs.pdf, lambda *args, **kwargs: np.exp(_log_density(*args, **kwargs)))
entropy = as_formula(_theirs.entropy, _entropy)
__all__ = ["entropy", "logpdf", "pdf"]
