"""Gradients where there is no derivative: one meaning for one function, whichever way it is written.

docs/numpy-differences.md says what the meanings are.
"""
import numpy
import pytest

import minpy.numpy as np
import minpy.symbol as sym
from minpy.core import Function, NoGradientFuncError, grad, jvp

LARGE = 40_000  # deferred, fused, and run by several threads
x_ = lambda: sym.Variable("x")


def symbol(build):
    """A symbol of `x` as a function of an array."""
    return lambda x: Function(build(x_()))(x=x)


def into(f):
    """With an `out=`."""
    return lambda x: f(x, np.empty_like(x))


def array(value):
    """A bound as an array of the shape and dtype of `x`."""
    return lambda x: np.array(numpy.full(x.shape, value, x.dtype))


# Gradients at -1, -0, 0, 1, by name: the meaning, and every way to write it.
ZERO, ONE, HALF = [0, 0, 0, 1], [0, 1, 1, 1], [0, 0.5, 0.5, 1]
MEANINGS = {
    "relu": (ZERO, {
        "np.relu": np.relu, "np.activation": lambda x: np.activation(x, "relu"), "sym.Activation": symbol(lambda x: sym.Activation(x, act_type="relu")),
        "sym.relu": symbol(sym.relu), "sym.LeakyReLU": symbol(lambda x: sym.LeakyReLU(x, act_type="leaky", slope=0.0)),
        "out=": into(lambda x, out: np.relu(x, out=out)),
    }),
    "absolute": ([-1, 0, 0, 1], {
        "np.abs": np.abs, "np.absolute": np.absolute, "np.fabs": np.fabs, "abs": abs, "sym.abs": symbol(sym.abs), "sym.fabs": symbol(sym.fabs),
        "of a complex number": lambda x: np.abs(x + 0j), "np.hypot": lambda x: np.hypot(x, 0), "hypot with an array": lambda x: np.hypot(x * 0, x),
        "sym.hypot": symbol(lambda x: sym.hypot(x, x * 0)), "np.maximum": lambda x: np.maximum(x, -x), "np.copysign": lambda x: np.copysign(x, 1.0),
        "times sign": lambda x: x * np.sign(x),
        "through its square": lambda x: np.std(np.stack([x, -x]), 0),
    }),
    "steps": ([0, 0, 0, 0], {
        "np.sign": np.sign, "sym.sign": symbol(sym.sign), "np.heaviside": lambda x: np.heaviside(x, 0.5), "np.floor": np.floor, "np.ceil": np.ceil,
        "np.trunc": np.trunc, "np.rint": np.rint, "np.round": np.round, "sym.floor": symbol(sym.floor), "//": lambda x: x // 1.0,
        "empty clip": lambda x: np.clip(x, 0, 0), "clip of crossed bounds": lambda x: np.clip(x, 1, -1),
        "empty clip of arrays": lambda x: np.clip(x, array(0)(x), array(0)(x)), "sym.clip": symbol(lambda x: sym.clip(x, a_min=0, a_max=0)),
    }),
    "sawtooth": ([1, 1, 1, 1], {"%": lambda x: x % 1.0, "np.fmod": lambda x: np.fmod(x, 1.0), "less its whole part": lambda x: x - np.trunc(x)}),
    "maximum shares": (HALF, {
        "np.maximum": lambda x: np.maximum(x, 0), "number first": lambda x: np.maximum(0.0, x), "np.fmax": lambda x: np.fmax(x, 0),
        "arrays": lambda x: np.maximum(x, array(0)(x)), "array first": lambda x: np.maximum(array(0)(x), x), "out=": into(lambda x, out: np.maximum(x, 0, out=out)),
        "sym.maximum": symbol(lambda x: sym.maximum(x, x * 0)), "sym.broadcast_maximum": symbol(lambda x: sym.broadcast_maximum(x * 0, x)),
        "sym.fmax": symbol(lambda x: sym.fmax(x, x * 0)), "np.max": lambda x: np.max(np.stack([x, x * 0]), 0), "np.minimum": lambda x: -np.minimum(-x, 0),
        "np.amax": lambda x: np.amax(np.stack([x * 0, x], -1), -1), "maximum.reduce": lambda x: np.maximum.reduce(np.stack([x, x * 0])),
        "np.ptp": lambda x: np.ptp(np.stack([x, x * 0, x * 0 - 2]), 0), "sym.Pooling": lambda x: Function(sym.Pooling(x_(), kernel=(1, 2), pool_type="max"))(
            x=np.stack([x, x * 0], -1).reshape(1, 1, -1, 2)).reshape(-1), "windows": lambda x: np.stack([x, x * 0], -1).reshape(1, -1, 1, 2).max((2, 3)).reshape(-1),
        "half of a sum": lambda x: (x + np.abs(x)) / 2,
    }),
    "minimum shares": ([1, 0.5, 0.5, 0], {
        "np.minimum": lambda x: np.minimum(x, 0), "np.fmin": lambda x: np.fmin(0, x), "np.min": lambda x: np.min(np.stack([x, x * 0]), 0),
        "sym.minimum": symbol(lambda x: sym.minimum(x, x * 0)), "sym.min": lambda x: Function(sym.min(x_(), axis=0))(x=np.stack([x, x * 0])),
    }),
    "clip below": (ONE, {
        "two bounds": lambda x: np.clip(x, 0, 9), "one bound": lambda x: np.clip(x, 0, None), "min=": lambda x: np.clip(x, min=0), "method": lambda x: x.clip(0),
        "method min=": lambda x: x.clip(min=0.0), "arrays": lambda x: np.clip(x, array(0)(x), array(9)(x)), "one array": lambda x: np.clip(x, array(0)(x), None),
        "infinite": lambda x: np.clip(x, 0, numpy.inf), "sym.clip": symbol(lambda x: sym.clip(x, a_min=0, a_max=9)),
        "out=": into(lambda x, out: np.clip(x, 0, None, out=out)), "out= of two": into(lambda x, out: np.clip(x, 0, 9, out=out)),
        "a bound of one element": lambda x: np.clip(x, np.zeros(1, x.dtype), None), "scalar": lambda x: np.clip(x, x.dtype.type(0), None),
    }),
    "clip above": ([1, 1, 1, 0], {
        "two bounds": lambda x: np.clip(x, -9, 0), "one bound": lambda x: np.clip(x, None, 0), "max=": lambda x: np.clip(x, max=0), "method": lambda x: x.clip(max=0),
        "array": lambda x: np.clip(x, None, array(0)(x)), "sym.clip": symbol(lambda x: sym.clip(x, a_min=-9, a_max=0)),
    }),
    "leaky": ([0.25, 0.25, 0.25, 1], {"sym.LeakyReLU": symbol(lambda x: sym.LeakyReLU(x, act_type="leaky", slope=0.25))}),
    "elu": ([0.25 * numpy.exp(-1), 0.25, 0.25, 1], {"sym.LeakyReLU": symbol(lambda x: sym.LeakyReLU(x, act_type="elu", slope=0.25))}),
    "softsign": ([0.25, 1, 1, 0.25], {"sym.Activation": symbol(lambda x: sym.Activation(x, act_type="softsign")), "written": lambda x: x / (1 + np.abs(x))}),
    "softplus": ([1 / (1 + numpy.exp(1)), 0.5, 0.5, 1 / (1 + numpy.exp(-1))], {
        "np.activation": lambda x: np.activation(x, "softrelu"), "np.logaddexp": lambda x: np.logaddexp(x, 0), "np.softplus": np.softplus,
        "sym.Activation": symbol(lambda x: sym.Activation(x, act_type="softrelu")), "sym.softplus": symbol(sym.softplus),
    }),
    "square": ([-2, 0, 0, 2], {"np.square": np.square, "**": lambda x: x**2, "* ": lambda x: x * x, "power of arrays": lambda x: np.power(x, array(2)(x)),
                               "sym.square": symbol(sym.square), "np.float_power": lambda x: np.float_power(x, 2), "of absolutes": lambda x: np.abs(x) ** 2}),
    "no power": ([0, 0, 0, 0], {"**": lambda x: x**0, "array": lambda x: np.power(x, array(0)(x)), "sym.**": symbol(lambda x: x**0)}),
    "itself": ([1, 1, 1, 1], {"**": lambda x: x**1, "array": lambda x: np.power(x, array(1)(x)), "maximum": lambda x: np.maximum(x, x),
                              "where": lambda x: np.where(x > 0, x, x), "clip": lambda x: np.clip(x, x, x), "one bound": lambda x: np.clip(x, x, None),
                              "sorted": lambda x: np.sort(np.stack([x, x]), 0)[0], "max": lambda x: np.max(np.stack([x, x, x]), 0),
                              "crossed": lambda x: np.clip(x, x + 1, x - 1)}),
}
CASES = [(m, way) for m in MEANINGS for way in MEANINGS[m][1]]


