"""Where watched arrays leave the tape without a word of the program: remembered as they do, told when a gradient depends on it.

`x.asnumpy()`, `x.tolist()` and `x.item()` say that they make constants, and are not told of; `float(x)` is where its result takes part
in an array operation again (`minpy-py/src/numbers.rs`).
"""
import os
import sys
import types
import warnings
import weakref

import numpy

from minpy._minpy import array_base

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_NUMPY = os.path.dirname(os.path.abspath(numpy.__file__)) + os.sep
_INSTALLED = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)

_numbers: dict[tuple[str, str, int, str], int] = {}
_places: list[tuple[str, str, int, str]] = []
# Which warnings of a file have been shown, as each module keeps it for its own.
_shown: dict[str, dict] = {}


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
    frame: types.FrameType | None = sys._getframe(1)
    package, found = None, None
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


# What may stand between the name of what is called and its arguments.
_NOTHING = ("CACHE", "PRECALL", "RESUME", "NOP", "PUSH_NULL", "EXTENDED_ARG")
_NAMES = ("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FAST", "LOAD_DEREF", "LOAD_CLASSDEREF")


def _is_call(instruction):
    return instruction.opname.startswith(("CALL", "PRECALL"))


def _names(instructions):
    """The names by which these find something (`np.float64`: np, float64), after how the first is looked up; None for anything else."""
    names = []
    for i in instructions:
        if i.opname.startswith(_NAMES) and isinstance(i.argval, str):
            names = [i.opname, i.argval]
        elif i.opname in ("LOAD_ATTR", "LOAD_METHOD") and names:
            names.append(i.argval)
        elif i.opname not in _NOTHING:
            return None
    return tuple(names) or None


def _range(instruction):
    p = instruction.positions
    return None if p is None or None in p else ((p.lineno, p.col_offset), (p.end_lineno, p.end_col_offset))


def _before(instructions, k):
    """What finds the callee of the call at index `k`, by what is on the stack there: for code that has no positions."""
    import dis
    count = instructions[k].arg if instructions[k].opname in ("CALL", "PRECALL") else None
    if count is None:
        return []
    # Python 3.11 calls in two instructions.
    depth, at = count, k - (instructions[k].opname == "CALL" and instructions[k - 1].opname == "PRECALL")
    while at > 0:
        at -= 1
        i = instructions[at]
        if i.is_jump_target or i.opcode in dis.hasjrel or i.opcode in dis.hasjabs:
            return []
        if depth == 0 and i.opname not in _NOTHING:
            return [i] if i.opname.startswith(_NAMES) else []
        if depth > 0:
            depth -= dis.stack_effect(i.opcode, i.arg if i.opcode >= dis.HAVE_ARGUMENT else None)
        if depth < 0:
            return []
    return []


# What goes through an iterator, and asks for no number itself.
_THROUGH = frozenset("list tuple set frozenset max min sum sorted print any all dict enumerate".split())


class _Sites:
    """What each instruction of a piece of code asks numbers for, as far as the code says it."""

    def __init__(self, code):
        import dis
        instructions = list(dis.get_instructions(code))
        # Names of what calls call, by offset, and what makes nothing but text or numbers of the program's own.
        self.calls, self.known = {}, set()
        starting: dict[tuple, list] = {}
        maps: list[tuple] = []
        for k, i in enumerate(instructions):
            where = _range(i)
            if _is_call(i):
                if where is None:
                    found = _before(instructions, k)
                else:
                    # Where what is called is written begins what the call is written as.
                    found = [j for j in starting.get(where[0], ()) if _range(j)[1] < where[1]]
                self.calls[i.offset] = names = _names(found)
                if where and names in _MAP and _argument(instructions, k, where) == "float":
                    maps.append(where)
            elif i.opname == "BINARY_OP" and i.argrepr in ("%", "%="):
                self.known.add(i.offset)
            if where is not None:
                starting.setdefault(where[0], []).append(i)
        if maps:
            self._through(instructions, maps)

    def _through(self, instructions, maps):
        """`list(map(float, a))`: what goes through the map asks there."""
        for k, i in enumerate(instructions):
            where, names = _range(i), self.calls.get(i.offset)
            if i.opname == "GET_ITER":
                if k and _range(instructions[k - 1]) in maps:
                    self.known.update(i.offset for i in instructions[k + 1:k + 9] if i.opname == "FOR_ITER")
                continue
            if i.opname.startswith("UNPACK_"):
                through = k > 0 and _range(instructions[k - 1]) in maps
            else:
                through = i.opname in ("LIST_EXTEND", "SET_UPDATE", "CALL_FUNCTION_EX") or bool(names and len(names) == 2 and names[1] in _THROUGH)
                through = through and where is not None and any(where[0] < m[0] and m[1] < where[1] for m in maps)
                through = through and _argument(instructions, k, where) == "map"
            if through:
                self.known.add(i.offset)


