"""What the machine can do at best, measured in the run itself. One line of JSON on stdout.

    limits.py numpy|minpy

gflops: float32 products of 512 x 512 (that of NumPy's BLAS, or ours); and from NumPy's environment also gigabytes_per_second: the better
of a copy and a sum of two arrays that no cache holds, all cores at work, reads and writes counted; call_ns: a call of an empty Python function.
"""
from __future__ import annotations

import importlib
import itertools
import json
import os
import sys
import time
import timeit
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy

PRODUCT = 512
STREAM_NUMBERS = 32_000_000  # float32 in each of three arrays, 128 MB
SECONDS = 1.0


def best(f: Callable[[], Any], seconds: float = SECONDS) -> float:
    """The least seconds that `f` took in the time given."""
    f()
    least = float("inf")
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        f()
        least = min(least, time.perf_counter() - start)
    return least


def gflops(module: str) -> float:
    np = importlib.import_module(module)
    random = numpy.random.RandomState(0)
    a, b = (np.array(random.rand(PRODUCT, PRODUCT).astype(numpy.float32)) for _ in range(2))
    return 2 * PRODUCT**3 / best(lambda: numpy.asarray(np.dot(a, b))) / 1e9


def gigabytes_per_second() -> float:
    a, b, c = (numpy.ones(STREAM_NUMBERS, numpy.float32) for _ in range(3))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    edges = numpy.linspace(0, STREAM_NUMBERS, cores + 1).astype(int)
    parts = [slice(first, last) for first, last in itertools.pairwise(edges)]
    with ThreadPoolExecutor(cores) as threads:  # NumPy lets other threads run meanwhile
        copy = best(lambda: list(threads.map(lambda part: numpy.copyto(a[part], b[part]), parts)))
        add = best(lambda: list(threads.map(lambda part: numpy.add(b[part], c[part], out=a[part]), parts)))
    return max(2 * a.nbytes / copy, 3 * a.nbytes / add) / 1e9


def call_ns() -> float:
    calls = 200_000
    return min(timeit.repeat("f(1, 2)", "def f(a, b): pass", number=calls, repeat=7)) / calls * 1e9


def main() -> None:
    module = {"numpy": "numpy", "minpy": "minpy.numpy"}[sys.argv[1]]
    found = {"gflops": gflops(module)}
    if module == "numpy":
        found |= {"gigabytes_per_second": gigabytes_per_second(), "call_ns": call_ns()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
