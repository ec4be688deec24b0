"""Every way out of the tape: a call of any public function records, raises when a gradient is asked for, or warns.

The sweep calls everything that the namespaces have with arguments of some shapes and compares both modes with differences.
"""
import array
import cmath
import concurrent.futures
import copy
import math
import pickle
import sys
import threading
import warnings

import numpy
import pytest

import minpy.numpy as np
from minpy.core import LostGradientWarning, NoGradientFuncError, grad, jvp, no_grad, value_and_grad

VECTOR = numpy.array([1.3, 0.4, 2.6, 3.1])
SQUARE = numpy.array([[2.1, 0.3, 0.5], [0.2, 1.7, 0.4], [0.6, 0.1, 3.2]])
STEP = 1e-6

# Not about numbers, need files or a terminal, or end the process: exceptions to all that the namespace has.
SKIP = {
    "test", "info", "show_config", "show_runtime", "save", "savez", "savez_compressed", "savetxt", "load", "loadtxt", "genfromtxt", "fromfile",
    "memmap", "set_policy", "record_op_stat", "show_op_stat", "op_stat", "seterr", "seterrcall", "setbufsize", "set_printoptions",
    "tofile", "dump", "setflags", "seed", "set_state", "get_state", "set_bit_generator", "get_bit_generator", "asnumpy",
    "wait_to_read", "resize", "to_device", "as_in_context", "copyto", "empty", "empty_like", "ndarray", "bytes", "spawn",
    "softmax_output",  # its gradient is not that of its value, by definition
    "common_fill_value", "default_fill_value", "maximum_fill_value", "minimum_fill_value",  # constants of 1e20
}
# What says that it makes constants (docs/numpy-differences.md).
CONSTANTS = {"tolist", "item", "asscalar", "is_integer", "as_integer_ratio", "hex", "tobytes", "dumps", "array_str", "array_repr", "array2string",
             "base_repr", "binary_repr", "format_float_positional", "format_float_scientific", "min_scalar_type", "float16", "float32", "float64",
             "half", "single", "double", "longdouble", "complex64", "complex128", "csingle", "cdouble", "clongdouble",
             "float128", "complex256"}
# Derivative 0 wherever it exists: steps of the differences may meet a jump.
STEPS = {"nextafter", "spacing", "round", "around", "rint", "fix", "floor", "ceil", "trunc", "floor_divide", "sign", "heaviside", "histogram", "divmod",
         "histogram2d", "histogramdd", "histogram_bin_edges", "modf", "signbit", "searchsorted", "digitize"}


def numbers(value):
    """The inexact elements of a result, as ours or NumPy's."""
    if isinstance(value, (tuple, list)):
        return [n for v in value for n in numbers(v)]
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind in ("f", "c") and isinstance(value, (numpy.generic, numpy.ndarray)):
        return [value]
    return [value] if isinstance(value, (float, complex)) and not isinstance(value, bool) else []


def total(value):
    parts = [np.sum(np.real(n) * (k + 1.5)) for k, n in enumerate(numbers(value))]
    return sum(parts[1:], parts[0]) if parts else 0.0


def candidates():
    v = lambda x: x[0] if x.ndim == 2 else x
    yield "f(x)", VECTOR, lambda f, x: f(x)
    yield "f(x, x)", VECTOR, lambda f, x: f(x, x)
    yield "f(x, 2)", VECTOR, lambda f, x: f(x, 2)
    yield "f(x, c)", VECTOR, lambda f, x: f(x, np.array([0.3, 0.5, 0.7, 2.0]))
    yield "f(c, x)", VECTOR, lambda f, x: f(np.array([0.3, 0.5, 0.7, 2.0]), x)
    yield "f(mask, x)", VECTOR, lambda f, x: f(np.array([True, False, True, True]), x)
    yield "f([x, x])", VECTOR, lambda f, x: f([x, x])
    yield "f(x, [0, 2], 7.0)", VECTOR, lambda f, x: f(x, [0, 2], 7.0)
    yield "f(x[0])", VECTOR, lambda f, x: f(x[0])
    yield "f(m)", SQUARE, lambda f, x: f(x)
    yield "f(m, m)", SQUARE, lambda f, x: f(x, x)
    yield "f(m, v)", SQUARE, lambda f, x: f(x, v(x))
    yield "f(m, 1)", SQUARE, lambda f, x: f(x, 1)
    yield "f(m, axis=1)", SQUARE, lambda f, x: f(x, axis=1)


