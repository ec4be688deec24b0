"""The gradient API: arguments, results, and what Python programs do inside a differentiated function."""
import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy import core
from minpy.core import NoGradientFuncError, grad, grad_and_loss, jvp, value_and_grad, vjp
from minpy.primitive import customop
from minpy.utils.gradient_checker import quick_grad_check


def test_argnum():
    f = lambda x, y: np.sum(x * y)
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert grad(f)(x, y).asnumpy().tolist() == [3, 4]
    assert grad(f, 1)(x, y).asnumpy().tolist() == [1, 2]
    assert grad(f, -1)(x, y).asnumpy().tolist() == [1, 2]
    assert grad(f, [0])(x, y).asnumpy().tolist() == [3, 4]
    for argnum in ([0, 1], (0, 1), range(2)):
        both = grad(f, argnum)(x, y)
        assert type(both) is list and [g.asnumpy().tolist() for g in both] == [[3, 4], [1, 2]]
    g, value = grad_and_loss(f, [1, 0])(x, y)
    assert [q.asnumpy().tolist() for q in g] == [[1, 2], [3, 4]] and value == 11
    value, g = value_and_grad(f)(x, y)
    assert value == 11 and g.asnumpy().tolist() == [3, 4]
    with pytest.raises(ValueError):
        grad(f, 5)(x, y)


def test_python_numbers():
    assert grad(lambda x: x ** 2)(4) == 8.0
    assert grad(lambda x: x * 3.0)(2.0) == 3.0
    assert grad(lambda x: 5.0)(1.0) == 0.0
    assert grad(lambda x, y: x * 2)(1.0, 2.0) == 2.0
    assert grad(lambda x, y: x * 2, 1)(1.0, 2.0) == 0.0
    # Weak: the dtype of the array decides.
    seen = []
    grad(lambda s: seen.append((s * np.ones(2, "float32")).dtype) or s)(2.0)
    assert seen[0] == numpy.float32
    assert f"{grad(lambda x: x * 2.0)(1.0)}" == "2.0"


def test_results():
    x = np.array([1.0, 2.0, 3.0])
    assert grad(lambda v: v * v)(x).asnumpy().tolist() == [2, 4, 6]
    assert grad(lambda v: (v.sum(), (v * v).sum()))(x).asnumpy().tolist() == [3, 5, 7]
    value, g = vjp(lambda v: v * v)((x,), np.array([1.0, 0.0, 2.0]))
    assert g.asnumpy().tolist() == [2, 0, 12]
    value, t = jvp(lambda v: np.sum(v * v))((x,), np.array([1.0, 0.0, 1.0]))
    assert value == 14 and t == 8


def test_keywords():
    assert grad(lambda x, scale=1.0: x * scale)(2.0, scale=5.0) == 5.0


def test_control_flow():
    def f(x):
        if x > 0:
            y = x
            while y < 10:
                y = y * 2
            return y
        return -x
    assert grad(f)(1.0) == 16.0
    assert grad(f)(-1.0) == -1.0


def test_nested():
    f = lambda x: x ** 4
    assert grad(grad(f))(2.0) == 48.0
    assert grad(grad(grad(f)))(2.0) == 48.0
    assert grad(lambda x: x * grad(lambda y: x * y * y)(x))(3.0) == pytest.approx(6 * 9)
    g = grad(lambda x: np.sum(np.tanh(x) ** 2))
    x = np.array([0.3, -0.2])
    h = grad(lambda v: np.sum(g(v)))(x).asnumpy()
    t = numpy.tanh(x.asnumpy())
    numpy.testing.assert_allclose(h, 2 * (1 - t ** 2) ** 2 - 4 * t ** 2 * (1 - t ** 2))


def test_closure():
    w = np.array([1.0, 2.0])
    assert grad(lambda v: np.sum(w * w))(w).asnumpy().tolist() == [2, 4]


def test_exception_closes_the_tape():
    def bad(x):
        raise KeyError("no")
    with pytest.raises(KeyError):
        grad(bad)(1.0)
    from minpy import _minpy
    assert not _minpy.tape.recording()
    assert grad(lambda x: x * 2)(1.0) == 2.0


def test_in_place():
    def f(x):
        y = x * 1
        y[1:] *= 3
        y += y[::-1]
        return np.sum(y * y)
    assert quick_grad_check(f, numpy.array([1.0, 2.0, 3.0, -1.0]))


