"""What a program can ask of a traced value. There are no boxes here: arrays know themselves whether they are recorded."""
from __future__ import annotations

from typing import Any

from minpy._minpy import array_base, tape
from minpy.autograd import _tree
from minpy.autograd._primitive import notrace_primitive, primitive, register_notrace


def isbox(x: Any) -> bool:
    """Whether operations on the value are recorded (of a container: on something in it)."""
    return any(isinstance(leaf, array_base) and tape.is_watched(leaf) for leaf in _tree.flatten(x)[0])


def getval(x: Any) -> Any:
    """The value itself, as NumPy's arrays and numbers: a constant to every derivative."""
    def value(leaf):
        if not isinstance(leaf, array_base):
            return leaf
        return leaf.asnumpy() if leaf.ndim else leaf.asnumpy()[()]
    return _tree.mapped(value, x)


class _BoxMeta(type):
    def __instancecheck__(cls, value):
        return isbox(value)


class Box(metaclass=_BoxMeta):
    """`isinstance(x, Box)` is `isbox(x)`. `register` has nothing to do: values need no box."""

    @classmethod
    def register(cls, value_type: type) -> None: ...


class VJPNode:
    """Names reverse mode for `register_notrace`."""


class JVPNode:
    """Names forward mode for `register_notrace`."""


__all__ = ["Box", "JVPNode", "VJPNode", "getval", "isbox", "notrace_primitive", "primitive", "register_notrace"]
