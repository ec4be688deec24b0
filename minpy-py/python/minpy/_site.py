"""Where in the user's program a call came from, and by which function of ours."""
import os
import sys
from types import CodeType, FrameType

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
# What is not the user's: the standard library, and what is installed.
_STANDARD = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_INSTALLED = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))


def whose(file):
    """Whose code a file has: 0 this package's (and what starts Python), 1 a library's, 2 the user's."""
    if file.startswith((_PACKAGE, "<frozen ")):
        return 0
    library = file.startswith(_STANDARD) or any(name in file for name in _INSTALLED)
    return 1 if library else 2


def line_before(frame):
    """The last line before the instruction that a frame is at."""
    line = frame.f_code.co_firstlineno
    for start, _, number in frame.f_code.co_lines():
        if start > frame.f_lasti:
            break
        line = number or line
    return line


def users_frame():
    """The innermost frame that is the user's; where there is none, the innermost outside of this package."""
    frame: FrameType | None = sys._getframe(1)
    first = None
    while frame is not None:
        found = whose(frame.f_code.co_filename)
        if found == 2:
            return frame
        first = first or (frame if found == 1 else None)
        frame = frame.f_back
    return first


def call_site():
    """`file:line` of the innermost frame outside this package; an empty text when there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(_PACKAGE):
            return f"{name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def written():
    """The name of the function of the package that the user called, if it is one written in Python; else None.

    Walks outward to the user's frame: of the functions on the way the outermost counts.
    """
    if not _NAMES:
        from minpy.numpy._native import TABLE
        _NAMES.update((f.__code__, name) for name, f in TABLE.items() if not isinstance(f, type))
    frame: FrameType | None = sys._getframe(1)
    found = None
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        found = _NAMES.get(frame.f_code, found)
        frame = frame.f_back
    return found


_NAMES: dict[CodeType, str] = {}
