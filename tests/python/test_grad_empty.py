"""Gradients where an axis is empty: every differentiable function, both modes, gradients of gradients."""
import numpy
import pytest

import minpy.numpy as np
from minpy.core import NoGradientFuncError, grad, jvp

SHAPES = [(0,), (0, 3), (3, 0), (2, 0, 3), (1, 0), (0, 1), (0, 0)]
# Functions that NumPy has for arguments of these forms; what refuses an empty axis is left out as it comes.
FORMS = {
    "f(x)": lambda f, x: f(x), "f(x, x)": lambda f, x: f(x, x), "f(x, 2)": lambda f, x: f(x, 2), "f(x, 1)": lambda f, x: f(x, 1),
    "f(x, axis=0)": lambda f, x: f(x, axis=0), "f(x, axis=-1)": lambda f, x: f(x, axis=-1), "f(x, axis=-1, keepdims=True)":
    lambda f, x: f(x, axis=-1, keepdims=True), "f([x, x])": lambda f, x: f([x, x]), "f(x.T)": lambda f, x: f(x.T), "f(x.T, axis=0)": lambda f, x: f(x.T, axis=0),
    "f(x[::-1])": lambda f, x: f(x[::-1]), "f(x, x.T)": lambda f, x: f(x, x.T), "f(x, [])": lambda f, x: f(x, []), "f(x, 0, 1)": lambda f, x: f(x, 0, 1),
    "f(mask, x, x)": lambda f, x: f(x > 0, x, x), "f(x, 0)": lambda f, x: f(x, 0),
}
# Not about numbers, need files, or undefined values; the functions that are tried are those of the namespace.
SKIP = {"test", "info", "save", "savez", "savez_compressed", "savetxt", "load", "loadtxt", "genfromtxt", "fromfile", "memmap", "set_policy", "nditer",
        "record_op_stat", "show_op_stat", "op_stat", "seterr", "seterrcall", "setbufsize", "set_printoptions", "show_config", "show_runtime", "copyto",
        "asnumpy", "dump", "tofile", "setflags", "resize", "empty", "empty_like", "ndarray", "softmax_output"}


def arrays(value):
    if isinstance(value, (tuple, list)):
        return [a for v in value for a in arrays(v)]
    return [value] if type(value) in (np.ndarray, type(np.float64(1) * np.ones(()))) and value.dtype.kind in "fc" else []


def total(value):
    return sum((np.sum(np.real(a) * 3.0) + np.sum(a.T) for a in arrays(value)), 0.0)


def functions():
    for n in sorted(dir(np)):
        f = getattr(np, n)
        if not n.startswith("_") and callable(f) and not isinstance(f, type) and n not in SKIP:
            yield n, f
    for n in sorted(dir(np.ndarray)):
        if not n.startswith("_") and callable(getattr(np.ndarray, n)) and n not in SKIP:
            yield f"ndarray.{n}", lambda x, *a, n=n, **k: getattr(x, n)(*a, **k)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.filterwarnings("ignore")
def test_every_function_with_an_empty_axis(shape):
    x, wrong, checked = numpy.zeros(shape), [], 0
    for name, function in functions():
        for form, apply in FORMS.items():
            def f(a):
                a = a * 1.0
                return apply(function, a), a
            try:
                with np.errstate(all="ignore"):
                    if not arrays(f(np.array(x))):
                        continue
            except Exception:
                continue
            for mode, operator in (("reverse", lambda: grad(lambda a: total(f(a)))(np.array(x))), ("as it is", lambda: grad(f)(np.array(x))),
                                   ("forward", lambda: jvp(f)((np.array(x),), np.array(x))[1]),
                                   ("twice", lambda: grad(lambda a: np.sum(grad(lambda b: total(f(b)))(a)))(np.array(x)))):
                try:
                    g = operator()
                except NoGradientFuncError:
                    continue
                except BaseException as e:
                    wrong.append(f"{name} {form} {mode}: {type(e).__name__}: {e}")
                    continue
                checked += 1
                if mode != "forward" and g.shape != shape:
                    wrong.append(f"{name} {form} {mode}: shape {g.shape}")
    assert checked > 300
    assert not wrong, f"{len(wrong)} of {checked}:\n" + "\n".join(wrong[:40])


@pytest.mark.parametrize("f", [
    lambda v, x: v.__setitem__(slice(1, 1), x[1:1, [0, 1, 2]]), lambda v, x: v.__setitem__((slice(1, 1, 2), ..., np.array([2, 0])), 0.5 * v[1:1:2, ..., np.array([2, 0])]),
    lambda v, x: v.__setitem__((slice(None), []), x[:, []]), lambda v, x: v.__setitem__(np.zeros((3, 3), bool), x[np.zeros((3, 3), bool)]),
    lambda v, x: v[2:2].fill(1.0), lambda v, x: np.add.at(v, (np.array([], int),), x[0:0]), lambda v, x: v[:, 3:].__imul__(x[:, :0]),
    lambda v, x: np.multiply(v[3:], 2.0, out=v[3:]), lambda v, x: v.T[1:1].__iadd__(x.T[:0]), lambda v, x: v[::-1][3:].__iadd__(1.0),
])
def test_writes_through_views_without_elements(f):
    x = numpy.arange(9.0).reshape(3, 3) + 1

    def loss(a):
        v = a * 2.0
        f(v, a)
        return np.sum(v * v)
    assert grad(loss)(np.array(x)).asnumpy().tolist() == (8 * x).tolist()
    assert jvp(loss)((np.array(x),), np.array(x))[1] == numpy.sum(8 * x * x)


@pytest.mark.parametrize("f", [
    lambda x: np.repeat(x, 0), lambda x: np.repeat(x, [0, 0, 0], 0), lambda x: np.tile(x, 0), lambda x: x[:0], lambda x: x[[]], lambda x: np.take(x, [], 1),
    lambda x: np.concatenate([x[:0], x[3:]]), lambda x: np.dot(x[:0], x), lambda x: np.dot(x[:, :0], x[:0]), lambda x: x[:, :0] @ x[:0], lambda x: np.sort(x[:0]),
    lambda x: np.cumsum(x[:, :0], 1), lambda x: np.prod(x[:, 0:0], 1), lambda x: np.where(x[:0] > 0, x[:0], 2.0), lambda x: np.vstack([x[:0], x[:0] * 2]),
    lambda x: np.outer(x[:0], x), lambda x: x[:0].T * 2, lambda x: np.diag(x[:0, :0]), lambda x: np.broadcast_to(x, (0, 3, 3)), lambda x: x[:0].sum(0) * 1.0,
])
def test_parts_without_elements(f):
    x = numpy.arange(9.0).reshape(3, 3) + 1
    assert not grad(lambda a: np.sum(f(a) * 2.0))(np.array(x)).asnumpy().any()
    assert grad(lambda a: np.sum(f(a)) + np.sum(a * a))(np.array(x)).asnumpy().tolist() == (2 * x).tolist()
    value, tangent = jvp(f)((np.array(x),), np.array(x))
    assert tangent.shape == value.shape and not tangent.asnumpy().any()


def test_a_transposed_result_without_elements():
    for shape in ((2, 0), (0, 2), (2, 0, 3)):
        assert grad(lambda a: a.T * 2)(np.ones(shape)).shape == shape
        assert jvp(lambda a: a.T * 2)((np.ones(shape),), np.ones(shape))[1].shape == shape[::-1]
