"""Products, choices, writes and comparisons in their corners: what NumPy answers, and where it refuses, so do we."""
import warnings

import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy import _minpy
from minpy.core import LostGradientWarning, NoGradientFuncError, grad, jvp

X = [[3.0, -1.0, 2.0], [0.5, numpy.nan, -numpy.inf]]


def written(f):
    """What a function makes of an array of its own."""
    def run(np, x):
        x = x.copy()
        return f(np, x), x
    return run


# Corners that entries' cases and the values of kinds (test_arguments.py) do not have: by what is odd in them, not by function.
CALLS = {
    # None is a bound; nothing is none.
    "clip": lambda np, x: np.clip(x, 0, 1), "clip None": lambda np, x: np.clip(x, None, 1), "clip nothing": lambda np, x: np.clip(x, None, None),
    "clip no bounds": lambda np, x: np.clip(x), "clip one": lambda np, x: np.clip(x, 0), "clip the other": lambda np, x: np.clip(x, a_max=0),
    "clip both ways": lambda np, x: np.clip(x, 0, 1, min=0), "clip min": lambda np, x: np.clip(x, min=0), "clip dtype": lambda np, x: np.clip(x, 0, 1, dtype="f4"),
    "clip number": lambda np, x: np.clip(7, 0, 1), "clip of integers": lambda np, x: np.clip(np.arange(3), -10**30, 1), "method": lambda np, x: x.clip(max=1),
    "clip beyond": lambda np, x: np.clip(np.arange(3, dtype="i1"), 0, 1000), "clip above": lambda np, x: np.clip(np.arange(3, dtype="i1"), 1000, None),
    "method with None": lambda np, x: x.clip(None, None), "method mask": lambda np, x: x.clip(0, 1, where=True), "clip crossed": lambda np, x: np.clip(x, 2, 1),
    "where": lambda np, x: np.where(x > 0, x, 0), "where one": lambda np, x: np.where(x > 0), "where half": lambda np, x: np.where(x > 0, 1),
    "where None": lambda np, x: np.where(x > 0, None, None).tolist(), "where wide": lambda np, x: np.where(x > 0, np.int8(1), 300), "where scalar": lambda np, x: np.where(True, 1, 2),
    "nonzero of a number": lambda np, x: np.nonzero(np.float64(3)), "argwhere of a number": lambda np, x: np.argwhere(np.array(3)), "argwhere of 0": lambda np, x: np.argwhere(np.array(0)),
    "take empty": lambda np, x: np.take(x, []), "take none": lambda np, x: np.take(np.zeros((0, 3)), [0], 0), "take of nothing": lambda np, x: np.take(np.zeros((0, 3)), [0], 1),
    "take out of range": lambda np, x: np.take(x, 6), "take wrapped": lambda np, x: np.take(x, [7, -8], mode="wrap"), "take clipped": lambda np, x: np.take(x, [7, -8], mode="clip"),
    "take mode": lambda np, x: np.take(x, 0, mode="other"), "take floats": lambda np, x: np.take(x, [1.0]), "take short": lambda np, x: np.take(x, np.array([1], "i1"), mode="wrap"),
    "take scalar": lambda np, x: np.take(np.float64(2), 0), "take axis": lambda np, x: np.take(x, 0, axis=5), "take nothing there": lambda np, x: np.take(np.zeros(0), [0], mode="clip"),
    "along": lambda np, x: np.take_along_axis(x, np.array([[0], [1]]), 1), "along floats": lambda np, x: np.take_along_axis(x, x, 1),
    "along none": lambda np, x: np.take_along_axis(x, np.array([[0]]), None), "along dims": lambda np, x: np.take_along_axis(x, np.array([0]), 1),
    "compress": lambda np, x: np.compress([True, False], x, 0), "compress long": lambda np, x: np.compress([0, 0, 1], x, 0), "compress square": lambda np, x: np.compress([[1]], x),
    "compress method": lambda np, x: x.compress([0, 1, 1], axis=1), "extract": lambda np, x: np.extract(x > 0, x),
    "diagonal": lambda np, x: np.diagonal(x, 1), "diagonal far": lambda np, x: np.diagonal(x, -7), "diagonal twice": lambda np, x: np.diagonal(x, 0, 1, 1),
    "diagonal of a vector": lambda np, x: np.diagonal(x[0]), "diagonal None": lambda np, x: np.diagonal(x, None), "trace": lambda np, x: np.trace(np.arange(9).reshape(3, 3), 1),
    "trace dtype": lambda np, x: np.trace(np.arange(9).reshape(3, 3), dtype="f4"), "inner": lambda np, x: np.inner(x, x), "inner odd": lambda np, x: np.inner(x, x[:, :2]),
    "tensordot twice": lambda np, x: np.tensordot(x, x, ((0, 0), (0, 1))), "tensordot shapes": lambda np, x: np.tensordot(x, x, 1), "tensordot axes": lambda np, x: np.tensordot(x, x, ((5,), (0,))),
    "tensordot many": lambda np, x: np.tensordot(x, x, 3), "tensordot int": lambda np, x: np.tensordot(x, x, (1, 1)), "matmul number": lambda np, x: np.matmul(x, 2),
    "matmul keyword": lambda np, x: np.matmul(x, x.T, dtype="f4"), "dot shapes": lambda np, x: np.dot(x, x), "dot None": lambda np, x: np.dot(x, None), "vdot": lambda np, x: np.vdot(x, x),
    "outer": lambda np, x: np.outer([1, 2], x), "round": lambda np, x: np.round(x, 1), "round tens": lambda np, x: np.round(np.arange(40), -1), "round truth": lambda np, x: np.round(x > 0),
    "round None": lambda np, x: np.round(x, None), "round complex": lambda np, x: np.round(x * 1.26j, 1), "round half": lambda np, x: np.round(np.array([0.25, 1.25], "f2"), 1),
    "round far": lambda np, x: np.round(x, 400), "isclose": lambda np, x: np.isclose(x, x, equal_nan=True), "isclose numbers": lambda np, x: np.isclose(1.0, 1.0),
    "isclose infinite": lambda np, x: np.isclose(x, -numpy.inf), "isclose nan": lambda np, x: np.isclose(x, numpy.nan, equal_nan=True), "isclose typed": lambda np, x: np.isclose(x, np.float32(3)),
    "isclose int": lambda np, x: np.isclose(np.array([-128], "i1"), 127), "isclose tolerances": lambda np, x: np.isclose(x, x + 1, atol=np.array([2.0, 0.1, 2.0])),
    "isclose in single": lambda np, x: np.isclose(np.array(1.0, "f4"), 2, atol=0, rtol=float(1 - 2**-52) / 2),
    "isclose in double": lambda np, x: np.isclose(np.array(1.0, "f4"), 2, atol=0, rtol=np.float64(1 - 2**-52) / 2), "isclose truth": lambda np, x: np.isclose(x, 2, atol=True),
    "matmul out": lambda np, x: np.matmul(x[0], x[0], np.zeros((1, 1))), "matmul small out": lambda np, x: np.matmul(np.ones((0, 1, 1)), np.ones((0, 1, 1)), out=np.ones((1, 1, 1))),
    "concatenate": lambda np, x: np.concatenate([x, x], out=np.zeros((4, 3), "f4")), "concatenate small": lambda np, x: np.concatenate([x, x], out=np.zeros((4, 3), "i4")),
    "concatenate shape": lambda np, x: np.concatenate([x, x], out=np.zeros((3, 4))), "concatenate both": lambda np, x: np.concatenate([x, x], out=np.zeros((4, 3)), dtype="f8"),
    "concatenate nothing": lambda np, x: np.concatenate([]), "concatenate numbers": lambda np, x: np.concatenate([x[0], [1, 2]]), "concatenate flat": lambda np, x: np.concatenate([x, x[0]], None),
    "concatenate casting": lambda np, x: np.concatenate([x, x], dtype="i4", casting="unsafe")[:, :1], "concatenate kind": lambda np, x: np.concatenate([x, x], dtype="i4"),
    "reshape": lambda np, x: np.reshape(x, (3, -1), "F"), "reshape letter": lambda np, x: np.reshape(x, -1, "x"), "reshape K": lambda np, x: np.reshape(x, -1, "K"),
    "reshape no copy": lambda np, x: np.reshape(x.T, -1, copy=False), "reshape size": lambda np, x: np.reshape(x, (4, 2)), "ravel": lambda np, x: np.ravel(x.T, "K"), "ravel a": lambda np, x: np.ravel(x.T, "a"),
    "transpose": lambda np, x: np.transpose(x, (1, 0)), "transpose odd": lambda np, x: np.transpose(x, (0, 0)), "permute": lambda np, x: np.permute_dims(x, (1, 0)),
    "broadcast": lambda np, x: np.broadcast_to(x, (2, 2, 3)), "broadcast less": lambda np, x: np.broadcast_to(x, (3,)), "broadcast negative": lambda np, x: np.broadcast_to(x, (-1, 2, 3)),
    "broadcast number": lambda np, x: np.broadcast_to(3, 2), "all": lambda np, x: np.broadcast_arrays(x, 1, x[0]), "all odd": lambda np, x: np.broadcast_arrays(x, x[:, :2]),
    "at least": lambda np, x: np.atleast_2d(x, 1, [1, 2]), "at least one": lambda np, x: np.atleast_1d(1.5), "at least none": lambda np, x: np.atleast_3d(), "at least text": lambda np, x: len(np.atleast_1d("a")),
    "isclose flag": lambda np, x: np.isclose(x, x, equal_nan=None), "allclose": lambda np, x: np.allclose(x, x), "array_equal ragged": lambda np, x: np.array_equal([[1], [1, 2]], x),
    "array_equal": lambda np, x: np.array_equal(x, x, equal_nan=True), "array_equal text": lambda np, x: np.array_equal(["a"], ["a"]), "nan_to_num": lambda np, x: np.nan_to_num(x),
    "nan_to_num arrays": lambda np, x: np.nan_to_num(x, nan=np.array([1.0, 2.0, 3.0])), "nan_to_num int": lambda np, x: np.nan_to_num(np.arange(3)),
    "nan_to_num number": lambda np, x: np.nan_to_num(np.float32("nan")), "nan_to_num complex": lambda np, x: np.nan_to_num(x[:1] * 1j),
    "real of a number": lambda np, x: np.real(1 + 2j), "imag of a number": lambda np, x: np.imag(3), "real": lambda np, x: np.real(x * 1j), "imag": lambda np, x: np.imag(x),
    "shape of a list": lambda np, x: np.shape([[1, 2]]), "ndim of a number": lambda np, x: np.ndim(3), "size": lambda np, x: np.size(x, 1), "size axis": lambda np, x: np.size(x, 7),
    "shape of ragged": lambda np, x: np.shape([[1], [1, 2]]), "complex": lambda np, x: np.iscomplexobj([1j]), "share": lambda np, x: np.may_share_memory(x, x[0]),
    "share closely": lambda np, x: np.may_share_memory(x.ravel()[::2], x.ravel()[1::2], max_work=10), "share not": lambda np, x: np.may_share_memory(x, x.copy()),
    "put": written(lambda np, x: np.put(x, [0, -1], [7, 8, 9])), "put short": written(lambda np, x: np.put(x, [0, 1, 2], [7])), "put round": written(lambda np, x: np.put(x, [0, 1, 2], [7, 8])),
    "put transposed": written(lambda np, x: np.put(x.T, [0, -1, 2], [7, 8, 9])), "put out of range": written(lambda np, x: np.put(x.T, [6], 0)), "put strided": written(lambda np, x: x[:, ::2].put([1, 2], 5)),
    "put wrapped": written(lambda np, x: np.put(x, 13, 7, mode="wrap")), "put nothing": written(lambda np, x: np.put(x, [], [])), "put floats": written(lambda np, x: np.put(x, np.array([0.0]), 1)),
    "put unsigned": written(lambda np, x: np.put(x, np.array([0], "u8"), 1)), "put method": written(lambda np, x: x.put([0], 9, mode="clip")), "put list": lambda np, x: np.put([1], 0, 2),
    "put into nothing": lambda np, x: np.put(np.zeros(0), [0], 1), "put text": written(lambda np, x: np.put(x, 0, "a")), "put integers": lambda np, x: np.put(np.arange(3), 0, 2.7),
    "put_along": written(lambda np, x: np.put_along_axis(x, np.array([[0], [1]]), 9, 1)), "put_along none": written(lambda np, x: np.put_along_axis(x, np.array([1, 2]), 9, None)),
    "put_along floats": written(lambda np, x: np.put_along_axis(x, x, 9, 1)), "put_along dims": written(lambda np, x: np.put_along_axis(x, np.array([0]), 9, 1)),
    "putmask": written(lambda np, x: np.putmask(x, x > 0, [10, 20])), "putmask one": written(lambda np, x: np.putmask(x, x > 0, 3)), "putmask flat": written(lambda np, x: np.putmask(x, [1, 0, 0, 1, 0, 0], 3)),
    "putmask size": written(lambda np, x: np.putmask(x, [1, 0], 3)), "putmask cast": lambda np, x: np.putmask(np.arange(3), [1, 1, 0], np.array([1.5, 2.5])),
    "place": written(lambda np, x: np.place(x, x > 0, [10, 20])), "place nothing": written(lambda np, x: np.place(x, x > 9, [])), "place none": written(lambda np, x: np.place(x, x > 0, [])),
    "place transposed": written(lambda np, x: np.place(x.T, x.T > 0, [1, 2, 3])), "place size": written(lambda np, x: np.place(x, [True], 1)),
    "fill": written(lambda np, x: np.fill_diagonal(x, 5)), "fill list": written(lambda np, x: np.fill_diagonal(x, [5, 6, 7])), "fill wrap": lambda np, x: np.fill_diagonal(np.zeros((5, 2)), 1, wrap=True),
    "fill vector": lambda np, x: np.fill_diagonal(np.zeros(3), 1), "fill odd": lambda np, x: np.fill_diagonal(np.zeros((2, 2, 3)), 1), "fill transposed": written(lambda np, x: np.fill_diagonal(x.T, [5, 6])),
    "sort": written(lambda np, x: x.sort()), "sort axis": written(lambda np, x: x.sort(axis=0, kind="stable")), "sort kind": written(lambda np, x: x.sort(kind="other")),
    "sort order": written(lambda np, x: x.sort(order="a")), "sort both": written(lambda np, x: x.sort(kind="stable", stable=True)), "sort None": written(lambda np, x: x.sort(axis=None)),
    "sort far": written(lambda np, x: x.sort(axis=2)), "stack None": lambda np, x: np.stack([x, x], axis=None),
}