def test_containers():
    def f(x):
        parts = [x[0], x[1] * 2]
        return np.sum(np.stack(parts)) + np.sum(np.concatenate([x, x])) + np.sum(np.array([x[0] * x[1], x[2]]))
    assert quick_grad_check(f, numpy.array([1.0, 2.0, 3.0]))


# Programs of several functions, as users write losses; each function of the table alone: test_table_gradients.py.
@pytest.mark.parametrize("name,f", [
    ("mean", lambda x: np.mean(x ** 2)), ("std", lambda x: np.std(x)), ("var", lambda x: np.var(x)), ("max", lambda x: np.max(x)),
    ("prod", lambda x: np.prod(x)), ("where", lambda x: np.sum(np.where(x > 0, x * 2, x * 3))), ("clip", lambda x: np.sum(np.clip(x, -1, 1))),
    ("cumsum", lambda x: np.sum(np.cumsum(x) ** 2)), ("sort", lambda x: np.sum(np.sort(x) * np.arange(4.0))), ("tile", lambda x: np.sum(np.tile(x, 2) ** 2)),
    ("fancy", lambda x: np.sum(x[[0, 0, 2]] ** 2)), ("mask", lambda x: np.sum(x[x > 0] ** 2)), ("dot", lambda x: np.dot(x, x)),
    ("outer", lambda x: np.sum(np.outer(x, x) ** 2)), ("matmul", lambda x: np.sum(x.reshape(2, 2) @ x.reshape(2, 2))),
    ("sigmoid", lambda x: np.sum(np.sigmoid(x))), ("logaddexp", lambda x: np.sum(np.logaddexp(x, 1.0))), ("abs", lambda x: np.sum(np.abs(x))),
    ("power", lambda x: np.sum(np.abs(x) ** 2.5)), ("trace", lambda x: np.trace(np.outer(x, x))), ("roll", lambda x: np.sum(np.roll(x, 1) * x)),
    ("nested", lambda x: np.sum(np.exp(-x * x) / (1 + np.sqrt(x * x + 1)))), ("transpose", lambda x: np.sum(x.reshape(2, 2).T[0] ** 2)),
    ("take", lambda x: np.sum(np.take(x, [1, 1]) ** 2)), ("diag", lambda x: np.sum(np.diag(x) @ x)), ("tril", lambda x: np.sum(np.tril(np.outer(x, x)))),
    ("softmax", lambda x: np.softmax(x.reshape(2, 2))[0, 1]), ("ptp", lambda x: np.ptp(x)),
])
def test_functions(name, f):
    assert quick_grad_check(f, numpy.array([0.5, -1.5, 2.5, 0.7]))


def test_softmax_output():
    x, y = np.array([[1.0, 2.0, 0.5]]), np.array([[0.0, 1.0, 0.0]])
    e = numpy.exp([[1.0, 2.0, 0.5]])
    g = grad(lambda v: np.sum(np.softmax_output(v, y)))(x)
    numpy.testing.assert_allclose(g.asnumpy(), e / e.sum() - y.asnumpy(), rtol=1e-12)


def test_no_gradient_is_lazy():
    x = np.array([1.0, 2.0])
    _, g = value_and_grad(lambda v: np.sum(v * 2) + 0 * float(np.sum(np.i0(np.array([1.0])))))(x)
    assert g.asnumpy().tolist() == [2, 2]
    unused = grad(lambda v: (np.i0(v), np.sum(v))[1])(x)
    assert unused.asnumpy().tolist() == [1, 1]
    with pytest.raises(NoGradientFuncError, match="i0"):
        grad(lambda v: np.sum(np.i0(v)))(x)


def test_customop():
    @customop("numpy")
    def cube(x):
        assert type(x) is numpy.ndarray
        return x ** 3
    x = np.array([1.0, 2.0])
    assert cube(x).asnumpy().tolist() == [1, 8]
    with pytest.raises(NoGradientFuncError, match="cube"):
        grad(lambda v: np.sum(cube(v)))(x)
    cube.def_grad(lambda ans, v: lambda g: 3 * v ** 2 * g)
    assert grad(lambda v: np.sum(cube(v * 2)))(x).asnumpy().tolist() == [24, 96]
    assert quick_grad_check(lambda v: np.sum(cube(v)), numpy.array([1.0, -2.0]))

    @customop("numpy")
    def product(a, b):
        return a * b
    product.def_multiple_grad(lambda ans, a, b: lambda g: (g * b, g * a), (0, 1))
    ga, gb = grad(lambda a, b: np.sum(product(a, b)), [0, 1])(x, np.array([5.0, 6.0]))
    assert ga.asnumpy().tolist() == [5, 6] and gb.asnumpy().tolist() == [1, 2]

    @customop("numpy")
    def constant(a):
        return a * 0 + 1
    constant.def_grad_zero()
    assert grad(lambda a: np.sum(constant(a)) + np.sum(a))(x).asnumpy().tolist() == [1, 1]
    with pytest.raises(ValueError, match="Wrong type for CustomOp"):
        customop("torch")


