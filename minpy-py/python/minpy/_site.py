"""Where in the user's program a call came from, and by which function of ours."""
import os
import sys
from types import CodeType, FrameType

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


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
