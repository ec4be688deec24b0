"""`minpy.autograd`: HIPS autograd's interface. Values by hand or by differences; docs/autograd.md is run."""
import collections
import gc
import importlib
import pathlib
import re
import sys
import threading
import warnings

import numpy
import pytest

import minpy.autograd as ag
import minpy.autograd.numpy as np
import minpy.autograd.numpy.linalg as npl
import minpy.autograd.numpy.random as npr
import minpy.numpy
from minpy import _minpy
from minpy.autograd import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_jvp_reversemode,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
)
from minpy.autograd.core import primitive_jvps, primitive_vjps
from minpy.autograd.extend import (
    Box,
    JVPNode,
    VJPNode,
    VSpace,
    def_linear,
    defjvp,
    defjvp_argnum,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
    register_notrace,
    vspace,
)
from minpy.autograd.misc import flatten
from minpy.autograd.misc.fixed_points import fixed_point
from minpy.autograd.misc.flatten import flatten_func
from minpy.autograd.misc.optimizers import adam, rmsprop, sgd
from minpy.autograd.test_util import check_equivalent, check_grads, check_jvp, check_vjp, combo_check, scalar_close
from minpy.autograd.tracer import getval, isbox
from minpy.core import NoGradientFuncError

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "autograd.md"
A = numpy.array([[1.0, -2.0, 0.5], [0.3, 0.7, -1.1]])
X = numpy.array([0.4, -1.2, 2.5])
Pair = collections.namedtuple("Pair", "a b")


@pytest.fixture(autouse=True)
def seed():
    npr.seed(3)


def squash(x):
    return np.tanh(np.dot(A, x))


def near(found, wanted, **tolerance):
    numpy.testing.assert_allclose(numpy.asarray(found), numpy.asarray(wanted), **{"rtol": 1e-9, "atol": 1e-12, **tolerance})


def test_names():
    assert np is minpy.numpy and npr is minpy.numpy.random and npl is minpy.numpy.linalg
    for name in ag.__all__:
        assert hasattr(ag, name)
    for name in "core extend tracer builtins util wrap_util test_util differential_operators misc misc.optimizers misc.tracers numpy.fft".split():
        module = importlib.import_module("minpy.autograd." + name)
        for public in getattr(module, "__all__", []):
            assert hasattr(module, public) or name == "numpy.fft"
    assert grad(squash, 1).__name__ == "grad_of_squash_wrt_argnum_1"
    assert "squash" in jacobian(squash).__doc__ and "gradient" in grad.__doc__


def test_gradients_of_numbers_arrays_and_structures():
    g = grad(lambda x: np.sin(x) * x)(1.3)
    near(g, numpy.cos(1.3) * 1.3 + numpy.sin(1.3))
    assert isinstance(g, float) and type(g) is numpy.float64
    near(grad(lambda x: np.sum(x**3))(X), 3 * X**2)
    near(grad(lambda x: np.sum(x**3))(np.array(X)), 3 * X**2)
    value, g = value_and_grad(lambda p: p["w"] * np.sum(p["layers"][0][1]) + p["pair"].a)(
        {"w": 2.0, "layers": [(1.0, np.ones(3))], "pair": Pair(5.0, X)})
    assert value == 11 and g["w"] == 3 and g["layers"][0][0] == 0
    near(g["layers"][0][1], 2 * numpy.ones(3))
    assert type(g["layers"]) is list and type(g["layers"][0]) is tuple and type(g["pair"]) is Pair
    assert g["pair"].a == 1 and (g["pair"].b == 0).all()
    assert grad(lambda x, y: x * y, argnum=(0, 1))(2.0, 3.0) == (3, 2)
    assert grad(lambda x, y, z=1.0: x * y * z, [1])(2.0, 3.0, z=4.0) == (8,)
    assert grad(lambda x, y: x * y, -1)(2.0, 3.0) == 2
    assert grad_named(lambda x, y: x * y, "y")(2.0, 3.0) == 2
    assert grad(lambda n: n * n)(3) == 6  # an integer is a number
    near(grad(lambda x: np.sum(x))(numpy.ones(2, "float32")), [1, 1])
    assert grad(lambda x: np.sum(x))(numpy.ones(2, "float32")).dtype == "float32"


