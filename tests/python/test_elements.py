"""Elements and basic views on the host: NumPy's own scalars, NumPy's errors, and the same programs where elements are ours."""
import bisect
import json
import operator
import pickle
import statistics
import warnings

import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy._minpy import counters
from minpy.core import value_and_grad

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "complex64", "complex128"]


def outcome(f):
    """What a call gives: the value and its class, or the class and the words of its error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            r = f()
        except Exception as e:
            return type(e), str(e)
    return ("array", r.dtype, r.shape, r.tolist()) if isinstance(r, numpy.ndarray) else (type(r), repr(r))


@pytest.mark.parametrize("dtype", DTYPES)
def test_elements_are_numpys_scalars(dtype):
    values = numpy.arange(12).reshape(3, 4).astype(dtype)
    for key in [(0, 0), (2, -1), (-3, 3), (numpy.int64(1), 2), (1, numpy.int64(-2))]:
        ours, theirs = np.array(values)[key], values[key]
        assert type(ours) is type(theirs) and ours == theirs
    assert [type(v) for v in np.array(values[1])] == [type(v) for v in values[1]]
    assert type(np.array(values)[1][2]) is values.dtype.type and type(np.array(values)[1, ..., 2]) is np.ndarray


def test_elements_are_what_the_rest_of_python_takes():
    a, k = np.array([0.5, 1.5]), np.array([3, 4])
    assert json.dumps([a[0], float(a[1])]) == "[0.5, 1.5]" and statistics.mean([a[0], a[1]]) == 1
    assert isinstance(a[0], float) and f"{a[1]:.2f}" == "1.50" and {k[0]: 1}[3] == 1 and [10, 20, 30, 40][k[0]] == 40
    assert np.sqrt(a[0]) == numpy.sqrt(0.5) and type(np.maximum(a[0], 2)) is numpy.float64 and type(np.exp(1.0)) is numpy.float64


class Index:
    """An index of a user's, which counts how often it is asked."""

    def __init__(self, value):
        self.value, self.asked = value, 0

    def __index__(self):
        self.asked += 1
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


KEYS = [
    0, -1, 5, -6, 2**62, 2**70, -2**70, True, False, None, ..., 1.0, "x", b"x", 1j, object, slice(None), slice(1, -1), slice(None, None, -1), slice(4, 1, -2),
    slice(0, 9, 0), slice("a"), slice(1.5), slice(-2**80, 2**80), slice(None, None, 2**63 - 1), (), (0,), (0, 0), (0, 0, 0), (..., ...), (..., 0), (0, ...), (None, 0),
    (0, None, slice(None)), (slice(1, 3), 5), (5, slice(1, 3)), (slice(None), None, ..., 1), (numpy.int64(1), slice(2)), numpy.int32(1), numpy.float64(1), numpy.bool_(True),
    (0, True), (0, [1, 2]), ([0, 1], slice(1, 3)), [], [0], [[0, 1]], (1, slice(None), slice(None)), (slice(None), -5), (None,) * 20, (None,) * 70,
]


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 0), (), (1, 2, 3)], ids=str)
def test_keys_do_what_numpy_does(shape):
    theirs = numpy.arange(int(numpy.prod(shape)), dtype=float).reshape(shape)
    for key in KEYS:
        a = np.array(theirs)
        ours, wanted = outcome(lambda: a[key]), outcome(lambda: theirs[key])
        words = not any(isinstance(k, list) for k in (key if isinstance(key, tuple) else (key,)))
        assert ours == wanted if words else ours[0] == wanted[0], key
        b = theirs.copy()

        def write(array):
            array[key] = 7
            return array
        ours, wanted = outcome(lambda: write(a)), outcome(lambda: write(b))
        assert ours == wanted if words else ours[0] == wanted[0], ("write", key)


def test_indices_are_asked_as_often_as_by_numpy():
    for make in [lambda i: i, lambda i: (i, 1), lambda i: (slice(i, None), 0), lambda i: (slice(None, i),), lambda i: (0, i, None)]:
        for value in [1, KeyError("no")]:
            counts = []
            for array in (np.ones((3, 3)), numpy.ones((3, 3))):
                index = Index(value)
                counts.append((outcome(lambda: array[make(index)]), index.asked))
            assert counts[0] == counts[1]


