"""Floating-point exceptions: NumPy's warnings, errors and calls, with NumPy as the oracle.

What a call meets is compared for every ufunc of the table over special values and dtypes; names, places and modes for what is made
of several operations, waits, runs on threads or under a mask.
"""
import itertools
import threading
import warnings

import numpy
import pytest

import minpy.numpy as np
from minpy.core import grad

INF, NAN = float("inf"), float("nan")
REAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, INF, -INF, NAN, "max", "-max", "tiny", "-tiny", "sub", 100.0, -100.0, 1000.0, -1000.0]
UFUNCS = sorted(
    name for name in dir(np) if isinstance(getattr(numpy, name, None), numpy.ufunc) and type(getattr(np, name)) is type(np.add)
)
# SVML's power tells of an infinite exponent of these, which no rule asks for.
ODD_POWERS = {"power", "pow", "float_power"}
LARGE = 100_000


@pytest.fixture(autouse=True)
def usual():
    """The state that programs begin with; other tests ignore all."""
    with numpy.errstate(divide="warn", over="warn", invalid="warn", under="ignore"):
        yield


def special(dtype):
    """Special values of a dtype."""
    d = numpy.dtype(dtype)
    if d.kind == "b":
        return [False, True]
    if d.kind in "iu":
        i = numpy.iinfo(d)
        return sorted({0, 1, 2, 5, int(i.max), int(i.min)} | ({-1, -3} if d.kind == "i" else set()))
    f = numpy.finfo(d)
    named = {"max": f.max, "tiny": f.tiny, "sub": f.smallest_subnormal}
    values = [(-named[v[1:]] if v[0] == "-" else named[v]) if isinstance(v, str) else v for v in REAL]
    if d.kind == "c":
        # Of NaN and infinity NumPy tells by how its compiler compares: not those.
        few = [0.0, -0.0, 1.0, -2.5, float(f.tiny)]
        return [complex(x, y) for x in few for y in few]
    return values


def met(f, *args, **kwargs):
    """The names of what a call meets."""
    found = set()
    with numpy.errstate(all="call", under="ignore", call=lambda kind, flags: found.add(kind)):
        f(*args, **kwargs)
    return found


