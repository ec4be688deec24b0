"""Arguments of every kind as users give them, lists of integers, axes and arrays above all: all of them is read, or the call is NumPy's.
Which functions have parameters of a kind, core's table says."""
import itertools
import threading
import time
import types

import numpy
import pytest
from table_calls import CALLS, ENTRIES, SIGNATURES, kind_of, parameters

import minpy.numpy as np
from minpy import _minpy
from minpy.core import grad

MANY = list(range(3, 300, 3))
FORMS = {
    "list": lambda m: MANY, "tuple": lambda m: tuple(MANY), "range": lambda m: range(3, 300, 3), "NumPy's array": lambda m: numpy.array(MANY),
    "array": lambda m: m.array(MANY), "int32": lambda m: m.array(MANY, dtype="int32"), "uint64": lambda m: m.array(MANY, dtype="uint64"),
    "cumsum": lambda m: m.cumsum(m.array([3] * 100))[:-1], "strided": lambda m: m.arange(300)[3::3], "a sequence": lambda m: Sequence(MANY),
    "scalars": lambda m: list(m.array(MANY)),
}


class Sequence:
    """What has a length and items, and nothing else."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Long(Sequence):
    """Says that it is longer than anything."""

    def __len__(self):
        return 1 << 60


def both(f):
    """What NumPy and MinPy make of a function of the module: a list of arrays, or the class of the error."""
    found = []
    for m in (numpy, np):
        try:
            r = f(m)
        except Exception as e:
            found.append(type(e).__name__)
        else:
            found.append([(a.dtype.name, a.shape, a.tolist()) for a in map(numpy.asarray, r if isinstance(r, (list, tuple)) else [r])])
    return found


# The axis that the functions with an axis in their name split.
SPLIT = {"vsplit": 0, "dsplit": 2}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name, parameter", parameters("Sections"))
def test_all_places_to_split_at(name, parameter, form):
    shape = {0: (300, 1), 2: (1, 1, 300)}.get(SPLIT.get(name), (300,))
    theirs, ours = both(lambda m: getattr(m, name)(m.arange(300).reshape(shape), **{parameter: FORMS[form](m)}))
    assert ours == theirs and len(ours) == 100


@pytest.mark.parametrize("form", FORMS)
def test_all_shifts(form):
    theirs, ours = both(lambda m: m.roll(m.arange(7), FORMS[form](m), 0))
    assert ours == theirs
    theirs, ours = both(lambda m: m.roll(m.arange(7), 1, (0,) * 100))
    assert ours == theirs
    theirs, ours = both(lambda m: m.roll(m.arange(7), range(100), iter((0,) * 100)))
    assert ours == theirs


def anew(make):
    """What is used up by reading: made for each call."""
    return lambda: make()


SIZES = [range(1, 70), (1,) * 65, [1] * 65, numpy.ones(65, int), Long([1] * 9), (1,) * 64, anew(lambda: itertools.repeat(1, 3)), {1: 2}, {1}, "11", b"11", 1 << 70,
         (1 << 70,), (1.0,), 1.0, (None,), [[1]], numpy.ones((1, 1), int), numpy.ones(2), Sequence([1, 1]), (True,), -1, (2, -1), None, 3, (3, 4), ()]
AXES = [[0, 1], [0], (0, 1), {0, 1}, anew(lambda: (i for i in (0, 1))), numpy.array([0, 1]), numpy.array(0), range(2), (), [], 0.0, (0, 0), True, (0, 5), (0, "1"),
        None, 0, 1, -1, -3, 7, numpy.int8(1), "0", 1 << 70, numpy.float64(1), Sequence([0, 1])]
WHOLE = [0, 1, -1, 3, -2, 7, True, 1.0, numpy.int8(1), None, "1", numpy.array(1), numpy.array([1]), 1 << 70, 1j, [1]]
NUMBERS_LIKE = [0, 1, -1, 2.5, None, "a", numpy.float32(1), 1j, [1], True, numpy.array(2), 1 << 70, numpy.int8(3)]
ARRAYS_LIKE = [0, 2.5, None, "a", numpy.float32(1), 1j, [1], True, numpy.array(2), 1 << 70, numpy.ones(2), [[1, 2], [3]], (), [[]], {}, types.SimpleNamespace(),
               numpy.array([1, 2], object), numpy.array(["a"]), numpy.zeros((2, 0, 3))]
MANY_ARRAYS = [[], [1], [1, 2], "ab", None, 3, numpy.ones((2, 3)), (numpy.ones(3), 1), [[1, 2], [3, 4]], anew(lambda: iter([numpy.ones(2)])), {1: 2},
               [numpy.ones(2), numpy.ones((2, 2))], [numpy.ones(2), "a"], Sequence([1, 2]), [None]]
# What is tried for each kind of a parameter. The kinds that are not here are NumPy's matter (`Foreign`), the device's (test_creation.py), or have
# arguments that only one function has (`Tried`, `Pairs`: test_select.py; `Word`: test_symbol.py; `Each` and `Out`: test_table.py).
LISTS = {"Axis": AXES, "Axes": AXES, "Ints": [*AXES, *SIZES], "Shape": SIZES}
OTHERS = {
    "Int": WHOLE, "Number": NUMBERS_LIKE, "Bound": NUMBERS_LIKE, "Float": NUMBERS_LIKE, "Operand": [*NUMBERS_LIKE, numpy.ones(2)], "Array": ARRAYS_LIKE, "Kept": ARRAYS_LIKE,
    "Ours": ARRAYS_LIKE, "Target": ARRAYS_LIKE, "Arrays": MANY_ARRAYS, "Joined": MANY_ARRAYS, "Flag": [True, False, 1, 0, 2, None, "no", "", 1.5, numpy.True_, numpy.array([1, 2]), [], 1 << 70],
    "Order": ["C", "F", "A", "K", "c", "f", "x", None, 1, b"C"], "Mask": [None, True, False, [True], numpy.array(True), 1, numpy.zeros((1, 1), bool)],
    "Choice": ["raise", "wrap", "clip", "no", "equiv", "safe", "same_kind", "unsafe", "quicksort", "mergesort", "heapsort", "stable", "other", None, 3, "q"],
    "DType": [None, "f4", float, int, "bool", complex, "i1", numpy.dtype("f8"), "xx", "f2", "u8", 3, numpy.float32],
    "Indices": [0, [0], [[0, 1]], -1, None, "a", 1.0, [1.0], True, [True, False], numpy.array(1), numpy.array([0], "u1"), [], 1 << 70, 99, range(2), (0, 1), 1j],
    "NumberOrWord": [*NUMBERS_LIKE, "fro", "f", "nuc", 0, -1, -2, 2, 3, numpy.inf, -numpy.inf, numpy.nan, "inf", "", False, numpy.float64(2), numpy.array([1, 2])],
    "Sections": [0, 1, 2, 3, -1, None, "a", [1], (1,), range(2), numpy.array([0, 1]), numpy.array(2), 1.0, [1.0], True, [], {1}, [-1, 5], 1 << 70, Sequence([1]), [[1]]],
}
# Where an answer is not NumPy's: the parameter, perhaps of one function, and the values.
MORE = {("expand_dims", "axis"): {"array([0, 1])", "range(0, 2)", "Sequence of 2"}}  # sequences that NumPy does not read
OTHERWISE = {
    "where": {"None"},  # as if it were not given
    ("roll", "shift"): {"b'11'", "()", "[]"},  # codes of letters, for NumPy a number; nothing along an axis that is not there
    ("rollaxis", "start"): {"array([1])"},  # NumPy counts down in the array itself
    ("average", "a"): {"[[]]", "ndarray of 2"},  # NumPy divides by the length of the axis, 0
    # Arrays without dimensions, where NumPy gives a scalar.
    ("flip", "m"): {"0", "2.5", "np.float32(1.0)", "1j", "True", "array(2)"}, ("squeeze", "a"): {"np.float32(1.0)"}, ("transpose", "a"): {"np.float32(1.0)"},
    ("unstack", "x"): {"array([1., 1.])"},
    ("indices", "dtype"): {"None"},  # as if it were not given, for NumPy float64
    ("ravel_multi_index", "multi_index"): {"{1: 2}"},  # a sequence of its keys
    # An index of another dtype and another number of dimensions: NumPy complains of the latter first.
    ("put_along_axis", "indices"): {"np.float32(1.0)", "ndarray of 2"}, ("take_along_axis", "indices"): {"np.float32(1.0)", "ndarray of 2"},
}


def written(value):
    """A value as a test is called by it."""
    if isinstance(value, Sequence):
        return f"{type(value).__name__} of {len(value.items)}"
    if callable(value) and not isinstance(value, type):
        return type(value()).__name__
    text = f"{value!r}"
    return text if len(text) < 40 else f"{type(value).__name__} of {len(value)}"


def tried(kinds):
    """Each function, its parameters of those kinds, and each value for them."""
    return [pytest.param(name, p, value, id=f"{name} {p}={written(value)}") for name, p in parameters(*kinds) for value in kinds[kind_of(name, p)]]


# Integers to which NumPy's own code counts, one by one.
COUNTED = {("diff", "n")}


def as_numpy(name, parameter, value):
    if (name, parameter) in COUNTED and isinstance(value, int) and abs(value) > 1000:
        return False
    return not any(written(value) in OTHERWISE.get(key, ()) for key in (parameter, (name, parameter)))


def wrong(name, parameter, value, **options):
    # Lists of integers, which may be shapes, with arrays of one element too: these have every shape.
    small = [call.mapped(lambda _, a: a.ravel()[:1]) for call in CALLS[name]] if kind_of(name, parameter) in LISTS else []
    calls = [call.with_value(parameter, value) for call in (*CALLS[name], *small)]
    return list(filter(None, (call.disagreement(**options) for call in calls)))


@pytest.mark.parametrize("name, parameter, value", tried(LISTS))
def test_lists_of_integers_as_numpy_reads_them(name, parameter, value):
    """Axes, shapes, sizes, shifts."""
    if written(value) in MORE.get((name, parameter), ()) or not as_numpy(name, parameter, value):
        pytest.skip("not as NumPy")
    if isinstance(value, Long) and name == "broadcast_to":
        pytest.skip("NumPy makes a tuple of it first")
    assert not wrong(name, parameter, value, any_error=True)


@pytest.mark.parametrize("name, parameter", parameters(*OTHERS))
def test_values_of_a_kind_as_numpy_reads_them(name, parameter):
    found = [w for value in OTHERS[kind_of(name, parameter)] if as_numpy(name, parameter, value) for w in wrong(name, parameter, value)]
    assert not found, f"{len(found)}:\n" + "\n".join(found)


def test_what_is_otherwise_is_otherwise():
    """What has become NumPy's is to be taken out of the list."""
    if not numpy.__version__.startswith("2.4."):
        pytest.skip("other releases of NumPy read some of these values otherwise themselves")
    for key, texts in [*OTHERWISE.items(), *MORE.items()]:
        for name, parameter in parameters("Mask", "Choice", named=key) if isinstance(key, str) else [key]:
            values = {**LISTS, **OTHERS}[kind_of(name, parameter)]
            found = {written(value) for value in values if written(value) in texts and wrong(name, parameter, value, any_error=kind_of(name, parameter) in LISTS)}
            assert found == texts, (name, parameter, texts - found)


