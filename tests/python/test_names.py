"""Counters and profiles show the name that the user wrote, and what ran in NumPy."""
import operator
import time

import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy import _minpy
from minpy.numpy import op_stat
from minpy.primitive import customop

SMALL, LARGE = (4, 4), (256, 256)  # computed at once; deferred

# What the user calls -> the name that has to be shown: methods, aliases, ufuncs, NumPy's protocol, and what waits. (Of the functions of the
# table, at once and by their own names, below.)
CALLS = {
    "dot": lambda x: np.dot(x, x),
    "dot (method)": lambda x: x.dot(x),
    "inner": lambda x: np.inner(x, x),
    "tensordot": lambda x: np.tensordot(x, x, 1),
    "vdot": lambda x: np.vdot(x, x),
    "outer": lambda x: np.outer(x[0], x[0]),
    "mean": lambda x: np.mean(x, 1),
    "mean (method)": lambda x: x.mean(1),
    "var": lambda x: np.var(x, 1),
    "std": lambda x: np.std(x, 0),
    "softmax": lambda x: np.softmax(x),
    "amax": lambda x: np.amax(x, 1),
    "amin": lambda x: np.amin(x, 1),
    "concatenate": lambda x: np.concatenate([x, x]),
    "stack": lambda x: np.stack([x, x]),
    "sigmoid": lambda x: np.sigmoid(x),
    "astype": lambda x: x.astype("float32"),
    "clip": lambda x: np.clip(x, 0.25, None),
    "clip (method)": lambda x: x.clip(0.25, None),
    "trace": lambda x: np.trace(x),
    "tril": lambda x: np.tril(x),
    "diag": lambda x: np.diag(x[0]),
    "zeros": lambda x: np.zeros(x.shape),
    "full": lambda x: np.full(x.shape, 2.0),
    "where": lambda x: np.where(x > 0.5, x, 0.0),
    "add.reduce": lambda x: np.add.reduce(x),
    "multiply.outer": lambda x: np.multiply.outer(x[0], x[0]),
    "take": lambda x: np.take(x, [1, 0], 0),
    "average": lambda x: np.average(x, 1),
    "sum": lambda x: numpy.sum(x, 1),  # through NumPy's protocol
}


def names(label):
    """`add+mean(sum+divide)` -> {"add", "mean"}"""
    depth, text = 0, ""
    for c in label:
        depth += (c == "(") - (c == ")")
        text += c if depth == 0 and c != ")" else ""
    return set(text.replace(",", "+").replace(" ", "").split("+"))


@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("call", CALLS)
def test_the_name_that_was_written(call, shape):
    x, want = np.array(numpy.random.default_rng(0).random(shape)), call.split(" ")[0]
    np.record_op_stat()
    CALLS[call](x)
    minpy.flush()
    counted = {n for op, _ in op_stat()["ops"] for n in names(op)}
    minpy._minpy.counters.count_ops(False)
    assert want in counted
    with minpy.profile() as p:
        kept = CALLS[call](x)
        minpy.flush()
    del kept
    timed = {n for g in p.groups for n in names(g.name)}
    if want not in ("zeros", "full") or shape == SMALL:
        assert want in timed
    # Nothing else was written but what the lambdas spell as operators and indices.
    assert timed <= {want, "greater", "gather", "copy", "multiply", "take"}


@pytest.mark.parametrize("name", sorted({name for name, *_ in _minpy._table_cases()}))
def test_functions_of_the_table_have_their_names(name):
    """In each of their cases: what is counted is the function, and nothing beside it."""
    counted = set()
    for _, _, args, kwargs in (c for c in _minpy._table_cases() if c[0] == name):
        np.record_op_stat()
        operator.attrgetter(name)(np)(*args, **kwargs)
        minpy.flush()
        counted |= {n for op, _ in op_stat()["ops"] for n in names(op)}
        minpy._minpy.counters.count_ops(False)
    assert counted <= {name.removeprefix("ndarray.")}


def test_what_was_called_inside_of_a_users_function_has_its_own_name():
    def inside(x):
        return np.dot(x, x) + np.mean(x)
    x = np.ones(SMALL)
    np.record_op_stat()
    minpy.core.grad(inside)(x)
    counted = {op for op, _ in op_stat()["ops"]}
    minpy._minpy.counters.count_ops(False)
    assert {"dot(matmul)", "mean(sum)", "add"} <= counted


