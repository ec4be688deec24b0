"""What is computed of a matrix product, element by element, runs inside the product: right for every shape, and one kernel where a
device has that form."""
import numpy
import pytest

import minpy
import minpy.numpy as np


def values(*shape, dtype="float32"):
    return numpy.random.default_rng(sum(shape)).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex64"])
@pytest.mark.parametrize("shape", [(64, 64, 64), (1, 200, 300), (130, 7, 65), (33, 129, 1), (0, 5, 4), (5, 0, 4)])
def test_results(device, shape, dtype):
    m, k, n = shape
    x, w, b = (values(*s).astype(dtype) for s in [(m, k), (k, n), (n,)])
    X, W, B = map(np.array, (x, w, b))
    tolerance = dict(rtol=1e-4, atol=1e-4)
    numpy.testing.assert_allclose((np.dot(X, W) + B).asnumpy(), x @ w + b, **tolerance)
    numpy.testing.assert_allclose(((X @ W) * 2 - B).asnumpy(), (x @ w) * 2 - b, **tolerance)
    if dtype != "complex64":
        numpy.testing.assert_allclose(np.maximum(np.dot(X, W) + B, 0).asnumpy(), numpy.maximum(x @ w + b, 0), **tolerance)


def test_operands_in_any_order(device):
    x, w, c = values(96, 80), values(96, 112), values(112, 80)
    X, W, C = map(np.array, (x, w, c))
    numpy.testing.assert_allclose((np.dot(X.T, W) + C.T).asnumpy(), x.T @ w + c.T, rtol=1e-4, atol=1e-4)
    numpy.testing.assert_allclose((np.dot(X.T, W).T + C).asnumpy(), (x.T @ w).T + c, rtol=1e-4, atol=1e-4)
    numpy.testing.assert_allclose((np.dot(X.T[::2], W[:, ::-1]) - 1).asnumpy(), x.T[::2] @ w[:, ::-1] - 1, rtol=1e-4, atol=1e-4)
    v = np.array(values(112))
    numpy.testing.assert_allclose(np.tanh(np.dot(W, v)).asnumpy(), numpy.tanh(w @ v.asnumpy()), rtol=1e-4, atol=1e-4)


def test_one_kernel(device):
    x, w, b = (np.array(values(*s)) for s in [(128, 128), (128, 128), (128,)])
    minpy.flush()
    with minpy.profile() as p:
        y = np.maximum(np.dot(x, w) + b, 0)
        y.asnumpy()
    ran = [line for line in str(p).splitlines() if " on " in line and "copy:" not in line]
    assert len(ran) == 1 and "epilogue: dot(matmul)+add+maximum" in ran[0], str(p)
