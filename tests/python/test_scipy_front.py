"""`minpy.scipy`: values against SciPy, gradients of both modes to second order against differences."""
import importlib
import subprocess
import sys

import numpy
import pytest

import minpy.numpy as np
from minpy.autograd import grad, jacobian
from minpy.autograd.test_util import check_grads
from minpy.core import NoGradientFuncError

scipy = pytest.importorskip("scipy")

P, Q = numpy.array([0.3, 0.7, 1.9]), numpy.array([1.4, 0.6, 2.2])
U = numpy.array([0.2, 0.55, 0.9])
X = numpy.array([-1.3, 0.4, 2.1])
MODES = ("fwd", "rev")


@pytest.fixture(autouse=True)
def seed():
    np.random.seed(5)


def ours(name):
    return importlib.import_module("minpy.scipy." + name)


def theirs(name):
    return importlib.import_module("scipy." + name)


def near(found, wanted, rtol=1e-12, atol=1e-13):
    found, wanted = numpy.asarray(found), numpy.asarray(wanted)
    assert found.shape == wanted.shape
    numpy.testing.assert_allclose(found, wanted, rtol=rtol, atol=atol)


# name, arguments, numbers of those that have gradients
SPECIAL = [
    ("gamma", (P,), 0), ("gammaln", (P,), 0), ("rgamma", (P,), 0), ("digamma", (P,), 0), ("psi", (P,), 0), ("polygamma", (2, P), 1),
    ("gammainc", (Q, P), 1), ("gammaincc", (Q, P), 1), ("multigammaln", (P + 2, 3), 0), ("beta", (P, Q), (0, 1)), ("betaln", (P, Q), (0, 1)),
    ("betainc", (P, Q, U), 2), ("erf", (X,), 0), ("erfc", (X,), 0), ("erfcx", (X,), 0), ("erfinv", (U,), 0), ("erfcinv", (U,), 0),
    ("ndtr", (X,), 0), ("ndtri", (U,), 0), ("log_ndtr", (X,), 0), ("expit", (X,), 0), ("logit", (U,), 0), ("log_expit", (X,), 0),
    ("xlogy", (P, Q), (0, 1)), ("xlog1py", (P, Q), (0, 1)), ("entr", (P,), 0), ("rel_entr", (P, Q), (0, 1)), ("kl_div", (P, Q), (0, 1)),
    ("j0", (P,), 0), ("j1", (P,), 0), ("jn", (2, P), 1), ("jv", (1.5, P), 1), ("y0", (P,), 0), ("y1", (P,), 0), ("yn", (2, P), 1), ("i0", (P,), 0),
    ("i1", (P,), 0), ("iv", (1.5, P), 1), ("ive", (2, P), 1),
    ("logsumexp", (X,), 0), ("softmax", (X,), 0), ("log_softmax", (X,), 0),
]


@pytest.mark.parametrize("name, args, argnum", SPECIAL, ids=[case[0] for case in SPECIAL])
def test_special(name, args, argnum):
    f = getattr(ours("special"), name)
    near(f(*args), getattr(theirs("special"), name)(*args), 1e-11)
    check_grads(f, argnum, modes=MODES)(*args)
    one = tuple(a[0] if isinstance(a, numpy.ndarray) else a for a in args)
    near(f(*one), getattr(theirs("special"), name)(*one), 1e-11)
    check_grads(f, argnum, modes=MODES)(*(float(a) if isinstance(a, numpy.generic) else a for a in one))


def test_special_names_and_edges():
    special = ours("special")
    for name in special.__all__:
        assert callable(getattr(special, name))
    assert special.xlogy(0.0, 0.0) == 0 and special.gammasgn(-0.5) == -1
    near(special.erf(numpy.array([0.3 + 1j])), theirs("special").erf(numpy.array([0.3 + 1j])))
    near(special.expit(numpy.array([-800.0, 800.0])), [0, 1])
    check_grads(special.erf)(numpy.array([0.3 + 1j, -0.2j]))
    check_grads(special.expit)(numpy.array([0.3 + 1j, -0.2j]))
    check_grads(special.beta, (0, 1))(numpy.array([[0.7], [1.3]]), Q)  # broadcast
    assert grad(lambda x: special.gammasgn(x) * x)(2.0) == 1
    # What has no rule is SciPy's, and says so where it is differentiated.
    near(special.zeta(2.0, 1.0), theirs("special").zeta(2.0, 1.0))
    with pytest.raises(NoGradientFuncError, match="zeta"):
        grad(special.zeta)(2.0, 1.0)
    with pytest.raises(NoGradientFuncError, match="gammainc"):
        grad(special.gammainc)(2.0, 1.0)
    with pytest.raises(AttributeError):
        special.nothing_of_the_kind  # noqa: B018


