"""NumPy's ufuncs that core has no operation for, and the aliases of those that it has."""
import functools
import inspect

from minpy._minpy import Foreign
from minpy.numpy import _fallback

# alias -> name of the operation in core
ALIASES = {
    "abs": "absolute", "true_divide": "divide", "mod": "remainder", "pow": "power", "acos": "arccos", "acosh": "arccosh", "asin": "arcsin",
    "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2", "atanh": "arctanh", "bitwise_invert": "invert", "bitwise_not": "invert",
    "bitwise_left_shift": "left_shift", "bitwise_right_shift": "right_shift", "conj": "conjugate", "degrees": "rad2deg",
    "radians": "deg2rad",
}


@functools.lru_cache
def signature(count, results=1):
    """The parameters of a ufunc of so many operands and results, for `inspect.signature`."""
    P = inspect.Parameter
    operands = [P(n, P.POSITIONAL_ONLY) for n in (["x"] if count == 1 else [f"x{i + 1}" for i in range(count)])]
    options = dict(where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None)
    out = None if results == 1 else (None,) * results
    return inspect.Signature(operands + [P("out", P.POSITIONAL_OR_KEYWORD, default=out)]
                             + [P(n, P.KEYWORD_ONLY, default=v) for n, v in options.items()])


class OfEach:
    """An attribute that a class has of its own and gives for each of its instances: with a plain string in the class,
    `help(np.sin)` would be about ufuncs, and with a plain property, `inspect.signature(np.ufunc)` would fail."""

    def __init__(self, of_class, of_instance):
        self._of_class, self._of_instance = of_class, of_instance

    def __get__(self, instance, owner=None):
        return self._of_class if instance is None else self._of_instance(instance)


def text(function):
    """The docstring of one of our ufuncs, in NumPy's order: the call, what it computes, the parameters."""
    operands = ["x: an array or a number.", "x1, x2: arrays or numbers, broadcast together.",
                "x1, x2, x3: arrays or numbers, broadcast together."][function.nin - 1]
    others = sorted(alias for alias, name in ALIASES.items() if name == function.__name__)
    names = f" Also called {', '.join(f'`{a}`' for a in others)}." if others else ""
    out = "an array of ours that takes the result."
    if function.nout > 1:
        out = "a tuple of arrays of ours that take the results, or None for those that are made."
    return f"""{function.__name__}{signature(function.nin, function.nout)}

{function._summary}, element by element.{names}

{operands}
out: {out}
where: a mask; elsewhere `out` stays as it is.
dtype: in which the result is computed and given.
casting, order, subok, signature: as in NumPy."""


class FallbackUfunc:
    """A ufunc of NumPy's on our arrays."""

    _is_ufunc = True

    def __init__(self, function):
        self._minpy_numpy = function
        self._minpy_call = Foreign(function.__name__, function)
        self.__name__ = self.__qualname__ = function.__name__
        self.__doc__ = function.__doc__
        _fallback.stands(self, function)

    __signature__ = OfEach(None, lambda self: inspect.signature(self._minpy_numpy))

    def __call__(self, *args, **kwargs):
        return self._minpy_call(*args, **kwargs)

    def _method(self, name, args, kwargs):
        f = self._minpy_numpy
        return _fallback.call(f"{self.__name__}.{name}", getattr(f, name), args, kwargs, 0 if name == "at" else None)

    def reduce(self, *args, **kwargs):
        """NumPy's `reduce`."""
        return self._method("reduce", args, kwargs)

    def accumulate(self, *args, **kwargs):
        """NumPy's `accumulate`."""
        return self._method("accumulate", args, kwargs)

    def reduceat(self, *args, **kwargs):
        """NumPy's `reduceat`."""
        return self._method("reduceat", args, kwargs)

    def outer(self, *args, **kwargs):
        """NumPy's `outer`."""
        return self._method("outer", args, kwargs)

    def at(self, *args, **kwargs):
        """NumPy's `at`."""
        return self._method("at", args, kwargs)

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return getattr(self._minpy_numpy, name)

    def __eq__(self, other):
        """Programs look for ufuncs in lists of NumPy's."""
        return other is self or other is self._minpy_numpy

    def __hash__(self):
        return hash(self._minpy_numpy)

    def __repr__(self):
        return f"<ufunc '{self.__name__}'>"

    def __reduce__(self):
        return _fallback.again, ("numpy", self.__name__)
