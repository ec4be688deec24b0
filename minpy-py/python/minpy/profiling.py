"""Profiles: which kernels ran, as which fused groups, and how long."""
from __future__ import annotations

import threading
from typing import NamedTuple

from minpy import _minpy


class Group(NamedTuple):
    """One kind of kernel: `name` lists the operations that ran in it, oldest first."""

    name: str
    family: str
    device: str
    operations: int
    calls: int
    seconds: float
    bytes: int


class profile:
    """Collects what runs inside the `with`: `with minpy.profile() as p: ...; print(p)`.

    `p.groups` has a `Group` per kind of kernel, the longest time first. Every kernel is waited for, so that its time is its
    own, and what is pending is computed at both ends. All threads are seen; a profile inside
    another one is a RuntimeError.
    """

    _open = threading.Lock()

    def __init__(self):
        self.groups: list[Group] = []

    def __enter__(self):
        if not profile._open.acquire(blocking=False):
            raise RuntimeError("minpy.profile: another profile is open, and there is one for all threads")
        try:
            _minpy._flush()
            _minpy._profile_start()
        except BaseException:
            profile._open.release()
            raise
        return self

    def __exit__(self, kind, *exception):
        try:
            _minpy._flush()
        except Exception:
            if kind is None:  # else the exception of the body is the one to see
                raise
        finally:
            self.groups = [Group(*g) for g in _minpy._profile_stop()]
            profile._open.release()

    def __str__(self):
        total = sum(g.seconds for g in self.groups)
        lines = [f"{'ms':>10} {'share':>6} {'calls':>7} {'GB/s':>7}  kernel"]
        for g in self.groups:
            share = g.seconds / total if total else 0.0
            rate = g.bytes / g.seconds / 1e9 if g.seconds else 0.0
            name = g.name if g.name == g.family else f"{g.family}: {g.name}"
            lines.append(f"{g.seconds * 1e3:10.3f} {share:6.1%} {g.calls:7d} {rate:7.1f}  {name} on {g.device}")
        return "\n".join(lines)