def test_logsumexp():
    f, g = ours("special").logsumexp, theirs("special").logsumexp
    a = numpy.array([[1.0, 800.0, -2.0], [0.3, 2.0, 1.0]])
    for axis in (None, 0, 1, -1, (0, 1)):
        for keepdims in (False, True):
            near(f(a, axis=axis, keepdims=keepdims), g(a, axis=axis, keepdims=keepdims))
            check_grads(lambda x: f(x, axis=axis, keepdims=keepdims))(a / 100)
    near(f(a, 1, b=numpy.array([1.0, 2.0, 3.0])), g(a, 1, b=numpy.array([1.0, 2.0, 3.0])))
    check_grads(lambda x, b: f(x, 1, b), (0, 1))(a / 100, numpy.array([1.0, 2.0, 3.0]))
    with numpy.errstate(all="ignore"):
        assert f(numpy.array([-numpy.inf, -numpy.inf])) == -numpy.inf and f(numpy.array([1.0, numpy.inf])) == numpy.inf
    near(f(numpy.array([1.0, 2.0]), b=numpy.array([1.0, -1.0]), return_sign=True), g(numpy.array([1.0, 2.0]), b=numpy.array([1.0, -1.0]), return_sign=True))
    near(f(3.0), 3.0)


# module, parameters before loc and scale, numbers of arguments with gradients of the density, where
FAMILIES = [
    ("norm", (), (), X), ("t", (Q + 1,), (1,), X), ("gamma", (Q,), (1,), P), ("chi2", (Q + 1,), (1,), P), ("beta", (P + 1, Q), (1, 2), U),
]


@pytest.mark.parametrize("name, shapes, numbers, x", FAMILIES, ids=[case[0] for case in FAMILIES])
def test_distributions(name, shapes, numbers, x):
    module, distribution = ours("stats." + name), getattr(theirs("stats"), name)
    for function in ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"):
        f, g = getattr(module, function), getattr(distribution, function)
        near(f(x, *shapes), g(x, *shapes), 1e-10)
        near(f(x * 2 + 0.5, *shapes, 0.5, 2.0), g(x * 2 + 0.5, *shapes, 0.5, 2.0), 1e-10)
        near(f(x * 2 + 0.5, *shapes, scale=2.0, loc=0.5), g(x * 2 + 0.5, *shapes, 0.5, 2.0), 1e-10)
        density = function in ("pdf", "logpdf")
        check_grads(f, (0, *(numbers if density else ())), modes=MODES)(x, *shapes)
        n = 1 + len(shapes)
        check_grads(f, (0, n, n + 1), modes=MODES)(x * 2 + 0.5, *shapes, 0.5, 2.0)
        if shapes and not density:
            with pytest.raises(NoGradientFuncError):
                grad(f, 1)(float(x[0]), *[float(s[0]) for s in shapes])
        with pytest.raises(TypeError):
            f(x, *shapes, 1.0, 2.0, 3.0)


def test_outside_of_the_support():
    for name, args in (("gamma", (2.0,)), ("chi2", (3.0,)), ("beta", (2.0, 1.5))):
        module = ours("stats." + name)
        x = numpy.array([-1.0, 0.5])
        assert module.pdf(x, *args)[0] == 0 and module.logpdf(x, *args)[0] == -numpy.inf
        numbers = tuple(range(1 + len(args)))
        for f in (module.pdf, module.logpdf):
            for g in jacobian(f)(x, *args)[0], *grad(lambda *a: f(*a)[1], numbers)(x, *args):
                assert numpy.isfinite(numpy.asarray(g)).all()
            assert jacobian(f)(x, *args)[0][0] == 0


def test_poisson():
    module, distribution = ours("stats.poisson"), theirs("stats").poisson
    k, mu = numpy.array([0, 3, 5]), numpy.array([0.7, 2.2, 6.1])
    for function in ("pmf", "logpmf", "cdf", "sf"):
        f = getattr(module, function)
        near(f(k, mu), getattr(distribution, function)(k, mu))
        near(f(k + 1, mu, 1), getattr(distribution, function)(k, mu))
        check_grads(f, 1, modes=MODES)(k, mu)
        check_grads(lambda m, f=f: f(k + 1, m, 1), modes=MODES)(mu)


