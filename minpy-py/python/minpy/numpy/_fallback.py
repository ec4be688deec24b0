"""NumPy in place of what core has no operation for.

Arguments become host NumPy arrays (views on the CPU, copies from a device), results become ours on the device of the
arguments. Functions known to write get writable arrays, and what they wrote goes back to the device. Every call is
counted, obeys the policy, and is a node of the tape.
"""
import functools
import importlib
import inspect
import operator
import sys
import time
import types
import warnings
from typing import Any

import numpy

from minpy import _minpy, _site
from minpy._minpy import counters, devices, ndarray, profiler, scalar, tape, ufunc

# The argument that a function writes into, as position and name. `out=` is written everywhere. Of core's table it is the one of that kind.
WRITES = {entry["name"]: (i, name) for entry in _minpy._table() for i, (name, kind) in enumerate(entry["parameters"]) if kind == "Target"}
WRITES.update(dict.fromkeys(("random.shuffle", "partition_in_place", "resize_in_place", "byteswap_in_place", "setfield"), (0, "x")))
WRITES["sort_in_place"] = (0, "a")
WRITES["asmatrix"] = (0, "data")  # a matrix that looks at the array may be written
# The position of `overwrite_input`, by which a function may write into its first argument.
OVERWRITES = {
    name: list(inspect.signature(getattr(numpy, name)).parameters).index("overwrite_input")
    for name in ("median", "nanmedian", "percentile", "nanpercentile", "quantile", "nanquantile")
}
# Functions that only look at the values, to show or store them, or ask about arrays that are there: not fallbacks. Of core's table the latter.
READS = {entry["name"] for entry in _minpy._table() if any(kind == "Ours" for _, kind in entry["parameters"])} | {
    "array_repr", "array_str", "array2string", "save", "savez", "savez_compressed", "savetxt", "tobytes", "tofile", "dump",
    "dumps", "tolist", "set_string_function", "format_float_positional", "format_float_scientific",
    "iterable", "isscalar", "can_cast", "result_type", "common_type", "isrealobj", "min_scalar_type", "mintypecode", "shares_memory", "byte_bounds",
}
_PLAIN = frozenset((int, float, str, bool, complex, type(None), bytes, type))
# What arrays can have dimensions for: deeper lists are NumPy's to complain about.
_DEEPEST = 64
# How NumPy refuses an object whose `__array__` gives an array of ours.
_NO_ARRAY = "__array__ method not producing an array"


# What stands here for a function of NumPy's -> that function. (An attribute would be copied by `functools.wraps`.)
STANDS_FOR: dict[Any, Any] = {}


_FUNCTIONS = {types.FunctionType}


class _TooDeep(Exception):
    """A structure that is nested deeper than arrays are, or contains itself."""


