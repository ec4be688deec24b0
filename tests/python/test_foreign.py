"""Objects of others: what answers to protocols, lies about itself, refers to itself, or belongs to another library."""
import itertools
import sqlite3

import numpy
import pytest

import minpy
import minpy.numpy as np
import minpy.symbol as sym
from minpy import _minpy
from minpy.core import grad, jvp

LIBRARIES = ("pandas", "scipy", "sklearn", "h5py", "xarray")


def nested():
    """Lists that no array has dimensions for, by name."""
    in_itself = [1.0]
    in_itself.append(in_itself)
    twice = []
    twice += [twice, twice]
    deep = []
    for _ in range(200_000):
        deep = [deep]
    pair = ([], [])
    pair[0].append(pair)
    return {"in itself": in_itself, "twice in itself": twice, "deep": deep, "tuple in itself": pair}


@pytest.mark.parametrize("kind", ["in itself", "twice in itself", "deep", "tuple in itself"])
def test_nested_without_end(kind):
    bad = nested()[kind]

    def assign():
        np.ones(2)[:] = bad

    calls = [
        lambda: np.array(bad), lambda: np.ones(2) + bad, lambda: np.add(bad, 1), lambda: np.ones(3)[bad], assign, lambda: np.sum(bad),
        lambda: np.concatenate(bad), lambda: np.ones(2) == bad, lambda: np.where(bad, 1, 2), lambda: np.stack(bad),
        lambda: grad(lambda x: bad)(np.ones(2)), lambda: grad(lambda x: np.sum(x))(bad), lambda: jvp(lambda x: bad)((np.ones(2),), (np.ones(2),)),
        lambda: grad(lambda x: np.sum(x * bad))(np.ones(2)),
    ]
    if kind != "twice in itself":  # NumPy itself does not come back from that one
        calls += [lambda: np.median(bad), lambda: np.linalg.norm(bad), lambda: np.ones(2).searchsorted(bad)]
    for i, call in enumerate(calls):
        with pytest.raises((ValueError, IndexError)):
            call()
            pytest.fail(f"call {i} accepted it")
    assert grad(lambda x, unused: np.sum(x))(np.ones(2), bad).tolist() == [1, 1]
    assert np.array([[[1.0]]] * 2 + [[[np.ones(1)[0]]]]).shape == (3, 1, 1)


def test_as_deep_as_arrays_go():
    deep = np.ones(())
    for _ in range(64):
        deep = [deep]
    assert np.array(deep).shape == (1,) * 64
    assert grad(lambda x: [[[[x * 2.0]]]])(1.0) == 2
    # What is no array at all may be nested as it likes.
    deep = []
    for _ in range(100):
        deep = [deep]
    assert np.array(deep, dtype=object).dtype == object


class Long:
    """A sequence that lies about its length."""

    def __len__(self):
        return 2**60

    def __getitem__(self, i):
        if i > 2:
            raise IndexError
        return i


class LongList(list):
    def __len__(self):
        return 2**60


@pytest.mark.parametrize("liar", [Long(), LongList([1, 2])], ids=["object", "list"])
def test_lengths_that_lie(liar):
    x = sym.Variable("x")
    calls = [
        lambda: sym.cos(x, repeats=liar), lambda: sym.concat(x, dim=liar), lambda: sym.Convolution(x, kernel=liar, num_filter=2),
        lambda: sym.Group(liar), lambda: x.bind(minpy.context.cpu(), liar), lambda: x.infer_shape(x=liar),
        lambda: x.simple_bind(minpy.context.cpu(), grad_req=liar, x=(2,)), lambda: np.zeros(liar), lambda: np.ones((2, 3)).sum(liar),
        lambda: np.ones(4).reshape(liar), lambda: np.array(liar), lambda: np.ones(4).item(liar), lambda: np.ones((2, 2)).transpose(liar),
        lambda: np.random.permutation(liar), lambda: np.stack(liar), lambda: grad(lambda v: liar)(1.0), lambda: np.ones(5)[liar],
        lambda: np.tile(np.ones(2), liar), lambda: grad(lambda v: v, argnum=liar)(1.0), lambda: minpy.core.vjp(lambda v: v)(liar, 1.0),
        lambda: np.einsum("i,i", np.ones(2), liar), lambda: np.pad(np.ones(2), liar), lambda: np.squeeze(np.ones((1, 2)), liar),
    ]
    for call in calls:
        try:
            call()
        except Exception as e:  # any of Python's own; a panic of Rust is a BaseException
            assert not type(e).__module__.startswith("pyo3")
    with pytest.raises(TypeError, match="expected a sequence of integers"):
        np.zeros(itertools.count(1))
    with pytest.raises(ValueError, match="maximum supported dimension"):
        np.zeros(Long())