def written(f):
    """The argument afterwards too: functions may write it."""
    def run(x):
        x = x * 1.0
        return f(x), x
    return run


def functions():
    for holder, name in ((np, "np"), (np.linalg, "np.linalg"), (np.fft, "np.fft"), (np.ma, "np.ma")):
        for n in sorted(dir(holder)):
            f = getattr(holder, n)
            ours = not n.startswith("_") and callable(f) and n not in SKIP and not isinstance(f, type(pytest))
            if ours and not (isinstance(f, type) and issubclass(f, BaseException)):
                yield f"{name}.{n}", n, f
    for n in sorted(dir(np.ndarray)):
        if not n.startswith("_") and callable(getattr(np.ndarray, n)) and n not in SKIP:
            yield f"ndarray.{n}", n, lambda x, *a, n=n, **k: getattr(x, n)(*a, **k)


def outcome(f, x):
    """The derivative of the total in a fixed direction in both modes; the names of what they raise or warn instead."""
    direction = numpy.linspace(0.5, 1.5, x.size).reshape(x.shape)
    found = []
    for mode in ("reverse", "forward"):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            try:
                if mode == "reverse":
                    g = grad(lambda a: total(f(a)))(np.array(x))
                    found.append(float(numpy.sum(g.asnumpy() * direction)))
                else:
                    found.append(float(jvp(lambda a: total(f(a)))((np.array(x),), np.array(direction))[1]))
            except NoGradientFuncError:
                found.append("raises")
                continue
            except TypeError as e:
                if "the function returned 'MaskedConstant'" not in str(e):
                    raise
                found.append("raises")
                continue
        if any(issubclass(w.category, LostGradientWarning) for w in seen):
            found[-1] = "warns"
    return found, direction


@pytest.fixture(scope="module")
def swept():
    wrong, counts = [], {}
    for full, name, function in functions():
        if name in CONSTANTS | STEPS:
            continue
        for how, x, apply in candidates():
            f = written(lambda a: apply(function, a))

            def value(x):
                numpy.random.seed(0)
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return float(total(f(np.array(x))))
            try:
                center = value(x)
            except Exception:
                continue
            numpy.random.seed(0)
            with np.errstate(all="ignore"):
                try:
                    found, direction = outcome(f, x)
                except BaseException as e:
                    wrong.append(f"{full} {how}: {type(e).__name__}: {e}")
                    continue
            up, down = value(x + STEP * direction), value(x - STEP * direction)
            numeric = (up - down) / (2 * STEP)
            one_sided = {(up - center) / STEP, (center - down) / STEP}
            for mode, got in zip(("reverse", "forward"), found, strict=True):
                kind = "value" if isinstance(got, float) else got
                counts[kind] = counts.get(kind, 0) + 1
                close = lambda want: numpy.isclose(got, want, rtol=2e-4, atol=2e-4)
                smooth = max(one_sided) - min(one_sided) < 1e-3 * (1 + abs(numeric))
                if kind == "value" and numpy.isfinite(numeric) and smooth and not close(numeric):
                    wrong.append(f"{full} {how}: {mode} mode gives {got}, differences {numeric}")
            if (found[0] == "raises") != (found[1] == "raises"):
                wrong.append(f"{full} {how}: reverse mode {found[0]}, forward mode {found[1]}")
    return wrong, counts


def test_no_function_loses_a_gradient_in_silence(swept):
    wrong, counts = swept
    assert counts["value"] > 2000 and counts["raises"] > 200, counts
    assert not wrong, f"{len(wrong)} of {counts}:\n" + "\n".join(wrong[:60])


