"""Everyday statements and every public numeric function, in NumPy and in MinPy: `make bench-statements`.

Each statement runs in both modules in turn, in this one process, on arrays of 1, 1,000 and 1,000,000 elements; what is printed is the
median of the ratios of neighbouring runs (MinPy over NumPy). Results that may wait are computed inside the timed part.

Longer than most files: nearly all of it is the statements, a line each.

    python benches/python/statements.py [--quick] [--sizes 1,1000] [--filter TEXT] [--json FILE] [--page FILE] [--worst N]
"""
from __future__ import annotations

import argparse
import ast
import datetime
import json
import math
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy

import minpy.numpy as mnp
from minpy._minpy import devices

SIZES = (1, 1_000, 1_000_000)

SETUP = """
n = size
g = numpy.random.default_rng(0)
a = np.array(g.random(n) + 0.5)
b = np.array(g.random(n) + 0.5)
z = np.zeros(n)
f = np.array((g.random(n) + 0.5).astype('float32'))
h = np.array((g.random(n) + 0.5).astype('float32'))
c = np.array(g.random(n) + 1j * g.random(n))
k = np.array(g.integers(1, 100, n))
l = np.array(g.integers(1, 100, n))
u = np.array(g.integers(0, 255, n).astype('uint8'))
v = np.array(g.integers(0, 255, n).astype('uint8'))
m = np.array(g.random(n) < 0.5)
w = np.array(g.random(n) < 0.5)
idx = np.array(g.integers(0, n, n))
s = np.array(numpy.sort(g.random(n)))
side = max(1, int(n ** 0.5))
A = np.array(g.random((side, side)))
B = np.array(g.random((side, side)))
Z = np.zeros((side, side))
row = np.array(g.random(side))
i = n // 2
j = side // 2
small = [1, 2, 3]
floats = [0.5, 1.5, 2.5]
listed = g.random(n).tolist()
x = a[i]
y = b[i]
"""

