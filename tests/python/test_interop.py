"""NumPy and others: protocols, memory, pickles, and the class of arrays."""
import copy
import ctypes
import pickle

import numpy
import pytest

import minpy.numpy as np
from minpy import _minpy
from minpy.core import grad


def test_numpy_functions_on_ours(device):
    a = np.array([1.0, 4.0])
    for r in (numpy.sqrt(a), numpy.add(a, numpy.ones(2)), numpy.concatenate([a, a]), numpy.sum(a, axis=0, keepdims=True), numpy.where(a > 2, a, 0),
              numpy.linalg.norm(a.reshape(1, 2), axis=1), numpy.multiply.outer(a, a), numpy.add.reduce(a.reshape(1, 2))):
        assert type(r) is np.ndarray and r.context == device
    n = numpy.ones(2)
    for r in (n + a, a + n, numpy.float64(2) * a, a / numpy.float32(2), [1, 2] + a, n @ a.reshape(2, 1), 3 - a, n < a):
        assert type(r) is np.ndarray and r.context == device, r
    numpy.testing.assert_allclose(a, [1, 4])
    numpy.add(n, a, out=n)
    assert n.tolist() == [2, 5]


def test_conversions(device):
    a = np.array([[1, 2], [3, 4]], dtype="int16")
    n = numpy.asarray(a)
    assert type(n) is numpy.ndarray and n.dtype == "int16" and n.tolist() == [[1, 2], [3, 4]]
    assert numpy.array(a).tolist() == [[1, 2], [3, 4]] and numpy.asarray(a, dtype=float).dtype == float
    assert a.asnumpy().flags.owndata and a.tolist() == [[1, 2], [3, 4]]
    assert memoryview(a).tolist() == [[1, 2], [3, 4]]
    assert bytes(memoryview(a.T.copy())) == a.asnumpy().T.tobytes()
    assert numpy.from_dlpack(a).tolist() == [[1, 2], [3, 4]]
    assert list(a[0]) == [1, 2] and [int(x) for r in a for x in r] == [1, 2, 3, 4]


@pytest.mark.parametrize("dtype", "bool int8 uint16 int32 uint64 float16 float32 float64 complex64 complex128".split())
def test_buffer_formats(dtype, on_cpu):
    n = numpy.ones((2, 3), dtype)
    a = np.asarray(n)
    assert a.dtype == n.dtype and numpy.asarray(a).dtype == n.dtype
    assert numpy.shares_memory(numpy.asarray(a), n)


def test_imports_that_need_a_copy():
    swapped = numpy.arange(4, dtype=">f8")
    # Foreign byte order stays NumPy's, as every dtype that core lacks; its values are computed with, or converted.
    assert type(np.array(swapped)) is numpy.ndarray and np.array(swapped).dtype == ">f8"
    assert type(np.array(swapped, dtype=float)) is np.ndarray and np.array(swapped, dtype=float).tolist() == [0, 1, 2, 3]
    assert type(np.exp(swapped)) is np.ndarray and (np.ones(4) + swapped).tolist() == [1, 2, 3, 4]
    assert np.ones(2, ">i8").view(">i8").tolist() == [1, 1] and np.arange(3)[numpy.array([2], ">i4")].tolist() == [2]
    out = numpy.zeros(4, ">f4")
    assert np.add(swapped, 1, out=out) is out and out.tolist() == [1, 2, 3, 4]
    odd = numpy.zeros(3, dtype=[("a", "i1"), ("b", "f8")])["b"]
    assert np.asarray(odd).tolist() == [0, 0, 0]
    assert np.asarray(numpy.arange(6)[::-2]).tolist() == [5, 3, 1]
    assert np.asarray(numpy.zeros((0, 3))).shape == (0, 3)


def test_pickle_and_copy(device):
    a = np.arange(6.0).reshape(2, 3).T
    for b in (pickle.loads(pickle.dumps(a)), copy.copy(a), copy.deepcopy(a)):
        assert type(b) is np.ndarray and b.context == device and b.tolist() == a.tolist()
        b[0, 0] = 99
    assert float(a[0, 0]) == 0
    s = pickle.loads(pickle.dumps(a.sum()))
    assert s == 15 and hash(s) == hash(15.0)


def test_class():
    a = np.zeros(2)
    assert isinstance(a, np.ndarray) and type(a) is np.ndarray
    assert isinstance(numpy.zeros(2), np.ndarray) and not isinstance([1], np.ndarray) and not isinstance(a.sum(), np.ndarray)
    assert np.ndarray((2, 3), "float32").shape == (2, 3)
    assert np.ndarray((2,), int, buffer=numpy.arange(4), offset=8).tolist() == [1, 2]

    class Sub(np.ndarray):
        pass
    assert issubclass(Sub, np.ndarray) and issubclass(Sub, numpy.ndarray)
    assert isinstance(np.arange(3.0).view(Sub), Sub)
    m = numpy.ma.array([1.0, 2.0], mask=[True, False])
    assert isinstance(a + m, numpy.ma.MaskedArray)
    assert isinstance(np.eye(2) * numpy.matrix([[1, 2], [3, 4]]), numpy.matrix)