def warned(f, x=VECTOR, operator=grad):
    """The warnings of one gradient, and the gradient."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        g = operator(f)(np.array(x))
    return [w for w in seen if w.category is LostGradientWarning], g


def filled(n, a):
    n[:] = a
    return n


LEAVING = {
    "numpy.array": lambda a: np.sum(np.asarray(numpy.array(a)) * a),
    "numpy.array of a list": lambda a: np.sum(np.asarray(numpy.array([a[0], a[1]])) * a[0]),
    "numpy.asarray, then NumPy": lambda a: np.sum(a * (numpy.asarray(a) * 1)),
    "nothing of ours comes back": lambda a: float((numpy.asarray(a) * 2).sum()),
    "nditer": lambda a: sum(v * a[0] for v in np.nditer(a)),
    "numpy.ndenumerate": lambda a: sum(v * a[0] for _, v in numpy.ndenumerate(a)),
    "numpy.from_dlpack": lambda a: np.sum(numpy.from_dlpack(a) * a),
    "memoryview": lambda a: sum(memoryview(a)) * a[0],
    "vectorize": lambda a: np.sum(np.vectorize(lambda v: v * v)(a)),
    "write into NumPy's": lambda a: np.sum(filled(numpy.zeros(4), a) * a),
    "__array__": lambda a: np.sum(np.asarray(a.__array__() * 1) * a),
    "address": lambda a: np.sum(np.asarray(numpy.ctypeslib.as_array((a.ctypes, a.__array_interface__)[0].data_as(
        numpy.ctypeslib.ctypes.POINTER(numpy.ctypeslib.ctypes.c_double)), (4,)).copy()) * a),
    "masked": lambda a: np.sum(np.asarray(numpy.ma.masked_array(a) * 2) * a),
    "subclass": lambda a: np.sum(np.asarray(a.view(numpy.matrix) * 2)) * a[0],
    "objects": lambda a: np.array(a, dtype=object).sum() * a[0],
}


@pytest.mark.parametrize("name", LEAVING)
def test_what_leaves_by_a_protocol_is_told(name, on_cpu):
    lines = {line for f in (LEAVING[name], filled) for *_, line in f.__code__.co_lines()}
    for operator in (grad, lambda f: lambda x: jvp(f)((x,), np.ones(4))[1]):
        seen, _ = warned(LEAVING[name], operator=operator)
        assert seen and all(w.filename == __file__ and w.lineno in lines for w in seen), name


def test_what_is_told_once():
    def f(a):
        for _ in range(3):
            numpy.array(a)
        return np.sum(a * a)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for _ in range(2):
            grad(f)(np.array(VECTOR))
    assert len(seen) == 1 and seen[0].lineno == f.__code__.co_firstlineno + 2 and seen[0].filename == __file__
    # No gradient is asked for, or not of what left.
    assert warned(f, operator=lambda f: f)[0] == []
    other = np.array(VECTOR)
    assert warned(lambda a: np.sum(a) * float(numpy.array(other * 2).sum()))[0] == []
    assert warned(lambda a: np.sum(a) if numpy.array(a > 1).any() else 0.0)[0] == []
    # Of the outer gradient's argument, not of the inner one's.
    seen, _ = warned(lambda a: grad(lambda b: b * float(numpy.array(a)[0]))(2.0) * np.sum(a))
    assert len(seen) == 1


def test_ordinary_uses_are_quiet(tmp_path, capsys):
    def f(a):
        loss = np.sum(a * a)
        print(a, loss, repr(a), f"{loss:.3f} {a}")
        if loss > 1e9 or float(loss) > 1e9 or not loss or bool(a[0] > 1e9) or (a > 1e9).any():
            return 0.0
        np.save(tmp_path / "a.npy", a)
        np.savetxt(tmp_path / "a.txt", a)
        numpy.save(tmp_path / "b.npy", a)
        pickle.dumps(a), a.tolist(), loss.item(), a.asnumpy(), a.tobytes(), hash(loss), int(a[0]), round(float(loss), 2)
        np.allclose(a, a), np.argmax(a), np.isnan(a).any(), len(a), np.array_equal(a, a), np.extract(a > 0, a), a.compress(a)
        str(a.dtype), np.shape(a), np.size(a), a == a, 3.0 in a, copy.copy(a), copy.deepcopy(a), np.roll(a, 1)
        for v in a:
            loss = loss + 0 * v
        return loss
    seen, g = warned(f)
    assert not seen, [str(w) for w in seen]
    numpy.testing.assert_allclose(g.asnumpy(), 2 * VECTOR)
    assert str(VECTOR[0])[:3] in capsys.readouterr().out


def test_what_comes_back_is_recorded(on_cpu):
    for f in (lambda a: np.sum(numpy.asarray(a) * a), lambda a: np.sum(np.asarray(memoryview(a)) * a), lambda a: np.sum(np.from_dlpack(a) * a),
              lambda a: np.sum(copy.deepcopy(a) * a)):
        seen, g = warned(f)
        assert not seen and g.asnumpy().tolist() == (2 * VECTOR).tolist()
    assert warned(lambda a: sum(v * a[0] for _, v in np.ndenumerate(a)))[1].asnumpy()[1:].tolist() == [VECTOR[0]] * 3
    pairs = list(np.ndenumerate(np.arange(6).reshape(2, 3).T))
    assert [(i, int(v)) for i, v in pairs] == [(i, int(v)) for i, v in numpy.ndenumerate(numpy.arange(6).reshape(2, 3).T)]
    assert [v for _, v in np.ndenumerate(numpy.array(["a", "b"]))] == ["a", "b"]


def test_scipy(on_cpu, needs):
    special, linalg, signal = (needs(f"scipy.{n}") for n in ("special", "linalg", "signal"))
    for f, x in ((lambda a: special.logsumexp(a) * a[0], VECTOR), (lambda a: np.sum(np.asarray(linalg.inv(a)) * a), SQUARE),
                 (lambda a: np.sum(np.asarray(signal.convolve(a, a)) * a[0]), VECTOR)):
        seen, _ = warned(f, x)
        assert seen and all(w.filename == __file__ for w in seen)
    with pytest.raises(NoGradientFuncError, match="gammaln"):
        grad(lambda a: np.sum(special.gammaln(a)))(np.array(VECTOR))


class Holder:
    """A program's own object that names a type."""
    dtype = numpy.float64

    def __init__(self):
        self.kind, self.called = numpy.float64, False

    def __getattr__(self, name):
        raise AssertionError(f"asked for {name}")


