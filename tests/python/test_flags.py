"""Flags (`keepdims=`, `copy=`, `endpoint=` ...): what is one, each function of NumPy's decides for itself, and so it is here."""

import numpy
import pytest

import minpy.numpy as np


class Refusing:
    def __bool__(self):
        raise KeyError("no truth")


class Index:
    def __index__(self):
        return 1


VALUES = {
    "True": True, "False": False, "1": 1, "0": 0, "2": 2, "-1": -1, "None": None, "a word": "no", "no word": "", "1.5": 1.5, "0.0": 0.0, "two elements": numpy.array([1, 2]),
    "an element": numpy.array(1), "no element": numpy.array([]), "[]": [], "[1]": [1], "NumPy's": numpy.True_, "object": object(), "NaN": float("nan"), "large": 2**70,
    "2**40": 2**40, "1j": 1j, "Refusing": Refusing(), "Index": Index(),
}  # fmt: skip
CALLS = {
    **{name: lambda m, x, name=name: getattr(m, name)(m.ones((2, 3)), 0, keepdims=x)
       for name in ("sum", "prod", "mean", "std", "var", "max", "min", "any", "all", "ptp", "count_nonzero", "argmax", "argmin", "median", "average", "nanmean", "nansum", "nanmax")},
    **{"a." + name: lambda m, x, name=name: getattr(m.ones((2, 3)), name)(0, keepdims=x) for name in ("sum", "prod", "mean", "std", "var", "max", "min", "any", "all", "argmax")},
    "add.reduce": lambda m, x: m.add.reduce(m.ones((2, 3)), 0, keepdims=x),
    "add subok": lambda m, x: m.add(m.ones(2), 1, subok=x),
    "linalg.norm": lambda m, x: m.linalg.norm(m.ones((2, 3)), axis=0, keepdims=x),
    "average returned": lambda m, x: m.average(m.ones((2, 3)), 0, returned=x)[0],
    "array": lambda m, x: m.array(m.ones(2), copy=x),
    "array of a list": lambda m, x: m.array([1, 2], copy=x).tolist() if not isinstance(x, numpy.ndarray) or x.size < 2 else m.array([1], copy=x),
    "asarray": lambda m, x: m.asarray(m.ones(2), copy=x),
    "array subok": lambda m, x: m.array([1, 2], subok=x),
    "astype": lambda m, x: m.ones(2).astype(float, copy=x),
    "astype subok": lambda m, x: m.ones(2).astype(float, subok=x),
    "reshape": lambda m, x: m.reshape(m.ones(2), (2, 1), copy=x),
    "a.reshape": lambda m, x: m.ones(2).reshape((2, 1), copy=x),
    "linspace": lambda m, x: m.linspace(0, 1, 3, endpoint=x),
    "linspace retstep": lambda m, x: m.linspace(0, 1, 3, retstep=x)[0],
    "isclose": lambda m, x: m.isclose(m.ones(2), m.ones(2), equal_nan=x),
    "nan_to_num": lambda m, x: m.nan_to_num(m.ones(2), copy=x),
    "sort": lambda m, x: m.sort(m.ones(2), stable=x),
    "zeros_like": lambda m, x: m.zeros_like(m.ones(2), subok=x),
    "broadcast_to": lambda m, x: m.broadcast_to(m.ones(2), (2, 2), subok=x),
    "copy": lambda m, x: m.copy(m.ones(2), subok=x),
    "fill_diagonal": lambda m, x: m.fill_diagonal(m.ones((2, 2)), 1, wrap=x),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_a_flag(name):
    def outcome(module, value):
        try:
            return numpy.asarray(CALLS[name](module, value)).tolist()
        except Exception as e:  # whatever the flag raises
            return type(e), str(e)

    # `reduce` takes None for what is left out.
    values = {word: value for word, value in VALUES.items() if not (name == "add.reduce" and value is None)}
    different = {word: (ours, theirs) for word, value in values.items() if (ours := outcome(np, value)) != (theirs := outcome(numpy, value))}
    assert not different
