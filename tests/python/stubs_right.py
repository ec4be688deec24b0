"""What the stubs say (mypy) and what the run gives (test_stubs.py): each `assert_type` is asked of both."""
from collections.abc import Callable
from typing import Any, assert_type

import numpy

import minpy
import minpy.numpy as np
import minpy.symbol as sym
from minpy.context import Context, cpu, current_context
from minpy.core import Function, grad, grad_and_loss, jvp, value_and_grad, vjp
from minpy.primitive import Primitive, customop

x, y = np.ones((2, 3)), np.arange(3.0)

# Arrays, scalars, indices.
assert_type(x, np.ndarray)
assert_type(x.shape, tuple[int, ...])
assert_type(x.ndim, int)
assert_type(x.dtype, np.dtype[Any])
assert_type(x.context, Context)
assert_type(x.asnumpy(), numpy.ndarray[Any, Any])
assert_type(x[0], np.ndarray | Any)
assert_type(x[0, 1:], np.ndarray | Any)
assert_type(x[1:], np.ndarray)
assert_type(x[..., None], np.ndarray)
assert_type(x[x > 0], np.ndarray)
assert_type(x[[0, 1]], np.ndarray)
assert_type(x.T.real, np.ndarray)
assert_type(x.sum(), np.scalar)
assert_type(x.mean(), np.scalar)
assert_type(x.max(), np.scalar)
assert_type(x.argmax(), np.scalar)
assert_type(x.sum(0), np.ndarray | Any)
assert_type(x.std(axis=1, keepdims=True), np.ndarray | Any)
assert_type(x.reshape(3, 2), np.ndarray)
assert_type(x.nonzero(), tuple[np.ndarray, ...])
assert_type(x.astype("float32"), np.ndarray)
assert_type(float(x.sum()), float)
assert_type(x.tobytes(), bytes)

# Operators.
assert_type(x + 1, np.ndarray)
assert_type(1 - x, np.ndarray)
assert_type(-x, np.ndarray)
assert_type(x == y, np.ndarray)
assert_type(x > 0, np.ndarray)
assert_type(divmod(x, 2), tuple[np.ndarray, np.ndarray])
assert_type(x @ y, np.ndarray | Any)
assert_type(x.sum() * 2.0, np.scalar)
assert_type(2 - x.sum(), np.scalar)
assert_type(x.sum() - y, np.ndarray)
assert_type(x.sum() > 1, np.scalar)
assert_type(abs(x.sum()), np.scalar)
z = x.copy()
z += x.sum()
z[0] *= 2
assert_type(z, np.ndarray)

# Functions: ufuncs, reductions, what flags and numbers of arguments decide, what NumPy itself runs.
assert_type(np.exp(x), np.ndarray)
assert_type(np.exp(1.0), Any)
assert_type(np.exp(x.sum()), np.scalar)
assert_type(np.maximum(x, 0), np.ndarray)
assert_type(np.maximum(1, 2), Any)
assert_type(np.relu(x), np.ndarray)
assert_type(np.add.reduce(x), np.ndarray | Any)
assert_type(np.add.outer(y, y), np.ndarray)
assert_type(np.modf(x), tuple[np.ndarray, np.ndarray])
assert_type(np.gcd(y.astype(int), 2), np.ndarray)
assert_type(np.sum(x), np.scalar)
assert_type(np.sum(x, axis=0), np.ndarray | Any)
assert_type(np.median(x), np.scalar)
assert_type(np.percentile(x, [1, 2]), np.ndarray | Any)
assert_type(np.dot(x, y), np.ndarray | Any)
assert_type(np.zeros((2, 3), "float32", device="cpu:0"), np.ndarray)
assert_type(np.array([[1, 2], [3, 4]], dtype=np.float32), np.ndarray)
assert_type(np.asarray(numpy.ones(3)), np.ndarray)
assert_type(np.where(x > 0), tuple[np.ndarray, ...])
assert_type(np.where(x > 0, x, 0), np.ndarray)
assert_type(np.linspace(0, 1, 5), np.ndarray)
assert_type(np.linspace(0, 1, 5, retstep=True), tuple[np.ndarray, Any])
assert_type(np.unique(y), np.ndarray)
assert_type(np.unique(y, return_counts=True), tuple[np.ndarray, ...])
assert_type(np.unique_counts(y).counts, np.ndarray)
assert_type(np.atleast_2d(y), np.ndarray)
assert_type(np.split(y, 3), list[np.ndarray])
assert_type(np.meshgrid(y, y), tuple[np.ndarray, ...])
assert_type(np.histogram(y), tuple[np.ndarray, ...])
assert_type(np.sort(x), np.ndarray)
assert_type(np.einsum("ij,j", x, y), np.ndarray | Any)
assert_type(np.r_[1:3, 5], np.ndarray | Any)
assert_type(np.allclose(x, 1), bool)
assert_type(np.shape(x), tuple[int, ...])
assert_type(np.ndim(x), int)
assert_type(np.result_type(x, 1), np.dtype[Any])
assert_type(np.array2string(y), str)
assert_type(np.copyto(z, x), None)
assert_type(np.show_op_stat(), None)