def test_groups_name_every_function_in_them():
    x = np.array(numpy.random.default_rng(0).random(LARGE))
    with minpy.profile() as p:
        y = np.softmax(x) * 2.0
        minpy.flush()
    del y
    assert any(g.name.startswith("softmax(") and g.name.endswith(")+multiply") for g in p.groups), p.groups


def test_a_name_ends_with_its_call():
    x = np.ones(SMALL)
    np.record_op_stat()
    with pytest.raises(ValueError):
        np.dot(x, np.ones(3))
    x + x
    counted = {op for op, _ in op_stat()["ops"]}
    minpy._minpy.counters.count_ops(False)
    assert "add" in counted and not any("dot(add" in op for op in counted)


def test_shown_statistics_have_the_name(capsys):
    np.record_op_stat()
    np.dot(np.ones(SMALL), np.ones(SMALL))
    np.show_op_stat()
    minpy._minpy.counters.count_ops(False)
    assert "dot(matmul) : 1" in capsys.readouterr().out


def test_profiles_show_what_ran_in_numpy():
    x = np.array(numpy.random.default_rng(0).random((100, 100)))
    with minpy.profile() as p:
        np.emath.sqrt(x)
        np.emath.sqrt(x)
        np.linalg.pinv(x)
        np.random.randn(10)
    rows = {g.name: g for g in p.groups if g.device == "numpy"}
    assert rows["emath.sqrt"].calls == 2
    assert rows["emath.sqrt"].bytes == 4 * 80000
    assert rows["emath.sqrt"].seconds > 0
    assert {g.family for g in rows.values()} == {"numpy"}
    assert {"linalg.pinv", "random.randn"} <= set(rows)
    assert "numpy: emath.sqrt" in str(p)


def test_profiles_show_custom_functions_without_what_ran_in_them():
    @customop("numpy")
    def slow(a):
        inner = np.ones((400, 400))
        for _ in range(20):
            inner = np.exp(inner * 0.01)
        inner.asnumpy()
        return a + 1

    began = time.perf_counter()
    with minpy.profile() as p:
        slow(np.ones(3))
    all_of_it = time.perf_counter() - began
    row = next(g for g in p.groups if g.name == "slow")
    assert row.device == "numpy" and row.calls == 1
    # The clock holds both, and no time is counted twice.
    assert 0 < row.seconds < sum(g.seconds for g in p.groups) <= all_of_it


def test_a_call_of_numpys_that_fails_is_no_row():
    with minpy.profile() as p:
        with pytest.raises(numpy.linalg.LinAlgError):
            np.linalg.eigvals(np.full((2, 2), np.nan))
        np.emath.sqrt(np.ones(3))
    assert not any("eigvals" in g.name for g in p.groups)
    assert "emath.sqrt" in {g.name for g in p.groups}


def test_profiles_show_themselves():
    with minpy.profile() as p:
        kept = np.exp(np.ones(10))
    assert kept.size == 10
    assert repr(p) == str(p) and "exp" in repr(p)
    html = p._repr_html_()
    assert html.startswith("<div>") and "exp" in html and html.count("<tr>") == len(p.groups) + len(p.lines) + 3
    assert repr(minpy.profile()) == "<minpy.profile: nothing ran>"


def test_functions_of_submodules_are_named_as_they_are_written():
    a = np.array([[2.0, 1.0], [1.0, 3.0]])
    calls = {
        "linalg.pinv": lambda: np.linalg.pinv(a), "fft.fft": lambda: np.fft.fft(a), "random.normal": lambda: np.random.normal(size=3), "emath.sqrt": lambda: np.emath.sqrt(a),
        "random.uniform": lambda: np.random.default_rng(0).uniform(size=3), "polynomial.polynomial.polyval": lambda: np.polynomial.polynomial.polyval(a, [1, 2]),
        "lib.stride_tricks.sliding_window_view": lambda: np.lib.stride_tricks.sliding_window_view(a, 2, 0), "emath.log": lambda: np.emath.log(a),
    }  # fmt: skip
    with minpy.profile() as p:
        for f in calls.values():
            f()
    # By whomever they are computed.
    assert set(calls) <= {g.name.split("(")[0] for g in p.groups}
    assert "linalg.pinv" in {row["op"] for row in op_stat()["fallbacks"]}
