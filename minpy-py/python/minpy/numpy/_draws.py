"""Random functions and the tape: NumPy draws, bit for bit, and what it does with a watched array is recorded where it can be.

`permutation`, `shuffle`, `permuted` and `choice` of an array are gathers by indices that NumPy draws: the stream does not depend on the
elements. `loc + scale * standard draw` is recorded where it has the bits of NumPy's result, which is looked at each time. The gradient
with respect to any other parameter is an error when it is asked for. Results that are integers, and drawn positions (`p=`), are
constants, as those of `argmax` are.
"""
import copy

import numpy

from minpy import _minpy
from minpy._minpy import array_base, ndarray, tape
from minpy.numpy import _fallback

# Parameters of distributions that only shift and scale a standard draw: (location, scale), as names or None.
_SHIFTED = {
    "normal": ("loc", "scale"), "laplace": ("loc", "scale"), "logistic": ("loc", "scale"), "gumbel": ("loc", "scale"),
    "uniform": ("low", "high"), "exponential": (None, "scale"), "rayleigh": (None, "scale"), "gamma": (None, "scale"),
}
_DEFAULTS = {"loc": 0.0, "scale": 1.0, "low": 0.0, "high": 1.0}
# The order in which parameters are taken by position, where the function does not say (those of `RandomState` are built in).
_POSITIONS = {
    "permutation": ("x", "axis"), "shuffle": ("x", "axis"), "permuted": ("x",), "choice": ("a", "size", "replace", "p", "axis", "shuffle"),
    "exponential": ("scale", "size"), "rayleigh": ("scale", "size"), "gamma": ("shape", "scale", "size"), "uniform": ("low", "high", "size"),
}


def _watched(value):
    return isinstance(value, array_base) and tape.is_watched(value)


def call(name, owner, function, args, kwargs):
    """`function(*args, **kwargs)`, a method of `owner` (a `RandomState` or `Generator`)."""
    if tape.recording() and owner is not None and (name in _POSITIONS or name in _SHIFTED):
        named = dict(zip(_POSITIONS.get(name, ("loc", "scale", "size")), args, strict=False))
        if len(named) == len(args) and not named.keys() & kwargs.keys():
            named.update(kwargs)
            if name in _SHIFTED:
                made = _shifted(name, owner, function, args, kwargs, named)
            else:
                x = named.get("a" if name == "choice" else "x")
                if type(x) is ndarray and x.size == 0:
                    # Nothing to record; and what NumPy draws for nothing is its own affair.
                    return tape.no_grad(_by_numpy, name, function, args, kwargs)
                made = _gathered(name, owner, named)
            if made is not None:
                return made[0]
    return _by_numpy(name, function, args, kwargs)


def _by_numpy(name, function, args, kwargs):
    return _fallback.call(f"random.{name}", function, args, kwargs, 0 if name == "shuffle" else None, quiet=True)


def _method(owner, name):
    """NumPy's own method."""
    kind = numpy.random.Generator if isinstance(owner, numpy.random.Generator) else numpy.random.RandomState
    return getattr(kind, name).__get__(owner)


def _gathered(name, owner, named):
    """A gather by drawn indices, in a tuple; None where that is not what the call does."""
    named = dict(named)
    x = named.pop("a" if name == "choice" else "x", None)
    generator = isinstance(owner, numpy.random.Generator)
    if type(x) is not ndarray or not _watched(x) or x.ndim == 0:
        return None
    if name == "permuted":
        out, axis = named.pop("out", None), named.pop("axis", None)
        if named or not generator:
            return None
        places = numpy.arange(x.size).reshape(x.shape)
        places = _method(owner, name)(places, axis=axis)
        result = x.reshape(-1)[_minpy.asarray(places)]
        if out is None:
            return (result,)
        out[...] = result
        return (out,)
    axis = named.pop("axis", 0)
    if (not generator and axis != 0) or (name == "choice" and not generator and x.ndim != 1):
        return None
    if not -x.ndim <= axis < x.ndim:
        return None  # NumPy complains
    n = x.shape[axis]
    if name == "choice":
        places = _by_numpy(name, _method(owner, name), (n,), named)
        return (x.take(places, axis),)
    if named:
        return None
    result = x.take(_minpy.asarray(_method(owner, "permutation")(n)), axis)
    if name == "permutation":
        return (result,)
    x[...] = result
    return (None,)


def _shifted(name, owner, function, args, kwargs, named):
    """`location + scale * draw`, in a tuple, where it has the bits of what NumPy gives; else what NumPy gives."""
    first, second = _SHIFTED[name]
    lo = named.get(first, _DEFAULTS[first]) if first else None
    hi = named.get(second, _DEFAULTS[second])
    others = {k: v for k, v in named.items() if k not in (first, second)}
    if not (_watched(lo) or _watched(hi)) or any(map(_watched, others.values())):
        return None
    if others.keys() - {"size", "shape"}:
        return None
    size = others.pop("size", None)
    if size is None:
        size = numpy.broadcast_shapes(*[numpy.shape(v) for v in (lo, hi, *others.values()) if v is not None])
    twin = copy.deepcopy(owner)
    answer = _by_numpy(name, function, args, kwargs)
    standard = dict(others, **{k: _DEFAULTS[k] for k in (first, second) if k})
    draw = _minpy.asarray(_minpy.asarray(_method(twin, name)(size=size, **_plain(standard))), device=answer.context)
    if name == "uniform":
        made = lo + (hi - lo) * draw
    else:
        made = draw * hi if lo is None else lo + draw * hi
    made = made if made.ndim or not answer.ndim else made.reshape(answer.shape)
    same = made.dtype == answer.dtype and made.shape == answer.shape and made.asnumpy().tobytes() == answer.asnumpy().tobytes()
    return (made if same else answer,)


def _plain(values):
    return {k: v.asnumpy() if isinstance(v, array_base) else v for k, v in values.items()}
