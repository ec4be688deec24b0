"""Gradients where memory is shared, written behind the tape's back, or looked at in another way."""
import threading

import numpy
import pytest

import minpy.numpy as np
from minpy.core import grad, no_grad
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
        np.percentile(np.stack([a, a]), 50, axis=0, out=c)
        return np.sum(c * c)

    def median(a):
        c = np.ones(3) * a[0]
        np.median(np.stack([a, a]), axis=0, out=c)
        return np.sum(c * c) + np.sum(a)
    for f in (percentile, median):
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