def outcome(np, f):
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return f(np, np.array(X))
        except Exception as e:
            return e


def same(ours, theirs):
    if isinstance(theirs, tuple):
        assert len(ours) == len(theirs)
        for pair in zip(ours, theirs, strict=True):
            same(*pair)
    elif theirs is None or type(theirs) in (bool, int, float, list):
        assert ours == theirs
    else:
        a = ours.asnumpy() if hasattr(ours, "asnumpy") else ours
        assert (a.dtype, a.shape) == (theirs.dtype, theirs.shape)
        numpy.testing.assert_allclose(a, theirs, rtol=1e-12)


@pytest.mark.parametrize("f", CALLS.values(), ids=CALLS)
def test_as_numpy(f):
    ours, theirs = outcome(np, f), outcome(numpy, f)
    if isinstance(theirs, Exception):
        assert isinstance(ours, Exception), f"no {theirs!r}"
        assert isinstance(ours, type(theirs)) or isinstance(theirs, type(ours)), f"{ours!r}, not {theirs!r}"
    else:
        if isinstance(ours, Exception):
            raise ours
        same(ours, theirs)


@pytest.mark.parametrize("f", [
    lambda x: np.put(x, [0], 1.0), lambda x: x.put([0], 1.0), lambda x: np.putmask(x, [True, False], 1.0), lambda x: np.place(x, [True, False], 1.0), lambda x: x.sort(),
    lambda x: np.put_along_axis(x, np.array([0]), 1.0, 0), lambda x: np.fill_diagonal(x.reshape(1, 2), 1.0), lambda x: np.nan_to_num(x, copy=False),
])
def test_what_refuses_writes_is_not_written(f):
    x = np.array([2.0, 1.0])
    x.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        f(x)
    assert x.tolist() == [2, 1]


