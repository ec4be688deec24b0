"""NumPy in place of what core lacks: results, views, writes, policies and counters."""
import threading
import warnings

import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy.numpy import op_stat
from minpy.policy import OnlyDevicePolicy, PrimitivePolicyError


def test_results_are_ours(device):
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    for r in (np.linalg.pinv(a), np.fft.fft(a), np.percentile(a, 50, axis=0), np.kron(a, a), np.gradient(a)[0], np.pad(a, 1)):
        assert type(r) is np.ndarray and r.context == device
    values, vectors = np.linalg.eigh(a @ a.T)
    assert type(values) is np.ndarray and vectors.context == device
    assert np.linalg.eigh(a @ a.T).eigenvalues.context == device
    assert isinstance(np.median(a), numpy.floating) and np.median(a) == 2.5
    assert type(np.histogram(a)[1]) is np.ndarray


def test_a_view_stays_a_view(device):
    a = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    v = np.rot90(a)  # NumPy gives a view
    v[0, 0] = 100
    assert float(a[0, 2]) == 100
    w = np.lib.stride_tricks.sliding_window_view(a, 2, axis=1)
    assert w.shape == (2, 2, 2)


def test_writes_reach_the_device(device):
    a = np.array([3.0, 1.0, 2.0, 0.0])
    np.place(a, np.array([True, False, False, True]), [7.0, 8.0])
    assert a.context == device and a.asnumpy().tolist() == [7, 1, 2, 8]
    a.partition(1)
    assert sorted(a.asnumpy().tolist()) == [1, 2, 7, 8]
    m = np.zeros((5, 2))
    np.fill_diagonal(m, 1.0, wrap=True)
    assert m.asnumpy().sum() == 4
    out = np.zeros(2)
    assert np.median(np.array([[1.0, 5.0], [3.0, 7.0]]), axis=0, out=out) is out
    assert out.asnumpy().tolist() == [2, 6] and out.context == device
    f = np.zeros(3)
    np.frexp(np.array([8.0, 4.0, 2.0]), f)
    assert f.asnumpy().tolist() == [0.5, 0.5, 0.5]


def test_version_rises():
    a = np.arange(4.0)
    before = a._version
    np.place(a, a > 2, 0.0)
    assert a._version > before


def test_counting(device):
    np.record_op_stat()
    before = minpy.fallback_count()
    a = np.ones((3, 3))
    np.exp(a).sum()
    assert minpy.fallback_count() == before
    for _ in range(2):
        np.i0(a)
    assert minpy.fallback_count() == before + 2
    entry, = [f for f in op_stat()["fallbacks"] if f["op"] == "i0"]
    assert entry["calls"] == 2 and entry["device"] == str(device) and entry["seconds"] > 0
    assert entry["site"].startswith(__file__)
    assert (entry["bytes"] > 0) == (device.device_type != "cpu")


def test_looking_is_no_fallback(device):
    a = np.ones((2, 2))
    before = minpy.fallback_count()
    with minpy.use_policy("only_device"):
        assert repr(a) == "array([[1., 1.],\n       [1., 1.]])" and str(a.sum()) == "4.0"
        assert a.tolist() == [[1, 1], [1, 1]] and np.shape(a) == (2, 2)
    assert minpy.fallback_count() == before


def test_only_device(device):
    a = np.ones(3)
    with minpy.use_policy("only_device"):
        with pytest.raises(PrimitivePolicyError, match="i0"):
            np.i0(a)
        np.exp(a).sum()
        with pytest.raises(PrimitivePolicyError):
            a.setfield(3.0, float)
    np.i0(a)
    with OnlyDevicePolicy(), pytest.raises(ValueError):
        np.i0(a)


