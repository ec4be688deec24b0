"""Writes the type stubs of `minpy.numpy` and its submodules: what editors and type checkers know. Types and constants are NumPy's own.
A function has the parameters that it has here, and the types that NumPy's stubs give them (scripts/numpy_stubs.py) with our arrays in
place of NumPy's. By hand is only what NumPy does not have, or says in another way than functions do.

    .venv/bin/python scripts/stubs.py            writes the files
    .venv/bin/python scripts/stubs.py --check    fails when a file is not what this build and this NumPy say
"""
import importlib
import inspect
import pathlib
import sys
import types

import numpy
from numpy_stubs import EITHER, definitions, methods, module, overloads, split, union

import minpy.numpy
from minpy import _minpy

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "minpy-py" / "python" / "minpy" / "numpy"
RELEASE = ".".join(numpy.__version__.split(".")[:2])

# Modules whose functions are wrapped, and those that are NumPy's as they are.
WRAPPED = ("linalg", "fft", "random", "emath", "lib", "lib.stride_tricks", "matlib")
PLAIN = ("char", "ctypeslib", "dtypes", "exceptions", "ma", "polynomial", "rec", "strings", "testing", "typing")

# What NumPy does not have, or has in its stubs as an object and not as a function.
RESULTS = {
    "activation": "ndarray", "empty": "ndarray", "matmul": EITHER, "onehot_encode": "ndarray", "ones": "ndarray", "op_stat": "dict[str, Any]",
    "policy": "Policy", "record_op_stat": "None", "set_policy": "None", "shape": "tuple[int, ...]", "show_op_stat": "None", "slice_axis": "ndarray",
    "softmax": "ndarray", "softmax_output": "ndarray", "zeros": "ndarray", "fix": EITHER, "vecdot": EITHER, "matrix_transpose": "ndarray", "vdot": "scalar",
    "test": "_bool", "default_rng": "Generator", "array": "ndarray", "ndenumerate": "Iterator[tuple[tuple[int, ...], Any]]", "polydiv": "tuple[ndarray, ndarray]",
}
# Parameters that NumPy's stubs do not have, or have under other types.
PARAMETERS = {
    "device": "Device | None", "out": "ndarray | None", "axis": "ShapeLike | None", "dtype": "DTypeLike | None", "policy": "str | Policy", "act_type": "str",
    "casting": "Casting", "order": "Order", "shape": "ShapeLike", "keepdims": "_bool", "like": "Any", "kwargs": "Any", "args": "Any", "axis1": "SupportsIndex",
    "begin": "SupportsIndex", "end": "SupportsIndex | None", "copy": "_bool | None", "subok": "_bool", "where": "ArrayLike",
}
# Parameters that are never arrays or numbers where they are not in NumPy's stubs.
HEAD = '''"""Types of `minpy.numpy{suffix}` over NumPy {release}; written by scripts/stubs.py."""
# mypy: disable-error-code="overload-overlap,overload-cannot-match,override,misc,name-defined,assignment,attr-defined"
import numpy
from _typeshed import StrPath
from builtins import bool as _bool
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from re import Pattern
from typing import Any, Literal, NamedTuple, SupportsIndex, overload, type_check_only

from minpy._minpy import {ours}
from minpy._types import ArrayLike, Casting, Device, Mode, Order, ScalarLike, ShapeLike, SortKind
from minpy.policy import Policy as Policy
from numpy import dtype{dtype}
from numpy.typing import DTypeLike

'''
KINDS = {inspect.Parameter.POSITIONAL_ONLY: "/", inspect.Parameter.POSITIONAL_OR_KEYWORD: "", inspect.Parameter.VAR_POSITIONAL: "*",
         inspect.Parameter.KEYWORD_ONLY: "k", inspect.Parameter.VAR_KEYWORD: "**"}

UFUNCS = '''
@type_check_only
class _Unary(ufunc):
    """One operand."""

    @overload  # type: ignore[override]
    def __call__(self, x: ScalarLike, /, out: None = None, **options: Any) -> scalar: ...
    @overload
    def __call__(self, x: ArrayLike, /, out: ndarray | tuple[ndarray | None] | None = None, **options: Any) -> ndarray: ...
    def at(self, a: ndarray, indices: Any, /) -> None: ...

@type_check_only
class _Binary(ufunc):
    """Two operands."""

    @overload  # type: ignore[override]
    def __call__(self, x1: ScalarLike, x2: ScalarLike, /, out: None = None, **options: Any) -> scalar: ...
    @overload
    def __call__(self, x1: ArrayLike, x2: ArrayLike, /, out: ndarray | tuple[ndarray | None] | None = None, **options: Any) -> ndarray: ...

@type_check_only
class _Two(ufunc):
    """Two results."""

    @overload  # type: ignore[override]
    def __call__(self, x1: ScalarLike, /, *more: ScalarLike, **options: Any) -> tuple[scalar, scalar]: ...
    @overload
    def __call__(self, x1: ArrayLike, /, *more: ArrayLike, **options: Any) -> tuple[ndarray, ndarray]: ...

@type_check_only
class _Products(ufunc):
    """Of vectors, perhaps of matrices: an array or a scalar."""

    def __call__(self, x1: ArrayLike, x2: ArrayLike, /, out: ndarray | tuple[ndarray | None] | None = None, **options: Any) -> ndarray | Any: ...  # type: ignore[override]

@type_check_only
class _Lookup:
    """Arrays by indexing."""

    def __getitem__(self, key: Any) -> ndarray: ...

@type_check_only
class _Grids:
    """Grids by indexing: one array for one slice, else one of all, or several."""

    def __getitem__(self, key: slice | tuple[slice, ...]) -> ndarray | Any: ...
'''