def test_dirichlet():
    module, distribution = ours("stats.dirichlet"), theirs("stats").dirichlet
    alpha = numpy.array([1.3, 2.0, 0.7])
    x = numpy.array([[0.2, 0.5], [0.3, 0.1], [0.5, 0.4]])
    for function in ("pdf", "logpdf"):
        f, g = getattr(module, function), getattr(distribution, function)
        near(f(x, alpha), g(x, alpha))
        near(f(x[:, 0], alpha), g(x[:, 0], alpha))
        near(f(x[:-1], alpha), g(x[:-1], alpha))
        check_grads(f, 1, modes=MODES)(x, alpha)
        check_grads(f, (0, 1), modes=MODES)(x[:-1], alpha)
        check_grads(lambda y, a, f=f: f(y / np.sum(y), a), (0, 1), modes=MODES)(x[:, 0] * 3, alpha)
    with pytest.raises(ValueError):
        module.logpdf(numpy.array([0.9, 0.9, 0.9]), alpha)
    assert module.rvs(alpha).shape == (1, 3)


def test_multivariate_normal():
    module, distribution = ours("stats.multivariate_normal"), theirs("stats").multivariate_normal
    root = numpy.random.RandomState(1).randn(3, 3)
    cov, mean, x = root @ root.T + numpy.eye(3), numpy.array([0.3, -1.0, 0.2]), numpy.random.RandomState(2).randn(2, 3)
    for function in ("pdf", "logpdf"):
        f, g = getattr(module, function), getattr(distribution, function)
        for args in ((x, mean, cov), (x[0], mean, cov), (x, mean, 2.0), (x, mean, numpy.diag(cov)), (X, 0.5, 2.0), (0.3,), (x, mean, cov, True)):
            near(f(*args), g(*args), 1e-10)
        symmetric = lambda x, m, r, f=f: f(x, m, np.dot(r, r.T) + np.eye(3))
        check_grads(symmetric, (0, 1, 2), modes=MODES)(x, mean, root)
        check_grads(symmetric, (0, 1, 2), modes=MODES, order=1)(x[0], mean, root)
        check_grads(f, (0, 1), modes=MODES)(x, mean, cov)
        check_grads(lambda x, m, s, f=f: f(x, m, s**2), (0, 1, 2), modes=MODES)(X, 0.5, 1.3)
        check_grads(lambda x, m, f=f: f(x, m, cov, allow_singular=True), (0, 1), modes=MODES, order=1)(x, mean)
    near(module.entropy(mean, cov), distribution.entropy(mean, cov))
    check_grads(lambda r: module.entropy(mean, np.dot(r, r.T)), modes=MODES)(root)
    with pytest.raises(numpy.linalg.LinAlgError):
        module.logpdf(x, mean, numpy.zeros((3, 3)))


SQUARE = numpy.random.RandomState(3).randn(4, 4)
POSITIVE = SQUARE @ SQUARE.T + numpy.eye(4)


def test_matrix_functions():
    linalg, reference = ours("linalg"), theirs("linalg")
    near(linalg.sqrtm(POSITIVE), reference.sqrtm(POSITIVE))
    check_grads(linalg.sqrtm, modes=MODES)(POSITIVE)
    near(linalg.expm(SQUARE), reference.expm(SQUARE))
    check_grads(linalg.expm, modes=MODES)(SQUARE / 2)
    check_grads(linalg.expm, modes=MODES, order=1)(SQUARE[:2, :2] + 1j * SQUARE[2:, 2:])
    args = SQUARE, POSITIVE, SQUARE + 1
    near(linalg.solve_sylvester(*args), reference.solve_sylvester(*args))
    check_grads(linalg.solve_sylvester, (0, 1, 2), modes=MODES)(*args)
    near(linalg.inv(POSITIVE), reference.inv(POSITIVE))  # SciPy's, without a gradient
    with pytest.raises(NoGradientFuncError, match="inv"):
        grad(lambda a: np.sum(linalg.inv(a)))(POSITIVE)


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("trans", [0, 1, "N", "T", "C"])
@pytest.mark.parametrize("b", [SQUARE[0], SQUARE[:, :2]], ids=["vector", "matrix"])
def test_solve_triangular(lower, trans, b):
    f, g = ours("linalg").solve_triangular, theirs("linalg").solve_triangular
    for unit in (False, True):
        options = {"trans": trans, "lower": lower, "unit_diagonal": unit}
        near(f(POSITIVE, b, **options), g(POSITIVE, b, **options))
        check_grads(lambda a, b: f(a, b, **options), (0, 1), modes=MODES)(POSITIVE, b)
    z = POSITIVE + 1j * SQUARE
    near(f(z, b, trans=trans, lower=lower), g(z, b, trans=trans, lower=lower))
    check_grads(lambda a, b: f(a, b, trans=trans, lower=lower), (0, 1), modes=MODES, order=1)(z, b + 0.5j)