#: What people write, one line each; names are those of SETUP. A number after `@` is the largest size at
#: which the line runs.
STATEMENTS = """
a[i]
a[-1]
a[i] = 1.0
a[i] += 1.0
k[i]
k[i] = 7
k[i] += 1
m[i]
float(a[i])
int(k[i])
a[i] * 2 + 1
a[i] + b[i]
a[i] * b[i]
a[i] > b[i]
a[i] == 0.5
x + y
x * 2.0
x > y
abs(x)
x ** 2
np.sqrt(x)
np.exp(x)
np.sin(1.5)
np.maximum(x, y)
np.abs(x)
max(a[i], b[i])
round(x, 2)
f'{x:.3f}'
str(x)
isinstance(x, float)
A[j, j]
A[j, j] = 1.0
A[j, j] += A[j, 0]
A[j][j]
A[j]
A[j, :]
A[:, j]
A[j:, j]
A[:j, :j]
A[..., 0]
A[j] = row
A[:, j] = row
A[j] = 0.0
A[:, j] *= 2
A[j, :j] += 0.5 * A[j, :j]
A[j] -= A[0] * 0.1
A[1:-1, 1:-1]
A[1:-1, 1:-1] = 0.0
Z[1:-1, 1:-1] = A[1:-1, 1:-1]
Z[:] = A
A.T
A.T[j]
A.shape
A.ndim
A.size
A.dtype
len(a)
a.sum()
a.mean()
a.min()
a.max()
a.argmax()
a.std()
A.sum(axis=0)
A.sum(axis=1)
A.mean(axis=0)
A.max(axis=1)
m.any()
m.all()
m.sum()
(a > 1).any()
(a > 1).all()
(a > 1).sum()
a.copy()
a.astype('float32')
a.astype(int)
k.astype(float)
f.astype('float64')
a.tolist()
k.tolist()
a.reshape(-1, 1)
a.reshape(-1)
a.ravel()
A.ravel()
A.flatten()
a.flatten()
a.item(i)
a.fill(0.0)
a.dot(b)
a[1:-1]
a[::2]
a[::-1]
a[:i]
a[i:]
a[1:]
a[1:] - a[:-1]
a[None]
a[:, None]
a[...]
a[:]
a[:] = b
a[:] = 0
z[1:-1] = b[1:-1]
z[1:-1] = (b[2:] - b[:-2]) * 0.5 @1000000
z[::2] = 1.0
z[:i] += b[:i]
z[i:] *= 2.0
a[m]
a[a > 1]
a[~m]
z[m] = 0.0
z[a > 1] = 1.0
z[m] += 1.0
a[idx]
z[idx] = 1
z[idx] = b
z[idx] += 1
k[idx]
A[[0, -1]]
A[[0, -1], [0, -1]]
a[[0, -1]]
a + b
a - b
a * b
a / b
a + 1
2 * a
1 / a
a ** 2
a ** 3
a ** 0.5
a ** b
a % 1.0
a // 0.5
k + l
k * l
k - 1
k // 3
k % 7
k // l
k % l
k ** 2
k << 2
k >> 1
k & 3
k | l
k ^ l
u ^ v
u + v
u & 15
~u
f + h
f * 2
c * c
c + 1
a + f
a + k
f + 1
-a
+a
abs(a)
abs(c)
a > b
a >= 1
a == b
a != b
k == l
c == c
m & w
m | w
~m
m ^ w
(a > 0.5) & (a < 1)
a += b
a *= 1.0
a -= 1.0
k += 1
a @ b
A @ B
A @ row
A.T @ row
a * b + a
(a - b) ** 2
((a - b) ** 2).sum()
np.sqrt((a * a).sum())
(a - a.mean()) / a.std()
a * 0.5 + b * 0.5
np.exp(-a * a)
np.sin(a) ** 2 + np.cos(a) ** 2
1 / (1 + np.exp(-a))
np.dot(a[:10], b[:10])
np.sum(a[:10])
np.array([1, 2, 3])
np.array([0.5, 1.5, 2.5])
np.array([[1, 2], [3, 4]])
np.array(small)
np.array(floats)
np.array(listed)
np.array(a)
np.array(3.0)
np.asarray(a)
np.asarray(listed)
np.zeros(n)
np.zeros(n, dtype=int)
np.zeros((side, side))
np.ones(n)
np.empty(n)
np.full(n, 2.0)
np.arange(n)
np.arange(10)
np.arange(0, 1, 0.1)
np.arange(n, dtype=float)
np.linspace(0, 1, n)
np.linspace(0, 1, 11)
np.eye(side)
np.identity(3)
np.zeros_like(a)
np.ones_like(a)
np.empty_like(a)
np.full_like(a, 3)
np.diag(row)
np.diag(A)
np.copy(a)
for t in a: pass @1000
for t in A: pass @1000
for t in range(10): a[i]
for t in range(10): a[i] += t
[t for t in k] @1000
sum(a) @1000
max(a) @1000
list(a) @1000
sorted(a) @1000
x in a
np.float64(1.5)
np.int64(3)
np.float32(x)
bool(m[i])
if a[i] > 0: pass
while a[i] < 0: pass
{int(k[i]): 1}
hash(x)
"""