VALUES = [0, 1, -1, 300, 2**40, 2**70, 1.5, -0.5, float("nan"), float("inf"), 1e300, True, 2j, None, "x", "3", [1], [1, 2], [[2]],
          numpy.float64(1.5), numpy.float32(2.5), numpy.int64(-3), numpy.int8(4), numpy.uint64(2**63), numpy.bool_(True), numpy.complex128(1j), numpy.array(3), numpy.array([4]), numpy.array([[5.5]])]


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_are_written_as_by_numpy(dtype):
    for value in VALUES:
        def write(array):
            array[1] = value
            return array

        def write_two(array):
            array[0, 1] = value
            return array
        for f, shape in ((write, 3), (write_two, (2, 2))):
            ours, theirs = outcome(lambda: f(np.ones(shape, dtype))), outcome(lambda: f(numpy.ones(shape, dtype)))
            assert ours[0] == theirs[0] and (ours[0] != "array" or str(ours) == str(theirs)), (value, ours, theirs)


def test_writes_are_seen_and_refused():
    a = np.zeros((3, 3))
    row, column = a[1], a[:, 2]
    a[1, 2] = 5
    assert row[2] == 5 and column[1] == 5 and numpy.asarray(a)[1, 2] == 5
    row[2] += 1
    assert a[1, 2] == 6
    a.flags.writeable = False
    for key in [(0, 0), 0, ..., slice(None)]:
        with pytest.raises(ValueError, match="read-only"):
            a[key] = 1
        with pytest.raises(ValueError, match="read-only"):
            np.broadcast_to(np.zeros(3), (3, 3))[key] = 1
    waits = np.ones(100_000) * 2 + 1
    waits[7] = 0
    assert waits[7] == 0 and waits[8] == 3 and waits.sum() == 3 * 100_000 - 3


def test_views_written_in_place():
    for module in (numpy, np):
        a = module.arange(30.0).reshape(5, 6)
        b = module.arange(6.0)
        a[1:4, 2] += b[:3]
        a[2, :3] -= 0.5 * b[:3]
        a[:, 1] *= 2
        a[3] = b
        a[-1, ::2] = a[0, ::2]
        a[a > 20] -= 1
        a[..., -1] = a[:, 0]
        a[:2][:, 3:] += a[2:4][:, 3:]
        result = numpy.asarray(a)
        if module is numpy:
            wanted = result
    assert (result == wanted).all()


def dynamic(a, np):
    """Edit-distance-like: elements are read, compared and written one by one."""
    n = len(a)
    best = np.zeros((n + 1, n + 1))
    for i in range(1, n + 1):
        for j in range(1, n + 1):
            cost = a[i - 1] * a[j - 1]
            best[i, j] = cost + min(best[i - 1, j], best[i, j - 1], best[i - 1, j - 1]) if cost < 0.4 else best[i - 1, j - 1] * 0.5 + cost
    return best[n, n] + best[1:, 1:].sum() * 0.01


def stencil(a, np):
    u = a * 1.0
    for _ in range(4):
        v = u * 1.0
        v[1:-1] = 0.5 * (u[2:] + u[:-2]) - u[1:-1] * 0.1
        v[0] = v[-1] = u[0]
        u = v
    return (u[::2] * u[::2]).sum() + u[3]


def horner(a, np):
    total, k = 0.0, 0
    while k < len(a):
        total = total * 0.3 + a[k] if a[k] > 0.2 else total - np.sin(a[k])
        k += 1
    return total ** 2


@pytest.mark.parametrize("program", [dynamic, stencil, horner])
def test_programs_agree_where_elements_are_ours(program, device):
    x = numpy.random.default_rng(0).random(7)
    wanted = float(program(x, numpy))
    assert float(program(np.array(x), np)) == pytest.approx(wanted, rel=1e-12)
    value, gradient = value_and_grad(lambda a: program(a, np))(np.array(x))
    assert float(value) == pytest.approx(wanted, rel=1e-12)
    for i in range(len(x)):
        up, down = x.copy(), x.copy()
        up[i] += 1e-6
        down[i] -= 1e-6
        assert float(gradient[i]) == pytest.approx((program(up, numpy) - program(down, numpy)) / 2e-6, rel=1e-5, abs=1e-7)