def test_keywords_and_reasons():
    x = np.array([1.0, 5.0])
    _minpy.counters.reset()
    np.clip(x, 0, 1, where=[True, True], out=np.zeros(2))
    x.clip(0, 1, casting="same_kind")
    np.nan_to_num(x, copy=False)
    np.isclose(x, x, atol=numpy.inf)
    np.fill_diagonal(np.zeros((3, 2)), 1, wrap=True)
    reasons = [(f[0], f[3]) for f in _minpy.counters.fallbacks()]
    assert sorted(reasons) == [
        ("clip", "a keyword that only NumPy takes"), ("clip", "a keyword that only NumPy takes"),
        ("fill_diagonal", "fill_diagonal: wrap=True"), ("isclose", "isclose: a tolerance that is not finite, of which NumPy warns"),
        ("nan_to_num", "nan_to_num: copy=False, which writes"),
    ]


GRADIENTS = {
    "round": (lambda x: np.round(x, 1), [0, 0, 0, 0]), "nan_to_num": (lambda x: np.nan_to_num(x) * x, None), "take": (lambda x: np.take(x, [0, 0, 3], mode="wrap"), [2, 0, 0, 1]),
    "place": (lambda x: place(x, [True, False, True, False]), [0, 1, 0, 1]), "put": (lambda x: put(x), [2, 0, 1, 1]), "putmask": (lambda x: putmask(x), None),
    "fill": (lambda x: fill(x), None), "trace": (lambda x: np.trace(x.reshape(2, 2)), [1, 0, 0, 1]), "compress": (lambda x: np.compress([0, 1], x.reshape(2, 2), 1), [0, 1, 0, 1]),
    "real": (lambda x: np.real(x * (1 + 1j)), [1, 1, 1, 1]), "inner": (lambda x: np.inner(x, x), None), "tensordot": (lambda x: np.tensordot(x, x, 0), None),
    "along": (lambda x: np.take_along_axis(x, np.array([3, 3]), 0), [0, 0, 0, 2]), "put_along": (lambda x: put_along(x), [0, 0, 1, 1]), "sort": (lambda x: in_place_sort(x), None),
}