# Alone, within what is fused, and as a total.
AROUND = {
    "alone": (1, lambda f: f), "fused": (3, lambda f: lambda a: f(a * 1.0 + 0.0) * 3.0 - np.sum(a) * 0),
    "summed": (1, lambda f: lambda a: np.sum(f(a.reshape(2, -1).reshape(-1)) * 1.0)),
}
# OpenCL on the CPU compiles each kernel for a tenth of a second: there every way runs alone and fused.
RUNS = {
    "cpu": [(dtype, size, how) for dtype in ("float64", "float32") for size in (1, LARGE) for how in AROUND],
    "opencl": [("float32", 1, "alone"), ("float32", LARGE, "fused")],
}


@pytest.mark.parametrize("meaning, way", CASES, ids=[f"{m}: {w}" for m, w in CASES])
def test_one_meaning(meaning, way, device):
    expected, ways = MEANINGS[meaning]
    for dtype, size, how in RUNS[device.device_type]:
        x, want = np.array(numpy.repeat(numpy.array([-1, -0.0, 0, 1], dtype), size)), numpy.repeat(expected, size)
        factor, around = AROUND[how]
        g = around(ways[way])
        found = grad(g)(x)
        assert found.context == x.context and found.dtype == dtype
        numpy.testing.assert_allclose(found.asnumpy(), factor * want, rtol=1e-6, atol=1e-7, err_msg=f"reverse mode, {how}, {size}")
        if way.startswith("sym."):
            with pytest.raises(NoGradientFuncError, match="symbol"):
                jvp(g)((x,), np.ones_like(x))
            continue
        t = jvp(g)((x,), np.ones_like(x))[1].asnumpy()
        numpy.testing.assert_allclose(t, factor * (want if t.shape else want.sum()), rtol=1e-5, atol=1e-7, err_msg=f"forward mode, {how}, {size}")