def test_fallbacks_are_counted_at_the_users_lines():
    counters.reset()
    a = np.arange(5)
    for _ in range(3):
        np.emath.sqrt(a)
        np.ldexp(np.ones(2), 1)
    np.emath.sqrt(a)
    sites = {(f[0], f[4].rpartition(":")[2]): f[5] for f in counters.fallbacks()}
    assert sorted(n for (name, _), n in sites.items() if name == "emath.sqrt") == [1, 3]
    assert [n for (name, _), n in sites.items() if name == "ldexp"] == [3]
    assert all(f[4].startswith(__file__) for f in counters.fallbacks())
    counters.reset()
    np.emath.sqrt(a)
    assert [(f[0], f[5]) for f in counters.fallbacks()] == [("emath.sqrt", 1)]


def test_functions_of_numpy_obey_policies_and_survive_pickling(at_once):
    a = np.arange(5)
    minpy.set_global_policy("only_device")
    try:
        with pytest.raises(minpy.PrimitivePolicyError):
            np.emath.sqrt(a)
    finally:
        minpy.set_global_policy("prefer_device")
    for f in (np.linalg.norm, np.packbits, np.ldexp, np.fft.fft):
        assert pickle.loads(pickle.dumps(f)) is f

    class Holder:
        norm = np.linalg.norm
        __array__ = None
    assert callable(Holder().norm)
    q, _r = np.linalg.qr(np.ones((2, 2)))
    assert type(q) is np.ndarray and type(np.linalg.norm(a)) is (numpy.float64 if at_once else np.scalar)
    first = np.linalg.multi_dot([a, a])
    assert first == 30
    theirs = numpy.arange(3.0)
    assert np.asarray_chkfinite(a) is a and np.interp(1.5, [1, 2], [3.0, 4.0]) == 3.5 and np.convolve(theirs, a[:2]).tolist() == [0, 0, 1, 2]


def test_arrays_are_sequences_to_c_code():
    for module in (numpy, np):
        a = module.arange(6.0)
        assert [float(x) for x in reversed(a)] == [5, 4, 3, 2, 1, 0] and bisect.bisect(a, 2.5) == 3 and operator.length_hint(a) == 6
        assert [row.tolist() for row in reversed(a.reshape(2, 3))] == [[3, 4, 5], [0, 1, 2]]
        with pytest.raises(TypeError):
            reversed(module.array(1.0))


def test_scalars_of_both_kinds_meet():
    a = np.array([1.5, 2.5, 4.0])
    theirs = numpy.asarray(a)
    for symbol in ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge", "eq", "ne"]:
        f = getattr(operator, symbol)
        for x, y in [(a[1], a.sum()), (a.sum(), a[1]), (a.max(), a.min()), (a[0], a), (a, a[0]), (a.sum(), a), (numpy.int64(2), a.sum()), (a.sum(), numpy.float32(3))]:
            wanted = f(*[numpy.asarray(v)[()] for v in (x, y)])
            made = f(x, y)
            assert numpy.asarray(made).dtype == wanted.dtype and numpy.allclose(made, wanted, rtol=1e-15, atol=0), (symbol, x, y)
    assert type(a[1] - a.sum()) is numpy.float64 and type(a[1] * a) is np.ndarray and type(theirs * a) is np.ndarray
    assert type(numpy.add(a[0], a.sum())) is numpy.float64 and type(numpy.sqrt(a)) is np.ndarray
    assert int(a.sum()) == 8 and round(a.sum(), 1) == 8.0 and max(a[0], a.sum()) == 8


def test_draws_are_numpys_and_ours():
    r, theirs = np.random.RandomState(3), numpy.random.RandomState(3)
    assert r.rand() == theirs.rand() and type(r.normal()) is type(theirs.normal()) and r.randint(5) == theirs.randint(5)
    made = r.standard_normal((2, 3))
    assert type(made) is np.ndarray and (numpy.asarray(made) == theirs.standard_normal((2, 3))).all()
    g, others = np.random.default_rng(1), numpy.random.default_rng(1)
    assert type(g.integers(9)) is type(others.integers(9)) and g.random() == others.random()
    deck, cards = np.arange(10), numpy.arange(10)
    g.shuffle(deck)
    others.shuffle(cards)
    assert deck.tolist() == cards.tolist() and g.permutation(deck).tolist() == others.permutation(cards).tolist()
    assert g.choice(deck, 3).tolist() == others.choice(cards, 3).tolist() and "RandomState" in repr(type(r))