def test_complaints():
    for bad in (lambda x: x * numpy.ones(2), lambda x: x * (1 + 1j), lambda x: None, lambda x: (x, x)):
        with pytest.raises(TypeError):
            grad(bad)(1.0)
        with pytest.raises(TypeError):
            value_and_grad(bad)(1.0)
    with pytest.raises(TypeError):
        elementwise_grad(lambda x: x * 1j)(1.0)
    with pytest.raises(TypeError):
        jacobian(lambda x: x * 1j)(1.0)
    with pytest.raises(TypeError):
        grad(lambda x: x)("text")
    with pytest.raises(TypeError):
        grad(lambda x: x, argnum="x")
    with pytest.raises(ValueError):
        make_vjp(lambda x: x * x)(X)[0](numpy.ones(2))
    with pytest.raises(ValueError):
        make_jvp(lambda x: x * x)(X)(numpy.ones(2))
    with pytest.raises(ValueError):
        make_vjp(lambda x: (x, x))(X)[0]((X,))


def test_what_is_independent_has_zeros_and_a_warning():
    for operator in (grad, elementwise_grad):
        with pytest.warns(UserWarning, match="independent"):
            near(operator(lambda x: 3.0)(X), numpy.zeros(3))
    with pytest.warns(UserWarning, match="independent"):
        vjp, _ = make_vjp(lambda x: np.ones(2))(X)
    near(vjp(np.ones(2)), numpy.zeros(3))
    with pytest.warns(UserWarning, match="independent"):
        assert deriv(lambda x: 3.0)(1.0) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert grad(lambda x, y: x)(1.0, 2.0) == 1
        assert grad(lambda xy: xy[0])((1.0, 2.0)) == (1, 0)


def test_a_closure_is_a_constant():
    x = np.array(X)
    near(grad(lambda y: np.sum(x * y))(x), X)
    near(make_vjp(lambda y: x * y)(x)[0](np.ones(3)), X)
    near(make_jvp(lambda y: x * y)(x)(np.ones(3))[1], X)
    # The outer one counts where it is the outer one's turn.
    near(grad(lambda x: grad(lambda y: x * y)(x))(2.0), 1)


def test_jacobians_and_hessians():
    near(jacobian(squash)(X), A * (1 - numpy.tanh(A @ X) ** 2)[:, None])
    assert jacobian(lambda x: np.outer(x, x))(X).shape == (3, 3, 3)
    assert jacobian(lambda x: np.sum(x))(X).shape == (3,)
    assert jacobian(lambda x: np.ones(0) * x[0])(X).shape == (0, 3)
    near(jacobian(lambda a, x: a * x, 0)(2.0, X), X)
    H = A.T @ A
    near(hessian(lambda x: np.dot(np.dot(x, H), x) / 2)(X), H)
    cube = lambda x: np.sum(x**3)
    v = numpy.array([1.0, 2.0, -1.0])
    near(hessian_tensor_product(cube)(X, v), 6 * X * v)
    assert hessian_vector_product is hessian_tensor_product
    hvp, g = make_hvp(cube)(X)
    near(g, 3 * X**2)
    for w in (v, -v):
        near(hvp(w), 6 * X * w)
    near(tensor_jacobian_product(squash)(X, numpy.array([1.0, 2.0])), numpy.array([1.0, 2.0]) @ numpy.asarray(jacobian(squash)(X)))
    J = numpy.asarray(jacobian(squash)(X))
    near(make_jvp_reversemode(squash)(X)(v), J @ v)
    near(make_ggnvp(squash)(X)(v), J.T @ (J @ v))
    near(make_ggnvp(squash, lambda y: np.sum(y**4))(X)(v), J.T @ (12 * numpy.tanh(A @ X) ** 2 * (J @ v)))
    near(elementwise_grad(np.sin)(A), numpy.cos(A))
    near(deriv(np.sin)(A), numpy.cos(A))
    near(deriv(deriv(np.sin))(0.3), -numpy.sin(0.3))