holder = Holder()
numbers_ = array.array("d")
# Numbers that a call asks for which then computes with them, whether or not what it gives is computed with further.
ASKED = {
    "np.float64": lambda a: np.float64(a[0]) * a[0], "further": lambda a: (numpy.float64(a[0]) * 2 + 1) * a[0], "np.complex128": lambda a: np.real(np.complex128(a[0]) * a[0]),
    "np.float32": lambda a: np.float32(a[0]) * a[0], "a.dtype.type": lambda a: a.dtype.type(a[0]) * a[0], "holder.kind": lambda a: holder.kind(a[0]) * a[0],
    "holder.dtype": lambda a: holder.dtype(a[0]) * a[0], "complex": lambda a: np.real(complex(a[0]) * a[0]), "math.sin": lambda a: math.sin(a[0]) * a[0],
    "math.pow": lambda a: a[0] * (1 + math.pow(2.0, a[0])), "math.fsum": lambda a: math.fsum(a) * a[0], "cmath.exp": lambda a: np.real(cmath.exp(a[0]) * a[0]),
    "over lines": lambda a: math.hypot(
        3.0,
        a[0]) * a[0],
    "two on a line": lambda a: float(a[1]) < 0 or math.sqrt(a[0]) * a[0], "with stars": lambda a: math.atan2(*[a[0], 1.0]) * a[0],
    "the result": lambda a: math.exp(np.sum(a)), "compiled method": lambda a: (numbers_.append(a[0]), numbers_.pop() * a[0])[1], "a method of a class": lambda a: Holder.dtype(a[0]) * a[0],
}
# Numbers that the program asks for, where they take part.
TAKING_PART = {
    "operator": lambda a: float(a[0]) * a[0], "later": lambda a: (lambda c: a[0] - c)(float(a[0])), "in place": lambda a: (lambda b: (b.__iadd__(float(a[0])), np.sum(b))[1])(a * 1.0),
    "power": lambda a: a[1] ** float(a[0]), "ufunc": lambda a: np.maximum(a[1], float(a[0])), "out=": lambda a: np.sum(np.add(a, float(a[0]), out=np.zeros(4))),
    "in a list": lambda a: np.sum(np.array([float(a[0]), 1.0])) * a[1], "with ours": lambda a: np.sum(np.array([float(a[0]), a[1]])), "joined": lambda a: np.sum(np.concatenate([[float(a[0])], a])),
    "nested": lambda a: np.sum(np.array([[1.0, float(a[0])]])) * a[1], "list as operand": lambda a: np.sum(a * [float(a[0]), 1.0, 1.0, 1.0]), "full": lambda a: np.sum(np.full(3, float(a[0]))) * a[1],
    "linspace": lambda a: np.sum(np.linspace(0.0, float(a[0]), 3)) * a[1], "arange": lambda a: np.sum(np.arange(float(a[2]))) * a[1], "element": lambda a: (lambda n: (n.__setitem__(0, float(a[0])), n.sum())[1])(np.zeros(3)) * a[1],
    "where": lambda a: np.sum(np.where(a > 0, float(a[0]), a)), "clip": lambda a: np.sum(np.clip(a, float(a[0]), None)), "array": lambda a: np.array(float(a[0])) * a[1],
    "the result": lambda a: float(np.sum(a)), "in the result": lambda a: (np.sum(a), [float(np.sum(a * a))]), "inner gradient": lambda a: grad(lambda b: b * b)(float(a[0])) * a[1],
    "of an array": lambda a: float(a[:1].reshape(())) * a[1], "math of it": lambda a: a[1] * float(a[0] * 1.0),
}


