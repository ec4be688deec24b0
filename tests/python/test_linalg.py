"""`np.linalg`, as far as it is computed here: residuals and NumPy's values at sizes around those where the algorithms change, stacks, errors."""
import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy.core import grad

# Around the lengths at which columns, rows and triangles are halved; 96 has rows with a pitch of their own.
SIZES = [0, 1, 2, 3, 8, 9, 16, 17, 33, 64, 96, 130]
DTYPES = ["float32", "float64", "complex64", "complex128"]
EPS = {d: numpy.finfo(d).eps for d in DTYPES}


def matrix(n, dtype, seed=0, lead=()):
    rng = numpy.random.default_rng(seed)
    a = rng.standard_normal((*lead, n, n))
    if dtype.startswith("complex"):
        a = a + 1j * rng.standard_normal(a.shape)
    return a.astype(dtype)


def definite(n, dtype, lead=()):
    a = matrix(n, dtype, 1, lead)
    return (a @ a.conj().swapaxes(-1, -2) + n * numpy.eye(n, dtype=dtype)).astype(dtype)


def small(difference, scale, n, dtype):
    """Within what rounding explains: a few units in the last place for each row."""
    assert difference.size == 0 or numpy.abs(difference).max() <= 8 * max(n, 1) * EPS[dtype] * scale


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_residuals(n, dtype):
    a, b = matrix(n, dtype), matrix(n, dtype, 5)[:, : (n + 1) // 2]
    biggest = max(1.0, *numpy.abs(a).ravel()) if n else 1.0
    x, inverse = np.linalg.solve(np.array(a), np.array(b)), np.linalg.inv(np.array(a))
    assert x.dtype == inverse.dtype == dtype and x.shape == b.shape
    scale = n * biggest * max(1.0, *numpy.abs(x.asnumpy()).ravel()) if x.size else 1.0
    small(a @ x.asnumpy() - b, scale, n, dtype)
    scale = n * biggest * max(1.0, *numpy.abs(inverse.asnumpy()).ravel()) if n else 1.0
    small(a @ inverse.asnumpy() - numpy.eye(n), scale, n, dtype)
    s = definite(n, dtype)
    lower, upper = np.linalg.cholesky(np.array(s)).asnumpy(), np.linalg.cholesky(np.array(s), upper=True).asnumpy()
    assert lower.dtype == upper.dtype == dtype
    biggest = max(1.0, *numpy.abs(s).ravel()) if n else 1.0
    small(lower @ lower.conj().T - s, biggest, n, dtype)
    small(upper.conj().T @ upper - s, biggest, n, dtype)
    assert (lower == numpy.tril(lower)).all() and (upper == numpy.triu(upper)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_determinants(n, dtype):
    a = matrix(n, dtype, 2)
    ours, theirs = np.linalg.slogdet(np.array(a)), numpy.linalg.slogdet(a)
    assert ours.sign.dtype == theirs.sign.dtype and ours.logabsdet.dtype == theirs.logabsdet.dtype
    tolerance = 64 * max(n, 1) * numpy.finfo("float64").eps if EPS[dtype] < 1e-10 else 1e-5
    numpy.testing.assert_allclose(ours.sign, theirs.sign, atol=tolerance * 4)
    numpy.testing.assert_allclose(ours.logabsdet, theirs.logabsdet, rtol=tolerance, atol=tolerance)
    if n < 40:
        numpy.testing.assert_allclose(np.linalg.det(np.array(a)), numpy.linalg.det(a), rtol=max(tolerance * 8, 1e-11))


def test_rows_are_exchanged():
    a = np.array([[0.0, 2.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 3.0]])
    assert np.linalg.det(a) == pytest.approx(-6)
    assert np.linalg.solve(a, np.array([5.0, 1.0, 3.0])).tolist() == [1, 2, 1]


def test_stacks_views_and_targets():
    a, b = matrix(3, "float64", lead=(2, 1)), matrix(3, "float64", 7, (4,))
    numpy.testing.assert_allclose(np.linalg.solve(np.array(a), np.array(b)), numpy.linalg.solve(a, b), rtol=1e-11)
    turned = np.array(b).transpose(0, 2, 1)[::-1]
    numpy.testing.assert_allclose(np.linalg.inv(turned), numpy.linalg.inv(b.transpose(0, 2, 1)[::-1]), rtol=1e-11)
    assert np.linalg.det(turned).shape == (4,) and np.linalg.inv(np.zeros((0, 3, 3))).shape == (0, 3, 3)


BAD = {
    "singular": lambda m: m.linalg.inv(m.zeros((2, 2))), "one of a stack": lambda m: m.linalg.solve(m.stack([m.eye(2), m.ones((2, 2))]), m.ones((2, 2, 1))),
    "not square": lambda m: m.linalg.inv(m.zeros((2, 3))), "a vector": lambda m: m.linalg.det(m.ones(3)), "too short": lambda m: m.linalg.solve(m.eye(3), m.ones(2)),
    "float16": lambda m: m.linalg.inv(m.eye(2, dtype="float16")), "indefinite": lambda m: m.linalg.cholesky(-m.eye(3)),
    "singular power": lambda m: m.linalg.matrix_power(m.zeros((2, 2)), -1),
    "half a power": lambda m: m.linalg.matrix_power(m.eye(2), 1.5), "one matrix": lambda m: m.linalg.multi_dot([m.eye(2)]), "matrices": lambda m: m.linalg.outer(m.eye(2), m.eye(2)),
}


@pytest.mark.parametrize("what", BAD)
def test_errors(what):
    with pytest.raises(Exception) as theirs:
        BAD[what](numpy)
    with pytest.raises(type(theirs.value)) as ours:
        BAD[what](np)
    assert str(ours.value) == str(theirs.value)


def test_nan_is_no_error_and_no_warning(recwarn):
    a = np.full((2, 2), np.nan)
    assert np.isnan(np.linalg.inv(a)).all() and np.isnan(np.linalg.solve(a, np.ones(2))).all()
    numpy.testing.assert_array_equal(np.linalg.cholesky(a), numpy.linalg.cholesky(a.asnumpy()))
    assert not recwarn.list


def test_nothing_runs_in_numpy():
    a = np.array(definite(4, "float32"))
    before = minpy.fallback_count()
    np.linalg.solve(a, a), np.linalg.inv(a), np.linalg.det(a), np.linalg.slogdet(a), np.linalg.cholesky(a), np.linalg.matrix_power(a, -3), np.linalg.multi_dot([a, a, a])
    assert minpy.fallback_count() == before


def test_gradients_of_one_triangle():
    """Cholesky reads one triangle: the gradient is there, and its symmetric part is that of a function of symmetric matrices."""
    a = np.array(definite(3, "float64"))
    g = grad(lambda a: np.sum(np.log(np.diag(np.linalg.cholesky(a)))) * 2)(a).asnumpy()
    assert (g == numpy.tril(g)).all()
    numpy.testing.assert_allclose((g + g.T) / 2, numpy.linalg.inv(a.asnumpy()), rtol=1e-12)
    whole = grad(lambda a: np.linalg.slogdet(a).logabsdet)(a).asnumpy()
    numpy.testing.assert_allclose(whole, numpy.linalg.inv(a.asnumpy()).T, rtol=1e-12)


def test_other_devices(device):
    a = np.array(definite(3, "float64")).as_in_context(device)
    x = np.linalg.solve(a, np.linalg.inv(a))
    assert x.context == device
    numpy.testing.assert_allclose(x.asnumpy(), numpy.linalg.solve(a.asnumpy(), numpy.linalg.inv(a.asnumpy())), rtol=1e-11)