def test_attributes():
    a = np.arange(6, dtype="float32").reshape(2, 3)
    n = numpy.arange(6, dtype="float32").reshape(2, 3)
    for name in ("shape", "ndim", "size", "dtype", "itemsize", "nbytes", "strides"):
        assert getattr(a, name) == getattr(n, name)
    assert a.T.strides == n.T.strides and a.T.base is not None
    assert a.flags.c_contiguous and not a.T.flags["C"] and a.T.flags.f_contiguous and a.flags.writeable
    assert a.real is a and a.imag.tolist() == [[0, 0, 0], [0, 0, 0]]
    a.shape = (3, 2)
    assert a.shape == (3, 2)
    with pytest.raises(AttributeError):
        a.T.shape = (6,)
    assert a.flat[3] == 3 and list(a.flat) == [0, 1, 2, 3, 4, 5]
    a.flat[1:3] = 9
    assert a.ravel().tolist() == [0, 9, 9, 3, 4, 5]
    assert a.mT.shape == (2, 3) and a.view("int32").dtype == "int32"
    a.dtype = "int32"
    assert a.dtype == "int32"
    assert np.ones(2).__array_namespace__() is np


# What NumPy's arrays can be asked for that core's table does not know as a method (test_table.py has those): its arguments where there must
# be some. Not asked here is what writes files or pickles, or changes the memory or the flags of the array itself.
TABLE = {entry["name"].removeprefix("ndarray.") for entry in _minpy._table() if entry["method"] or entry["name"].startswith("ndarray.")}
APART = {"dump", "dumps", "tofile", "resize", "setflags"}
METHODS = [n for n in dir(numpy.ndarray) if not n.startswith("_") and callable(getattr(numpy.ndarray, n)) and n not in TABLE | APART]
ARGUMENTS = {"astype": ("int32",), "item": (2,), "reshape": (4, 1), "searchsorted": (2.5,), "argpartition": (1,), "partition": (1,), "choose": ([[0, 1], [1, 0]],), "fill": (7.5,),
             "getfield": ("int32", 4), "setfield": (3, "int32"), "to_device": ("cpu",)}


@pytest.mark.parametrize("name", METHODS)
def test_methods(name, device):
    arguments = ARGUMENTS.get(name, ())
    n = numpy.array([[3.0, 1.0], [2.0, 4.0]])
    if name == "searchsorted":
        n = numpy.array([1.0, 2.0, 3.0])
    if name == "choose":
        n = n.astype(int) % 2
    a = np.array(n)
    want, got = getattr(n, name)(*arguments), getattr(a, name)(*arguments)
    numpy.testing.assert_array_equal(numpy.asarray(got), numpy.asarray(want))
    numpy.testing.assert_array_equal(numpy.asarray(a), n)


def test_every_method_exists():
    missing = [n for n in dir(numpy.ndarray) if not hasattr(np.ndarray, n) and n not in ("__array_wrap__", "__array_struct__", "__array_finalize__", "__setstate__")]
    assert not missing


def test_memory_of_buffers_is_shared_as_by_numpy(on_cpu):
    raw = bytearray(16)
    a = np.asarray(memoryview(raw))
    raw[3] = 7
    assert type(a) is np.ndarray and a[3] == 7
    b = np.array(memoryview(raw))
    raw[3] = 9
    assert b[3] == 7
    with pytest.raises(ValueError):
        np.asarray(memoryview(bytes(4)))[0] = 1
    skew = np.ndarray((3,), "float32", np.zeros(20, "uint8"), offset=1)
    assert type(skew) is numpy.ndarray and not skew.flags.aligned
    assert np.zeros_like(numpy.zeros(2, ">i4")).dtype == ">i4"


def test_read_only_memory_stays_read_only(on_cpu):
    """Also when it has been NumPy's in between."""
    s, b, a = np.sum(np.ones(10000) * 1), np.broadcast_to(np.zeros(1), (3,)), np.ones(3)
    a.flags.writeable = False
    back = [f(lent) for lent in (s, b, a) for f in (lambda x: np.asarray(numpy.asarray(x)), lambda x: np.asarray(memoryview(x)))]
    for view in [*back, np.ndarray((1,), buffer=numpy.asarray(a))]:
        assert type(view) is np.ndarray and not view.flags.writeable
        with pytest.raises(ValueError):
            view[...] = 7
        with pytest.raises(ValueError):
            view[...].flags.writeable = True
    assert s == 10000 and hash(s) == hash(10000.0) and a.tolist() == [1, 1, 1]
    a.flags.writeable = True
    np.asarray(numpy.asarray(a))[0] = 7
    assert a.tolist() == [7, 1, 1]
    assert np.array(numpy.broadcast_to(1.0, 3)).flags.writeable and np.asarray(numpy.broadcast_to(1.0, 3), dtype="f4").flags.writeable