@pytest.mark.parametrize("sizes", SIZES, ids=written)
def test_sizes_of_a_new_array(sizes):
    fresh = sizes if callable(sizes) else lambda: sizes
    theirs, ours = both(lambda m: m.ndarray(fresh()).shape)
    assert ours == theirs or (isinstance(ours, str) and isinstance(theirs, str))


@pytest.mark.parametrize("axis", AXES, ids=written)
@pytest.mark.parametrize("name", sorted(n for n, f in _minpy._ufuncs().items() if f.nin == 2 and f.nout == 1 and not f.signature))
def test_axes_of_a_ufunc(name, axis):
    fresh = axis if callable(axis) else lambda: axis
    x = numpy.ones((1, 1, 3), "i8" if "shift" in name or name in ("gcd", "lcm") else bool if name.startswith("bitwise") else float)
    theirs, ours = both(lambda m: getattr(m, name).reduce(m.array(x), axis=fresh()))
    assert ours == theirs or (isinstance(ours, str) and isinstance(theirs, str))


def test_axes_of_any_kind_have_gradients():
    x, w = np.ones((2, 3)), numpy.arange(6.0).reshape(2, 3)
    for axis in ([0, 1], (0, 1), range(2)):
        assert grad(lambda a: np.sum(np.flip(a, axis) * w))(x).tolist() == numpy.flip(w).tolist()
        assert grad(lambda a: np.average(a, axis))(x).tolist() == [[1 / 6] * 3] * 2
        assert grad(lambda a: np.sum(np.roll(a, [1, 1], axis) * w))(x).tolist() == numpy.roll(w, (-1, -1), (0, 1)).tolist()


