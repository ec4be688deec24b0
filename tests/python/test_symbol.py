"""Symbols: composition, inference, executors, files, and `Function` under grad."""
import json
import pickle

import numpy as onp
import pytest

import minpy.numpy as np
import minpy.symbol as sym
from minpy import core
from minpy.context import current_context
from minpy.core import Function, grad, grad_and_loss


def rand(*shape, seed=0):
    return onp.random.default_rng(seed).standard_normal(shape)


def conv():
    return sym.Convolution(sym.Variable("x"), kernel=(3, 3), num_filter=32, name="conv")


def numerical(f, x, picks, eps=1e-6):
    """Central differences of the scalar function f at some elements of x."""
    found = []
    for i in picks:
        up, down = x.copy(), x.copy()
        up.flat[i] += eps
        down.flat[i] -= eps
        found.append((f(up) - f(down)) / (2 * eps))
    return found


def test_convolution_inside_exp(device):
    f = Function(conv(), input_shapes={"x": (8, 3, 10, 10)})
    assert f.get_params() == {"conv_weight": {"shape": (32, 3, 3, 3)}, "conv_bias": {"shape": (32,)}}
    assert f.get_output_shapes() == {"conv_output": (8, 32, 8, 8)}
    assert f.get_one_output_shape() == (8, 32, 8, 8)
    x, w, b = rand(8, 3, 10, 10), rand(32, 3, 3, 3, seed=1) * 0.1, rand(32, seed=2)

    def loss(w):
        return np.sum(np.exp(f(x=x, conv_weight=w, conv_bias=b)))

    g, _ = grad_and_loss(loss)(np.array(w))
    assert g.shape == w.shape and g.context == device
    picks = [0, 17, 400, 863]
    want = numerical(lambda w: float(loss(np.array(w))), w, picks, 1e-5)
    onp.testing.assert_allclose(g.asnumpy().flat[picks], want, rtol=1e-5)


def test_single_precision_by_default():
    f = Function(conv(), {"x": (2, 3, 6, 6)})
    y = f(x=rand(2, 3, 6, 6).astype("float32"), conv_weight=rand(32, 3, 3, 3).astype("float32"))
    assert y.dtype == onp.float32 and y.shape == (2, 32, 4, 4)
    assert f(x=rand(1, 3, 6, 6)).shape == (1, 32, 4, 4)


def test_function_called_several_times(device):
    net = sym.Activation(sym.FullyConnected(sym.Variable("x"), num_hidden=4, name="fc"), act_type="tanh")
    f = Function(net, {"x": (5, 4)})
    x, w = rand(5, 4), rand(4, 4, seed=1)

    def loss(w):
        h = x
        for _ in range(3):
            h = f(x=h, fc_weight=w)
        return np.sum(h * f(x=x, fc_weight=w))

    for _ in range(2):
        g = grad(loss)(np.array(w)).asnumpy()
        onp.testing.assert_allclose(g.ravel(), numerical(lambda w: float(loss(np.array(w))), w, range(16)), rtol=1e-5, atol=1e-7)


def test_function_with_several_outputs_and_order_two():
    a = sym.Variable("a")
    f = Function(sym.Group([sym.exp(a), a * a]), {"a": (3,)})
    x = rand(3)
    first, _ = f(a=x)
    onp.testing.assert_allclose(first.asnumpy(), onp.exp(x))

    def cube(x):
        return np.sum(f(a=x)[1] * x)

    onp.testing.assert_allclose(grad(cube)(np.array(x)).asnumpy(), 3 * x**2)
    onp.testing.assert_allclose(grad(lambda x: np.sum(grad(cube)(x)))(np.array(x)).asnumpy(), 6 * x, rtol=1e-6)


def test_wrong_calls():
    f = Function(conv(), {"x": (8, 3, 10, 10)}, name="layer")
    x = rand(8, 3, 10, 10)
    with pytest.warns(UserWarning, match="layer: ignores w, which the symbol does not have; it has: x, conv_weight, conv_bias"):
        f(x=x, w=x)
    with pytest.raises(TypeError, match=r"missing input 'x' of shape \(8,3,10,10\)"):
        f(conv_weight=rand(32, 3, 3, 3))
    with pytest.raises(ValueError, match=r"\(8,3,9,10\)"):
        f(x=rand(8, 3, 9, 10))
    with pytest.raises(ValueError, match=r"Convolution 'conv'.*weight.*\(32,3,3,2\)"):
        f(x=x, conv_weight=rand(32, 3, 3, 2))
    with pytest.raises(TypeError):
        f(x)
    with pytest.raises(TypeError):
        f(x="text")
    with pytest.raises(ValueError):
        Function(conv(), {"y": (1, 2)})


