"""Calls with little memory left: run as a program by test_memory.py.

Each call runs in a process that has used up all memory that it has, and may get so many KiB and no more. It gives the right
result or raises MemoryError, the process lives, and once there is memory again the same call gives the right result.

    python memory_sweep.py apart KIB,KIB,... [NAME ... | 1/3]     each call in a child, which computes on one thread
    python memory_sweep.py here KIB,KIB,... [NAME ... | 1/3]      all in this process, with the threads of the kernels
    python memory_sweep.py threads KIB NUMBER SECONDS             calls of several threads at once
    python memory_sweep.py tape STEPS KIB                         a loop of recorded operations

print one line for each call that does anything else, and a last one with the counts.
"""
import contextlib
import ctypes
import gc
import hashlib
import inspect
import json
import mmap
import operator
import os
import random
import resource
import signal
import sys
import threading
import time
import warnings

import numpy

import minpy
import minpy.numpy as np
import minpy.symbol as sym
from minpy import _minpy
from minpy.core import Function, grad, grad_and_loss

warnings.filterwarnings("ignore")
N = 1 << 18  # elements: 2 MiB of float64
# Functions that run in NumPy's BLAS, which ends the process where it gets no memory.
NUMPYS_BLAS = {"det", "cov", "corrcoef", "polyfit", "roots"}


class Inputs:
    """Arrays of some MiB, made by one function of `numpy` or `minpy.numpy`."""

    def __init__(self, m):
        r = numpy.random.RandomState(0)
        of = m.array
        self.x = of(r.rand(N) + 0.5)
        self.f = of((r.rand(N) + 0.5).astype("float32"))
        self.h = of((r.rand(N) + 0.5).astype("float16"))
        self.c = of(r.rand(N) + 1j * r.rand(N))
        self.i = of(r.randint(0, N, N))
        self.j = of(r.randint(0, 8, N))
        self.b = of(r.rand(N) > 0.5)
        self.m = of(r.rand(512, 512))
        self.fm = of(r.rand(512, 512).astype("float32"))
        self.cm = of(r.rand(256, 256) + 1j * r.rand(256, 256))
        self.hm = of(r.rand(256, 256).astype("float16"))
        self.im = of(r.randint(0, 9, (256, 256)))
        self.t = of(r.rand(64, 64, 64)).T
        self.s = of(r.rand(60, 60))
        self.p = self.s @ self.s.T + 60 * m.eye(60)
        self.u = of(r.randint(0, 256, N).astype("uint8"))


def add_at(m, v):
    y = m.array(v.x)
    m.add.at(y, v.i, v.x)
    return y


def in_place(m, v):
    y = m.array(v.x)
    y += v.x * 2.0
    y[v.i[:1000]] = 3.0
    y[::2] *= v.x[1::2]
    y.sort()
    return y


def repeated(steps):
    """So many operations, one after another."""
    def long(a):
        for _ in range(steps):
            a = a * 1.00001
        return np.sum(a)
    return long


def written(name, *rest, of="x"):
    def call(m, v):
        y = m.array(getattr(v, of))
        getattr(m, name)(y, *(r(v) for r in rest))
        return y
    return call


# Names of functions of x alone, NumPy's own too. (What core's tables have beside these lists, `of_tables` calls.)
UNARY = """abs absolute arccos arccosh arcsin arcsinh arctan arctanh around cbrt ceil conj conjugate cos cosh cumprod cumsum deg2rad degrees
 diff ediff1d exp exp2 expm1 fabs fix flip floor i0 imag iscomplex isfinite isinf isnan isneginf isposinf isreal log log10 log1p log2
 logical_not max mean median min modf nan_to_num nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanprod nanstd
 nansum nanvar negative positive prod ptp rad2deg radians ravel real real_if_close reciprocal relu rint sigmoid sign signbit sin sinc
 sinh softplus sort spacing sqrt square squeeze std sum tan tanh trapezoid trunc unique var argmax argmin argsort copy count_nonzero
 flatnonzero frexp nonzero all any angle array asarray ascontiguousarray asfortranarray atleast_1d atleast_2d atleast_3d argwhere
 ones_like zeros_like diagflat:s gradient histogram histogram_bin_edges isrealobj iscomplexobj ndim shape size transpose sort_complex
 trim_zeros unique_values unique_counts cumulative_sum cumulative_prod amax amin acos acosh asin asinh atan atanh asanyarray
 array_repr array_str array2string invert:i bitwise_not:i bitwise_count:i bitwise_invert:i packbits:u unpackbits:u bincount:j
 fliplr:m flipud:m rot90:m tril:m triu:m trace:m diagonal:m diag:m matrix_transpose:m swapaxes:m,0,1 cov:s corrcoef:s unwrap
 softmax:m permute_dims:m det:s column_stack:m""".split()
