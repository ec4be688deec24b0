"""Few elements are written without a kernel (`dispatch/small.rs`, `item.rs`): the same as NumPy's, in views of every kind, and where a kernel
would have been asked for: what waits reads what was there before, tapes and versions know of the write."""
import numpy
import pytest

import minpy
import minpy.numpy as np

DTYPES = ["bool", "int8", "int64", "uint16", "float16", "float32", "float64", "complex64", "complex128"]


def view(r, a):
    """A random view, the same decisions for both."""
    index = []
    for n in a.shape:
        start, stop = sorted(r.integers(0, n + 1, 2).tolist())
        index.append([slice(start, stop), slice(None, None, -1), slice(None, None, 2), slice(None)][int(r.integers(4))])
    return tuple(index), bool(r.integers(2))


@pytest.mark.parametrize("dtype", DTYPES)
def test_views_take_numbers_and_arrays(dtype):
    r = numpy.random.default_rng(7)
    for _ in range(150):
        shape = tuple(r.integers(1, 9, r.integers(1, 4)).tolist())
        theirs = r.integers(0, 2 if dtype == "bool" else 9, shape).astype(dtype)
        ours = np.array(theirs)
        index, turned = view(r, theirs)
        s, o = theirs[index], ours[index]
        if turned:
            s, o = s.T, o.T
        cut = s.shape[int(r.integers(s.ndim + 1)):]
        value = r.integers(0, 2, tuple(1 if r.integers(3) == 0 else n for n in cut)).astype(dtype)
        if r.integers(2):
            value = value[()] if value.ndim == 0 else [True, 1, 0][int(r.integers(3))]
        s[...] = value
        o[...] = np.array(value) if isinstance(value, numpy.ndarray) and value.ndim else value
        assert ours.tolist() == theirs.tolist()
        assert ours.astype("float32").tolist() == theirs.real.astype("float32").tolist() if dtype[0] != "c" else True


def test_overlap_is_read_first():
    for shift in (1, -1):
        theirs = numpy.arange(12.0)
        ours = np.array(theirs)
        for a in (theirs, ours):
            a[max(shift, 0):12 + min(shift, 0)] = a[max(-shift, 0):12 + min(-shift, 0)]
        assert ours.tolist() == theirs.tolist()


def test_what_waits_reads_what_was_there():
    before = minpy._minpy.devices.defer_bytes(0)
    try:
        for write in (lambda a: a.__setitem__(2, 7.0), lambda a: a.__setitem__(slice(1, 3), 7.0), lambda a: a.fill(7.0)):
            a = np.arange(5.0) + 0
            a.sum().item()
            waiting = a * 2
            write(a)
            assert waiting.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    finally:
        minpy._minpy.devices.defer_bytes(before)


