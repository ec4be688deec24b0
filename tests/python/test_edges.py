"""Edges at which we once differed from NumPy: empty views, odd arguments, odd keys."""
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import minpy.numpy as np
import numpy
import pytest
from hypothesis import given, settings

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=3)


@settings(max_examples=300, deadline=None)
@given(st.data(), SHAPES)
def test_views_of_small_and_empty_arrays(data, shape):
    n = numpy.arange(numpy.prod(shape), dtype=float).reshape(shape)
    a = np.array(n)
    for _ in range(3):
        key = data.draw(hnp.basic_indices(n.shape, allow_newaxis=True, allow_ellipsis=True))
        n, a = n[key], a[key]
        if not numpy.ndim(n):
            break
        assert a.shape == n.shape and numpy.array_equal(numpy.asarray(a), n)
    if numpy.ndim(n):
        assert np.asarray(a).T.shape == n.T.shape and a.sum() == n.sum() and (a + 1).shape == n.shape
        assert [i.tolist() for i in np.nonzero(a)] == [i.tolist() for i in numpy.nonzero(n)]
        assert np.argwhere(a > 1e9).shape == (0, n.ndim)
        a[...] = 5
        assert bool((a == 5).all())


def test_empty_views_keep_to_their_buffer(device):
    a = np.zeros((3, 0, 4), "float32")
    for b in (a[1:, :, 2:], a[::-1], a[2], a[:, :, ::-1], a.T[3:], np.diagonal(a, 1), np.zeros((0, 3), "complex64").imag):
        assert b.size == 0 and (b + 1).shape == b.shape and b.copy().shape == b.shape and b.asnumpy().shape == b.shape
        if b.flags.writeable:
            b[...] = 1
    assert [i.shape for i in np.nonzero(np.zeros((2, 3)))] == [(0,), (0,)]
    assert np.where(np.zeros((2, 3, 4)))[2].tolist() == []
    b = np.arange(6.0).reshape(2, 3)
    assert b[np.zeros((2, 3), bool)].shape == (0,) and b[:, 3:].shape == (2, 0) and b[2:, 1].shape == (0,)


@pytest.mark.parametrize("call", [
    lambda m, a: m.sort(a, kind="bogus"),
    lambda m, a: m.argsort(a, kind="stable", stable=True),
    lambda m, a: a.sort(kind="bogus"),
])
def test_kinds_of_sorting_are_checked(call):
    for module in (numpy, np):
        with pytest.raises(ValueError, match="kind"):
            call(module, module.arange(3.0))


def test_sorting_of_strings_keeps_the_kind():
    words = numpy.random.RandomState(0).choice(["a", "b", "c"], 500)
    assert np.argsort(words, kind="stable").tolist() == numpy.argsort(words, kind="stable").tolist()


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "uint64"])
@pytest.mark.parametrize("bounds", [(-1, 300), (None, 2**40), (-(2**40), 3), (5, None), (-3, -2)])
def test_clip_by_python_integers_out_of_range(dtype, bounds, device):
    n = numpy.array([0, 3, 7, 100], dtype)
    try:
        wanted = numpy.clip(n, *bounds)
    except OverflowError:
        with pytest.raises(OverflowError):
            np.clip(np.array(n), *bounds)
        return
    got = np.clip(np.array(n), *bounds)
    assert got.dtype == wanted.dtype and got.tolist() == wanted.tolist()


def test_arange_without_a_step():
    for module in (numpy, np):
        with pytest.raises(ZeroDivisionError):
            module.arange(0, 5, 0)


def test_nan_to_num_in_place(device):
    a = np.array([1.0, numpy.nan, numpy.inf])
    b = np.nan_to_num(a, copy=False)
    assert a.tolist() == b.tolist() == [1.0, 0.0, numpy.finfo(float).max]


def test_dot_names_itself():
    with pytest.raises(ValueError, match="dot"):
        np.dot(np.ones((2, 3)), np.ones((2, 3)))


def test_flat_with_odd_keys(device):
    n = numpy.arange(9.0).reshape(3, 3)
    a = np.array(n)
    for key in (numpy.int64(4), [1, 2], numpy.array([True] * 4 + [False] * 5), Ellipsis, slice(1, None, 3)):
        assert a.flat[key].tolist() == n.flat[key].tolist()
    with pytest.raises(IndexError):
        a.flat[9]
    with pytest.raises(IndexError):
        a.flat["x"]
    a.flat[[0, 8]] = [-1, -2]
    assert a[0, 0] == -1 and a[2, 2] == -2


