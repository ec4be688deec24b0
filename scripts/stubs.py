"""Writes the type stubs of `minpy.numpy` and its submodules: what editors and type checkers know.

A name that is NumPy's own object is imported from NumPy. A function of ours has the parameters that it has at run time; what it
returns say, in this order, its entry in core's table, its own annotation, and NumPy's stubs as mypy reads them, with our arrays and
scalars in place of NumPy's; also where that depends on a flag or on the number of arguments.

    .venv/bin/python scripts/stubs.py            writes the files (needs mypy)
    .venv/bin/python scripts/stubs.py --check    fails when a file is not what this build says
"""
import importlib
import inspect
import pathlib
import sys
import textwrap
import types

import mypy.build
import mypy.modulefinder
import mypy.options
import mypy.types as t
import numpy

import minpy.numpy
import minpy.symbol
from minpy import _minpy

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "minpy-py" / "python" / "minpy" / "numpy"
RELEASE = ".".join(numpy.__version__.split(".")[:2])

# Modules whose functions are ours or wrapped, and those that are NumPy's as they are.
WRAPPED = ("", "fft", "lib", "lib.scimath", "lib.stride_tricks", "linalg", "random")
PLAIN = (
    "char", "ctypeslib", "dtypes", "exceptions", "lib.format", "lib.mixins", "ma", "matlib", "polynomial", "rec", "strings", "testing", "typing",
)

# What an entry of core's table gives, as an annotation; `None`: what NumPy's stubs say of scalars and arrays.
GIVES = {
    "Values": None, "Array": "ndarray", "View": "ndarray", "ReadOnly": "ndarray", "Flagged": "ndarray", "Each": "ndarray",
    "List": "list[ndarray]", "Tuple": "tuple[ndarray, ...]", "Truth": "builtins.bool", "Count": "int", "Shape": "tuple[int, ...]",
    "Part": None, "Nothing": "None",
}
# Parameters by name. Else a default that is true or false says what they are, and the others take `Any`: whatever becomes an array.
PARAMETERS = {
    "axis": "ShapeLike", "axis1": "SupportsIndex", "axis2": "SupportsIndex", "copy": "Any", "cov": "Any", "device": "Device", "dtype": "DTypeLike",
    "keepdims": "builtins.bool", "optimize": "Any", "shape": "ShapeLike", "size": "ShapeLike", "where": "Any",
}
HEAD = '''"""Types of `minpy.numpy{suffix}` over NumPy {release}; written by scripts/stubs.py."""
# mypy: disable-error-code="overload-overlap, override"
import builtins
from typing import Any, Literal, NamedTuple, SupportsIndex, overload, type_check_only

import numpy
from numpy.typing import DTypeLike

from minpy._minpy import ndarray{0}, scalar{1}, ufunc{2}
from minpy._types import Device, Either, ScalarLike, ShapeLike
from minpy.policy import Policy
'''
UFUNCS = '''
@type_check_only
class _Unary(ufunc):
    """One operand."""

    @overload
    def __call__(self, x: scalar, /, out: None = None, **options: Any) -> scalar: ...
    @overload
    def __call__(self, x: ScalarLike, /, out: None = None, **options: Any) -> Any: ...
    @overload
    def __call__(self, x: Any, /, out: Any = ..., **options: Any) -> ndarray: ...

@type_check_only
class _Binary(ufunc):
    """Two operands."""

    @overload
    def __call__(self, x1: scalar, x2: ScalarLike, /, out: None = None, **options: Any) -> scalar: ...
    @overload
    def __call__(self, x1: ScalarLike, x2: scalar, /, out: None = None, **options: Any) -> scalar: ...
    @overload
    def __call__(self, x1: ScalarLike, x2: ScalarLike, /, out: None = None, **options: Any) -> Any: ...
    @overload
    def __call__(self, x1: Any, x2: Any, /, out: Any = ..., **options: Any) -> ndarray: ...

@type_check_only
class _Two(ufunc):
    """Two results."""

    @overload
    def __call__(self, x1: ScalarLike, /, *more: ScalarLike, **options: Any) -> tuple[Any, Any]: ...
    @overload
    def __call__(self, x1: Any, /, *more: Any, **options: Any) -> tuple[ndarray, ndarray]: ...

@type_check_only
class _Product(ufunc):
    """Of vectors, perhaps of matrices."""

    def __call__(self, x1: Any, x2: Any, /, out: Any = ..., **options: Any) -> Either: ...

@type_check_only
class _Lookup:
    """Arrays by indexing."""

    def __getitem__(self, key: Any) -> Either: ...
'''

