"""NumPy programs of the kinds that people write, under NumPy and with only the import changed: `make bench-programs`.

Every file beside this one is a file of such programs: each function whose name has no underscore in front is one, and its defaults
are the sizes at which it is timed. A file is read twice, the second time with `import numpy as np` replaced. Both run in turn in this
one process until their result is read; what is printed is the median of the ratios of neighbouring runs (MinPy over NumPy).

    python benches/python/programs [--quick] [--filter TEXT] [--json FILE] [--profile]
"""
from __future__ import annotations

import argparse
import cProfile
import json
import math
import pstats
import re
import statistics
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy

HERE = Path(__file__).resolve().parent

#: How near results must be: relative to the largest number of an array.
TOLERANCE = 1e-9


def load(file: Path, module: str) -> types.ModuleType:
    """The programs of a file with `np` being that module."""
    source, changed = re.subn(r"^import numpy as np$", f"import {module} as np", file.read_text(), flags=re.M)
    if changed != 1:
        raise ImportError(f"{file} has {changed} lines `import numpy as np`")
    programs = types.ModuleType(f"{file.stem}_{module.replace('.', '_')}")
    exec(compile(source, str(file), "exec"), programs.__dict__)
    return programs


def programs(text: str = "") -> Iterator[tuple[str, Callable[[], Any], Callable[[], Any]]]:
    """Names (file and function), the program under MinPy, the program under NumPy."""
    for file in sorted(HERE.glob("[!_]*.py")):
        ours, theirs = load(file, "minpy.numpy"), load(file, "numpy")
        for name, function in vars(theirs).items():
            full = f"{file.stem}.{name}"
            if isinstance(function, types.FunctionType) and not name.startswith("_") and text in full:
                yield full, getattr(ours, name), function


def numbers(result: Any) -> list[numpy.ndarray]:
    """The numbers of a result as NumPy arrays: this reads them, and so computes what waits."""
    if isinstance(result, (tuple, list)) and not all(isinstance(r, (bool, int, float)) for r in result):
        return [array for r in result for array in numbers(r)]
    return [numpy.asarray(result)]


def difference(ours: list[numpy.ndarray], theirs: list[numpy.ndarray]) -> str | None:
    """What differs, or None: integers and truth values exactly, other numbers within TOLERANCE."""
    if len(ours) != len(theirs):
        return f"{len(ours)} results, NumPy has {len(theirs)}"
    for k, (x, y) in enumerate(zip(ours, theirs, strict=True)):
        if x.shape != y.shape or x.dtype != y.dtype:
            return f"result {k}: {x.dtype}{x.shape}, NumPy has {y.dtype}{y.shape}"
        if y.dtype.kind in "fc":
            if not numpy.allclose(x, y, rtol=TOLERANCE, atol=TOLERANCE * float(numpy.max(numpy.abs(y), initial=0.0)), equal_nan=True):
                return f"result {k}: off by {numpy.max(numpy.abs(x - y))}"
        elif not numpy.array_equal(x, y):
            return f"result {k}: {numpy.count_nonzero(x != y)} of {x.size} differ"
    return None


def seconds(program: Callable[[], Any]) -> float:
    start = time.perf_counter()
    numbers(program())
    return time.perf_counter() - start


def pairs(ours: Callable[[], Any], theirs: Callable[[], Any], times: int) -> list[tuple[float, float]]:
    """Seconds of MinPy and of NumPy, neighbours in time; who goes first alternates."""
    rows = []
    for p in range(times):
        first, second = (ours, theirs) if p % 2 else (theirs, ours)
        t1, t2 = seconds(first), seconds(second)
        rows.append((t1, t2) if p % 2 else (t2, t1))
    return rows


def profile(program: Callable[[], Any]) -> None:
    profiler = cProfile.Profile()
    profiler.runcall(lambda: numbers(program()))
    pstats.Stats(profiler).sort_stats("tottime").print_stats(12)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="3 pairs of runs instead of 9")
    parser.add_argument("--filter", default="", help="only programs whose file.name contains this")
    parser.add_argument("--json", help="write the table to this file")
    parser.add_argument("--profile", action="store_true", help="show where both spend their time instead")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows, wrong = [], 0
    for name, ours, theirs in programs(options.filter):
        try:
            differs = difference(numbers(ours()), numbers(theirs()))
        except Exception as e:
            differs = f"{type(e).__name__}: {e}"
        if differs:
            print(f"{name}: {differs}", file=sys.stderr)
            wrong += 1
            continue
        if options.profile:
            profile(ours)
            profile(theirs)
            continue
        timed = pairs(ours, theirs, 3 if options.quick else 9)
        row = (statistics.median(o / t for o, t in timed), *(statistics.median(r[k] for r in timed) for k in (0, 1)))
        rows.append((*row, min(r[0] for r in timed), min(r[1] for r in timed), name))
    rows.sort(reverse=True)
    for ratio, o, t, *_, name in rows:
        print(f"{name:40} {o * 1e3:9.2f} ms {t * 1e3:9.2f} ms {ratio:7.2f}")
    if rows:
        mean, least = (math.exp(statistics.fmean(map(math.log, ratios))) for ratios in ([r[0] for r in rows], [r[3] / r[4] for r in rows]))
        above = sum(r[0] > 1.05 for r in rows)
        print(f"{len(rows)} programs, geometric mean {mean:.3f} (of the shortest runs {least:.3f}), above 1.05: {above}, wrong: {wrong}")
    if options.json:
        keys = ("ratio", "ours", "numpy", "ours_least", "numpy_least")
        Path(options.json).write_text(json.dumps({r[-1]: dict(zip(keys, r, strict=False)) for r in rows}, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
