"""Every function of the table, by its own cases: NumPy's values, dtypes and shapes, as function and as method, with `out=`; its signature
is NumPy's; what it declines is counted with its reason."""
import inspect
import operator
import re
import sys

import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy import _minpy

CASES = _minpy._table_cases()
NAMES = sorted({name for name, *_ in CASES})
METHODS = {entry["name"] for entry in _minpy._table() if entry["method"]}


def ours_and_theirs(name):
    """The function (or method) of that name, and NumPy's; None for what NumPy does not have."""
    find = operator.attrgetter(name)
    try:
        return find(np), find(numpy)
    except AttributeError:
        return find(np), None


# Functions of NumPy's, whose own is what they are compared with. The others have values of their own in the tests of their subjects.
FUNCTIONS = [name for name in NAMES if ours_and_theirs(name)[1] is not None]


def on(device, value):
    """A copy there, of the arrays in a list too."""
    if isinstance(value, (list, tuple)):
        return type(value)(on(device, v) for v in value)
    return value.copy().as_in_context(device) if hasattr(value, "as_in_context") else value


def host(value):
    if isinstance(value, (list, tuple)):
        return type(value)(map(host, value))
    return value.asnumpy() if hasattr(value, "asnumpy") else value


def close(ours, theirs):
    assert type(ours) is type(theirs) if isinstance(theirs, (list, bool)) else True
    if isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            close(a, b)
        return
    if theirs is None or isinstance(theirs, (bool, int, str)):
        assert ours == theirs and type(ours) is type(theirs)
        return
    a, b = numpy.asarray(host(ours)), numpy.asarray(theirs)
    assert a.dtype == b.dtype and a.shape == b.shape
    assert isinstance(ours, np.ndarray) == isinstance(theirs, numpy.ndarray)
    numpy.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name, case, args, kwargs", CASES, ids=[f"{n}({c})" for n, c, *_ in CASES])
def test_case(name, case, args, kwargs, device):
    ours, theirs = ours_and_theirs(name)

    def fresh():
        return on(device, list(args))
    kwargs = {k: on(device, v) for k, v in kwargs.items()}
    if theirs is None:  # the same on every device
        def theirs(*args, **kwargs):
            args = [np.array(a) if isinstance(a, numpy.ndarray) else a for a in args]
            result = host(ours(*args, **kwargs))
            for mine, copy in zip(args, copies, strict=True):
                if isinstance(copy, numpy.ndarray):
                    copy[...] = mine.asnumpy()
            return result
    given, named, copies = fresh(), {k: host(v) for k, v in kwargs.items()}, host(list(args))
    before = minpy.fallback_count()
    made = ours(*given, **kwargs)
    want = theirs(*copies, **named)
    if device.device_type == "cpu":
        assert minpy.fallback_count() == before
    close(made, want)
    # On the device of the arguments; a list has several, and a number none.
    arrays = [r for r in (made if isinstance(made, (list, tuple)) else [made]) if type(r) is np.ndarray]
    assert all(r.context == device for r in arrays)
    close(given, copies)  # functions that write, write the same
    if name in METHODS and f"ndarray.{name}" not in NAMES:
        again = fresh()
        close(getattr(again[0], name)(*again[1:], **kwargs), want)
        close(again, copies)
    if "out" in inspect.signature(ours).parameters and isinstance(want, numpy.ndarray) and name != "onehot_encode":
        out = np.zeros(want.shape, want.dtype)
        try:
            theirs(*copies, out=out.asnumpy(), **named)
        except TypeError as refusal:  # with dtype=
            with pytest.raises(TypeError, match=re.escape(str(refusal))):
                ours(*args, out=out, **kwargs)
            return
        assert ours(*args, out=out, **kwargs) is out
        numpy.testing.assert_allclose(out.asnumpy(), want, rtol=1e-12, atol=1e-12)
        other = (7, *want.shape)
        try:
            theirs(*copies, out=numpy.zeros(other, want.dtype), **named)
        except (TypeError, ValueError) as refusal:
            with pytest.raises(type(refusal)):
                ours(*args, out=np.zeros(other, want.dtype), **kwargs)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signature(name):
    ours, theirs = map(inspect.signature, ours_and_theirs(name))
    kinds = [[(p.name, p.kind, p.default is p.empty) for p in s.parameters.values()] for s in (ours, theirs)]
    if name.startswith("ndarray."):  # NumPy's `self` is by position only, and so are ours in C
        kinds = [kind[1:] for kind in kinds]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_function_says_of_itself(name):
    ours, short = ours_and_theirs(name)[0], name.rpartition(".")[2]
    text = inspect.getdoc(ours)
    assert text and not text.startswith(name)
    assert ours.__name__ == short
    if not name.startswith("ndarray."):
        module = ".".join(["minpy.numpy", *name.split(".")[:-1]])
        assert ours.__module__ == module and short in sys.modules[module].__all__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_that_do_not_fit(name):
    ours, theirs = ours_and_theirs(name)
    for args, kwargs in [((), {}), ((np.ones(3),), {"nonsense": 1}), ((np.ones(3),) + (None,) * 20, {})]:
        try:
            theirs(*host(list(args)), **kwargs)
        except (TypeError, ValueError) as refusal:
            with pytest.raises(type(refusal)) as mine:
                ours(*args, **kwargs)
            assert str(mine.value).replace("array_base", "ndarray") == str(refusal)
        else:
            ours(*args, **kwargs)


def test_reasons():
    x = np.arange(6.0)
    _minpy.counters.reset()
    np.sum(x, initial=2.0)
    x.mean(where=x > 2)
    np.sum(numpy.array([1, 2], object))
    reasons = {(f[0], f[3]) for f in _minpy.counters.fallbacks()}
    assert ("sum", "sum: initial= and where= of a reduction") in reasons
    assert ("mean", "mean: where= of a reduction") in reasons
    assert not [r for r in reasons if r[0] not in ("sum", "mean")]


@pytest.mark.parametrize("call", [
    lambda: np.take(np.ones(3), [7]), lambda: np.average(np.ones((2, 3)), 0, np.ones(2), keepdims=4) and np.vstack([np.ones((2, 3)), np.ones((2, 2))]),
    lambda: np.trapezoid(np.ones(3), np.ones(4)), lambda: np.roll(np.ones(3), 1, 5), lambda: np.ptp(np.ones(3), 3), lambda: np.put_along_axis(np.ones((2, 2)), np.array([[9]]), 1, 1),
], ids=["take", "vstack", "trapezoid", "roll", "ptp", "put_along_axis"])
def test_errors_name_the_function(call, request):
    """And not an operation that it is made of."""
    with pytest.raises((ValueError, IndexError)) as error:
        call()
    head, colon, _ = str(error.value).partition(": ")
    assert not colon or head == request.node.callspec.id
