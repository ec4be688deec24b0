"""Writes NumPy's installed tests anew with `minpy.numpy` in the place of NumPy's public names; run.py calls it.

Only import statements change, line for line. What checks (`numpy.testing`), what is private, and what MinPy does not have
stays NumPy's, so that a test asks our functions and arrays, and NumPy's judges them.
"""
import ast
import importlib
import shutil
from pathlib import Path

import numpy

ROOT = Path(numpy.__file__).parent

# Public modules that stay NumPy's: what checks, and names that are not about arrays.
THEIRS = {
    "numpy.testing",
    "numpy.conftest",
    "numpy.dtypes",
    "numpy.exceptions",
    "numpy.f2py",
    "numpy.ma.testutils",
    "numpy.rec",
    "numpy.strings",
    "numpy.typing",
    "numpy.version",
}


def ours(module: str | None) -> str | None:
    """The name of ours for a module of NumPy's, where it is one to be replaced."""
    if module is None or module.partition(".")[0] != "numpy":
        return None
    parts = module.split(".")
    theirs = any(".".join(parts[:n]) in THEIRS for n in range(2, len(parts) + 1))
    return None if theirs or any(part.startswith("_") for part in parts) else "minpy." + module


def statement(node: ast.Import | ast.ImportFrom) -> str | None:
    """What to write for one import, on one line; None where it stays."""
    if isinstance(node, ast.ImportFrom):
        module = ours(node.module) if node.level == 0 else None
        if module is None:
            return None
        if node.module == "numpy" and all(ours(f"numpy.{name.name}") is None for name in node.names):
            return None # `from numpy import testing`
        return ast.unparse(ast.ImportFrom(module, node.names, 0))
    parts = []
    for name in node.names:
        module = ours(name.name)
        if module is None or (name.asname is None and name.name != "numpy"): # `import numpy.x` binds NumPy itself
            parts.append(ast.unparse(ast.Import([name])))
        else:
            # `import a.b as c` asks sys.modules for a.b; some of ours are attributes only.
            binding = name.asname or "numpy"
            parts.append(f"import importlib as _importlib; {binding} = _importlib.import_module({module!r})")
    text = "; ".join(parts)
    return None if text == ast.unparse(node) else text


def redirected(source: str) -> str:
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        text = statement(node)
        if text is None:
            continue
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        head = lines[first].encode()[:node.col_offset].decode()
        tail = lines[last].encode()[node.end_col_offset:].decode()
        lines[first:last + 1] = [head + text + tail] + [""] * (last - first)
        if last > first:
            lines[first] += "\n" * (last - first) # later lines keep their numbers
    return "".join(lines)


def write(files: list[str], target: Path) -> None:
    """The tests of `files`, with all that lies beside them, as the package `nptests` in `target`."""
    package = target / "nptests"
    shutil.rmtree(target, ignore_errors=True)
    for folder in sorted({Path(file).parent for file in files}):
        shutil.copytree(ROOT / folder, package / folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        for parent in (folder, *folder.parents):
            (package / parent / "__init__.py").touch()
    shutil.copy(ROOT / "conftest.py", package)
    for file in files:
        path = package / file
        path.write_text(redirected(path.read_text(encoding="utf-8")), encoding="utf-8")


def check() -> None:
    """The module under test is there, and is not NumPy."""
    module = importlib.import_module("minpy.numpy")
    if module.ndarray is numpy.ndarray:
        raise SystemExit("minpy.numpy is NumPy itself")
