"""Views that NumPy makes: written where it was asked for, which NumPy's flag does not say, since it sees our memory read-only."""
import functools
import inspect

import numpy
from numpy.lib.array_utils import normalize_axis_tuple

from minpy import _minpy
from minpy._minpy import ndarray, tape
from minpy.numpy import _fallback
from minpy.numpy._native import FUNCTIONS


def _windows(x, window_shape, axis):
    """`sliding_window_view` of one of ours as a view of ours, through which gradients flow."""
    seen = numpy.lib.stride_tricks.sliding_window_view(numpy.broadcast_to(numpy.empty((), bool), x.shape), window_shape, axis)
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim, allow_duplicate=True)
    return _minpy._windows(x, seen.shape[x.ndim:], [*axes])


def _view(name, writeable):
    """NumPy's function of that name, whose results are written only where it is asked for. `writeable`: the default."""
    theirs = _fallback.find(name)

    def function(x, *args, **kwargs):
        asked = kwargs.get("writeable", args[at] if len(args) > at else writeable)
        if tape.recording() and windows and type(x) is ndarray and set(kwargs) <= {"window_shape", "axis"} and len(args) <= 2:
            made = _windows(x, *theirs_of(*args, **kwargs))
            made.setflags(write=False)
            return made
        # What stays NumPy's may be written, too; a tape sees a function that only reads.
        write = 0 if asked and not tape.recording() else None
        made = _fallback.call(name, theirs, (x, *args), kwargs, write)
        if type(made) is ndarray and not asked:
            made.setflags(write=False)
        return made
    windows = name.endswith("sliding_window_view")
    theirs_of = lambda window_shape, axis=None: (window_shape, axis)
    # The place of `writeable` behind the array, where it has one.
    parameters = list(inspect.signature(theirs).parameters.values())
    at = next(i for i, p in enumerate(parameters) if p.name == "writeable") - 1
    FUNCTIONS[name] = _fallback.stands(functools.update_wrapper(function, theirs), theirs)


_view("lib.stride_tricks.as_strided", True)
_view("lib.stride_tricks.sliding_window_view", False)