#: Every public numeric function, called as people call it.
FUNCTIONS = """
np.abs(a)
np.absolute(k)
np.add(a, b)
np.subtract(a, b)
np.multiply(a, b)
np.divide(a, b)
np.true_divide(a, b)
np.floor_divide(a, b)
np.mod(a, b)
np.remainder(k, l)
np.fmod(a, b)
np.divmod(a, b)
np.power(a, b)
np.float_power(a, b)
np.negative(a)
np.positive(a)
np.sign(a)
np.sign(k)
np.exp(a)
np.exp(f)
np.exp2(a)
np.expm1(a)
np.log(a)
np.log(f)
np.log2(a)
np.log10(a)
np.log1p(a)
np.logaddexp(a, b)
np.logaddexp2(a, b)
np.sqrt(a)
np.sqrt(f)
np.cbrt(a)
np.square(a)
np.reciprocal(a)
np.sin(a)
np.cos(a)
np.tan(a)
np.arcsin(s)
np.arccos(s)
np.arctan(a)
np.arctan2(a, b)
np.sinh(a)
np.cosh(a)
np.tanh(a)
np.arcsinh(a)
np.arccosh(a + 1)
np.arctanh(s * 0.9)
np.hypot(a, b)
np.degrees(a)
np.radians(a)
np.deg2rad(a)
np.rad2deg(a)
np.sinc(a)
np.floor(a)
np.ceil(a)
np.trunc(a)
np.rint(a)
np.round(a, 2)
np.fix(a)
np.maximum(a, b)
np.minimum(a, b)
np.fmax(a, b)
np.fmin(a, b)
np.clip(a, 0.6, 1.2)
np.isnan(a)
np.isinf(a)
np.isfinite(a)
np.signbit(a)
np.copysign(a, b)
np.nextafter(a, b)
np.spacing(a)
np.frexp(a)
np.ldexp(a, 2)
np.modf(a)
np.heaviside(a, 0.5)
np.gcd(k, l)
np.lcm(k, l)
np.bitwise_and(k, l)
np.bitwise_or(k, l)
np.bitwise_xor(k, l)
np.invert(k)
np.left_shift(k, 1)
np.right_shift(k, 1)
np.equal(a, b)
np.not_equal(a, b)
np.less(a, b)
np.less_equal(a, b)
np.greater(a, b)
np.greater_equal(a, b)
np.logical_and(m, w)
np.logical_or(m, w)
np.logical_xor(m, w)
np.logical_not(m)
np.isclose(a, b)
np.allclose(a, b)
np.array_equal(a, b)
np.array_equiv(a, b)
np.real(c)
np.imag(c)
np.conj(c)
np.angle(c)
np.iscomplex(c)
np.isreal(a)
np.nan_to_num(a)
np.sum(a)
np.sum(A, axis=0)
np.sum(A, axis=1)
np.prod(a)
np.mean(a)
np.mean(f)
np.std(a)
np.var(a)
np.var(A, axis=0)
np.median(a)
np.percentile(a, 30)
np.quantile(a, 0.3)
np.average(a)
np.average(a, weights=b)
np.min(a)
np.max(a)
np.ptp(a)
np.argmin(a)
np.argmax(a)
np.argmax(A, axis=1)
np.any(m)
np.all(m)
np.cumsum(a)
np.cumprod(a)
np.nansum(a)
np.nanmean(a)
np.nanstd(a)
np.nanvar(a)
np.nanmin(a)
np.nanmax(a)
np.nanargmax(a)
np.nanmedian(a)
np.nanprod(a)
np.nancumsum(a)
np.count_nonzero(m)
np.count_nonzero(a)
np.diff(a)
np.ediff1d(a)
np.gradient(row)
np.trapezoid(a)
np.interp(a, s, b)
np.convolve(row, row)
np.correlate(row, row)
np.cross(np.ones(3), np.ones(3))
np.dot(a, b)
np.dot(A, B)
np.vdot(a, b)
np.inner(a, b)
np.outer(row, row)
np.matmul(A, B)
np.tensordot(A, B, 1)
np.einsum('ij,jk->ik', A, B)
np.einsum('ij,ij->', A, B)
np.kron(row[:3], row[:3])
np.trace(A)
np.linalg.norm(a)
np.linalg.norm(A, axis=1)
np.linalg.solve(A, row) @100000
np.linalg.inv(A) @100000
np.linalg.det(A) @100000
np.linalg.eigh(A) @10000
np.linalg.svd(A) @10000
np.linalg.qr(A) @10000
np.linalg.cholesky(A @ A.T + np.eye(side)) @100000
np.fft.fft(a)
np.fft.rfft(a)
np.fft.ifft(c)
np.fft.fft2(A)
np.polyval(floats, a)
np.polyfit(s, a, 2) @100000
np.sort(a)
np.sort(f)
np.sort(k)
np.argsort(a)
np.argsort(k)
np.partition(a, i)
np.argpartition(a, i)
np.lexsort((a, b))
np.searchsorted(s, a)
np.searchsorted(s, 0.5)
np.digitize(a, s)
np.unique(k)
np.unique(a)
np.bincount(k)
np.histogram(a)
np.histogram(a, bins=50)
np.isin(k, small)
np.intersect1d(k, l)
np.union1d(k, l)
np.setdiff1d(k, l)
np.where(m, a, b)
np.where(m)
np.where(a > 1, a, 0)
np.select([m, w], [a, b])
np.choose(k % 2, [a, b])
np.nonzero(m)
np.flatnonzero(m)
np.argwhere(m)
np.take(a, idx)
np.take_along_axis(a, idx, 0)
np.put(z, idx, b)
np.extract(m, a)
np.compress(m, a)
np.place(z, m, floats)
np.putmask(z, m, b)
np.copyto(z, a)
np.add.at(z, idx, 1)
np.add.at(z, idx, b)
np.add.reduce(a)
np.add.accumulate(a)
np.multiply.outer(row, row)
np.maximum.reduce(a)
np.add.reduceat(a, [0])
np.concatenate([a, b])
np.stack([a, b])
np.vstack([a, b])
np.hstack([a, b])
np.column_stack([a, b])
np.dstack([a, b])
np.append(a, 1.0)
np.insert(a, 0, 1.0)
np.delete(a, 0)
np.split(a, 1)
np.array_split(a, 3)
np.tile(a, 2)
np.repeat(a, 2)
np.roll(a, 1)
np.flip(a)
np.fliplr(A)
np.flipud(A)
np.rot90(A)
np.reshape(a, (-1, 1))
np.ravel(A)
np.transpose(A)
np.swapaxes(A, 0, 1)
np.moveaxis(A, 0, 1)
np.expand_dims(a, 0)
np.squeeze(a)
np.atleast_1d(a)
np.atleast_2d(a)
np.broadcast_to(row, (side, side))
np.broadcast_arrays(row, A)
np.meshgrid(row, row)
np.indices((3, 3))
np.mgrid[0:3, 0:3]
np.ogrid[0:3, 0:3]
np.r_[a, b]
np.c_[a, b]
np.tril(A)
np.triu(A)
np.tri(3)
np.vander(row[:5])
np.diagonal(A)
np.diagflat(row[:5])
np.fill_diagonal(Z, 1.0)
np.tril_indices(3)
np.triu_indices(3)
np.pad(a, 1)
np.pad(A, 1)
np.unravel_index(i, (n,))
np.ravel_multi_index((j, j), (side, side))
np.packbits(m)
np.unpackbits(u)
np.logspace(0, 1, 10)
np.geomspace(1, 10, 10)
np.shape(a)
np.ndim(a)
np.size(a)
np.isscalar(x)
np.result_type(a, f)
np.can_cast(float, 'float32')
np.apply_along_axis(np.sum, 0, A) @10000
np.cov(row, row)
np.corrcoef(row, row)
np.i0(a)
np.unwrap(a)
np.random.rand(n)
np.random.randn(n)
np.random.randint(0, 10, n)
np.random.random(n)
np.random.uniform(0, 1, n)
np.random.normal(0, 1, n)
np.random.permutation(n)
np.random.choice(n, n)
"""


