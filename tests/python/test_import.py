"""What `import minpy.numpy` loads beyond NumPy, and that all of NumPy's names are there all the same."""
import os
import re
import subprocess
import sys

import numpy
import pytest

import minpy.numpy as np

# What is left, with the reason.
ALLOWED = {
    "__future__",  # annotations of minpy.profiling
    "threading",   # entered contexts and policies belong to threads; the lock of profiles
}


def modules(program):
    out = subprocess.run([sys.executable, "-c", program + "\nimport sys\nprint('\\n'.join(sys.modules))"], capture_output=True, text=True,
                         check=True).stdout
    return set(out.split())


def test_nothing_is_imported_that_numpy_does_not_import():
    more = {m for m in modules("import minpy.numpy") - modules("import numpy, threading") if m.split(".")[0] != "minpy"}
    assert more <= ALLOWED, more - ALLOWED
    lazy = "numpy.f2py numpy.ma numpy.random numpy.fft numpy.testing numpy.polynomial numpy.typing numpy.ctypeslib subprocess".split()
    assert not set(lazy) & modules("import minpy.numpy as np\nnp.dot(np.ones((2, 2)), np.ones(2)).sum().item()")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux what is loaded")
def test_no_driver_is_opened():
    """Neither by importing, nor by computing on the host: devices are looked for when one is named."""
    program = "import minpy.numpy as np\nnp.dot(np.ones((2, 2)), np.ones(2)).sum().item()\nprint(open('/proc/self/maps').read())"
    environment = {k: v for k, v in os.environ.items() if k != "MINPY_DEVICE"}

    def loaded():
        out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment).stdout
        return {line.rsplit("/", 1)[-1] for line in out.splitlines() if re.search(r"/lib(OpenCL|cuda|nvrtc|pocl)", line)}
    assert not loaded()
    before = {m for m in modules("import minpy.numpy") if m.startswith("minpy")}
    assert not before & {"minpy._running", "minpy.__main__", "minpy.profile"}


def test_what_is_asked_for_is_there():
    program = "import minpy.numpy as np\nfrom minpy.numpy import fft\nnp.random.rand(2); np.linalg.inv(np.eye(2)); np.ma.masked; assert np.fft is fft"
    assert {"numpy.random", "numpy.ma", "numpy.fft", "minpy.numpy.random", "minpy.numpy.fft"} <= modules(program)


def test_submodules_are_one_object_by_every_way():
    import minpy.numpy.linalg
    import minpy.numpy.random
    assert np.linalg is minpy.numpy.linalg is sys.modules["minpy.numpy.linalg"]
    assert np.random is minpy.numpy.random is sys.modules["minpy.numpy.random"]
    assert np.ma is numpy.ma and np.dtypes is numpy.dtypes


def test_all_public_names_are_there():
    missing = [n for n in set(numpy.__all__) | {n for n in dir(numpy) if n[0] != "_"} if not hasattr(np, n) and hasattr(numpy, n)]
    assert not missing
    namespace = {}
    exec("from minpy.numpy import *", namespace)
    assert set(np.__all__) <= set(namespace)
