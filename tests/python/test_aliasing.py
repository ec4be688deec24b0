"""Aliasing is NumPy's on every device: each program runs with NumPy and with MinPy and must leave the same arrays."""
import numpy
import pytest

import minpy.numpy as np
from minpy.core import NoGradientFuncError, grad


def write_through_view(np, a):
    b = a[1:]
    b *= 2
    return a, b


def shift_add(np, a):
    a[1:] += a[:-1]
    return a,


def reversed_add(np, a):
    a += a[::-1]
    return a,


def out_overlap(np, a):
    np.add(a[1:], 1, out=a[:-1])
    return a,


def out_overlap_back(np, a):
    np.multiply(a[:-1], 2, out=a[1:])
    return a,


def mask_assign(np, a):
    a[a > 0] = -1.0
    return a,


def mask_array(np, a):
    a[a > 0] = a[a > 0] * 3
    return a,


def fancy_assign(np, a):
    a[[0, 2, 4]] = a[[4, 2, 0]]
    return a,


def fancy_repeat(np, a):
    a[[1, 1, 1]] = np.array([5.0, 6.0, 7.0])
    return a,


def fancy_add(np, a):
    a[[1, 1, 3]] += 1
    return a,


def add_at(np, a):
    np.add.at(a, np.array([1, 1, 3, 3, 3]), 1.5)
    return a,


def fill_diagonal(np, a):
    m = a.reshape(2, 3)
    np.fill_diagonal(m, 9)
    return a, m


def put(np, a):
    np.put(a[::-1], [0, 2], [7.0, 8.0])
    return a,


def where_argument(np, a):
    out = a.copy()
    np.sqrt(a, where=a > 0, out=out)
    return a, out


def where_in_place(np, a):
    np.negative(a, where=np.array([True, False] * 3), out=a)
    return a,


def sort_reversed_view(np, a):
    v = a[::-1]
    v.sort()
    return a, v


def sort_strided(np, a):
    a[::2].sort()
    return a,


def view_between(np, a):
    y = a * 2
    v = a[2:]
    v[...] = 0
    z = a + y
    return a, y, z


def pending_then_overwritten(np, a):
    y = np.exp(a) + 1
    a[:] = 0
    return y, a


def transpose_view(np, a):
    m = a.reshape(2, 3)
    t = m.T
    t[0] = 5
    m += t.reshape(2, 3)
    return a, m, t


def swap_halves(np, a):
    a[:3], a[3:] = a[3:].copy(), a[:3].copy()
    return a,


def swap_views(np, a):
    b, c = a[:3], a[3:]
    b[...], c[...] = c, b
    return a,


def broadcast_self(np, a):
    m = a.reshape(2, 3)
    m -= m[0]
    return a,


def broadcast_column(np, a):
    m = a.reshape(3, 2)
    m /= m[:, :1] + 10
    return a,


def matmul_into_self(np, a):
    m = a[:4].reshape(2, 2)
    m[...] = m @ m
    return a,


def diagonal_read(np, a):
    m = a[:4].reshape(2, 2)
    d = np.diagonal(m)
    m[0, 0] = 42
    return a, d


def copy_is_apart(np, a):
    b = a.copy()
    c = a.flatten()
    d = np.array(a)
    a += 1
    return a, b, c, d


def ravel_of_slice(np, a):
    r = a[::2].ravel()
    r += 1
    s = a.ravel()
    s += 1
    return a, r, s


def scalar_is_apart(np, a):
    s = a[2]
    a[2] = 100
    t = u = a.sum()
    t += 1
    return a, np.array(s), np.array(t), np.array(u)


def real_part(np, a):
    z = a + 1j * a
    z.real[1:3] = 0
    z.imag += 1
    return z,


def reshape_shares(np, a):
    b = a.reshape(3, 2)
    b[1] = b[0]
    a *= 2
    return a, b


def copyto(np, a):
    np.copyto(a[1:], a[:-1], where=np.array([True, False, True, True, False]))
    return a,


def put_along_axis(np, a):
    m = a.reshape(2, 3)
    np.put_along_axis(m, np.argmax(m, axis=1)[:, None], 0.0, axis=1)
    return a,