def told(f, *args, **kwargs):
    """The texts of the warnings of a call, in order."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = f(*args, **kwargs)
        if hasattr(result, "dtype"):
            numpy.asarray(result)
    return [str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)]


@pytest.mark.parametrize("name", UFUNCS)
def test_every_ufunc_meets_what_numpys_does(name):
    theirs, ours = getattr(numpy, name), getattr(np, name)
    if theirs.nin > 2 or theirs.signature:
        pytest.skip("no elementwise function of one or two arrays")
    wrong = []
    for dtype in "?bBhHiIlLefdFD":
        values = special(dtype)
        tuples = list(itertools.product(*[values if theirs.nin == 1 or len(values) < 20 else values[::3]] * theirs.nin))
        for args in tuples:
            try:
                want = met(theirs, *(numpy.full(1, x, dtype) for x in args))
            except (TypeError, ValueError):
                continue
            if name in ODD_POWERS and any(numpy.isinf(x) for x in args[1:]):
                continue
            have = met(ours, *(np.asarray(numpy.full(1, x, dtype)) for x in args))
            if want != have:
                wrong.append((dtype, args, want, have))
    assert not wrong, wrong[:5]


LENGTHS = [*range(1, 10), 16, 33, 1000, LARGE]


@pytest.mark.parametrize("name", ["divide", "add", "sqrt", "log", "log1p", "exp", "arctanh", "arccosh", "power", "floor_divide", "remainder",
                                  "multiply", "maximum", "less", "sign", "hypot", "tanh", "sin", "rint", "logaddexp"])
@pytest.mark.parametrize("dtype", ["f", "d", "i"])
def test_lengths_and_layouts(name, dtype):
    """One odd element among ordinary ones, wherever it is; and none of the loops' own making."""
    theirs, ours = getattr(numpy, name), getattr(np, name)
    odd = {"f": [0.0, -1.0, INF, NAN, 3e38], "d": [0.0, -1.0, INF, NAN, 1e308], "i": [0, -1]}[dtype]
    if name == "power" and dtype == "i":
        pytest.skip("no negative powers of integers")
    for n in LENGTHS:
        for layout in ("plain", "strided", "reversed"):
            for x in [None, *odd]:
                base = numpy.full(2 * n if layout == "strided" else n, 1, dtype)
                if x is not None:
                    base[(n // 2) * (2 if layout == "strided" else 1)] = x
                view = {"plain": slice(None), "strided": slice(None, None, 2), "reversed": slice(None, None, -1)}[layout]
                given = [base[view]] * theirs.nin
                want = met(theirs, *given)
                have = met(lambda *a: ours(*a).asnumpy(), *[np.asarray(base)[view]] * theirs.nin)
                assert want == have, (n, layout, x)


def same(statement, **names):
    """Both give the same warnings, in one order."""
    def run(module):
        return told(lambda: eval(statement, {"np": module, "A": module.array, "inf": INF, "nan": NAN, "big": module.ones(LARGE), **names}))
    want = run(numpy)
    assert run(np) == want
    return want


@pytest.mark.parametrize("statement", [
    "A([1., 0.]) / 0", "A([1., 0., 1e300]) / A([0., 0., 1e-300])", "A([1, 2]) // 0", "divmod(A([1]), A([0]))", "5 // A([0])",
    "A([-128], dtype='i1') // A([-1], dtype='i1')", "A([-128], dtype='i1') % A([-1], dtype='i1')",
    "A([0.]) ** -1", "A([1e200]) ** 2", "A([-1.]) ** .5", "np.reciprocal(A([0]))",
    "np.sum(A([1e308, 1e308]))", "np.sum(A([inf, -inf]))", "np.prod(A([1e308, 1e308]))", "np.cumsum(A([1e308, 1e308]))",
    "np.add.reduce(A([1e308, 1e308]))", "np.add.accumulate(A([1e308, 1e308]))", "np.multiply.reduce(A([1e308, 1e308]))",
    "np.sum(np.full((300, 300), 1e308), axis=0)", "np.sum(np.full((300, 300), 1e200) ** 2, axis=1)",
    "np.max(A([nan, 1.] * 50000))", "np.max(np.exp(A([nan, 1.] * 50000)))", "np.min(A([nan]))", "np.sort(A([nan, 1.]))",
    "np.mean(A([]))", "np.mean(np.zeros((0, 3)), axis=0)", "np.var(A([1.]), ddof=1)", "np.var(A([[1.]]), ddof=1, axis=0)", "np.var(A([1., inf]))",
    "np.std(A([1e308, -1e308]))", "np.mean(A([1e308, 1e308]))",
    "np.dot(A([inf, 1.]), A([0., 1.]))", "A([inf, 1.]) @ A([0., 1.])", "np.inner(A([inf, 1.]), A([0., 1.]))", "np.vdot(A([inf, 1.]), A([0., 1.]))",
    "np.dot(np.full((164, 164), 1e300), np.full((164, 164), 1e300))", "np.full((164, 164), 1e300) @ np.full((164, 164), 1e300)",
    "np.maximum(np.full((164, 164), 1e300) @ np.full((164, 164), 1e300) + 1, 0)",
    "A([nan, 1.]).astype(int)", "A([1e300]).astype('f')", "A([3e9]).astype('i4')", "A([3e9]).astype('u4')", "A([1e20]).astype('u8')",
    "A([300.]).astype('i1')", "A([-1.]).astype('u1')", "A([1e6]).astype('e')", "A([100000]).astype('e')", "A([nan]).astype(bool)",
    "A([1.], dtype='f') + 1e300", "np.full(2, 1e300, dtype='f')", "np.array([1e300], dtype='f')", "np.copyto(np.zeros(1, 'f'), A([1e300]), casting='same_kind')",
    "np.add.at(A([1e308]), [0, 0], 1e308)", "np.add(A([1e300]), A([1e300]), out=np.zeros(1, 'f'), casting='same_kind')",
    "np.divide(A([1., 1.]), A([0., 1.]), out=A([0., 0.]), where=A([False, True]))", "np.log(A([0., 1.]), where=A([False, True]), out=A([0., 0.]))",
    "np.arctanh(big, where=big > 1, out=big * 0)", "np.divide(big, big * 0, where=big > 2, out=big * 0)",
    "np.divmod(A([1., 0.]), A([0., 0.]), where=A([True, False]), out=(A([0., 0.]), A([0., 0.])))", "np.divmod(A([1., 0.]), A([1., 0.]), where=A([True, False]), out=(A([0., 0.]), A([0., 0.])))",
    "np.divmod(A([1, 1]), A([1, 0]), where=A([True, False]), out=(A([0, 0]), A([0, 0])))", "np.divmod(A([1, 1]), A([1, 0]), where=A([False, True]), out=(A([0, 0]), A([0, 0])))",
    "np.divmod(A([1., 1.]), 0., where=A([False, False]), out=(A([0., 0.]), A([0., 0.])))", "np.divmod(A([1., 1.]), 0., where=A([False, True]), out=(A([0., 0.]), A([0., 0.])))",
    "np.divmod(0. * big, 0. * big, where=big > 1, out=(0. * big, 0. * big))", "np.divmod(0. * big, 0. * big, where=big > 9, out=(0. * big, 0. * big))",
    "np.floor_divide(A([1, 1]), A([0, 1]), where=A([False, True]), out=A([0, 0]))", "np.divide(A([1., 1.]), A([0., 1.]), out=A([0., 0.]), where=A([True, False]))",
    "A([1.]).sum() / 0", "np.divide(A([1.]).sum(), 0)", "A([1.]).sum() * 1e308 * 1e308",
    "np.isclose(A([inf, 1.]), A([inf, nan]))", "np.modf(A([inf, nan]))", "np.frexp(A([inf, nan]))", "np.clip(A([nan]), 0, 1)",
    "A([nan]) < A([1.])", "A([nan]) == A([nan])", "np.floor(A([nan, inf]))", "np.heaviside(A([nan]), 0)",
    "A([60000.], dtype='e') + A([60000.], dtype='e')", "np.exp(A([12.], dtype='e'))", "np.zeros(129) / 5e-324",
    # Those that wait, and run together.
    "big / 0", "(big / 0) - (big / 0)", "np.log(big * 0) + 1", "(big * 1e308 + 1e308) * 0", "np.sum(np.sqrt(big - 2))", "big * 1e308 * 10 + 1",
    "np.mean(big * 1e308)", "(big * nan).astype(int)", "(big * 1e300).astype('f')", "np.exp(big * 1000).sum()", "np.maximum(big * nan, np.exp(big))",
])
def test_statements(statement):
    same(statement)


def test_no_dimensions_are_no_scalar(at_once):
    if not at_once:
        pytest.skip("what waits is told of as a scalar's where it has no dimensions")
    same("A(1.) / 0")


def test_softmax_of_infinities():
    def soft(m):
        x = m.full((1000, 100), 1e308) * 10
        e = m.exp(x - x.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
    assert told(soft, np) == told(soft, numpy) == ["overflow encountered in multiply", "invalid value encountered in subtract"]


def test_written_elements():
    def run(m):
        x = m.zeros(3, "f")
        x[0] = 1e300
        x[:] = 1e300
        x[:2] = m.array([1e300, 1.0])
    assert told(run, np) == told(run, numpy) == ["overflow encountered in cast"] * 3


def test_in_place():
    def run(m):
        x = m.full(LARGE, 1e308)
        x += x
        x -= x
        i = m.arange(4)
        i //= 0
        return i
    assert told(run, np) == told(run, numpy)


def test_the_line_is_the_users(at_once):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        np.ones(3) / 0
        a = np.ones(LARGE) / 0
        a[0]
        np.sqrt(np.array([-1.0]))
        np.dot(np.array([INF]), np.array([0.0]))
        np.nanmean(np.array([NAN]))
    first = test_the_line_is_the_users.__code__.co_firstlineno
    places = [(w.filename, w.lineno - first) for w in caught[:-1]]
    # What waits tells of it where its value is asked for.
    assert places == [(__file__, line) for line in ([3, 5, 6, 7] if at_once else [5])]
    assert [str(w.message) for w in caught][-1] == "Mean of empty slice"


@pytest.mark.parametrize("n", [3, LARGE])
def test_modes(n, capsys):
    x, zero = np.ones(n), np.zeros(n)

    class Log:
        text = ""

        def write(self, text):
            self.text += text

    calls, log = [], Log()
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError, match=r"^divide by zero encountered in divide$"):
        x / zero
    with np.errstate(divide="call", call=lambda *a: calls.append(a)):
        x / zero
    assert calls == [("divide by zero", 1)]
    with np.errstate(divide="log", call=log):
        x / zero
    assert log.text == "Warning: divide by zero encountered in divide\n"
    with np.errstate(divide="print"):
        x / zero
    assert capsys.readouterr().err == "Warning: divide by zero encountered in divide\n"
    with np.errstate(all="ignore"):
        assert told(lambda: x / zero) == []
    with np.errstate(divide="call", call=None), pytest.raises(NameError):
        x / zero
    # What was raised leaves nothing behind.
    assert told(lambda: x + x) == []


def test_the_state_is_that_of_the_writing():
    def run(m):
        x, zero = m.ones(LARGE), m.zeros(LARGE)
        with m.errstate(divide="ignore"):
            a = x / zero
        b = m.where(x > 2, a, 0.0)
        with m.errstate(all="warn", under="ignore"):
            c = zero / zero
        with m.errstate(all="ignore"):
            return b.sum(), float(c[0])
    assert told(run, np) == told(run, numpy) == ["invalid value encountered in divide"]


def test_errors_come_from_the_statement():
    x, zero = np.ones(LARGE), np.zeros(LARGE)
    with np.errstate(all="raise"):
        y = x * 2 + 1
        with pytest.raises(FloatingPointError, match="divide by zero encountered in divide"):
            x / zero
        assert y[0] == 3
        z = np.full(LARGE, 1e308)
        with pytest.raises(FloatingPointError, match="overflow encountered in multiply"):
            z * 10


def test_a_filter_that_raises(at_once):
    x, zero = np.ones(LARGE), np.zeros(LARGE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="divide by zero encountered in divide"):
            np.ones(3) / 0 if at_once else (np.ones(3) / 0)[0]
        y = x / zero
        with pytest.raises(RuntimeWarning, match="divide by zero encountered in divide"):
            y[0]
        # It was computed, and is told of once.
        assert y[0] == INF
        a = np.ones(3)
        with pytest.raises(RuntimeWarning):
            a /= 0
            assert at_once or a[0]
        assert a.tolist() == [INF] * 3


def test_underflow_is_told_of_where_it_is_asked_for():
    tiny = numpy.finfo("d").tiny
    for statement in ("np.array([tiny]) / 1e10", "np.exp(np.array([-1000.0]))", "np.array([1e-200]) ** 2", "np.array([1e-40]).astype('f')",
                      "np.full(LARGE, tiny) * 0.01"):
        for under in ("ignore", "warn"):
            def run(m, statement=statement):
                return eval(statement, {"np": m, "tiny": tiny, "LARGE": LARGE})
            with np.errstate(under=under):
                assert told(run, np) == told(run, numpy), statement


def test_what_nobody_asks_for_is_not_computed():
    def run(m):
        m.ones(LARGE) / 0
    assert told(run, np) == [] and told(run, numpy) == ["divide by zero encountered in divide"]


def test_threads_of_python():
    """Each tells of its own."""
    def work(k, out):
        with np.errstate(divide="call", invalid="call", call=lambda kind, flags: out.append(kind)):
            for _ in range(50):
                if k % 2:
                    np.ones(3000) / 0
                else:
                    np.zeros(LARGE) / 0
    results = [[] for _ in range(4)]
    threads = [threading.Thread(target=work, args=(k, out)) for k, out in enumerate(results)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [[("divide by zero" if k % 2 else "invalid value")] * 50 for k in range(4)]


def test_fallbacks_tell_once():
    assert told(lambda: np.nanvar(np.array([[NAN]]), axis=1)) == told(lambda: numpy.nanvar(numpy.array([[NAN]]), axis=1))
    assert told(lambda: np.nanstd(np.array([NAN]))) == told(lambda: numpy.nanstd(numpy.array([NAN])))


def test_gradients_tell_too():
    def loss(x):
        return np.sum(np.sqrt(x))
    assert told(lambda: grad(loss)(np.array([-1.0, 4.0]))) == ["invalid value encountered in sqrt"]
    backward = told(lambda: grad(loss)(np.array([0.0, 4.0])))
    assert backward == ["divide by zero encountered in divide"]


def test_a_quiet_device_stays_quiet_about_its_inner_workings():
    """Ordinary numbers meet nothing, however they lie, in any function."""
    with np.errstate(all="raise", under="ignore"):
        for n in (1, 7, 15, 17, 1000, 4099):
            for dtype in ("f", "d", "e"):
                x = np.asarray(numpy.linspace(0.1, 0.9, n).astype(dtype))
                for name in UFUNCS:
                    f = getattr(numpy, name)
                    if f.signature or f.nin > 2 or "d" not in "".join(f.types) or name in ("arccosh", "acosh", "ldexp"):
                        continue
                    getattr(np, name)(*[x] * f.nin)
