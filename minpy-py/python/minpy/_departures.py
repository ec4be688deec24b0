"""Where watched arrays leave the tape without a word of the program: remembered as they do, told when a gradient depends on it.

`x.asnumpy()`, `x.tolist()`, `x.item()` and `float(x)` say that they make constants, and are not told of.
"""
import os
import sys
import warnings

import numpy

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
        found.f_code.co_filename, found.f_lineno, found.f_globals.get("__name__", "<unknown>")))
    number = _numbers.get(key)
    if number is None:
        number = _numbers[key] = len(_places)
        _places.append(key)
    return number


def tell(places):
    """Warns of those places, each line once (as far as the filters of `warnings` say so)."""
    for number in places:
        how, file, line, module = _places[number]
        warnings.warn_explicit(
            f"an array that the gradient depends on leaves the tape here, through {how}: what is computed of it outside of minpy.numpy "
            "is a constant, and no gradient flows through it (x.asnumpy() says so without this warning)",
            LostGradientWarning, file, line, module, _shown.setdefault(file, {}))