SYMBOLS = '''"""Types of `minpy.symbol`; written by scripts/stubs.py."""
from collections.abc import Iterable, Sequence
from typing import Any

from numpy.typing import DTypeLike

from minpy._minpy import Executor as Executor, Function as Function, Symbol as Symbol
from minpy._types import ShapeLike

def Variable(name: str, shape: ShapeLike | None = ..., dtype: DTypeLike | None = ...) -> Symbol: ...
def Group(symbols: Iterable[Symbol]) -> Symbol: ...
def load(fname: str) -> Symbol: ...
def save(fname: str, symbol: Symbol) -> None: ...
def load_json(text: str) -> Symbol: ...
def seed(seed: int) -> None: ...
var = Variable
loads = load_json
'''


class Overload:
    """One overload of NumPy's: what it returns, and the values that it is for, by parameter."""

    def __init__(self, function, result, rest):
        self.result, self.rest, self.arrays = result, rest, "_array_like" in str(function)
        arguments = zip(function.arg_names, function.arg_kinds, function.arg_types, strict=True)
        arguments = [(n, k, t.get_proper_type(a)) for n, k, a in arguments if n != "self"]
        self.empty = not arguments
        # By number too: names before `/` are not told.
        self.required = {n for i, (name, kind, _) in enumerate(arguments) if kind.is_required() for n in (i, name)}
        self.values, self.optional = {}, set()
        for i, (name, _, kind) in enumerate(arguments):
            kinds = [t.get_proper_type(k) for k in t.flatten_nested_unions([kind])]
            if any(isinstance(k, t.NoneType) for k in kinds):
                self.optional.add(name)
            if all(isinstance(k, (t.LiteralType, t.NoneType)) for k in kinds):
                self.values[name or i] = {k.value if isinstance(k, t.LiteralType) else None for k in kinds}

    def is_for(self, parameters):
        """Whether a call that gives nothing but what must be given can be meant."""
        optional = [(i, p) for i, p in enumerate(parameters) if p.default is not p.empty]
        return not any(self.excludes(i, p) or p.name in self.required or (p.kind is not p.KEYWORD_ONLY and i in self.required) for i, p in optional)

    def excludes(self, i, p):
        """Whether it is not for the default of a parameter, the one of that number."""
        values = self.values.get(p.name, self.values.get(i))
        return values is not None and p.default not in values


class NumPyStubs:
    """What NumPy's functions return, as our stubs say it."""

    def __init__(self, modules):
        options = mypy.options.Options()
        options.python_executable, options.python_version = sys.executable, sys.version_info[:2]
        options.cache_dir = str(FOLDER.parents[3] / "target" / "mypy")
        imports = "\n".join(f"import {m}" for m in modules)
        self._files = mypy.build.build([mypy.modulefinder.BuildSource(None, "names", imports)], options).files
        self.tuples, self.classes = {}, set()

    def has(self, module, name):
        """Whether NumPy's stubs have the name."""
        names = self._files[module].names
        return name in names and names[name].module_public

    def overloads(self, module, name, owner=None):
        """Each overload of a function (of a class)."""
        names = self._files[module].names
        if owner is not None:
            names = names[owner].node.names
        node = names[name].node if name in names else None
        found = t.get_proper_type(getattr(node, "type", None))
        if isinstance(found, t.Instance) and "__call__" in found.type.names:  # a function by its protocol
            found = t.get_proper_type(found.type.names["__call__"].type)
        overloads = found.items if isinstance(found, t.Overloaded) else [found]

        def rest(o):
            star = o.var_arg()
            return self._word(star.typ) if star else None
        return [Overload(o, self._word(o.ret_type), rest(o)) for o in overloads if isinstance(o, t.CallableType)]

    def _word(self, kind):
        kind = t.get_proper_type(kind)
        if isinstance(kind, t.TypeVarType):
            return self._word(t.UnionType.make_union(kind.values) if kind.values else kind.upper_bound)
        if isinstance(kind, t.UnionType):
            return union([self._word(k) for k in kind.items])
        if isinstance(kind, t.TupleType):
            named = kind.partial_fallback.type
            if named.is_named_tuple:
                pairs = zip(named.metadata["namedtuple"]["fields"], kind.items, strict=True)
                fields = "".join(f"    {n}: {union([self._word(k)])}\n" for n, k in pairs)
                self.tuples[named.name] = f"@type_check_only\nclass {named.name}(NamedTuple):\n{fields}"
                return named.name
            return f"tuple[{', '.join(map(self._word, kind.items)) or '()'}]"
        if isinstance(kind, t.TypeType):
            return "type[Any]"
        if isinstance(kind, (t.NoneType, t.LiteralType)):
            return "None" if isinstance(kind, t.NoneType) else self._word(kind.fallback)
        if not isinstance(kind, t.Instance):
            return "Never" if isinstance(kind, t.UninhabitedType) else "Any"
        name = kind.type.fullname
        if kind.type.has_base("numpy.ndarray"):
            return "ndarray"
        if kind.type.has_base("numpy.generic"):
            return "scalar"
        if name in ("builtins.int", "builtins.float", "builtins.complex", "builtins.str", "builtins.bytes"):
            return kind.type.name
        if name == "builtins.bool":
            return "builtins.bool"
        if name in ("builtins.tuple", "builtins.list", "builtins.dict"):
            end = ", ..." if kind.type.name == "tuple" else ""
            return f"{kind.type.name}[{', '.join(map(self._word, kind.args))}{end}]"
        if name == "numpy.dtype":
            return "numpy.dtype[Any]"
        return kind.type.name if kind.type.name in self.classes else "Any"


