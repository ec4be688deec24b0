"""Kernels of the host with loops of their own for a kind of data, against NumPy: sorts, division by numbers, conversions, complex sizes, positions."""

import warnings

import numpy
import pytest

import minpy.numpy as np

REAL = [numpy.dtype(c) for c in "?bBhHiIqQefd"]
INTEGERS = [d for d in REAL if d.kind in "iu"]
COMPLEX = [numpy.dtype("F"), numpy.dtype("D")]
SIZES = [0, 1, 2, 7, 16, 17, 63, 64, 65, 127, 128, 129, 255, 256, 257, 500, 1025, 5000, 70_001]


def same(ours, theirs):
    ours = numpy.asarray(ours)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    assert ours.tobytes() == numpy.ascontiguousarray(theirs).tobytes()


def close(ours, theirs, rtol):
    ours = numpy.asarray(ours)
    assert ours.dtype == theirs.dtype
    numpy.testing.assert_allclose(ours, theirs, rtol=rtol)


def values(dtype, n, kind, seed=0):
    """Random values, few different ones, runs in order, and (of floats) what has an order of its own."""
    random = numpy.random.default_rng(seed)
    if kind == "few":
        return random.integers(0, 4, n).astype(dtype)
    if kind == "runs":
        return (numpy.arange(n) % 37).astype(dtype)
    if kind == "ascending":
        return numpy.sort(values(dtype, n, "random"))
    if dtype.kind == "b":
        return random.random(n) < 0.4
    if dtype.kind in "iu":
        info = numpy.iinfo(dtype)
        return random.integers(info.min, info.max, n, dtype=dtype, endpoint=True)
    x = random.standard_normal(n)
    if dtype.kind == "c":
        x = x + 1j * random.standard_normal(n)
        if kind == "special":
            x.real[random.random(n) < 0.2] = numpy.nan
            x.imag[random.random(n) < 0.2] = numpy.nan
            x.real[random.random(n) < 0.3] = 1
    if kind == "special":
        for special in (0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan):
            x[random.random(n) < 0.1] = special
    if kind == "wide" and dtype.char == "d":
        x = x * 2.0 ** random.integers(-1000, 1000, n)
    return x.astype(dtype)


def kinds(dtype):
    return ["random", "few", "runs", "ascending"] + (["special", "wide"] if dtype.kind in "fc" else [])


@pytest.mark.parametrize("dtype", REAL + COMPLEX, ids=str)
def test_sort(dtype):
    for n in SIZES:
        for kind in kinds(dtype):
            a = values(dtype, n, kind, n)
            # Stable: zeros of both signs and NaNs keep their order.
            want = a[numpy.argsort(a, kind="stable")]
            b = np.array(a)
            same(np.sort(b), want)
            same(np.argsort(b), numpy.argsort(a, kind="stable"))
            b[::-1].sort()
            same(b[::-1], a[::-1][numpy.argsort(a[::-1], kind="stable")])


@pytest.mark.parametrize("dtype", REAL + COMPLEX, ids=str)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_sort_along_axes(dtype, axis):
    a = values(dtype, 7 * 130 * 9, "random").reshape(7, 130, 9)
    for view in (lambda x: x, lambda x: x.transpose(2, 0, 1), lambda x: x[:, ::-2, 1:]):
        same(np.sort(view(np.array(a)), axis=axis), numpy.sort(view(a), axis=axis, kind="stable"))
        same(np.argsort(view(np.array(a)), axis=axis), numpy.argsort(view(a), axis=axis, kind="stable"))


