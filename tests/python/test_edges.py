"""Edges at which we once differed from NumPy: empty views, odd arguments, odd keys."""
import sys

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy
import pytest
from hypothesis import given, settings

import minpy.numpy as np
from minpy import _minpy

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


def test_as_many_dimensions_as_numpy():
    a = np.expand_dims(np.zeros((2, 2)), tuple(range(1, 63)))
    assert a.ndim == 64 and a[..., ::-1].shape == a.shape
    for wider in (lambda: a[None], lambda: np.expand_dims(a, 0), lambda: a[None, ..., ::-1], lambda: a.reshape((1,) * 64 + (4,))):
        with pytest.raises((IndexError, ValueError), match="64"):
            wider()


@pytest.mark.parametrize("step", [2**63 - 1, -2**63, 2**62, -2**62, 2**70])
def test_steps_of_any_size(step):
    for n in (0, 1, 3):
        for key in (slice(None, None, step), slice(1, None, step), slice(None, 1, step)):
            assert np.arange(n)[key].tolist() == numpy.arange(n)[key].tolist()


@pytest.mark.parametrize(
    "args", [(1, 2, 0.1), (0.1, 1e4, 0.3), (5, 0, -1), (1e16, 1e16 + 20, 1.0), (2**63, 2**63 + 2, 1), (-5, 5, 2), (0, 5, 0.5)])
@pytest.mark.parametrize("dtype", [None, "f8", "f4", "f2", "i8", "i1", "u1"])
def test_arange(args, dtype):
    def outcome(module):
        try:
            a = numpy.asarray(module.arange(*args, dtype=dtype))
            return a.dtype, repr(a.tolist())
        except Exception as e:
            return type(e)
    assert outcome(np) == outcome(numpy)


def test_indices_are_checked_where_nothing_moves(device):
    a = np.zeros((3, 0))
    for use in (lambda: a[[5]], lambda: a.__setitem__([5], 1), lambda: a[[0, -4]], lambda: np.zeros((0, 3))[[0]]):
        with pytest.raises(IndexError, match="out of bounds"):
            use()
    assert a[[2, -3]].shape == (2, 0) and np.zeros((0, 3))[np.zeros(0, int)].shape == (0, 3)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "i4", "u8"])
def test_reciprocal_of_integers(device, dtype):
    top = int(numpy.iinfo(dtype).max)
    assert np.reciprocal(np.array([top, 1, 2, top - 1], dtype)).tolist() == [0, 1, 0, 0]


def test_far_diagonals():
    for k in (-2**63, 2**63 - 1, -5, 5, 2):
        assert np.eye(3, k=k).tolist() == numpy.eye(3, k=k).tolist()


def test_memory_that_came_in_twice():
    # One block of NumPy's in two buffers of ours, because one of the views is read-only.
    n = numpy.arange(100000.0)
    r = n.view()
    r.flags.writeable = False
    want = n.copy()
    want[1:] += n[:-1]
    a, b = np.asarray(n), np.asarray(r)
    assert np.may_share_memory(a, b) and not np.may_share_memory(np.asarray(n[:5]), np.asarray(r[5:]))
    a[1:] += b[:-1]
    assert numpy.array_equal(n, want)
    ours = np.array(want)
    went = dict(ours.__array_interface__)
    back = np.asarray(type("Lender", (), {"__array_interface__": went, "base": ours})())
    assert np.may_share_memory(ours, back) and np.may_share_memory(Wrapped(ours), back)
    ours[1:] += back[:-1]
    want[1:] += want[:-1].copy()
    assert numpy.array_equal(ours.asnumpy(), want)
    raw = bytearray(want.tobytes())
    x, y = np.frombuffer(raw), np.frombuffer(memoryview(raw))
    x[1:] += y[:-1]
    want[1:] += want[:-1].copy()
    assert numpy.array_equal(x.asnumpy(), want)


def test_output_with_repeated_elements(device):
    a = np.arange(6.0)
    v = np.broadcast_to(a, (4, 6))
    if a.context.device_type == "cpu":
        v = np.lib.stride_tricks.as_strided(a, (4, 6), (0, 8))
        np.negative(v, out=v)
        assert a.tolist() == [0, -1, -2, -3, -4, -5]
    else:
        with pytest.raises(ValueError, match="read-only"):
            np.negative(v, out=v)