def place(x, mask):
    y = x * 1.0
    np.place(y, mask, [7.0, 8.0])
    return y


def put(x):
    y = x * 1.0
    np.put(y, [1], x[:1])
    return y


def putmask(x):
    y = x * 1.0
    np.putmask(y, x > 2, x[:3] * x[1:])
    return y


def fill(x):
    y = (x * x).reshape(2, 2)
    np.fill_diagonal(y.T, x[2:])
    return y


def put_along(x):
    y = x * 1.0
    np.put_along_axis(y, np.array([0, 1]), 5.0, 0)
    return y


def in_place_sort(x):
    y = x * x
    y.sort()
    return y * np.arange(4.0)


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name):
    f, want = GRADIENTS[name]
    x, step = np.array([1.3, 0.4, 2.6, 3.1]), 1e-6
    by_differences = [float((np.sum(f(x + d)) - np.sum(f(x - d))) / (2 * step)) for d in numpy.eye(4) * step]
    g = grad(lambda x: np.sum(f(x)))(x).tolist()
    numpy.testing.assert_allclose(g, by_differences if want is None else want, atol=1e-6)
    direction = np.array([1.0, -2.0, 0.5, 3.0])
    numpy.testing.assert_allclose(float(jvp(lambda x: np.sum(f(x)))((x,), direction)[1]), numpy.dot(g, direction.asnumpy()), atol=1e-6)


