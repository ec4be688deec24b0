"""Reductions over several short axes, and sliding windows: right for every dtype and layout, and not slow."""
import itertools
import warnings

import numpy
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import minpy.numpy as np
import minpy.symbol as sym
from minpy.core import Function, grad

KINDS = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
         "float16", "float32", "float64", "complex64", "complex128"]
SHAPES = [
    ((5, 3, 7, 2, 6, 2), (3, 5)),
    ((5, 3, 7, 2, 6, 2), (1, 3, 5)),
    ((4, 9, 3, 8, 3), (2, 4)),
    ((70, 5, 2, 3, 2), (2, 4)),
    ((1000, 2), (1,)),
    ((700, 3), (1,)),
    ((33, 2, 17, 2, 3), (1, 3)),
    ((2, 300, 2, 3), (0, 2)),
    ((2, 3, 2, 3, 2, 3, 2, 3), (0, 2, 4, 6)),
    ((3, 1, 40, 2, 1, 2), (3, 5)),
    ((3, 9000, 3), (0, 2)),
    ((2, 2, 5000, 3), (1, 3)),
]
LAYOUTS = {
    "plain": lambda a: a,
    "fortran": lambda a: a.T.copy().T if isinstance(a, numpy.ndarray) else np.ascontiguousarray(a.T).T,
    "backwards": lambda a: a[::-1, ..., ::-1],
    "steps": lambda a: a[:, ..., ::2] if a.shape[-1] > 3 else a[::2],
    "swapped": lambda a: a.swapaxes(0, -1),
    "repeated": lambda a: (numpy if isinstance(a, numpy.ndarray) else np).broadcast_to(a[:1], a.shape),
}


