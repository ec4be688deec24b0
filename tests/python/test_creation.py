"""New arrays: where they are made, in which order, and what of them is recorded."""
import numpy
import pytest
from table_calls import CALLS, ENTRIES, UNSET, ours, parameters

import minpy.numpy as np
from minpy.context import Context, cpu
from minpy.core import grad

MAKERS = [name for name, _ in parameters("Device")]
# Copies: what takes an array of any dtype, an order in memory, and gives an array.
COPIES = [name for name, p in parameters("Order") if ENTRIES[name]["parameters"][0][1] == "Kept" and ENTRIES[name]["gives"] == "Array"]


def made(call):
    """A case of such a function, with what it takes as lists: these are on no device."""
    def make(**k):
        values = call.mapped(lambda _, a: a.tolist() if call.name.endswith("_like") or a.ndim else a).values
        args, named = call._replace(values=values).arguments(ours)
        result = getattr(np, call.name)(*args, **named, **k)
        result = result[0] if isinstance(result, tuple) else result
        if call.name in UNSET:
            result[...] = 0
        return result
    return pytest.param(make, id=str(call))


MADE = [made(call) for name in MAKERS for call in CALLS[name]] + [
    lambda **k: np.full_like([1.0, 2.0], [3, 4], **k),
    # NumPy's own, brought to the device
    lambda **k: np.linspace([0, 1], [1, 3], 5, **k), lambda **k: np.arange(0, 5, 1, float, **k), lambda **k: np.arange(1j, 3, **k),
]


@pytest.mark.parametrize("make", MADE)
def test_device(make, device):
    assert make().context == device
    for there in (device, str(device).replace("(", ":").replace(")", "")):
        with cpu():
            assert make(device=there).context == device
            assert make(device=None).context == cpu()
    assert make(device=cpu()).context == cpu()
    numpy.testing.assert_array_equal(make(device=cpu()).asnumpy(), make().asnumpy())


@pytest.mark.parametrize("name", MAKERS)
def test_device_that_is_none(name):
    args, named = CALLS[name][0].arguments(ours)
    with pytest.raises(ValueError, match="nonsense"):
        getattr(np, name)(*args, **named, device="nonsense")


def test_where_an_array_like_another_is(device):
    a = np.ones((2, 3))
    with Context("cpu", 0):
        assert np.zeros_like(a).context == np.full_like(a, 2).context == np.tril(a).context == np.diag(a[0]).context == a.context


@pytest.mark.parametrize("name", COPIES)
def test_orders(name):
    made = (lambda a, order: np.full_like(a, 1, order=order)) if name == "full_like" else getattr(np, name)
    c, f = np.ones((2, 3, 4)), np.zeros((2, 3, 4), order="F")
    strided = c.transpose(1, 0, 2)
    for a in (c, f, strided, c[:, ::2]):
        for order in "CFAKcfak":
            theirs = numpy.empty_like(numpy.lib.stride_tricks.as_strided(numpy.empty(24), a.shape, a.strides), order=order)
            assert made(a, order=order).strides == theirs.strides, order


SWAPPED = ">f8" if numpy.little_endian else "<f8"


@pytest.mark.parametrize("name", sorted({name for name, _ in parameters("Kept", "Each")}))
def test_foreign_byte_order_stays(name):
    """In what takes elements as they are."""
    for call in CALLS[name]:
        swapped = call.mapped(lambda _, a: a.astype(SWAPPED))
        assert not swapped.disagreement()
        theirs, mine = (results(swapped.outcome(m)[0]) for m in (numpy, np))
        assert [r.dtype for r in mine] == [r.dtype for r in theirs]
        # Those that NumPy computes by `where` have its own order.
        assert name in ("tril", "triu") or "dtype" in call.values or all(r.dtype == SWAPPED for r in mine)
    assert np.sum(numpy.arange(6.0).astype(SWAPPED)) == 15


def results(value):
    return value if isinstance(value, (list, tuple)) else [value]


def test_values_that_are_written_stay_on_the_tape():
    x = np.array([1.0, 2.0, 3.0])
    assert grad(lambda x: np.sum(np.full((2, 3), x) * np.arange(6.0).reshape(2, 3)))(x).asnumpy().tolist() == [3, 5, 7]
    assert grad(lambda x: np.sum(np.diag(x, 1) * np.arange(16.0).reshape(4, 4)))(x).asnumpy().tolist() == [1, 6, 11]

    def copied(x):
        a = np.ones((2, 3))
        np.copyto(a, x, where=[True, False, True])
        return np.sum(a * a)
    assert grad(copied)(x).asnumpy().tolist() == [4, 0, 12]

    def joined(x):
        out = np.zeros(6, "f4")
        assert np.concatenate((x, 2 * x), out=out) is out
        return np.sum(out * np.arange(6, dtype="f4"))
    assert grad(joined)(x).asnumpy().tolist() == [6, 9, 12]


def test_a_step_that_is_too_long_for_a_quotient():
    tiny, huge = numpy.finfo(float).eps, numpy.finfo(float).max
    for stop in (tiny, -tiny):
        for step in (huge, -huge):
            assert np.arange(0, stop, step).tolist() == numpy.arange(0, stop, step).tolist()


def test_new_and_seen():
    a = np.array([[0.0, 1, 2], [3, 4, 5]])
    assert not np.diag(a).flags.writeable and np.diag(a).base is a
    assert np.diag(a[0]).flags.writeable and np.diag([1, 2]).flags.writeable
    assert np.atleast_1d(a) is a and np.broadcast_arrays(a)[0] is a and np.atleast_1d(a, 3)[0] is a
    first, second = np.broadcast_arrays(a, a[0])
    assert first is a and second.base is a and not second.flags.writeable
    theirs = numpy.arange(6.0).reshape(2, 3)
    np.ravel(theirs)[0] = 7
    assert theirs[0, 0] == 7 and np.ravel(theirs).base is not None
    assert np.atleast_1d() == np.broadcast_arrays() == ()