def test_an_iterator_is_read_once():
    for f in (lambda m, i: m.tile(m.arange(2), i), lambda m, i: m.moveaxis(m.ones((2, 3)), i, (1, 0)), lambda m, i: m.roll(m.ones((2, 3)), 1, i)):
        left = iter((1, 0))
        theirs, ours = both(lambda m: f(m, iter((1, 0))))
        assert ours == theirs
        f(np, left)
        assert list(left) == []


def test_what_an_argument_raises_goes_on():
    class Stops:
        def __index__(self):
            raise KeyboardInterrupt
    for f in (lambda s: np.sum(np.ones(3), axis=s), lambda s: np.split(np.ones(3), [s]), lambda s: np.sum(np.ones(3), axis=(s,)), lambda s: np.zeros((s, s)), lambda s: np.roll(np.ones(3), s)):
        with pytest.raises(KeyboardInterrupt):
            f(Stops())


# Functions of one list of arrays.
JOINS = [name for name, _ in parameters("Arrays", "Joined") if sum(p.default is p.empty for p in SIGNATURES[name]) == 1]
NUMBERS = [1.0, 2, True, 1j, 1 << 40, (1 << 63) + 1, numpy.float32(2), [1.0, 2.0], numpy.ones(2, "float32")]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "complex64", "bool"])
@pytest.mark.parametrize("name", JOINS)
def test_numbers_among_arrays(name, dtype):
    for n in NUMBERS:
        for x in (3, [3, 4]):
            theirs, ours = both(lambda m: getattr(m, name)([m.array(x, dtype=dtype), n]))
            assert ours == theirs, (n, x)
    theirs, ours = both(lambda m: getattr(m, name)([1.0, 2, True]))
    assert ours == theirs


