"""Calls at the edge of what functions of the table mean: NumPy's value, dtype and shape, or its class of error."""
import numpy
import pytest

import minpy.numpy as np

CALLS = [
    "m.tril(m.ones((3, 3)), k=2**63 - 2)", "m.triu(m.ones((3, 3)), k=2**63 - 1)", "m.tril(m.ones((3, 2)), k=-2**62)", "m.triu(m.ones((2, 3)), -2**62)",
    "m.dot(m.array([100, 2], 'i1'), 2)", "m.array([100, 2], 'i1').dot(2)", "m.dot(2, m.array([100, 2], 'u1'))", "m.dot(m.ones(2, 'f4'), 2.0)", "m.dot(m.ones(2, bool), True)",
    "m.dot(m.ones(2, 'f4'), 1j)", "m.dot(3, 4.5)",
    "m.ravel(m.arange(6).reshape(2, 3).T[::-1], order='K')", "m.arange(12).reshape(3, 4).T[::2].ravel('K')", "m.arange(12).reshape(3, 4).T[::2].flatten('K')",
    "m.arange(24).reshape(2, 3, 4).transpose(1, 0, 2)[::-1, :, ::2].flatten('K')", "m.broadcast_to(m.arange(3), (2, 3)).ravel('K')",
    "m.arange(24).reshape(2, 3, 4)[:, ::-1].ravel('A')", "m.arange(24).reshape(2, 3, 4).swapaxes(0, 1)[1:].ravel('K')",
    "m.size(m.ones((2, 3)), (0, 0))", "m.size(m.ones((2, 3)), (0, -2))", "m.mean(m.array(3.0), axis=0)", "m.var(m.array(3.0), axis=-1)", "m.sum(m.array(3.0), axis=0)",
    "m.squeeze(m.array(3.0), 0)", "m.squeeze(m.array(3.0), 1)", "m.average(m.array(3.0), axis=0)",
    "m.nanmean(m.ones((3, 0)), axis=0)", "m.nanmean(m.ones((0, 3)), axis=1)", "m.nanmean(m.ones((0, 3)), axis=1, keepdims=True)", "m.nanmean(m.ones((2, 3), 'f2'), 0)",
    "m.trapezoid(m.ones(3), dx=None)", "m.trapezoid(m.ones((2, 3)), m.ones(3), axis=-1)", "m.trapezoid(m.ones((2, 3), bool))", "m.trapezoid(m.ones(3, 'i4'), m.arange(3, dtype='f4'))",
    "m.average(m.arange(6.0).reshape(2, 3), weights=[1, 2, 3])", "m.average(m.arange(3), weights=[1, -1, 0])", "m.average(m.arange(3, dtype='f4'), weights=m.ones(3, 'i8'))",
    "m.frexp(m.array([0.0, -0.0, m.inf, -m.inf, m.nan, 5e-324, 1.0, -3.5]))", "m.frexp(m.arange(4))", "m.frexp(m.array([6e-8, 65504.0], 'f2'))", "m.frexp(1j)", "m.divmod(7, 0)",
    "m.concatenate([m.ones(2, 'f4'), [1.0]])", "m.concatenate([m.ones(2, 'f4'), 1.0], axis=None)", "m.stack([1, m.float32(2)])", "m.hstack([1.0, m.ones(2, 'f4')])",
]


def outcome(call, module):
    try:
        with numpy.errstate(all="ignore"):
            value = eval(call, {"m": module})
    except Exception as e:
        return type(e).__name__
    return [(str(v.dtype), v.shape, numpy.asarray(v)) for v in (value if isinstance(value, tuple) else (value,))]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("call", CALLS)
def test_odd_call(call):
    want, made = outcome(call, numpy), outcome(call, np)
    if isinstance(want, str) or isinstance(made, str):
        assert made == want
        return
    for (dtype, shape, value), (a, b, c) in zip(want, made, strict=True):
        assert (a, b) == (dtype, shape)
        numpy.testing.assert_array_equal(c, value)
        numpy.testing.assert_array_equal(numpy.signbit(c.real), numpy.signbit(value.real))
