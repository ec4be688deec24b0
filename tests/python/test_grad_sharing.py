"""Gradients where memory is shared, written behind the tape's back, or looked at in another way."""
import collections
import threading

import numpy
import pytest

import minpy.numpy as np
from minpy.core import grad, jvp, no_grad, value_and_grad, vjp
from minpy.primitive import NoGradientFuncError, customop


def vector():
    return np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_view_as_another_dtype_is_refused(dtype):
    with pytest.raises(NoGradientFuncError, match="view"):
        grad(lambda a: np.sum(abs((a * 1).view(dtype))))(np.ones(1000))


def test_customop_that_returns_its_argument_is_a_call_of_its_own():
    @customop("numpy")
    def scaled(x):
        return x
    scaled.def_grad(lambda ans, x: lambda g: 10 * g)

    @customop("numpy")
    def tail(x):
        return x[1:]
    tail.def_grad(lambda ans, x: lambda g: numpy.concatenate([[0.0], 10 * g]))
    assert grad(lambda x: np.sum(scaled(x)) + np.sum(x))(vector()).tolist() == [11, 11, 11]

    def f(x):
        b = x * 1
        return np.sum(tail(b)) + np.sum(b)
    assert grad(f)(vector()).tolist() == [1, 11, 11]


def test_fallback_into_an_existing_array_is_no_constant():
    def percentile(a):
        c = np.ones(3) * a[0]
        np.percentile(np.stack([a, a]), 50, axis=0, out=c, method="inverted_cdf", weights=np.ones((2, 3)))
        return np.sum(c * c)

    def quantile(a):
        c = np.ones(3) * a[0]
        np.quantile(np.stack([a, a]), 0.5, axis=0, out=c, method="inverted_cdf", weights=np.ones((2, 3)))
        return np.sum(c * c) + np.sum(a)
    for f in (percentile, quantile):
        with pytest.raises(NoGradientFuncError, match=f.__name__[:4]):
            grad(f)(vector())


def test_a_function_of_the_table_into_an_existing_array_has_its_gradient():
    def taken(a):
        c = np.ones(3) * a[0]
        assert np.take(a, [0, 1, 1], out=c) is c
        return np.sum(c * c)
    a = vector()
    assert grad(taken)(a).tolist() == [2 * a[0], 4 * a[1], 0]


def test_write_without_recording_leaves_what_was_saved():
    @no_grad
    def clear(b):
        b[:] = 0

    def f(a):
        b = a * 1
        c = b * b
        clear(b)
        return np.sum(c) + np.sum(b)
    assert grad(f)(vector()).tolist() == [2, 4, 6]


def test_write_of_another_thread_is_found():
    def f(a):
        b = a * 1
        c = b * b
        t = threading.Thread(target=lambda: b.fill(0))
        t.start()
        t.join()
        return np.sum(c)
    with pytest.raises(RuntimeError, match="overwritten"):
        grad(f)(vector())


@pytest.mark.filterwarnings("ignore::minpy.core.LostGradientWarning")
def test_export_after_a_save():
    if np.ones(1).context.device_type != "cpu":
        pytest.skip("a device array is exported as a read-only copy: nothing can be written")

    def f(a):
        b = a * 1
        c = b * b
        numpy.asarray(b)[:] = 0
        return np.sum(c)
    assert grad(f)(vector()).tolist() == [2, 4, 6]


def test_arguments_that_share_memory():
    a = vector()
    g = grad(lambda x, y: np.sum(x * y * y), [0, 1])(a, a)
    assert [v.tolist() for v in g] == [[1, 4, 9], [2, 8, 18]]
    g = grad(lambda x, y: np.sum(x * y * y), [0, 1])(a[:2], a[1:])
    assert [v.tolist() for v in g] == [[4, 9], [4, 12]]


OTHERS = {
    "itself": lambda f, x: grad(f, 0)(x, x), "second": lambda f, x: grad(f, 1)(x, x), "last": lambda f, x: grad(f, -1)(x, x), "a view": lambda f, x: grad(f, 0)(x, x[:]),
    "keyword": lambda f, x: grad(f, 0)(x, b=x), "view as keyword": lambda f, x: grad(f)(x, b=x.reshape(3)), "both": lambda f, x: grad(f, [0, 1])(x, x)[0],
    "both views": lambda f, x: grad(f, [1, 0])(x[:], x[:])[1], "in a list": lambda f, x: grad(lambda a, b: f(a, b[1]))(x, [1, x]), "in a tuple": lambda f, x: grad(lambda a, b: f(a, b[0][1]))(x, ((1, x),)),
    "in a dictionary": lambda f, x: grad(lambda a, d: f(a, d["x"][0]))(x, {"x": [x]}), "named tuple": lambda f, x: grad(lambda a, p: f(a, p.b))(x, Pair(3, x)),
    "value_and_grad": lambda f, x: value_and_grad(f)(x, x)[1], "vjp": lambda f, x: vjp(f)((x, x), 1.0)[1], "NumPy's": lambda f, x: grad(f)(*[x.asnumpy()] * 2),
    "seen by NumPy": lambda f, x: grad(f)(x, numpy.asarray(x)), "NumPy's view": lambda f, x: (lambda n: grad(f)(n, b=n[:]))(x.asnumpy()),
    "jvp": lambda f, x: np.array([jvp(f)((x, x), t)[1] for t in np.eye(3)]),
    "jvp of both": lambda f, x: np.array([jvp(f, [0, 1])((x, x), (t, 0 * t))[1] for t in np.eye(3)]), "jvp keyword": lambda f, x: np.array([jvp(f)((x,), t, b=x)[1] for t in np.eye(3)]),
}
Pair = collections.namedtuple("Pair", "a b")