def test_numbers_among_arrays_have_gradients():
    x = np.array([1.0, 2.0])
    for f, expected in ((lambda a: np.hstack([a, 1.0]), [2, 4]), (lambda a: np.stack([a[0], 1.0]), [2, 0]), (lambda a: np.column_stack([a[0], 3]), [2, 0]),
                        (lambda a: np.vstack((a[0], 1.0)), [2, 0]), (lambda a: np.dstack([2, a[1]]), [0, 4])):
        assert grad(lambda a: np.sum(f(a) ** 2))(x).tolist() == expected


@pytest.mark.parametrize("name", [n for n, _ in parameters("Axis", "Axes", named="axis") if "keepdims" in dict(ENTRIES[n]["parameters"])])
def test_axes_of_a_number(name):
    for axis in (None, 0, -1, 1, -2):
        for keepdims in (False, True):
            for shape in ((), (2, 3)) if as_numpy(name, "a", 2.5) else ((2, 3),):
                theirs, ours = both(lambda m: getattr(m, name)(3 * m.ones(shape), axis=axis, keepdims=keepdims))
                assert ours == theirs


@pytest.mark.parametrize("count", [numpy.uint64(2), numpy.array([1, 2], "uint64"), numpy.array([1, 2], "uint32"), numpy.array(2, "uint64"), 1 << 62, True, numpy.array([True, False])], ids=repr)
def test_how_often_to_repeat(count):
    for shape in ((2,), (0,), (2, 0)):
        if shape[0] and 0 not in shape and isinstance(count, int) and count > 9:
            continue
        theirs, ours = both(lambda m: m.repeat(m.ones(shape), m.asarray(count) if isinstance(count, numpy.ndarray) else count, axis=0))
        assert ours == theirs
    for reps in (1 << 62, (1, 1 << 62), (0, 1 << 62)):
        theirs, ours = both(lambda m: m.tile(m.ones(0), reps))
        assert ours == theirs


# (`linalg.multi_dot` multiplies.)
@pytest.mark.parametrize("name", [name for name in JOINS if "." not in name])
def test_other_threads_run_while_arrays_are_joined(name, on_cpu):
    a = np.ones((2000, 1500))
    float(a[0, 0])
    turns, over = [], threading.Event()

    def tick():
        while not over.is_set():
            turns.append(time.perf_counter())
            time.sleep(0.0002)
    other = threading.Thread(target=tick)
    other.start()
    try:
        for _ in range(5):
            began = time.perf_counter()
            r = getattr(np, name)([a] * 8)
            float(r.ravel()[-1])
            ended = time.perf_counter()
            # While the copy is made: not in the first or last tenth, where it may just have been asked for.
            edge = (ended - began) / 10
            if sum(began + edge < t < ended - edge for t in turns) >= 2:
                return
    finally:
        over.set()
        other.join()
    pytest.fail("the other thread had no turn")