def test_text_of_symbols_nested_without_end():
    for text in ("[" * 200_000, '{"a":' * 200_000):
        with pytest.raises(ValueError, match="recursion limit"):
            sym.load_json(text)


def test_bases_in_a_circle(on_cpu):
    class Holder:
        def __init__(self):
            self.memory = numpy.arange(3.0)
            self.__array_interface__ = self.memory.__array_interface__
    h = Holder()
    n = numpy.asarray(h)
    h.base = n
    a = np.asarray(n)
    a += 1
    assert h.memory.tolist() == [1, 2, 3] and np.add(n[1:], 1).tolist() == [3, 4]

    class Endless:
        """Every look at its base finds another array."""

        @property
        def base(self):
            e = Endless()
            e.memory = numpy.arange(3.0)
            e.__array_interface__ = e.memory.__array_interface__
            return numpy.asarray(e)
    e = Endless.base.fget(None)
    assert np.asarray(e).tolist() == [0, 1, 2]


def test_imports_do_not_look_at_each_other(on_cpu):
    before = _minpy._import_table()[1]
    live = [np.asarray(numpy.ones(1)) for _ in range(20_000)]
    entries, looked_at = _minpy._import_table()
    assert entries >= 20_000 and looked_at - before < 4 * len(live)
    del live
    for _ in range(40_000):
        np.asarray(numpy.ones(1))
    assert _minpy._import_table()[0] < 40_000  # those that are gone are swept out


class Counted:
    """An object with `__array__`, and how often it was asked."""

    asked = 0

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        self.asked += 1
        return self.values


def test_objects_with_array(device):
    a = np.array([1.0, 2.0, 3.0])
    for ours in (False, True):
        def make():
            return Counted((np if ours else numpy).array([1.0, 2.0, 4.0]))
        b = a.copy()
        b += make()
        assert type(b) is np.ndarray and b.tolist() == [2, 4, 7]
        b -= make()
        b **= make()
        assert b.tolist() == [1, 4, 81]
        for r in (a + make(), make() + a, np.add(a, make()), np.add(a, make(), out=np.zeros(3)), np.add(a, make(), out=np.zeros(3), where=np.array([True] * 3))):
            assert type(r) is np.ndarray and r.tolist() == [2, 4, 7]
        assert np.median(make()) == 2 and np.sum(make()) == 7 and np.log2(make()).tolist() == [0, 1, 2] and np.where(make(), a, 0).tolist() == [1, 2, 3]
        assert np.asarray(make()).tolist() == [1, 2, 4] and np.concatenate([a, make()]).shape == (6,)
        g = grad(lambda x: np.sum(x * make() + make() * x + np.multiply(x, make())))(a)
        assert g.tolist() == [3, 6, 12]
        b = np.zeros(3)
        b[:] = make()
        assert b.tolist() == [1, 2, 4]
    # It is asked as often as NumPy asks.
    for call in (lambda c: np.ones(3) + c, np.log, np.median, np.sum, np.asarray, np.negative, np.sort, lambda c: np.add(c, 1)):
        c = Counted(numpy.array([1.0, 2.0, 4.0]))
        call(c)
        assert c.asked == 1
    for bad in ([1, 2], "text", 7):
        for call in (lambda c: np.ones(3) + c, np.median, np.asarray):
            with pytest.raises(ValueError, match="__array__ method not producing an array"):
                call(Counted(bad))


def test_names_are_not_functions():
    """An object that answers to every name is handed on as it is; so is a function that was decorated with the looks of ours."""
    import functools
    import unittest.mock
    mock = unittest.mock.MagicMock()
    assert np.array([mock, 1], dtype=object)[0] is mock

    @functools.wraps(np.median)
    def mine(x):
        return 42.0
    assert np.apply_along_axis(mine, 0, np.ones((2, 2))).tolist() == [42, 42]


def test_a_sequence_times_a_scalar():
    for n in (np.arange(4)[3], np.array([3], "uint8")[0], np.ones(3, bool).sum()):
        assert [0] * n == [0, 0, 0] == n * [0] and (1,) * n == (1, 1, 1) and "ab" * n == "ababab" and b"x" * n == b"xxx"
        several = [1, 2]
        same = several
        several *= n
        assert same is several and several == [1, 2] * 3
    for x in (np.ones(2)[0], np.ones(2).sum(), np.ones(2, bool)[0]):
        for call in (lambda: [0] * x, lambda: x * (1, 2), lambda: "a" * x):
            with pytest.raises(TypeError, match="can't multiply sequence by non-int"):
                call()
    assert (np.arange(2) * [1, 2]).tolist() == [0, 2] and (np.array(3) * [1, 2]).tolist() == [3, 6] and (np.ones(2)[0] + [1, 2]).tolist() == [2, 3]