def test_a_vjp_is_called_again_and_again_and_differentiated():
    vjp, value = make_vjp(lambda p: {"y": np.exp(p[0]) * p[1], "z": [p[1] ** 2]})((X, 2.0))
    near(value["y"], 2 * numpy.exp(X))
    for k in (1.0, -3.0):
        by_x, by_s = vjp({"y": k * np.ones(3), "z": [0.0]})
        near(by_x, 2 * k * numpy.exp(X))
        near(by_s, k * numpy.exp(X).sum())
    assert vjp({"y": np.zeros(3), "z": [1.0]})[1] == 4
    assert vjp({"y": None, "z": [1.0]})[1] == 4
    near(grad(lambda g: np.sum(vjp({"y": g, "z": [0.0]})[0] ** 2))(np.ones(3)), 8 * numpy.exp(2 * X))
    near(make_jvp(lambda g: vjp({"y": g, "z": [0.0]})[0])(np.ones(3))(X)[1], 2 * numpy.exp(X) * X)
    near(jacobian(lambda x: make_vjp(lambda y: y**3)(x)[0](np.ones(3)))(X), numpy.diag(6 * X))
    # What is written afterwards changes nothing.
    x = np.array(X)
    vjp, _ = make_vjp(lambda x: x * x)(x)
    x[:] = 0
    near(vjp(np.ones(3)), 2 * X)
    # One that was made inside of another derivative, and outlives it.
    kept = []

    def f(x):
        vjp, y = make_vjp(lambda x: x**3)(x * 2)
        kept.append(vjp)
        return np.sum(vjp(np.ones(3)) + y)
    near(grad(f)(X), 24 * X + 24 * X**2)
    near(kept[0](np.ones(3)), 12 * X**2)
    near(kept[0](np.ones(3)), 12 * X**2)


def test_a_vjp_holds_memory_as_long_as_it_lives(on_cpu):
    used = lambda: minpy.context.cpu().memory_stats()["used"]
    gc.collect()
    before = used()
    vjp, _ = make_vjp(lambda x: np.exp(np.sin(x) * x))(numpy.ones(500_000))
    vjp(np.ones(500_000))
    assert used() - before > 3_900_000
    del vjp, _
    gc.collect()
    assert used() - before < 1_000_000


def test_threads():
    vjp, _ = make_vjp(lambda x: x**2)(X)
    found = []

    holder = [vjp]

    def other():
        try:
            holder[0](np.ones(3))
        except RuntimeError as e:
            found.append(str(e))
        found.append(make_vjp(lambda x: x**3)(2.0)[0](1.0))
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert "thread" in found[0] and found[1] == 12
    near(vjp(np.ones(3)), 2 * X)
    del vjp
    thread = threading.Thread(target=holder.clear)  # dropped by another thread
    thread.start()
    thread.join()
    near(grad(lambda x: np.sum(x**2))(X), 2 * X)


def test_forward_mode():
    value, t = make_jvp(lambda p: (p["a"] * p["b"], 5.0, [p["a"]]))({"a": 2.0, "b": X})({"a": 1.0, "b": np.zeros(3)})
    near(value[0], 2 * X)
    near(t[0], X)
    assert t[1] == 0 and t[2] == [1]
    near(make_jvp(lambda x, y: x * y, (0, 1))(X, 2.0)((np.ones(3), 0.5))[1], 2 + X / 2)
    near(make_jvp(grad(lambda x: np.sum(x**4)))(X)(X)[1], 12 * X**3)
    near(grad(lambda x: np.sum(make_jvp(lambda y: y**3)(x)(np.ones(3))[1]))(X), 6 * X)


def test_complex_numbers():
    z = 0.7 - 1.3j
    near(holomorphic_grad(lambda z: z**3)(z), 3 * z**2)
    with pytest.warns(UserWarning, match="not complex"):
        holomorphic_grad(lambda z: np.exp(1j * z))(1.0)
    # The convention: the gradient of the real part of f is df/dz, that of |z|^2 is 2 conj(z).
    near(grad(lambda z: np.real(z * np.conj(z)))(z), 2 * numpy.conj(z))
    near(grad(lambda z: np.imag(z))(z), -1j)
    near(make_vjp(lambda z: z**2)(z)[0](1j), 2j * z)
    near(make_jvp(lambda z: z**2)(z)(1j)[1], 2j * z)
    check_grads(lambda z: np.abs(z) ** 2 * np.exp(z))(numpy.array([z, 1j]))
    check_grads(lambda x: np.real(np.exp(1j * x)))(X)


def test_the_rest_of_the_operators():
    g, aux = grad_and_aux(lambda x: (np.sum(x**2), {"twice": 2 * x}))(X)
    near(g, 2 * X)
    near(aux["twice"], 2 * X)
    found = multigrad_dict(lambda a, b=2.0, *c, **d: a * b * c[0] * d["e"])(1.0, 2.0, 3.0, e=4.0)
    assert list(found) == ["a", "b", "c", "d"] and found["a"] == 24 and found["c"] == (8,) and found["d"] == {"e": 6}
    assert multigrad_dict(lambda a, b=2.0: a * b)(3.0) == {"a": 2, "b": 3}