# name -> what its entry in core's table gives, and the words that belong to that
TABLE = {n: (entry["gives"], entry["words"]) for entry in _minpy._table() for n in (entry["name"], *entry["aliases"])}


def union(words):
    """The words as one annotation. What may be an array or something without dimensions is `Either`."""
    words = list(dict.fromkeys(w for word in words if word != "Never" for w in word.split(" | ")))
    if len(words) > 1 and all(w.startswith("tuple[") for w in words):
        if "tuple[int]" in words and all(set(w[6:-1].split(", ")) <= {"int", "Any", "...", "()"} for w in words):
            return "tuple[int, ...]"
        return "tuple[ndarray, ...]" if not any("Any" in w for w in words) else "tuple[Any, ...]"
    if {"Any", "Either"} & set(words) or ("ndarray" in words and {"scalar", "int", "float", "builtins.bool"} & set(words)):
        return "Either"
    return " | ".join(words)


def signature(function):
    """The parameters as the run has them; any where not even Python knows."""
    try:
        return list(inspect.signature(function).parameters.values())
    except ValueError:
        return [inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL), inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)]


def annotation(p, among, optional):
    """The annotation of a parameter, by its name and default; `optional`: those that NumPy takes None for."""
    if p.name in PARAMETERS and not (p.name == "shape" and "size" in among):  # the shape of a distribution
        word = PARAMETERS[p.name]
        return word + (" | None" if word != "Any" and (p.default is None or p.name in optional) else "")
    return "builtins.bool" if isinstance(p.default, bool) else "Any"


def written(parameters, optional=(), **fixed):
    """The parameters as a stub writes them; `fixed` gives the annotations of some."""
    parts, last, starred, names = [], None, False, {p.name for p in parameters}
    for p in parameters:
        if last == p.POSITIONAL_ONLY != p.kind:
            parts.append("/")
        if p.kind == p.KEYWORD_ONLY and not starred:
            parts.append("*")
        starred = starred or p.kind in (p.VAR_POSITIONAL, p.KEYWORD_ONLY)
        star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        default = " = ..." if p.default is not p.empty else ""
        parts.append(p.name if p.name == "self" else f"{star}{p.name}: {fixed.get(p.name) or annotation(p, names, optional)}{default}")
        last = p.kind
    return ", ".join(parts + ["/"] * (last == inspect.Parameter.POSITIONAL_ONLY))


def by_flags(parameters, overloads, named):
    """The annotations of the flags that decide whether a function returns an array or a tuple (`named`: those with names), and what it
    returns with their defaults and otherwise; None where they do not decide."""
    parameters = [p for p in parameters if p.name != "self"]
    groups = {True: [], False: []}
    for o in overloads:
        groups[o.result.startswith("tuple[") or o.result in named].append(o)
    usual = {group for group in groups if any(o.is_for(parameters) for o in groups[group])}
    if not all(groups.values()) or len(usual) != 1:
        return None
    first, others = groups[usual.pop()], []
    others = next(g for g in groups.values() if g is not first)
    asked = {p.name: p.default for i, p in enumerate(parameters)
             if isinstance(p.default, (bool, str)) and any(o.excludes(i, p) for o in others) and not any(o.excludes(i, p) for o in first)}
    asked = asked or {p.name: None for i, p in enumerate(parameters) if p.default is None and all({i, p.name} & o.required for o in others)}
    flags = {name: "None" if default is None else f"Literal[{default!r}]" for name, default in asked.items()}
    return flags, union(o.result for o in first), union(o.result for o in others)