def filled(shape, kind, seed=0):
    r = numpy.random.RandomState(seed)
    if kind == "bool":
        return r.rand(*shape) < 0.2
    a = r.randint(0 if kind[0] == "u" else -3, 4, shape).astype(kind)
    return a + 1j * r.randint(-3, 4, shape).astype(kind) if kind[0] == "c" else a


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_like_numpy(kind, layout):
    # Whole numbers: every order of summation gives the same.
    for (shape, axes), keepdims in itertools.product(SHAPES, [False, True]):
        h = filled(shape, kind)
        x, h = LAYOUTS[layout](np.array(h)), LAYOUTS[layout](h)
        for name in ["sum", "max", "min", "any", "all", "prod"]:
            if name == "prod" and kind[0] in "fc":  # rounds
                continue
            want = getattr(h, name)(axis=axes, keepdims=keepdims)
            got = getattr(x, name)(axis=axes, keepdims=keepdims)
            assert got.dtype == want.dtype and got.shape == want.shape
            numpy.testing.assert_array_equal(got.asnumpy(), want, err_msg=f"{name} {shape} {axes}")


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "complex64"])
def test_nan_and_infinity(kind):
    for shape, axes in SHAPES:
        h = filled(shape, kind)
        h.reshape(-1)[::7] = numpy.nan
        h.reshape(-1)[3::11] = numpy.inf
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in ["sum", "max", "min", "mean"]:
                want, got = getattr(h, name)(axis=axes), getattr(np.array(h), name)(axis=axes).asnumpy()
                numpy.testing.assert_array_equal(numpy.isnan(got), numpy.isnan(want))
                numpy.testing.assert_allclose(got.astype("complex128"), want.astype("complex128"), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("shape, axes", SHAPES)
def test_with_work_on_the_way(shape, axes):
    h, k = filled(shape, "float64", 1), filled(shape[-1:], "float64", 2)
    small = tuple(1 if i in axes else n for i, n in enumerate(shape))
    s = filled(small, "float64", 3)
    x, y, t = np.array(h), np.array(k), np.array(s)
    for f in (lambda a, b, c: (a * b + c).sum(axes), lambda a, b, c: (a == c).any(axes),
              lambda a, b, c: (a > c).sum(axes), lambda a, b, c: (a * c - b) * (a == c) + c):
        numpy.testing.assert_array_equal(f(x, y, t).asnumpy(), f(h, k, s))
    out = np.zeros(h.sum(axes).shape[::-1]).T
    np.sum(x * x, axis=axes, out=out)
    numpy.testing.assert_array_equal(out.asnumpy(), (h * h).sum(axes))


def test_blocks_of_many_axes():
    # Elementwise work whose inner axes are all short, in several layouts, with results of two kinds.
    h = filled((6, 5, 2, 7, 3, 2), "float32")
    k = filled((6, 1, 2, 1, 3, 1), "float32", 4)
    x, y = np.array(h), np.array(k)
    for p in [(0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0), (0, 2, 4, 1, 3, 5), (3, 5, 1, 0, 4, 2)]:
        a, b, c, d = x.transpose(p), y.transpose(p), h.transpose(p), k.transpose(p)
        numpy.testing.assert_array_equal((a * b + 1).asnumpy(), c * d + 1)
        numpy.testing.assert_array_equal(np.where(a > b, a, b * 2).asnumpy(), numpy.where(c > d, c, d * 2))
        numpy.testing.assert_array_equal((a[::-1, :, ::-1] == b).asnumpy(), c[::-1, :, ::-1] == d)
        z, w = np.zeros(a.shape[::-1], dtype="float32").T, numpy.zeros(c.shape[::-1], "float32").T
        z[...] = b
        z += a
        w[...] = d
        w += c
        numpy.testing.assert_array_equal(z.asnumpy(), w)


def windows_by_hand(h, k, s, p, how):
    if p:
        h = numpy.pad(h, [(0, 0), (0, 0), (p, p), (p, p)], constant_values=-numpy.inf if how == "max" else 0)
    w = sliding_window_view(h, (k, k), (2, 3))[:, :, ::s, ::s]
    return w.max((4, 5)) if how == "max" else w.mean((4, 5))


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("how", ["max", "avg"])
@pytest.mark.parametrize("k, s, p", [(2, 2, 0), (3, 2, 0), (3, 1, 1), (2, 3, 0), (5, 2, 2), (3, 3, 1)])
def test_pooling(kind, how, k, s, p):
    h = filled((2, 3, 13, 14), kind)  # with many ties
    net = sym.Pooling(sym.Variable("x"), pool_type=how, kernel=(k, k), stride=(s, s), pad=(p, p))
    f = Function(net, input_shapes={"x": h.shape})
    want = windows_by_hand(h, k, s, p, how)
    numpy.testing.assert_allclose(f(x=np.array(h)).asnumpy(), want, rtol=1e-6, atol=1e-6)

    g = filled(want.shape, kind, 5)
    got = grad(lambda a: np.sum(f(x=a) * np.array(g)))(np.array(h)).asnumpy()
    full = numpy.zeros((2, 3, 13 + 2 * p, 14 + 2 * p))
    padded = numpy.full(full.shape, -numpy.inf if how == "max" else 0.0)
    inner = (slice(None), slice(None), slice(p, p + 13), slice(p, p + 14))
    padded[inner] = h
    for n, c, i, j in numpy.ndindex(*want.shape):
        at = (n, c, slice(i * s, i * s + k), slice(j * s, j * s + k))
        share = (padded[at] == want[n, c, i, j]) if how == "max" else numpy.ones((k, k))
        full[at] += g[n, c, i, j] * share / share.sum()
    numpy.testing.assert_allclose(got, full[inner], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape, axes", SHAPES)
@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_gradient_of_extremes(shape, axes, name, keepdims):
    h = filled(shape, "float64")
    e = getattr(h, name)(axis=axes, keepdims=True)
    share = (h == e) / (h == e).sum(axes, keepdims=True)
    w = filled(e.shape, "float64", 6)
    weight = np.array(w if keepdims else w.squeeze(axes))

    def f(a):
        return np.sum(getattr(a, name)(axis=axes, keepdims=keepdims) * weight)

    numpy.testing.assert_allclose(grad(f)(np.array(h)).asnumpy(), w * share, rtol=1e-12)
    # Twice: the squares of the shares.
    twice = grad(lambda a: np.sum(grad(lambda b: f(b * b))(a) * a))(np.array(h) + 5)
    assert twice.shape == shape and numpy.isfinite(twice.asnumpy()).all()
