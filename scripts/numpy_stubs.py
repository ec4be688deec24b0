"""Reads NumPy's own stubs and says the same of our functions: the overloads of a function with our arrays in place of NumPy's.

Dtypes and shapes are left out, since our arrays do not carry them in their type: what is then equal is one overload. Where NumPy's
result is an array or a number depending on what only the run knows, the result is `ndarray | Any`. Used by scripts/stubs.py.
"""
import ast
import functools
import pathlib
import re

import numpy

ROOT = pathlib.Path(numpy.__file__).parent
# What is either an array or a scalar, as the number of dimensions has it: editors know the methods, checkers take both.
EITHER = "ndarray | Any"
# Whose `Any` is no array.
OTHERS = {"load", "fromfunction", "common_type", "from_dlpack", "frompyfunc"}
BUILTIN = {"int", "float", "complex", "str", "bytes"}
WORDS = {
    "_OrderKACF": "Order", "_OrderACF": "Order", "_OrderCF": "Order", "_OrderKACF | None": "Order", "_ModeKind": "Mode", "_Mode": "Mode",
    "_CastingKind": "Casting", "_CastingUnsafe": "Casting", "_CastingSame": "Casting", "_SortKind": "SortKind", "_SortSide": "Literal['left', 'right']",
    "SupportsInt": "ScalarLike", "SupportsAbs": "ScalarLike", "SupportsFloat": "ScalarLike", "ConvertibleToInt": "SupportsIndex",
    "StrOrBytesPath": "str | PathLike[str]", "memoryview": "ArrayLike", "_SupportsBuffer": "ArrayLike", "SupportsLenAndGetItem": "Sequence[Any]",
    "Sequence": "Sequence[Any]", "Collection": "Sequence[Any]", "Container": "Sequence[Any]", "_SizedIterable": "Sequence[Any]",
    "_TrimZerosSequence": "ArrayLike", "_HasReal": "ArrayLike", "_HasImag": "ArrayLike", "_SupportsShape": "ArrayLike", "_HasShapeAndNDim": "ArrayLike",
    "Pattern": "Pattern[str]", "Generator": "numpy.random.Generator", "SeedSequence": "numpy.random.SeedSequence",
    "BitGenerator": "numpy.random.BitGenerator", "RandomState": "numpy.random.RandomState",
    "_ShapeLike": "ShapeLike", "_AnyShape": "ShapeLike", "_ShapeLike1D": "ShapeLike", "SupportsIndex": "SupportsIndex", "_SizeLike": "ShapeLike",
    "_AxisLike": "ShapeLike", "_ArrayLikeInt": "ArrayLike", "StrPath": "str", "PathLike": "PathLike[str]", "_Device": "Device", "_MeshgridIdx": "Literal['ij', 'xy']",
}


class Unknown(Exception):
    """An annotation that has no translation."""


class Module:
    """The names of one stub file."""

    def __init__(self, path):
        self.imports, self.values, self.functions, self.classes = {}, {}, {}, {}
        tree = ast.parse(path.read_text(encoding="utf-8"))
        self.package = ".".join(("numpy",) + path.relative_to(ROOT).parent.parts)
        self._read(tree.body)

    def _read(self, body):
        for node in body:
            if isinstance(node, ast.ImportFrom):
                base = self.package.split(".")[:len(self.package.split(".")) - node.level + 1] if node.level else []
                source = ".".join(base + ([node.module] if node.module else []))
                for a in node.names:
                    self.imports[a.asname or a.name] = (source, a.name)
            elif isinstance(node, ast.FunctionDef):
                self.functions.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.ClassDef):
                self.classes[node.name] = node
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                self.values[node.target.id] = node.value if ast.unparse(node.annotation) == "TypeAlias" else node.annotation
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.values[node.targets[0].id] = node.value
            elif isinstance(node, ast.If):  # of versions and platforms, the newer
                self._read(node.body)


@functools.lru_cache(maxsize=None)
def module(name):
    """The stub of `numpy.x.y`, or None."""
    path = ROOT.joinpath(*name.split(".")[1:])
    for file in (path.with_suffix(".pyi"), path / "__init__.pyi", path.with_suffix(".py")):
        if name.startswith("numpy") and file.is_file():
            return Module(file)
    return None


def where(home, name):
    """The module and name that an imported name has at home."""
    seen = set()
    while home is not None and name in home.imports and (home.package, name) not in seen:
        seen.add((home.package, name))
        source, name = home.imports[name]
        home = module(source)
    return home, name