def parameters_of(function):
    """[(kind, name, has a default, the default)] as the run has them; None where Python does not know."""
    try:
        found = inspect.signature(function, follow_wrapped=True).parameters.values()
    except (TypeError, ValueError):
        return None
    return [(KINDS[p.kind], p.name, p.default is not p.empty, p.default) for p in found]


def written(parameters):
    """The parameters as a stub writes them: [(kind, name, annotation, has a default)]."""
    parts, last, starred = [], None, False
    for kind, name, annotation, optional in parameters:
        if last == "/" and kind != "/":
            parts.append("/")
        if kind == "k" and not starred:
            parts.append("*")
        starred = starred or kind in ("*", "k")
        parts.append(f"{kind if kind in ('*', '**') else ''}{name}: {annotation}" + (" = ..." if optional else ""))
        last = kind
    return ", ".join(parts + ["/"] * (last == "/"))


def annotation(name, rows, optional, default):
    """What all overloads together say of a parameter."""
    said = [p[2] for row, _ in rows for p in row if p[1] == name]
    if name == "out" or not said:
        text = PARAMETERS.get(name, "ArrayLike" if not rows and not optional else "Any")
    else:
        text = union(said) if "ndarray" not in said else " | ".join(dict.fromkeys(said))
    if "ArrayLike" in split(text):
        text = " | ".join(["ArrayLike"] + [p for p in split(text) if p == "None" or p not in ("ArrayLike", "ScalarLike", "SupportsIndex")])
    if optional and default is None and "None" not in split(text) and text != "Any":
        text += " | None"
    return text


def adapted(row, here):
    """An overload of NumPy's with the parameters that the function has here; None where the two do not fit."""
    names = {p[1]: p for p in row}
    mine = [name for _, name, _, _ in here]
    if any(p[1] not in mine and not p[3] and p[0] not in ("*", "**") for p in row):
        return None
    order = [p[1] for p in row if p[1] in mine and p[0] != "k"]
    if order != [n for n in mine if n in order]:
        return None
    kinds = {name: kind for kind, name, _, _ in here}
    result, keywords = [], False
    for kind, name, optional, default in here:
        if name in names:
            theirs = names[name]
            kind = theirs[0] if kind == "" and theirs[0] in ("", "k") else kind
            result.append((kind, name, theirs[2], theirs[3] or False))
        elif not optional and kind not in ("*", "**"):
            return None
        else:
            result.append((kind if keywords or kind != "" else "k", name, annotation(name, [], optional, default), optional))
        keywords = keywords or kind in ("k", "*")
    if any(kinds[p[1]] == "/" and p[0] != "/" for p in result):
        return None
    return sorted(result, key=lambda p: ["/", "", "*", "k", "**"].index(p[0]))


def function(name, value, rows, indent="", bound=False, result=None):
    """`def` of a function, in as many overloads as its results differ in."""
    here = parameters_of(value)
    me = "self" if bound else ""
    result = result or RESULTS.get(name)
    if here is not None and bound and here and here[0][1] == "self":
        here = here[1:]
    if here is None or any(kind == "*" for kind, _, _, _ in here) and rows and not any(p[0] == "*" for row, _ in rows for p in row):
        here = None
    results = list(dict.fromkeys(r for _, r in rows))
    if result is None and len(results) == 1:
        result = results[0]
    if result is not None and here is not None:
        text = written([(k, n, annotation(n, rows, o, d), o) for k, n, o, d in here])
        return [f"{indent}def {name}({', '.join(filter(None, [me, text]))}) -> {result}: ..."]
    fitted = []
    for row, of in rows:
        row = row if here is None else adapted(row, here)
        if row is not None and row not in [r for r, _ in fitted]:
            fitted.append((row, result or of))
    if not fitted or len(fitted) < len(rows) and len({r for _, r in fitted}) < len(results):
        # An overload that has no place here might have been the one that is meant.
        if here is None:
            return [f"{indent}def {name}({', '.join(filter(None, [me, '*args: Any, **kwargs: Any']))}) -> {union(results) if results else EITHER}: ..."]
        text = written([(k, n, annotation(n, rows, o, d), o) for k, n, o, d in here])
        return [f"{indent}def {name}({', '.join(filter(None, [me, text]))}) -> {union(results) if results else EITHER}: ..."]
    if len(fitted) == 1:
        return [f"{indent}def {name}({', '.join(filter(None, [me, written(fitted[0][0])]))}) -> {fitted[0][1]}: ..."]
    lines = []
    for row, of in fitted:
        lines += [f"{indent}@overload", f"{indent}def {name}({', '.join(filter(None, [me, written(row)]))}) -> {of}: ..."]
    return lines


