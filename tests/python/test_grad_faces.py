"""What the functions of `minpy.core` take and give: arguments of every kind, tangents and seeds, constants, and the original's names."""
import collections
import warnings

import numpy
import pytest

import minpy
import minpy.numpy as np
import minpy.symbol as sym
from minpy.context import cpu
from minpy.core import Function, grad, grad_and_loss, jvp, value_and_grad, vjp

square = lambda x: np.sum(x * x)
INTEGERS = {
    "ours": lambda: np.arange(3), "NumPy's": lambda: numpy.arange(3), "uint8": lambda: np.arange(3).astype("uint8"), "a list": lambda: [0, 1, 2],
    "a tuple": lambda: (0, 1, 2), "int32 of NumPy": lambda: numpy.arange(3, dtype="int32"), "a view": lambda: np.arange(6)[::2] // 2,
}


@pytest.mark.parametrize("kind", INTEGERS)
def test_integer_arrays(kind, device):
    x = INTEGERS[kind]()
    for g in (grad(square)(x), grad_and_loss(square)(x)[0], value_and_grad(square)(x)[1], vjp(square)((x,), 1.0)[1]):
        assert type(g) is np.ndarray and g.dtype == "float64" and g.tolist() == [0, 2, 4] and g.context == device
    value, t = jvp(square)((x,), (numpy.arange(3),))
    assert value == 5 and t == 10
    # The function sees numbers that have a gradient; what it was given stays as it is.
    seen = []
    grad(lambda a: np.sum(seen.append(a.dtype) or a))(x)
    assert seen == ["float64"] and (isinstance(x, (list, tuple)) or x.dtype.kind in "iu")
    # An index among the arguments stays an integer.
    assert grad(lambda i, v: np.sum(v[i]), argnum=1)(np.array([0, 0]), np.ones(3)).tolist() == [2, 0, 0]
    assert grad(lambda a: 1.0)(x).tolist() == [0, 0, 0]


@pytest.mark.parametrize("number", [3, True, 3.0, numpy.int64(3), numpy.float32(3), numpy.bool_(True)])
def test_numbers(number):
    g = grad(lambda x: x * x)(number)
    assert g == 2 * float(number) and g.ndim == 0 and float(grad(lambda x: x * x)(np.asarray(number))) == float(g)
    assert float(grad(lambda x: x * x)(np.array([number])[0])) == float(g)


def test_what_has_no_gradient_is_refused():
    for bad in ("a", None, np.array(["a"]), object(), {}, numpy.array("2020", "M8[D]")):
        with pytest.raises((TypeError, ValueError)):
            grad(lambda x: 1.0)(bad)
    with pytest.raises(ValueError, match="argument number 1 of a call with 1"):
        grad(square, argnum=1)(np.ones(2))
    with pytest.raises(TypeError, match="argnum"):
        grad(square, argnum="x")


def test_surplus_tangents():
    f, x = lambda a, b: np.sum(a * b), np.ones(2)
    for given, argnum in (((x, x), 0), ((x, x, x), [0, 1]), ((x,), [0, 1]), ((), 0), ((), [0, 1]), ([1.0, 0.0], 0)):
        with pytest.raises(ValueError, match=f"jvp: {len(given)} tangents for {1 if argnum == 0 else 2} arguments"):
            jvp(f, argnum=argnum)((x, x), given)
    for wrong in (1.0, np.ones(3), np.ones((1, 2))):
        with pytest.raises(ValueError, match="shape of its argument"):
            jvp(f)((x, x), wrong)
    with pytest.raises(TypeError, match="passed as one tuple"):
        jvp(square)(x, x)
    # One tangent, bare or in a sequence; numbers as tangents of arrays of integers.
    for tangents in (np.array([1.0, 3.0]), (np.array([1.0, 3.0]),), [[1, 3]], ((1, 3),), (numpy.array([1, 3]),)):
        assert jvp(f)((x, np.ones(2)), tangents)[1] == 4
    assert jvp(f, argnum=[1, 0])((x, 2 * x), (np.array([1.0, 0.0]), x))[1] == 1 + 4