def cumsum_out(np, a):
    np.cumsum(a, out=a)
    return a,


def sum_out(np, a):
    m = a.reshape(2, 3)
    np.sum(m, axis=0, out=m[1])
    return a,


def chained_views(np, a):
    v = a[1:][::2][:2]
    v += 10
    w = a[-1:0:-2]
    w *= 0.5
    return a, v, w


PROGRAMS = [
    write_through_view, shift_add, reversed_add, out_overlap, out_overlap_back, mask_assign, mask_array, fancy_assign, fancy_repeat,
    fancy_add, add_at, fill_diagonal, put, where_argument, where_in_place, sort_reversed_view, sort_strided, view_between,
    pending_then_overwritten, transpose_view, swap_halves, swap_views, broadcast_self, broadcast_column, matmul_into_self,
    diagonal_read, copy_is_apart, ravel_of_slice, scalar_is_apart, real_part, reshape_shares, copyto, put_along_axis, cumsum_out, sum_out,
    chained_views,
]
START = numpy.array([1.5, -2.0, 3.0, 0.5, -1.0, 2.0])
IDS = [p.__name__ for p in PROGRAMS]


@pytest.mark.parametrize("program", PROGRAMS, ids=IDS)
def test_program(program, device):
    want = program(numpy, START.copy())
    got = program(np, np.array(START))
    for w, g in zip(want, got, strict=True):
        assert g.context == device
        assert g.dtype == w.dtype
        numpy.testing.assert_allclose(g.asnumpy(), w, rtol=1e-14)


@pytest.mark.parametrize("program", PROGRAMS, ids=IDS)
def test_gradient(program, device):
    """The same program inside a differentiated function: its derivative, or an error that names the operation."""
    weights = numpy.random.RandomState(3).rand(64) + 0.5

    def loss(np, x):
        total = 0.0
        for k, r in enumerate(program(np, x * 1.0)):
            r = np.ravel(np.real(r))
            total = total + np.sum(r * r * np.array(weights[k * 7:k * 7 + r.size]))
        return total

    step = 1e-6
    numerical = numpy.array([
        (loss(numpy, START + step * e) - loss(numpy, START - step * e)) / (2 * step) for e in numpy.eye(6)])
    x = np.array(START)
    try:
        found = grad(lambda v: loss(np, v))(x)
    except NoGradientFuncError as e:
        assert str(e), "an error names the operation"
        pytest.skip(f"raises: {e}")
    numpy.testing.assert_allclose(numpy.asarray(found), numerical, rtol=1e-5, atol=1e-6)


def test_memory_shared_with_numpy(on_cpu):
    n = numpy.arange(6.0)
    a = np.asarray(n)
    y = a * 2
    n[0] = 100
    assert float(a[0]) == 100 and float(y[0]) == 0
    a[1] = 50
    assert n[1] == 50
    m = numpy.asarray(a)
    m[2] = 7
    assert float(a[2]) == 7 and n[2] == 7


def test_two_imports_overlap(on_cpu):
    n = numpy.arange(8.0)
    want = n.copy()
    want[1:] += want[:-1]
    a, b = np.asarray(n[1:]), np.asarray(n[:-1])
    a += b
    numpy.testing.assert_array_equal(n, want)
    assert np.may_share_memory(a, b)


def test_export_and_import_share(on_cpu):
    a = np.arange(6.0)
    b = np.asarray(numpy.asarray(a)[::-1])
    a += b
    assert a.asnumpy().tolist() == [5.0] * 6


def test_array_copies(device):
    n = numpy.arange(4.0)
    a = np.array(n)
    n[0] = 9
    assert a.context == device and float(a[0]) == 0


def test_read_only(on_cpu):
    a = np.broadcast_to(np.arange(3.0), (2, 3))
    with pytest.raises(ValueError):
        a[0] = 1
    with pytest.raises(ValueError):
        a += 1
    n = numpy.arange(3.0)
    n.flags.writeable = False
    b = np.asarray(n)
    with pytest.raises(ValueError):
        b += 1
    c = np.arange(3.0)
    c.flags.writeable = False
    with pytest.raises(ValueError):
        c[0] = 1
