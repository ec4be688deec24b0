"""Functions of core's table as symbol operators: on its own cases each gives what the function gives, with the same gradients."""
import inspect
import json
import operator

import numpy
import pytest

import minpy.numpy as np
import minpy.symbol as sym
from minpy import _minpy
from minpy.context import current_context
from minpy.core import grad

OPERATORS = {op: (aliases, attributes, doc.partition("\n")[0]) for op, aliases, doc, attributes in _minpy.Symbol._operators()}
# What the number of results hangs on: an operator has as many as its attributes say.
UNCOUNTED = {"Each", "Tuple", "Truth", "Count", "Shape", "Nothing"}


def is_array(value):
    return isinstance(value, np.ndarray)


def parts(name, args, kwargs):
    """Inputs by name and attributes of a call."""
    names = list(inspect.signature(operator.attrgetter(name)(np)).parameters)
    given = dict(zip(names, args, strict=False), **kwargs)
    lists = {k: v for k, v in given.items() if isinstance(v, (list, tuple)) and any(map(is_array, v))}
    arrays = {k: v for k, v in given.items() if is_array(v)}
    rest = {k: v for k, v in given.items() if k not in lists and k not in arrays}
    return lists, arrays, rest


def compose(name, case, args, kwargs):
    """The operator's symbol for a case, with the arrays of its variables; None where the operator of that name is MXNet's, which takes
    other things, or where there is none."""
    called = name.replace(".", "_")
    if called not in OPERATORS or OPERATORS[called][2] != inspect.getdoc(operator.attrgetter(name)(np)).partition("\n")[0]:
        return None
    lists, arrays, attributes = parts(name, args, kwargs)
    if set(attributes) & {f for entry in _minpy._table() if entry["gives"] == "Flagged" for f in entry["words"]}:
        return None
    if any(isinstance(v, list) for v in attributes.values()):
        return None  # lists of axes: attributes are flat
    values = {f"x{i}": a for i, a in enumerate([a for v in lists.values() for a in v])} if lists else dict(arrays)
    variables = {k: sym.Variable(k) for k in values}
    inputs = [(k if k in kwargs else None, v) for k, v in variables.items()]
    return _minpy.Symbol._apply(called, "node", inputs, attributes), values


def comparable():
    for name, case, args, kwargs in _minpy._table_cases():
        if name.startswith("ndarray."):
            continue  # a method beside the function
        made = compose(name, case, args, kwargs)
        if made is not None:
            yield pytest.param(name, args, kwargs, *made, id=f"{name}({case})")


