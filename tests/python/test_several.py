"""Functions of several results: `divmod` and `modf`, with every dtype, target and mask, and their gradients."""
import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy.core import grad, jvp

DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]


def same(ours, theirs):
    assert isinstance(ours, tuple) and len(ours) == 2
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        numpy.testing.assert_array_equal(numpy.asarray(a), b)
        numpy.testing.assert_array_equal(numpy.signbit(numpy.asarray(a)), numpy.signbit(b))


@pytest.fixture(autouse=True)
def quiet():
    with numpy.errstate(all="ignore"):
        yield


def numbers(dtype, shape=(4, 6)):
    rng = numpy.random.default_rng(7)
    x = rng.integers(0 if dtype[0] in "u?" else -60, 100, shape).astype(dtype)
    if dtype[0] == "f":
        x = (x / 7).astype(dtype)
        x.flat[:6] = [0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan, -3.0]
    return x


@pytest.mark.parametrize("b", DTYPES)
@pytest.mark.parametrize("a", DTYPES)
def test_divmod_of_every_pair_of_dtypes(a, b):
    x, y = numbers(a), numbers(b)[::-1]
    if a[0] != "f" and b[0] != "f":
        y = numpy.where(y == 0, numpy.array(1, b), y)
    try:
        want = numpy.divmod(x, y)
    except TypeError:
        with pytest.raises(TypeError):
            np.divmod(np.array(x), np.array(y))
        return
    same(np.divmod(np.array(x), np.array(y)), want)
    same(divmod(np.array(x), np.array(y)), divmod(x, y))
    same(divmod(np.array(x), 7), divmod(x, 7))
    same(divmod(-7, np.array(y)) if b[0] in "if" else divmod(7, np.array(y)), divmod(-7, y) if b[0] in "if" else divmod(7, y))


@pytest.mark.parametrize("dtype", DTYPES)
def test_modf_of_every_dtype(dtype):
    x = numbers(dtype)
    same(np.modf(np.array(x)), numpy.modf(x))
    same(np.modf(np.array(x).T), numpy.modf(x.T))
    same(np.modf(np.array(x)[0, 0]), numpy.modf(x[0, 0]))


def test_complex_numbers_have_neither():
    for f in (lambda: np.modf(np.ones(2, complex)), lambda: np.divmod(np.ones(2, complex), 2)):
        with pytest.raises(TypeError):
            f()


def test_outputs_masks_and_dtypes():
    x = numbers("f8")
    a = np.array(x)
    for give in (lambda o: dict(out=o), lambda o: dict(out=o, where=np.array(x > 0)), lambda o: dict(out=(None, o[1]))):
        ours, theirs = (np.zeros((4, 6)), np.ones((4, 6), "f4")), (numpy.zeros((4, 6)), numpy.ones((4, 6), "f4"))
        kwargs = {k: v.asnumpy() if isinstance(v, np.ndarray) else v for k, v in give(theirs).items()}
        r, want = np.modf(a, **give(ours)), numpy.modf(x, **kwargs)
        same(r, want)
        same(ours, theirs)
        assert r[1] is ours[1]
    q, rest = np.zeros((4, 6)), np.zeros((4, 6))
    assert np.divmod(a, 3, q, rest)[0] is q
    same((q, rest), numpy.divmod(x, 3))
    # A result that is an operand, too.
    same(np.divmod(a, 3, out=(a, rest)), numpy.divmod(x, 3))
    same(np.divmod(np.array(x), 2, dtype="f4"), numpy.divmod(x, 2, dtype="f4"))
    for wrong, error in [((q,), ValueError), (q, TypeError), ((q, np.zeros(3)), ValueError), ((q, np.zeros((4, 6), int)), TypeError)]:
        with pytest.raises(error):
            np.modf(np.array(x), out=wrong)
    with pytest.raises(TypeError):
        np.modf(np.array(x), q, rest, rest)
    with pytest.raises(TypeError):
        np.modf(np.array(x), q, out=(q, rest))


def test_numbers_and_sizes_of_zero():
    assert np.divmod(7, 2) == (3, 1) and np.modf(2.5) == (0.5, 2.0)
    same(np.divmod(np.zeros((0, 3)), 2), numpy.divmod(numpy.zeros((0, 3)), 2))
    assert np.divmod.nout == 2 and np.modf.nargs == 3 and np.divmod.types == numpy.divmod.types


def test_one_kernel_gives_both():
    a = np.ones((64, 64)) * 2.5
    a.wait_to_read()
    with minpy.profile() as p:
        for r in np.modf(a):
            r.wait_to_read()
    [group] = p.groups
    assert (group.name, group.operations, group.calls) == ("modf", 1, 1)


def test_gradients_in_both_modes():
    x = numpy.array([7.5, -7.25, 2.2])

    def f(a, b):
        q, r = np.divmod(a * 2, b)
        return np.sum(r * r + q)

    def g(a):
        part, whole = np.modf(a * 1.5)
        return np.sum(part * part * a + whole)
    for h, args in ((f, (x, numpy.array([3.1, 2.3, 0.7]))), (g, (x,))):
        for k in range(len(args)):
            def along(t, k=k, h=h, args=args):
                moved = [v + (t * d if i == k else 0) for i, v in enumerate(args)]
                return float(numpy.asarray(h(*map(np.array, moved))))
            d = numpy.array([0.3, -0.7, 1.1])
            numeric = (along(1e-6) - along(-1e-6)) / 2e-6
            ours = grad(h, k)(*map(np.array, args))
            assert numpy.dot(ours.asnumpy(), d) == pytest.approx(numeric, rel=1e-6)
            _, t = jvp(h, k)(tuple(map(np.array, args)), np.array(d))
            assert float(t) == pytest.approx(numeric, rel=1e-6)
    # Written in place, under a mask: the rest keeps its gradient.
    def masked(a):
        q, r = a * 2.0, a * 3.0
        np.divmod(a, 0.8, out=(q, r), where=np.array([True, False, True]))
        return np.sum(q + r)
    assert grad(masked)(np.array([0.5, 0.6, 0.7])).tolist() == [1.0, 5.0, 1.0]