def test_checkpoint():
    calls = []

    def f(x, y):
        calls.append(1)
        return np.sin(x) * y
    saved = checkpoint(f)
    near(grad(lambda x: np.sum(saved(x, 2.0)))(X), 2 * numpy.cos(X))
    assert len(calls) == 2
    check_grads(saved, (0, 1))(X, 0.7)
    near(grad(grad(lambda x: saved(x, 1.0)))(0.3), -numpy.sin(0.3))


def test_rules_live_as_long_as_the_function():
    def known():
        gc.collect()
        return len(primitive_vjps)
    before = known()
    assert grad(checkpoint(lambda x: x * x))(3.0) == 6
    made = primitive(lambda x: 2 * x)
    defvjp(made, lambda ans, x: lambda g: 2 * g)
    assert grad(made)(1.0) == 2 and known() == before + 1
    del made
    assert known() == before


def test_primitives():
    seen = []

    @primitive
    def product(x, y, scale=1.0):
        """Documented."""
        seen.append(type(x))
        return numpy.multiply(x, y) * scale
    defvjp(product, lambda ans, x, y, scale=1.0: lambda g: g * y * scale, lambda ans, x, y, scale=1.0: lambda g: g * x * scale)
    assert product.__doc__ == "Documented." and product.__name__ == "product" and product in primitive_vjps
    near(grad(lambda x: np.sum(product(x, x, scale=3.0)))(X), 6 * X)
    assert set(seen) == {numpy.ndarray}
    assert isinstance(product(np.array(X), 2.0), np.ndarray)
    # Only the one mode is defined, and all follow.
    check_grads(product, (0, 1), order=3)(X, X + 1)

    @primitive
    def stretch(x):
        return 2 * x
    defjvp(stretch, lambda g, ans, x: 2 * g)
    check_grads(stretch, order=2)(X)
    assert stretch in primitive_jvps

    @primitive
    def both(x, y):
        return x * y, x + y
    defvjp_argnums(both, lambda argnums, ans, args, kwargs: lambda g: [
        (g[0] * args[1] + g[1], g[0] * args[0] + g[1])[i] for i in argnums])
    check_grads(lambda x, y: both(x, y)[0] * both(y, x)[1], (0, 1))(X, X - 1)
    check_grads(lambda x: both(x, x))(0.5)

    @primitive
    def of_structure(p):
        return p["a"] * p["b"][0]
    defvjp(of_structure, lambda ans, p: lambda g: {"a": np.sum(g * p["b"][0]), "b": [g * p["a"], None]})
    check_grads(of_structure)({"a": 2.0, "b": [X, X]})

    @primitive
    def add(x, y):
        return x + y
    def_linear(add)
    with pytest.raises(TypeError):
        check_grads(add)(1.0)  # one argument is missing
    near(make_jvp(add, 1)(1.0, 2.0)(3.0)[1], 1 + 3)  # as it says: f with the tangent in the place of the argument


def test_definitions_by_argument():
    @primitive
    def f(x, y):
        return x * y
    defvjp_argnum(f, lambda i, ans, args, kwargs: lambda g: g * args[1 - i])
    defjvp_argnum(f, lambda i, t, ans, args, kwargs: t * args[1 - i])
    check_grads(f, (0, 1))(X, 2 * X)

    @primitive
    def second(x, y, z):
        return y * z
    defvjp(second, lambda ans, x, y, z: lambda g: g * z, None, argnums=(1, 2))
    assert grad(second, 1)(1.0, 2.0, 3.0) == 3
    assert grad(second, (1, 2))(1.0, 2.0, 3.0) == (3, 0)
    with pytest.raises(NoGradientFuncError, match="argnum 0"):
        grad(second)(1.0, 2.0, 3.0)

    @primitive
    def same(x):
        return 3 * x
    defjvp(same, "same")
    assert make_jvp(same)(2.0)(1.0)[1] == 3
    for bad in (lambda: defjvp(same, "other"), lambda: defvjp(np.sin, None), lambda: defvjp(3, None)):
        with pytest.raises((TypeError, ValueError)):
            bad()