def parse(text: str) -> list[tuple[str, int]]:
    """Statements with the largest size at which each runs."""
    rows = []
    for line in text.strip().splitlines():
        code, _, most = line.rpartition(" @")
        rows.append((code, int(most)) if code and most.isdigit() else (line, SIZES[-1]))
    return rows


def compiled(code: str, module: Any, size: int) -> Callable[[int], float]:
    """A function that runs the statement so many times and gives the seconds that took. The names of SETUP are its locals."""
    scope: dict[str, Any] = {"np": module, "numpy": numpy, "size": size}
    exec(SETUP, scope)
    del scope["__builtins__"]
    lines = [f"r = {code}" if is_expression(code) else code]
    if module is mnp and waits(lines[0], scope):
        lines.append(f"wait(r, {written(code)})")
    loop = "\n".join("        " + line for line in lines)
    source = f"""
def run(times, {", ".join(f"{name}={name}" for name in scope)}):
    r = None
    start = clock()
    for _ in range(times):
{loop}
    return clock() - start
"""
    exec(source, scope | {"clock": time.perf_counter, "wait": wait}, scope)
    return scope["run"]


def waits(line: str, scope: dict[str, Any]) -> bool:
    """Whether something waits to be computed after the statement: its results must be computed inside the timed part."""
    devices.flush()
    trial = dict(scope)
    exec(line, trial)
    found = devices.pending_count() > 0
    devices.flush()
    return found


def is_expression(code: str) -> bool:
    try:
        compile(code, "statement", "eval")
    except SyntaxError:
        return False
    return True


def written(code: str) -> str:
    """The name of the array that a statement writes, or None."""
    tree = ast.parse(code).body[0]
    target = tree.targets[0] if isinstance(tree, ast.Assign) else getattr(tree, "target", None)
    while isinstance(target, ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) and not isinstance(tree, ast.For) else "None"


def wait(*results: Any) -> None:
    """Computes what waits."""
    for result in results:
        wait_for(result)