def test_sorting_in_place_writes_its_elements_only(device):
    a = np.array([5, 100, 3, 101, 4, 102, 1])
    a[::-2].sort()
    assert a.tolist() == [5, 100, 4, 101, 3, 102, 1]
    m = np.arange(6.0).reshape(2, 3)[:, ::-1]
    m[:, 0].sort()
    m[0].sort()
    assert m.tolist() == [[0, 1, 2], [5, 4, 3]]


def test_lists_of_lists_and_arrays(device):
    for values in ([[1, 2], np.array([3, 4])], [np.array([1, 2]), [3.5, 4]], [[[1, 2]], np.array([[3, 4]])], [[], np.zeros(0)]):
        plain = numpy.array([v.asnumpy() if type(v) is np.ndarray else v for v in values])
        got = np.array(values)
        assert got.dtype == plain.dtype and got.tolist() == plain.tolist()
    with pytest.raises(ValueError, match="inhomogeneous"):
        np.array([[1, 2], np.array([3])])


@pytest.mark.parametrize("function", [
    lambda np, out: np.eye(2, dtype=int).__imatmul__(np.full((2, 2), 0.5)),
    lambda np, out: np.clip(np.ones(3), None, None, out=np.zeros(3, int)),
    lambda np, out: np.clip(np.ones(3), 0, None, out=np.zeros(3, int)),
    lambda np, out: np.std(np.ones(3), out=np.zeros((), int)),
])
def test_outputs_of_a_lesser_kind(function, device):
    for module in (numpy, np):
        with pytest.raises(TypeError, match="same_kind"):
            function(module, None)


def test_moments_into_another_kind(device):
    values = [0.5, 0.75, 2.0, -7.0]
    for f in ("mean", "var"):
        for dtype in ("int64", "int8", "float32", "complex64"):
            want, got = (getattr(m, f)(m.array(values), out=m.zeros((), dtype)) for m in (numpy, np))
            assert got.dtype == dtype and got == want
    with pytest.warns(numpy.exceptions.ComplexWarning):
        np.mean(np.array([1 + 2j, 3]), out=np.zeros(()))


@pytest.mark.parametrize("value", [1.7, 300, 259, -1, 1j, True, numpy.float64(1.7), numpy.int64(300), [1.7], [3], [259], numpy.array([2.5], "f4")], ids=repr)
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "float32", "complex64"])
@pytest.mark.parametrize("name", sorted(n for n, f in _minpy._ufuncs().items() if (f.nin, f.nout) == (2, 1) and f._numpy is not None and not f.signature))
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_at_casts_the_result(name, dtype, value):
    want, got = numpy.full(3, 5, dtype), np.full(3, 5, dtype)
    try:
        getattr(numpy, name).at(want, [0, 2, 0], value)
    except Exception as e:
        with pytest.raises(type(e).__mro__[-4]):
            getattr(np, name).at(got, [0, 2, 0], value)
        return
    getattr(np, name).at(got, [0, 2, 0], value)
    numpy.testing.assert_allclose(got.asnumpy(), want, rtol=1e-6)


