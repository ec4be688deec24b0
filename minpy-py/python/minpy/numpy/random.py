"""NumPy's random numbers, bit for bit, moved to the current device.

Functions, `RandomState`, `Generator` and `default_rng` are NumPy's with their results made ours; `shuffle` writes into
our arrays. Bit generators and seed sequences are NumPy's own.
"""
import functools

from numpy import random as _random

from minpy._minpy import Foreign
from minpy.numpy import _draws

_STATE = {"get_state", "set_state", "seed", "bytes", "get_bit_generator", "set_bit_generator", "spawn"}
_QUIET = object()


def _ours(name, function):
    def recorded(*args, **kwargs):
        return _draws.call(name, getattr(function, "__self__", None), function, args, kwargs)
    return functools.update_wrapper(Foreign(f"random.{name}", function, True, False, recorded), function)


def _apart(original):
    """A method that draws by calling others: on NumPy's own generator of the same stream, whose others give what it expects."""
    def drawn(self, *args, **kwargs):
        return original(_random.Generator(self.bit_generator), *args, **kwargs)
    return functools.update_wrapper(drawn, original)


def _class(theirs, name):
    def method(attribute):
        original = getattr(theirs, attribute)
        if theirs is _random.Generator and attribute in ("choice", "multivariate_normal"):
            original = _apart(original)

        def recorded(self, *args, **kwargs):
            bound = functools.partial(original, self)
            return _draws.call(attribute, self, bound, args, kwargs)
        return functools.update_wrapper(Foreign(f"random.{attribute}", original, True, True, recorded), original)
    members = {a: method(a) for a in dir(theirs) if not a.startswith("_") and a not in _STATE and callable(getattr(theirs, a))}
    members["__doc__"], members["__module__"] = theirs.__doc__, "minpy.numpy.random"
    return type(name, (theirs,), members)


RandomState = _class(_random.RandomState, "RandomState")
Generator = _class(_random.Generator, "Generator")


def default_rng(seed=None):
    """A `Generator` with NumPy's default bit generator."""
    if isinstance(seed, Generator):
        return seed
    return Generator(_random.default_rng(seed).bit_generator)


default_rng.__doc__ = _random.default_rng.__doc__


def __getattr__(name):
    value = getattr(_random, name)
    if callable(value) and not isinstance(value, type) and name not in _STATE and not name.startswith("_"):
        value = _ours(name, value)
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(dir(_random)) | {"RandomState", "Generator", "default_rng"})


__all__ = list(_random.__all__)
for _name in __all__:
    if _name not in globals():
        __getattr__(_name)
del _name