def test_numbers_that_are_only_compared_leave_nothing():
    def f(x):
        c = float(x[0])
        assert np.isclose(x, c).any() and not np.allclose(x, c) and not np.array_equal(x, [c])
        return np.sum(x * x)
    with warnings.catch_warnings():
        warnings.simplefilter("error", LostGradientWarning)
        assert grad(f)(np.array([1.0, 2.0])).tolist() == [2, 4]


def test_a_real_part_is_a_view_and_of_real_numbers_the_array():
    x, z = np.ones(3), np.ones(3) * (1 + 2j)
    assert np.real(x) is x and x.real is x
    np.real(z)[0] = 5
    assert z.tolist() == [5 + 2j, 1 + 2j, 1 + 2j]
    with pytest.raises(ValueError, match="read-only"):
        np.imag(x)[0] = 1

    def f(x):
        np.real(x * (1 + 0j))[0] = 1
        return np.sum(x)
    with pytest.raises(NoGradientFuncError, match="part of a complex array"):
        grad(f)(x)


def test_questions_about_what_is_not_ours_cost_no_fallback():
    before = minpy.fallback_count()
    assert np.shape([np.ones(2), np.ones(2)]) == (2, 2) and np.size([1, 2, 3]) == 3 and np.ndim(numpy.ones((2, 2))) == 2
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError):
        np.ndim(loop)
    assert not np.may_share_memory(numpy.ones(2), np.ones(2)) and np.iscomplexobj([1j])
    assert minpy.fallback_count() == before


def test_at_least_and_together_are_the_arguments_where_nothing_is_to_be_done():
    x, y = np.ones((2, 3)), np.ones(3)
    assert np.atleast_1d(x) is x and np.atleast_2d(y, x)[1] is x and np.broadcast_arrays(x, x)[0] is x
    np.atleast_2d(y)[0, 0] = 5
    assert y.tolist() == [5, 1, 1]
    y.flags.writeable = False
    for view in (np.atleast_2d(x, y)[1], np.broadcast_arrays(x, y)[1]):
        with pytest.raises(ValueError, match="read-only"):
            view[...] = 1
    z = np.atleast_1d(np.float64(2) * np.float64(3))
    z[0] = 1
    assert z.tolist() == [1]
