"""Deferral changes when things are computed, never what: random programs with views and writes against NumPy.

Values are small integers in float64, float32, int32 or bool, so that every mode must give the same bits whatever the order of
a sum. `MINPY_LAWS=20000 pytest tests/python/test_deferral.py` runs that many programs instead of the sample, from number
`MINPY_LAWS_FIRST` on; `MINPY_LAWS_DEVICES` is the same for devices beside the CPU.

Longer than most files: its fixtures, the modes of deferral, are what its tests have in common.
"""
import os
import threading

import numpy
import pytest

import minpy
import minpy.numpy as mnp
from minpy import _minpy
from minpy.core import grad, grad_and_loss

PROGRAMS = int(os.environ.get("MINPY_LAWS", "400"))
FIRST = int(os.environ.get("MINPY_LAWS_FIRST", "0"))
# Devices beside the CPU compile a kernel for most groups: a smaller sample unless asked for.
ON_DEVICES = int(os.environ.get("MINPY_LAWS_DEVICES", max(4, PROGRAMS // 100)))
DTYPES = ("f8", "f4", "i4", "?")


@pytest.fixture(params=["everything", "large", "nothing"])
def deferred(request):
    """What is deferred: all results, those above the usual size, none."""
    before = _minpy.devices.defer_bytes({"everything": 0, "large": 256, "nothing": None}[request.param])
    yield request.param
    _minpy.devices.defer_bytes(before)


@pytest.fixture
def all_deferred():
    before = _minpy.devices.defer_bytes(0)
    yield
    _minpy.devices.defer_bytes(before)


class Program:
    """One random program, run with `np` either NumPy or MinPy: the same seed makes the same decisions.

    Without `reads` nothing depends on values, so that it can be recorded."""

    def __init__(self, np, seed, reads=True):
        self.np, self.r, self.pool, self.seen, self.reads = np, numpy.random.default_rng(seed), [], [], reads
        for _ in range(3):
            shape = self.pick([(4, 6), (6,), (4, 1), (2, 3, 4), (8, 8), (1, 5), (40, 3), ()])
            values = self.r.integers(-4, 5, shape).astype(self.pick(DTYPES))
            self.pool.append(np.array(values))

    def pick(self, items):
        return items[int(self.r.integers(len(items)))]

    def any(self):
        return self.pick(self.pool)

    def small(self, a):
        """The values brought back to small numbers, so that nothing overflows or rounds."""
        return a if a.dtype == bool else self.np.clip(a, -9, 9)

    def partner(self, a):
        """Something that broadcasts with `a`."""
        fitting = [b for b in self.pool if self.fits(a.shape, b.shape)]
        return self.pick([*fitting, int(self.r.integers(-3, 4))])

    @staticmethod
    def fits(s, t):
        return all(m == n or 1 in (m, n) for m, n in zip(s[::-1], t[::-1], strict=False)) and len(s) + len(t) < 8

    @staticmethod
    def goes_into(shape, target):
        """Whether values of `shape` can be written into `target`."""
        return len(shape) <= len(target) and all(m == n or n == 1 for m, n in zip(target[::-1], shape[::-1], strict=False))

    def binary(self):
        a = self.any()
        f = self.pick(["add", "multiply", "maximum", "minimum", "less", "greater_equal", "equal"])
        return self.small(getattr(self.np, f)(a, self.partner(a)))

    def unary(self):
        a, np = self.any(), self.np
        if a.dtype == bool:
            return ~a
        return self.pick([lambda: -a, lambda: np.abs(a), lambda: self.small(a * a), lambda: 2 - a, lambda: np.sign(a)])()

    def where(self):
        a, b, c = self.any(), self.any(), self.any()
        if not (self.fits(a.shape, b.shape) and self.fits(a.shape, c.shape) and self.fits(b.shape, c.shape)):
            return self.unary()
        return self.np.where(a > 0 if a.dtype != bool else a, b, c)

    def cast(self):
        return self.any().astype(self.pick(DTYPES))

    def view(self):
        a = self.any()
        if a.ndim == 0:
            return a[None]
        axis = int(self.r.integers(a.ndim))
        index = [slice(None)] * a.ndim
        index[axis] = self.pick([slice(None, None, -1), slice(1, None), slice(None, None, 2), slice(0, 2), slice(None)])
        kind = self.pick(["slice", "slice", "transpose", "newaxis", "reshape", "row"])
        if kind == "slice":
            return a[tuple(index)]
        if kind == "transpose":
            return a.T
        if kind == "newaxis" and a.ndim < 4:
            return a[..., None]
        if kind == "reshape":
            return a.reshape(-1)
        return a[0] if a.shape[0] else a

    def reduce(self):
        a = self.any()
        f = self.pick(["sum", "max", "min", "any", "all"])
        if a.size == 0:
            return self.unary()
        axis = None if a.ndim == 0 else self.pick([None, 0, a.ndim - 1, tuple(range(a.ndim))])
        return self.small(getattr(self.np, f)(a, axis=axis, keepdims=bool(self.r.integers(2))))

    def centred(self):
        """Reductions whose results broadcast back: rows."""
        a, np = self.any(), self.np
        if a.ndim == 0 or a.size == 0 or a.dtype == bool:
            return self.unary()
        z = self.small(a - np.max(a, axis=-1, keepdims=True))
        return self.small(z * 2 - self.small(np.sum(z, axis=-1, keepdims=True)))

    def gather(self):
        a = self.any()
        if a.ndim == 0 or a.shape[0] == 0:
            return self.unary()
        return a[self.np.array(self.r.integers(-a.shape[0], a.shape[0], 3))]

    def product(self):
        a = self.any()
        if a.ndim != 2 or a.dtype == bool:
            return self.unary()
        return self.small(self.np.dot(a, a.T))

    def write(self):
        """In place: setitem, `+=`, `out=`, masks. Keeps views of what is written alive."""
        a = self.any()
        if not isinstance(a, (numpy.ndarray, type(mnp.zeros(1)))) or a.ndim == 0 or a.size == 0:
            return None
        fitting = [b for b in self.pool if self.goes_into(b.shape, a.shape)]
        value = self.pick([*fitting, 1])
        if getattr(value, "dtype", None) is not None and not numpy.can_cast(value.dtype, a.dtype, "same_kind"):
            value = 2 if a.dtype != bool else True
        kind = self.pick(["set", "shifted", "iadd", "imul", "out", "mask", "where"])
        if a.dtype == bool and kind in ("iadd", "imul", "shifted"):
            kind = "set"
        if kind == "set":
            a[...] = value
        elif kind == "shifted" and a.shape[0] > 2:
            a[1:-1] = self.small(a[:-2] - a[2:])
        elif kind == "iadd":
            a += value
            self.np.clip(a, -9, 9, out=a)
        elif kind == "imul":
            a *= 2
            self.np.clip(a, -9, 9, out=a)
        elif kind == "out" and a.dtype != bool:
            self.np.maximum(a, value, out=a)
        elif kind == "mask":
            a[a > 1 if a.dtype != bool else a] = 0
        elif kind == "where" and a.dtype != bool:
            self.np.add(a, 1, out=a, where=a < 3)
        return None

    def read(self):
        a = self.any()
        see = self.pick([lambda: bool((a == a).all()), lambda: numpy.asarray(a.sum()).tolist(), lambda: a.tolist()])
        if self.reads:
            self.seen.append(see())
        return None

    def forget(self):
        if len(self.pool) > 3:
            self.pool.pop(int(self.r.integers(len(self.pool))))
        return None

    def go(self, steps=16, kinds=()):
        kinds = kinds or [self.binary] * 4 + [self.unary] * 2 + [self.where, self.cast, self.reduce, self.centred, self.gather,
                          self.product, self.read, self.forget, self.forget] + [self.view] * 2 + [self.write] * 3
        for _ in range(steps):
            made = self.pick(kinds)()
            if made is not None:
                self.pool.append(made)
        return self.pool

    def run(self):
        self.go()
        return self.seen + values(self.pool), [str(a.dtype) for a in self.pool]


class Products(Program):
    """Mostly products: alone, two of one operand, with what is computed of them and summed, with writes and reads between."""

    def __init__(self, np, seed, reads=True):
        super().__init__(np, seed, reads)
        for shape in [(6, 8), (8, 8), (40, 8), (8,)]:
            self.pool.append(np.array(self.r.integers(-4, 5, shape).astype(self.pick(("f8", "f4")))))

    def matrix(self, rows=None):
        """One of the pool, as it lies or transposed, with so many rows."""
        fitting = [a for a in self.pool if a.ndim == 2 and a.dtype.kind == "f" and a.size]
        fitting = [a for m in fitting for a in (m, m.T) if rows in (None, a.shape[0])]
        return self.pick(fitting) if fitting else None

    def times(self, a):
        b = self.matrix(a.shape[1])
        return self.np.dot(a, a.T if b is None else b)

    def layer(self, product):
        """Element by element of a product, and brought back to small numbers."""
        beside = [b for b in self.pool if self.goes_into(b.shape, product.shape) and b.dtype.kind == "f"]
        x, np = self.pick([*beside, 1.0]), self.np
        return self.small(self.pick([lambda: product + x, lambda: np.maximum(product, x), lambda: product * (x > 0), lambda: product])())

    def both(self):
        a = self.matrix()
        if a is None:
            return None
        made = {"first": self.times(a.T), "second": self.times(a)}
        for what in self.r.permutation(["first", "second", "sum", "write", "forget", "read"]).tolist():
            if what in made:
                made[what] = self.layer(made.pop(what))
                self.pool.append(made[what])
                if self.pick((True, False)):
                    self.pool.append(self.small(made[what].sum(axis=0, keepdims=self.pick((True, False)))))
            elif what == "sum":
                self.pool.append(self.small(self.layer(self.times(a)).sum(axis=self.pick((0, 1)))))
            else:
                getattr(self, what)()
        return None

    def go(self, steps=8):
        return super().go(steps, [self.both] * 3 + [self.write, self.read, self.forget, self.view, self.binary])


def values(arrays):
    return [numpy.asarray(a).tolist() for a in arrays]


def check(seed, program=Program):
    theirs, ours = program(numpy, seed).run(), program(mnp, seed).run()
    assert ours == theirs, f"program {seed}"


def test_programs(deferred):
    for seed in range(FIRST, FIRST + PROGRAMS):
        check(seed)
    assert minpy._minpy.devices.pending_count() < 2000


def test_a_write_and_another_thread_that_computes(all_deferred):
    """A write into all of what is pending must not be lost while another thread computes that."""
    given, done = mnp.array(numpy.random.default_rng(0).normal(size=(513, 400))), threading.Event()

    def computes():
        while not done.is_set():
            minpy.flush()

    other = threading.Thread(target=computes)
    other.start()
    try:
        for _ in range(1000):
            pending = given * 2 + 1
            pending[:] = given
            assert bool((pending == given).all())
    finally:
        done.set()
        other.join()


def test_programs_of_products(deferred):
    for seed in range(FIRST, FIRST + PROGRAMS // 4):
        check(seed, Products)


def check_recorded(seed, program=Program):
    """The same program through the engine of the symbols: called once on arrays without values, run twice from its plan."""
    theirs = program(numpy, seed, reads=False)
    started = [numpy.array(a) for a in theirs.pool]
    written = list(theirs.pool)
    results = theirs.go()
    ours = program(mnp, seed, reads=False)

    def steps(*arrays):
        ours.pool = list(arrays)
        return ours.go()

    recorded = minpy._minpy._record(steps, [mnp.array(a) for a in started])
    for _ in range(2):
        arguments = [mnp.array(a) for a in started]
        got = recorded(arguments)
        assert (values(got), [str(a.dtype) for a in got]) == (values(results), [str(a.dtype) for a in results]), f"program {seed}"
        assert values(arguments) == values(written), f"program {seed}"


def test_programs_recorded():
    for seed in range(FIRST, FIRST + PROGRAMS):
        check_recorded(seed)
    for seed in range(FIRST, FIRST + PROGRAMS // 4):
        check_recorded(seed, Products)


def test_programs_on_other_devices(deferred):
    others = [d for d in minpy.devices() if d.device_type != "cpu"]
    if not others or deferred == "large":
        pytest.skip("no device beside the CPU, or nothing that differs there")
    for device in others:
        with device:
            for seed in range(FIRST, FIRST + ON_DEVICES):
                check(1_000_000 + seed)
                if deferred == "everything":
                    check_recorded(1_000_000 + seed)


def softmax(np, x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def layer_norm(np, x):
    return (x - np.mean(x, axis=-1, keepdims=True)) / np.sqrt(np.var(x, axis=-1, keepdims=True) + 1e-5)


def losses(np, x):
    z = x - np.max(x, axis=1, keepdims=True)
    return -np.sum(x * (z - np.log(np.sum(np.exp(z), axis=1, keepdims=True)))) / x.shape[0]


@pytest.mark.parametrize("shape", [(100, 1000), (1000, 10), (37, 191), (16, 5000), (3, 40000), (700, 2), (1, 1), (2000, 1)])
@pytest.mark.parametrize("f", [softmax, layer_norm, losses])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_rows(f, shape, dtype, deferred):
    if dtype == "float16" and f is losses:
        pytest.skip("the sum overflows float16, in NumPy too")
    x = numpy.random.default_rng(0).normal(size=shape).astype(dtype)
    for a in (x, numpy.ascontiguousarray(x.T).T, x[::-1]):
        ours = f(mnp, mnp.array(a))
        assert ours.dtype == dtype
        exact = f(numpy, a.astype("float64"))
        eps = numpy.finfo(dtype).eps
        assert numpy.allclose(numpy.asarray(ours, dtype="float64"), exact, rtol=200 * eps, atol=200 * eps * max(1, abs(exact).max()))


def test_a_fold_alone_fills_a_row(all_deferred):
    x, out = mnp.array(numpy.arange(120.0).reshape(40, 3)), mnp.zeros((40, 3))
    out[...] = mnp.max(x, axis=1, keepdims=True)
    assert out.tolist() == [[3.0 * i + 2] * 3 for i in range(40)]


def kernels(f):
    """What ran, with how many operations each."""
    with minpy.profile() as p:
        f()
    return sorted((g.operations, g.calls) for g in p.groups)


def test_how_many_kernels_run(all_deferred):
    x, y = mnp.array(numpy.ones((64, 100))), mnp.array(numpy.full((64, 100), 2.0))
    assert kernels(lambda: numpy.asarray(mnp.exp(-(x * x + y * y) / 2) * (x - y) + mnp.tanh(x * 0.5))) == [(11, 1)]
    assert kernels(lambda: numpy.asarray(softmax(mnp, x))) == [(5, 1)]
    assert len(kernels(lambda: numpy.asarray(layer_norm(mnp, x)))) == 1
    assert kernels(lambda: float(mnp.sum((x - y) ** 2))) == [(3, 1)]


def test_what_nobody_reads_is_not_computed(all_deferred):
    x = mnp.array(numpy.ones(1000))
    minpy.flush()

    def unread():
        y = x * 2
        del y

    with minpy.profile() as p:
        unread()
    assert p.groups == []


def test_bytes_of_a_group(all_deferred):
    """A chain reads its inputs once and writes its result once; what is still referred to is stored in the same pass."""
    x = mnp.array(numpy.ones(1000, "float32"))
    with minpy.profile() as p:
        numpy.asarray(mnp.sqrt(x * x + 1) * x)
    assert [g.bytes for g in p.groups] == [8000]
    with minpy.profile() as p:
        kept = x * x
        numpy.asarray(mnp.sqrt(kept + 1) * x)
        numpy.asarray(kept)
    assert [g.bytes for g in p.groups] == [12000]


def test_errors_come_at_the_call(all_deferred):
    x = mnp.array(numpy.ones((3, 4))) * 2
    with pytest.raises(ValueError, match="broadcast"):
        x + mnp.ones((2, 5))
    with pytest.raises(TypeError):
        x & x
    with pytest.raises(ValueError):
        mnp.dot(x, x)
    assert numpy.asarray(x + 1).tolist() == [[3.0] * 4] * 3


def test_foreign_writes_are_seen(all_deferred):
    x = mnp.array(numpy.ones(10))
    y = x * 2
    window = numpy.asarray(x)  # shares memory from here on
    assert y.tolist() == [2.0] * 10
    z = None
    assert window.flags.writeable == (x._address is not None)
    if window.flags.writeable:
        window[0] = 5
        z = x + 1
        window[0] = 7
        assert z.tolist() == [6.0] + [2.0] * 9
    imported = numpy.ones(10)
    a = mnp.asarray(imported)
    b = a * 3
    imported[:] = 9
    assert b.tolist() == [3.0] * 10


def test_gradients(deferred):
    r = numpy.random.default_rng(1)
    w, x = mnp.array(r.normal(size=(6, 5))), mnp.array(r.normal(size=(7, 6)))

    def loss(w):
        h = mnp.tanh(mnp.dot(x, w))
        h[1:3] *= 2
        return losses(mnp, h) + mnp.sum(mnp.where(h > 0, h, 0.1 * h) ** 2)

    g, _ = grad_and_loss(loss)(w)
    for i, j in [(0, 0), (5, 4), (2, 3)]:
        step = numpy.zeros((6, 5))
        step[i, j] = 1e-6
        numeric = (float(loss(w + mnp.array(step))) - float(loss(w - mnp.array(step)))) / 2e-6
        assert abs(float(g[i, j]) - numeric) < 1e-7 * max(1, abs(numeric))
    of_gradient = lambda w: mnp.sum(grad(loss)(w) ** 2)
    second = grad(of_gradient)(w)
    for i, j in [(0, 0), (5, 4), (2, 3)]:
        step = numpy.zeros((6, 5))
        step[i, j] = 1e-5
        numeric = (float(of_gradient(w + mnp.array(step))) - float(of_gradient(w - mnp.array(step)))) / 2e-5
        assert abs(float(second[i, j]) - numeric) < 1e-5 * max(1, abs(numeric))


def test_threads_share_what_is_pending(all_deferred):
    """Many threads read overlapping pending expressions, record new ones and write: everybody gets the same values."""
    for _ in range(20):
        x = mnp.array(numpy.arange(20000.0))
        shared = [x + k for k in range(4)]
        for _ in range(8):
            shared.append(shared[-1] * 0.5 + shared[-4])
        expected = [numpy.arange(20000.0) + k for k in range(4)]
        for _ in range(8):
            expected.append(expected[-1] * 0.5 + expected[-4])
        wrong = []

        def reader(order):
            for k in order:
                mine = numpy.asarray(shared[k] * 2)
                if not numpy.array_equal(mine, expected[k] * 2):
                    wrong.append(k)

        order = list(range(12))
        threads = [threading.Thread(target=reader, args=(order[t:] + order[:t] if t % 2 else order[::-1],)) for t in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
            assert not t.is_alive(), "threads wait for one another"
        assert not wrong


def test_a_long_loop_has_flat_cost_and_memory(all_deferred):
    context = minpy.context.current_context()
    x, s = mnp.array(numpy.ones(1000)), mnp.array(numpy.zeros(1000))
    used = []
    for i in range(3000):
        s = s + x
        if i % 1000 == 999:
            float(s[0])
            used.append(context.memory_stats()["used"])
    assert float(s[0]) == 3000
    assert used[-1] <= used[0] * 1.01
    assert _minpy.devices.pending_count() < 100


def test_pending_is_bounded(all_deferred):
    x = mnp.array(numpy.ones(100))
    held = [x * k for k in range(5000)]
    assert _minpy.devices.pending_count() <= 1100
    assert [float(h[0]) for h in held[::499]] == [float(k) for k in range(0, 5000, 499)]


def test_flush(all_deferred):
    x = mnp.array(numpy.ones(100))
    y = x * 2
    assert _minpy.devices.pending_count() >= 1
    minpy.flush()
    assert _minpy.devices.pending_count() == 0
    assert y.tolist() == [2.0] * 100


def test_a_flush_beside_evaluations():
    """A flush in another thread computes nothing that a group has already taken in: its inputs' memory may be gone."""
    before = _minpy.devices.defer_bytes(0)
    stop, failed = threading.Event(), []

    def flusher():
        while not stop.is_set():
            try:
                minpy.flush()
            except Exception as e:  # whatever it is, the test must see it
                failed.append(e)

    t = threading.Thread(target=flusher)
    t.start()
    try:
        for k in range(300):
            a = mnp.array(numpy.full(30_000, float(k)))
            b = mnp.sin(a * 2) * 0 + a
            c = mnp.sqrt(b * b) + 1
            del a, b
            d = c * 2
            del c
            assert float(d[-1]) == 2 * (k + 1) and float(d[0]) == 2 * (k + 1)
    finally:
        stop.set()
        t.join(60)
        _minpy.devices.defer_bytes(before)
    assert not failed


def test_a_broadcast_vector_is_computed_once(all_deferred):
    x, b = mnp.array(numpy.ones((100, 50))), mnp.array(numpy.ones(100))
    assert kernels(lambda: numpy.asarray(x * mnp.exp(b)[:, None])) == [(1, 1), (1, 1)]


def test_a_small_part_does_not_keep_a_large_array():
    device, parts = minpy.context.current_context(), []
    x = mnp.array(numpy.ones(1_000_000))
    float((x * 2)[0])
    start = device.memory_stats()["used"]
    for k in range(30):
        y = x * k
        parts.append(y[:10] * 2)
        assert float(y[1]) == k
    assert device.memory_stats()["used"] < start + 5 * 8_000_000
    assert [float(p[0]) for p in parts] == [2.0 * k for k in range(30)]


def test_many_views_of_one_pending_array(all_deferred):
    y = mnp.array(numpy.arange(100.0)) * 2
    s = y[0:60]
    for i in range(1, 40):
        s = s + y[i : i + 60]
    expected = sum((numpy.arange(100.0) * 2)[i : i + 60] for i in range(40))
    assert numpy.array_equal(numpy.asarray(s), expected)


def test_a_profile_ends_with_the_exception_of_its_body():
    with pytest.raises(KeyError), minpy.profile():
        raise KeyError
    with minpy.profile() as p:
        pass
    assert p.groups == []


def test_profiles_do_not_nest():
    x = mnp.ones((100, 100))
    with minpy.profile() as outer:
        x + 1
        with pytest.raises(RuntimeError, match="another profile"), minpy.profile():
            pass
        numpy.asarray(x * 2)
    assert sum(g.calls for g in outer.groups) >= 1


def test_contact_with_numpy_ends(all_deferred):
    """Memory is shared as long as NumPy has a window to it, and deferral goes on afterwards."""
    x = mnp.array(numpy.arange(12.0).reshape(3, 4)) * 1
    str(x), x.tolist(), x.asnumpy(), x.tobytes(), numpy.asarray(x).sum(), mnp.linalg.norm(x), numpy.testing.assert_allclose(x, x)
    assert not x._shared
    assert kernels(lambda: numpy.asarray(mnp.exp(x * 2) + 1)) == [(3, 1)]
    window = numpy.asarray(x)[1:]
    assert x._shared
    y = x + 1
    window[0, 0] = 100
    assert y[1, 0] == 5 and x[1, 0] == 100
    del window
    assert not x._shared
    y = x + 1
    memoryview(x)[0, 0] = 50  # whoever opens a window has what is pending computed first
    assert y[0, 0] == 1 and x[0, 0] == 50
    # Results of NumPy that nobody else knows are ours.
    for made in (mnp.random.randn(3, 4), mnp.diff(x), mnp.pad(x, 1), mnp.random.default_rng(1).normal(size=5)):
        assert not made._shared
    known = numpy.ones(3)
    assert mnp.asarray(known)._shared
    # An address keeps nothing alive.
    assert x.__array_interface__
    assert x._shared


def test_number_of_threads():
    before = minpy.get_num_threads()
    try:
        for n in (1, 3):
            minpy.set_num_threads(n)
            assert minpy.get_num_threads() == n
            x = mnp.array(numpy.arange(300000.0))
            assert float(mnp.sum(x * 2)) == 299999 * 300000
        with pytest.raises(ValueError):
            minpy.set_num_threads(0)
    finally:
        minpy.set_num_threads(before)


def resident():
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="resident memory is read from Linux's /proc")
@pytest.mark.parametrize("width", [16, 160])  # below and above the size from which on work is deferred
def test_training_keeps_its_memory(width):
    r = numpy.random.default_rng(0)
    x, y = mnp.array(r.normal(size=(64, 20)).astype("f4")), mnp.array(r.normal(size=(64, 1)).astype("f4"))
    w = [mnp.array(r.normal(size=s).astype("f4") * 0.1) for s in ((20, width), (width, 1))]

    def loss(w1, w2):
        return mnp.mean((mnp.dot(mnp.tanh(mnp.dot(x, w1)), w2) - y) ** 2)

    step = grad_and_loss(loss, argnum=[0, 1])
    device, marks = minpy.context.current_context(), []
    for i in range(10_000):
        gradients, value = step(*w)
        for p, g in zip(w, gradients, strict=True):
            p -= 0.01 * g
        if i in (999, 9_999):
            assert numpy.isfinite(float(value))
            marks.append((resident(), device.memory_stats()["system_allocations"]))
    assert marks[1][0] <= marks[0][0] * 1.01
    assert marks[1][1] == marks[0][1], "the system allocator was asked again"


def test_a_long_recorded_chain():
    """Cost does not depend on the length of a program, and nothing recurses over it."""
    x = mnp.array(numpy.ones(4))
    g = grad(lambda a: mnp.sum(long_chain(a, 100_000)))(x)
    assert g.tolist() == [1.0] * 4


def long_chain(a, n):
    for _ in range(n):
        a = a + 1
    return a


def test_a_long_deferred_chain(all_deferred):
    a = long_chain(mnp.array(numpy.ones(4)), 50_000)
    assert a.tolist() == [50_001.0] * 4
    g = grad(lambda a: mnp.sum(long_chain(a, 20_000)))(mnp.array(numpy.ones(4)))
    assert g.tolist() == [1.0] * 4


def test_gradients_beside_flushes_of_other_threads():
    """Another thread may flush between the last use of a gradient and its addition."""
    w = mnp.ones((64, 64)) * 0.5
    x = mnp.ones((64, 64)) * 1
    others = []

    def foreign(x):
        y = minpy.core.no_grad(lambda: x * 1.0)()

        def vjp(gradients):
            result = mnp.multiply(gradients[0], w)
            others.append(result * 2)
            return [result]

        _minpy.tape.record_foreign("f", [x], [y], vjp)
        return y

    def loss(x):
        return (foreign(x) * 3).sum() + (x * 2).sum() + (x * x).sum() + (x * 5).sum()

    over = threading.Event()

    def flush():
        while not over.is_set():
            minpy.flush()

    threads = [threading.Thread(target=flush) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        for _ in range(1000):
            assert grad(loss)(x)[0, 0] == 10.5
            assert others.pop()[0, 0] == 3
    finally:
        over.set()
        for t in threads:
            t.join()


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_gradient_of_what_waits(name, deferred):
    """Ties, NaN, infinities, broadcast; one operand watched, or both; second and forward derivatives."""
    f = getattr(mnp, name)
    sign = 1 if name == "maximum" else -1
    rows = [[1.0, 2.0, 2.0], [numpy.nan, 2.0, numpy.inf], [-numpy.inf, 0.0, -0.0]]
    given = numpy.array(rows * 40, dtype="f4")
    for other in (2.0, 0.0, numpy.float32([2, 0, numpy.nan]), given[::-1].copy()):
        wins = (sign * given > sign * numpy.float32(other)) + 0.5 * (given == other)
        o = other if isinstance(other, float) else mnp.array(other)
        g = mnp.array(numpy.arange(given.size, dtype="f4").reshape(given.shape))
        for swap in (False, True):

            def loss(x, both=None):
                x = x * 1 if both is None else x * both
                y = f(o, x) if swap else f(x, o)
                return mnp.sum(y * g)

            d = numpy.asarray(grad(loss)(mnp.array(given)))
            numpy.testing.assert_array_equal(d, wins * numpy.asarray(g))
        if isinstance(other, float):
            continue
        share = grad(lambda o, x: mnp.sum(f(x * 1, o * 1) * g), argnum=[0, 1])(o, mnp.array(given))
        numpy.testing.assert_array_equal(numpy.asarray(share[1]), wins * numpy.asarray(g))
    x = mnp.array([1.0, 2.0, 3.0] * 50)
    cube = grad(lambda x: mnp.sum(f(x * x, 4.0) * x))
    twice = numpy.asarray(grad(lambda x: mnp.sum(cube(x)))(x))
    inside = [0, 2 * 2 + 2, 6 * 3] if name == "maximum" else [6, 2 * 2 + 2, 0]
    # At the tie half of x * x counts, with slope 2x, and x with that of the half: d(4 + x * x) / dx.
    assert twice[[0, 2]].tolist() == [inside[0], inside[2]]


def test_a_waiting_maximum_keeps_a_byte_an_element(all_deferred):
    """What its gradient needs is computed by the kernel of the result; the argument is not stored."""
    x = mnp.ones((100, 100), dtype="f4")

    def loss(x):
        y = mnp.maximum(x + 1, 0)
        numpy.asarray(y)
        return mnp.sum(y)

    with minpy.profile() as p:
        grad(loss)(x)
    first = next(g for g in p.groups if "maximum" in g.name)
    assert first.calls == 1 and first.bytes == 40000 + 40000 + 10000 and "side" in first.name
