"""Numbers of watched arrays that compiled code asks for: told, unless it is known that no gradient is lost.

`float(x)` and what makes text or truth values is known; everything else is told, however it is written.
"""
import array
import dis
import functools
import gc
import itertools
import logging
import math
import os
import struct
import subprocess
import sys
import textwrap
import types
import warnings
import weakref

import numpy
import pytest

import minpy.numpy as np
from minpy import _departures
from minpy.core import LostGradientWarning, grad, jvp

VECTOR = numpy.array([1.3, 0.4, 2.6])


def told(f, x=VECTOR, operator=grad):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        g = operator(f)(np.array(x))
    return [w for w in seen if w.category is LostGradientWarning], g


def into(write, made=lambda: numpy.zeros(3)):
    """A function of `a` that writes it into an array of NumPy's and computes with that."""
    def f(a):
        n = made()
        write(n, a)
        return np.sum(np.asarray(numpy.array(n)) * a)
    return f


def element(n, a):
    n[0] = a[0]


def elements(n, a):
    for i in range(3):
        n[i] = a[i]


def flat(n, a):
    n.flat[1] = a[1]


def seen_through(n, a):
    memoryview(n)[0] = a[0]


INDEX = numpy.arange(3)
WRITING = {
    "element": element, "elements": elements, "flat": flat, "memoryview": seen_through, "whole": lambda n, a: n.__setitem__(slice(None), a), "fill": lambda n, a: n.fill(a[0]),
    "put method": lambda n, a: n.put(0, a[0]), "setitem": lambda n, a: n.__setitem__(0, a[0]), "+=": lambda n, a: n.__iadd__(a), "setflat": lambda n, a: setattr(n, "flat", a),
}
for _m, _name in ((numpy, "numpy"), (np, "minpy.numpy")):
    WRITING.update({f"{_name}.{k}": functools.partial(f, _m) for k, f in {
        "copyto": lambda m, n, a: m.copyto(n, a), "copyto by name": lambda m, n, a: m.copyto(dst=n, src=a), "copyto a number": lambda m, n, a: m.copyto(n, a[0]),
        "place": lambda m, n, a: m.place(n, [True] * 3, a), "putmask": lambda m, n, a: m.putmask(n, [True] * 3, a), "put": lambda m, n, a: m.put(n, INDEX, a),
        "put by name": lambda m, n, a: m.put(a=n, ind=INDEX, v=a), "add.at": lambda m, n, a: m.add.at(n, INDEX, a), "put_along_axis": lambda m, n, a: m.put_along_axis(n, INDEX, a, 0),
        "fill_diagonal": lambda m, n, a: m.fill_diagonal(n.reshape(1, 3), a), "out=": lambda m, n, a: m.multiply(a, 1.0, out=n), "out": lambda m, n, a: m.multiply(a, 1.0, n),
        "cumsum": lambda m, n, a: m.cumsum(a, out=n), "concatenate": lambda m, n, a: m.concatenate([a], out=n), "take": lambda m, n, a: m.take(a, INDEX, out=n), "clip": lambda m, n, a: m.clip(a, 0, 9, out=n),
        "dot": lambda m, n, a: m.dot(numpy.eye(3), a, out=n), "stack": lambda m, n, a: m.stack([a], out=n.reshape(1, 3)), "matmul": lambda m, n, a: m.matmul(numpy.eye(3), a, out=n),
        "einsum": lambda m, n, a: m.einsum("i->i", a, out=n), "choose": lambda m, n, a: m.choose([0, 0, 0], [a], out=n), "mean": lambda m, n, a: m.mean(a.reshape(3, 1), axis=1, out=n),
    }.items()})


@pytest.mark.parametrize("name", WRITING)
def test_what_is_written_into_numpys_arrays_is_told(name, on_cpu):
    f = into(WRITING[name])
    for operator in (grad, lambda f: lambda x: jvp(f)((x,), np.ones(3))[1]):
        seen, _ = told(f, operator=operator)
        assert seen and all(w.filename == __file__ for w in seen)
    assert told(lambda a: f(np.array(VECTOR)) + np.sum(a))[0] == []