@pytest.mark.parametrize("widths", [(1, 1), (2, 1), (0, 2), (1, 0)])
def test_solve_banded(widths):
    f, g = ours("linalg").solve_banded, theirs("linalg").solve_banded
    n = 5
    ab = numpy.random.RandomState(4).randn(sum(widths) + 1, n)
    ab[widths[1]] += 4
    for b in (numpy.arange(1.0, n + 1), numpy.random.RandomState(5).randn(n, 2)):
        near(f(widths, ab, b), g(widths, ab, b))
        check_grads(lambda ab, b: f(widths, ab, b), (0, 1), modes=MODES)(ab, b)


def test_block_diag():
    f, g = ours("linalg").block_diag, theirs("linalg").block_diag
    blocks = [SQUARE[:2], numpy.array([1.0, 2.0]), 3.0, numpy.zeros((0, 2)), SQUARE[:, :1]]
    near(f(*blocks), g(*blocks))
    near(f(), g())
    assert f(numpy.ones((2, 2), "float32"), numpy.ones((1, 1), "float32")).dtype == "float32"
    check_grads(lambda a, b, c: f(a, b, c), (0, 1, 2), modes=MODES)(blocks[0], blocks[1], 3.0)


A, B = numpy.random.RandomState(6).randn(5, 4), numpy.random.RandomState(7).randn(3, 2)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_convolve(mode):
    f, g = ours("signal").convolve, theirs("signal").convolve
    for a, b in ((A, B), (A[:, 0], B[:, 0]), (A, A), (B, B[:2]), (A[:, 0], B[:1, 0])):
        near(f(a, b, mode=mode), g(a, b, mode=mode), 1e-9, 1e-12)
        check_grads(lambda a, b: f(a, b, mode=mode), (0, 1), modes=MODES)(a, b)
    if mode == "valid":
        near(f(B, A, mode=mode), g(B, A, mode=mode), 1e-9)
        with pytest.raises(ValueError):
            f(A, A.T, mode=mode)
    elif mode == "full":
        near(f(B, A, mode=mode), g(B, A, mode=mode), 1e-9)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_convolve_over_some_axes(mode):
    f, g = ours("signal").convolve, theirs("signal").convolve
    images, filters = numpy.random.RandomState(8).randn(2, 3, 6, 5), numpy.random.RandomState(9).randn(3, 4, 3, 2)
    found = f(images, filters, axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode=mode)
    wanted = numpy.array([[sum(g(images[i, c], filters[c, k], mode=mode) for c in range(3)) for k in range(4)] for i in range(2)])
    near(found, wanted, 1e-9, 1e-12)
    found = f(images[0], filters[0], axes=([2], [1]), mode=mode)  # nothing summed: the axes of both
    wanted = numpy.array([[[[g(images[0, c, h], filters[0, k, :, v], mode=mode) for v in range(2)] for k in range(4)] for h in range(6)] for c in range(3)])
    near(found, wanted, 1e-9, 1e-12)
    check_grads(lambda a, b: f(a, b, axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode=mode), (0, 1), modes=MODES)(images, filters)
    with pytest.raises(ValueError):
        f(A, B, mode="other")
    with pytest.raises(ValueError):
        f(A, B, axes=([0], [0, 1]))


