"""Writes docs/support-matrix.md: which of NumPy's public functions are native, which run in NumPy (counted as fallbacks).

    .venv/bin/python scripts/support-matrix.py            writes the page
    .venv/bin/python scripts/support-matrix.py --check    fails when the page is not what this build says
"""
import pathlib
import sys

import numpy

import minpy.numpy
from minpy.numpy._ufuncs import FallbackUfunc

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "support-matrix.md"


def functions():
    """Name and kind of every public function of NumPy's main namespace."""
    for name in sorted(n for n in numpy.__all__ if not n.startswith("_")):
        theirs = getattr(numpy, name)
        if isinstance(theirs, type) or not callable(theirs):
            continue
        ours = getattr(minpy.numpy, name)
        if ours is theirs:
            yield name, "as it is"
        elif isinstance(ours, FallbackUfunc) or hasattr(ours, "_minpy_numpy"):
            yield name, "NumPy"
        else:
            yield name, "native"


def page():
    rows = list(functions())
    groups = {k: [n for n, kind in rows if kind == k] for k in ("native", "NumPy", "as it is")}
    lines = [
        "# Which functions are native",
        "",
        "Made by `scripts/support-matrix.py` from the namespace of `minpy.numpy`; NumPy's types, constants and submodules are left out.",
        "",
        f"* **native** ({len(groups['native'])}): made of operations of core; they run on the device of their arguments and are "
        "differentiable where a derivative exists. Some argument values (`order=`, `dtype=object`, ...) still go to NumPy.",
        f"* **NumPy** ({len(groups['NumPy'])}): NumPy's own function on host views, results wrapped; counted as fallbacks; asking for "
        "their gradient raises `NoGradientFuncError`.",
        f"* **as it is** ({len(groups['as it is'])}): NumPy's function itself: settings, formatting, dtypes, and ufuncs without an operation of ours, which come back through `__array_ufunc__`.",
        "",
    ]
    for kind, names in groups.items():
        lines += [f"## {kind}", "", ", ".join(f"`{n}`" for n in names), ""]
    return "\n".join(lines)


def main():
    text = page()
    if "--check" in sys.argv[1:]:
        if PAGE.read_text(encoding="utf-8") != text:
            sys.exit(f"{PAGE.name} is not up to date: run scripts/support-matrix.py")
        return
    PAGE.write_text(text, encoding="utf-8")


main()
