"""Kernels of the host against NumPy's: one statement on arrays of 1,000 and of 1,000,000 elements, for many dtypes.

    kernels.py [--filter TEXT] [--dtypes f4,f8] [--sizes 1000,1000000] [--above 1.0] [--cpu] [--json FILE]

Both run each statement in turn in one process; a figure is the median of the ratios of neighbouring runs, ours over NumPy's: below 1, MinPy is
faster. `--above` prints only what is slower than that. `--cpu` counts the time of the processors instead of the clock's: on a machine that others
use, with one thread (MINPY_NUM_THREADS=1).
"""

import argparse
import json
import math
import statistics
import time
import warnings

import numpy

import minpy.numpy as mnp

ALL = "f4 f8 i4 i8 u1 c8 c16".split()
REAL = "f4 f8 i4 i8 u1".split()
FLOATS = "f4 f8".split()
INTEGERS = "i4 i8 u1".split()
INEXACT = "f4 f8 c8 c16".split()
BOOL = ["?"]

# Statements; `a`, `b` are arrays of one dtype, `p` positive ones, `i` positions, `m` a mask (half of it true), `z` an array to write to, `s` sorted,
# `w` a matrix of them, `t` one as narrow as it is long.
CASES = [
    ("np.sort(a)", [*REAL, "c8", "c16", "i2", "u2", "f2"]),
    ("np.sort(a, kind='stable')", [*REAL, "c16", "i2"]),
    ("np.argsort(a)", [*REAL, "c16", "i2"]),
    ("np.argsort(a, kind='stable')", [*REAL, "c16", "i2"]),
    ("np.sort(w, axis=-1)", REAL),
    ("np.sort(w, axis=0)", FLOATS),
    ("np.argsort(w, axis=-1)", FLOATS),
    ("np.partition(a, a.size // 3)", [*REAL, "c16"]),
    ("np.argpartition(a, a.size // 3)", [*REAL, "c16"]),
    ("np.unique(a)", REAL),
    ("np.median(a)", FLOATS),
    ("np.percentile(a, 30)", FLOATS),
    ("np.searchsorted(s, a)", REAL),
    ("np.lexsort((b, a))", ["f8", "i8"]),
    ("np.add.at(z, i, a)", ALL),
    ("np.add.at(z, i, 1)", ALL),
    ("np.subtract.at(z, i, a)", ALL),
    ("np.multiply.at(z, i, a)", FLOATS),
    ("np.maximum.at(z, i, a)", REAL),
    ("z[i] += 1", ALL),
    ("z[i] = a", ALL),
    ("z[i] = 1", ALL),
    ("a[i]", ALL),
    ("np.take(a, i)", ALL),
    ("w[j]", ALL),
    ("w[:, j]", FLOATS),
    ("w[j, j]", FLOATS),
    ("a[m]", ALL),
    ("z[m] = 1", ALL),
    ("z[m] = a[m]", ALL),
    ("np.put(z, i, a)", FLOATS),
    ("np.compress(m, a)", FLOATS),
    ("np.bincount(i)", ["f8"]),
    ("np.bincount(i, a)", ["f8"]),
    ("np.histogram(a, 50)", FLOATS),
    ("np.digitize(a, s[:20])", FLOATS),
    ("np.interp(a, s, s)", ["f8"]),
    ("np.cumsum(a)", ALL),
    ("np.cumprod(a)", FLOATS),
    ("np.maximum.accumulate(a)", REAL),
    ("np.diff(a)", ALL),
    ("np.argmax(a)", ALL),
    ("np.argmin(a)", ALL),
    ("np.argmax(w, axis=0)", REAL),
    ("np.argmax(w, axis=1)", REAL),
    ("np.nonzero(a)", ALL),
    ("np.flatnonzero(m)", BOOL),
    ("np.nonzero(w > 0)", ["f8"]),
    ("np.count_nonzero(a)", ALL),
    ("np.count_nonzero(m)", BOOL),
    ("np.clip(a, 0, 1)", REAL),
    ("np.where(m, a, b)", ALL),
    ("np.where(m, a, 0)", ALL),
    ("np.where(m)", BOOL),
    ("a > b", ALL),
    ("a == b", ALL),
    ("a > 1", ALL),
    ("a <= b", ALL),
    ("np.logical_and(a, b)", ALL),
    ("np.logical_not(a)", ALL),
    ("m & k", BOOL),
    ("m | k", BOOL),
    ("~m", BOOL),
    ("np.all(k)", BOOL),
    ("np.any(e)", BOOL),
    ("np.all(e)", BOOL),
    ("np.any(a)", ALL),
    ("np.all(a == a)", ALL),
    ("np.min(a)", ALL),
    ("np.max(a)", ALL),
    ("np.max(w, axis=0)", REAL),
    ("np.max(w, axis=1)", REAL),
    ("np.ptp(a)", FLOATS),
    ("np.sum(a)", ALL),
    ("np.sum(w, axis=0)", ALL),
    ("np.sum(w, axis=1)", ALL),
    ("np.sum(t, axis=1)", FLOATS),
    ("np.sum(t, axis=0)", FLOATS),
    ("np.sum(a[::2])", FLOATS),
    ("np.mean(a)", ALL),
    ("np.mean(w, axis=0)", FLOATS),
    ("np.mean(w, axis=1)", FLOATS),
    ("np.var(a)", FLOATS),
    ("np.std(w, axis=0)", FLOATS),
    ("np.std(w, axis=1)", FLOATS),
    ("np.prod(a)", ALL),
    ("np.sum(m)", BOOL),
    ("np.mean(m)", BOOL),
    ("np.nansum(a)", FLOATS),
    ("np.average(a, weights=p)", FLOATS),
    ("np.dot(a, b)", INEXACT),
    ("np.vdot(a, b)", INEXACT),
    ("np.abs(a)", ALL),
    ("np.negative(a)", ALL),
    ("np.sign(a)", ALL),
    ("np.square(a)", ALL),
    ("np.sqrt(p)", [*FLOATS, "c8", "c16"]),
    ("np.angle(a)", ["c8", "c16"]),
    ("np.conj(a)", ALL),
    ("a.real + a.imag", ["c8", "c16"]),
    ("np.exp(a)", INEXACT),
    ("np.log(p)", INEXACT),
    ("np.sin(a)", INEXACT),
    ("np.tanh(a)", FLOATS),
    ("a + b", ALL),
    ("a * b", ALL),
    ("a + 1", ALL),
    ("a / b", ALL),
    ("a / 3", ALL),
    ("a // p", REAL),
    ("a // 7", REAL),
    ("a % 7", REAL),
    ("a // 8", INTEGERS),
    ("a % 8", INTEGERS),
    ("a % p", REAL),
    ("np.divmod(a, 7)", REAL),
    ("np.fmod(a, 7)", REAL),
    ("np.mod(a, -5)", ["i4", "i8", "f8"]),
    ("a & b", INTEGERS),
    ("a ^ b", INTEGERS),
    ("a | 3", INTEGERS),
    ("~a", INTEGERS),
    ("a << 2", INTEGERS),
    ("a >> 1", INTEGERS),
    ("np.bitwise_count(a)", INTEGERS),
    ("np.gcd(a, b)", INTEGERS),
    ("a ** 2", ALL),
    ("a ** 3", ALL),
    ("p ** 0.5", FLOATS),
    ("p ** b", FLOATS),
    ("np.rint(a)", FLOATS),
    ("np.floor(a)", FLOATS),
    ("np.round(a, 2)", FLOATS),
    ("np.maximum(a, b)", ALL),
    ("np.minimum(a, 1)", REAL),
    ("np.fmax(a, b)", FLOATS),
    ("np.isnan(a)", INEXACT),
    ("np.isfinite(a)", INEXACT),
    ("np.signbit(a)", FLOATS),
    ("np.hypot(a, b)", FLOATS),
    ("np.arctan2(a, b)", FLOATS),
    ("np.copysign(a, b)", FLOATS),
    ("np.frexp(a)", FLOATS),
    ("np.modf(a)", FLOATS),
    ("np.isclose(a, b)", FLOATS),
    ("np.allclose(a, a)", FLOATS),
    ("np.array_equal(a, a.copy())", ALL),
    ("np.nan_to_num(a)", FLOATS),
    ("np.repeat(a, 3)", ALL),
    ("np.tile(a, 3)", FLOATS),
    ("np.roll(a, 5)", ALL),
    ("np.flip(a).copy()", ALL),
    ("a[::-1] + b", FLOATS),
    ("a[::2] * 2", ALL),
    ("w.T.copy()", ALL),
    ("w + w.T", ALL),
    ("w[::2, ::2].copy()", FLOATS),
    ("np.rot90(w).copy()", FLOATS),
    ("np.concatenate((a, b))", ALL),
    ("np.stack((a, b), axis=1)", FLOATS),
    ("np.vstack((w, w))", FLOATS),
    ("np.hstack((w, w))", FLOATS),
    ("a.copy()", ALL),
    ("np.pad(w, 1)", FLOATS),
    ("np.tril(w)", FLOATS),
    ("np.trace(w)", FLOATS),
    ("np.outer(w[0], w[1])", FLOATS),
    ("np.convolve(a, s[:9])", ["f8"]),
    ("np.gradient(a)", FLOATS),
    ("np.trapezoid(a)", FLOATS),
    ("np.cross(c, c)", FLOATS),
    ("np.isin(a, s[:30])", ["f8", "i8"]),
    ("np.zeros_like(a)", FLOATS),
    ("np.full(a.shape, 3, a.dtype)", FLOATS),
    ("np.arange(a.size)", BOOL),
    ("np.linspace(0, 1, a.size)", BOOL),
    ("a += b", ALL),
    ("a -= 1", ALL),
    ("z *= 1", ALL),
    ("z[:] = a", ALL),
    ("z[1:] = a[:-1]", FLOATS),
    ("z[...] = 0", FLOATS),
    ("np.einsum('i,i', a, b)", FLOATS),
    ("np.linalg.norm(a)", FLOATS),
    *[
        (f"a.astype('{to}')", [d for d in [*ALL, "f2", "i1", "i2", "u2", "u4", "u8", "?"] if d != to])
        for to in [*ALL, "f2", "i2", "u4", "u8", "?"]
    ],
]


