"""Lists of integers, axes and arrays as users give them: all of them is read, or the call is NumPy's."""
import itertools
import threading
import time

import numpy
import pytest

import minpy.numpy as np
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


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["split", "array_split", "hsplit", "vsplit", "dsplit"])
def test_all_places_to_split_at(name, form):
    shape = {"vsplit": (300, 1), "dsplit": (1, 1, 300)}.get(name, (300,))
    theirs, ours = both(lambda m: getattr(m, name)(m.arange(300).reshape(shape), FORMS[form](m)))
    assert ours == theirs and len(ours) == 100


@pytest.mark.parametrize("form", FORMS)
def test_all_shifts(form):
    theirs, ours = both(lambda m: m.roll(m.arange(7), FORMS[form](m), 0))
    assert ours == theirs
    theirs, ours = both(lambda m: m.roll(m.arange(7), 1, (0,) * 100))
    assert ours == theirs
    theirs, ours = both(lambda m: m.roll(m.arange(7), range(100), iter((0,) * 100)))
    assert ours == theirs


@pytest.mark.parametrize("name", ["zeros", "ones", "full", "empty", "reshape", "broadcast_to", "tile", "transpose", "moveaxis", "expand_dims", "ndarray"])
@pytest.mark.parametrize("sizes", [range(1, 70), (1,) * 65, [1] * 65, numpy.ones(65, int), Long([1] * 9), (1,) * 64, itertools.repeat(1, 3), {1: 2}, {1}, "11", b"11", 1 << 70,
                                   (1 << 70,), (1.0,), 1.0, (None,), [[1]], numpy.ones((1, 1), int), numpy.ones(2), Sequence([1, 1]), (True,)],
                         ids=lambda s: f"{type(s).__name__} {len(s) if hasattr(s, '__len__') else ''}")
def test_shapes_as_numpy_reads_them(name, sizes):
    call = {
        "full": lambda m, s: m.full(s, 1.0), "reshape": lambda m, s: m.reshape(m.ones(1), s), "broadcast_to": lambda m, s: m.broadcast_to(m.ones(1), s).shape,
        "tile": lambda m, s: m.tile(m.ones(1), s), "transpose": lambda m, s: m.transpose(m.ones((2, 2)), s), "moveaxis": lambda m, s: m.moveaxis(m.ones((2, 2)), s, 0),
        "expand_dims": lambda m, s: m.expand_dims(m.ones(1), s), "empty": lambda m, s: m.empty(s).shape, "ndarray": lambda m, s: m.ndarray(s).shape,
    }.get(name, lambda m, s: getattr(m, name)(s))
    fresh = (lambda: itertools.repeat(1, 3)) if isinstance(sizes, itertools.repeat) else lambda: sizes
    if isinstance(sizes, Long) and name in ("broadcast_to", "moveaxis", "tile", "expand_dims"):
        pytest.skip("NumPy makes a tuple of it first")
    theirs, ours = both(lambda m: call(m, fresh()))
    assert ours == theirs or (isinstance(ours, str) and isinstance(theirs, str))


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "any", "all", "mean", "var", "std", "ptp", "count_nonzero", "squeeze", "average", "flip", "add.reduce"])
@pytest.mark.parametrize("axis", [[0, 1], [0], (0, 1), {0, 1}, "generator", numpy.array([0, 1]), numpy.array(0), range(2), (), [], 0.0, (0, 0), True, (0, 5), (0, "1")], ids=repr)
def test_axes_as_numpy_reads_them(name, axis):
    def call(m):
        f = m
        for part in name.split("."):
            f = getattr(f, part)
        return f(m.ones((1, 1, 3)), axis=(i for i in (0, 1)) if axis == "generator" else axis)
    theirs, ours = both(call)
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


NUMBERS = [1.0, 2, True, 1j, 1 << 40, (1 << 63) + 1, numpy.float32(2), [1.0, 2.0], numpy.ones(2, "float32")]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "complex64", "bool"])
@pytest.mark.parametrize("name", ["hstack", "vstack", "dstack", "column_stack", "stack", "concatenate"])
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


def test_positions_in_a_number():
    for name in ("argmax", "argmin"):
        for axis in (None, 0, -1, 1, -2):
            for keepdims in (False, True):
                theirs, ours = both(lambda m: getattr(m, name)(m.array(3.0), axis=axis, keepdims=keepdims))
                assert ours == theirs
                theirs, ours = both(lambda m: getattr(m, name)(m.ones((2, 3)), axis=axis, keepdims=keepdims))
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


@pytest.mark.parametrize("name", ["stack", "vstack", "hstack", "dstack", "column_stack", "concatenate"])
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