class Holder:
    sine = staticmethod(math.sin)

    def __init__(self):
        self.own = math.sin


holder, table = Holder(), {"sin": math.sin, "own": [math.sin]}
ASKING = {
    "subscript": lambda a: table["sin"](a[0]) * a[0], "list": lambda a: [math.sin][0](a[0]) * a[0], "nested": lambda a: table["own"][0](a[0]) * a[0], "staticmethod": lambda a: holder.sine(a[0]) * a[0],
    "attribute": lambda a: holder.own(a[0]) * a[0], "partial": lambda a: functools.partial(math.hypot, 1.0)(a[0]) * a[0], "choice": lambda a: (math.sin if len(a) else math.cos)(a[0]) * a[0],
    "result of a call": lambda a: getattr(math, "sin")(a[0]) * a[0], "by name": lambda a: (lambda f: f(a[0]))(math.sin) * a[0], "or": lambda a: (None or math.sin)(a[0]) * a[0],
    "map": lambda a: list(map(math.sin, a))[0] * a[0], "starmap": lambda a: next(itertools.starmap(math.hypot, [(1.0, a[0])])) * a[0], "in a loop": lambda a: [v * a[0] for v in map(math.sin, a)][0],
    "map of both": lambda a: math.hypot(a[0], max(map(float, a))) * a[0], "unpacked": lambda a: (lambda x, y, z: x * a[0])(*map(math.sin, a)), "reduce": lambda a: functools.reduce(math.hypot, a, 1.0) * a[0],
    "sorted": lambda a: math.fsum(sorted(a, key=math.sin)) * a[0], "array": lambda a: array.array("d", [a[0]])[0] * a[0], "array of all": lambda a: array.array("d", a)[0] * a[0],
    "struct": lambda a: struct.unpack("d", struct.pack("d", a[0]))[0] * a[0], "pack_into": lambda a: (lambda b: (struct.pack_into("d", b, 0, a[0]), struct.unpack("d", b)[0] * a[0])[1])(bytearray(8)),
    "walrus": lambda a: (f := math.sin)(a[0]) * a[0], "stars": lambda a: math.sin(*[a[0]]) * a[0], "frexp": lambda a: math.frexp(a[0])[0] * a[0], "ctypes": lambda a: numpy.ctypeslib.ctypes.c_double(a[0]).value * a[0],
    "a class of its own": lambda a: Doubled(a[0]) * a[0], "complex": lambda a: abs(complex(a[0])) * a[0], "full": lambda a: numpy.full(3, a[0])[0] * a[0], "dictionary get": lambda a: table.get("sin")(a[0]) * a[0],
}


class Doubled(float):
    pass


@pytest.mark.parametrize("name", ASKING)
def test_however_it_is_called_it_is_told(name):
    f = ASKING[name]
    for operator in (grad, lambda f: lambda x: jvp(f)((x,), np.ones(3))[1]):
        for _ in range(3):
            seen, _ = told(f, operator=operator)
            assert seen and all(w.filename == __file__ for w in seen)
    assert told(lambda a: f(np.array(VECTOR)) * np.sum(a))[0] == []


def unpacked(a):
    x, y, z = map(float, a)
    return x < y < z


def looped(a):
    for v in map(float, a):
        print(v)


