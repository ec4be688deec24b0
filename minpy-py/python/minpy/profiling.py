"""Profiles: which kernels ran, as which fused groups, what ran in NumPy, and how long."""
from __future__ import annotations

import threading
from typing import NamedTuple

from minpy._minpy import devices, profiler


class Group(NamedTuple):
    """One kind of kernel, or one function of NumPy's.

    `name` lists the operations that ran in it, oldest first; those of a function of another name stand in brackets behind it:
    `mean(sum+divide)`. What ran in NumPy has the family and the device `numpy`.
    """

    name: str
    family: str
    device: str
    operations: int
    calls: int
    seconds: float
    bytes: int


class profile:
    """Collects what runs inside the `with`: `with minpy.profile() as p: ...; print(p)`. In a notebook `p` alone shows the table.

    `p.groups` has a `Group` per kind of kernel and per function that NumPy ran, the longest time first. Every kernel is waited
    for, so that its time is its own, and what is pending is computed at both ends. All threads are seen; a profile inside
    another one is a RuntimeError.
    """

    _open = threading.Lock()

    def __init__(self) -> None:
        self.groups: list[Group] = []

    def __enter__(self) -> profile:
        if not profile._open.acquire(blocking=False):
            raise RuntimeError("minpy.profile: another profile is open, and there is one for all threads")
        try:
            devices.flush()
            profiler.start()
        except BaseException:
            profile._open.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        try:
            devices.flush()
        except Exception:
            if kind is None:  # else the exception of the body is the one to see
                raise
        finally:
            self.groups = [Group(*g) for g in profiler.stop()]
            profile._open.release()

    def _rows(self):
        """The table as texts: milliseconds, share, calls, GB/s, kernel."""
        total = sum(g.seconds for g in self.groups)
        for g in self.groups:
            share = g.seconds / total if total else 0.0
            rate = g.bytes / g.seconds / 1e9 if g.seconds else 0.0
            name = g.name if g.name == g.family else f"{g.family}: {g.name}"
            place = "" if g.device == "numpy" else f" on {g.device}"
            yield f"{g.seconds * 1e3:.3f}", f"{share:.1%}", f"{g.calls}", f"{rate:.1f}", name + place

    _HEAD = ("ms", "share", "calls", "GB/s", "kernel")

    def __str__(self) -> str:
        rows = [self._HEAD, *self._rows()]
        return "\n".join(f"{ms:>10} {share:>6} {calls:>7} {rate:>7}  {name}" for ms, share, calls, rate, name in rows)

    def __repr__(self) -> str:
        return str(self) if self.groups else "<minpy.profile: nothing ran>"

    def _repr_html_(self) -> str:
        """The table for notebooks."""
        import html  # which only a notebook needs

        def row(cells, tag):
            *numbers, name = (html.escape(c) for c in cells)
            aligned = "".join(f'<{tag} style="text-align: right">{n}</{tag}>' for n in numbers)
            return f'<tr>{aligned}<{tag} style="text-align: left">{name}</{tag}></tr>'
        body = "".join(row(r, "td") for r in self._rows())
        return f"<table><thead>{row(self._HEAD, 'th')}</thead><tbody>{body}</tbody></table>"
