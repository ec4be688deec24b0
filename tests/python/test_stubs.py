"""The stubs: every public name, the types that are, the mistakes that a checker finds."""
import ast
import importlib
import os
import pathlib
import runpy
import subprocess
import sys
import types
import typing

import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy import _minpy

FOLDER = pathlib.Path(minpy.__file__).parent
ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).parent
# Of the widest floats each platform has two.
WIDE = {"float96", "float128", "complex192", "complex256"}
MODULES = ["numpy", "numpy.fft", "numpy.lib", "numpy.lib.scimath", "numpy.lib.stride_tricks", "numpy.linalg", "numpy.random", "symbol"]


def stub(name):
    """The path of a module's stub."""
    path = FOLDER.joinpath(*name.split("."))
    return path / "__init__.pyi" if path.is_dir() else path.with_suffix(".pyi")


def declared(body):
    """The public names of a stub, or of a class in it."""
    names = set()
    for node in body:
        if isinstance(node, ast.ImportFrom):
            names |= {a.asname for a in node.names if a.asname}
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            hidden = isinstance(node, ast.ClassDef) and "type_check_only" in {ast.unparse(d) for d in node.decorator_list}
            names |= set() if hidden else {node.name}
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
        elif isinstance(node, ast.Assign):
            names.add(node.targets[0].id)
    return {n for n in names if not n.startswith("_")}


@pytest.mark.parametrize("name", MODULES)
def test_stubs_have_the_names_of_the_run(name):
    module = importlib.import_module("minpy." + name)
    public = {n for n in (module.__all__ if name == "symbol" else dir(module)) if not n.startswith("_")}
    text = stub(name).read_text(encoding="utf-8")
    names = declared(ast.parse(text).body)
    assert "def __getattr__" not in text
    release = ".".join(numpy.__version__.split(".")[:2])
    if name.startswith("numpy") and f"over NumPy {release};" not in text:  # only what does not hang on NumPy's release
        theirs = set(dir(importlib.import_module(name)))
        public, names = public - theirs, names - theirs
    assert names - WIDE == public - WIDE


@pytest.mark.parametrize("kind", ["ndarray", "scalar", "ufunc", "Symbol", "Executor", "Function", "_Devices", "_Counters"])
def test_stubs_have_the_members_of_the_run(kind):
    body = ast.parse(stub("_minpy").read_text(encoding="utf-8")).body
    classes = {c.name: c for c in body if isinstance(c, ast.ClassDef)}
    functions = {f.name: f for f in body if isinstance(f, ast.FunctionDef) and f.name != "__getattr__"}
    names = declared(classes[kind].body) | (declared(classes["array_base"].body) if kind in ("ndarray", "scalar") else set())
    assert names == {n for n in dir(getattr(_minpy, kind)) if not n.startswith("_")}
    assert not [n for n in classes | functions if not hasattr(_minpy, n)]


@pytest.mark.filterwarnings("ignore:Importing from numpy.matlib")
def test_each_stub_has_its_module():
    for file in FOLDER.glob("numpy/**/*.pyi"):
        path = file.relative_to(FOLDER).with_suffix("")
        importlib.import_module(".".join(["minpy", *(path.parent if path.name == "__init__" else path).parts]))
    assert (FOLDER / "py.typed").exists()


PLAIN = ["", "array", "array_variants", "context", "core", "policy", "primitive", "profiling", "utils.gradient_checker"]
PLAIN += ["autograd." + name for name in "core differential_operators extend misc.fixed_points misc.flatten misc.optimizers misc.tracers numpy.numpy_vjps numpy.numpy_wrapper test_util tracer util wrap_util".split()]
PLAIN += ["scipy." + name for name in "integrate linalg signal special".split()]


def unannotated(body, inside=""):
    """Public functions that do not say all of what they take and give; those with overloads say it there."""
    overloaded = set()
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from unannotated(node.body, f"{node.name}.")
        if not isinstance(node, ast.FunctionDef) or node.name in overloaded:
            continue
        if "overload" in {ast.unparse(d) for d in node.decorator_list}:
            overloaded.add(node.name)
        hidden = node.name.startswith("_") and not (inside and node.name.endswith("__"))
        a = node.args
        taken = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))][bool(inside):]
        if not hidden and not (node.returns and all(p.annotation for p in taken)):
            yield inside + node.name


@pytest.mark.parametrize("name", PLAIN)
def test_modules_without_stubs_are_annotated(name):
    path = FOLDER.joinpath(*name.split("."))
    file = path.with_suffix(".py") if name else FOLDER / "__init__.py"
    assert not file.with_suffix(".pyi").exists()
    assert not list(unannotated(ast.parse(file.read_text(encoding="utf-8")).body))


def mypy(*arguments):
    """What mypy says, and its exit status."""
    try:
        import mypy  # noqa: F401
    except ImportError:
        if os.environ.get("MINPY_REQUIRE_LIBRARIES") == "1":
            pytest.fail("mypy is missing, and MINPY_REQUIRE_LIBRARIES=1")
        pytest.skip("no mypy")
    command = [sys.executable, "-m", "mypy", "--config-file=", f"--cache-dir={ROOT / 'target' / 'mypy'}", *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=HERE)
    return run.stdout + run.stderr, run.returncode


def test_types_and_mistakes():
    """A type that is another, a mistake that is not found and an error that nobody expects are all reported."""
    said, status = mypy("--strict", HERE / "stubs_right.py", HERE / "stubs_wrong.py")
    assert status == 0, said


def test_examples_have_no_mistakes():
    said, status = mypy("--ignore-missing-imports", "--disable-error-code=import-untyped", *sorted(ROOT.glob("examples/python/*.py")))
    assert status == 0, said


def test_stubs_are_right_in_themselves():
    said, _ = mypy("--strict", "-p", "minpy")
    assert ".py" in said and not [line for line in said.splitlines() if ".pyi:" in line], said


def holds(value, kind):
    """Whether a value has the type that the stubs say."""
    if kind is typing.Any or kind is None:
        return kind is typing.Any or value is None
    if isinstance(kind, types.UnionType):
        return any(holds(value, k) for k in kind.__args__)
    origin, arguments = typing.get_origin(kind) or kind, typing.get_args(kind)
    if origin is tuple and arguments[-1:] != (...,):
        return type(value) is tuple and len(value) == len(arguments) and all(map(holds, value, arguments))
    if origin in (tuple, list):
        return type(value) is origin and all(holds(v, arguments[0]) for v in value)
    if origin is np.scalar and isinstance(value, numpy.generic):
        return True  # as far as it is computed, it is NumPy's
    # By the exact type: to `isinstance` NumPy's arrays are ours.
    return type(value) is origin if origin in (np.ndarray, np.scalar, numpy.ndarray) else isinstance(value, origin)


def test_types_are_those_of_the_run(monkeypatch, capsys):
    asked = []

    def assert_type(value, kind):
        asked.append(kind)
        assert holds(value, kind), f"{value!r} is no {kind}"
        return value
    monkeypatch.setattr(typing, "assert_type", assert_type)
    runpy.run_path(str(HERE / "stubs_right.py"))
    assert len(asked) > 100


def test_stubs_are_written_anew():
    """`scripts/stubs.py` writes what is there."""
    mypy("--version")
    script = ROOT / "scripts" / "stubs.py"
    run = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    if "not compared" in run.stdout:
        pytest.skip(run.stdout.strip())