def definitions(path):
    """The overloads of `numpy.<path>`, and the module they are in; none when NumPy's stubs have no function of that name."""
    parent, _, name = ("numpy." + path).rpartition(".")
    home, name = where(module(parent), name)
    if home is None:
        return [], None
    value = home.values.get(name)
    if name not in home.functions and isinstance(value, ast.Attribute):  # `normal = _rand.normal`
        owner = home.values.get(ast.unparse(value.value))
        return methods(home, ast.unparse(owner)).get(value.attr, []), home
    if name not in home.functions and isinstance(value, ast.Name):
        return definitions(f"{parent[len('numpy.'):]}.{value.id}".lstrip("."))
    return home.functions.get(name, []), home


def methods(home, name):
    """The overloads of each method of a class, without `self`."""
    found = {}
    for node in home.classes[name].body if name in home.classes else []:
        if isinstance(node, ast.FunctionDef):
            arguments = node.args.posonlyargs or node.args.args
            if arguments and arguments[0].arg in ("self", "cls"):
                del arguments[0]
            found.setdefault(node.name, []).append(node)
    return found


def split(text):
    """The members of a union."""
    parts, depth = [""], 0
    for c in text:
        depth += (c == "[") - (c == "]")
        if c == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return [p.strip() for p in parts]


def union(parts):
    """The parts as one annotation, each once. An array or a scalar is `EITHER`."""
    parts = list(dict.fromkeys(p for part in parts for p in split(part)))
    if {"ndarray", "scalar"} <= set(parts) or "ndarray" in parts and "Any" in parts:
        parts = [p for p in parts if p not in ("ndarray", "scalar", "Any")] + EITHER.split(" | ")
    elif "Any" in parts:
        return "scalar | Any" if "scalar" in parts else "Any"
    return " | ".join(p for p in parts if p != "None" or len(parts) == 1) + (" | None" if "None" in parts and len(parts) > 1 else "")


class Translator:
    """Annotations of one module of NumPy's. `tuples` collects the named tuples that were met: name -> text of a class."""

    def __init__(self, home, tuples, arrays=True):
        self.home, self.tuples, self.arrays, self.depth = home, tuples, arrays, 0

    def _generic(self, name):
        kind = getattr(numpy, name, None)
        return isinstance(kind, type) and issubclass(kind, numpy.generic)

    def _of_variable(self, call, result):
        """A type variable, by what it is bound to."""
        bounds = [k.value for k in call.keywords if k.arg == "bound"] + call.args[1:]
        text = " ".join(map(ast.unparse, bounds)) or ast.unparse(call.args[0])
        if re.search(r"ndarray|NDArray|Array", text):
            return "ndarray" if result else "ArrayLike"
        if re.search(r"generic|number|inexact|integer|floating|timedelta|bool|Scalar|SCT|object_|void|character|flexible", text):
            return "scalar" if result else "ScalarLike"
        return "Any"

    def _named(self, name, result):
        """A name without parameters."""
        if name in ("np.bool", "np.bool_", "numpy.bool"):
            return "scalar" if result else "ScalarLike"
        if name in ("bool", "builtins.bool", "py_bool", "TypeGuard", "TypeIs"):
            return "_bool"
        name = name.removeprefix("np.").removeprefix("numpy.").removeprefix("builtins.")
        if re.match(r"_\w+Codes$", name):
            return "DTypeLike"
        if result and name in ("_AnyShape", "_Shape"):
            return "tuple[int, ...]"
        if name in BUILTIN or name == "None":
            return name if result or name in ("str", "bytes", "None") else "SupportsIndex" if name == "int" else "ScalarLike"
        if name in ("Any", "object", "Incomplete"):
            return EITHER if result and self.arrays else "Any"
        if name in WORDS and not result:
            return WORDS[name]
        if name in ("Never", "NoReturn"):
            raise Unknown(name)
        if self._generic(name) or name == "bool_":
            return "scalar" if result else "ScalarLike"
        if re.match(r"_?(ArrayLike|NestedSequence|_?NestedSequence|SupportsArray|DualArrayLike|SeqND|ListSeqND|Seq\dD|List\dD|ArrayLike)", name):
            return "ArrayLike"
        if re.match(r"_?\w*Like(_co|_\w+)?$", name) and not re.search("DType|Array|Shape", name):
            return "scalar" if result else "ScalarLike"
        if re.match(r"_?DType", name) or name in ("dtype", "type"):
            return "dtype[Any]" if result else "DTypeLike"
        if name in ("ndarray", "NDArray"):
            return "ndarray" if result else "ArrayLike"
        found = self._alias(name, result)
        if found is not None:
            return found
        if re.search(r"Array|[0-9n]D", name):
            return "ndarray" if result else "ArrayLike"
        if isinstance(getattr(numpy, name, None), type):
            return f"numpy.{name}"
        raise Unknown(name)

    def _alias(self, name, result):
        """A type variable, an alias or a named tuple of NumPy's stubs."""
        home, name = where(self.home, name)
        if home is None:
            return None
        value = home.values.get(name)
        if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("TypeVar"):
            return self._of_variable(value, result)
        if name in home.classes:
            if any("NamedTuple" in ast.unparse(b) for b in home.classes[name].bases):
                there = Translator(home, self.tuples, self.arrays)
                fields = [f"    {n.target.id}: {there.read(n.annotation, True)}" for n in home.classes[name].body if isinstance(n, ast.AnnAssign)]
                self.tuples[name] = "\n".join(["@type_check_only", f"class {name}(NamedTuple):", *fields])
                return name
            return None
        if isinstance(value, ast.expr) and self.depth < 8 and not isinstance(value, ast.Call):
            there = Translator(home, self.tuples, self.arrays)
            there.depth = self.depth + 1
            return there.read(value, result)
        return None

    def read(self, node, result):
        """The annotation, of a result or of a parameter."""
        if node is None:
            return "Any"
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                return self.read(ast.parse(node.value, mode="eval").body, result)
            return "..." if node.value is ... else str(node.value)
        if isinstance(node, ast.BinOp):
            parts = [node.right]
            left = node.left
            while isinstance(left, ast.BinOp):
                parts.insert(0, left.right)
                left = left.left
            parts = [p for p in [left, *parts] if "NoValue" not in ast.unparse(p)]
            return union([self.read(p, result) for p in parts]) if parts else "Any"
        if isinstance(node, ast.Subscript):
            base = ast.unparse(node.value).removeprefix("np.").removeprefix("numpy.")
            items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            if base in ("L", "Literal"):
                if result:
                    return "_bool" if all(isinstance(i.value, bool) for i in items) else "str" if all(isinstance(i.value, str) for i in items) else "int"
                return f"Literal[{', '.join(map(ast.unparse, items))}]"
            if base in ("tuple", "list", "dict", "Sequence", "Iterable", "Iterator", "Generator", "Mapping"):
                if not result and base in ("tuple", "list"):  # any sequence will do for a list of arrays
                    inner = union([p for p in (self.read(i, result) for i in items) if p != "..."])
                    return "ArrayLike" if inner in ("ArrayLike", "ScalarLike") else f"Sequence[{inner}]"
                return f"{base}[{', '.join(self.read(i, result) for i in items) or '()'}]"
            if base == "type":
                return "type[Any]" if result else "DTypeLike"
            if base in ("TypeGuard", "TypeIs"):
                return "_bool"
            if base in ("Callable", "Concatenate"):
                return "Callable[..., Any]"
            if base == "_NestedSequence":
                return "ArrayLike"
            return self._named(base, result)
        if isinstance(node, ast.Name):
            return self._named(node.id, result)
        if isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            return "Any" if text.endswith((".args", ".kwargs")) else self._named(text, result)
        raise Unknown(ast.unparse(node))