def test_conversions():
    nested = {"a": [numpy.ones(2), (numpy.zeros(1), "text")]}
    ours = core.numpy_to_minpy(nested)
    assert type(ours["a"][0]) is np.ndarray and ours["a"][1][1] == "text"
    back = core.minpy_to_numpy(ours)
    assert type(back["a"][0]) is numpy.ndarray

    @core.return_numpy
    @core.convert_args
    def f(x, scale=None):
        assert type(x) is np.ndarray and type(scale) is np.ndarray
        return [x * scale]
    assert type(f(numpy.ones(2), scale=numpy.ones(2))[0]) is numpy.ndarray


def test_dtype_of_gradient():
    for dtype in ("float32", "float64"):
        g = grad(lambda v: np.sum(v * np.array([1.0, 2.0])))(np.array([1.0, 2.0], dtype=dtype))
        assert g.dtype == dtype


def test_customop_keeps_what_it_saw(on_cpu):
    exp = customop("numpy")(numpy.exp)
    exp.def_grad(lambda ans, x: lambda g: g * ans)

    def changed(x):
        y = exp(x)
        y += 1
        return np.sum(y)
    assert grad(changed)(np.zeros(2)).tolist() == [1, 1]

    @customop("numpy")
    def scaled(x, by=None, those=None):
        return x * by * those[0]
    scaled.def_grad(lambda ans, x, by=None, those=None: lambda g: g * by * those[0])

    def emptied(x):
        by, those = np.full(2, 3.0), [np.full(2, 5.0)]
        y = scaled(x, by=by, those=those)
        by[...], those[0][...] = 0, 0
        return np.sum(y)
    assert grad(emptied)(np.zeros(2)).tolist() == [15, 15]


def test_second_derivatives_of_a_customop_are_missing():
    square = customop("numpy")(lambda x: x ** 2)
    square.def_grad(lambda ans, x: lambda g: 2 * x * g)
    assert grad(lambda x: square(x) * x)(3.0) == 27
    with pytest.raises(NoGradientFuncError, match="gradient of"):
        grad(grad(square))(3.0)
    # A gradient that does not depend on the outer argument is a number like others.
    assert grad(lambda x: x * grad(square)(3.0))(5.0) == 6


@pytest.mark.parametrize("error", [KeyboardInterrupt(), KeyError("key"), IndexError("index"), MemoryError(), TypeError("type"), minpy.PrimitivePolicyError("x")])
def test_exceptions_of_rules_stay_what_they_are(error):
    op = customop("numpy")(numpy.exp)

    def rule(ans, x):
        raise error
    op.def_grad(rule)
    with pytest.raises(type(error)) as caught:
        grad(lambda x: np.sum(op(x) * 2))(np.ones(2))
    assert caught.value is error and caught.traceback[-1].name == "rule"
    with pytest.raises(ValueError, match="reshape"):
        np.ones(3).reshape(2)


def test_softmax_output_keeps_what_it_saw(device):
    x, labels = np.array([[1.0, 2.0, 3.0]] * 2), np.array([[1.0, 0.0, 0.0]] * 2)
    want = grad(lambda x: np.sum(np.softmax_output(x, labels)))(x).asnumpy()

    def changed(x, y):
        p = np.softmax_output(x, y)
        p *= 2
        y[...] = 7
        return np.sum(p)
    assert grad(changed)(x, labels.copy()).asnumpy().tolist() == want.tolist()
    assert grad(changed)(x, labels.asnumpy()).asnumpy().tolist() == want.tolist()


def test_parts_of_complex_arrays_cannot_be_made_writable():
    def f(z):
        part = z.real
        part.flags.writeable = True
        part[...] = 0
        return np.sum(part)
    with pytest.raises(NoGradientFuncError, match="real"):
        grad(f)(np.ones(2, complex))