_MAP = (("LOAD_GLOBAL", "map"), ("LOAD_NAME", "map"))


def _argument(instructions, k, where):
    """The name with which the first argument of what is written there begins."""
    first = None
    for i in reversed(instructions[max(k - 64, 0):k]):
        at = _range(i)
        if at is None or not where[0] < at[0] or not at[1] < where[1]:
            if at is not None and at[0] < where[0]:
                break
            continue
        if i.opname.startswith(_NAMES):
            first = i.argval
    return first


# By the identity of the code: its hash would be that of all it says.
_sites: dict[int, tuple] = {}


def _sites_of(code):
    key = id(code)
    known = _sites.get(key)
    if known is not None:
        return known[1]
    sites = _Sites(code)
    _sites[key] = weakref.ref(code, lambda _: _sites.pop(key, None)), sites
    return sites


def _attribute(holder, name):
    if isinstance(holder, (types.ModuleType, numpy.dtype, array_base, numpy.ndarray)):
        return getattr(holder, name)
    import inspect
    return inspect.getattr_static(holder, name)  # runs nothing of the program's


def _called(frame, names):
    """What is called by such names, or None."""
    how, name, *attributes = names
    for holder in ((frame.f_globals, frame.f_builtins) if how == "LOAD_GLOBAL" else (frame.f_locals, frame.f_globals, frame.f_builtins)):
        if name in holder:
            called = holder[name]
            break
    else:
        return None
    try:
        for name in attributes:
            called = _attribute(called, name)
    except AttributeError:
        return None
    return called


# Functions of `math` and `cmath` whose results are truth values, or whole.
_NO_NUMBERS = {"isnan", "isinf", "isfinite", "isclose", "floor", "ceil", "trunc"}


def asked_by():
    """What asks for the number of an array, in words. None where that is known to be the program itself, by `float(x)`, or something
    that makes text or a truth value of it; whatever else asks computes with the number, or keeps it."""
    try:
        frame = sys._getframe(1)
    except ValueError:
        return "a call from outside of Python"
    sites = _sites_of(frame.f_code)
    at = frame.f_lasti
    if at in sites.known:
        return None
    names = sites.calls.get(at, ())
    if not names:
        return "a call of compiled code" if names is None else "what compiled code makes of its number"
    called = _called(frame, names)
    if called is float:
        return None
    if not isinstance(called, types.BuiltinFunctionType) or called.__module__ in (None, "builtins"):
        return ".".join(names[1:])
    if called.__module__ in ("math", "cmath") and called.__name__ in _NO_NUMBERS:
        return None
    return f"{called.__module__}.{called.__name__}"


def tell(places):
    """Warns of those places, each line once (as far as the filters of `warnings` say so)."""
    for number in places:
        how, file, line, module = _places[number]
        warnings.warn_explicit(
            f"an array that the gradient depends on leaves the tape here, through {how}: what is computed of it outside of minpy.numpy "
            "is a constant, and no gradient flows through it (x.asnumpy() and x.item() say so without this warning)",
            LostGradientWarning, file, line, module, _shown.setdefault(file, {}))