def test_lists_are_shuffled_in_place():
    for theirs, ours in ((numpy.random.RandomState(3), np.random.RandomState(3)), (numpy.random.default_rng(3), np.random.default_rng(3))):
        a, b = list(range(10)), list(range(10))
        theirs.shuffle(a)
        ours.shuffle(b)
        assert a == b != list(range(10))
        rows = [np.arange(2), np.ones(2)]
        kept = list(rows)
        ours.shuffle(rows)
        assert any(rows[0] is k for k in kept) and any(rows[1] is k for k in kept)
    numpy.random.seed(5)
    a = list("abcdef")
    numpy.random.shuffle(a)
    np.random.seed(5)
    b = list("abcdef")
    np.random.shuffle(b)
    assert a == b
    x = np.arange(10)
    np.random.shuffle(x)
    assert sorted(x.tolist()) == list(range(10))


def test_databases_store_numbers():
    c = sqlite3.connect(":memory:")
    c.execute("create table t(x)")
    a = np.arange(3)
    # Scalars that wait are ours, and numbers to it; NumPy's integers are bytes to it, as they are without us.
    for v in ((np.ones(10000) * 1).sum(), np.ones(3)[0], a.sum() / 1, (np.ones(10000, int) * 1).sum(), (np.ones(10000, "f4") * 1).sum()):
        c.execute("insert into t values (?)", (v,))
    assert c.execute("select x, typeof(x) from t").fetchall() == [(10000.0, "real"), (1.0, "real"), (3.0, "real"), (10000, "integer"), (10000.0, "real")]


def test_array_without_a_copy(device):
    a = np.array([1.0, 2.0])
    with pytest.raises(ValueError, match="Unable to avoid copy"):
        a.__array__(numpy.float32, copy=False)
    assert a.__array__(numpy.float32).dtype == "float32" and a.__array__(copy=True).tolist() == [1, 2]
    if device.device_type == "cpu":
        n = a.__array__(copy=False)
        n[0] = 5
        assert a[0] == 5 and not numpy.shares_memory(a.__array__(copy=True), n)
    else:
        with pytest.raises(ValueError, match="Unable to avoid copy"):
            a.__array__(copy=False)


def test_an_array_of_numpys_stays_itself(device):
    a = np.array([1.0, 2.0])
    for change in ("n += a", "n *= a.sum()", "n -= a[0]", "n **= a", "n @= np.eye(2)"):
        n = numpy.ones(2)
        names = {"n": n, "a": a, "np": np}
        exec(change, names)
        assert names["n"] is n, change
    n = numpy.zeros(2)
    assert np.add(a, a, out=n) is n and numpy.add(a, a, out=(n,)) is n and n.tolist() == [2, 4]
    assert np.sum(np.ones((3, 2)), axis=0, out=n) is n and n.tolist() == [3, 3]
    assert np.median(np.ones((3, 2)), axis=0, out=n) is n and n.tolist() == [1, 1]


@pytest.fixture(params=LIBRARIES)
def library(request, needs):
    """One of the libraries that `make test` installs for this test."""
    return needs(request.param)


def test_a_missing_library_fails_where_it_is_required(needs, monkeypatch):
    monkeypatch.delenv("MINPY_REQUIRE_LIBRARIES", raising=False)
    with pytest.raises(pytest.skip.Exception):
        needs("a_library_that_nobody_has")
    monkeypatch.setenv("MINPY_REQUIRE_LIBRARIES", "1")
    with pytest.raises(ImportError):
        needs("a_library_that_nobody_has")
    assert needs("itertools") is itertools


def same(theirs, ours):
    """Whether a result is NumPy's: of the same class but for arrays and scalars, with the same values."""
    if type(theirs) in (numpy.ndarray,) or isinstance(theirs, numpy.generic):
        assert type(ours) in (np.ndarray, _minpy.scalar, type(theirs)), type(ours)
        numpy.testing.assert_allclose(numpy.asarray(ours), theirs, rtol=1e-12)
        assert ours.dtype == theirs.dtype
    elif isinstance(theirs, tuple):
        for t, o in zip(theirs, ours, strict=True):
            same(t, o)
    else:
        assert type(ours) is type(theirs), (type(ours), type(theirs))
        numpy.testing.assert_allclose(numpy.asarray(ours), numpy.asarray(theirs), rtol=1e-12)