# Names of functions of x and x.
BINARY = """add subtract multiply divide true_divide floor_divide remainder mod fmod power pow float_power maximum minimum fmax fmin arctan2 atan2
 hypot copysign nextafter logaddexp logaddexp2 heaviside equal not_equal less less_equal greater greater_equal logical_and logical_or logical_xor
 divmod allclose array_equal array_equiv isclose dot vdot inner cross:p3 append union1d intersect1d setdiff1d setxor1d isin
 broadcast_arrays ldexp:xj bitwise_and:ii bitwise_or:ii bitwise_xor:ii left_shift:jj right_shift:jj gcd:ii lcm:jj bitwise_left_shift:jj
 bitwise_right_shift:jj may_share_memory shares_memory matmul vecdot""".split()


def calls():
    """name -> function(module, inputs)"""
    all = {}
    for entry in UNARY:
        name, _, rest = entry.partition(":")
        which, *more = (rest or "x").split(",")
        all[name] = lambda m, v, name=name, which=which, more=more: getattr(m, name)(getattr(v, which), *map(int, more))
    all["det"] = lambda m, v: m.linalg.det(v.p)
    for entry in BINARY:
        name, _, rest = entry.partition(":")
        if rest == "p3":
            all[name] = lambda m, v, name=name: getattr(m, name)(v.x[: N // 3 * 3].reshape(-1, 3), v.x[: N // 3 * 3].reshape(-1, 3) + 1)
            continue
        one, two = rest or "xx"
        all[name] = lambda m, v, name=name, one=one, two=two: getattr(m, name)(getattr(v, one), getattr(v, two))
    all.update({
        "add.at": add_at,
        "in place": in_place,
        "add.reduce": lambda m, v: m.add.reduce(v.t, axis=1),
        "add.accumulate": lambda m, v: m.add.accumulate(v.t, axis=1),
        "add.outer": lambda m, v: m.add.outer(v.x[:500], v.x[:500]),
        "out=": lambda m, v: m.exp(v.x, out=m.empty(N), where=v.b) * 0 + 1,
        "argsort c": lambda m, v: m.argsort(v.c), "argsort h": lambda m, v: m.argsort(v.h), "argsort t": lambda m, v: m.argsort(v.t, axis=1),
        "sort c": lambda m, v: m.sort(v.c), "sort h": lambda m, v: m.sort(v.h), "sort t": lambda m, v: m.sort(v.t, axis=1),
        "sort f": lambda m, v: m.sort(v.f), "argsort f": lambda m, v: m.argsort(v.f), "argsort i": lambda m, v: m.argsort(v.i),
        "argmax h": lambda m, v: m.argmax(v.h), "sum h": lambda m, v: m.sum(v.h), "sum t": lambda m, v: m.sum(v.t, axis=(0, 2)),
        "cumsum t": lambda m, v: m.cumsum(v.t, axis=0), "max t": lambda m, v: m.max(v.t * 2, axis=1),
        "matmul f": lambda m, v: v.fm @ v.fm, "matmul d": lambda m, v: v.m @ v.m, "matmul c": lambda m, v: v.cm @ v.cm,
        "matmul h": lambda m, v: v.hm @ v.hm, "matmul i": lambda m, v: v.im @ v.im, "matmul T": lambda m, v: v.m.T @ v.m,
        "matmul b": lambda m, v: (v.im > 4) @ (v.im > 4), "layer": lambda m, v: m.tanh(v.fm @ v.fm + v.fm[0]).sum(0),
        "vector": lambda m, v: v.m @ v.x[:512], "stack of": lambda m, v: v.t @ v.t,
        "gather": lambda m, v: v.x[v.i], "gather rows": lambda m, v: v.m[v.i[:2000] % 512], "gather mask": lambda m, v: v.x[v.b],
        "tolist": lambda m, v: m.array(v.x[:50000].tolist()), "item": lambda m, v: float(m.sum(v.x)),
        "bytes": lambda m, v: m.frombuffer(v.x.tobytes()), "astype": lambda m, v: v.x.astype("float32"), "str": lambda m, v: len(str(v.x)),
        "asnumpy": lambda m, v: numpy.asarray(v.t * 2), "copy t": lambda m, v: v.t.copy(), "reshape t": lambda m, v: v.t.reshape(-1),
        "softmax rows": lambda m, v: m.exp(v.m - m.max(v.m, axis=1, keepdims=True)) / m.sum(m.exp(v.m), axis=1, keepdims=True),
        "chain": lambda m, v: m.sqrt(m.exp(-v.x * v.x) + 1.0) * v.x - m.log(v.x),
        "broadcast": lambda m, v: v.x[:600, None] * v.x[None, :600] + v.x[:600],
        "append": lambda m, v: m.append(v.x, v.x), "apply_along_axis": lambda m, v: m.apply_along_axis(m.sum, 0, v.s),
        "apply_over_axes": lambda m, v: m.apply_over_axes(m.sum, v.t, (0, 1)), "arange": lambda m, v: m.arange(N),
        "argpartition": lambda m, v: m.argpartition(v.x, 9)[:1] * 0, "array_split": lambda m, v: m.array_split(v.x, 3),
        "average": lambda m, v: m.average(v.x, weights=v.x), "bartlett": lambda m, v: m.bartlett(N), "blackman": lambda m, v: m.blackman(N),
        "hamming": lambda m, v: m.hamming(N), "hanning": lambda m, v: m.hanning(N), "kaiser": lambda m, v: m.kaiser(N, 2.0),
        "block": lambda m, v: m.block([[v.m, v.m], [v.m, v.m]]), "broadcast_to": lambda m, v: m.broadcast_to(v.x, (3, N)).sum(0),
        "choose": lambda m, v: m.choose(v.j % 2, [v.x, v.x + 1]), "clip": lambda m, v: m.clip(v.x, 0.6, 1.0),
        "compress": lambda m, v: m.compress(v.b, v.x), "concatenate": lambda m, v: m.concatenate([v.x, v.x, v.x]),
        "convolve": lambda m, v: m.convolve(v.x, v.x[:5]), "correlate": lambda m, v: m.correlate(v.x, v.x[:5]),
        "copyto": written("copyto", lambda v: v.x * 2), "delete": lambda m, v: m.delete(v.x, [1, 5]),
        "diag_indices": lambda m, v: m.diag_indices(500), "diag_indices_from": lambda m, v: m.diag_indices_from(v.m),
        "digitize": lambda m, v: m.digitize(v.x, v.x[:9].copy() * 0 + numpy.arange(9.0)), "dsplit": lambda m, v: m.dsplit(v.t, 2),
        "hsplit": lambda m, v: m.hsplit(v.m, 2), "vsplit": lambda m, v: m.vsplit(v.m, 2), "split": lambda m, v: m.split(v.x, 2),
        "dstack": lambda m, v: m.dstack([v.m, v.m]), "hstack": lambda m, v: m.hstack([v.m, v.m]), "vstack": lambda m, v: m.vstack([v.m, v.m]),
        "stack": lambda m, v: m.stack([v.x, v.x]), "unstack": lambda m, v: m.unstack(v.s), "einsum": lambda m, v: m.einsum("ij,jk->ik", v.s, v.s),
        "empty": lambda m, v: m.empty(N).shape, "empty_like": lambda m, v: m.empty_like(v.x).shape, "eye": lambda m, v: m.eye(500), "identity": lambda m, v: m.identity(500),
        "expand_dims": lambda m, v: m.expand_dims(v.x, 0) * 2, "extract": lambda m, v: m.extract(v.b, v.x),
        "fill_diagonal": written("fill_diagonal", lambda v: 1.0, of="m"), "fromfunction": lambda m, v: m.fromfunction(lambda i, j: i + j, (500, 500)),
        "fromiter": lambda m, v: m.fromiter(range(50000), "float64"), "full": lambda m, v: m.full(N, 3.0), "full_like": lambda m, v: m.full_like(v.x, 3.0),
        "geomspace": lambda m, v: m.geomspace(1, 9, N), "linspace": lambda m, v: m.linspace(1, 9, N), "logspace": lambda m, v: m.logspace(1, 2, N),
        "histogram2d": lambda m, v: m.histogram2d(v.x, v.x), "histogramdd": lambda m, v: m.histogramdd(v.x[:3000].reshape(-1, 3)),
        "indices": lambda m, v: m.indices((300, 300)), "insert": lambda m, v: m.insert(v.x, 3, 1.0), "interp": lambda m, v: m.interp(v.x, [0.0, 1.0, 2.0], [0.0, 3.0, 4.0]),
        "ix_": lambda m, v: m.ix_(v.i[:9], v.i[:9]), "kron": lambda m, v: m.kron(v.s, v.s[:9, :9]), "lexsort": lambda m, v: m.lexsort((v.x, v.i)),
        "mask_indices": lambda m, v: m.mask_indices(300, m.triu), "matvec": lambda m, v: m.matvec(v.m, v.x[:512]), "vecmat": lambda m, v: m.vecmat(v.x[:512], v.m),
        "meshgrid": lambda m, v: m.meshgrid(v.x[:500], v.x[:500]), "moveaxis": lambda m, v: m.moveaxis(v.t, 0, 2) + 1,
        "nanpercentile": lambda m, v: m.nanpercentile(v.x, 30), "nanquantile": lambda m, v: m.nanquantile(v.x, 0.3),
        "percentile": lambda m, v: m.percentile(v.x, 30), "quantile": lambda m, v: m.quantile(v.x, 0.3), "ones": lambda m, v: m.ones(N),
        "zeros": lambda m, v: m.zeros(N), "outer": lambda m, v: m.outer(v.x[:500], v.x[:500]), "pad": lambda m, v: m.pad(v.m, 3),
        "partition": lambda m, v: m.partition(v.x, 9)[9], "piecewise": lambda m, v: m.piecewise(v.x, [v.x < 1], [1.0, 2.0]),
        "place": written("place", lambda v: v.b, lambda v: v.x), "put": written("put", lambda v: v.i, lambda v: v.x),
        "putmask": written("putmask", lambda v: v.b, lambda v: v.x),
        "put_along_axis": written("put_along_axis", lambda v: v.m[:, :9].astype("int64"), lambda v: 1.0, lambda v: 1, of="m"),
        "poly": lambda m, v: m.poly(v.x[:9]), "polyval": lambda m, v: m.polyval([1.0, 2.0, 3.0], v.x), "polyfit": lambda m, v: m.polyfit(v.x[:999], v.x[:999], 2),
        "polyadd": lambda m, v: m.polyadd(v.x, v.x), "polysub": lambda m, v: m.polysub(v.x, v.x + 1), "polymul": lambda m, v: m.polymul(v.x[:999], v.x[:999]),
        "polyder": lambda m, v: m.polyder(v.x), "polyint": lambda m, v: m.polyint(v.x), "roots": lambda m, v: m.roots(v.x[:20]),
        "ravel_multi_index": lambda m, v: m.ravel_multi_index((v.j, v.j), (8, 8)), "unravel_index": lambda m, v: m.unravel_index(v.j, (4, 2)),
        "repeat": lambda m, v: m.repeat(v.x, 3), "require": lambda m, v: m.require(v.t, requirements="C"), "reshape": lambda m, v: m.reshape(v.t, (-1, 64)),
        "resize": lambda m, v: m.resize(v.x, 2 * N), "roll": lambda m, v: m.roll(v.x, 5), "rollaxis": lambda m, v: m.rollaxis(v.t, 2) * 2,
        "round": lambda m, v: m.round(v.x, 2), "searchsorted": lambda m, v: m.searchsorted(m.sort(v.x), v.x), "select": lambda m, v: m.select([v.x < 1], [v.x], 5.0),
        "take": lambda m, v: m.take(v.x, v.i), "take_along_axis": lambda m, v: m.take_along_axis(v.x, v.i, 0), "tensordot": lambda m, v: m.tensordot(v.s, v.s),
        "tile": lambda m, v: m.tile(v.x, 3), "tri": lambda m, v: m.tri(500), "tril_indices": lambda m, v: m.tril_indices(300), "triu_indices": lambda m, v: m.triu_indices(300),
        "tril_indices_from": lambda m, v: m.tril_indices_from(v.m), "triu_indices_from": lambda m, v: m.triu_indices_from(v.m),
        "unique_all": lambda m, v: m.unique_all(v.j), "unique_inverse": lambda m, v: m.unique_inverse(v.j), "vander": lambda m, v: m.vander(v.x, 3),
        "vstack many": lambda m, v: m.vstack([v.s[0]] * 50000), "vstack rows": lambda m, v: m.vstack(v.x[:100000].reshape(-1, 2)), "split many": lambda m, v: len(m.array_split(v.x, 60000)),
        "split at": lambda m, v: len(m.split(v.x, tuple(range(60000)))), "split at an array": lambda m, v: len(m.split(v.x, v.j[:60000])), "unstack many": lambda m, v: len(m.unstack(v.x[:60000])),
        "roll many": lambda m, v: m.roll(v.x, [3] * 100000, 0), "concatenate many": lambda m, v: m.concatenate([v.s[0]] * 50000), "stack many": lambda m, v: m.stack([v.s[0]] * 50000),
        "where": lambda m, v: m.where(v.b, v.x, 1.0), "isfortran": lambda m, v: m.isfortran(v.t), "concat": lambda m, v: m.concat([v.x, v.x]),
        "fft.fft": lambda m, v: m.fft.fft(v.x), "fft.rfft2": lambda m, v: m.fft.rfft2(v.m), "fft.ifftn": lambda m, v: m.fft.ifftn(v.t),
        "linalg.inv": lambda m, v: m.linalg.inv(v.p), "linalg.solve": lambda m, v: m.linalg.solve(v.p, v.s), "linalg.cholesky": lambda m, v: m.linalg.cholesky(v.p),
        "linalg.outer": lambda m, v: m.linalg.outer(v.x[:500], v.x[:500]),
        "linalg.tensorsolve": lambda m, v: m.linalg.tensorsolve(v.p.reshape(60, 6, 10), v.s[0]), "linalg.tensorinv": lambda m, v: m.linalg.tensorinv(v.p.reshape(60, 6, 10), 1),
        "linalg.cross": lambda m, v: m.linalg.cross(v.m[:, :3], v.m[:, 1:4]), "linalg.multi_dot": lambda m, v: m.linalg.multi_dot([v.m, v.m, v.m]),
        "fft.fftfreq": lambda m, v: m.fft.fftfreq(N), "fft.rfftfreq": lambda m, v: m.fft.rfftfreq(N),
        "linalg.norm": lambda m, v: m.linalg.norm(v.m), "linalg.eigvalsh": lambda m, v: m.linalg.eigvalsh(v.p), "linalg.matrix_power": lambda m, v: m.linalg.matrix_power(v.m, 3),
        "random.rand": lambda m, v: seeded(m).rand(N), "random.randn": lambda m, v: seeded(m).randn(N), "random.randint": lambda m, v: seeded(m).randint(0, 9, N),
        "random.permutation": lambda m, v: seeded(m).permutation(v.x), "random.choice": lambda m, v: seeded(m).choice(v.x, N),
        "random.default_rng": lambda m, v: m.random.default_rng(3).random(N),
    })
    return all


def seeded(m):
    m.random.seed(3)
    return m.random


def of_tables(named, v):
    """What core's tables have beside the names here, each with a large array for everything that it must be given."""
    made = {name: lambda f=f: f(*[v.x] * f.nin) for name, f in _minpy._ufuncs().items() if name not in named}
    for entry in _minpy._table():
        if not entry["name"].startswith("ndarray.") and named.isdisjoint((entry["name"], *entry["aliases"])):
            f = operator.attrgetter(entry["name"])(np)
            count = sum(p.default is p.empty for p in inspect.signature(f).parameters.values())
            made[entry["name"]] = lambda f=f, count=count: f(*[v.m] * count)
    return made


def ours_alone():
    """Calls that NumPy does not have."""
    v = Inputs(np)

    def mlp():
        def loss(w, b, u):
            return np.mean(np.square(np.dot(np.tanh(np.dot(v.fm, w) + b), u) - 1.0))
        return grad_and_loss(loss, argnum=[0, 1, 2])(v.fm * 0.01, v.fm[0], v.fm[:, :10] * 0.1)

    images = np.array(numpy.random.RandomState(1).rand(16, 3, 32, 32).astype("float32"))
    weight = np.array(numpy.random.RandomState(2).rand(8, 3, 3, 3).astype("float32"))
    net = sym.Convolution(sym.Variable("x"), name="conv", kernel=(3, 3), num_filter=8)
    net = sym.Pooling(sym.Activation(net, act_type="relu"), kernel=(2, 2), stride=(2, 2), pool_type="max")
    f = Function(net, input_shapes={"x": (16, 3, 32, 32)})

    def convolution():
        return grad_and_loss(lambda w: np.sum(np.square(f(x=images, conv_weight=w))))(weight)

    def by_hand():
        def loss(w, x):
            y = np.maximum(np.dot(x.reshape(16, 3, 16, 2, 16, 2).max((3, 5)).reshape(16, -1), w), 0)
            y[:, 0] = y[:, 1] * 2
            return np.sum(y * y)
        return grad(loss, argnum=[0, 1])(np.array(v.fm.reshape(-1)[: 768 * 20]).reshape(768, 20), images)

    def bound():
        ex = net.simple_bind(minpy.context.cpu(), x=(16, 3, 32, 32))
        ex.forward(is_train=True, x=images)
        ex.backward(np.ones(ex.outputs[0].shape, dtype="float32"))
        return [ex.outputs[0], ex.grad_dict["conv_weight"]]

    deep = sym.Variable("a")
    for _ in range(1500):
        deep = sym.tanh(deep * 1.01)

    def bound_deep():
        ex = deep.simple_bind(minpy.context.cpu(), a=(50, 50))
        return ex.forward(is_train=True, a=np.ones((50, 50)))

    def recorded():
        return minpy._minpy._record(lambda a: [np.tanh(np.dot(a, a)) + 1, np.sort(a)], [v.fm])([v.fm])

    def onehot():
        return np.onehot_encode(v.j[:50000], np.zeros((50000, 8)))

    found = {
        "mlp": mlp, "convolution": convolution, "pooling by hand": by_hand, "recorded loop": lambda: grad(repeated(30000))(np.ones(3)), "onehot_encode": onehot,
        "bound": bound, "bound deep": bound_deep, "recorded": recorded,
        "grad sort": lambda: grad(lambda a: np.sum(np.sort(a) * a))(v.x),
        "grad gather": lambda: grad(lambda a: np.sum(a[v.i] * 2.0))(v.x),
        "grad max": lambda: grad(lambda a: np.sum(np.max(a, axis=1) * np.cumsum(a, axis=1)[:, 5]))(v.m),
        "grad matmul c": lambda: grad(lambda a: np.sum(np.real(a @ a)))(v.m),
        "jvp": lambda: minpy.core.jvp(lambda a: np.sin(a) * a)((v.x,), (v.x,)),
        "grad of many": lambda: grad(lambda a: [a[0] * 2.0] * 50000)(v.s),
        "grad to many": lambda: grad(lambda *a: np.sum(a[0] + a[1]), argnum=list(range(3000)))(*[v.s[i % 60] + 0 for i in range(3000)]),
        "grad windows": lambda: grad(lambda a: np.sum(np.square(a.reshape(16, 4, 16, 4, 64).max((1, 3)))))(v.t),
        "second": lambda: grad(lambda a: np.sum(grad(lambda b: np.sum(np.sin(b) * b))(a) * a))(v.x),
        "slice_axis": lambda: np.slice_axis(v.m, 1, 5, 400) * 2.0,
    }
    return {**found, **of_tables({*found, *calls()}, v)}


def pieces(value):
    """Everything in a result, as bytes."""
    if isinstance(value, (tuple, list)):
        for v in value:
            yield from pieces(v)
    elif value is not None:
        a = numpy.asarray(value)
        yield f"{a.dtype}{a.shape}".encode()
        yield repr(a.tolist()).encode() if a.dtype == object else numpy.ascontiguousarray(a).tobytes()


def digest(value):
    h = hashlib.sha1()
    for p in pieces(value):
        h.update(p)
    return h.hexdigest()


def in_use():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[0]) * mmap.PAGESIZE


def held(size):
    """An array with memory of the pool."""
    a = np.empty(size, "uint8")
    numpy.asarray(a)
    return a


def fill(make):
    """Objects that leave nothing of 16 KiB or more to whoever gets memory in this way."""
    kept, size = [], 32 << 20
    while size >= 16 << 10:
        try:
            kept.append(make(size))
        except MemoryError:
            size //= 2
    return kept


@contextlib.contextmanager
def limit(kib):
    """So much memory and no more for what is inside."""
    resource.setrlimit(resource.RLIMIT_AS, (in_use(), resource.RLIM_INFINITY))
    ballast = [fill(held), fill(bytearray)]
    # Reading what is in use takes memory itself, of which nothing is left.
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_AS, (in_use() + (kib << 10), resource.RLIM_INFINITY))
    try:
        yield
    finally:
        del ballast
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def limited(call, kib):
    """The result of the call with so much memory, or the exception."""
    with limit(kib):
        try:
            value = call()
            minpy.flush()
            return value, None
        except MemoryError:
            return None, "MemoryError"
        except BaseException as e:  # a panic is one too
            return None, f"{type(e).__name__}: {e}"[:200]