def _parameters(translator, node, unknown):
    """[(kind, name, annotation, has a default)]"""
    a, found = node.args, []
    positional = a.posonlyargs + a.args
    first = len(positional) - len(a.defaults)

    def annotation(p):
        if p.arg == "out":
            text = ast.unparse(p.annotation) if p.annotation else ""
            return "None" if text == "None" else "ndarray | None" if "None" in text else "ndarray"
        try:
            return "None" if p.annotation is None else translator.read(p.annotation, False)
        except Unknown as e:
            unknown.add(str(e))
            return "Any"
    for i, p in enumerate(positional):
        found.append(("/" if i < len(a.posonlyargs) else "", p.arg, annotation(p), i >= first))
    if a.vararg:
        found.append(("*", a.vararg.arg, annotation(a.vararg), False))
    for p, default in zip(a.kwonlyargs, a.kw_defaults):
        found.append(("k", p.arg, annotation(p), default is not None))
    if a.kwarg:
        found.append(("**", a.kwarg.arg, annotation(a.kwarg), False))
    return found


def overloads(nodes, home, tuples, unknown):
    """[(parameters, result)], the different ones, those for numbers first."""
    translator, found = Translator(home, tuples, nodes[0].name not in OTHERS), {}
    for node in nodes:
        if any("deprecated" in ast.unparse(d) for d in node.decorator_list) and len(nodes) > 1:
            continue
        try:
            result = translator.read(node.returns, True)
        except Unknown as e:
            if str(e) in ("Never", "NoReturn"):
                continue
            unknown.add(str(e))
            result = "Any"
        parameters = tuple(_parameters(translator, node, unknown))
        # What an optional parameter says is of no use when it takes whatever another overload takes.
        found.setdefault(parameters, []).append(result)
    rows = [(list(p), union(r)) for p, r in found.items()]
    return sorted(rows, key=lambda row: -sum(p[2] == "ScalarLike" for p in row[0]))