@pytest.mark.parametrize("name", [f"asked: {n}" for n in ASKED] + [f"part: {n}" for n in TAKING_PART])
def test_numbers_that_leave_are_told(name):
    kind, _, key = name.partition(": ")
    f = (ASKED if kind == "asked" else TAKING_PART)[key]
    for operator in (grad, lambda f: lambda x: jvp(f)((x,), np.ones(4))[1]):
        for x in (VECTOR, numpy.array([2.0, 1.0, 3.0, 4.0])):  # of simple numbers too
            seen, _ = warned(f, x, operator)
            assert len(seen) == 1 and seen[0].filename == __file__, [str(w.message) for w in seen]
            if "result" not in key:
                first = f.__code__.co_firstlineno
                assert first <= seen[0].lineno <= first + 2
    # Not of what is not asked for, and not without a gradient.
    assert warned(lambda a: f(np.array(VECTOR)) and np.sum(a))[0] == [] and warned(f, operator=lambda f: f)[0] == []
    if "result" not in key:
        assert warned(lambda a: (f(a), np.sum(a))[1], operator=lambda f: grad(lambda b: f(np.array(VECTOR)) + np.sum(b)))[0] == []


QUIET = {
    "print": lambda a: print(float(a[0])), "if": lambda a: 1 if float(a[0]) > 0 else 2, "logged": lambda a: [float(a[0]), float(a[1])], "format": lambda a: f"{float(a[0])} {a[0]:.2f} %f" % a[0],
    "item": lambda a: a[0].item() * a[0], "tolist": lambda a: a.tolist()[0] * a[0], "asnumpy": lambda a: a.asnumpy() * a, "int": lambda a: int(a[0]) * a[0], "round": lambda a: round(float(a[0]), 2),
    "threshold": lambda a: np.sum(a[a > float(np.mean(a))]), "choice": lambda a: np.sum(np.where(float(a[0]) < a, a, 0.0)), "np.less": lambda a: np.less(a, float(a[0])),
    "np.isnan": lambda a: np.isnan(float(a[0])), "np.isclose": lambda a: np.isclose(float(a[0]), 2.0), "np.allclose": lambda a: np.allclose(a, float(a[0])),
    "math.isnan": lambda a: math.isnan(a[0]) or math.isfinite(a[0]) or math.isclose(a[0], 1.0), "math.floor": lambda a: a[math.floor(a[0])], "floor": lambda a: np.floor(float(a[0])) * a,
    "list": lambda a: list(map(float, a)), "sum of floats": lambda a: sum(float(v) for v in a), "max": lambda a: max(map(float, a)), "text": lambda a: str(float(a[0])) + repr(a[0]),
    "of no gradient": lambda a: math.sin(np.ones(1)[0]) * float(np.ones(1)[0]) * a, "no_grad": no_grad(lambda a: math.sin(a[0]) * float(a[0])),
    "numpy's": lambda a: numpy.float64(2.0) * a, "equal by chance": lambda a: (float(a[0]), a * VECTOR[0], a * float(VECTOR[0]))[1],
}


@pytest.mark.parametrize("name", QUIET)
def test_numbers_for_the_program_are_quiet(name, capsys):
    for operator in (grad, lambda f: lambda x: jvp(f)((x,), np.ones(4))[1]):
        seen, g = warned(lambda a: (QUIET[name](a), np.sum(a * a))[1], operator=operator)
        assert not seen, [str(w.message) for w in seen]
        numpy.testing.assert_allclose(g.asnumpy(), 2 * VECTOR if g.ndim else 2 * VECTOR.sum())