def function(name, value, overloads, path, named=(), theirs=True):
    """The lines of a function: `overloads` are NumPy's; `theirs`: NumPy has it."""
    key, parameters = f"{path}.{name}".lstrip("."), signature(value)
    gives, words = TABLE.get(key, (None, ()))
    names, found = {p.name: p for p in parameters}, [o.result for o in overloads]
    optional = set().union(*(o.optional for o in overloads))  # those that NumPy takes None for
    annotations = getattr(value, "__annotations__", {})
    declared = str(annotations["return"]) if "return" in annotations and value.__module__.startswith("minpy") else None
    result = GIVES.get(gives) or declared or union(found) or ("Any" if theirs else "ndarray")
    if set(found) == {"Any"} and not any(o.arrays for o in overloads):
        result = "Any"  # not of arrays, and so perhaps no array

    def row(result, **fixed):
        return f"({written(parameters, optional, **fixed)}) -> {result}"

    flags = None if declared else by_flags(parameters, overloads, named)
    star = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    alone, some = (union(o.result for o in overloads if star and o.empty is empty) for empty in (True, False))
    if gives == "Each":
        rows = [f"({written(several(parameters, 1))}) -> ndarray", f"({written(several(parameters, 2, more=True))}) -> tuple[ndarray, ...]"]
    elif gives == "Flagged":
        rows = [row(result, **{words[0]: f"Literal[{names[words[0]].default!r}]"}), row("tuple[ndarray, Any]")]
    elif alone and some and alone != some and {alone[:5], some[:5]} != {"tuple"}:
        count = next(p.name for p in parameters if p.kind is p.VAR_POSITIONAL)
        kind = "SupportsIndex" if any(o.rest == "int" for o in overloads) else "Any"
        more = written(several(parameters, 1, more=True), **{count: kind, f"{count}_0": kind})
        rows = [f"({written(several(parameters, 0))}) -> {alone}", f"({more}) -> {some}"]
    elif gives in (None, "Values", "Array") and flags:
        rows = [row(flags[1], **flags[0]), row(flags[2])]
    elif result == "Either" and {"axis", "keepdims"} <= set(names) and names["axis"].default is None and not {"q", "x2"} & set(names):
        rows = [row("scalar", axis="None", keepdims="Literal[False]", out="None"), row(result)]
    elif result == "Either" and "size" in names:
        # Without a size the parameters decide; where there are none it is a number.
        alone = union(f for f in found if f != "ndarray") if set(names) <= {"self", "size", "dtype", "out"} else result
        rows = [row(alone, size="None", out="None"), row("ndarray")]
    else:
        rows = [row(result)]
    return [line for text in rows for line in ["@overload"] * (len(rows) > 1) + [f"def {name}{text}: ..."]]


def several(parameters, count, more=False):
    """The parameters with `*args` as so many of them, and perhaps more."""
    made = []
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            made += [p.replace(name=f"{p.name}_{i}", kind=p.POSITIONAL_ONLY) for i in range(count)] + [p] * more
        else:
            made.append(p.replace(kind=p.POSITIONAL_ONLY) if p.name == "self" and count else p)
    return made


def random_class(name, stubs):
    """`Generator` or `RandomState`: NumPy's, with results that are ours."""
    kind, home = getattr(minpy.numpy.random, name), getattr(numpy.random, name).__module__
    lines = [f"class {name}(numpy.random.{name}):"]
    for method in sorted(n for n in vars(kind) if not n.startswith("_")):
        lines += ["    " + line for line in function(method, getattr(kind, method), stubs.overloads(home, method, name), "random." + name)]
    return [*lines, ""]


