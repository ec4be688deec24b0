"""What NumPy does about floating-point exceptions, done for those that our kernels have met (src/flags.rs calls `tell`)."""
import os
import sys
import warnings
from collections.abc import Mapping
from types import FrameType
from typing import Any

import numpy

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_WORDS = (
    (1, "divide", "divide by zero"),
    (2, "over", "overflow"),
    (4, "under", "underflow"),
    (8, "invalid", "invalid value"),
)
# What NumPy computes of its scalars has a name of its own.
_OF_SCALARS = frozenset(("add", "subtract", "multiply", "divide", "floor_divide", "remainder", "divmod", "power"))


def tell(name: str, flags: int, late: bool, single: bool) -> None:
    """Warns of flags, raises or calls, as `numpy.geterr()` says; of deferred work only warns."""
    modes: Mapping[str, Any] = {} if late else numpy.geterr()
    if single and name in _OF_SCALARS:
        name = f"scalar {name}"
    for flag, key, word in _WORDS:
        if not flags & flag:
            continue
        mode = modes.get(key, "warn")
        text = f"{word} encountered in {name}"
        if mode == "warn":
            warnings.warn(text, RuntimeWarning, stacklevel=_level())
        elif mode == "raise":
            raise FloatingPointError(text)
        elif mode == "call":
            call: Any = numpy.geterrcall()
            if call is None:
                raise NameError(f"python callback specified for {word} (in  {name}) but no function found.")
            call(word, flags)
        elif mode == "print":
            sys.stderr.write(f"Warning: {text}\n")
        elif mode == "log":
            log: Any = numpy.geterrcall()
            if log is None:
                raise NameError(f"log specified for {word} (in {name}) but no object with write method found.")
            log.write(f"Warning: {text}\n")


def _level() -> int:
    """How far up the user's line is from `tell`."""
    frame: FrameType | None = sys._getframe(1)
    level = 1
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        level += 1
    return level