FLAT = [c for c in CASES if c[0] not in ("elu", "softsign", "softplus", "square") and not c[1].startswith("sym.") and c[1] != "through its square"]


@pytest.mark.parametrize("meaning, way", FLAT, ids=[f"{m}: {w}" for m, w in FLAT])
def test_nothing_bends_at_a_kink(meaning, way):
    f = MEANINGS[meaning][1][way]
    x = np.array([-1, -0.0, 0, 1])
    for second in (grad(lambda a: np.sum(grad(f)(a)))(x), jvp(grad(f))((x,), np.ones(4))[1]):
        assert second.asnumpy().tolist() == [0, 0, 0, 0]


def test_values_do_not_hang_on_recording(device):
    for points in ([-1, -0.0, 0, 1, numpy.nan, numpy.inf, -numpy.inf], numpy.array([1j, 2, numpy.inf * 1j, complex(numpy.inf, 5), complex(-numpy.inf, -5)])):
        for bounds in ((0, None), (None, 0), (-0.0, None), (None, -0.0), (numpy.nan, None), (numpy.array([0.5]), None), (None, numpy.inf), (-numpy.inf, None)):
            x, seen = np.array(points), []
            grad(lambda a: np.real(np.sum(seen.append(np.clip(a, *bounds)) or a)))(x)
            assert seen[0].asnumpy().tobytes() == np.clip(x, *bounds).asnumpy().tobytes()
            numpy.testing.assert_array_equal(seen[0].asnumpy(), numpy.clip(points, *bounds))
    for dtype in ("int32", "uint8", "bool"):
        n, seen = np.array([0, 1, 1], dtype), []
        grad(lambda a: np.sum(a) * (seen.append(np.clip(n, 1, None)) or 1))(1.0)
        assert seen[0].dtype == np.clip(n, 1, None).dtype == numpy.clip(n.asnumpy(), 1, None).dtype and seen[0].tolist() == [1, 1, 1]


BOUNDED = {
    "clip": np.clip, "method": lambda x, lo, hi: x.clip(lo, hi), "of one bound": lambda x, lo, hi: np.clip(np.clip(x, lo, None), None, hi),
    "out=": lambda x, lo, hi: np.clip(x, lo, hi, out=np.empty(x.shape)),
}