def wait_for(result: Any) -> None:
    if isinstance(result, (tuple, list)):
        wait(*result)
    elif hasattr(result, "wait_to_read"):
        result.wait_to_read()


def ratio(code: str, size: int, budget: float, pairs: int) -> tuple[float, float, float]:
    """Seconds of MinPy and of NumPy (medians), and the median of the ratios."""
    ours, theirs = compiled(code, mnp, size), compiled(code, numpy, size)
    for run in (ours, theirs):
        run(2)
    once = max(theirs(3) / 3, ours(3) / 3, 2e-8)
    times = max(1, min(100_000, int(budget / pairs / 2 / once)))
    rows = []
    for p in range(pairs):
        first, second = (ours, theirs) if p % 2 else (theirs, ours)
        t1, t2 = first(times) / times, second(times) / times
        rows.append((t1, t2) if p % 2 else (t2, t1))
    return (statistics.median(r[0] for r in rows), statistics.median(r[1] for r in rows), statistics.median(r[0] / r[1] for r in rows))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a tenth of the time")
    parser.add_argument("--filter", default="", help="only statements that contain this")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--worst", type=int, default=40, help="how many of the slowest to print at the end")
    parser.add_argument("--json", help="write the table to this file")
    parser.add_argument("--page", help="write the table to this file, in Markdown")
    options = parser.parse_args()
    budget, pairs = (0.02, 5) if options.quick else (0.15, 9)
    warnings.simplefilter("ignore")
    table: dict[str, dict[str, list[float]]] = {}
    for size in map(int, options.sizes.split(",")):
        rows = []
        for code, most in parse(STATEMENTS) + parse(FUNCTIONS):
            if options.filter not in code or size > most:
                continue
            try:
                ours, theirs, r = ratio(code, size, budget, pairs)
            except Exception as e:
                print(f"{size:8} {code:44} {type(e).__name__}: {e}", file=sys.stderr)
                continue
            rows.append((r, ours, theirs, code))
            table.setdefault(code, {})[str(size)] = [ours, theirs, r]
        if not rows:
            continue
        rows.sort(reverse=True)
        mean = math.exp(statistics.fmean(math.log(r[0]) for r in rows))
        slow = sum(r[0] > 1.2 for r in rows)
        print(f"--- {size} elements: {len(rows)} statements, geometric mean {mean:.2f}, above 1.2: {slow}")
        for r, ours, theirs, code in rows[: options.worst]:
            print(f"{size:8} {code:44} {ours * 1e6:10.3f} us {theirs * 1e6:10.3f} us {r:7.2f}", flush=True)
    if options.json:
        with open(options.json, "w") as out:
            json.dump(table, out, indent=1)
    if options.page:
        with open(options.page, "w") as out:
            out.write(page(table))
    return 0


def page(table: dict[str, dict[str, list[float]]]) -> str:
    """The table in Markdown, the worst of each statement first."""
    sizes = sorted({int(size) for row in table.values() for size in row})
    lines = [
        "# Statements against NumPy",
        "",
        "Written by `make bench-statements` (`benches/python/statements.py --page`), "
        f"{datetime.date.today()}, NumPy {numpy.__version__}, {os.cpu_count()} processors: every statement by both in turn in one process, our time",
        "over NumPy's (medians of ratios), with our time in brackets. The statements' arrays have so many elements.",
        "",
        "| elements | statements | geometric mean | above 1.2 |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for size in sizes:
        ratios = [row[str(size)][2] for row in table.values() if str(size) in row]
        mean = math.exp(statistics.fmean(map(math.log, ratios)))
        lines.append(f"| {size:,} | {len(ratios)} | {mean:.2f} | {sum(r > 1.2 for r in ratios)} |")
    lines += ["", "| statement | " + " | ".join(f"{size:,}" for size in sizes) + " |", "| --- |" + " ---: |" * len(sizes)]

    def cell(row: dict[str, list[float]], size: int) -> str:
        if str(size) not in row:
            return "-"
        ours, _, r = row[str(size)]
        mark = "**" if r > 1.2 else ""
        return f"{mark}{r:.2f}{mark} ({ours * 1e6:,.3g} us)"

    for code, row in sorted(table.items(), key=lambda item: -max(r for _, _, r in item[1].values())):
        lines.append("| `" + code.replace("|", "\\|") + "` | " + " | ".join(cell(row, size) for size in sizes) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