def test_only_numpy():
    a = np.array([1.0, 2.0])
    native = np.exp(a * 2 + 1).sum()
    np.record_op_stat()
    with minpy.use_policy("only_numpy"):
        by_numpy = np.exp(a * 2 + 1).sum()
    assert float(by_numpy) == float(native) or abs(float(by_numpy) - float(native)) < 1e-12
    assert {f["reason"] for f in op_stat()["fallbacks"]} == {"policy only_numpy"}
    assert len(op_stat()["fallbacks"]) >= 4


def test_policies_nest_and_survive_exceptions():
    assert minpy.get_global_policy().name == "prefer_device"

    @minpy.wrap_policy("only_numpy")
    def f():
        assert minpy.get_global_policy().name == "only_numpy"
        with minpy.use_policy("only_host"):
            assert minpy.get_global_policy().name == "only_host"
        raise KeyError
    with pytest.raises(KeyError):
        f()
    assert minpy.get_global_policy().name == "prefer_device"
    np.set_policy("only_mxnet")
    assert minpy.get_global_policy().name == "only_device" and np.policy.name == "only_device"


def test_other_dtypes_stay_numpy():
    s = np.array(["a", "b"])
    assert type(s) is numpy.ndarray and isinstance(s, np.ndarray)
    assert type(np.array([1, None])) is numpy.ndarray
    assert type(np.array(["2020-01-01"], dtype="M8[D]")) is numpy.ndarray
    assert type(np.zeros(2, dtype=[("x", int)])) is numpy.ndarray
    assert type(np.ones(2, dtype="longdouble")) is numpy.ndarray
    assert type(np.ones(2) + numpy.ones(2, dtype="longdouble")) is numpy.ndarray
    assert (np.array([1, 2]) == None).tolist() == [False, False]  # noqa: E711
    assert np.char.upper(s).tolist() == ["A", "B"]


def test_ufunc_methods_and_missing_ufuncs(device):
    a = np.array([[8.0, 3.0], [2.0, 1.0]])
    mantissa, exponent = np.frexp(a)
    assert exponent.asnumpy().tolist() == [[4, 2], [2, 1]] and mantissa.context == device
    assert np.divmod(a, 3)[0].asnumpy().tolist() == [[2, 1], [0, 0]]
    assert isinstance(np.frexp, np.ufunc) and isinstance(np.add, np.ufunc) and isinstance(numpy.add, np.ufunc)
    assert np.add.reduceat(a[0], [0, 1]).asnumpy().tolist() == [8, 3]
    assert np.subtract.reduce(a, axis=1).asnumpy().tolist() == [5, 1]
    b = np.array([1.0, 2.0])
    np.divide.at(b, [0, 0], 2.0)
    assert b.asnumpy().tolist() == [0.25, 2.0] and b.context == device


def test_containers_of_arrays():
    a, b = np.ones((2, 2)), np.zeros((2, 2))
    assert np.block([[a, b], [b, a]]).sum() == 8
    assert np.select([a > 0], [b + 5.0], default=1.0).sum() == 20
    assert np.linalg.multi_dot([a, a, a]).sum() == 16
    assert np.apply_along_axis(lambda r: r.sum(), 0, a).tolist() == [2, 2]
    assert np.piecewise(a, [a > 0], [3.0]).sum() == 12


def test_positional_outputs(device):
    a = numpy.array([[1.0, 5.0, 2.0], [7.0, 3.0, 4.0]])
    for name in ("nanmax", "median", "nanmedian"):
        want, out = numpy.zeros(3), np.zeros(3)
        getattr(numpy, name)(a, 0, want)
        assert getattr(np, name)(np.array(a), 0, out) is out and out.asnumpy().tolist() == want.tolist()
    out = np.zeros(3)
    assert np.random.default_rng(3).random(None, "f8", out) is out
    assert out.asnumpy().tolist() == numpy.random.default_rng(3).random(3).tolist()
    assert np.modf(np.array([1.5]), np.zeros(1), out[:1])[1].tolist() == [1] and out[0] == 1