def as_list(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


@pytest.mark.parametrize("name, args, kwargs, net, values", list(comparable()))
def test_operator_gives_what_the_function_gives(name, args, kwargs, net, values):
    want = [numpy.asarray(w) for w in as_list(operator.attrgetter(name)(np)(*args, **kwargs))]
    order = net.list_arguments()
    assert set(order) <= set(values)
    gradients = {k: np.zeros_like(values[k]) for k in order if values[k].dtype.kind in "fc"}
    executor = net.bind(current_context(), {k: values[k] for k in order}, gradients)
    found = [o.asnumpy() for o in executor.forward(is_train=True)]
    assert [(f.dtype, f.shape) for f in found] == [(w.dtype, w.shape) for w in want]
    for f, w in zip(found, want, strict=True):
        numpy.testing.assert_allclose(f, w, rtol=1e-12, atol=1e-12)
    if not gradients or any(w.dtype.kind != "f" for w in want):
        return
    executor.backward([np.ones(w.shape) for w in want])
    for k in gradients:
        def loss(x, k=k):
            changed = [x if a is values[k] else tuple(x if b is values[k] else b for b in a) if isinstance(a, (list, tuple)) and any(map(is_array, a)) else a
                       for a in args]
            named = {n: x if a is values[k] else a for n, a in kwargs.items()}
            return sum(np.sum(r) for r in as_list(operator.attrgetter(name)(np)(*changed, **named)))
        numpy.testing.assert_allclose(gradients[k].asnumpy(), grad(loss)(values[k]).asnumpy(), rtol=1e-12, atol=1e-12)


def test_every_function_is_an_operator():
    """Nothing but what the entry says keeps a function from being an operator: no array among its arguments, an array that it writes, a word
    that only it knows, a list beside other arrays, or an unknown number or shape of results."""
    known = set(OPERATORS).union(*(aliases for aliases, _, _ in OPERATORS.values()))
    lists = {"Arrays", "Joined", "Each", "Operands"}
    arrays = {"Array", "Kept", "Operand", "Indices", "Tried", "Bound"} | lists
    for entry in _minpy._table():
        kinds = [kind for _, kind in entry["parameters"]]
        none = entry["by_values"] or entry["gives"] in UNCOUNTED or {"Target", "Ours", "Word", "Terms"} & set(kinds)
        none = none or (any(kind in lists for kind in kinds) and sum(kind in arrays for kind in kinds) > 1)
        written = "Out" in kinds and inspect.signature(operator.attrgetter(entry["name"])(np)).parameters["out"].default is inspect.Parameter.empty
        takes = any(kind in arrays for kind in kinds) and "Shape" not in kinds[:1]
        if entry["name"].startswith("ndarray.") or none or written or not takes:
            continue
        assert entry["name"].replace(".", "_") in known, entry["name"]


def test_a_number_or_an_input():
    x, n = sym.Variable("x"), sym.Variable("n")
    fixed, given, unsaid = sym.full_like(x, fill_value=2.5, name="f"), sym.full_like(x, n, name="f"), sym.full_like(x, name="f")
    assert [s.list_arguments() for s in (fixed, given, unsaid)] == [["x"], ["x", "n"], ["x", "f_fill_value"]]
    assert sym.average(x, axis=1, name="a").list_arguments() == ["x"]
    assert sym.std(x, where=sym.Variable("mask"), name="s").list_arguments() == ["x", "mask"]
    for net in (fixed, given, unsaid):
        again = sym.load_json(net.tojson())
        assert again.tojson() == net.tojson() and again.list_arguments() == net.list_arguments()
    assert fixed.infer_shape(x=(2, 3))[1] == [(2, 3)]
    ex = given.bind(current_context(), [np.ones((2, 2)), np.array([1.0, 2.0])])
    assert ex.forward()[0].asnumpy().tolist() == [[1, 2], [1, 2]]


def test_mistakes():
    x = sym.Variable("x")
    with pytest.raises(TypeError, match="unknown attribute 'axes'"):
        sym.cumsum(x, axes=0)
    with pytest.raises(ValueError, match=r"axis=0\.5 is wrong, it must be an integer or None"):
        sym.cumsum(x, axis=0.5)
    with pytest.raises(TypeError, match="given twice"):
        _minpy.Symbol._apply("full_like", "n", [(None, x), ("fill_value", x)], {"fill_value": 2})
    with pytest.raises(ValueError, match="array_split 'a': 70000 outputs are too many"):
        sym.array_split(x, indices_or_sections=70000, name="a")
    text = json.loads(sym.array_split(x, indices_or_sections=3, name="a").tojson())
    assert text["nodes"][1]["attributes"] == {"indices_or_sections": 3, "axis": 0}
    with pytest.raises(NotImplementedError, match=r"average 'p' with inputs of shapes.*too few"):
        sym.average(x, name="p").infer_shape(x=(0,))


def test_arrays_that_may_be_left_out():
    """By position as in the function; and other names of an entry whose own an operator of MXNet's has."""
    y, x = sym.Variable("y"), sym.Variable("x")
    values = {"y": np.array([1.0, 2.0, 4.0]), "x": np.array([0.0, 1.0, 3.0])}
    for net in (sym.trapezoid(y, x), sym.trapezoid(y, x=x)):
        assert float(net.bind(current_context(), values).forward()[0].asnumpy()) == 7.5
    assert float(sym.trapezoid(y).bind(current_context(), {"y": values["y"]}).forward()[0].asnumpy()) == 4.5
    with pytest.raises(TypeError, match="takes 3 inputs"):
        sym.trapezoid(y, x, x, x)
    a = np.array([[1.0, 2.0, 3.0]])
    for call in (lambda s: sym.permute_dims(s), lambda s: sym.amax(s, axis=1)):
        assert call(sym.Variable("a")).bind(current_context(), {"a": a}).forward()[0].shape in ((3, 1), (1,))


@pytest.mark.parametrize("name", sorted(name for name, f in _minpy._ufuncs().items() if f.nout == 2))
def test_elementwise_operations_of_two_results(name):
    arguments = ["x", "y"][:getattr(np, name).nin]
    values = {"x": np.array([5.5, -2.25]), "y": np.array([2.0, 3.0])}
    net = getattr(sym, name)(*map(sym.Variable, arguments))
    assert len(net.list_outputs()) == 2
    made = net.bind(current_context(), {k: values[k] for k in arguments}).forward()
    for ours, theirs in zip(made, getattr(numpy, name)(*(values[k].asnumpy() for k in arguments)), strict=True):
        numpy.testing.assert_array_equal(ours.asnumpy(), theirs)