def pandas_program(np, pandas):
    s, df = pandas.Series([1.0, 2.0, 3.0]), pandas.DataFrame({"x": [1.0, 2.0, 3.0], "y": [3.0, 4.0, 6.0]})
    a = np.array([1.0, 2.0, 3.0])
    yield from (np.log(df["x"]), np.where(s > 1, s, 0), a * s, s * a, a + df["x"], df["x"] - a, a > s, a == s, a @ s, np.median(s), np.sum(s), np.mean(s))
    yield from (np.std(s), np.max(df["y"]), np.dot(a, s), np.cumsum(s), np.sort(s), np.maximum(s, a), np.add(a, s), np.array(s), np.asarray(df))
    yield from (np.concatenate([s, a]), np.argmax(s), np.clip(s, 1, 2), np.round(s), np.percentile(s, 40), np.diff(s), np.isnan(s), np.exp(df))
    yield from (np.linalg.norm(s), np.outer(s, a), np.histogram(s)[0], np.unique(s), np.corrcoef(s, a), np.polyfit(s, a, 1).round(6), np.interp(1.5, s, a))
    df["z"] = a * 2
    yield df["z"]
    df.loc[df["x"] > np.mean(a), "z"] = np.sum(a)
    yield df["z"]
    yield df.groupby("x")["y"].apply(lambda g: float(np.sum(g) * a[1]))
    yield pandas.Series(a).rolling(2).mean().fillna(0)
    b = np.zeros(3)
    b[:] = s
    b[s > 1] = -1
    yield b


def scipy_program(np, scipy):
    import scipy.integrate
    import scipy.interpolate
    import scipy.linalg
    import scipy.optimize
    import scipy.signal
    import scipy.sparse
    import scipy.special
    import scipy.stats
    a = np.array([[4.0, 1.0], [1.0, 3.0]])
    x = np.linspace(0, 1, 5)
    yield from (scipy.linalg.inv(a), scipy.special.erf(x), scipy.signal.convolve(x, x), scipy.stats.zscore(x), scipy.special.logsumexp(x))
    yield from (scipy.interpolate.interp1d(x, x * 2)(0.3), scipy.sparse.csr_matrix(a) @ np.ones(2), scipy.integrate.trapezoid(x, dx=0.1))
    yield scipy.optimize.minimize(lambda p: np.sum((p - np.ones(2)) ** 2), np.zeros(2), method="BFGS").x.round(5)
    yield scipy.optimize.least_squares(lambda p: a @ p - np.ones(2), np.zeros(2)).x.round(6)


def sklearn_program(np, sklearn):
    from sklearn.linear_model import LinearRegression
    from sklearn.preprocessing import StandardScaler
    x = np.arange(12.0).reshape(6, 2) ** 2
    y = x @ np.array([1.0, 2.0]) + 1
    model = LinearRegression().fit(x, y)
    yield from (model.coef_.round(8), model.predict(x).round(6), StandardScaler().fit_transform(x))


def h5py_program(np, h5py):
    with h5py.File("nowhere.h5", "w", driver="core", backing_store=False) as f:
        a = np.arange(6.0).reshape(2, 3)
        d = f.create_dataset("a", data=a)
        yield from (np.array(d), np.sum(d), np.log1p(d), a + d, np.maximum(a, d), np.median(d), d[:] + a, np.where(d, a, 0))
        d[0] = a[1]
        yield d[...]
        b = np.zeros((2, 3))
        b += d
        yield b


def xarray_program(np, xarray):
    a = np.arange(6.0).reshape(2, 3)
    d = xarray.DataArray(numpy.arange(6.0).reshape(2, 3), dims=("t", "x"))
    yield from (np.sin(d), d * numpy.asarray(a), np.add(d, 1), np.asarray(d), np.median(d.values), d.mean("t"), np.where(d > 2, d, 0))


def test_programs_of_other_libraries(library):
    program = globals()[f"{library.__name__}_program"]
    theirs, ours = list(program(numpy, library)), list(program(np, library))
    assert len(theirs) == len(ours)
    for i, (t, o) in enumerate(zip(theirs, ours, strict=True)):
        try:
            same(t, o)
        except AssertionError as e:
            raise AssertionError(f"result {i}: {e}") from e


def test_a_tape_sees_arrays_of_other_libraries(needs):
    pandas = needs("pandas")
    s = pandas.Series([1.0, 2.0, 3.0])
    x = np.ones(3)
    assert grad(lambda x: np.sum(x * s))(x).tolist() == [1, 2, 3]
    assert grad(lambda x: np.sum(np.multiply(s, x) + np.maximum(x, s)))(x).tolist() == [1.5, 2, 3]
    assert grad(lambda x: np.dot(x, s))(x).tolist() == [1, 2, 3]


def test_the_originals_class():
    from minpy.array import Array, wrap
    a = np.ones(2)
    assert isinstance(a, Array) and not isinstance(numpy.ones(2), Array) and not isinstance(a.sum(), Array)
    assert isinstance(wrap(numpy.ones(2)), Array) and isinstance(Array([1, 2]), Array) and issubclass(type(a), Array)