def test_windows_under_a_tape():
    view = np.lib.stride_tricks.sliding_window_view
    for window, axis in ((2, 0), ((2, 3), None), ((2, 2), (0, 0)), (3, -1)):
        reference = numpy.lib.stride_tricks.sliding_window_view(A, window, axis)
        seen = []

        def f(x):
            w = view(x, window, axis)
            seen.append((w.shape, w.flags.writeable))
            return w**2
        near(f(np.array(A)), reference**2)
        check_grads(f, modes=MODES)(A)
        assert set(seen) == {(reference.shape, False)}
    with pytest.raises(ValueError):
        grad(lambda x: np.sum(view(x, 9, 0)))(A)
    with pytest.raises(ValueError):
        grad(lambda x: np.sum(view(x, (2, 2), 0)))(A)


def test_odeint():
    odeint, reference = ours("integrate").odeint, theirs("integrate").odeint

    def pendulum(y, t, length, drag):
        return np.array([y[1], -np.sin(y[0]) / length - drag * y[1] + 0.1 * t])
    y0, t = numpy.array([0.7, -0.2]), numpy.array([0.0, 0.3, 1.1])
    raw = lambda y, t, length, drag: [y[1], -numpy.sin(y[0]) / length - drag * y[1] + 0.1 * t]
    near(odeint(pendulum, y0, t, (1.3, 0.2)), reference(raw, y0, t, (1.3, 0.2)), 1e-6)
    near(odeint(lambda t, y, *p: pendulum(y, t, *p), y0, t, (1.3, 0.2), tfirst=True), reference(raw, y0, t, (1.3, 0.2)), 1e-6)
    tight = {"rtol": 1e-10, "atol": 1e-10}
    f = lambda y0, t, args: odeint(pendulum, y0, t, args, **tight)
    check_grads(f, (0, 1, 2), modes=["rev"], order=1)(y0, t, (1.3, 0.2))
    check_grads(f, (0, 1, 2), modes=["fwd"], order=1)(y0, t, (1.3, 0.2))
    # An array among the arguments, and the second order.
    decay = lambda y, t, rates: -rates * y
    f = lambda y0, rates: odeint(decay, y0, numpy.array([0.0, 1.0]), (rates,), **tight)[1]
    rates = numpy.array([0.5, 1.5])
    near(f(y0, rates), y0 * numpy.exp(-rates), 1e-7)
    near(jacobian(f)(y0, rates), numpy.diag(numpy.exp(-rates)), 1e-6, 1e-9)
    near(jacobian(f, 1)(y0, rates), numpy.diag(-y0 * numpy.exp(-rates)), 1e-6, 1e-9)
    near(grad(grad(lambda r: f(y0, np.array([r, 1.0]))[0]))(0.5), y0[0] * numpy.exp(-0.5), 1e-5)
    near(odeint(lambda y, t: -y, 1.0, numpy.array([0.0, 1.0])), reference(lambda y, t: -y, 1.0, numpy.array([0.0, 1.0])), 1e-6)


def test_on_devices(device):
    x = np.array(P.astype("float32"))
    for f in (ours("special").gammaln, ours("special").expit, ours("stats").norm.logpdf, ours("stats").norm.cdf):
        g = grad(lambda x, f=f: np.sum(f(x)))(x)
        assert f(x).context == device and g.context == device and g.dtype == "float32"


def test_without_scipy():
    """The message says what is missing, and what to do."""
    code = """
import sys
sys.modules["scipy"] = None
import minpy.scipy
for name in minpy.scipy.__all__:
    try:
        __import__("minpy.scipy." + name)
        print("imported", name)
    except ImportError as e:
        assert "needs SciPy: pip install scipy" in str(e), e
try:
    minpy.scipy.special
except ImportError as e:
    print("as told")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["imported signal", "as told"], done.stdout + done.stderr


def test_under_the_name_of_autograd():
    import minpy.autograd.scipy.stats.norm as norm
    from minpy.autograd.scipy import linalg, signal, special, stats
    from minpy.autograd.scipy.special import gammaln
    assert norm is ours("stats.norm") and special is ours("special") and gammaln is special.gammaln
    assert linalg is ours("linalg") and signal is ours("signal") and stats is ours("stats")
    code = ("import minpy.autograd\nminpy.autograd.install()\nimport autograd.scipy.stats.norm as norm, autograd.scipy.special\n"
            "from autograd.scipy.integrate import odeint\nimport minpy.scipy.stats.norm, minpy.scipy.integrate\n"
            "assert norm is minpy.scipy.stats.norm and odeint is minpy.scipy.integrate.odeint and autograd.scipy.special is minpy.scipy.special")
    subprocess.run([sys.executable, "-c", code], check=True)
