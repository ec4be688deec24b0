"""Where watched arrays leave the tape without a word of the program: remembered as they do, told when a gradient depends on it.

`x.asnumpy()`, `x.tolist()` and `x.item()` say that they make constants, and are not told of; `float(x)` is where its result takes part
in an array operation again (`minpy-py/src/numbers.rs`).
"""
import builtins
import functools
import os
import sys
import types
import warnings

import numpy

from minpy._minpy import array_base

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_NUMPY = os.path.dirname(os.path.abspath(numpy.__file__)) + os.sep
_INSTALLED = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)

_numbers = {}
_places = []
# Which warnings of a file have been shown, as each module keeps it for its own.
_shown = {}


class LostGradientWarning(UserWarning):
    """A gradient was asked for of what left the tape: no gradient flows through it."""


def _package(file):
    """The folder of an installed package that a file belongs to, or None."""
    for folder in _INSTALLED:
        before, found, after = file.rpartition(folder)
        if found:
            return before + found + after.split(os.sep)[0]
    return None


def place(how):
    """A number for the user's line that runs now: inside of the differentiated call, outside of the packages it calls."""
    frame, package, found = sys._getframe(1), None, None
    while frame is not None:
        file = frame.f_code.co_filename
        if found is not None and file.startswith(_OURS):
            break  # the differentiated call begins there
        if not file.startswith((_OURS, _NUMPY)):
            if found is None:
                found, package = frame, _package(file)
            elif package is not None and not file.startswith(package):
                found = frame
                break
            if package is None:
                break
        frame = frame.f_back
    key = (how,) + (("<unknown>", 0, "<unknown>") if found is None else (
        found.f_code.co_filename, found.f_lineno or 0, found.f_globals.get("__name__", "<unknown>")))
    number = _numbers.get(key)
    if number is None:
        number = _numbers[key] = len(_places)
        _places.append(key)
    return number


@functools.lru_cache(1024)
def _callee(code, at):
    """The names by which the call that a piece of code is at finds what it calls (`np.float64(x)`: np, float64), or None."""
    import dis
    instructions = list(dis.get_instructions(code))
    call = next((i for i in instructions if i.offset == at), None)
    if call is None or not call.opname.startswith("CALL") or call.positions is None or None in call.positions:
        return None
    line, end_line, column, end_column = call.positions
    names = []
    for i in instructions:
        p = i.positions
        if i.offset >= at or p is None or (p.lineno, p.col_offset) != (line, column) or (p.end_lineno, p.end_col_offset) >= (end_line, end_column):
            continue
        if i.opname.startswith(("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FAST", "LOAD_DEREF", "LOAD_CLASSDEREF")) and isinstance(i.argval, str):
            names = [i.argval]
        elif i.opname in ("LOAD_ATTR", "LOAD_METHOD") and names:
            names.append(i.argval)
        elif "NULL" not in i.opname and i.opname not in ("CACHE", "PRECALL", "RESUME", "NOP"):
            return None
    return names


def _attribute(holder, name):
    if isinstance(holder, (types.ModuleType, numpy.dtype, array_base, numpy.ndarray)):
        return getattr(holder, name)
    import inspect
    return inspect.getattr_static(holder, name)  # runs nothing of the program's


_COMPILED = (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType)
# Modules whose compiled functions give no numbers made of those that they get, or call other functions that ask.
_NOT_NUMBERS = ("builtins", "time", "_struct", "_functools")


def asked_by():
    """What asks for the number of an array, in words, where that is a call which computes with it and not the program: a number type
    of NumPy's, a function of `math` or another compiled one. None for `float(x)`, and where it cannot be known."""
    frame = sys._getframe(1)
    names = _callee(frame.f_code, frame.f_lasti)
    if not names:
        return None
    for names_here in (frame.f_locals, frame.f_globals, vars(builtins)):
        if names[0] in names_here:
            called = names_here[names[0]]
            break
    else:
        return None
    try:
        for name in names[1:]:
            called = _attribute(called, name)
    except AttributeError:
        return None
    if isinstance(called, type):
        return ".".join(names) if issubclass(called, (float, complex)) and called is not float else None
    if not isinstance(called, _COMPILED) and type(called).__name__ != "cython_function_or_method":
        return None
    owner = getattr(called, "__objclass__", None) or called
    module, name = getattr(owner, "__module__", None), called.__name__
    if module in _NOT_NUMBERS or name.startswith("is") or name in ("ceil", "floor", "trunc"):
        return None
    return f"{module}.{name}" if module and owner is called else ".".join(names)


# Functions in Python whose results are truth values.
_COMPARISONS = {"allclose", "array_equal", "array_equiv", "isclose"}


def part():
    """The place of the user's line where a number that left the tape takes part in an array operation; None where it is compared."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((_OURS, _NUMPY)):
        if frame.f_code.co_name in _COMPARISONS:
            return None
        frame = frame.f_back
    return place("a number that float() made of it")


def tell(places):
    """Warns of those places, each line once (as far as the filters of `warnings` say so)."""
    for number in places:
        how, file, line, module = _places[number]
        warnings.warn_explicit(
            f"an array that the gradient depends on leaves the tape here, through {how}: what is computed of it outside of minpy.numpy "
            "is a constant, and no gradient flows through it (x.asnumpy() and x.item() say so without this warning)",
            LostGradientWarning, file, line, module, _shown.setdefault(file, {}))
