"""Calls of the functions of core's table, for tests: the cases of their entries, with other values in the place of some argument, and
what NumPy and we make of them. Whoever asks for parameters of a kind has the function that comes tomorrow too."""
import copy
import inspect
import operator
import types
import warnings
from typing import NamedTuple

import numpy

import minpy.numpy as np
from minpy import _minpy

ENTRIES = {entry["name"]: entry for entry in _minpy._table()}
# What is in these when they are new is nobody's.
UNSET = ("empty", "empty_like")
# NumPy's own Python asks an argument for an attribute that only arrays have, or for its length: that says nothing about the argument.
NO_DECISION = ("has no attribute", "has no len()")


def find(module, name):
    """The function, or method, of a dotted name."""
    return operator.attrgetter(name)(module)


def _known(name):
    try:
        return bool(find(numpy, name))
    except AttributeError:
        return False


# Functions of NumPy's, whose own is what they are compared with. The others have values of their own in the tests of their subjects.
NAMES = [name for name in ENTRIES if _known(name)]


def _signature(name):
    found = list(inspect.signature(find(np, name)).parameters.values())
    # Of a method the array is what the entry calls it.
    return [p.replace(name=ENTRIES[name]["parameters"][0][0]) if p.name == "self" else p for p in found]


SIGNATURES = {name: _signature(name) for name in NAMES}


def host(value):
    """The value with NumPy's arrays for ours."""
    if isinstance(value, (list, tuple)):
        return type(value)(*map(host, value)) if hasattr(value, "_fields") else type(value)(map(host, value))
    return value.asnumpy() if hasattr(value, "asnumpy") else value


def ours(value):
    """The value with our arrays for NumPy's plain ones of numbers."""
    if type(value) in (list, tuple):
        return type(value)(map(ours, value))
    return np.array(value) if type(value) is numpy.ndarray and value.dtype.kind in "biufc" else value


def _views(value, view):
    if type(value) in (list, tuple):
        return type(value)(_views(v, view) for v in value)
    return view(value) if type(value) in (numpy.ndarray, np.ndarray) else value


class Call(NamedTuple):
    """A call of an entry: its values by parameter, in their order; those of `*args` by the name `*`."""

    name: str
    case: str
    values: dict

    def __str__(self):
        return f"{self.name}({self.case})"

    def with_value(self, parameter, value):
        """The same call with another value, which a function may make anew for each use."""
        values = {**self.values, parameter: value}
        return self._replace(values={p: values[p] for p in ["*", *(p.name for p in SIGNATURES[self.name])] if p in values})

    def mapped(self, change):
        """The same call with other arrays: `change` is called with the kind of the parameter and with each array."""
        kinds = dict(ENTRIES[self.name]["parameters"])
        each = next((kind for _, kind in ENTRIES[self.name]["parameters"] if kind == "Each"), None)

        def put(kind, value):
            if isinstance(value, (list, tuple)):
                return type(value)(put(kind, v) for v in value)
            return change(kind, value) if isinstance(value, numpy.ndarray) else value
        return self._replace(values={p: put(kinds.get(p, each), v) for p, v in self.values.items()})

    def arguments(self, convert):
        """Fresh ones, by position where NumPy has no default and by keyword otherwise."""
        named = {p: convert(v() if isinstance(v, types.FunctionType) else copy.deepcopy(v)) for p, v in self.values.items()}
        args = list(named.pop("*", ()))
        for p in SIGNATURES[self.name]:
            if p.name not in named or p.kind is p.KEYWORD_ONLY or not (p.default is p.empty or p.kind is p.POSITIONAL_ONLY):
                break
            args.append(named.pop(p.name))
        return args, named

    def written(self, args, named):
        """The arguments that the call writes into."""
        order = [p for p, _ in ENTRIES[self.name]["parameters"]]
        by_name = {**dict(zip(order, args, strict=False)), **named}
        return [by_name[p] for p, kind in ENTRIES[self.name]["parameters"] if kind in ("Target", "Out") and by_name.get(p) is not None]

    def outcome(self, module, view=None):
        """What the function makes of it, with what it has written; or the error. `view`: makes another view of each array first."""
        convert = ours if module is np else host
        args, named = self.arguments(convert if view is None else lambda v: _views(convert(v), view))
        with warnings.catch_warnings(), numpy.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                result = find(module, self.name)(*args, **named)
            except Exception as e:
                return e
            if self.name in UNSET:
                result[...] = 0
            return result, self.written(args, named)

    def disagreement(self, any_error=False, view=None):
        """In words, or None. `any_error`: of errors only that there is one counts, and not its class."""
        theirs, mine = self.outcome(numpy, view), self.outcome(np, view)
        if isinstance(theirs, Exception) and any(words in str(theirs) for words in NO_DECISION):
            return None
        if isinstance(theirs, Exception) and isinstance(mine, Exception):
            same = any_error or isinstance(mine, type(theirs)) or isinstance(theirs, type(mine))
        else:
            same = not isinstance(theirs, Exception) and not isinstance(mine, Exception) and alike(mine, theirs, self.name.startswith("fft."))
        given = {p: v for p, v in self.values.items() if not isinstance(v, numpy.ndarray)}
        return None if same else f"{self} with {given}: {mine!r} for {theirs!r}"


def alike(mine, theirs, normwise=False):
    """Whether a result is NumPy's: values (but for rounding), dtypes, shapes, classes of what is no array. `normwise`: what is rounded is
    measured by the greatest value, to which each element of a Fourier transform owes its digits."""
    if isinstance(theirs, (list, tuple)):
        return isinstance(mine, (list, tuple)) and isinstance(mine, list) == isinstance(theirs, list) and len(mine) == len(theirs) and all(alike(a, b, normwise) for a, b in zip(mine, theirs, strict=True))
    if not isinstance(theirs, (numpy.ndarray, numpy.generic, float, complex)):
        return type(mine) is type(theirs) and mine == theirs
    a, b = numpy.asarray(host(mine)), numpy.asarray(theirs)
    if (a.dtype, a.shape, isinstance(mine, np.ndarray)) != (b.dtype, b.shape, isinstance(theirs, numpy.ndarray)):
        return False
    if b.dtype.kind not in "fc":
        return b.dtype.kind == "O" or bool((a == b).all())
    rounding = max(64 * numpy.finfo(b.dtype).eps, 1e-12)
    largest = numpy.abs(b[numpy.isfinite(b)]).max(initial=1) if normwise else 1
    return numpy.allclose(a, b, rtol=rounding, atol=rounding * largest, equal_nan=True)


def _call(name, case, args, kwargs):
    if any(kind == "Each" for _, kind in ENTRIES[name]["parameters"]):
        return Call(name, case, {"*": host(list(args)), **kwargs})
    order = [p for p, _ in ENTRIES[name]["parameters"]]
    return Call(name, case, {p: host(v) for p, v in {**dict(zip(order, args, strict=False)), **kwargs}.items()})


# The cases of each entry.
CALLS = {name: [_call(*case) for case in _minpy._table_cases() if case[0] == name] for name in NAMES}


def parameters(*kinds, named=None):
    """Entries with their parameters of those kinds, or (of those) of that name; without the array that a method is one of."""
    return [(name, p) for name in NAMES for i, (p, kind) in enumerate(ENTRIES[name]["parameters"])
            if kind in kinds and named in (None, p) and (i or not name.startswith("ndarray."))]


def kind_of(name, parameter):
    return dict(ENTRIES[name]["parameters"])[parameter]
