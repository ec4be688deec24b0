"""Bits, chosen elements and positions against NumPy, on sizes and errors that the cases do not have."""
import numpy
import pytest

import minpy.numpy as np

RANDOM = numpy.random.RandomState(0)


@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("n", [1, 7, 8, 9, 64, 1001])
def test_bits(order, n):
    for x in (RANDOM.rand(n) > 0.5, RANDOM.randint(0, 3, n), RANDOM.randint(0, 2, (3, n)).astype("uint8")):
        for axis in (None, -1, 0):
            packed = numpy.packbits(x, axis=axis, bitorder=order)
            numpy.testing.assert_array_equal(np.packbits(np.array(x), axis=axis, bitorder=order).asnumpy(), packed)
            for count in (None, 3, -2, 8 * n + 5, 0):
                numpy.testing.assert_array_equal(np.unpackbits(np.array(packed), axis, count, order).asnumpy(), numpy.unpackbits(packed, axis=axis, count=count, bitorder=order))
    with pytest.raises(TypeError, match="integer or boolean"):
        np.packbits(np.ones(3))
    with pytest.raises(TypeError, match="unsigned byte"):
        np.unpackbits(np.arange(3))


def test_positions():
    shape = (5, 7, 3)
    flat = RANDOM.randint(0, 105, (4, 6))
    for order in "CF":
        parts = np.unravel_index(np.array(flat), shape, order)
        for mine, theirs in zip(parts, numpy.unravel_index(flat, shape, order), strict=True):
            numpy.testing.assert_array_equal(mine.asnumpy(), theirs)
        numpy.testing.assert_array_equal(np.ravel_multi_index(parts, shape, order=order).asnumpy(), flat)
    assert np.ravel_multi_index((2, 3), (5, 7)) == 17
    wild = tuple(RANDOM.randint(-20, 20, 9) for _ in shape)
    for mode in ("wrap", "clip"):
        numpy.testing.assert_array_equal(np.ravel_multi_index(tuple(map(np.array, wild)), shape, mode).asnumpy(), numpy.ravel_multi_index(wild, shape, mode))
    for call in (lambda m: m.unravel_index(m.array([0, 105]), shape), lambda m: m.unravel_index(m.array([-1]), shape), lambda m: m.unravel_index(m.array([1.5]), shape),
                 lambda m: m.ravel_multi_index((m.array([5]), m.array([0]), m.array([0])), shape), lambda m: m.ravel_multi_index((m.array([1]), m.array([0])), shape),
                 lambda m: m.choose(m.array([0, 2]), (m.ones(2), m.zeros(2))), lambda m: m.ix_(m.ones((2, 2))), lambda m: m.resize(m.ones(2), (-1, 2))):
        with pytest.raises((ValueError, TypeError)) as theirs:
            call(numpy)
        with pytest.raises(theirs.type) as mine:
            call(np)
        assert str(mine.value) == str(theirs.value)


def test_chosen_elements():
    numbers = RANDOM.randint(0, 12, (3, 4))
    choices = [RANDOM.rand(4) for _ in range(12)]
    numpy.testing.assert_array_equal(np.choose(np.array(numbers), [np.array(c) for c in choices]).asnumpy(), numpy.choose(numbers, choices))
    assert np.choose(1, [10, 20]) == 20


def test_grids():
    for sparse in (False, True):
        mine, theirs = np.indices((2, 3), sparse=sparse), numpy.indices((2, 3), sparse=sparse)
        assert type(mine) is tuple if sparse else True
        for a, b in zip(mine, theirs, strict=True):
            numpy.testing.assert_array_equal(a.asnumpy(), b)
    a = np.arange(12).reshape(3, 4)
    assert a[np.ix_([0, 2], [True, False, True, False])].asnumpy().tolist() == [[0, 2], [8, 10]]
