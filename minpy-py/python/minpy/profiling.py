"""Profiles: where the time of a program went, by kind of work and by line of its source."""
from __future__ import annotations

import os
import sys
import threading
from typing import Any, NamedTuple

from minpy._minpy import devices, profiler

# Between two looks at the lines on which threads are, and for how long one of them may keep Python's lock from who looks.
_EVERY, _SWITCH = 0.001, 0.0005


class Group(NamedTuple):
    """One kind of kernel, one function of NumPy's, or one kind of copy.

    `name` lists the operations that ran in it, oldest first; those of a function of another name stand in brackets behind it:
    `mean(sum+divide)`. What ran in NumPy has the family and the device `numpy`; what the host did because the device could not has the family
    `host`, and copies between a device and the host the family `copy`.
    """

    name: str
    family: str
    device: str
    operations: int
    calls: int
    seconds: float
    bytes: int

    @property
    def kind(self) -> str:
        """`numpy`, `copy`, or `kernel`."""
        return self.family if self.family in ("numpy", "copy") else "kernel"


class Line(NamedTuple):
    """The time of one line of the program: `seconds` in all, and what of them went into which kind of work.

    Work that waited and ran together counts on the lines on which it was written, in equal parts. `python` is the time in which nothing of the
    above ran: the interpreter's own, and what our calls do around their kernels. `names` lists what ran, the longest time first.
    """

    file: str
    line: int
    function: str
    seconds: float
    kernel: float
    numpy: float
    copy: float
    python: float
    calls: int
    names: tuple[str, ...]

    @property
    def source(self) -> str:
        """The line itself, where its file can be read."""
        import linecache
        return linecache.getline(self.file, self.line).strip()


class Thread(NamedTuple):
    """The time of one thread, from its first work to its last (on the thread of the `with`: all of it), without the profile's own."""

    name: str
    seconds: float
    python: float