@pytest.mark.parametrize("mode", ["clip", "wrap"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64", "bool"])
def test_small_indices_of_a_long_array(mode, dtype, device):
    i = numpy.array([1, 100, 0, 7]).astype(dtype)
    i = -i if dtype in ("int8", "int64") else i
    for n in (1000, 5):
        assert np.take(np.arange(n), np.array(i), mode=mode).tolist() == numpy.take(numpy.arange(n), i, mode=mode).tolist()


def test_slices_to_the_end_of_all_integers(device):
    a, n = np.arange(5), numpy.arange(5)
    for s in (slice(None, None, sys.maxsize), slice(None, None, -sys.maxsize - 1), slice(-sys.maxsize - 1, sys.maxsize), slice(2, None, 2**70),
              slice(sys.maxsize, -sys.maxsize - 1, -sys.maxsize)):
        assert a[s].tolist() == n[s].tolist()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?", "c8", "c16"])
@pytest.mark.parametrize("size", [0, 1, 2, 33, 1000, 40000])
def test_sorting_is_stable_to_the_bit(dtype, size):
    """Zeros of both signs and NaNs of several payloads are equal, and keep their order."""
    draw = numpy.random.default_rng(size)
    t = numpy.dtype(dtype)
    if t.kind == "f":
        bits = numpy.dtype(f"u{t.itemsize}")
        x = draw.normal(size=size).astype(t)
        special = numpy.array([0.0, -0.0, numpy.nan, numpy.inf, -numpy.inf, 1.0, 1.0], t)
        payload = (numpy.array([numpy.nan], t).view(bits) | bits.type(3)).view(t)
        special = numpy.concatenate([special, payload, -payload])
        chosen = draw.random(size) < 0.4
        x[chosen] = draw.choice(special, chosen.sum())
    elif t.kind == "c":
        bits = numpy.dtype(t.str.replace("c", "u").replace("16", "8")) if t.itemsize == 16 else numpy.dtype("u4")
        x = (draw.integers(-3, 3, size) + 1j * draw.integers(-3, 3, size)).astype(t)
    else:
        bits = t
        x = draw.integers(0, 2, size).astype(t) if t.kind == "b" else draw.integers(numpy.iinfo(t).min, numpy.iinfo(t).max, size, dtype=t, endpoint=True)
    order = numpy.argsort(x, kind="stable")
    ours = np.array(x)
    assert np.argsort(ours, kind="stable").tolist() == order.tolist()
    assert numpy.asarray(np.sort(ours)).view(bits).tolist() == x[order].view(bits).tolist()


@pytest.mark.parametrize("size", [1, 7, 255, 256, 4097, 300000])
def test_masks(size):
    """Contiguous, backwards, of two axes and with steps; decided early, late and never."""
    given = numpy.random.default_rng(size).random(size) < 0.3
    late = numpy.zeros(size, bool)
    late[-1] = True
    for base in (given, numpy.zeros(size, bool), numpy.ones(size, bool), late, ~late):
        for seen in (lambda m: m, lambda m: m[::-1], lambda m: m.reshape(1, -1), lambda m: m[::3], lambda m: m.reshape(1, -1).T):
            theirs, ours = seen(base), seen(np.array(base))
            assert bool(ours.any()) == theirs.any() and bool(ours.all()) == theirs.all()
            assert np.count_nonzero(ours) == numpy.count_nonzero(theirs) == ours.sum()
            for a, b in zip(np.nonzero(ours), numpy.nonzero(theirs), strict=True):
                numpy.testing.assert_array_equal(numpy.asarray(a), b)
    foreign = numpy.frombuffer(bytes(range(7)), dtype=bool)
    assert np.count_nonzero(np.asarray(foreign)) == 6


def test_memory_order_of_elementwise_results():
    """`K` order: it shows in what `reshape` and `ravel` share."""
    r = numpy.random.default_rng(5)

    def view(module, shape, seed):
        """An array that broadcasts to `shape`, its axes in any order and some of them strided or reversed."""
        r = numpy.random.default_rng(seed)
        own = [n if r.random() < 0.8 else 1 for n in shape][int(r.integers(2)) if len(shape) > 1 else 0 :]
        order = r.permutation(len(own))
        steps = [int(r.choice([1, 1, 2, -1])) for _ in own]
        a = module.ones([own[i] * abs(steps[i]) for i in order]).transpose(numpy.argsort(order))
        return a[tuple(slice(None, None, s) for s in steps)]

    for n in range(400):
        shape = [int(k) for k in r.integers(1, 5, r.integers(1, 5))]
        seeds = [int(s) for s in r.integers(0, 1 << 30, 3)]
        got = []
        for module in (numpy, np):
            a, b, c = (view(module, shape, s) for s in seeds)
            results = [-a, a + b, module.where(c > 1, a, b), module.add(a, b, where=c > 1, out=None), a + 2]
            # The stride along an axis of one element is nobody's concern.
            got.append([[s for s, k in zip(x.strides, x.shape, strict=True) if k != 1] for x in results])
        assert got[0] == got[1], (n, shape, seeds)
