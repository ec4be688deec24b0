"""One system and one workload in a process of its own; run.py starts it and says when it runs.

    worker.py SYSTEM WORKLOAD_AS_JSON

One line of JSON on stdout for each event: first {"ready": seconds of setup, "versions": {...}} or {"unavailable": reason}; then, for each line
on stdin with a number of seconds, {"us": median, "min_us": least, "samples": n} in microseconds; at the end of stdin {"check": [value, norm]}:
the loss (or the sum of the output) and the Euclidean norm over all gradients (or of the output) of the last step.
"""
from __future__ import annotations

import json
import math
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import numpy
from systems import SYSTEMS, Result, Step, System, Unavailable, to_numpy
from workloads import Workload

WARM_UP_STEPS = 3  # or fewer, but two, when they take longer than
WARM_UP_SECONDS = 2.0
STARTED = time.perf_counter()
SAMPLE_SECONDS = 1e-3  # steps shorter than this are timed in groups


def own_stdout() -> TextIO:
    """The real stdout, for us alone: what libraries print goes to stderr."""
    ours = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return ours


def timed(step: Step, count: int, read: Callable[[Result], Any]) -> tuple[float, Result]:
    """Seconds for `count` steps, the last of them read, and its result."""
    start = time.perf_counter()
    for _ in range(count):
        result = step()
    read(result)
    return time.perf_counter() - start, result


def checksum(result: Result) -> tuple[float, float | None]:
    """See above; no norm where there are no gradients."""
    value, gradients = result if isinstance(result, tuple) else (result, [result])
    squares = [float(numpy.square(to_numpy(g)).sum()) for g in gradients]
    return float(to_numpy(value).sum()), math.sqrt(sum(squares)) if squares else None


def serve(system: System, step: Step, parts: int, emit: Callable[[Any], None]) -> None:
    """Times until stdin ends. A step's time is divided by `parts`."""
    began = time.perf_counter()
    for done in range(WARM_UP_STEPS):
        if done >= 2 and time.perf_counter() - began > WARM_UP_SECONDS:
            break
        once, result = timed(step, 1, system.read)
    count = max(1, round(SAMPLE_SECONDS / once))
    emit({"ready": time.perf_counter() - STARTED, "versions": system.versions()})
    for line in sys.stdin:
        samples: list[float] = []
        end = time.perf_counter() + float(line)
        while not samples or time.perf_counter() < end:
            seconds, result = timed(step, count, system.read)
            samples.append(seconds / count / parts * 1e6)
        emit({"us": statistics.median(samples), "min_us": min(samples), "samples": len(samples)})
    emit({"check": checksum(result)})


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # an interrupted run ends here without a traceback
    system, workload = SYSTEMS[sys.argv[1]], Workload(**json.loads(sys.argv[2]))
    out = own_stdout()

    def emit(event: Any) -> None:
        print(json.dumps(event), file=out)

    try:
        step = system.build(workload)
    except (Unavailable, ImportError) as problem:
        emit({"unavailable": str(problem)})
        return
    serve(system, step, workload.parts, emit)


if __name__ == "__main__":
    main()