def inputs(np, dtype, n):
    random = numpy.random.default_rng(0)
    dtype = numpy.dtype(dtype)
    side = max(int(math.sqrt(n)), 1)

    def values(n):
        if dtype.kind == "b":
            return random.random(n) < 0.5
        if dtype.kind in "iu":
            high = 250 if dtype.itemsize == 1 and dtype.kind == "u" else 120 if dtype.itemsize == 1 else 30_000
            return random.integers(0 if dtype.kind == "u" else -high, high, n).astype(dtype)
        if dtype.kind == "c":
            return (random.standard_normal(n) + 1j * random.standard_normal(n)).astype(dtype)
        return random.standard_normal(n).astype(dtype)

    a, b = values(n), values(n)
    positive = numpy.maximum(numpy.abs(a), 1).astype(dtype) if dtype.kind != "b" else a
    names = {
        "a": a,
        "b": b,
        "p": positive,
        "s": numpy.sort(values(n)),
        "z": numpy.zeros(n, dtype),
        "m": random.random(n) < 0.5,
        "k": numpy.ones(n, bool),
        "e": numpy.zeros(n, bool),
        "i": random.integers(0, n, n),
        "j": random.integers(0, side, side),
        "w": values(side * side).reshape(side, side),
        "t": values(n // 10 * 10).reshape(-1, 10),
        "c": values(n // 3 * 3).reshape(-1, 3),
    }
    return {k: np.array(v) for k, v in names.items()} | {"np": np}


def program(statement, names):
    scope = dict(names)
    simple = "=" in statement.replace("==", "").split("(")[0] and statement != "a == b" and "<=" not in statement
    # Local names, as in a function of a user's.
    args = ", ".join(f"{k}=z_{k}" for k in names)
    body = f"{statement}; return None" if simple else f"return {statement}"
    exec(f"def run({args}):\n    {body}", scope | {f"z_{k}": v for k, v in names.items()}, scope)
    return scope["run"]


def read(result):
    if isinstance(result, tuple | list):
        for part in result:
            read(part)
    elif result is not None:
        numpy.asarray(result)


def measure(ours, theirs, seconds, clock):
    def once(f, repeats):
        start = clock()
        for _ in range(repeats):
            r = f()
        read(r)
        return max(clock() - start, 1e-9) / repeats

    once(ours, 1), once(theirs, 1)
    t = min(once(ours, 1), once(theirs, 1))
    repeats = max(1, int(5e-4 / max(t, 1e-7)))
    rounds, ratios, mine, its = 0, [], [], []
    end = time.perf_counter() + seconds
    while rounds < 5 or (time.perf_counter() < end and rounds < 41):
        x, y = once(ours, repeats), once(theirs, repeats)
        ratios.append(x / y)
        mine.append(x)
        its.append(y)
        rounds += 1
    return statistics.median(ratios), statistics.median(mine), statistics.median(its)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--filter", default="")
    parser.add_argument("--dtypes", default="")
    parser.add_argument("--sizes", default="1000,1000000")
    parser.add_argument("--above", type=float, default=0)
    parser.add_argument("--seconds", type=float, default=0.08)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--json")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    numpy.seterr(all="ignore")
    rows = []
    for size in map(int, args.sizes.split(",")):
        made = {}
        for statement, dtypes in CASES:
            if not any(f in statement for f in args.filter.split("|")):
                continue
            for dtype in dtypes:
                if args.dtypes and dtype not in args.dtypes.split(","):
                    continue
                if dtype not in made:
                    made[dtype] = inputs(mnp, dtype, size), inputs(numpy, dtype, size)
                ours, theirs = (program(statement, names) for names in made[dtype])
                try:
                    ratio, mine, its = measure(ours, theirs, args.seconds, time.process_time if args.cpu else time.perf_counter)
                except (TypeError, ValueError) as error:
                    print(f"{statement:32} {dtype:4} {size:8} {type(error).__name__}: {error}", flush=True)
                    continue
                if statement.split()[0] in ("a", "z") and "=" in statement.split()[1]:
                    del made[dtype]
                rows.append({"statement": statement, "dtype": dtype, "size": size, "ratio": ratio, "ours": mine, "numpy": its})
                if ratio > args.above:
                    print(f"{statement:32} {dtype:4} {size:8} {ratio:7.2f} {mine * 1e6:11.2f} us {its * 1e6:11.2f} us", flush=True)
    for size in sorted({r["size"] for r in rows}):
        of = [r["ratio"] for r in rows if r["size"] == size]
        above = ", ".join(f"above {bound}: {sum(r > bound for r in of)}" for bound in (1.0, 1.2))
        print(f"{size:8}: geometric mean {statistics.geometric_mean(of):.3f} of {len(of)}, {above}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
