"""Every function of the table, by its own cases: NumPy's values, dtypes and shapes, as function and as method, with `out=`; its signature
is NumPy's; what it declines is counted with its reason."""
import inspect
import re

import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy import _minpy

CASES = _minpy._table_cases()
METHODS = {name for name, _, method, *_ in _minpy._table() if method}
FUNCTIONS = sorted({name for name, *_ in CASES})


def ours_and_theirs(name):
    return getattr(np, name), getattr(numpy, name)


def host(value):
    if isinstance(value, (list, tuple)):
        return type(value)(map(host, value))
    return value.asnumpy() if hasattr(value, "asnumpy") else value


def close(ours, theirs):
    if theirs is None:
        assert ours is None
        return
    assert type(ours) is type(theirs) if isinstance(theirs, (list, bool)) else True
    if isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            close(a, b)
        return
    a, b = numpy.asarray(host(ours)), numpy.asarray(theirs)
    assert a.dtype == b.dtype and a.shape == b.shape
    assert isinstance(ours, np.ndarray) == isinstance(theirs, numpy.ndarray)
    numpy.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name, case, args, kwargs", CASES, ids=[f"{n}({c})" for n, c, *_ in CASES])
def test_case(name, case, args, kwargs, device):
    ours, theirs = ours_and_theirs(name)
    args = [a.as_in_context(device) if hasattr(a, "as_in_context") else a for a in args]
    given, named = [numpy.array(a) if isinstance(a, numpy.ndarray) else a for a in host(list(args))], {k: host(v) for k, v in kwargs.items()}
    before = minpy.fallback_count()
    made = ours(*args, **kwargs)
    want = theirs(*given, **named)
    if device.device_type == "cpu":
        assert minpy.fallback_count() == before
    close(made, want)
    close(args, given)  # which some functions write
    if name in METHODS and name != "sort":
        close(getattr(args[0], name)(*args[1:], **kwargs), want)
    if "out" in inspect.signature(ours).parameters and isinstance(want, numpy.ndarray):
        out = np.zeros(want.shape, want.dtype)
        try:
            theirs(*given, out=out.asnumpy(), **named)
        except TypeError as refusal:  # with dtype=
            with pytest.raises(TypeError, match=re.escape(str(refusal))):
                ours(*args, out=out, **kwargs)
            return
        assert ours(*args, out=out, **kwargs) is out
        numpy.testing.assert_allclose(out.asnumpy(), want, rtol=1e-12, atol=1e-12)
        with pytest.raises(ValueError):
            ours(*args, out=np.zeros((7,) + want.shape, want.dtype), **kwargs)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signature(name):
    ours, theirs = map(inspect.signature, ours_and_theirs(name))
    kinds = [[(p.name, p.kind, p.default is p.empty) for p in s.parameters.values()] for s in (ours, theirs)]
    assert kinds[0] == kinds[1]
    text = inspect.getdoc(getattr(np, name))
    assert text and not text.startswith(name)
    assert getattr(np, name).__module__ == "minpy.numpy" and getattr(np, name).__name__ == name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_that_do_not_fit(name):
    ours, theirs = ours_and_theirs(name)
    for args, kwargs in [((), {}), ((np.ones(3),), {"nonsense": 1}), ((np.ones(3),) + (None,) * 20, {})]:
        try:
            theirs(*host(list(args)), **kwargs)
        except TypeError as refusal:
            with pytest.raises(TypeError) as mine:
                ours(*args, **kwargs)
            assert str(mine.value) == str(refusal)
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