def test_sort_of_what_agrees_in_the_upper_bits():
    """Keys that differ far down, some of them many times: what stands beside a position in one integer does not tell them apart."""
    random = numpy.random.default_rng(0)
    for n in (1000, 20_000):
        a = random.integers(0, 50, n) + (random.integers(0, 2, n) << 62)
        b = a.astype("u8") << 1
        c = 1 + random.integers(0, 3, n) * 2.0**-52
        c[0] = 1e300
        for x in (a, b, c, c + 1j * a):
            same(np.argsort(np.array(x)), numpy.argsort(x, kind="stable"))
            same(np.sort(np.array(x)), numpy.sort(x, kind="stable"))


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_by_one_number(dtype):
    info = numpy.iinfo(dtype)
    edges = numpy.array([info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, 3], dtype)
    with numpy.errstate(all="ignore"):
        a = numpy.concatenate((values(dtype, 3000, "random"), edges))
        for by in {1, 2, 3, 5, 7, 8, 10, 100, info.max, info.max // 2 + 1, info.min, -1, -3, -8}:
            if info.min <= by <= info.max:
                for x in (a, a[::3], a[:5]):
                    for f in ("floor_divide", "remainder", "fmod"):
                        same(getattr(np, f)(np.array(x), dtype.type(by)), getattr(numpy, f)(x, dtype.type(by)))
                    for ours, theirs in zip(np.divmod(np.array(x), dtype.type(by)), numpy.divmod(x, dtype.type(by)), strict=True):
                        same(ours, theirs)
                b = np.array(a)
                b //= dtype.type(by)
                same(b, a // dtype.type(by))
        for exponent in (0, 1, 2, 3, 4, 5, 17, 63):
            for x in (a, a[::3], a[:5]):
                same(np.array(x) ** dtype.type(exponent), x ** dtype.type(exponent))


@pytest.mark.parametrize("dtype", [*REAL, *COMPLEX], ids=str)
def test_conversions(dtype):
    with numpy.errstate(all="ignore"):
        for n in (5, 1000, 40_000):
            a = values(dtype, n, "random")
            if dtype.kind in "fc":
                a = (a * 1000).astype(dtype)
            for to in REAL + COMPLEX:
                inside = numpy.abs(a.real).astype(dtype) if to.kind == "u" else a
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    same(np.array(inside).astype(to.name), inside.astype(to))


@pytest.mark.parametrize("to", [d.name for d in REAL if d.kind in "iu"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_conversions_of_what_does_not_fit(dtype, to):
    """As the processor's instructions have it, whatever NumPy's compiler made of it at this length."""
    a = numpy.array([numpy.nan, numpy.inf, -numpy.inf, 1e30, -1e30], dtype)
    with numpy.errstate(all="ignore"):
        lowest = numpy.array(-(2**63) if to in ("int64", "uint64", "uint32") else -(2**31)).astype(to)
        ours = numpy.asarray(np.array(a).astype(to))
    assert (ours[[0, 2, 4]] == lowest).all()
    # Alike at every length.
    assert (numpy.asarray(np.array(numpy.tile(a, 100)).astype(to)) == numpy.tile(ours, 100)).all()


@pytest.mark.parametrize("dtype", COMPLEX, ids=str)
def test_complex_size_and_sign(dtype):
    eps = numpy.finfo(dtype).eps
    huge, tiny = numpy.finfo(dtype).max, numpy.finfo(dtype).tiny
    special = [0, -0.0, 1, -1, numpy.inf, -numpy.inf, numpy.nan, huge, -huge, tiny, tiny / 8, 3e-30, 5e25]
    pairs = numpy.array([complex(x, y) for x in special for y in special], "D").astype(dtype)
    with numpy.errstate(all="ignore"):
        for a in (pairs, values(dtype, 1000, "random"), values(dtype, 50_000, "random")):
            close(np.abs(np.array(a)), numpy.abs(a), 4 * eps)
            close(np.abs(np.array(a)[::2]), numpy.abs(a[::2]), 4 * eps)
        # NumPy's overflows where the size does, and loses digits of the smallest ones.
        sizes = numpy.abs(pairs)
        fine = (sizes > 1e-20) & ((sizes < huge) | numpy.isinf(pairs.real) | numpy.isinf(pairs.imag))
        for a in (values(dtype, 1000, "random"), pairs[fine]):
            close(np.sign(np.array(a)), numpy.sign(a), 4 * eps)


@pytest.mark.parametrize("dtype", COMPLEX, ids=str)
@pytest.mark.parametrize("n", [1, 3, 16, 17, 1000, 40_000, 300_001])
def test_complex_dots(dtype, n):
    a, b = values(dtype, n, "random"), values(dtype, n, "random", 1)
    exact = numpy.sum(a.astype("D") * b.astype("D"))
    bound = 10 * numpy.finfo(dtype).eps * numpy.sqrt(n) + 1e-12
    assert abs(np.dot(np.array(a), np.array(b)).item() - exact) <= bound * (abs(exact) + numpy.sqrt(n))
    assert abs(np.vdot(np.array(a).conj(), np.array(b)).item() - exact) <= bound * (abs(exact) + numpy.sqrt(n))
    assert abs(np.dot(np.array(a)[::-1], np.array(b)[::-1]).item() - exact) <= bound * (abs(exact) + numpy.sqrt(n))
    if n <= 1000:
        m = values(dtype, 37 * n, "random", 2).reshape(37, n)
        tolerance = {"rtol": 100 * numpy.finfo(dtype).eps * n**0.5, "atol": 100 * numpy.finfo(dtype).eps * n}
        numpy.testing.assert_allclose(numpy.asarray(np.dot(np.array(m), np.array(b))), m @ b, **tolerance)
        numpy.testing.assert_allclose(numpy.asarray(np.dot(np.array(b), np.array(m).T)), b @ m.T, **tolerance)
        numpy.testing.assert_allclose(numpy.asarray(np.dot(np.array(m)[:, ::-1], np.array(b))), m[:, ::-1] @ b, **tolerance)


@pytest.mark.parametrize("dtype", REAL + COMPLEX, ids=str)
def test_what_is_not_zero(dtype):
    for n in (0, 1, 63, 64, 65, 1000, 17_000):
        a = values(dtype, n, "few")
        if dtype.kind in "fc":
            a[::5] = -0.0
            a[1::7] = numpy.nan
        b = np.array(a)
        for x, y in ((b, a), (b[::2], a[::2]), (b[::-1], a[::-1]), (b[: n // 6 * 6].reshape(-1, 6), a[: n // 6 * 6].reshape(-1, 6))):
            for ours, theirs in zip(np.nonzero(x), numpy.nonzero(y), strict=True):
                same(ours, theirs)
            assert np.count_nonzero(x) == numpy.count_nonzero(y)
            assert np.any(x) == numpy.any(y)
            assert np.all(x) == numpy.all(y)
        for truth in (numpy.zeros(n, bool), numpy.ones(n, bool)):
            for place in {0, n // 2, n - 1} & set(range(n)):
                t = truth.copy()
                t[place] ^= True
                assert np.any(np.array(t)) == t.any()
                assert np.all(np.array(t)) == t.all()


@pytest.mark.parametrize("dtype", REAL + COMPLEX, ids=str)
def test_positions_of_extremes(dtype):
    for n in (1, 2, 100, 2047, 2048, 2049, 10_000):
        for kind in kinds(dtype):
            a = values(dtype, n, kind)
            for f in ("argmax", "argmin"):
                assert getattr(np, f)(np.array(a)) == getattr(numpy, f)(a), (f, n, kind)
                two = a[: n // 2 * 2].reshape(2, -1)
                for axis in (0, 1) if n > 1 else (0,):
                    same(getattr(np, f)(np.array(two), axis), getattr(numpy, f)(two, axis))


def test_ramps():
    for n in (1, 5, 1000, 50_000):
        same(np.arange(n), numpy.arange(n))
        same(np.arange(3, 3 + 7 * n, 7), numpy.arange(3, 3 + 7 * n, 7))
        same(np.arange(n, dtype="float32"), numpy.arange(n, dtype="float32"))
        same(np.linspace(0, 1, n), numpy.linspace(0, 1, n))


@pytest.mark.parametrize("dtype", [d for d in REAL + COMPLEX if d.kind != "b"], ids=str)
def test_scatters(dtype):
    random = numpy.random.default_rng(5)
    for n, m in ((1, 3), (10, 50), (300, 1000), (5000, 3000)):
        v = values(dtype, m, "few" if dtype.kind in "fc" else "random")
        i = random.integers(-n, n, m)
        for f in ("add", "subtract", "multiply", "maximum", "minimum"):
            for value in (v, dtype.type(3)):
                a = values(dtype, n, "few")
                b = np.array(a)
                with numpy.errstate(all="ignore"):
                    getattr(numpy, f).at(a, i, value)
                    getattr(np, f).at(b, np.array(i), np.array(value) if value is v else value)
                same(b, a)
        # Strided targets, sources and indices; rows; two index arrays.
        a = values(dtype, 3 * n * 4, "few").reshape(3 * n, 4)
        b = np.array(a)
        j = random.integers(0, 4, m)
        with numpy.errstate(all="ignore"):
            numpy.add.at(a[::3, 1], i[::-2], v[::-2])
            np.add.at(b[::3, 1], np.array(i)[::-2], np.array(v)[::-2])
            numpy.add.at(a, i, v[:4] if m >= 4 else v[0])
            np.add.at(b, np.array(i), np.array(v)[:4] if m >= 4 else np.array(v)[0])
            numpy.subtract.at(a, (i, j), v)
            np.subtract.at(b, (np.array(i), np.array(j)), np.array(v))
            a[i, j] = v
            b[np.array(i), np.array(j)] = np.array(v)
            a[::-1, 2][i] += v
            b[::-1, 2][np.array(i)] += np.array(v)
        same(b, a)
        same(b[np.array(i), np.array(j)], a[i, j])
        same(b[np.array(i)], a[i])
        same(b[::2, 1][np.array(i) // 2], a[::2, 1][i // 2])


@pytest.mark.parametrize("bad", [10, -11, 2**62, -(2**62), 2**63 - 1, -(2**63)])
def test_no_index_outside_is_used(bad):
    for length in (3, 5000):
        i = numpy.zeros(length, "i8")
        i[length // 2] = bad
        a = np.zeros(10)
        with pytest.raises(IndexError, match=f"index {bad} is out of bounds for axis 0 with size 10"):
            a[np.array(i)]
        with pytest.raises(IndexError, match=f"index {bad} is out of bounds for axis 0 with size 10"):
            a[np.array(i)] = 1
        with pytest.raises(IndexError, match=f"index {bad} is out of bounds for axis 0 with size 10"):
            np.add.at(a, np.array(i), 1)
        assert not numpy.asarray(a).any()