class Call:
    """The arguments of one call: what stood for what."""

    __slots__ = ("pairs", "written", "device", "inputs", "protocols", "outputs")

    def __init__(self, protocols=False):
        self.pairs, self.written, self.device, self.inputs = [], [], None, []
        # Whether objects of others are asked for their array here. NumPy asks them itself, once, but takes none of ours.
        self.protocols = protocols
        # NumPy's arrays that are written: as results they are themselves.
        self.outputs = []

    def give(self, value, write=False):
        """The value with NumPy's arrays in place of ours, also inside of tuples, lists and dictionaries. A list that is to be written
        stays the user's own."""
        kind = type(value)
        if kind in _PLAIN:
            return numpy.ndarray if value is ndarray else value
        if kind is ndarray:
            return self._array(value, write)
        if write and kind is list:
            return value
        try:
            return self._given(value, kind, write, 0)
        except _TooDeep:
            return value

    def _given(self, value, kind, write, depth):
        if kind in _PLAIN:
            return numpy.ndarray if value is ndarray else value
        if kind is ndarray:
            return self._array(value, write)
        if kind is scalar:
            self._seen(value)
            return value._numpy()[()]
        if kind is tuple or kind is list:
            if depth == _DEEPEST:
                raise _TooDeep
            return kind([self._given(v, type(v), write, depth + 1) for v in value])
        if kind is dict:
            if depth == _DEEPEST:
                raise _TooDeep
            return {k: self._given(v, type(v), write, depth + 1) for k, v in value.items()}
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return kind(*[self._given(v, type(v), write, depth + 1) for v in value])
        if kind is slice:
            return slice(self.give(value.start), self.give(value.stop), self.give(value.step))
        if kind is ufunc:
            return value._numpy or value
        if write and issubclass(kind, numpy.ndarray):
            self.outputs.append(value)
            return value
        if self.protocols and hasattr(kind, "__array__") and not issubclass(kind, (numpy.ndarray, numpy.generic)):
            made = value.__array__()
            return self._given(made, type(made), False, depth) if type(made) in (ndarray, scalar) else value
        return STANDS_FOR.get(value, value) if kind in _FUNCTIONS else value

    def _seen(self, array):
        self.inputs.append(array)
        if self.device is None or (array.ndim and array.context.device_type != "cpu"):
            self.device = array.context

    def _array(self, array, write):
        self._seen(array)
        for ours, theirs in self.pairs:
            if ours is array and (theirs.flags.writeable or not write):
                return theirs
        if not write:
            theirs = array._numpy()
        elif not array._layout[2]:
            theirs = array._numpy()  # NumPy raises its own complaint about writing
        elif array.context.device_type == "cpu" and not tape.recording():
            theirs = array._numpy(True)
            self.written.append((array, None))
        else:
            theirs = array.asnumpy()
            self.written.append((array, theirs))
        self.pairs.append((array, theirs))
        return theirs

    def finish(self, name):
        """Brings back what the function of that name wrote."""
        for array, theirs in self.written:
            if theirs is not None:
                array[...] = _minpy._adopt(theirs, array.context)
            _minpy._wrote(array, name)

    def take(self, value):
        """A result with ours in place of NumPy's arrays."""
        kind = type(value)
        if kind in _PLAIN or kind is ndarray or kind is scalar:
            return value
        if kind is numpy.ndarray:
            for ours, theirs in self.pairs:
                if theirs is value:
                    return ours
            for theirs in self.outputs:
                if theirs is value:
                    return value
            made = _minpy._adopt(value, self.device, self.pairs, False, _held)
            return value if made is None else made
        if issubclass(kind, numpy.generic):
            made = _minpy._result(numpy.asarray(value), self.device)
            return value if made is None else made
        if kind is tuple or kind is list:
            return kind([self.take(v) for v in value])
        if kind is dict:
            return {k: self.take(v) for k, v in value.items()}
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return kind(*[self.take(v) for v in value])
        if kind is numpy.lib.npyio.NpzFile:
            value.__class__ = Archive
        return value


class Archive(numpy.lib.npyio.NpzFile):
    """An `.npz` file: NumPy's, whose arrays are ours, read when they are asked for and on the device of that moment."""

    def __getitem__(self, key):
        return Call(False).take(super().__getitem__(key))


def stands(value, function):
    """Notes that the value stands for a function of NumPy's; gives the value."""
    STANDS_FOR[value] = function
    _FUNCTIONS.add(type(value))
    return value


def _refuse(name):
    raise _minpy.PrimitivePolicyError(f"{name}: only NumPy has this function, and the policy is only_device")


class FallbackWarning(UserWarning):
    """Under the policy `warn_device`: something ran elsewhere than on the device of its arrays."""


def warn(name, device, by, reason):
    """Warns, on the user's line, that something did not run on the device."""
    frame = _site.users_frame()
    file, line, module, registry = "<unknown>", 0, None, None
    if frame is not None:
        file, line, module = frame.f_code.co_filename, frame.f_lineno or 0, frame.f_globals.get("__name__")
        registry = frame.f_globals.setdefault("__warningregistry__", {})
    warnings.warn_explicit(f"{name} on {device} was done by {by}: {reason}", FallbackWarning, file, line, module, registry)