@pytest.mark.parametrize("how", OTHERS)
def test_an_argument_beside_the_marked_one_is_another_input(how):
    x = vector()
    g = OTHERS[how](lambda a, b: np.sum(a * b), x)
    assert g.tolist() == [1, 2, 3] and x.tolist() == [1, 2, 3]
    x = np.array(3.0)
    if how not in ("jvp", "jvp of both", "jvp keyword", "view as keyword", "both views", "a view", "NumPy's view"):
        assert float(OTHERS[how](lambda a, b: a * b, x)) == 3


def test_a_gradient_beside_its_argument_keeps_the_value():
    f = lambda a, b: np.sum(a * b)
    inner = lambda x: np.sum(grad(f, 0)(x, x))
    x = vector()
    assert float(inner(x)) == 6
    value, g = value_and_grad(inner)(x)
    assert float(value) == 6 and g.tolist() == [1, 1, 1]
    k = lambda a, b: np.sum(np.exp(-np.sum((a[:, None] - b[None]) ** 2, -1)))
    p = np.array([[0.0, 1.0], [1.0, 0.5]])
    numpy.testing.assert_allclose(grad(k)(p, p).asnumpy(), grad(k)(p, p.copy()).asnumpy())
    assert grad(lambda row, all: np.sum(row * all))(p[0], p).tolist() == [1, 1.5]


def test_arguments_beside_the_marked_one_see_each_other():
    x = np.arange(6.0)

    def f(a, b, c, rest, d):
        b[0] = 7.0
        assert c[0] == 7.0 and rest[0][0] == 7.0 and a[0] == 0.0 and d is rest[1]
        return np.sum(a[:3] * c)
    other = np.ones(2)
    assert grad(f)(x, x, x[:3], [x[::2], other], other).tolist() == [7, 1, 2, 0, 0, 0] and x[0] == 0.0
    # What shares nothing is itself, and what is written to the marked argument is seen by the caller.
    rest, twin = [other, {"a": other}], x[3:]

    def g(a, b, y, n=None):
        assert b is rest and y is twin and n is other
        a[0] = 5.0
        return np.sum(a * a)
    grad(g)(x[:3], rest, twin, n=other)
    assert x[0] == 5.0
    lent = x[:]
    lent.flags.writeable = False
    assert grad(lambda a, b: np.sum(a * b) if not b.flags.writeable else 0.0)(x, lent).tolist() == x.tolist()
    # Closures are the marked array.
    assert grad(lambda a, b: np.sum(x * b))(x, x).tolist() == x.tolist()


def test_arguments_without_an_end():
    x, endless = vector(), []
    endless += [endless, endless, x]
    assert grad(lambda a, b: np.sum(a))(x, endless).tolist() == [1, 1, 1]
    assert grad(lambda a, b, c: np.sum(a * b))(x, x, c=endless).tolist() == [1, 2, 3]


def test_cumprod_at_zero():
    assert grad(lambda x: np.sum(np.cumprod(x)))(np.array([0.0, 2.0, 3.0])).tolist() == [9, 0, 0]


def test_flat_assignment_stays_on_the_tape():
    def f(a):
        b = a * 1
        b.flat[2] = a[0] * a[1]
        return np.sum(b * b)
    assert grad(f)(vector()).tolist() == [10, 8, 0]


def test_matmul_with_a_numpy_array_on_the_left():
    x = numpy.arange(6.0).reshape(2, 3)
    expected = 2 * x.T @ (x @ numpy.array([1.0, 2.0, 3.0]))
    assert grad(lambda w: np.sum((x @ w) ** 2))(vector()).tolist() == expected.tolist()


def test_unreached_argument_has_zeros():
    assert grad(lambda w: 1.0)(vector()).tolist() == [0, 0, 0]
    assert grad(lambda w: 1.0)(2.0) == 0.0
