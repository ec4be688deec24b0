"""What programs written for NumPy ask of an array beside its values: signatures, bases, classes, protocols."""
import hashlib
import inspect
import sys

import numpy
import pytest

import minpy.core
import minpy.numpy as np
from minpy.numpy.lib.stride_tricks import as_strided, sliding_window_view

METHODS = [
    name for name in dir(numpy.ndarray)
    if not name.startswith("__") and getattr(getattr(numpy.ndarray, name), "__text_signature__", None)
]


@pytest.mark.parametrize("name", METHODS)
def test_methods_say_their_parameters_as_numpys(name):
    theirs, ours = (inspect.signature(getattr(c, name)) for c in (numpy.ndarray, np.ndarray))
    if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in theirs.parameters.values()) and name not in ("reshape", "resize", "item"):
        # What NumPy hides, ours tells.
        named = [n for n, p in theirs.parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        assert set(named) <= set(ours.parameters)
    else:
        assert [(p.name, p.kind, p.default) for p in ours.parameters.values()] == \
            [(p.name, p.kind, p.default) for p in theirs.parameters.values()]


@pytest.mark.parametrize("name", ["byteswap", "dump", "getfield", "searchsorted", "setflags", "to_device", "tobytes"])
def test_bound_methods_have_a_signature(name):
    assert "self" not in inspect.signature(getattr(np.ones(2), name)).parameters


class TestBase:
    def test_of_what_numpy_holds(self):
        x = numpy.arange(6.0)
        a = np.asarray(x)
        assert a.base is x and not a.flags.owndata
        a[0] = 5
        assert x[0] == 5

    def test_views_end_at_the_array_that_was_given_memory(self):
        x = memoryview(bytearray(b"\1" * 16))
        a = np.frombuffer(x)
        assert a.base is not None and not a.flags.owndata
        view = a[1:]
        assert view.base is a and view[:1].base is a

    @pytest.mark.parametrize("make", [np.asarray, lambda v: np.array(v, copy=None), lambda v: np.array(v, copy=False)])
    def test_of_buffers(self, make):
        a = np.arange(5)
        view = memoryview(a)
        b = make(view)
        assert b.base.obj is a and not b.flags.owndata
        b[1] = 9
        assert a[1] == 9
        assert np.array(view).flags.owndata

    def test_of_subclasses(self, tmp_path):
        x = numpy.memmap(tmp_path / "x", dtype="f8", mode="w+", shape=4)
        assert np.asarray(x).base is x

    def test_what_may_not_be_written_stays_so(self):
        x = numpy.arange(3)
        x.flags.writeable = False
        a = np.asarray(x)
        with pytest.raises(ValueError, match="WRITEABLE"):
            a.setflags(write=True)
        x.flags.writeable = True
        b = np.asarray(x)
        b.setflags(write=False)
        b.setflags(write=True)
        b[0] = 7
        assert x[0] == 7

    def test_of_our_own(self):
        a = np.arange(4)
        assert a.base is None and a[1:].base is a and a[1:][1:].base is a
        assert np.searchsorted(a, [1, 2]).base is None
        assert np.ones((3, 3)).reshape(9).flags.owndata is False


def test_sizeof():
    a = np.ones(1000)
    assert a.nbytes < sys.getsizeof(a) < a.nbytes + 500
    assert sys.getsizeof(a[:]) < 500


class TestView:
    def test_as_the_class_that_it_has(self):
        a = np.arange(4.0)
        for cls in (np.ndarray, a.__class__, type(a)):
            v = a.view(cls)
            assert type(v) is np.ndarray and v.base is a
        w = a.view(np.int64, np.ndarray)
        assert type(w) is np.ndarray and w.dtype == np.int64

    def test_of_a_subclass(self):
        class Unit(np.ndarray):
            pass

        a = np.arange(4.0)
        u = a.view(Unit)
        assert type(u) is Unit
        plain = u.view(np.ndarray)
        assert type(plain) is np.ndarray
        plain[0] = 7
        assert a[0] == 7
        assert type(u.view(type=np.ndarray)) is np.ndarray
        assert type(u.view()) is Unit and u.view("i8").dtype == np.int64

        class Own(np.ndarray):
            def view(self, *args):
                return "own"
        assert a.view(Own).view(np.ndarray) == "own"


class TestStridedViews:
    def test_windows_are_not_written(self):
        a = np.arange(5)
        v = sliding_window_view(a, 2)
        assert type(v) is np.ndarray and not v.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            v[0, 0] = 1
        w = sliding_window_view(a, 2, writeable=True)
        w[0, 1] = 9
        assert a[1] == 9

    def test_as_strided(self):
        a = np.arange(6.0)
        v = as_strided(a, (2, 2), (8, 8))
        v[0, 1] = 5
        assert a[1] == 5
        assert not as_strided(a, (2, 2), (8, 8), writeable=False).flags.writeable
        assert not as_strided(a, (2, 2), (8, 8), False, False).flags.writeable

    def test_beyond_the_memory_it_stays_numpys(self):
        # Nothing is read: who knows what is there.
        v = as_strided(np.zeros(1, np.int8), (5, 4), (3, 4))
        assert type(v) is numpy.ndarray and v.strides == (3, 4)
        x = numpy.arange(8.0)
        y = numpy.lib.stride_tricks.as_strided(x[:4], (2, 3), (8, 8))
        assert type(np.asarray(y)) is np.ndarray and (np.asarray(y) == [[0, 1, 2], [1, 2, 3]]).all()


@pytest.mark.parametrize("call", [
    lambda a: np.median(a, overwrite_input=True), lambda a: np.median(a, None, None, True), lambda a: np.nanmedian(a, overwrite_input=True),
    lambda a: np.percentile(a, 50, overwrite_input=True), lambda a: np.quantile(a, 0.5, overwrite_input=True),
    lambda a: np.nanpercentile(a, 50, overwrite_input=True), lambda a: np.nanquantile(a, 0.5, overwrite_input=True),
])
def test_overwritten_input(call):
    a = np.array([3.0, 1, 4, 1, 5])
    version = a._version
    assert call(a) == 3
    assert a._version > version and sorted(a.tolist()) == [1, 1, 3, 4, 5]
    read_only = np.array([3.0, 1, 2])
    read_only.setflags(write=False)
    with pytest.raises(ValueError, match="read-only"):
        call(read_only)


class TestProtocols:
    def test_array_struct(self):
        class Holder:
            def __init__(self, a):
                self.__array_struct__ = a.__array_struct__
                self.a = a

        a = np.arange(6).reshape(2, 3)
        x = numpy.asarray(Holder(a))
        assert x.tolist() == a.tolist()
        x[0, 0] = 9
        assert a[0, 0] == 9

    def test_array_wrap(self):
        made = np.ones(2).__array_wrap__(numpy.arange(3.0))
        assert type(made) is np.ndarray and made.tolist() == [0, 1, 2]
        assert type(np.ones(2).__array_wrap__(numpy.array(3.0))) is np.float64
        assert np.ones(2).__array_wrap__(numpy.array(3.0), None, False).ndim == 0

    def test_scalars_of_numpys_functions_are_numpys(self):
        assert type(np.nan_to_num(complex(1, numpy.inf))) is numpy.complex128
        sign, _ = np.linalg.slogdet([[1.0]])
        assert type(sign) is numpy.float64


LONG = [t for t in ("longlong", "ulonglong") if numpy.dtype(t).char != numpy.dtype(numpy.dtype(t).name).char]


@pytest.mark.parametrize("name", LONG)
class TestLongLong:
    def test_is_remembered(self, name):
        kind = getattr(np, name)
        for a in (np.array(2, kind), np.array([1, 2], name), np.asarray([1.0], kind), np.array(kind(2)), np.ones(3).astype(kind),
                  np.array(numpy.ones(3, kind)), np.asarray(numpy.ones(3, kind))):
            assert type(a) is np.ndarray and a.dtype.type is kind
        a = np.array([1, 2, 3], kind)
        assert a[1:].dtype.type is kind and a.reshape(3, 1).dtype.type is kind
        assert a.view("f8").dtype == np.float64

    def test_is_a_name_only(self, name):
        a = np.array([1, 2, 3], getattr(np, name))
        same = np.array([1, 2, 3], a.dtype.name)
        assert a.dtype == same.dtype and same.dtype.type is not getattr(np, name)
        assert (a + same).tolist() == [2, 4, 6] and a.sum() == 6


class TestFlat:
    def test_index_after_a_loop(self):
        it = np.arange(10).reshape(2, 5).flat
        assert it.index == 0 and list(it) == list(range(10)) and it.index == 10

    def test_elements_are_not_deleted(self):
        it = np.ones(3).flat
        with pytest.raises(TypeError):
            del it[1]

    def test_copies_are_not_written(self):
        a = np.arange(20.0).reshape(4, 5)
        assert a.flat.__array__().flags.writeable
        assert not a[::2, ::2].flat.__array__().flags.writeable


class TestResize:
    def test_grows_with_zeros_and_shrinks(self):
        a = np.arange(4.0)
        a.resize(2, 3)
        assert a.tolist() == [[0, 1, 2], [3, 0, 0]] and a.flags.owndata
        a.resize((2,))
        assert a.tolist() == [0, 1]
        a.resize(None)
        a.resize()
        assert a.shape == (2,)

    def test_as_it_lies(self):
        a, x = np.asfortranarray(np.arange(6.0).reshape(2, 3)), numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3))
        a.resize(3, 3)
        x.resize(3, 3)
        assert a.tolist() == x.tolist() and a.flags.f_contiguous

    def test_others_that_refer_to_it(self):
        a = np.arange(4)
        b = a
        with pytest.raises(ValueError, match="refcheck=False"):
            a.resize(6)
        view = a[1:3]
        a.resize(6, refcheck=False)
        assert b.tolist() == [0, 1, 2, 3, 0, 0]
        a[1] = 9
        assert view.tolist() == [1, 2]
        with pytest.raises(ValueError, match="own its data"):
            view.resize(5, refcheck=False)

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="non-negative"):
            np.eye(3).resize(-1)
        for bad in ({"refcheck": "hi"}, {"order": 1}):
            with pytest.raises(TypeError):
                np.eye(3).resize(**bad)
        with pytest.raises(TypeError):
            np.eye(3).resize("hi")
        read_only = np.eye(2)
        read_only.setflags(write=False)
        with pytest.raises(ValueError):
            read_only.resize(9)
        with pytest.raises(ValueError, match="single-segment"):
            np.empty_like(np.zeros((2, 3, 4)).swapaxes(0, 1)).resize(3)

    def test_forgets_its_memory(self):
        # What a loop has outgrown does not stay.
        a = np.zeros(1, np.uint8)
        before = np.asarray(0).context.memory_stats()["used"]
        for n in range(1, 60):
            a.resize(n << 16)
        assert np.asarray(0).context.memory_stats()["used"] - before < 3 * a.nbytes

    def test_gradient(self):
        def loss(w):
            y = w * w
            y.resize(6)
            return y.sum()
        assert minpy.core.grad(loss)(np.arange(4.0)).tolist() == [0, 2, 4, 6]