def call(name, function, args, kwargs, write=None, quiet=False, reason=None):
    """`function(*args, **kwargs)` by NumPy. `write`: position of an argument that is written; `reason`: why it is not computed here."""
    if name in OVERWRITES and _overwrites(name, args, kwargs):
        write = 0
    write = (write, None) if write is not None else WRITES.get(name, (None, None))
    try:
        return _run(*_given(name, function, args, kwargs, write, False), quiet, reason)
    except ValueError as e:
        if _NO_ARRAY not in str(e):
            raise
        # Somebody's class that holds an array of ours.
        retry = _given(name, function, args, kwargs, write, True)
        if not retry[0].inputs:
            raise
    return _run(*retry, quiet, reason)


def stands_for(value):
    """The function of NumPy's that the value stands for, or None."""
    return STANDS_FOR.get(value) if type(value) in _FUNCTIONS else None


def _given(name, function, args, kwargs, write, protocols) -> tuple[Call, str, Any, list, dict]:
    this = Call(protocols)
    at, written = write
    given = [this.give(a, i == at) for i, a in enumerate(args)]
    named = {k: this.give(v, k in ("out", written)) for k, v in kwargs.items()} if kwargs else {}
    for i in _outputs(function, len(given)):
        given[i] = this.give(args[i], True)
    return this, name, function, given, named


def _outputs(function, count):
    """Which of `count` positional arguments are outputs."""
    if isinstance(function, numpy.ufunc):
        return range(function.nin, count)
    at = _out(function.func) - len(function.args) if type(function) is functools.partial else _out(function)
    return [at] if 0 <= at < count else []


@functools.lru_cache(maxsize=1024)
def _out(function):
    """The position of the parameter `out`, or -1."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # not every function in C says what it takes
        return -1
    positional = [p.name for p in parameters.values() if p.kind is not p.KEYWORD_ONLY]
    return positional.index("out") if "out" in positional else -1


def _reason(policy, name, reason):
    if policy == "only_numpy":
        return "policy only_numpy"
    if reason is not None:
        return reason
    from minpy import numpy as namespace
    ours = vars(namespace).get(name)
    if ours is None or stands_for(ours) is not None:
        return "core has no such operation"
    return "core has the operation, but not for these arguments"


def _run(this, name, function, given, named, quiet=False, reason=None):
    reads = name in READS or not this.inputs
    fallback = not reads and not quiet
    policy = devices.policy() if fallback else None
    if profiler.numpy_begins():
        function = measured(name, function, this)
    if policy == "only_device":
        _refuse(name)
    began = time.perf_counter()
    result = function(*given, **named)
    # What was read is what stood there before the results are written.
    call = tape.foreign_call(name, this.inputs) if not reads and tape.recording() else None
    this.finish(name)
    ours = this.take(result)
    if call is not None:
        ours = _recorded(call, name, this, ours)
    if not fallback:
        return ours
    moved = 0 if this.device.device_type == "cpu" else sum(a.nbytes for a in this.inputs) + sum(
        r.nbytes for r in _arrays(ours))
    why = _reason(policy, name, reason)
    counters.count_fallback(name, str(this.device), why, moved, time.perf_counter() - began)
    if policy == "warn_device":
        warn(name, str(this.device), "NumPy", why)
    return ours


def measured(name, function, this):
    """The function, for the profile that is on: it gets a row of its own."""
    def timed(*given, **named):
        seen = None
        try:
            result = function(*given, **named)
            seen = None if name in READS else name
            return result
        finally:
            moved = sum(a.nbytes for a in this.inputs) + sum(r.nbytes for r in _theirs(result)) if seen else 0
            profiler.numpy_ends(seen, moved)
    return timed


def _theirs(value):
    if isinstance(value, (numpy.ndarray, numpy.generic)):
        return [value]
    if isinstance(value, (tuple, list)):
        return [a for v in value for a in _theirs(v)]
    return []


def _arrays(value):
    if type(value) is ndarray or type(value) is scalar:
        return [value]
    if isinstance(value, (tuple, list)):
        return [a for v in value for a in _arrays(v)]
    return []


def _recorded(call, name, this, result):
    """The result of a call that read watched arrays: its gradient is an error, not 0."""
    if type(result) is float or type(result) is complex:
        result = _minpy._adopt(numpy.asarray(result), this.device, [], True)
    # What was written is an output although it is an argument too: its contents now come from NumPy.
    written = [a for a, _ in this.written]
    returned = [a for a in _arrays(result) if not any(a is i for i in this.inputs + written)]
    call.wrote([a for a in returned + written if a.dtype.kind in "fc"])
    # What gives nothing has put it somewhere: into an array of NumPy's, where not into one of ours.
    if _stays(result) or any(map(_stays, this.outputs)) or (result is None and not written):
        for a in this.inputs:
            tape.leaves(a, name)
    return result


def _stays(value):
    """Whether numbers in a result stay NumPy's: a subclass, objects, long doubles."""
    if type(value) in (tuple, list):
        return any(map(_stays, value))
    return issubclass(type(value), (numpy.ndarray, numpy.generic)) and value.dtype.kind in "fcO"


