"""Writes minpy/numpy/__init__.pyi: what type checkers know of `minpy.numpy`. Types and constants are NumPy's own; the functions that
are ours carry their signatures and say what they return. Everything else is `Any`.

    .venv/bin/python scripts/stubs.py            writes the file
    .venv/bin/python scripts/stubs.py --check    fails when the file is not what this build says
"""
import inspect
import pathlib
import sys

import numpy

import minpy.numpy
from minpy import _minpy
from minpy.numpy._native import TABLE

FILE = pathlib.Path(__file__).resolve().parent.parent / "minpy-py" / "python" / "minpy" / "numpy" / "__init__.pyi"

# What a function returns when it is not an array; `Any` where it depends on the arguments (0-d results are scalars).
RETURNS = {
    "None": "copyto fill_diagonal put put_along_axis putmask record_op_stat show_op_stat set_policy",
    "builtins.bool": "allclose array_equal iscomplexobj isscalar may_share_memory",
    "int": "ndim size",
    "tuple[int, ...]": "shape",
    "list[ndarray]": "array_split dsplit hsplit split vsplit",
    "tuple[ndarray, ...]": "broadcast_arrays nonzero unstack",
    "dict[str, Any]": "op_stat",
    "Any": "all amax amin any argmax argmin around atleast_1d atleast_2d atleast_3d average clip count_nonzero datetime_data dot from_dlpack "
           "frompyfunc imag inner max mean min prod promote_types ptp real round std sum take tensordot trace var vdot where",
}
RETURN = {name: kind for kind, names in RETURNS.items() for name in names.split()}


def signature(function):
    """The parameters as a stub writes them."""
    parts, last, starred = [], None, False
    for p in inspect.signature(function).parameters.values():
        if last == p.POSITIONAL_ONLY and p.kind != p.POSITIONAL_ONLY:
            parts.append("/")
        if p.kind == p.KEYWORD_ONLY and not starred:
            parts.append("*")
        starred = starred or p.kind in (p.VAR_POSITIONAL, p.KEYWORD_ONLY)
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        parts.append(f"{star}{p.name}: Any" + ("" if p.default is p.empty else " = ..."))
        last = p.kind
    return ", ".join(parts + ["/"] * (last == inspect.Parameter.POSITIONAL_ONLY))


def text():
    own, ufuncs, theirs = [], [], []
    for name in sorted(n for n in dir(minpy.numpy) if not n.startswith("_")):
        value = getattr(minpy.numpy, name)
        if name in ("ndarray", "ufunc", "scalar"):
            continue
        if isinstance(value, _minpy.ufunc) or type(value).__name__ == "FallbackUfunc":
            ufuncs.append(f"{name}: ufunc")
        elif name in TABLE or inspect.isbuiltin(value) and value is not getattr(numpy, name, None) or name in RETURN:
            own.append(f"def {name}({signature(value)}) -> {RETURN.get(name, 'ndarray')}: ...")
        elif value is getattr(numpy, name, None) and name in numpy.__all__ and not callable(value) or isinstance(value, type):
            theirs.append(f"from numpy import {name} as {name}")
    theirs = [line for line in theirs if line.split()[-1] in numpy.__all__]
    head = ['"""Types of `minpy.numpy`; written by scripts/stubs.py."""', "import builtins", "from typing import Any", ""]
    ours = [f"from minpy._minpy import {n} as {n}" for n in ("ndarray", "scalar", "ufunc")]
    ours += ["from minpy.policy import Policy", "", "policy: Policy"]
    return "\n".join(head + theirs + [""] + ours + [""] + ufuncs + [""] + own + ["def __getattr__(name: str) -> Any: ...", ""])


def main():
    if "--check" in sys.argv[1:]:
        if FILE.read_text() != text():
            sys.exit("minpy/numpy/__init__.pyi is not what this build says: run scripts/stubs.py")
    else:
        FILE.write_text(text())


if __name__ == "__main__":
    main()