def test_tangents_of_constants():
    one = ((1.0,), (1.0,))
    for value, zero in ((3.0, 0.0), (3, 0.0), (3j, 0j), (numpy.float64(3), 0.0)):
        got, t = jvp(lambda x: value)(*one)
        assert got is value and t == zero and type(t) is type(zero)
    for value in (np.ones(2), numpy.ones(2), np.ones(2, "complex64")):
        got, t = jvp(lambda x: value)(*one)
        assert got is value and type(t) is np.ndarray and t.shape == (2,) and t.dtype == value.dtype and not t.asnumpy().any()
    assert jvp(lambda x: np.arange(2))(*one)[1].tolist() == [0, 0]
    Pair = collections.namedtuple("Pair", "a b")
    value, t = jvp(lambda x: Pair(x * 2, [3.0, (x, np.ones(1))]))(*one)
    assert isinstance(t, Pair) and t.a == 2 and t.b[0] == 0.0 and isinstance(t.b[1], tuple) and t.b[1][0] == 1 and t.b[1][1].tolist() == [0]
    assert jvp(lambda x: ())(*one) == ((), ())
    with pytest.raises(TypeError, match="returned 'NoneType'"):
        jvp(lambda x: None)(*one)


def test_keywords():
    def power(x, exponent=1, *, scale=1.0):
        return np.sum(scale * x**exponent)
    x = np.array([2.0, 3.0])
    assert jvp(power)((x,), np.array([1.0, 0.0]), exponent=3, scale=2.0)[1] == 24
    assert vjp(power)((x,), 2.0, exponent=2)[1].tolist() == [8, 12]
    assert grad(power)(x, exponent=2, scale=0.5).tolist() == [2, 3]
    assert value_and_grad(power)(x, scale=3.0)[0] == 15 and grad_and_loss(power)(x, scale=3.0)[0].tolist() == [3, 3]
    # Arrays among the keywords are what they are: constants, of this gradient.
    assert grad(lambda x, w: np.sum(x * w))(x, w=np.array([5.0, 7.0])).tolist() == [5, 7]


def test_seeds():
    two = lambda x: (x, 2 * x)
    for seed in ((1.0, 10.0), [1.0, 10.0], (1, 10), (numpy.float32(1), np.array(10.0))):
        value, g = vjp(two)((3.0,), seed)
        assert g == 21 and value == (3, 6)
    # A tuple of numbers for one array is that array's seed; for a tuple of results it is theirs.
    assert vjp(lambda x: np.stack([x, x]))((3.0,), (1.0, 10.0))[1] == 11
    assert vjp(two)((np.ones(2),), (np.ones(2), np.array([1, 2])))[1].tolist() == [3, 5]
    assert vjp(lambda x: [x, (2 * x, 3.0)])((3.0,), (1.0, (10.0, 5.0)))[1] == 21
    assert vjp(lambda x: (np.sum(x),))((np.ones(2),), (2.0,))[1].tolist() == [2, 2] == vjp(np.sum)((np.ones(2),), (2.0,))[1].tolist()
    assert vjp(lambda x: 1.0)((3.0,), 1.0) == (1.0, 0.0)
    for seed in ((1.0,), 1.0, (1.0, 2.0, 3.0)):
        with pytest.raises(ValueError, match="seeds for 2 outputs"):
            vjp(two)((3.0,), seed)
    with pytest.raises(ValueError, match="seed of shape"):
        vjp(lambda x: x)((np.ones(2),), np.ones(3))
    with pytest.raises(TypeError, match="no array of numbers"):
        vjp(lambda x: x)((3.0,), "a")
    with pytest.raises(TypeError, match="passed as one tuple"):
        vjp(square)(np.ones(3), 1.0)


