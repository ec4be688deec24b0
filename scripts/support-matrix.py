"""Writes docs/support-matrix.md: which of NumPy's public functions are native, which run in NumPy (counted as fallbacks), and which
native ones need the host when their arguments are on OpenCL. Needs an OpenCL device (PoCL will do) for the latter.

    .venv/bin/python scripts/support-matrix.py            writes the page
    .venv/bin/python scripts/support-matrix.py --check    fails when the page is not what this build says
"""
import operator
import pathlib
import sys

import numpy

import minpy
import minpy.numpy
from minpy import _minpy
from minpy.context import Context
from minpy.numpy._fallback import stands_for

RELEASE = ".".join(numpy.__version__.split(".")[:2])
# name -> entry of core's table
ENTRIES = {n: entry["name"] for entry in _minpy._table() for n in (entry["name"], *entry["aliases"])}
PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "support-matrix.md"


# Namespaces of numerical functions, by the prefix of their names.
ROOMS = ("", "linalg.", "fft.")


def find(module, name):
    return operator.attrgetter(name)(module)


def functions():
    """Name and kind of every public function of NumPy's namespaces."""
    for name in sorted(room + n for room in ROOMS for n in (find(numpy, room[:-1]) if room else numpy).__all__ if not n.startswith("_")):
        theirs = find(numpy, name)
        if isinstance(theirs, type) or not callable(theirs):
            continue
        ours = find(minpy.numpy, name)
        if ours is theirs:
            yield name, "as it is"
        elif stands_for(ours) is not None:
            yield name, "NumPy"
        else:
            yield name, "native"


def arguments(name):
    """Argument lists to try, from the likeliest on, on the current device: the cases of an entry of core's table, else so many arrays as a
    ufunc takes, else what the few functions that Python binds itself take."""
    cases = [(args, kwargs) for entry, _, args, kwargs in _minpy._table_cases() if entry == ENTRIES.get(name)]
    if cases:
        return cases
    a = minpy.numpy.array(numpy.arange(1, 17, dtype=numpy.float32).reshape(4, 4) / 20)
    i, m = minpy.numpy.array(numpy.arange(4) % 3), minpy.numpy.array(numpy.arange(4) % 2 == 0)
    ours = find(minpy.numpy, name)
    if isinstance(ours, minpy.numpy.ufunc):
        return [((x,) * ours.nin, {}) for x in (a, i, m)]
    row = minpy.numpy.array(numpy.arange(4, dtype=numpy.float32))
    return [(args, {}) for args in [
        (m, row, row), (a,), (a, a), (row,), (a, a, 0), ([a, a],), (a, 1), (a, 0, 1), (a, i), (i, i), (m, a), (m, row), (row, i, row),
        (a, a > 1, row),
        (a, minpy.numpy.zeros((4, 1), int), 0), (a, minpy.numpy.zeros((4, 1), int), a[:, :1], 0),
    ]]


def needs_host(name, backend):
    """Whether the function falls back to the host on that backend, at arguments that need no fallback on the CPU; `None`
    when there are no such arguments in the list."""
    function = find(minpy.numpy, name)

    def falls_back(device, which):
        with Context(device, 0):
            args, kwargs = arguments(name)[which]
            before = minpy.fallback_count()
            function(*args, **kwargs)
            return minpy.fallback_count() > before

    with Context("cpu", 0):
        count = len(arguments(name))
    for which in range(count):
        try:
            if not falls_back("cpu", which):
                return falls_back(backend, which)
        except Exception:
            continue
    return None


def page():
    rows = list(functions())
    groups = {k: [n for n, kind in rows if kind == k] for k in ("native", "NumPy", "as it is")}
    Context("opencl", 0)  # an error here says that there is none
    host = {n: needs_host(n, "opencl") for n in groups["native"]}
    if None in host.values():
        sys.exit("no arguments in this script fit " + ", ".join(n for n in host if host[n] is None))
    by_host = [n for n in host if host[n]]
    lines = [
        "# Which functions are native",
        "",
        f"Made by `scripts/support-matrix.py` from the namespace of `minpy.numpy` over NumPy {RELEASE}; NumPy's types and "
        "constants are left out, and of its submodules all but `linalg` and `fft`: they run in NumPy.",
        "",
        f"* **native** ({len(groups['native'])}): made of operations of core; they run on the device of their arguments, with the exceptions "
        "below, and are differentiable where a derivative exists. Some argument values still go to NumPy and then have no gradient "
        "(`NoGradientFuncError`): `order=`, `linspace` between arrays, `nan_to_num(copy=False)` "
        "and the like.",
        f"* **NumPy** ({len(groups['NumPy'])}): NumPy's own function on host views, results wrapped; counted as fallbacks; asking for "
        "their gradient raises `NoGradientFuncError`.",
        f"* **as it is** ({len(groups['as it is'])}): NumPy's function itself: settings, formatting and dtypes.",
        "",
    ]
    lines += [
        "## Native functions by device",
        "",
        "| device | native functions that run there | by the host's kernels, with copies, counted as fallbacks |",
        "|---|---|---|",
        f"| CPU | all {len(host)} | |",
        f"| OpenCL | {len(host) - len(by_host)} | {', '.join(f'`{n}`' for n in by_host)} |",
        "| CUDA | as OpenCL: the kernels are made by one generator | as OpenCL |",
        "",
        "The OpenCL row was measured, one call of each function. Beside these, on OpenCL and CUDA the host does: inverse trigonometric and "
        "hyperbolic functions of complex numbers; everything in float64 and complex128 where an OpenCL device lacks them.",
        "",
    ]
    for kind, names in groups.items():
        lines += [f"## {kind}", "", ", ".join(f"`{n}`" for n in names), ""]
    return "\n".join(lines)


def main():
    if "--check" in sys.argv[1:] and f"over NumPy {RELEASE};" not in PAGE.read_text(encoding="utf-8"):
        print(f"{PAGE.name} was made with another NumPy than {RELEASE}: not compared")
        return
    text = page()
    if "--check" in sys.argv[1:]:
        if PAGE.read_text(encoding="utf-8") != text:
            sys.exit(f"{PAGE.name} is not up to date: run scripts/support-matrix.py")
        return
    PAGE.write_text(text, encoding="utf-8")


main()