def test_elements_between_the_elements_of_their_owner(on_cpu):
    for owner, first, dtype in ((numpy.zeros(9), 1, "c16"), (numpy.zeros(9, "f4"), 1, "c8"), (np.zeros(9), 1, "c16")):
        n = numpy.asarray(owner)[first:].view(dtype)
        a = np.asarray(n)
        assert type(a) is np.ndarray and a.dtype == dtype and np.shares_memory(a, n)
        a[1] = 3 + 4j
        assert n[1] == 3 + 4j and (a + n)[1] == 6 + 8j and type(n + np.ones(1)) is np.ndarray
        assert owner.tolist() == [0, 0, 0, 3, 4, 0, 0, 0, 0]
    z = numpy.ones(9)[1:].view("c16")
    assert grad(lambda z: np.sum(z * z))(z).tolist() == [2 + 2j] * 4


class PyBuffer(ctypes.Structure):
    """`Py_buffer`"""
    _fields_ = [
        ("buf", ctypes.c_void_p), ("obj", ctypes.py_object), ("len", ctypes.c_ssize_t), ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int), ("ndim", ctypes.c_int), ("format", ctypes.c_char_p), ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)), ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)), ("internal", ctypes.c_void_p)]


@pytest.mark.parametrize("layout", [lambda a: a, lambda a: a.T, lambda a: a[::2], lambda a: a[:, ::2], lambda a: a[:1], lambda a: a[:, :1], lambda a: a[:0].T])
@pytest.mark.parametrize("flags", {"simple": 0, "nd": 8, "strides": 0x18, "c": 0x38, "f": 0x58, "any": 0x98, "full": 0x11D, "c writable": 0x39}.values())
def test_requests_for_buffers(layout, flags, on_cpu):
    def answer(a):
        view = PyBuffer()
        try:
            ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(a), ctypes.byref(view), flags)
        except (BufferError, ValueError):  # NumPy raises the other
            return "refused"
        got = view.len, bool(view.shape), bool(view.strides), bool(view.format)
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(view))
        return got
    n = numpy.arange(12.0).reshape(3, 4)
    assert answer(layout(np.array(n))) == answer(layout(n))


def test_views_look_at_aligned_memory_only(on_cpu):
    for dtype, wider in (("f4", "f8"), ("f4", "c16"), ("c8", "i8"), ("c8", "f8"), ("i2", "u4")):
        n = numpy.frombuffer(bytearray(64 + 7), numpy.int8)
        at = -n.ctypes.data % 16 + numpy.dtype(dtype).itemsize // (2 if dtype[0] == "c" else 1)
        n = n[at:at + 32].view(dtype)
        a = np.asarray(n)
        v = a.view(wider)
        assert type(a) is np.ndarray and type(v) is numpy.ndarray and v.dtype == wider and numpy.shares_memory(v, n), (dtype, wider)
        assert type(np.array(n).view(wider)) is np.ndarray
    s = np.zeros(2, "c8")
    s.flags.writeable = False
    assert type(s.view("i8")) is np.ndarray and not s.view("S8").flags.writeable


def test_never_copy(on_cpu):
    record = numpy.zeros(3, [("a", "i4"), ("x", "f8")])["x"]
    with pytest.raises(ValueError, match="copy"):
        np.asarray(record, copy=False)
    assert np.asarray(record).tolist() == [0, 0, 0]
    n = numpy.zeros(3)
    assert np.shares_memory(np.asarray(n, copy=False), n)


def test_arrays_of_an_archive_are_ours(device, tmp_path):
    words = numpy.array(["x", "y"])
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", np.arange(3.0), b=np.ones((2, 2), "int8"), words=words)
        with np.load(tmp_path / "a.npz") as z:
            assert isinstance(z, numpy.lib.npyio.NpzFile) and sorted(z) == ["arr_0", "b", "words"]
            assert type(z["b"]) is np.ndarray and z["b"].context == device and z["b"].dtype == "int8"
            assert z.f.arr_0.tolist() == [0, 1, 2] and type(dict(z)["arr_0"]) is np.ndarray
            assert (z["words"] == words).all() and type(z["words"]) is numpy.ndarray
            with pytest.raises(KeyError):
                z["c"]