def test_gradients_of_unused_arguments():
    kinds = [(3, float), (3.0, float), (3 + 1j, complex), (numpy.complex64(3), complex), (numpy.float32(3), float), (True, float)]
    for number, kind in kinds:
        g = grad(lambda x: 1.0)(number)
        assert type(g) is kind and g == 0
        _, g = grad(lambda y, x: y * y, argnum=[0, 1])(2.0, number)
        assert type(g) is kind and g == 0
    for x in (np.ones(2, "complex64"), numpy.ones((2, 1), "complex128"), np.ones(3, "float16"), np.arange(2)):
        g = grad(lambda x: 1.0)(x)
        assert type(g) is np.ndarray and g.shape == x.shape and g.dtype == (x.dtype if x.dtype.kind in "fc" else "float64") and not g.asnumpy().any()
    for x in ((np.ones(10000, "complex64") * 1).sum(), (np.ones(10000) * 1).sum()):  # as the gradient of one that is used
        g, used = grad(lambda x: 1.0)(x), grad(lambda x: x * 0)(x)
        assert isinstance(g, (np.scalar, numpy.generic)) and g.dtype == used.dtype == x.dtype and g == 0
    assert grad(lambda x: 1.0)([1j, 2]).dtype == "complex128" and grad(lambda x: 1.0)([1, 2]).tolist() == [0, 0]


def test_unknown_keywords_of_a_function(device):
    f = Function(sym.Variable("x") * sym.Variable("w"), {"x": (2,)}, name="scale")
    x, w, params = np.ones(2), np.array([2.0, 3.0]), {"other_weight": np.zeros(3), "rate": 0.1, "what": object()}
    with pytest.warns(UserWarning, match="scale: ignores other_weight, rate, what, which the symbol does not have; it has: x, w"):
        assert f(x=x, w=w, **params).tolist() == [2, 3]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert grad(lambda w: np.sum(f(x=x, w=w, **params)))(w).tolist() == [1, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert f(x=x, w=w).tolist() == [2, 3]
        with pytest.raises(UserWarning):
            f(x=x, w=w, **params)
    with pytest.raises(TypeError, match="the value of 'w' is no array"):
        f(x=x, w=object())


def test_statistics_under_the_policy(capsys):
    np.record_op_stat()
    np.i0(np.ones(2) + np.ones(2))
    np.show_op_stat()
    plain = capsys.readouterr().out
    for shown in (lambda: np.policy.show_op_stat(), lambda: minpy.get_global_policy().show_op_stat(), lambda: minpy.PreferMXNetPolicy().show_op_stat()):
        shown()
        assert capsys.readouterr().out == plain and "add : 1" in plain and "i0" in plain
    with minpy.use_policy("only_numpy") as policy:
        policy.show_op_stat()
    assert capsys.readouterr().out == plain and np.policy.name == "prefer_device"


def test_array_variants():
    from minpy import array_variants
    from minpy.array_variants import ArrayType, array_types, number_types, variants, variants_repr
    assert minpy.array_variants is array_variants and (ArrayType.NUMPY, ArrayType.MXNET) == (0, 1)
    assert variants == {"numpy": ArrayType.NUMPY, "mxnet": ArrayType.MXNET} and variants_repr == {0: "NumPy", 1: "MXNet"}
    ours, theirs = np.ones(2, dtype="float32"), numpy.ones(2)
    assert isinstance(ours, array_types["mxnet"]) and not isinstance(theirs, array_types["mxnet"])
    assert isinstance(theirs, array_types["numpy"]) and ours.has_type(ArrayType.NUMPY) and ours.has_type(ArrayType.MXNET)
    assert all(isinstance(3, tuple(number_types[k])) and not isinstance(ours, tuple(number_types[k])) for k in variants)
    assert ours.context == np.ones(1).context and cpu() in minpy.devices()