def random_class(name, tuples, unknown):
    """`Generator` or `RandomState`: NumPy's, with results that are ours."""
    home = module("numpy.random._generator" if name == "Generator" else "numpy.random.mtrand")
    kind, found = getattr(minpy.numpy.random, name), methods(home, name)
    lines = [f"class {name}(numpy.random.{name}):"]
    for method in sorted(n for n in vars(kind) if not n.startswith("_") and n in found):
        lines += function(method, getattr(kind, method), overloads(found[method], home, tuples, unknown), "    ", True)
    return lines + [""]


def ufunc_kind(value):
    """The class of a ufunc in the stubs."""
    if value.nout == 2:
        return "_Two"
    if value.signature is not None:
        return "_Products"
    return {1: "_Unary", 2: "_Binary"}.get(value.nin, "ufunc")


def text(path):
    """The stub of `minpy.numpy` (path "") or of `minpy.numpy.<path>`, and what had no translation."""
    ours = importlib.import_module("minpy.numpy" + ("." + path if path else ""))
    theirs = importlib.import_module("numpy" + ("." + path if path else ""))
    names = [n for n in dir(ours) if not n.startswith("_")]
    tuples, unknown, functions, ufuncs, imported, classes = {}, set(), [], [], [], []
    for name in sorted(names):
        value = getattr(ours, name)
        if not path and name in ("ndarray", "scalar", "ufunc"):
            continue
        if isinstance(value, types.ModuleType):
            root = "numpy" + ("." + path if path else "")
            if value.__name__.startswith("minpy.numpy." + path):
                imported.append(f"from minpy.numpy{'.' + path if path else ''} import {name} as {name}")
            elif value.__name__.startswith("numpy"):
                imported.append(f"from {root} import {name} as {name}")
        elif isinstance(value, _minpy.ufunc):
            ufuncs.append(f"{name}: {ufunc_kind(value)}")
        elif name in ("Generator", "RandomState") and value is not getattr(theirs, name):
            classes += random_class(name, tuples, unknown)
        elif value is getattr(theirs, name, None) or isinstance(value, type) and value.__module__.startswith("numpy"):
            imported.append(f"from {theirs.__name__} import {name} as {name}")
        elif type(value).__name__ == "_Lookup":
            ufuncs.append(f"{name}: {'_Grids' if name.endswith('grid') else '_Lookup'}")
        elif name == "policy":
            ufuncs.append("policy: Policy")
        elif callable(value):
            nodes, home = definitions(f"{path}.{name}".lstrip("."))
            functions += function(name, value, overloads(nodes, home, tuples, unknown) if nodes else [])
        else:
            ufuncs.append(f"{name}: {type(value).__name__}")
    own = ["array_base as _array_base", *[f"{n} as {n}" if not path else n for n in ("ndarray", "scalar", "ufunc")]]
    head = HEAD.format(suffix="." + path if path else "", release=RELEASE, ours=", ".join(own), dtype=" as dtype" if not path else "")
    parts = [head.rstrip(), *dict.fromkeys(imported), UFUNCS if ufuncs else "", *ufuncs, "", *tuples.values(), "", *classes, *functions]
    return "\n".join(parts) + "\n", unknown


def files():
    """Every file: path -> text."""
    made = {FOLDER / "__init__.pyi": text("")[0]}
    for path in WRAPPED:
        parts = path.split(".")
        nested = any(other.startswith(path + ".") for other in WRAPPED)
        made[FOLDER.joinpath(*parts) / "__init__.pyi" if nested else FOLDER.joinpath(*parts).with_suffix(".pyi")] = text(path)[0]
    for path in PLAIN:
        made[FOLDER / f"{path}.pyi"] = f'"""`minpy.numpy.{path}` is NumPy\'s; written by scripts/stubs.py."""\nfrom numpy.{path} import *\n'
    return made


def main():
    made = files()
    if "--check" in sys.argv[1:]:
        if f"over NumPy {RELEASE};" not in (FOLDER / "__init__.pyi").read_text(encoding="utf-8"):
            print(f"the stubs were made with another NumPy than {RELEASE}: not compared")
            return
        other = [f.name for f, content in made.items() if not f.exists() or f.read_text(encoding="utf-8") != content]
        if other:
            sys.exit(f"stubs that are not what this build says: {', '.join(other)}: run scripts/stubs.py")
        return
    for file, content in made.items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