SPACE = types.SimpleNamespace(f=float)
PROGRAMS = {
    "float": lambda a: float(a[0]), "of an expression": lambda a: float(np.sum(a * (a[0] if len(a) else 1))), "another name": lambda a: (lambda f: f(a[0]))(float), "builtins": lambda a: __builtins__["float"] and float(a[0]),
    "list": lambda a: list(map(float, a)), "tuple": lambda a: tuple(map(float, a)), "max": lambda a: max(map(float, a), default=0), "display": lambda a: [*map(float, a)], "print": lambda a: print(*map(float, a)),
    "unpacked": unpacked, "looped": looped, "comprehension": lambda a: {i: float(v) for i, v in enumerate(a)}, "generator": lambda a: sum(float(v) for v in a),
    "%": lambda a: "%f %.2f" % (a[0], a[1]) + "%g" % a[2], "%=": lambda a: exec("t = '%f'\nt %= a[0]", {"a": a}), "format": lambda a: "{:.3f}".format(a[0]) + format(a[1], ".2f") + f"{a[2]:.1f}",
    "log": lambda a: logging.getLogger("minpy.test").error("loss %.3f", a[0]), "isnan": lambda a: math.isnan(a[0]) or math.isfinite(a[0]), "floor": lambda a: math.floor(a[0]),
    "int": lambda a: int(a[0]), "round": lambda a: round(float(a[0]), 1), "compare": lambda a: a[0] < 1.0 < a[2] and max(a[0], 2.0) and sorted(a), "attribute": lambda a: SPACE.f(a[0]),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_the_program_asks_for_is_quiet(name, capsys):
    f = PROGRAMS[name]
    for _ in range(20):  # warm code is other code
        seen, g = told(lambda a: (f(a), np.sum(a * a))[1])
        assert not seen, [str(w.message) for w in seen]
        numpy.testing.assert_allclose(g.asnumpy(), 2 * VECTOR)


def test_warm_code():
    def f(a):
        for _ in range(100):
            float(a[0]), math.isnan(a[0])
        return np.sum(a)

    def g(a):
        for _ in range(100):
            c = math.sin(a[0])
        return np.sum(a) * c
    for _ in range(3):
        assert told(f)[0] == [] and len(told(g)[0]) >= 1


def test_code_is_read_once(monkeypatch):
    read, made = [], dis.get_instructions
    monkeypatch.setattr(dis, "get_instructions", lambda code, **options: read.append(code) or made(code, **options))
    lines = 1500
    program = {}
    exec("def f(a):\n s = 0.0\n" + " s += float(a[0])\n" * lines + " return a[0] * s\n", program)
    for _ in range(2):
        seen, g = told(program["f"])
        assert seen == [] and float(g[0]) == pytest.approx(lines * VECTOR[0])
    assert len(read) == 1
    # Nothing is kept of code that is gone.
    code = weakref.ref(read.pop())
    assert id(code()) in _departures._sites
    known = len(_departures._sites)
    program.clear()
    gc.collect()
    assert code() is None and len(_departures._sites) < known


def test_numbers_are_remembered_as_long_as_the_program_has_them():
    def f(a):
        kept = [float(a[0]) for _ in range(40_000)]
        for _ in range(40_000):
            float(a[1])
        return kept[0] * a[0]
    assert len(told(f)[0]) == 1


def test_without_positions():
    """As with -X no_debug_ranges or PYTHONNODEBUGRANGES=1."""
    program = textwrap.dedent("""
        import math, sys, warnings
        import minpy.numpy as np
        from minpy.core import grad
        assert (lambda: 0).__code__.co_positions().__next__()[2] is None

        def lines(f):
            with warnings.catch_warnings(record=True) as seen:
                warnings.simplefilter("always")
                grad(f)(np.array([1.3, 0.4]))
            return len(seen)
        def plain(a):
            c = float(a[0])
            return np.sum(a) if c > 0 and float(np.sum(a * a)) > 0 else a[0]
        def used(a):
            return a[0] * float(a[1])
        for _ in range(20):
            assert lines(plain) == 0
            assert lines(used) == 1
            assert lines(lambda a: math.sin(a[0]) * a[0]) == 1
            assert lines(lambda a: {"s": math.sin}["s"](a[0]) * a[0]) == 1
            assert lines(lambda a: [float(v) for v in a] and a[0]) == 0
            assert lines(lambda a: a[0] * float(np.sum(np.abs(a), axis=0)) + float(a[1 if len(a) else 0])) > 0
            assert lines(lambda a: list(map(float, a)) and a[0]) == 1  # not known to be float's
    """)
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONNODEBUGRANGES": "1"}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