def test_many_numbers_are_forgotten_in_time():
    def f(a):
        kept = [float(a[0]) for _ in range(20_000)]
        return kept[-1] * a[0]
    for _ in range(3):
        seen, _ = warned(f)
        assert len(seen) == 1
    # After the session objects are free again, and mean nothing to the next one.
    number = []
    grad(lambda a: number.append(float(a[0])) or a[0])(np.array(VECTOR))
    assert sys.getrefcount(number[0]) <= 3 and warned(lambda a: a[0] * number[0])[0] == []
    with pytest.raises(ZeroDivisionError):
        grad(lambda a: number.append(float(a[0])) or 1 / 0)(np.array(VECTOR))
    assert sys.getrefcount(number[1]) <= 3


def test_functions_of_compiled_libraries(needs):
    special = needs("scipy.special.cython_special")
    seen, _ = warned(lambda a: special.ellipk(a[0]) * a[0])
    assert len(seen) == 1 and "ellipk" in str(seen[0].message)


def test_code_without_positions_or_source():
    names = {"np": np, "math": math, "a": None}
    for text, told in (("lambda a: math.sin(a[0]) * a[0]", 1), ("lambda a: float(a[0]) * a[0]", 1), ("lambda a: [float(v) for v in a] and a[0]", 0)):
        seen, _ = warned(eval(compile(text, "<typed in>", "eval"), names))
        assert len(seen) == told and all(w.filename == "<typed in>" for w in seen)
        code = eval(compile(text, "<typed in>", "eval"), names)
        code.__code__ = code.__code__.replace(co_linetable=b"")  # as with -X no_debug_ranges
        assert len(warned(code)[0]) == told


def test_other_threads_do_not_record(on_cpu):
    """What another thread computes is a constant; a session of its own is its own."""
    def elsewhere(f, *args):
        found = []
        t = threading.Thread(target=lambda: found.append(f(*args)))
        t.start()
        t.join()
        return found[0]
    x = np.array(VECTOR)
    seen, g = warned(lambda a: np.sum(elsewhere(np.sin, a) * a))
    numpy.testing.assert_allclose(g.asnumpy(), numpy.sin(VECTOR))
    assert seen == []
    # Whole gradients in threads, of closures too, and beside each other.
    numpy.testing.assert_allclose(elsewhere(grad(lambda a: np.sum(a * a)), x).asnumpy(), 2 * VECTOR)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda k: grad(lambda a: np.sum(a**k))(x).asnumpy(), range(1, 9)))
    for k, part in enumerate(parts, 1):
        numpy.testing.assert_allclose(part, k * VECTOR ** (k - 1.0))
    # A gradient taken by another thread inside of a differentiated function is a constant of the outer one.
    g = grad(lambda a: np.sum(elsewhere(grad(lambda b: np.sum(b * b)), a) * a))(x)
    numpy.testing.assert_allclose(g.asnumpy(), 2 * VECTOR)


@pytest.mark.parametrize("f", [
    lambda a: np.place(a, np.array([True, False, True, False]), [9.0, 8.0]), lambda a: a.partition(2), lambda a: np.put(a, [0], 7.0, mode="wrap"),
    lambda a: np.putmask(a, np.array(VECTOR) > 1, np.array([5.0])), lambda a: np.add.at(a, [0, 0], 2.0), lambda a: a.byteswap(True),
    lambda a: np.multiply.at(a, [1, 1], 2.0),
])
def test_both_modes_say_the_same_of_writes_in_numpy(f):
    def g(a):
        b = a * 1.0
        f(b)
        return np.sum(b * a)
    outcomes = []
    for operator in (lambda: np.sum(grad(g)(np.array(VECTOR))), lambda: jvp(g)((np.array(VECTOR),), np.ones(4))[1]):
        try:
            outcomes.append(float(operator()))
        except NoGradientFuncError:
            outcomes.append("raises")
    assert outcomes[0] == outcomes[1] or outcomes[0] == pytest.approx(outcomes[1]), outcomes


def test_another_dtype_of_the_same_memory():
    x = np.array(VECTOR)
    for f in (lambda a: a.view("complex128"), lambda a: a.view("complex128") * 1.0, lambda a: np.sum(a.view("complex128").real)):
        with pytest.raises(NoGradientFuncError):
            grad(f)(x)
        with pytest.raises(NoGradientFuncError):
            jvp(f)((x,), np.ones(4))