def test_a_primitive_without_a_rule_says_so():
    @primitive
    def nobody(x):
        return x * 1.0
    assert nobody(2.0) == 2
    for operator in (grad, deriv):
        with pytest.raises(NotImplementedError, match="nobody"):
            operator(nobody)(2.0)


def test_a_primitive_sees_what_was_there():
    @primitive
    def square(x):
        return x * x
    defvjp(square, lambda ans, x: lambda g: 2 * g * x)

    def f(x):
        y = x * 1.0
        z = square(y)
        y[...] = 0
        return np.sum(z + y)
    near(grad(f)(X), 2 * X)

    @primitive
    def itself(x):
        return x
    defvjp(itself, lambda ans, x: lambda g: 5 * g)
    near(grad(lambda x: np.sum(itself(x) + x))(X), 6 * numpy.ones(3))


def test_helpers_for_rules_of_programs():
    from minpy.autograd.numpy.numpy_boxes import ArrayBox
    from minpy.autograd.numpy.numpy_vjps import unbroadcast_f
    from minpy.autograd.numpy.numpy_vspaces import ComplexArrayVSpace
    from minpy.autograd.numpy.numpy_wrapper import wrap_namespace
    from minpy.autograd.util import func, subval, subvals
    namespace: dict = {}
    wrap_namespace({"times": lambda x, y: x * y, "two": 2, "other": "text"}, namespace)
    assert set(namespace) == {"times", "two"}
    times = namespace["times"]
    defvjp(times, lambda ans, x, y: unbroadcast_f(x, lambda g: g * y), lambda ans, x, y: unbroadcast_f(y, lambda g: g * x))
    for x, y in ((X, 2.0), (0.5, A), (A, X), (numpy.ones((2, 1)), X), (X, 1 + 2j)):
        check_grads(times, (0, 1))(x, y)
    seen = []
    grad(lambda x: seen.append(isinstance(x, ArrayBox)) or x)(1.0)
    assert seen == [True] and not isinstance(np.ones(2), ArrayBox) and isinstance(vspace(1j), ComplexArrayVSpace)
    assert func(len) is len and subvals((1, 2, 3), [(0, 5), (2, 6)]) == (5, 2, 6) and subval([1, 2], 1, 7) == (1, 7)


def test_constants():
    @notrace_primitive
    def rounded(x):
        return numpy.round(x)
    assert grad(lambda x: x * rounded(x))(2.6) == 3

    @primitive
    def other(x):
        return x + 1
    register_notrace(VJPNode, other)
    register_notrace(JVPNode, other)
    assert grad(lambda x: x * other(x))(2.0) == 3


