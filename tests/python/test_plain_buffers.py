"""The buffer protocol: `numpy.ndarray(shape, buffer=a)` gives its request back at once and goes on reading."""
import gc

import numpy

import minpy.numpy as np


def test_memory_lives_as_long_as_the_array(device):
    for make in (lambda a: numpy.ndarray((6,), buffer=a), lambda a: np.ndarray((6,), buffer=a), lambda a: numpy.ndarray((6,), buffer=memoryview(a))):
        for k in range(20):
            a = np.arange(6.0) + k
            v = make(a)
            del a
            others = [np.arange(6.0) * 3 + j for j in range(10)]
            [o.asnumpy() for o in others]
            gc.collect()
            assert v.tolist() == [k + i for i in range(6)]


def test_one_memory_for_every_request(device):
    a = np.arange(6.0)
    first = numpy.ndarray((6,), buffer=a)
    a[:] = 7
    second, third = numpy.ndarray((6,), buffer=memoryview(a)), memoryview(a)
    # On the host all of them are the array's own memory; of a device's array they are one copy, as the last request found it.
    assert first.tolist() == second.tolist() == third.tolist() == [7.0] * 6
    assert first.__array_interface__["data"][0] == second.__array_interface__["data"][0]
    a.shape = (2, 3)
    assert memoryview(a).tolist() == [[7.0] * 3] * 2 and first.tolist() == [7.0] * 6
    assert bytes(a.T.copy()) == numpy.full(6, 7.0).tobytes()