def test_functions_of_numpy_arrays_are_of_the_current_device(device):
    n = numpy.array([[3.0, 1.0], [2.0, 4.0]])
    for f in (np.sum, np.mean, np.var, np.std, np.cumsum, np.argmax, np.sort, np.argsort, np.softmax, lambda n: np.nonzero(n)[0], lambda n: np.take(n, [0], 0)):
        r = f(n)
        assert (isinstance(r, numpy.generic) and device.device_type == "cpu") or r.context == device
    with minpy.use_policy("only_device"):
        assert np.cumsum(n).context == device


def test_ufuncs_of_numpys_give_our_arrays():
    """Those that core lacks, also of a list, as every other function does."""
    assert isinstance(np.spacing, np.ufunc)
    before = minpy.fallback_count()
    for r in (np.spacing([1.0, 2.0]), *np.frexp([1.0, 2.0]), *np.modf(np.array([1.5])), *np.divmod([5, 7], 2), np.ldexp(1.0, [1, 2]),
              np.spacing(np.ones((2, 3)))):
        assert type(r) is np.ndarray
    assert minpy.fallback_count() > before


def test_ufuncs_of_numpys_are_found_in_lists_of_numpys():
    """`ufuncs.remove(np.spacing)` of programs that list NumPy's own."""
    theirs = [numpy.spacing, numpy.bitwise_count]
    assert np.bitwise_count in theirs and np.spacing != np.bitwise_count
    assert {np.spacing: 1}[numpy.spacing] == 1


def test_fallbacks_warn_where_they_are_asked_to(recwarn):
    a = np.array([[3.0, 1.0], [1.0, 2.0]])
    np.emath.sqrt(a)
    with minpy.use_policy("warn_device") as policy:
        assert minpy.get_global_policy() == policy == minpy.WarnDevicePolicy()
        np.exp(a).sum().item()
        repr(a), a.tolist()
        assert not recwarn.list
        for _ in range(2):
            np.emath.sqrt(a)  # once a line
        np.linalg.pinv(a), np.polyfit([1, 2], a, 1)
        np.cov(a, fweights=[1, 1])
        with minpy.use_policy("prefer_device"):
            np.emath.sqrt(a)
        with minpy.context.cpu(0):
            assert minpy.get_global_policy() == policy
    np.emath.sqrt(a)
    assert {w.category for w in recwarn.list} == {minpy.FallbackWarning}
    assert [str(w.message).split(" ")[0] for w in recwarn.list] == ["emath.sqrt", "linalg.pinv", "polyfit", "cov"]
    assert {w.filename for w in recwarn.list} == {__file__} and "was done by NumPy: core has no such operation" in str(recwarn.list[0].message)
    with minpy.use_policy("warn_device"), warnings.catch_warnings():
        warnings.simplefilter("error", minpy.FallbackWarning)
        with pytest.raises(minpy.FallbackWarning, match=r"emath\.sqrt"):
            np.emath.sqrt(a)
        with pytest.raises(minpy.FallbackWarning, match="setfield"):
            a.setfield(3.0, float)
    seen = []
    with minpy.use_policy("warn_device"):
        t = threading.Thread(target=lambda: seen.append(minpy.get_global_policy().name))
        t.start()
        t.join()
    assert seen == ["prefer_device"]


def test_what_a_device_lacks_warns_too(device, recwarn):
    if device.device_type == "cpu":
        return
    a = np.array([1, 2, 3], "int64")
    for f in (lambda: np.sort(a), lambda: np.array([1 + 2j, 3j]) * 1j, lambda: np.erf(np.ones(3))):
        before = minpy.fallback_count()
        with minpy.use_policy("warn_device"):
            f()
            minpy.flush()
        told = [w for w in recwarn.list if w.category is minpy.FallbackWarning]
        assert bool(told) == (minpy.fallback_count() > before)
        assert all(w.filename == __file__ for w in told)
        recwarn.clear()