class profile:
    """Where the time goes inside the `with`: `with minpy.profile() as p: ...; print(p)`. In a notebook `p` alone shows the table.

    `p.groups` has a `Group` per kind of kernel, per function that NumPy ran and per kind of copy, `p.lines` a `Line` per line of the program, both
    the longest time first. `p.seconds` is the time of the `with`, and of each thread there is one of `p.threads`; together their time is that of
    the groups and `p.python`. `p.explained` is the part of it for which a line is known. `p.overhead` is what the profile took of `p.seconds`
    itself, and is in none of the others. `p.save("x.html")` writes a page with bars, `p.save("x.json")` a trace for Perfetto or `chrome://tracing`.

    Every kernel is waited for, so that its time is its own, and what is pending is computed at both ends. All threads are
    seen that run anything of ours; a profile inside another one is a RuntimeError.
    """

    _open = threading.Lock()

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.lines: list[Line] = []
        self.threads: list[Thread] = []
        self.seconds = self.python = self.overhead = self.explained = 0.0
        self._events: list[tuple[str, list[tuple[int | None, str, float, float]]]] = []

    def __enter__(self) -> profile:
        if not profile._open.acquire(blocking=False):
            raise RuntimeError("minpy.profile: another profile is open, and there is one for all threads")
        try:
            devices.flush()
            self._names: dict[int | None, str] = {}
            self._ends, self._interval = threading.Event(), sys.getswitchinterval()
            sys.setswitchinterval(min(_SWITCH, self._interval))
            self._sampler = threading.Thread(target=self._sample, name="minpy.profile", daemon=True)
            self._sampler.start()
            profiler.start()
        except BaseException:
            profile._open.release()
            raise
        return self

    def _sample(self) -> None:
        while not self._ends.is_set():
            profiler.wait(_EVERY)
            if not self._ends.is_set():
                profiler.sample()
                self._names.update((t.ident, t.name) for t in threading.enumerate())

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        try:
            devices.flush()
        except Exception:
            if kind is None:  # else the exception of the body is the one to see
                raise
        finally:
            self._ends.set()
            found = profiler.stop()
            self._sampler.join()
            if sys.getswitchinterval() == min(_SWITCH, self._interval):  # the program has not set it
                sys.setswitchinterval(self._interval)
            profile._open.release()
            self._read(found)

    def _read(self, found: dict[str, Any]) -> None:
        self.groups = [Group(*g) for g in found["entries"]]
        self.seconds, places = found["seconds"], found["lines"]
        self._names.update((t.ident, t.name) for t in threading.enumerate())
        lines: dict[int, dict[str, Any]] = {}

        def line(number):
            return lines.setdefault(number, {"kernel": 0.0, "numpy": 0.0, "copy": 0.0, "python": 0.0, "calls": 0, "names": {}})
        for t in found["threads"]:
            name = self._names.get(t["thread"], "a thread")
            between = sum(s for _, s in t["between"])
            self.threads.append(Thread(name, t["seconds"] - t["overhead"], between))
            self.overhead += t["overhead"]
            for entry, number, calls, seconds in t["costs"]:
                group, at = self.groups[entry], line(number)
                at[group.kind] += seconds
                at["calls"] += calls
                at["names"][group.name] = at["names"].get(group.name, 0.0) + seconds
            for number, seconds in t["between"]:
                line(number)["python"] += seconds
            self._events.append((name, [(e, _place(places[n]), start, s) for e, n, start, s in t["events"]]))
        self.python = sum(t.python for t in self.threads)
        for number, at in lines.items():
            names = at.pop("names")
            whole = sum(at[k] for k in ("kernel", "numpy", "copy", "python"))
            if number:
                first = tuple(sorted(names, key=names.__getitem__, reverse=True))
                file, where, function = places[number]
                self.lines.append(Line(file, where, function, whole, at["kernel"], at["numpy"], at["copy"], at["python"], at["calls"], first))
        self.lines = sorted(_together(self.lines), key=lambda at: -at.seconds)
        everything = sum(t.seconds for t in self.threads)
        self.explained = min(sum(at.seconds for at in self.lines) / everything, 1.0) if everything else 1.0

    @property
    def _all(self) -> float:
        return sum(t.seconds for t in self.threads) or 1.0

    def _rows(self):
        """The table by kind of work, as texts: milliseconds, share, calls, GB/s, what; and its seconds and kind."""
        kinds = [(g.seconds, g.kind, g) for g in self.groups] + ([(self.python, "python", None)] if self.threads else [])
        for seconds, kind, g in sorted(kinds, key=lambda k: -k[0]):
            texts = [f"{seconds * 1e3:.3f}", f"{seconds / self._all:.1%}", "", "", "python"]
            if g is not None:
                rate = g.bytes / g.seconds / 1e9 if g.seconds else 0.0
                name = g.name if g.name == g.family else f"{g.family}: {g.name}"
                texts[2:] = f"{g.calls}", f"{rate:.1f}", name + ("" if g.device == "numpy" else f" on {g.device}")
            yield texts, seconds, kind

    def _lines(self, most):
        """The table by line, as texts: milliseconds, share, those of Python, where, the source."""
        folder = os.getcwd() + os.sep
        for at in self.lines[:most]:
            place = f"{at.file.removeprefix(folder)}:{at.line}"
            yield [f"{at.seconds * 1e3:.3f}", f"{at.seconds / self._all:.1%}", f"{at.python / self._all:.1%}", place, at.source], at

    _HEAD = ("ms", "share", "calls", "GB/s", "kernel")
    _HEAD_LINES = ("ms", "share", "python", "line", "")

    def _summary(self) -> str:
        threads = f" on {len(self.threads)} threads" if len(self.threads) > 1 else ""
        return (f"{self._all:.3f} s{threads}, {self.explained:.1%} of it explained by lines; "
                f"taking the figures took {self.overhead:.3f} s more")

    def __str__(self) -> str:
        rows = [self._HEAD, *(texts for texts, _, _ in self._rows())]
        text = [f"{ms:>10} {share:>6} {calls:>7} {rate:>7}  {name}" for ms, share, calls, rate, name in rows]
        lines = [self._HEAD_LINES, *(texts for texts, _ in self._lines(20))]
        width = max(len(row[3]) for row in lines)
        text += ["", *(f"{ms:>10} {share:>6} {python:>7}  {place:{width}}  {source[:80]}".rstrip() for ms, share, python, place, source in lines)]
        if len(self.lines) > 20:
            text.append(f"{'':26} and {len(self.lines) - 20} lines more")
        return "\n".join([*text, "", self._summary()])

    def __repr__(self) -> str:
        return str(self) if self.threads else "<minpy.profile: nothing ran>"

    def _repr_html_(self) -> str:
        """Both tables for notebooks, with bars."""
        from minpy import _profile_page
        return _profile_page.tables(self)

    def html(self) -> str:
        """A page with both tables, and bars of what each line's time went into."""
        from minpy import _profile_page
        return _profile_page.page(self)

    def trace(self) -> dict[str, Any]:
        """Each piece of work by thread, with its time and line, as Chrome and Perfetto read it; the first million pieces of each thread."""
        events: list[dict[str, Any]] = []
        for thread, (name, pieces) in enumerate(self._events):
            events.append({"ph": "M", "pid": 0, "tid": thread, "name": "thread_name", "args": {"name": name}})
            for entry, place, start, seconds in pieces:
                group = None if entry is None else self.groups[entry]
                about = {"line": place} if group is None else {"line": place, "family": group.family, "device": group.device}
                events.append({"ph": "X", "pid": 0, "tid": thread, "ts": start * 1e6, "dur": seconds * 1e6, "args": about,
                               "name": "python" if group is None else group.name, "cat": "python" if group is None else group.kind})
        return {"traceEvents": events, "displayTimeUnit": "ms"}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the page (`.html`), the trace (`.json`) or the tables (`.txt`), by the name's end."""
        end = os.path.splitext(os.fspath(path))[1]
        if end == ".html":
            text = self.html()
        elif end == ".json":
            import json
            text = json.dumps(self.trace())
        elif end == ".txt":
            text = f"{self}\n"
        else:
            raise ValueError(f"minpy.profile.save: the name must end in .html, .json or .txt: {os.fspath(path)!r}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def _place(line):
    file, number, function = line
    return f"{file}:{number} ({function})" if file else "unknown"


def _together(lines):
    """One entry a line: two pieces of code may have one, such as a comprehension and the function around it."""
    found: dict[tuple[str, int], Line] = {}
    for at in lines:
        before = found.get((at.file, at.line))
        if before is not None:
            outer = min(before.function, at.function, key=len)
            names = tuple(dict.fromkeys((*before.names, *at.names)))
            at = Line(at.file, at.line, outer, before.seconds + at.seconds, before.kernel + at.kernel, before.numpy + at.numpy,
                      before.copy + at.copy, before.python + at.python, before.calls + at.calls, names)
        found[at.file, at.line] = at
    return found.values()
