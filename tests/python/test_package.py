"""The package: every name of NumPy, contexts, the registry after linking, and imports."""
import importlib
import os
import subprocess
import sys
import threading

import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy import _minpy
from minpy.context import Context, cpu, current_context, set_context

# The names of the original (which the table does not know), with the arguments of those that no table has.
NATIVE_49 = """zeros sum dot log argmax arange tanh ones count_nonzero exp array maximum max reshape zeros_like add multiply min int_ sqrt
expand_dims newaxis onehot_encode append cosh vstack abs linspace full empty sin slice_axis minimum logaddexp softmax_output mean std stack
concatenate transpose set_policy policy record_op_stat show_op_stat eye""".split()


def test_every_name_of_numpy():
    missing = [n for n in set(numpy.__all__) | {n for n in dir(numpy) if not n.startswith("_")} if not hasattr(np, n)]
    assert not missing
    for module in "random linalg fft ma testing lib polynomial char rec strings exceptions dtypes lib.stride_tricks lib.format".split():
        m = importlib.import_module("minpy.numpy." + module)
        theirs = importlib.import_module("numpy." + module)
        assert not [n for n in getattr(theirs, "__all__", []) if not hasattr(m, n)]
    assert np.emath is np.lib.scimath and type(np.emath.sqrt([-1.0])) is np.ndarray
    from minpy.numpy.linalg import norm
    assert norm(np.array([3.0, 4.0])) == 5


@pytest.mark.parametrize("name", NATIVE_49)
def test_native(name, device):
    """The names of the original run without a fallback."""
    f = getattr(np, name)
    if not callable(f) or isinstance(f, type) or name.endswith("_stat") or name == "set_policy":
        return
    a = np.array([[1.0, 2.0], [3.0, 4.0]])

    def there(value):
        if isinstance(value, (list, tuple)):
            return type(value)(map(there, value))
        return value.copy().as_in_context(device) if type(value) is np.ndarray else value
    calls = [(there(args), {k: there(v) for k, v in kwargs.items()}) for entry, _, args, kwargs in _minpy._table_cases() if entry == name]
    for args, kwargs in calls or [(([1.0, 2.0],) if name == "array" else (a,) * f.nin, {})]:
        before = minpy.fallback_count()
        with minpy.use_policy("only_device" if device.device_type == "cpu" else "prefer_device"):
            r = f(*args, **kwargs)
        assert minpy.fallback_count() == before
        r = r[0] if isinstance(r, tuple) else r
        assert not isinstance(r, np.ndarray) or r.context == device


def test_contexts():
    assert str(cpu()) == "cpu(0)" == str(Context("cpu", 0)) == repr(Context("cpu")) and cpu() == Context("cpu", 0)
    before = current_context()
    with cpu() as c:
        assert current_context() == c
    assert current_context() == before
    set_context("cpu:0")
    assert cpu() in minpy.devices() and {cpu(): 1}[Context("cpu")] == 1
    assert set(cpu().memory_stats()) == {"used", "pooled", "peak", "system_allocations"}


def test_contexts_belong_to_threads(device):
    seen = []
    t = threading.Thread(target=lambda: seen.append(str(current_context())))
    t.start()
    t.join()
    assert seen[0].startswith("cpu") or "MINPY_DEVICE" in __import__("os").environ


@pytest.mark.parametrize("entered,state", [
    (lambda: cpu(), current_context),
    (lambda: minpy.use_policy("only_numpy"), minpy.get_global_policy),
])
def test_one_object_entered_by_two_threads(entered, state):
    shared, inside, left = entered(), threading.Event(), threading.Event()
    seen = []

    def other():
        minpy.set_global_policy("only_host")
        before = state()
        with shared:
            inside.set()
            left.wait(10)
        seen.append(state() == before)
    thread = threading.Thread(target=other)
    minpy.set_global_policy("only_device")
    with minpy.context.Context("opencl" if any(d.device_type == "opencl" for d in minpy.devices()) else "cpu"):
        before = state()
        with shared:
            thread.start()
            inside.wait(10)
        left.set()
        thread.join()
        assert state() == before and seen == [True]


def test_moving(device):
    a = np.array([1.0, 2.0])
    b = a.as_in_context(cpu())
    assert b.context == cpu() and b.tolist() == [1, 2]
    assert a.as_in_context(device) is a
    c = np.zeros(2)
    assert a.copyto(c) is c and c.tolist() == [1, 2]
    a.wait_to_read()
    minpy.wait()


def test_arrays_of_two_devices(device):
    with cpu():
        a = np.ones(3)
    b = np.ones(3)
    assert (a + b).context == device
    assert (b + a.sum()).context == device


def test_registry_after_linking():
    found = _minpy.devices.kernels()
    assert "cpu" in found and "opencl" in found
    for family in ("Elementwise", "Reduce", "ArgReduce", "Scan", "Matmul", "Gather", "Scatter", "Sort", "Nonzero", "RandomBits"):
        assert f"Family({family})" in found["cpu"], family
    assert {"add", "exp", "sum", "matmul", "gather", "scatter"} <= set(found["ops"])


def test_ufunc_table():
    for name, f in _minpy._ufuncs().items():
        assert getattr(np, name).__name__ == name and f.__doc__ and f.nin in (1, 2, 3)
        assert f.nout == getattr(getattr(numpy, name, None), "nout", 1), name
    assert np.abs is np.absolute and np.add.identity == 0 and np.add.types == numpy.add.types


def test_device_from_environment():
    code = "import minpy.numpy as np; print(np.zeros(1).context)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**__import__("os").environ, "MINPY_DEVICE": "cpu:0"})
    assert run.stdout.strip() == "cpu(0)", run.stderr
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**__import__("os").environ, "MINPY_DEVICE": "nothing:0"})
    assert run.returncode == 1 and "nothing" in run.stderr and "panicked" not in run.stderr


def test_threads():
    a = np.ones((300, 300))
    results = []

    def work():
        b = a
        for _ in range(20):
            b = np.tanh(b + a) @ a / 300
        results.append(float(b.sum()))
    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(set(results)) == 1


def test_names_of_the_package():
    for name in ("set_global_policy", "wrap_policy", "use_policy", "fallback_count", "wait", "__version__", "OnlyNumPyPolicy"):
        assert hasattr(minpy, name)
    from minpy.array import Array, Number, wrap
    assert type(wrap(numpy.ones(2))) is np.ndarray and type(wrap(numpy.float64(2))) is Number
    assert isinstance(np.ones(2), Array) and not isinstance(numpy.ones(2), Array) and type(Array([1, 2])) is np.ndarray


@pytest.mark.parametrize("name, text", [("MINPY_DEFER_BYTES", "32K"), ("MINPY_NUM_THREADS", "0"), ("MINPY_NUM_THREADS", "two"), ("MINPY_SIMD", "sse")])
def test_environment_is_checked(name, text):
    run = subprocess.run([sys.executable, "-c", "import minpy"], env={**os.environ, name: text}, capture_output=True, text=True)
    assert run.returncode != 0 and f"{name}={text}" in run.stderr and "ValueError" in run.stderr
