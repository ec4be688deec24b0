"""Derivatives of higher orders, in every order and by both modes, against formulas."""
import itertools
import math

import numpy
import pytest

import minpy.numpy as np
from minpy.core import grad, jvp

MODES = {"reverse": grad, "forward": lambda f: lambda v: jvp(f)((v,), np.ones_like(v))[1]}
POWERS = {"power": np.power, "float_power": np.float_power, "**": lambda x, y: x ** y}


def of_power(x, y, steps):
    """The derivative of x^y by the letters of `steps`: x^(y-i) P(y, log x), where P is a polynomial."""
    i, p = 0, {(0, 0): 1.0}
    for step in steps:
        new = {}

        def add(a, b, c):
            new[a, b] = new.get((a, b), 0.0) + c
        for (a, b), c in p.items():
            if step == "x":
                add(a + 1, b, c), add(a, b, -i * c)
                if b:
                    add(a, b - 1, b * c)
            else:
                add(a, b + 1, c)
                if a:
                    add(a - 1, b, a * c)
        i, p = i + (step == "x"), new
    return x ** (y - i) * sum(c * y ** a * math.log(x) ** b for (a, b), c in p.items())


def derived(f, x, y, steps, mode):
    """The same by MODES[mode], the first letter innermost."""
    if not steps:
        return f(x, y)
    *inner, last = steps
    of = (lambda v: derived(f, v, y, inner, mode)) if last == "x" else (lambda v: derived(f, x, v, inner, mode))
    return MODES[mode](of)(x if last == "x" else y)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", POWERS)
def test_powers_of_any_order(name, mode):
    f = POWERS[name]
    for n in (1, 2, 3):
        for steps in itertools.product("xy", repeat=n):
            for x, y in ((2.0, 0.0), (0.5, 0.0), (3.0, 1.0), (1.5, 2.0), (0.7, -1.0), (2.5, 0.5)):
                want = of_power(x, y, steps)
                for at in ((x, y), (np.array(x), np.array(y))):
                    got = float(derived(f, *at, steps, mode))
                    assert math.isclose(got, want, rel_tol=1e-9, abs_tol=1e-12), (steps, x, y, got, want)
    assert math.isclose(MODES[mode](lambda y: np.sum(MODES[mode](lambda x: f(x, y))(2.0)))(0.0), 0.5)


@pytest.mark.parametrize("name", POWERS)
def test_powers_of_arrays_that_have_zeros(name):
    f, x, y = POWERS[name], np.array([0.0, 0.0, 0.0, 0.0, 2.0, -2.0, -3.0]), np.array([0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 2.0])
    g = grad(lambda x: np.sum(f(x, y)))
    assert g(x).tolist() == [0, 1, 0, 0, 0, 0, -6]
    second = grad(lambda x: np.sum(g(x)))
    assert second(x).tolist() == [0, 0, 2, 0, 0, 0, 2]
    assert grad(lambda x: np.sum(second(x)))(x).tolist() == [0, 0, 0, 6, 0, 0, 0]
    # Symmetric also at the origin.
    xy = grad(lambda y: np.sum(grad(lambda x: np.sum(f(x, y)))(x)))(y).asnumpy()[:5]
    yx = grad(lambda x: np.sum(grad(lambda y: np.sum(f(x, y)))(y)))(x).asnumpy()[:5]
    assert xy[[0, 2, 3, 4]].tolist() == yx[[0, 2, 3, 4]].tolist() == [0, 0, 0, 0.5]
    for dtype, small in (("float32", 1e-40), ("float64", 1e-310), ("float16", 1e-5)):
        if name == "float_power" and dtype == "float16":
            continue
        for tiny in (small, -small, 0.0):
            a, zero = np.array([tiny], dtype=dtype), np.zeros(1, dtype)
            assert grad(lambda a: np.sum(f(a, zero)))(a).tolist() == [0]
            assert grad(lambda a: np.sum(grad(lambda b: np.sum(f(b, zero)))(a)))(a).tolist() == [0]


@pytest.mark.parametrize("scale", [1e-200, 1e-170, 1e-5, 1.0, 1e5, 1e170, 1e200])
def test_lengths_whose_squares_are_no_numbers(scale):
    x, y = np.array([3 * scale, -3 * scale]), np.array([4 * scale, 4 * scale])
    for g, want in zip(grad(lambda x, y: np.sum(np.arctan2(x, y)), [0, 1])(x, y), ([0.16, 0.16], [-0.12, 0.12]), strict=True):
        numpy.testing.assert_allclose(g.asnumpy(), numpy.array(want) / scale, rtol=1e-14)
    numpy.testing.assert_allclose(grad(lambda x: np.arctan2(x, 4 * scale))(3 * scale), 0.16 / scale, rtol=1e-14)
    for g, want in zip(grad(lambda x, y: np.sum(np.hypot(x, y)), [0, 1])(x, y), ([0.6, -0.6], [0.8, 0.8]), strict=True):
        numpy.testing.assert_allclose(g.asnumpy(), want, rtol=1e-14)
    g = grad(lambda x: np.sum(np.arcsinh(x)))(x).asnumpy()
    numpy.testing.assert_allclose(g, 1 / numpy.hypot(x.asnumpy(), 1), rtol=1e-14)
    z = numpy.array([1 + 2j, -0.5 + 0.1j])
    g = grad(lambda z: np.sum(np.real(np.arcsinh(z))))(np.array(z)).asnumpy()
    numpy.testing.assert_allclose(g, 1 / numpy.sqrt(z * z + 1), rtol=1e-12)
    if not 1e-9 < scale < 1e9:
        return  # the second derivative itself is no number
    unit = lambda u: np.arctan2(u * (3 * scale), 4 * scale)
    numpy.testing.assert_allclose(grad(grad(unit))(1.0), -2 * 0.75 ** 3 / (1 + 0.75 ** 2) ** 2, rtol=1e-12)