class TestLike:
    @pytest.mark.parametrize("make", [np.zeros_like, np.ones_like, np.empty_like, lambda a, **k: np.full_like(a, 2, **k)])
    @pytest.mark.parametrize("order", "CFAK")
    def test_order_of_another_shape(self, make, order):
        for a in (np.zeros((2, 3)), np.zeros((2, 3)).T, np.zeros((2, 3, 4)).swapaxes(0, 1), np.zeros(3)):
            for shape in ((4, 5), (2, 3, 4), (6,)):
                x = numpy.empty_like(numpy.asarray(a), order=order, shape=shape)
                assert make(a, order=order, shape=shape).strides == x.strides


def test_ndmax():
    assert np.array([[1, 2], [3, 4]], dtype=object, ndmax=0).ndim == 0
    with pytest.raises(ValueError, match="ndmax"):
        np.array([1], ndmax=-1)


def test_a_matrix_of_an_array_may_be_written():
    a = np.zeros((2, 2))
    m = np.asmatrix(a)
    m[:, 1] = 3
    assert a.tolist() == [[0, 3], [0, 3]]


def test_one_choice_is_no_array():
    ours, theirs = np.random.default_rng(3), numpy.random.default_rng(3)
    for _ in range(3):
        got, want = ours.choice(7), theirs.choice(7)
        assert type(got) is type(want) and got == want
    assert ours.multivariate_normal([0, 0], [[1, 0], [0, 1]]).tolist() == theirs.multivariate_normal([0, 0], [[1, 0], [0, 1]]).tolist()


class TestBuffers:
    def test_bytes_in_a_row(self):
        a = np.arange(6.0).reshape(2, 3)
        assert hashlib.sha256(a).digest() == hashlib.sha256(a.asnumpy()).digest()

    @pytest.mark.parametrize("a", [np.arange(6)[::2], np.ones((3, 4)).T])
    def test_what_is_not_in_a_row(self, a):
        with pytest.raises(ValueError, match="ndarray is not C-contiguous"):
            hashlib.sha256(a)


def test_words_of_refusals():
    with pytest.raises(ValueError, match="strings are not allowed for 'copy' keyword"):
        np.array([1], copy="always")
    with pytest.raises(ValueError, match="not supported"):
        np.ones(2).to_device("cpu", stream=1)
    with pytest.raises(ValueError, match="not supported"):
        np.ones(2).__array_namespace__(api_version="1901.01")
    with pytest.raises(TypeError, match="but 1 was given"):
        np.hypot(1)