@pytest.mark.parametrize("way", BOUNDED)
def test_what_a_clip_takes_counts_once(way, device):
    """Moving the argument and the bounds together moves the result: the three gradients add up to 1."""
    grid = numpy.array([-1.0, -0.0, 0.0, 0.5, 1.0])
    x, lo, hi = (np.array(v.ravel()) for v in numpy.meshgrid(grid, grid, grid))
    parts = [grad(BOUNDED[way], argnum=i)(x, lo, hi).asnumpy() for i in range(3)]
    assert numpy.all(sum(parts) == 1) and numpy.all(numpy.isin(parts, [0, 1]))
    a, b, c = (v.asnumpy() for v in (x, lo, hi))
    open_ = b < c
    assert numpy.array_equal(parts[0] == 1, (b <= a) & (a <= c) & open_) or way == "of one bound"
    for i, v in enumerate((x, lo, hi)):
        args = [x, lo, hi]
        t = jvp(BOUNDED[way], argnum=i)(args, np.ones(v.shape))[1].asnumpy()
        assert numpy.array_equal(t, parts[i])
    # Of one variable as both bounds the result is that variable. (The inner clip of two does not know of the outer one.)
    if way != "of one bound":
        assert float(grad(lambda t: np.sum(BOUNDED[way](x, t, t)))(np.zeros(()))) == x.size


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_equal_elements_share(dtype, device):
    x = numpy.array([[1, 3, 3, 3], [2, 2, 0, 2], [5, 5, 5, 5], [0, 0, 0, 1]], dtype)
    share = lambda hit: hit / hit.sum(1, keepdims=True)
    top, low = share((x == x.max(1, keepdims=True)).astype(float)), share((x == x.min(1, keepdims=True)).astype(float))
    pooled = lambda a: Function(sym.Pooling(x_(), kernel=(1, 4), pool_type="max"))(x=a.reshape(1, 1, -1, 4))
    for size in (1, LARGE // 4) if device.device_type == "cpu" else (LARGE // 4,):
        big, rtol = np.array(numpy.tile(x, (size, 1))), 1e-3 if dtype == "float16" else 1e-6
        ways = {
            "max": (top, lambda a: np.max(a, 1)), "method": (top, lambda a: a.max(axis=-1, keepdims=True)), "reduce": (top, lambda a: np.maximum.reduce(a, 1)),
            "two axes": (top, lambda a: a.reshape(-1, 2, 2).max((1, 2))), "transposed": (top, lambda a: a.T.max(0)), "pool": (top, pooled),
            "sym.max": (top, lambda a: Function(sym.max(x_(), axis=1))(x=a)), "fused": (top, lambda a: np.max(a * 2.0, 1) * 0.5),
            "min": (low, lambda a: np.min(a, 1)), "negated": (low, lambda a: -np.max(-a, 1)), "sym.min": (low, lambda a: Function(sym.min(x_(), axis=1))(x=a)),
            "ptp": (top - low, lambda a: np.ptp(a, 1)), "difference": (top - low, lambda a: a.max(1) - a.min(1)),
        }
        for name, (want, f) in ways.items():
            g = grad(lambda a: np.sum(f(a).astype("float64")))(big).asnumpy()
            numpy.testing.assert_allclose(g, numpy.tile(want, (size, 1)), rtol=rtol, atol=1e-7, err_msg=name)
            if "pool" not in name and "sym" not in name:
                t = jvp(f)((big,), np.array(numpy.tile(numpy.arange(4.0), (4 * size, 1)).astype(dtype)))[1].asnumpy()
                numpy.testing.assert_allclose(t.ravel(), numpy.tile(want @ numpy.arange(4.0), size), rtol=rtol, atol=1e-7, err_msg=name)
    # A tree of maxima of pairs shares pair by pair.
    tree = grad(lambda a: np.maximum(np.maximum(a[0], a[1]), a[2]))(np.ones(3, dtype))
    assert tree.tolist() == [0.25, 0.25, 0.5] and grad(np.max)(np.ones((2, 2), dtype)).tolist() == [[0.25, 0.25], [0.25, 0.25]]


def test_lengths_at_the_origin(device):
    for dtype in ("float32", "float64"):
        x, y = np.zeros(3, dtype), np.array([0.0, 3.0, -0.0], dtype)
        g, h = grad(np.hypot, argnum=[0, 1])(x, y)
        assert g.tolist() == [0, 0, 0] and h.tolist() == [0, 1, 0]
        z = np.array([0, 3j, 0], "complex64" if dtype == "float32" else "complex128")
        assert grad(np.abs)(z).asnumpy().tolist() == [0, -1j, 0] and not grad(lambda a: np.real(np.sum(np.sign(a))))(z * 0).asnumpy().any()
        assert grad(np.std)(y * 0 + 2).tolist() == [0, 0, 0]
    # These have a derivative in the extended numbers, and it is infinite.
    for f in (np.sqrt, lambda a: a**0.5, lambda a: np.power(a, np.array(0.5)), np.cbrt, lambda a: np.power(a, 1 / 3)):
        assert grad(f)(np.array(0.0)) == numpy.inf and jvp(f)((np.array(0.0),), 1.0)[1] == numpy.inf
