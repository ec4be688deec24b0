"""`scipy.stats`: distributions with gradients, each a module of functions, as in autograd."""
from minpy.scipy._scipy import module, others
from minpy.scipy.stats import beta, chi2, dirichlet, gamma, multivariate_normal, norm, poisson, t

__getattr__ = others(module("stats"), globals())
__all__ = ["beta", "chi2", "dirichlet", "gamma", "multivariate_normal", "norm", "poisson", "t"]