def test_forward_mode_is_as_lazy_as_reverse_mode():
    x = np.array(VECTOR)
    f = lambda a: (np.i0(a), np.sum(a))[1]
    assert grad(f)(x).asnumpy().tolist() == [1] * 4 and jvp(f)((x,), np.ones(4))[1] == 4
    with pytest.raises(NoGradientFuncError, match="i0"):
        jvp(lambda a: np.sum(np.i0(a)))((x,), np.ones(4))


def test_spreads_without_a_slope():
    for x, axis in ((numpy.array([3.0]), None), (numpy.array([[3.0, 2.0]]), 0), (numpy.full((2, 3), 4.0), 1), (numpy.full(3, 2 + 1j), None)):
        f = lambda a: np.sum(np.std(a, axis=axis) * (1 + np.real(a).sum()))
        assert not grad(f)(np.array(x)).asnumpy().any()
        assert jvp(f)((np.array(x),), np.ones(x.shape, x.dtype))[1] == 0
        if x.dtype.kind == "f":
            assert not grad(lambda a: np.sum(grad(f)(a)))(np.array(x)).asnumpy().any()
    x = numpy.array([1.0, 2.0, 4.0])
    numpy.testing.assert_allclose(grad(np.std)(np.array(x)).asnumpy(), (x - x.mean()) / (3 * x.std()), rtol=1e-14)
    assert np.isnan(grad(lambda a: np.sqrt(a) * 0)(0.0)) and np.isinf(grad(np.sqrt)(0.0))


def makers():
    yield "global", lambda seed: (np.random.seed(seed), np.random)[1], lambda seed: (numpy.random.seed(seed), numpy.random)[1]
    yield "RandomState", lambda seed: np.random.RandomState(seed), lambda seed: numpy.random.RandomState(seed)
    yield "Generator", lambda seed: np.random.default_rng(seed), lambda seed: numpy.random.default_rng(seed)


GATHERS = {
    "permutation": lambda r, a: r.permutation(a), "shuffle": lambda r, a: (r.shuffle(a), a)[1], "choice": lambda r, a: r.choice(a),
    "choice of some": lambda r, a: r.choice(a, 3), "choice without replacement": lambda r, a: r.choice(a, (2, 2), False),
    "choice by weights": lambda r, a: r.choice(a, 5, p=[0.1, 0.2, 0.3, 0.4]), "choice by position": lambda r, a: r.choice(a, 5, True, [0.1, 0.2, 0.3, 0.4]),
    "permutation of axis 1": lambda r, a: r.permutation(a, 1), "shuffle of axis 1": lambda r, a: (r.shuffle(a, axis=1), a)[1],
    "choice of axis 1": lambda r, a: r.choice(a, 3, axis=1), "permuted": lambda r, a: r.permuted(a), "permuted of axis 0": lambda r, a: r.permuted(a, axis=0),
    "permuted into": lambda r, a: (lambda out: (r.permuted(a, axis=0, out=out), out)[1])(a * 0),
    "choice unshuffled": lambda r, a: r.choice(a, 3, replace=False, shuffle=False),
}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "complex128"])
@pytest.mark.parametrize("shape", [(4,), (4, 3), (1,), (0, 2), (4, 0), (7, 2, 3)])
@pytest.mark.parametrize("maker", list(makers()), ids=[m[0] for m in makers()])
def test_drawn_orders_are_recorded(maker, shape, dtype):
    _, ours, theirs = maker
    x = (numpy.arange(numpy.prod(shape), dtype=float).reshape(shape) + 1).astype(dtype)
    checked = 0
    for name, f in GATHERS.items():
        try:
            r = theirs(5)
            want = numpy.asarray(f(r, x.copy()))
            after = r.random()
        except (ValueError, TypeError, AttributeError, IndexError):
            continue
        weights, seen = numpy.arange(want.size, dtype=float).reshape(want.shape) + 1, []

        def loss(a):
            r = ours(5)
            got = f(r, a * 1)
            seen.append((got.asnumpy(), float(r.random())))
            return np.sum(got * np.array(weights.astype(dtype)))
        g, (_, t) = grad(loss)(np.array(x)), jvp(loss)((np.array(x),), np.array(x))
        for got, then in seen:
            assert got.tobytes() == want.tobytes() and got.shape == want.shape and then == after, name
        expected = numpy.zeros(x.size)
        numpy.add.at(expected, (want.real.astype(int) - 1).ravel(), weights.ravel())
        numpy.testing.assert_allclose(g.asnumpy().ravel(), expected, rtol=1e-2 if dtype == "float16" else 1e-6, err_msg=name)
        assert t == pytest.approx(numpy.sum(want.astype(complex) * weights), rel=1e-2 if dtype == "float16" else 1e-5), name
        checked += 1
    assert checked >= 2


