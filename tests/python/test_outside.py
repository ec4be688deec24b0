"""A device and an operation of a crate outside of MinPy's, from Python: the extension is built with `--features outside-backend`, and
otherwise these tests are left out (`scripts/test.sh python` builds it)."""
import os

import numpy
import pytest

import minpy
import minpy.numpy as np
import minpy.symbol as sym
from minpy import _minpy
from minpy.context import Context
from minpy.core import grad, jvp

if not any(c.device_type == "toy" for c in minpy.devices()):
    if os.environ.get("MINPY_REQUIRE_OUTSIDE") == "1":
        pytest.fail("the extension was built without the outside backend, and MINPY_REQUIRE_OUTSIDE=1", pytrace=False)
    pytest.skip("the extension was built without the outside backend", allow_module_level=True)


@pytest.fixture(params=["toy", "cpu"])
def points(request):
    with Context(request.param, 0):
        yield np.array([3.0, 1.0, 0.5], "float32"), np.array([4.0, 1.0, 2.0], "float32")


def test_two_results_with_names(points):
    x, y = points
    before = minpy.fallback_count()
    made = np.polar(x, y)
    assert type(made).__name__ == "Polar" and made._fields == ("radius", "angle")
    assert made.radius.context == x.context and minpy.fallback_count() == before
    numpy.testing.assert_allclose(made.radius.asnumpy(), numpy.hypot(x.asnumpy(), y.asnumpy()), rtol=1e-6)
    numpy.testing.assert_allclose(made.angle.asnumpy(), numpy.arctan2(y.asnumpy(), x.asnumpy()), rtol=1e-6)


def test_gradients_in_both_modes(points):
    def f(x, y):
        radius, angle = np.polar(x, y)
        return np.sum(radius * radius + 3 * angle)
    x, y = points
    square = (x * x + y * y).asnumpy()
    wanted = [2 * x.asnumpy() - 3 * y.asnumpy() / square, 2 * y.asnumpy() + 3 * x.asnumpy() / square]
    for g, w in zip(grad(f, [0, 1])(x, y), wanted, strict=True):
        numpy.testing.assert_allclose(g.asnumpy(), w, rtol=1e-5)
    slope = jvp(f, [0, 1])((x, y), [np.ones_like(x), np.ones_like(y)])[1]
    assert float(slope) == pytest.approx(sum(w.sum() for w in wanted), rel=1e-5)
    # The Hessian of r ** 2 is 2, that of the angle has the trace 0.
    second = [grad(lambda x, y, i=i: np.sum(grad(f, i)(x, y)), i)(x, y) for i in (0, 1)]
    numpy.testing.assert_allclose(sum(s.asnumpy() for s in second), numpy.full(3, 4.0), rtol=1e-4)


def test_symbol(points):
    x, y = points
    net = sym.polar(sym.Variable("x"), sym.Variable("y"))
    executor = net.bind(x.context, {"x": x, "y": y})
    radius, angle = executor.forward()
    numpy.testing.assert_allclose(radius.asnumpy(), numpy.hypot(x.asnumpy(), y.asnumpy()), rtol=1e-6)
    numpy.testing.assert_allclose(angle.asnumpy(), numpy.arctan2(y.asnumpy(), x.asnumpy()), rtol=1e-6)


def test_what_it_says_of_itself():
    assert "polar" in {name for name, *_ in _minpy._table_cases()}
    assert np.polar.__doc__.startswith("Radius and angle") and np.polar.__text_signature__ == "(x, y)"
    with pytest.raises(ValueError, match="polar: real coordinates of one shape"):
        np.polar(np.ones(2), np.ones(3))


def test_what_the_device_lacks_is_done_elsewhere_and_told():
    with Context("toy", 0):
        x = np.array([1.0, 2.0], "float32")
        before = minpy.fallback_count()
        numpy.testing.assert_allclose(np.exp(x).asnumpy(), numpy.exp([1.0, 2.0]), rtol=1e-6)
        assert minpy.fallback_count() > before