# Submodules.
assert_type(np.linalg.inv(np.eye(2)), np.ndarray)
assert_type(np.linalg.norm(x), np.scalar)
assert_type(np.linalg.norm(x, axis=1), np.ndarray | Any)
assert_type(np.linalg.det(np.eye(2)), np.ndarray | Any)
assert_type(np.linalg.svd(x).S, np.ndarray)
assert_type(np.linalg.svd(x, compute_uv=False), np.ndarray)
assert_type(np.linalg.qr(x).R, np.ndarray)
assert_type(np.linalg.eigh(np.eye(2))[1], np.ndarray)
assert_type(np.fft.rfft(y), np.ndarray)
assert_type(np.random.rand(), float)
assert_type(np.random.randn(2, 3), np.ndarray)
assert_type(np.random.normal(0.0, 1.0, (2, 3)), np.ndarray)
assert_type(np.random.normal(y), np.ndarray | Any)
assert_type(np.random.permutation(5), np.ndarray)
assert_type(np.random.seed(0), None)
assert_type(np.random.default_rng(0), np.random.Generator)
assert_type(np.random.default_rng(0).random(), float)
assert_type(np.random.default_rng(0).gamma(2.0, size=3), np.ndarray)
assert_type(np.random.RandomState(0).randn(3), np.ndarray)
assert_type(np.emath.sqrt([-1.0]), np.ndarray | Any)
assert_type(np.lib.stride_tricks.sliding_window_view(y, 2), np.ndarray)


# Gradients: of functions with their parameters.
def f(a: np.ndarray, b: float = 1.0) -> np.scalar:
    return np.sum(a * b)


slope: Callable[[np.ndarray, float], Any] = grad(f)
assert_type(grad(f)(x, b=2.0), np.ndarray | Any)
assert_type(value_and_grad(f)(x), tuple[np.scalar, np.ndarray | Any])
assert_type(grad_and_loss(f)(x)[1], np.scalar)
assert_type(jvp(f)((x,), (x,)), tuple[np.scalar, Any])
assert_type(vjp(f)((x,), 1.0)[0], np.scalar)
assert_type(grad(f, argnum=[0, 1])(x, 2.0), Any)


# None for an axis where that is not the default: of the flattened array.
assert_type(np.sort(x, axis=None), np.ndarray)
assert_type(np.argsort(x, axis=None), np.ndarray)
assert_type(np.partition(x, 1, axis=None), np.ndarray)
assert_type(np.argpartition(x, 1, axis=None), np.ndarray)
assert_type(np.concatenate([x, x], axis=None), np.ndarray)
assert_type(np.concat([x, x], axis=None), np.ndarray)
assert_type(np.take_along_axis(x, np.argsort(x, axis=None), axis=None), np.ndarray)
np.put_along_axis(x * 1, np.argsort(x, axis=None), 0, axis=None)
assert_type(np.zeros(3, dtype=None), np.ndarray)
assert_type(np.eye(3, dtype=None), np.ndarray)
assert_type(x.tobytes(order=None), bytes)

# The rest of the package.
@customop("numpy")
def cube(a: Any) -> Any:
    return a**3


assert_type(cube, Primitive)
assert_type(cpu(), Context)
assert_type(current_context().memory_stats(), dict[str, int])
with minpy.use_policy("prefer_device"), minpy.profile() as p:
    np.exp(x)
assert_type(p, minpy.profile)
assert_type(str(p), str)
assert_type([(at.source, at.python) for at in p.lines], list[tuple[str, float]])
assert_type((p.groups[0].kind, p.explained, p.html()), tuple[str, float, str])
minpy.install("src")
minpy.uninstall()
assert_type(minpy.devices(), list[Context])
assert_type(minpy.get_num_threads(), int)
net = sym.Activation(sym.FullyConnected(sym.Variable("x"), num_hidden=4), act_type="tanh")
assert_type(net, sym.Symbol)
assert_type(net.list_arguments(), list[str])
assert_type(net.simple_bind(cpu(), x=(2, 3)).forward(), list[np.ndarray])
assert_type(Function(net, input_shapes={"x": (2, 3)}), Function)
