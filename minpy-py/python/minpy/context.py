"""Devices: which one new arrays are made on.

`with gpu(0): ...`, `set_context(Context('opencl', 0))`, or the environment variable `MINPY_DEVICE=opencl:0`.
Contexts belong to a thread.
"""
from __future__ import annotations

import threading
from typing import Any

from minpy._minpy import devices


class Entered(threading.local):
    """What was in force before each `with` that this thread is in, the innermost last."""

    def __init__(self) -> None:
        self.before: list[Any] = []


_entered = Entered()


class Context:
    """A device, by name ('cpu', 'cuda', 'opencl', 'gpu': the first of cuda and opencl) and number."""

    __slots__ = ("device_type", "device_id")
    device_type: str
    device_id: int

    def __init__(self, device_type: str | Context = "cpu", device_id: int = 0) -> None:
        if isinstance(device_type, Context):
            device_id, device_type = device_type.device_id, device_type.device_type
        if not isinstance(device_type, str):
            raise TypeError(f"Context: the name of a device is a string, not {type(device_type).__name__}")
        self.device_type, self.device_id = devices.find(device_type, device_id)

    def __enter__(self) -> Context:
        _entered.before.append(devices.make_current(self.device_type, self.device_id))
        return self

    def __exit__(self, *exception: object) -> None:
        devices.make_current(*_entered.before.pop())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Context) and (self.device_type, self.device_id) == (other.device_type, other.device_id)

    def __hash__(self) -> int:
        return hash((self.device_type, self.device_id))

    def __str__(self) -> str:
        return f"{self.device_type}({self.device_id})"

    __repr__ = __str__

    def memory_stats(self) -> dict[str, int]:
        """Bytes `used`, `pooled` and `peak` of the device's memory pool, and how often the driver was asked for memory."""
        return dict(zip(("used", "pooled", "peak", "system_allocations"), devices.memory_stats(self), strict=True))


def cpu(device_id: int = 0) -> Context:
    """The CPU."""
    return Context("cpu", device_id)


def gpu(device_id: int = 0) -> Context:
    """A GPU: CUDA's when there is one, else OpenCL's."""
    return Context("gpu", device_id)


def cuda(device_id: int = 0) -> Context:
    """A CUDA device."""
    return Context("cuda", device_id)


def opencl(device_id: int = 0) -> Context:
    """An OpenCL device."""
    return Context("opencl", device_id)


def current_context() -> Context:
    """The device on which new arrays of this thread are made."""
    return Context(*devices.current())


def set_context(context: str | Context) -> None:
    """Makes a device current on this thread."""
    context = context if isinstance(context, Context) else Context(*_parse(context))
    devices.make_current(context.device_type, context.device_id)


def _parse(text):
    name, _, number = str(text).replace("(", ":").rstrip(")").partition(":")
    return name, int(number or 0)