SHIFTED = ["normal", "laplace", "logistic", "gumbel", "uniform", "exponential", "rayleigh", "gamma"]


@pytest.mark.parametrize("name", SHIFTED)
@pytest.mark.parametrize("maker", list(makers()), ids=[m[0] for m in makers()])
def test_shifted_draws_are_recorded(maker, name):
    _, ours, theirs = maker
    lo, hi = numpy.array([0.5, -1.5, 2.25]), numpy.array([[1.5], [3.0]])
    calls = [lambda r, a: getattr(r, name)(a), lambda r, a: getattr(r, name)(a[0]), lambda r, a: getattr(r, name)(a, size=(2, 3))]
    if name == "gamma":
        calls = [lambda r, a: r.gamma(2.0, a), lambda r, a: r.gamma(3.0, scale=a, size=(5, 2, 1))]
    elif name not in ("exponential", "rayleigh"):
        calls = [lambda r, a: getattr(r, name)(a, 1.5), lambda r, a: getattr(r, name)(a, hi), lambda r, a: getattr(r, name)(1.0, a[0] + 3.0),
                 lambda r, a: getattr(r, name)(a[0], 2.0, 4), lambda r, a: getattr(r, name)(a, a[0] + 3.0, size=(2, 3))]
    for f in calls:
        x = numpy.abs(lo) + 0.5 if name in ("exponential", "rayleigh") else hi if name == "gamma" else numpy.abs(lo) / 2
        want, direction = numpy.asarray(f(theirs(3), x)), numpy.full(x.shape, 0.25)
        value, g = value_and_grad(lambda a: np.sum(f(ours(3), a)))(np.array(x))
        assert float(value) == pytest.approx(want.sum())
        assert grad(lambda a: np.sum(f(ours(3), a)) * 0)(np.array(x)).shape == x.shape
        slope = (numpy.sum(f(theirs(3), x + 1e-6 * direction)) - numpy.sum(f(theirs(3), x - 1e-6 * direction))) / 2e-6
        assert numpy.sum(g.asnumpy() * direction) == pytest.approx(slope, rel=1e-6)
        assert jvp(lambda a: np.sum(f(ours(3), a)))((np.array(x),), np.array(direction))[1] == pytest.approx(slope, rel=1e-6)
        seen = []
        grad(lambda a: seen.append(f(ours(3), a)) or np.sum(a))(np.array(x))
        assert seen[0].asnumpy().tobytes() == want.tobytes()


def test_other_draws_complain_when_asked():
    x = np.array(VECTOR)
    for f in (lambda a: np.random.gamma(a), lambda a: np.random.lognormal(a, 1.0), lambda a: np.random.beta(a, 2.0), lambda a: np.random.gamma(a[0]),
              lambda a: np.random.default_rng(0).standard_gamma(a), lambda a: np.random.weibull(a), lambda a: np.random.dirichlet(a)):
        for operator in (lambda f: grad(f)(x), lambda f: jvp(f)((x,), np.ones(4))):
            with pytest.raises(NoGradientFuncError):
                operator(lambda a: np.sum(f(a)))
            operator(lambda a: (f(a), np.sum(a))[1])
    # What is drawn of them are integers, or positions: constants.
    p = np.array([0.1, 0.2, 0.3, 0.4])
    assert not grad(lambda a: np.sum(np.random.choice(4, 3, p=a)) * 1.0)(p).asnumpy().any()
    assert grad(lambda a: np.sum(np.random.poisson(a) * a))(x).asnumpy().shape == (4,)


def test_draws_of_several_threads_stay_one_stream():
    numpy.random.seed(1)
    want = sorted(numpy.random.random(400).tolist())
    np.random.seed(1)
    found = []

    def draws():
        found.extend([float(np.random.random()) for _ in range(100)])
    threads = [threading.Thread(target=draws) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(found) == want