def test_may_share_memory_as_hard_as_asked(on_cpu):
    a = np.zeros((6, 4, 4))
    assert np.may_share_memory(a[:, 0], a[:, 0]) and not np.may_share_memory(a[:, 0], a[:, 1], max_work=-1)


def test_small_powers_of_infinite_complex_numbers(device):
    z = numpy.array([complex(0, numpy.inf), complex(1, -numpy.inf), 3 - 2j], "complex64")
    a = np.array(z)
    with numpy.errstate(all="ignore"):
        for p in (1, 2, 3):
            assert numpy.allclose((a**p).asnumpy(), z**p, equal_nan=True)


def test_masks_that_are_lists(device):
    a = np.arange(4.0).reshape(2, 2)
    np.power(a, [2, 3], out=a, where=[[0, 1], [1, 0]])
    assert a.tolist() == [[0, 1], [4, 3]]
    np.copyto(a, -1, where=[[1, 0], [0, 0]])
    assert a.tolist() == [[-1, 1], [4, 3]]
    with pytest.raises(TypeError, match="int64"):
        np.exp(a, out=a, where=np.array([[0, 1], [1, 0]]))


def test_choose_as_a_method(device):
    a = np.array([0, 1, 0])
    assert a.choose([1, 2, 3], [4, 5, 6]).tolist() == a.choose([[1, 2, 3], [4, 5, 6]]).tolist() == [1, 5, 3]
    assert np.array([5]).choose([1], [2], mode="clip").tolist() == [2]


def test_sizes_that_overflow_are_errors():
    huge = (2, 13, 419, 691, 823, 2977518503)  # its product is 10 in 64 bits
    for a in (np.ones(10), np.ones(20)[::2]):
        with pytest.raises(ValueError, match="reshape"):
            a.reshape(huge)
    with pytest.raises(ValueError):
        np.ones(0).reshape(2**40, 2**40)
    with pytest.raises(ValueError):
        np.broadcast_to(np.ones(1), (2**40, 2**40))


@pytest.mark.parametrize("value", [300.0, -1.5, numpy.float32(300), numpy.int64(300), 1e19, numpy.float32("nan"), float("inf"), 2.9])
@pytest.mark.parametrize("dtype", ["int8", "int32", "uint64", "float32"])
def test_items_that_do_not_fit(value, dtype, device):
    n, a = numpy.zeros(2, dtype), np.zeros(2, dtype)
    try:
        n[0] = value
    except (ValueError, OverflowError) as e:
        with pytest.raises(type(e)):
            a[0] = value
        with pytest.raises(type(e)):
            np.array([value], dtype)
        return
    a[0] = value
    if numpy.isfinite(value):
        assert a.tolist() == n.tolist()


def test_complex_into_real_warns():
    for module in (numpy, np):
        x = module.zeros(2)
        with pytest.warns(numpy.exceptions.ComplexWarning):
            x[:] = module.array([1j, 2 + 1j])
        assert x.tolist() == [0, 2]


def test_nothing_to_reduce():
    for module in (numpy, np):
        for call in (lambda: module.max(module.ones((0, 0)), axis=0), lambda: module.ones((0, 3)).min(axis=0)):
            with pytest.raises(ValueError, match="no identity"):
                call()
        assert module.ones((0, 3)).max(axis=1).shape == (0,)


class Wrapped:
    """An object with an array inside, as programs have them."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


def test_objects_that_give_our_arrays(device):
    a = Wrapped(np.arange(3.0))
    assert np.asarray(a).tolist() == np.add(a, 0).tolist() == (np.zeros(3) + a).tolist() == [0, 1, 2]
    assert np.sum(a) == 3 and numpy.allclose(np.i0(a).asnumpy(), numpy.i0(numpy.arange(3.0)))


def test_methods_with_arguments_left_out(device):
    a = np.arange(5.0)
    assert a.clip(3).tolist() == a.clip(min=3).tolist() == [3, 3, 3, 3, 4] and a.clip(max=1).tolist() == [0, 1, 1, 1, 1]
    assert a.conj() is a and (a + 1j).conj().imag.tolist() == [-1] * 5
    with pytest.raises(ValueError, match="putmask"):
        np.putmask(a, np.array([True]), 1)