_FOUND: dict[str, Any] = {}


def find(name):
    """NumPy's function of a dotted name."""
    function = _FOUND.get(name)
    if function is None:
        function = numpy
        for part in name.split("."):
            function = getattr(function, part)
        _FOUND[name] = function
    return function


def traits(name, function):
    """What Rust's half must know of a function: whether it writes an argument, whether it only looks, from which position on arguments
    are outputs, why it is not computed here."""
    first = function.nin if isinstance(function, numpy.ufunc) else _out(function)
    return name in WRITES, name in READS, first if first >= 0 else sys.maxsize, _reason(None, name, None)


def plain(name):
    """NumPy's function of that name, for Rust's half; None where `call_named` must look at the arguments."""
    holder, _, method = name.partition(".")
    return None if holder in ("ndarray", "nan_to_num") or method == "at" else find(name)


def again(module, name):
    """A function of ours by NumPy's name of it: what `pickle` calls."""
    return getattr(importlib.import_module(f"minpy.{module}"), name)


def taken(result, device, pairs):
    """A result of a call with ours in place of NumPy's arrays."""
    this = Call()
    this.device, this.pairs = device, pairs
    return this.take(result)


def call_named(name, args, kwargs, reason=None):
    """`numpy.<name>(*args, **kwargs)`; the Rust half hands calls over here. `reason`: why."""
    holder, _, method = name.partition(".")
    if holder == "ndarray":
        name = f"{method}_in_place" if method in ("sort", "partition") else method
        holder = numpy.generic if type(args[0]) is scalar else numpy.ndarray
        return call(name, getattr(holder, method), args, kwargs or {}, reason=reason)
    kwargs = kwargs or {}
    copied = name != "nan_to_num" or kwargs.get("copy", args[1] if len(args) > 1 else True)
    written = method == "at" or not copied
    return call(name, find(name), args, kwargs, 0 if written else None, reason=reason)


def _overwrites(name, args, kwargs):
    """Whether the caller lets the function take the memory of its first argument (`overwrite_input=True`)."""
    return bool(kwargs.get("overwrite_input", len(args) > OVERWRITES[name] and args[OVERWRITES[name]]))


_OPERATORS = {"and": operator.and_, "or": operator.or_, "iand": operator.iand, "ior": operator.ior}
_IN_PLACE = {"iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "iand", "ior", "ixor", "ilshift", "irshift", "ipow", "imatmul"}


def operate(symbol, left, right):
    """An operator whose operands core cannot compute with."""
    function = _OPERATORS.get(symbol) or getattr(operator, symbol)
    if symbol == "setitem":
        key, value = right
        return call(symbol, function, (left, key, value), {}, 0)
    result = call(symbol, function, (left, right), {}, 0 if symbol in _IN_PLACE else None)
    return left if symbol in _IN_PLACE else result


class _Probe(Call):
    """Counts the references to a result in the place where `take` has it."""

    def take(self, value):
        return _minpy._references(value)


# What the frames of `_run` and `take` hold of a result that nobody else knows: NumPy has made it, and we may have it.
_held = _run(_Probe(), "empty", numpy.empty, (1,), {}, True)