def text(path, stubs):
    """The stub of `minpy.numpy.<path>`."""
    end = "." + path if path else ""
    ours, theirs = importlib.import_module("minpy.numpy" + end), importlib.import_module("numpy" + end)
    imported, values, classes, functions = [], [], [], []
    stubs.tuples = {}
    stubs.classes = {n for n, v in vars(ours).items() if isinstance(v, type) and v is not getattr(theirs, n, v)}
    for name in sorted(n for n in dir(ours) if not n.startswith("_")):
        value = getattr(ours, name)
        if not path and name in ("ndarray", "scalar", "ufunc"):  # the head has them
            continue
        if isinstance(value, types.ModuleType) and value.__name__.removeprefix("minpy.").removeprefix("numpy.") in (*WRAPPED, *PLAIN):
            home, _, there = value.__name__.removeprefix("minpy.").rpartition(".")
            imported.append(f"from minpy.{home} import {there} as {name}")
        elif isinstance(value, types.ModuleType) or value is getattr(theirs, name, None):
            imported.append(f"from numpy{end} import {name} as {name}" if stubs.has("numpy" + end, name) else f"{name}: Any")
        elif isinstance(value, _minpy.ufunc):
            kind = "_Two" if value.nout == 2 else "_Product" if value.signature else {1: "_Unary", 2: "_Binary"}.get(value.nin, "ufunc")
            values.append(f"{name}: {kind}")
        elif type(value).__name__ == "_Lookup":
            values.append(f"{name}: _Lookup")
        elif name in ("Generator", "RandomState"):
            classes += random_class(name, stubs)
        elif isinstance(value, type):
            classes.append(f"class {name}(numpy.{name}[Any]): ...")
        elif not callable(value):
            values.append(f"{name}: {type(value).__name__}")
        else:
            functions += function(name, value, stubs.overloads("numpy" + end, name), path, stubs.tuples, hasattr(theirs, name))
    exported = [f" as {n}" if not path else "" for n in ("ndarray", "scalar", "ufunc")]
    head = HEAD.format(*exported, suffix=end, release=RELEASE)
    values += ["__version__: str"] if not path else []
    if hasattr(ours, "__all__"):  # which also exports names like `emath` that are imported under another
        exports = ", ".join(f'"{n}"' for n in sorted(ours.__all__) if not n.startswith("_"))
        values += ["__all__ = [", textwrap.indent(textwrap.fill(exports, 140), "    "), "]"]
    kinds = UFUNCS if any(": _" in v for v in values) else ""
    return "\n".join([head, *imported, kinds, *values, "", *stubs.tuples.values(), *classes, *functions]) + "\n"


def symbols():
    """The stub of `minpy.symbol`: a function per operator of the table, its attributes by name."""
    made = {}
    for op, aliases, _, attributes in _minpy.Symbol._operators():
        parameters = ["*args: Symbol | Sequence[Symbol]", "name: str | None = ...", *(f"{a}: Any = ..." for a in attributes), "**inputs: Symbol"]
        for name in (op, *aliases):
            if name in minpy.symbol.__all__ and name not in vars(minpy.symbol)["_WRITTEN"]:
                made.setdefault(name, f"def {name}({', '.join(parameters)}) -> Symbol: ...")  # the first one of a name has it
    return "\n".join([SYMBOLS, *(made[name] for name in sorted(made))]) + "\n"


def files():
    """Every file: path -> text."""
    stubs = NumPyStubs(["numpy." + m if m else "numpy" for m in WRAPPED])
    made = {}
    for path in WRAPPED:
        package = any(other.startswith(path + "." if path else path) for other in WRAPPED if other != path)
        file = FOLDER.joinpath(*path.split("."))
        made[file / "__init__.pyi" if package else file.with_suffix(".pyi")] = text(path, stubs)
    for path in PLAIN:
        head = f'"""`minpy.numpy.{path}` is NumPy\'s; written by scripts/stubs.py."""'
        made[FOLDER.joinpath(*path.split(".")).with_suffix(".pyi")] = f"{head}\nfrom numpy.{path} import *\n"
    made[FOLDER.parent / "symbol.pyi"] = symbols()
    return made


def main():
    made = files()
    if "--check" not in sys.argv[1:]:
        for file, content in made.items():
            file.parent.mkdir(exist_ok=True)
            file.write_text(content, encoding="utf-8")
        return
    if f"over NumPy {RELEASE};" not in (FOLDER / "__init__.pyi").read_text(encoding="utf-8"):
        print(f"the stubs were made with another NumPy than {RELEASE}: not compared")
        return
    other = [f.name for f, content in made.items() if not f.exists() or f.read_text(encoding="utf-8") != content]
    if other:
        sys.exit(f"stubs that are not what this build says: {', '.join(other)}: run scripts/stubs.py")


if __name__ == "__main__":
    main()
