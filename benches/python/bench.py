"""MinPy side by side with NumPy: the same statements in turn in one process, median of the ratios of neighbouring runs.

    bench.py [--quick] [--filter TEXT] [--json FILE]

Each result of ours is read through NumPy. A ratio below 1 says that MinPy is faster. Both run with as many threads as they choose; MINPY_DEVICE
chooses our device.
"""
import argparse
import json
import statistics
import time

import numpy

import minpy.numpy as mnp
from minpy.context import current_context
from minpy.core import grad_and_loss

GENERATOR = numpy.random.default_rng(0)


def data(*shape):
    return GENERATOR.uniform(-1, 1, shape).astype(numpy.float32)


def small(np, n):
    a, b = np.array(data(n, n)), np.array(data(n, n))
    return {
        f"add {n}x{n}": lambda: a + b,
        f"add number {n}x{n}": lambda: a + 1.5,
        f"a * 2 + b {n}x{n}": lambda: a * 2 + b,
        f"exp {n}x{n}": lambda: np.exp(a),
        f"sum {n}x{n}": lambda: np.sum(a),
        f"sum axis 0 {n}x{n}": lambda: np.sum(a, axis=0),
        f"slice {n}x{n}": lambda: a[1:, ::2],
        f"dot {n}x{n}": lambda: np.dot(a, b),
        f"dot transposed {n}x{n}": lambda: np.dot(a.T, b),
    }


def network(np, batch, inputs, width):
    x, y = np.array(data(batch, inputs)), np.array(data(batch, 10))
    w, v = np.array(data(inputs, width) * 0.1), np.array(data(width, 10) * 0.1)

    def loss(w, v):
        d = np.dot(np.tanh(np.dot(x, w)), v) - y
        return np.sum(d * d)

    def by_hand():
        h = np.tanh(np.dot(x, w))
        g = 2 * (np.dot(h, v) - y)
        return np.dot(x.T, np.dot(g, v.T) * (1 - h * h)), np.dot(h.T, g)

    label = f"{batch}x{inputs}x{width}"
    if np is numpy:
        # NumPy has no gradients: the formulas written out are what it competes with.
        return {f"forward {label}": lambda: loss(w, v), f"gradient {label}": by_hand}
    gradient = grad_and_loss(loss, (0, 1))
    return {f"forward {label}": lambda: loss(w, v), f"gradient {label}": lambda: gradient(w, v)}


def programs(np):
    global GENERATOR
    GENERATOR = numpy.random.default_rng(0)
    all_ = {}
    for n in (32, 512):
        all_.update(small(np, n))
    all_.update(network(np, 32, 64, 64))
    all_.update(network(np, 256, 784, 256))
    return all_


def read(result):
    if isinstance(result, (tuple, list)):
        for part in result:
            read(part)
    else:
        numpy.asarray(result)


def computed(f):
    """Our program with each of its results read through NumPy: one that nobody reads might never be computed. Reading is charged to us."""
    return lambda: read(f())


def seconds(f, repeats):
    start = time.perf_counter()
    for _ in range(repeats):
        f()
    return (time.perf_counter() - start) / repeats


def compare(ours, theirs, budget, pairs):
    """Median seconds of both, and the median of the ratios of neighbouring runs."""
    once = max(seconds(theirs, 1), seconds(ours, 1), 1e-7)
    repeats = max(1, int(budget / pairs / 2 / once))
    rows = [(seconds(ours, repeats), seconds(theirs, repeats)) for _ in range(pairs)]
    return (statistics.median(a for a, _ in rows), statistics.median(b for _, b in rows), statistics.median(a / b for a, b in rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the time")
    parser.add_argument("--filter", default="", help="only programs whose name contains this")
    parser.add_argument("--json", help="also write the table to this file")
    options = parser.parse_args()
    budget, pairs = (0.15, 5) if options.quick else (1.5, 15)
    ours, theirs = programs(mnp), programs(numpy)
    print(f"minpy on {current_context()}, numpy {numpy.__version__}; microseconds, ratio = minpy / numpy")
    table = {}
    for name, f in ours.items():
        if options.filter not in name:
            continue
        mine, numpys, ratio = compare(computed(f), theirs[name], budget, pairs)
        table[name] = {"minpy": mine, "numpy": numpys, "ratio": ratio}
        print(f"{name:28} {mine * 1e6:12.2f} {numpys * 1e6:12.2f} {ratio:8.2f}", flush=True)
    if table:
        print(f"{'median of the ratios':28} {'':25} {statistics.median(r['ratio'] for r in table.values()):8.2f}")
    if options.json:
        with open(options.json, "w") as out:
            json.dump(table, out, indent=1)


if __name__ == "__main__":
    main()
