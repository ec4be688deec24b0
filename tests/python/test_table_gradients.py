"""Gradients of every function of the table, by its own cases: reverse mode against finite differences, forward mode against reverse mode,
and the second derivative in both modes. An entry that comes tomorrow is in the list."""
import operator

import numpy
import pytest

import minpy.numpy as np
from minpy import _minpy
from minpy.core import grad, jvp

CASES = _minpy._table_cases()
# Its gradient is by definition not that of its value (test_grad.py has its own).
LOSSES = {"softmax_output"}


def is_array(value):
    return isinstance(value, np.ndarray)


def leaves(args):
    """The arrays among arguments, also in lists of them."""
    return [leaf for a in args for leaf in (leaves(a) if isinstance(a, (list, tuple)) else [a]) if is_array(leaf)]


def with_leaves(args, arrays):
    """The arguments with other arrays in those places."""
    def put(a):
        return type(a)(map(put, a)) if isinstance(a, (list, tuple)) else next(arrays) if is_array(a) else a
    arrays = iter(arrays)
    return [put(a) for a in args]


def results(value):
    return [r for v in value for r in results(v)] if isinstance(value, (list, tuple)) else [value]


def inexact(array):
    return array.dtype.kind in "fc"


def scalar_function(name, args, kwargs):
    """A real function of the inexact arrays of a case, nonlinear in the results: no error cancels, and second derivatives are not zero.
    None where the results are no numbers that have derivatives."""
    function, given = operator.attrgetter(name)(np), leaves([list(args), list(kwargs.values())])
    writes = {entry["name"] for entry in _minpy._table() if entry["gives"] == "Nothing"}
    variables = [i for i, a in enumerate(given) if inexact(a)]

    def compute(*values):
        arrays = list(given)
        for i, v in zip(variables, values, strict=True):
            arrays[i] = v
        positional, named = with_leaves([list(args), list(kwargs.values())], arrays)
        if name in writes:
            target = positional[0] * 1
            function(target, *positional[1:], **dict(zip(kwargs, named, strict=True)))
            return [target]
        return [r for r in results(function(*positional, **dict(zip(kwargs, named, strict=True)))) if hasattr(r, "dtype") and inexact(r)]

    start = [given[i] for i in variables]
    made = compute(*start) if start and name not in LOSSES else []
    if not made or any(r.dtype in (numpy.float16, numpy.float32) for r in made):  # too coarse for differences
        return None, start

    def total(*values):
        parts = []
        for k, r in enumerate(compute(*values)):
            weights = numpy.cos(numpy.arange(r.size) + k).reshape(r.shape)
            parts.append(np.sum((np.real(r) + 2 * np.imag(r) if r.dtype.kind == "c" else r) * weights))
            parts.append(np.sum(np.real(r * np.conj(r))) / 8)
        return sum(parts)
    return total, start


def direction(like, seed):
    d = numpy.sin(numpy.arange(1, like.size + 1) * seed).reshape(like.shape)
    return np.array(d + 0.5j * d[::-1] if like.dtype.kind == "c" and d.ndim else d, like.dtype)


def along(gradient, d):
    """The change in a direction: a complex gradient is (with respect to the real part) - i (with respect to the imaginary part)."""
    return float(np.sum(np.real(gradient * d)))


@pytest.mark.parametrize("name, args, kwargs", [pytest.param(n, a, k, id=f"{n}({c})") for n, c, a, k in CASES])
def test_gradients(name, args, kwargs):
    total, start = scalar_function(name, args, kwargs)
    if total is None:
        pytest.skip("no results with derivatives, results too coarse for differences, or a loss with a gradient of its own")
    numbers = list(range(len(start)))

    def gradients(f, values):
        found = grad(f, numbers)(*values)
        return found if len(numbers) > 1 else [found]
    ds = [direction(a, 1.3 + i) for i, a in enumerate(start)]
    es = [direction(a, 2.1 + i) for i, a in enumerate(start)]

    def slope(*values):
        """The derivative in the first direction, by reverse mode."""
        return sum((np.sum(np.real(g * d)) for g, d in zip(gradients(total, values), ds, strict=True)), 0.0)

    def forward(*values):
        return jvp(total, numbers)(values, ds)[1]

    def moved(step, ways):
        return [a + step * w for a, w in zip(start, ways, strict=True)]

    h = 1e-6
    first = float(slope(*start))
    differences = (float(total(*moved(h, ds))) - float(total(*moved(-h, ds)))) / (2 * h)
    assert first == pytest.approx(differences, rel=1e-5, abs=1e-6)
    assert float(forward(*start)) == pytest.approx(first, rel=1e-9, abs=1e-9)
    differences = (float(slope(*moved(h, es))) - float(slope(*moved(-h, es)))) / (2 * h)
    seconds = {
        "reverse over reverse": sum(along(g, e) for g, e in zip(gradients(slope, start), es, strict=True)),
        "forward over reverse": float(jvp(slope, numbers)(start, es)[1]),
        "reverse over forward": sum(along(g, e) for g, e in zip(gradients(forward, start), es, strict=True)),
    }
    for way, found in seconds.items():
        assert found == pytest.approx(differences, rel=1e-5, abs=1e-5), way
