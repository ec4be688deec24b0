"""0-d results behave as NumPy's scalars do: immutable, hashable, numbers in every protocol."""
import math
import numbers

import numpy
import pytest

import minpy.numpy as np


def waiting(value):
    """A scalar of ours: what it is the sum of waits, and so does it."""
    a = np.zeros(10000)
    a[0] = value
    s = (a * 1).sum()
    assert type(s) is np.scalar
    return s


def test_numbers(device):
    s = np.array([1.5, 2.5]).sum()
    assert type(s) is (numpy.float64 if device.device_type == "cpu" else np.scalar)
    numbers_of(s)
    s = waiting(4.0)
    assert s.context == device
    numbers_of(s)


def numbers_of(s):
    assert s == 4 and s == 4.0 and hash(s) == hash(4.0) and {s: 1}[4.0] == 1
    assert float(s) == 4.0 and int(s) == 4 and complex(s) == 4 and bool(s) and math.sqrt(s) == 2
    assert f"{s}" == "4.0" and f"{s:.3f}" == "4.000" and "%.1f" % s == "4.0" and str(s) == "4.0" and repr(s) == "np.float64(4.0)"
    assert isinstance(s, numpy.floating) and isinstance(s, numbers.Real) and isinstance(s, float)
    assert not isinstance(s, numpy.integer)
    assert s.shape == () and s.ndim == 0 and s.size == 1 and s.dtype == float and s.item() == 4.0
    assert round(s) == 4 and s.is_integer() and np.isscalar(s)
    assert max(s, 3) == 4 and sum([s, s]) == 8 and sorted([s, np.float64(1)])[0] == 1


def test_integers(device):
    i = np.argmax(np.array([1.0, 5.0, 2.0]))
    assert [10, 20, 30][i] == 20 and list(range(i)) == [0] and isinstance(i, numpy.integer)
    assert np.arange(5)[i] == 1 and np.arange(5)[i:].tolist() == [1, 2, 3, 4]
    with pytest.raises(TypeError):
        [1, 2][np.array(1.0).sum()]


def test_rebinding():
    a = np.arange(3.0)
    t = s = a.sum()
    s += 1
    assert t == 3 and s == 4
    x = a[1]
    a[1] = 100
    assert x == 1


def test_immutable():
    s = waiting(3.0)
    with pytest.raises((TypeError, ValueError)):
        s[()] = 1
    with pytest.raises(TypeError):
        len(s)
    with pytest.raises(TypeError):
        hash(np.ones(3))
    with pytest.raises(ValueError):
        np.add(1, 1, out=s)
    for name, value in (("shape", (1,)), ("dtype", "int64")):
        with pytest.raises(AttributeError):
            setattr(s, name, value)
    for on in (True, False):
        with pytest.raises(ValueError):
            s.flags.writeable = on
    # What is made of it has memory of its own, as in NumPy.
    for made in (s.reshape(1), s[None], np.expand_dims(s, 0)):
        made[0] = 7
    s.setflags(write=True)
    assert s == 3 and not s.flags.writeable


def test_zero_dimensional_arrays(at_once):
    a = np.array(2.0)
    assert type(a) is np.ndarray
    b = a
    b += 1
    kind = numpy.float64 if a.context.device_type == "cpu" else np.scalar
    assert a == 3 and type(a + 1) is (kind if at_once else np.scalar)
    a[...] = 7
    assert a[()] == 7 and type(a[()]) is kind and type(a[...]) is np.ndarray
    assert type(np.ones((2, 2))[0, 0]) is kind and type(np.ones(2)[0, ...]) is np.ndarray


def test_comparisons_in_conditions(device):
    a = np.array([3.0, 4.0])
    norm = np.sqrt(np.sum(a * a))
    assert (norm > 4.9) and not (norm > 5.1)
    steps = 0
    while norm > 1:
        norm = norm / 2
        steps += 1
    assert steps == 3


def test_promotion():
    f = np.float32
    s = np.ones(2, dtype=f).sum()
    assert (s * 2).dtype == f and (s * 2.5).dtype == f and (2.5 * s).dtype == f
    assert (s * np.float64(1)).dtype == numpy.float64
    assert (np.ones(2, f) * np.ones(2).sum()).dtype == numpy.float64
    assert (np.ones(2, f) * numpy.float64(1)).dtype == numpy.float64
    assert np.exp(1.0).dtype == numpy.float64 and np.add(1, 2).dtype == numpy.int64


def test_as_arguments():
    s = np.ones(4).sum()
    assert np.full(2, s).tolist() == [4, 4] and numpy.array([s, s]).tolist() == [4, 4] and np.array([s, 1.0]).tolist() == [4, 1]
    assert np.arange(int(s)).size == 4 and np.zeros(np.argmax(np.array([1, 2, 3]))).shape == (2,)
    assert np.linspace(0, s, 3).tolist() == [0, 2, 4]


def test_computed_and_waiting_scalars_agree():
    """The same program where results are NumPy's scalars, and where all of them wait and are ours."""
    def program():
        r = numpy.random.default_rng(3)
        a, seen = np.array(r.integers(-5, 6, (4, 5)).astype(float)), []
        for s, t in ((a.sum(), a.max()), (np.dot(a[0], a[1]), a.min()), (np.mean(a), np.std(a)), ((a > 0).sum(), a.argmax()), ((a > 0).any(), (a > 9).all())):
            seen += [s + t, s * 2 - t, 2 / (s + 100), s > t, s == s, -s if s.dtype != bool else ~s, abs(int(t)), float(s), f"{s:.3f}", repr(s), str(t), hash(s), bool(s)]
            seen += [s + a, a * t, s < a, np.maximum(s, a), np.where(a > s, a, t), a[int(t) % 4], np.array([s, t]), [s, t], max(s, t), sum([s, t]), round(float(s), 2)]
            b = np.zeros(3)
            b[1] = s
            b += t
            seen += [b, s.dtype, s.shape, s.item(), np.sqrt(abs(s)), np.exp(t * 0.1), isinstance(s, numbers.Number), s in (1, 2, s)]
        return [x.tolist() if hasattr(x, "tolist") else x for x in seen]

    from minpy import _minpy
    now = program()
    before = _minpy.devices.defer_bytes(0)
    try:
        assert type(np.ones(3).sum()) is np.scalar
        later = program()
    finally:
        _minpy.devices.defer_bytes(before)
    assert str(later) == str(now)
