"""NumPy's namespace on any device: `import minpy.numpy as np`.

Functions that MinPy has run on the device of their arguments; all others are NumPy's own on host views, counted as
fallbacks. Types, dtypes, constants and settings are NumPy's.
"""
import numpy as _numpy

from minpy import _minpy
from minpy._minpy import ndarray, scalar, ufunc
from minpy.numpy import _creation, _elements, _fallback, _methods, _namespace, _native, _ufuncs, _views
from minpy.numpy._stat import op_stat, record_op_stat, show_op_stat

_RUST = "array asarray ascontiguousarray asfortranarray".split()

_namespace.install_finder()
_minpy._set_metaclass(ndarray, _methods.ArrayMeta)
_minpy._set_metaclass(ufunc, _methods.UfuncMeta)
_methods.install()

globals().update({name: getattr(_minpy, name) for name in _RUST})
globals().update(_minpy._ufuncs())
globals().update({name: f for name, f in _native.FUNCTIONS.items() if "." not in name})
globals().update({alias: globals()[name] for alias, name in _ufuncs.ALIASES.items()})
globals().update(_native.TABLE)
_namespace.fill(globals())

newaxis = None
__version__ = _numpy.__version__
__all__ = sorted(set(_numpy.__all__) | {
    "erf", "record_op_stat", "relu", "show_op_stat", "sigmoid",
} | {name for name in _native.FUNCTIONS if "." not in name})


def set_policy(policy) -> None:
    """Sets the policy of this thread (the original's name for `minpy.set_global_policy`)."""
    from minpy.policy import set_global_policy
    set_global_policy(policy)


def __getattr__(name):
    if name == "policy":
        from minpy.policy import get_global_policy
        return get_global_policy()
    if name in ("__path__", "__wrapped__", "__file__", "__warningregistry__"):
        raise AttributeError(name)
    if name == "random":
        import minpy.numpy.random as value
    else:
        try:
            value = _namespace.member(name)
        except AttributeError as e:
            raise AttributeError(f"module 'minpy.numpy' has no attribute '{name}'") from e
    # NumPy imports submodules when they are needed, and so do we: they are asked for once.
    return globals().setdefault(name, value) if isinstance(value, type(_numpy)) else value


def __dir__():
    return sorted(set(dir(_numpy)) | set(globals()) | {"policy"})