def test_mistakes_in_symbols():
    x = sym.Variable("x")
    with pytest.raises(TypeError, match="unknown attribute 'num_filters'"):
        sym.Convolution(x, kernel=(3, 3), num_filters=3, num_filter=1)
    with pytest.raises(TypeError, match="required attribute 'num_hidden'"):
        sym.FullyConnected(x)
    with pytest.raises(ValueError, match=r"act_type=rleu.*'relu'"):
        sym.Activation(x, act_type="rleu", name="a")
    with pytest.raises(AttributeError):
        sym.Convoluton  # noqa: B018
    with pytest.raises(TypeError, match="must be symbols"):
        sym.exp(3.0)
    with pytest.raises(ValueError, match="operands could not be broadcast"):
        (x + sym.Variable("y")).infer_shape(x=(2, 3), y=(4,))
    with pytest.raises(ValueError, match=r"do not determine.*fc_weight"):
        sym.FullyConnected(x, num_hidden=3, name="fc").infer_shape()
    with pytest.raises(ValueError, match="no argument 'z'"):
        x.infer_shape(z=(1,))
    with pytest.raises(TypeError):
        bool(x)
    with pytest.raises(IndexError):
        x[1]
    assert x == x and x != sym.Variable("x") and len({x, x}) == 1


def test_names_shapes_and_arithmetic():
    a, b = sym.Variable("a"), sym.Variable("b", shape=(2, 3))
    net = 1 / (2 ** (a * b - 3) + -a / 0.5) % 7
    assert net.list_arguments() == ["a", "b"]
    assert net.infer_shape() == ([(2, 3), (2, 3)], [(2, 3)], [])
    arrays, _, aux = sym.BatchNorm(a, name="bn").infer_shape((4, 5))
    assert arrays == [(4, 5), (5,), (5,)] and aux == [(5,), (5,)]
    parts = sym.SliceChannel(a, num_outputs=3, axis=1, squeeze_axis=True, name="s")
    assert len(list(parts)) == 3 and parts[-1].list_outputs() == ["s_output2"] and parts["s_output0"].name == "s"
    ex = (a > 0).bind(current_context(), {"a": np.array([1.0, -1.0])})
    assert ex.forward()[0].asnumpy().tolist() == [True, False]


def test_executor(device):
    data = sym.Variable("data")
    net = sym.FullyConnected(sym.Activation(sym.FullyConnected(data, num_hidden=6, name="a"), act_type="relu"), num_hidden=3, name="b")
    net = sym.SoftmaxOutput(net, name="softmax", normalization="batch")
    ex = net.simple_bind(device, grad_req="write", data=(4, 5))
    assert list(ex.arg_dict) == net.list_arguments()
    x, w, v, label = rand(4, 5), rand(6, 5, seed=1), rand(3, 6, seed=2), onp.array([0, 2, 1, 1])
    for name, value in {"data": x, "a_weight": w, "b_weight": v, "softmax_label": label}.items():
        ex.arg_dict[name][:] = value
    p = ex.forward(is_train=True)[0].asnumpy()
    ex.backward()
    h = onp.maximum(x @ w.T, 0)
    z = onp.exp(h @ v.T)
    want = z / z.sum(1, keepdims=True)
    onp.testing.assert_allclose(p, want, rtol=1e-5)
    d = (want - onp.eye(3)[label]) / 4
    onp.testing.assert_allclose(ex.grad_dict["b_weight"].asnumpy(), d.T @ h, rtol=1e-4, atol=1e-6)
    onp.testing.assert_allclose(ex.grad_dict["a_weight"].asnumpy(), ((d @ v) * (h > 0)).T @ x, rtol=1e-4, atol=1e-6)
    onp.testing.assert_allclose(ex.grad_arrays[2].asnumpy(), ((d @ v) * (h > 0)).sum(0), rtol=1e-4, atol=1e-6)
    assert not ex.grad_dict["softmax_label"].asnumpy().any()
    with pytest.raises(RuntimeError, match="forward"):
        ex.backward()
    again = ex.forward(is_train=False, data=x * 0)[0].asnumpy()
    onp.testing.assert_allclose(again, onp.full((4, 3), 1 / 3), rtol=1e-6)
    with pytest.raises(TypeError, match="no argument 'dta'"):
        ex.forward(dta=x)
    with pytest.raises(ValueError):
        ex.forward(data=rand(3, 5))
    r = ex.report()
    assert 0 < r["planned_bytes"] < r["naive_bytes"]


