"""Devices for tests: `device` runs a test on the CPU and on OpenCL where there is one. Libraries of others: `needs`.

MINPY_REQUIRE_OPENCL=1 turns a missing OpenCL device into a failure, MINPY_REQUIRE_LIBRARIES=1 a missing library.
"""
import importlib
import os

import numpy
import pytest

import minpy
from minpy._minpy import counters
from minpy.context import Context, current_context, set_context


def has_opencl():
    return any(c.device_type == "opencl" for c in minpy.devices())


@pytest.fixture(params=["cpu", "opencl"])
def device(request):
    """The current device of the test."""
    if request.param == "opencl" and not has_opencl():
        if os.environ.get("MINPY_REQUIRE_OPENCL") == "1":
            pytest.fail("no OpenCL device, and MINPY_REQUIRE_OPENCL=1")
        pytest.skip("no OpenCL device")
    before = current_context()
    context = Context(request.param, 0)
    set_context(context)
    yield context
    set_context(before)


@pytest.fixture(scope="session")
def needs():
    """`needs("scipy.linalg")`: that module, or the test is left out."""
    def module(name):
        return importlib.import_module(name) if os.environ.get("MINPY_REQUIRE_LIBRARIES") == "1" else pytest.importorskip(name)
    return module


@pytest.fixture(scope="session")
def at_once():
    """Whether small arrays are computed at once on the host: not where the tests run with everything deferred."""
    return os.environ.get("MINPY_DEFER_BYTES") != "0"


@pytest.fixture
def on_cpu():
    """For tests about memory that NumPy shares: only the host has such memory."""
    with Context("cpu", 0):
        yield


@pytest.fixture(autouse=True)
def clean_state():
    """Policy and counters do not leak from one test into another."""
    before = current_context()
    with numpy.errstate(all="ignore"):
        yield
    minpy.set_global_policy("prefer_device")
    counters.count_ops(False)
    set_context(before)