def test_the_old_way_to_define():
    times = ag.primitive(lambda x, y: x * y)
    with pytest.warns(UserWarning, match="deprecated"):
        times.defgrad(lambda ans, x, y: lambda g: g * y)
    with pytest.warns(UserWarning, match="deprecated"):
        times.defvjp(lambda g, ans, vs, gvs, x, y: g * x, argnum=1)
    assert grad(times, (0, 1))(2.0, 3.0) == (3, 2)
    with pytest.warns(UserWarning, match="deprecated"):
        times.defvjp_is_zero([1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert grad(times, 1)(2.0, 3.0) == 0


def test_what_is_asked_of_traced_values():
    seen = []

    def f(x):
        seen.append((isbox(x), isinstance(x, Box), isbox([1.0, x]), getval(x)))
        return np.sum(x * getval(x))
    near(grad(f)(X), X)
    assert seen[0][:3] == (True, True, True) and type(seen[0][3]) is numpy.ndarray and not isbox(X) and not isbox(np.array(X))
    assert getval(2.0) == 2.0
    assert ag.isinstance([], ag.list) and ag.tuple([1]) == (1,) and ag.dict(a=1) == {"a": 1} and ag.type(1) is int
    near(grad(lambda x: ag.list([x, x])[0] * ag.tuple((x,))[0] * ag.dict({"x": x})["x"])(2.0), 12)


def test_spaces():
    space = vspace({"a": (1.0, X), "z": [1j]})
    assert space.size == 6 and space == vspace({"a": (2.0, X + 1), "z": [2j]}) and space != vspace({"a": (1.0, X), "z": [1.0]})
    assert len(list(space.standard_basis())) == 6
    v, w = space.randn(), space.randn()
    near(space.inner_prod(space.add(v, w), v), space.inner_prod(v, v) + space.inner_prod(w, v))
    near(space.inner_prod(space.scalar_mul(v, 3.0), w), 3 * space.inner_prod(v, w))
    assert space.zeros()["z"] == [0] and space.ones()["z"] == [1 + 1j] and space.covector(space.ones())["z"] == [1 - 1j]
    near(space.mut_add(None, v)["a"][1], v["a"][1])
    with pytest.raises(TypeError):
        vspace("text")
    assert "Vector" not in repr(vspace(1.0)) and vspace(numpy.float32(1)).dtype == "float32"

    class Own:
        pass

    class OwnSpace(VSpace):
        size = 7
    OwnSpace.register(Own)
    assert vspace(Own()).size == 7 and vspace(Own()) == vspace(Own())


def test_flatten():
    value = {"b": [1.0, A], "a": (X, {"z": 2.0}), "c": ()}
    vector, unflatten = flatten(value)
    assert vector.shape == (11,)
    near(vector[:4], [*X, 2.0])
    back = unflatten(vector * 2)
    near(back["b"][1], 2 * A)
    assert back["a"][1] == {"z": 4} and back["c"] == () and isinstance(back["b"][0], float)
    assert flatten([])[0].shape == (0,)
    near(grad(lambda v: np.sum(unflatten(v)["b"][1] ** 2))(vector), [0] * 5 + [*(2 * A.ravel())])
    near(grad(lambda p: np.sum(flatten(p)[0] ** 2))(value)["b"][1], 2 * A)
    z, unflatten = flatten((1 + 2j, 3.0))
    assert unflatten(z) == (1 + 2j, 3.0) and isinstance(unflatten(z)[1], float)
    f, unflatten, start = flatten_func(lambda p: {"y": p["a"] * p["b"]}, {"a": 2.0, "b": X})
    near(f(start), 2 * X)


@pytest.mark.parametrize("optimizer, steps", [(sgd, 300), (rmsprop, 300), (adam, 300)])
def test_optimizers(optimizer, steps):
    told = []

    def loss(p, i):
        return (p["a"] - 1) ** 2 + np.sum((p["b"] - X) ** 2)
    found = optimizer(grad(loss), {"a": 0.0, "b": np.zeros(3)}, callback=lambda p, i, g: told.append((i, sorted(g))), num_iters=steps, step_size=0.05)
    assert abs(found["a"] - 1) < 0.05
    near(found["b"], X, atol=0.05)
    assert told[-1] == (steps - 1, ["a", "b"])
    by_step = grad(lambda s: loss(optimizer(grad(loss), {"a": 0.0, "b": np.zeros(3)}, num_iters=2, step_size=s), 0))
    f = lambda s: loss(optimizer(grad(loss), {"a": 0.0, "b": np.zeros(3)}, num_iters=2, step_size=s), 0)
    near(by_step(0.05), (f(0.05 + 1e-6) - f(0.05 - 1e-6)) / 2e-6, rtol=1e-5)


def test_fixed_points():
    root = lambda a: fixed_point(lambda a: lambda x: (x + a / x) / 2, a, 1.0, lambda x, y: abs(x - y), 1e-12)
    near(root(2.0), 2**0.5)
    near(grad(root)(2.0), 0.5 / 2**0.5)
    near(grad(grad(root))(2.0), -0.25 * 2**-1.5)
    near(deriv(root)(2.0), 0.5 / 2**0.5)


def test_the_checks_find_mistakes():
    @primitive
    def wrong(x):
        return x**2
    defvjp(wrong, lambda ans, x: lambda g: 3 * g * x)
    check_vjp(lambda x: x**2, X)
    check_jvp(lambda x: x**2, X)
    for check in (check_vjp, check_jvp):
        with pytest.raises(AssertionError):
            check(wrong, X)
    combo_check(lambda x, y, power: x * y**power, (0, 1))([1.5, X], [2.0, X + 3], power=[1, 2])
    with pytest.raises(AssertionError):
        combo_check(wrong, modes=["rev"], order=1)([X])
    with pytest.raises(ValueError):
        check_grads(wrong, modes=["other"])(X)
    assert scalar_close(1.0, 1.0 + 1e-9) and not scalar_close(1.0, 1.1)
    with pytest.raises(AssertionError):
        check_equivalent(1.0, X)
    with pytest.warns(UserWarning, match="deprecated"):
        ag.util.quick_grad_check(lambda x, y: x**2 * y, 1.0, (2.0,))


def test_on_devices(device):
    x = np.array(X.astype("float32"))
    vjp, y = make_vjp(lambda x: np.tanh(x) * x)(x)
    near(vjp(np.ones(3, "float32")), numpy.tanh(X) + X / numpy.cosh(X) ** 2, rtol=1e-5)
    assert vjp(np.ones(3, "float32")).context == device and y.context == device

    @primitive
    def doubled(x):
        return 2 * x
    defvjp(doubled, lambda ans, x: lambda g: 2 * g)
    g = grad(lambda x: np.sum(doubled(x) * x))(x)
    near(g, 4 * X, rtol=1e-5)
    assert g.context == device and np.dot(jacobian(doubled)(x), x).context == device


def test_gradients_are_of_the_kind_of_the_argument():
    f = lambda x: np.sum(x**3)
    for operator in (grad, hessian, jacobian, elementwise_grad, lambda f: lambda x: make_vjp(f)(x)[0](1.0), lambda f: lambda x: value_and_grad(f)(x)[1]):
        assert type(operator(f)(X)) is numpy.ndarray and type(operator(f)(np.array(X))) is np.ndarray
    with pytest.warns(UserWarning, match="independent"):
        assert type(grad(lambda x: 1.0)(X)) is numpy.ndarray
    g = grad(f)(X)
    g += 1  # it is the caller's own
    near(g, 3 * X**2 + 1)
    near(grad(lambda x: np.sum(grad(f)(x) * X))(X), 6 * X * X)


@pytest.mark.parametrize("method", ["CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP", "Newton-CG", "trust-ncg", "trust-exact", "trust-constr"])
def test_scipy_optimizes(method, needs):
    optimize = needs("scipy.optimize")
    f = lambda x: np.sum((x - X) ** 2 + 0.1 * (x - X) ** 4)
    curve = {"hess": hessian(f)} if method.startswith(("trust", "Newton")) else {}
    found = optimize.minimize(value_and_grad(f), numpy.zeros(3), jac=True, method=method, **curve)
    near(found.x, X, atol=1e-3)


def test_joined_by_brackets_and_transposed_by_lists():
    n = numpy.arange(1, 4)
    for f, reference in [
        (lambda x: np.r_[x], lambda x: numpy.r_[x]), (lambda x: np.r_[x, n, 1:4], lambda x: numpy.r_[x, n, 1:4]),
        (lambda x: np.r_[x[0], x, 2.0], lambda x: numpy.r_[x[0], x, 2.0]), (lambda x: np.c_[x, n, x], lambda x: numpy.c_[x, n, x]),
        (lambda x: np.c_[x[0], 1:2], lambda x: numpy.c_[x[0], 1:2]), (lambda x: np.c_[x], lambda x: numpy.c_[x]),
    ]:
        near(f(np.array(X)), reference(X))
        near(make_vjp(f)(X)[1], reference(X))
        check_grads(f)(X)
    check_grads(lambda x: np.transpose(x, [1, 0]))(A)
    check_grads(lambda x: np.transpose(x, axes=[1, 0]))(A)


def test_documentation_runs():
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.S)
    assert len(blocks) >= 4
    names: dict = {}
    for block in blocks:
        if "scipy" in block:
            pytest.importorskip("scipy")
        exec(compile(block, str(DOCS), "exec"), names)


def test_as_the_module_autograd():
    """As docs/autograd.md says that programs of others run unchanged."""
    before = dict(sys.modules)
    try:
        ag.install()
        names: dict = {}
        exec("import autograd, autograd.numpy as np\nfrom autograd import grad\nfrom autograd.numpy.random import randn\n"
             "from autograd.misc.optimizers import adam\nfrom autograd.extend import primitive\nfrom autograd.numpy.numpy_boxes import ArrayBox\ng = grad(lambda x: np.sin(x) * 2)(0.0)", names)
        assert names["g"] == 2 and names["np"] is np and names["autograd"] is ag
    finally:
        for name in set(sys.modules) - set(before):
            if name.split(".")[0] == "autograd":
                del sys.modules[name]
        sys.modules.update(before)


def test_tape_of_another_kind():
    with pytest.raises(TypeError):
        _minpy.tape.keep(3)
    value, held = _minpy.tape.trace(lambda x: [x * x], [2.0])
    assert value[0] == 4 and held.is_recorded()
    assert held.gradients([1.0]) == [4] and held.gradients([None]) == [None] and held.tangents([2.0]) == [8]