def child(work):
    """What `work` says in a forked child, or how that ended."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            os.write(write, work().encode()[:4000])
        finally:
            os._exit(0)
    os.close(write)
    text = b""
    while part := os.read(read, 4096):
        text += part
    os.close(read)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return text.decode() or f"exit status {os.waitstatus_to_exitcode(status)}"


def fate(call, kib, want):
    value, problem = limited(call, kib)
    if problem is None and digest(value) != want:
        return "wrong result"
    if problem not in (None, "MemoryError"):
        return problem
    del value
    again = digest(call())
    return (problem or "right") if again == want else "wrong result afterwards"


def small_things():
    """Gaps for what Python makes while it works: it does not always stand having none."""
    kept = [bytes(16 * (i % 30)) for i in range(100000)]
    del kept[::2]
    return kept


def selected(table, words):
    """The calls of those names; `1/3` is every third one."""
    if len(words) == 1 and words[0].startswith("1/"):
        return list(table)[:: int(words[0][2:])]
    return words or list(table)


def sweep(limits, words, here):
    theirs, ours = Inputs(numpy), Inputs(np)
    table = {name: (lambda f=f: f(np, ours), lambda f=f: f(numpy, theirs)) for name, f in calls().items()}
    table.update({name: (f, None) for name, f in ours_alone().items()})
    minpy.flush()
    gc.collect()
    if hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)
    run = (lambda work: work()) if here else child
    gaps = small_things()
    counts = {"right": 0, "MemoryError": 0, "bad": 0}
    for name in selected(table, words):
        if here and (name.startswith("linalg.") or name in NUMPYS_BLAS):
            continue
        call, numpys = table[name]
        want = run(lambda: "digest " + digest(call()))
        if not want.startswith("digest "):
            print(f"{name}: without a limit: {want}", flush=True)
            counts["bad"] += 1
            continue
        for kib in limits:
            if here:
                print(f"{name}: {kib} KiB", file=sys.stderr, flush=True)
            what = run(lambda: fate(call, kib, want[7:]))
            if what in counts:
                counts[what] += 1
                continue
            # What NumPy, or Python itself, does not stand either.
            if numpys is not None and child(lambda: str(limited(numpys, kib)[1])) == what:
                continue
            counts["bad"] += 1
            print(f"{name}: {kib} KiB: {what}", flush=True)
    del gaps
    print(json.dumps(counts))


def threads(kib, number, seconds):
    """Threads that work at the same time with so much memory between them."""
    v = Inputs(np)
    work = {
        "argsort": lambda: np.argsort(v.x), "add.at": lambda: add_at(np, v), "gather": lambda: v.x[v.i], "matmul": lambda: v.m @ v.m,
        "chain": lambda: np.sqrt(np.exp(-v.x * v.x) + 1.0) * v.x, "cumsum": lambda: np.cumsum(v.t, axis=0),
        "windows": lambda: v.t.reshape(16, 4, 16, 4, 64).max((1, 3)), "tape": lambda: grad(repeated(500))(np.ones(3)),
        "grad sort": lambda: grad(lambda a: np.sum(np.sort(a) * a))(v.x),
    }
    want = {name: float(numpy.asarray(f()).sum()) for name, f in work.items()}
    counts = {"right": 0, "MemoryError": 0, "bad": 0}
    begin, ready, lock = threading.Event(), threading.Semaphore(0), threading.Lock()

    def run(seed):
        choose = random.Random(seed)
        # The C library ends a process where it has no memory for the variables of a thread: NumPy's are made here.
        numpy.asarray(np.ones(3) + 1.0).sum()
        ready.release()
        begin.wait()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            name = choose.choice(list(work))
            try:
                got = float(numpy.asarray(work[name]()).sum())
                what = "right" if abs(got - want[name]) <= 1e-9 * abs(want[name]) else "wrong result"
            except MemoryError:
                what = "MemoryError"
            except BaseException as e:  # a panic is one too
                what = f"{type(e).__name__}: {e}"[:200]
            with lock:
                if what not in counts:
                    print(f"{name}: {what}", flush=True)
                counts[what if what in counts else "bad"] += 1

    all = [threading.Thread(target=run, args=(i,)) for i in range(number)]
    for t in all:
        t.start()
        ready.acquire()
    gaps = small_things()
    with limit(kib):
        begin.set()
        for t in all:
            t.join()
    del gaps
    for name, f in work.items():
        got = float(numpy.asarray(f()).sum())
        assert abs(got - want[name]) <= 1e-9 * abs(want[name]), f"{name} afterwards: {got}"
    print(json.dumps(counts))


def tape(steps, kib):
    """A loop of so many recorded operations, twice, each time with a short one afterwards."""
    want = digest(grad(repeated(100))(np.ones(3)))
    gaps = small_things()
    counts = {"right": 0, "MemoryError": 0, "bad": 0}
    for _ in range(2):
        with limit(kib):
            try:
                grad(repeated(steps))(np.ones(3))
                counts["right"] += 1
            except MemoryError:
                counts["MemoryError"] += 1
            # The tape is as good as new, with as little memory.
            counts["bad"] += digest(grad(repeated(100))(np.ones(3))) != want
    del gaps
    print(json.dumps(counts))


def main():
    signal.alarm(int(os.environ.get("MINPY_SWEEP_SECONDS", "3600")))
    mode, *rest = sys.argv[1:]
    if mode == "threads":
        threads(int(rest[0]), int(rest[1]), float(rest[2]))
    elif mode == "tape":
        tape(int(rest[0]), int(rest[1]))
    else:
        sweep([int(n) for n in rest[0].split(",")], rest[1:], mode == "here")


if __name__ == "__main__":
    main()