def test_bind_lists_dictionaries_and_requests():
    a, b = sym.Variable("a"), sym.Variable("b")
    x, y, g = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.zeros(2)
    ex = (a * b).bind(current_context(), [x, y], args_grad={"a": g}, grad_req="add")
    for _ in range(2):
        ex.forward(is_train=True)
        ex.backward(np.array([1.0, 10.0]))
    assert g.asnumpy().tolist() == [6.0, 80.0] and ex.grad_dict["b"] is None
    x[0] = 5
    assert ex.forward()[0].asnumpy().tolist() == [15.0, 8.0]
    for gradient in ([0.0, 0.0], (0.0, 0.0), 0.0):
        with pytest.raises(TypeError, match="args_grad"):
            (a * b).bind(current_context(), [x, y], args_grad={"a": gradient})
    for fixed in (np.broadcast_to(np.zeros(1), (2,)), onp.broadcast_to(0.0, 2), onp.asarray(np.broadcast_to(np.zeros(1), (2,)))):
        with pytest.raises(ValueError, match="read-only"):
            (a * b).bind(current_context(), [x, y], args_grad=[g, fixed])
    with pytest.raises(ValueError, match="read-only"):
        (a * b).bind(current_context(), [x, fixed])
    with pytest.raises(ValueError, match="args lacks b"):
        (a * b).bind(current_context(), {"a": x})
    with pytest.raises(ValueError, match="grad_req"):
        (a * b).simple_bind(current_context(), grad_req="wrte", a=(2,))


def test_batch_norm_states_update_on_a_training_forward():
    net = sym.BatchNorm(sym.Variable("x"), fix_gamma=False, momentum=0.5, name="bn")
    f = Function(net, {"x": (6, 2)})
    x, mean, var = rand(6, 2) + 3, np.zeros(2), np.ones(2)
    f(x=x, bn_gamma=np.ones(2), bn_moving_mean=mean, bn_moving_var=var)
    onp.testing.assert_allclose(mean.asnumpy(), x.mean(0) / 2)
    onp.testing.assert_allclose(var.asnumpy(), 0.5 + x.var(0) / 2)
    f.is_train = False
    y = f(x=x, bn_gamma=np.ones(2), bn_moving_mean=mean, bn_moving_var=var)
    onp.testing.assert_allclose(y.asnumpy(), (x - mean.asnumpy()) / onp.sqrt(var.asnumpy() + 1e-3), rtol=1e-6)


def test_files(tmp_path):
    net = sym.SoftmaxOutput(sym.FullyConnected(conv(), num_hidden=10), name="softmax")
    path = tmp_path / "net.json"
    net.save(path)
    for other in (sym.load(path), sym.load_json(net.tojson()), pickle.loads(pickle.dumps(net))):
        assert other.tojson() == net.tojson() and other.list_arguments() == net.list_arguments()
    text = path.read_text()
    broken = json.loads(text)
    broken["nodes"][3]["op"] = "Convolutoin"
    del broken["checksum"]
    for wrong, match in [(text[:100], "no JSON"), (text.replace("32", "33", 1), "checksum"), (json.dumps(broken), "unknown operator"),
                         ("[]", "no object"), ("", "no JSON"), (text.replace('"version":1', '"version":9'), "version")]:
        path.write_text(wrong)
        with pytest.raises(ValueError, match=match):
            sym.load(path)
    with pytest.raises(OSError):
        sym.load(tmp_path / "nothing.json")


def test_softmax_output_in_a_function_starts_its_own_gradient():
    net = sym.SoftmaxOutput(sym.FullyConnected(sym.Variable("x"), num_hidden=3, name="fc"), name="out", normalization="batch")
    f = Function(net, {"x": (4, 2)})
    x, w, label = rand(4, 2), rand(3, 2, seed=1), onp.array([0, 1, 2, 0])

    def loss(w):
        return 5 * np.sum(f(x=x, fc_weight=w, out_label=label))  # what is done with the result does not matter

    z = onp.exp(x @ w.T)
    p = z / z.sum(1, keepdims=True)
    onp.testing.assert_allclose(grad(loss)(np.array(w)).asnumpy(), ((p - onp.eye(3)[label]) / 4).T @ x, rtol=1e-6)


def test_every_operator_has_a_function_and_documentation():
    assert core.Function is sym.Function
    for name in sym.__all__:
        assert getattr(sym, name).__doc__, name
