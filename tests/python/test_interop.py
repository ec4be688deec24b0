"""NumPy and others: protocols, memory, pickles, and the class of arrays."""
import copy
import pickle

import numpy
import pytest

import minpy.numpy as np


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


METHODS = """all any argmax argmin argsort astype clip compress conj copy cumprod cumsum diagonal dot flatten item max mean min nonzero
prod ravel repeat reshape round searchsorted sort squeeze std sum swapaxes take tobytes tolist trace transpose var argpartition""".split()


@pytest.mark.parametrize("name", METHODS)
def test_methods(name, device):
    arguments = {"astype": ("int32",), "clip": (1, 2), "compress": ([True, False],), "dot": ([1.0, 2.0],), "item": (2,), "repeat": (2,),
                 "reshape": (4, 1), "searchsorted": (2.5,), "swapaxes": (0, 1), "take": ([1, 0],), "argpartition": (1,)}.get(name, ())
    n = numpy.array([[3.0, 1.0], [2.0, 4.0]])
    if name == "searchsorted":
        n = numpy.array([1.0, 2.0, 3.0])
    a = np.array(n)
    want, got = getattr(n, name)(*arguments), getattr(a, name)(*arguments)
    if name == "sort":
        want, got = n, a
    numpy.testing.assert_array_equal(numpy.asarray(got), numpy.asarray(want))


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