def test_tapes_know():
    from minpy.core import grad

    def f(x):
        y = x * 1.0
        y[1] = 5.0
        y[2:] = 3.0
        return np.sum(y * y)

    assert grad(f)(np.array([1.0, 2.0, 3.0, 4.0])).tolist() == [2.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("key", [5, -6, (0,), 2**70, numpy.int64(5), numpy.int8(1), True, 1.0, "a", None], ids=repr)
def test_keys_that_are_no_places(key):
    """Out of range, or of another kind: as in NumPy, to read and to write."""
    def outcome(a):
        results = []
        for act in (lambda: numpy.asarray(a[key]).tolist(), lambda: a.__setitem__(key, 9.0)):
            try:
                results.append(act())
            except Exception as e:
                results.append(type(e))
        return results, a.tolist()

    assert outcome(np.arange(5.0)) == outcome(numpy.arange(5.0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [1, 1.5, True, 2**40, -3, 1e300, float("nan"), 2**65, 1 + 2j, "x", None, numpy.float32(1.5), numpy.int64(3)],
                         ids=repr)
@pytest.mark.filterwarnings("ignore")
def test_values_of_every_kind(dtype, value):
    def outcome(a):
        try:
            a[1] = value
        except Exception as e:
            return type(e), a.tobytes()
        return a.tobytes()

    assert outcome(np.ones(3, dtype)) == outcome(numpy.ones(3, dtype))


def test_elements_are_numpys_own():
    for dtype in DTYPES:
        theirs = numpy.array([0, 1, 1], dtype)
        ours = np.array(theirs)
        for i in (0, 1, -1, numpy.int64(1)):
            assert type(ours[i]) is type(theirs[i]) and ours[i] == theirs[i]
    assert np.array([True])[0] is numpy.True_


def test_read_only():
    a = np.broadcast_to(np.arange(3.0), (2, 3))
    with pytest.raises(ValueError, match="read-only"):
        a[0, 1] = 2.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_index_arrays_and_masks(dtype):
    """Picks and their assignments, of contiguous arrays and views, with masks of some or all axes, and indices of both signs, twice or out of range."""
    r = numpy.random.default_rng(11)
    for _ in range(250):
        shape = tuple(r.integers(0, 12, r.integers(1, 4)).tolist())
        whole = r.integers(0, 2 if dtype == "bool" else 99, (2, *shape, 3)).astype(dtype)
        kind = int(r.integers(4))
        views = [(lambda a: a[1, ..., 0].copy()), (lambda a: a[0, ..., 1]), (lambda a: a[1, ::-1, ..., 2]), (lambda a: a[1].T)]
        if r.integers(2):
            density = r.choice([0.0, 0.1, 0.5, 1.0])
            key = r.random(views[kind](whole).shape[:int(r.integers(1, len(shape) + 1))]) < density
        else:
            n = views[kind](whole).shape[0]
            key = r.integers(-n - (r.integers(9) == 0), n + (r.integers(9) == 0) + (n == 0), [(0,), (5,), (2, 3), (7,)][int(r.integers(4))])
            key = key.astype(r.choice(["int64", "int64", "int32", "uint8"]))

        def outcome(np):
            a = np.array(whole)
            view = views[kind](a)
            k = np.array(key)
            seen = []
            for act in (lambda: seen.append(view[k].tolist()), lambda: view.__setitem__(k, 1), lambda: view.__setitem__(k, view[k]),
                        lambda: view.__setitem__(k, np.array(view[k])[::-1]), lambda: seen.append((view[k].shape, str(view[k].dtype)))):
                try:
                    act()
                except Exception as e:
                    seen.append(type(e))
            return seen, view.tolist(), a.tolist()

        assert outcome(np) == outcome(numpy)


def test_a_mask_of_itself():
    for module in (np, numpy):
        m = module.array([True, False, True, False])
        m[m] = False
        assert m.tolist() == [False] * 4
        i = module.array([2, 0, 1])
        i[i] = i
        assert i.tolist() == [0, 1, 2]


def test_large_masks():
    r = numpy.random.default_rng(0)
    for n in (4096, 65536, 65537, 200000):
        x = r.random(n)
        for m in (x < 0.5, x < 0.01, x < 2, x > 2, numpy.arange(n) % 3 == 0, numpy.arange(n) < n // 2):
            ours, theirs = np.array(x), x.copy()
            assert ours[np.array(m)].tolist() == x[m].tolist()
            ours[np.array(m)] = 7
            theirs[m] = 7
            assert ours.tolist() == theirs.tolist()


def test_sequences_of_c():
    """`PySequence_GetItem` and `PySequence_SetItem`, as NumPy's own test calls them."""
    from numpy._core._multiarray_tests import array_indexing

    def outcomes(module):
        seen = []
        for a in (module.ones(()), module.ones(4), module.zeros((2, 3)), module.zeros(0)):
            for i in (0, 1, -1, 3, 4, -4, -5, 100):
                for act in (lambda: array_indexing(0, a, i), lambda: array_indexing(1, a, i, 10), lambda: a):
                    try:
                        seen.append(numpy.asarray(act()).tolist())
                    except Exception as e:
                        seen.append(type(e))
        return seen

    assert outcomes(np) == outcomes(numpy)


def test_lists_of_arrays():
    """Alike or not, views, of several dtypes, empty, nested, with numbers between."""
    r = numpy.random.default_rng(5)
    for _ in range(200):
        shape = tuple(r.integers(0, 5, r.integers(1, 3)).tolist())
        whole = [r.integers(0, 9, (*shape, 2)).astype(r.choice(["float64", "float64", "int64", "float32", "bool"])) for _ in range(int(r.integers(1, 5)))]
        kind = int(r.integers(5))

        def outcome(np):
            rows = [np.array(w) for w in whole]
            rows = [rows, [w[..., 0] for w in rows], [w[::-1] for w in rows], [*rows, 1.0], [rows, rows]][kind]
            try:
                a = np.array(rows)
            except ValueError as e:
                return type(e)
            a2 = np.array(rows, dtype="float32")
            return a.tolist(), str(a.dtype), a.shape, a2.tolist()

        assert outcome(np) == outcome(numpy)


def test_stacked_arrays_are_copies():
    a = np.arange(3.0)
    b = np.array([a, a])
    b[0, 0] = 7
    assert a.tolist() == [0.0, 1.0, 2.0] and b.tolist() == [[7.0, 1.0, 2.0], [0.0, 1.0, 2.0]]


def test_numbers_are_rounded_once():
    for value in (1.00048828125001, 1.00048828124999, -1.00048828125001, 65519.999, 65520.0, 1e-8, 2.98023223876953125e-8, 2.9802322387695315e-8, 1e300, -1e300, 0.1):
        with numpy.errstate(all="ignore"):
            ours, theirs = np.zeros(2, "f2"), numpy.zeros(2, "f2")
            for a in (ours, theirs):
                a[0] = value
                a[1:] = value
        assert ours.tolist() == theirs.tolist(), value
    ours = np.zeros(2, "f4")
    ours[0] = numpy.int64(9007199791611905)
    assert ours[0] == numpy.float32(numpy.int64(9007199791611905))


def test_values_that_do_not_fit_an_index_are_refused():
    for shape, key in (((3, 1), [True, True, False]), ((3, 1), [0, 2]), ((2, 1, 1), [0, 1])):
        for module in (np, numpy):
            with pytest.raises(ValueError):
                module.zeros(shape)[module.array(key)] = module.array([1.0, 2.0])


def test_casts_by_index_arrays_and_into_truth():
    for module in (np, numpy):
        a, b = module.zeros(3, "i1"), module.zeros(3, bool)
        a[module.array([True, False, True])] = numpy.int64(300)
        b[0:1] = 1j
        b[module.array([1])] = 1j
        assert a.tolist() == [44, 0, 44] and b.tolist() == [True, True, False]


def test_writes_that_are_not_recorded_are_known_to_the_tape():
    from minpy.core import grad, no_grad

    def f(write):
        def g(x):
            y = x * 3.0
            no_grad(write)(y)
            return np.sum(y * y)
        return g

    x = np.array([1.0, 2.0, 3.0])
    for write in (lambda y: y.__setitem__(0, 100.0), lambda y: y.__setitem__(slice(0, 1), 100.0), lambda y: y.__setitem__(np.array([True, False, False]), 100.0),
                  lambda y: y.__setitem__(np.array([0, 0]), 100.0), lambda y: y.__setitem__(np.array([-3]), np.array([7.0]))):
        assert grad(f(write))(x).tolist() == [0.0, 36.0, 54.0]
    for key, left in (((slice(None), np.array([1])), [[18.0, 0.0], [54.0, 0.0]]), ((np.array([0, 1]), np.array([1, 0])), [[18.0, 0.0], [0.0, 72.0]])):
        assert grad(f(lambda y, key=key: y.__setitem__(key, 5.0)))(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist() == left


class Five:
    def __float__(self):
        return 5.0


@pytest.mark.parametrize("key", [0, slice(0, 1), [0], numpy.array([True, False, False])])
@pytest.mark.parametrize("value", ["5", Five(), numpy.array("5"), numpy.array(5.0, dtype=object)])
@pytest.mark.parametrize("recorded", [True, False])
def test_what_numpy_makes_a_number_of_is_a_constant(key, value, recorded):
    from minpy.core import grad, no_grad

    def f(x):
        y = x * 3.0
        (lambda w: w if recorded else no_grad(w))(lambda: y.__setitem__(key, value))()
        assert y.tolist() == [5.0, 6.0, 9.0]
        return np.sum(y * y)

    assert grad(f)(np.array([1.0, 2.0, 3.0])).tolist() == [0.0, 36.0, 54.0]


@pytest.mark.parametrize("write", [lambda y: np.put(y, [0], "5"), lambda y: y.setfield(3.0, float)])
def test_what_numpy_writes_unrecorded_has_no_gradient(write):
    from minpy.core import NoGradientFuncError, grad, no_grad

    def f(x):
        y = x * 3.0
        no_grad(write)(y)
        return np.sum(y * y) + np.sum(x)

    with pytest.raises(NoGradientFuncError):
        grad(f)(np.array([1.0, 2.0, 3.0]))

    def other(x):
        y = np.zeros(3)
        no_grad(write)(y)
        return np.sum(y * x)

    grad(other)(np.array([1.0, 2.0, 3.0]))
