"""`python -m minpy`, `minpy.install()` and `%load_ext minpy`: programs as they are, with their `numpy` replaced, and nobody else's."""
import os
import pathlib
import pickle
import re
import subprocess
import sys
import textwrap
import zipfile

import numpy
import pytest

import minpy

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "python" / "unmodified"
# Says at the end of the program whose NumPy its `np` is, on a channel that the program does not use.
TOLD = """
import atexit, os, sys
atexit.register(lambda: open(os.environ["TOLD"], "w").write(sys.modules["__main__"].{name}.__name__))
from minpy.__main__ import main
main()
"""


def python(*arguments, cwd=None, stdin=None, **environment):
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, input=stdin, timeout=120,
                          env={**os.environ, **environment})


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")


def run(folder, text, *arguments, **files):
    """The lines that a script prints under `python -m minpy`."""
    write(folder, script=text, **files)
    done = python("-m", "minpy", "script.py", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("script, name, libraries", [
    ("heat", "np", ()), ("kmeans", "numpy", ()), ("spectrum", "np", ("scipy", "matplotlib"))])
def test_unmodified_scripts_give_numpys_results(script, name, libraries, tmp_path, needs):
    for library in libraries:
        needs(library)
    told, file = tmp_path / "told", EXAMPLES / f"{script}.py"
    arguments = [tmp_path / "picture.png"] if libraries else []
    theirs = python(file, *arguments)
    assert theirs.returncode == 0, theirs.stderr
    ours = python("-c", TOLD.format(name=name), file, *arguments, TOLD=str(told))
    assert (ours.returncode, ours.stdout, ours.stderr) == (0, theirs.stdout, theirs.stderr)
    assert told.read_text() == "minpy.numpy"
    assert not libraries or arguments[0].stat().st_size > 10_000


def test_every_way_to_import(tmp_path):
    assert run(tmp_path, """
        import importlib
        import numpy, numpy as np, numpy.fft, numpy.linalg as la, numpy.testing as npt, numpy.lib.stride_tricks, numpy.ma
        from numpy import *
        from numpy import random as rnd, testing, float64
        from numpy.random import default_rng
        from numpy.polynomial import Polynomial
        from numpy.lib.stride_tricks import sliding_window_view as windows
        import module
        unnamed = {}
        exec("import numpy", unnamed)
        def inside():
            import numpy.linalg
            return numpy.linalg
        print(np is numpy is importlib.import_module("numpy") is __import__("numpy") is unnamed["numpy"] is module.np, np.__name__)
        print(la is inside() is importlib.import_module("numpy.linalg") is np.linalg, la.__name__, rnd.__name__, numpy.fft.__name__)
        print({type(x).__module__ for x in (array([1]), zeros(2), default_rng(0).random(3), windows(np.arange(5), 2), la.inv(np.eye(2)))})
        print(testing is npt, npt.__name__, np.ma.__name__, Polynomial.__module__, float64 is type(np.ones(1)[0]))
        print("sigmoid" in dir(), sum is np.sum, set(numpy.__all__) <= set(dir(numpy)))
    """, module="import numpy as np") == [
        "True minpy.numpy", "True minpy.numpy.linalg minpy.numpy.random minpy.numpy.fft", "{'minpy.numpy'}",
        "True numpy.testing numpy.ma numpy.polynomial.polynomial True", "False True True"]


def test_what_is_not_there_is_missing_by_numpys_words(tmp_path):
    script = """
        for statement in ("import numpy.nothing", "from numpy.nothing import x", "import numpi", "import_module('numpy.nothing')"):
            try:
                from importlib import import_module
                exec(statement)
            except ImportError as e:
                print(type(e).__name__, e)
    """
    said = run(tmp_path, script)
    assert len(said) == 4 and said == python("script.py", cwd=tmp_path).stdout.splitlines()


def test_libraries_keep_numpy(tmp_path):
    """Also below the script's own folder, imported by it, and called by it later."""
    installed = tmp_path / ".venv" / "lib" / "site-packages"
    beside = tmp_path / "beside"
    for folder, name in ((installed, "library"), (beside, "other")):
        folder.mkdir(parents=True)
        write(folder, **{name: """
            import importlib, numpy, numpy.linalg as la
            def later():
                import numpy as np
                from numpy import fft
                return {np.__name__, fft.__name__, importlib.import_module("numpy").__name__, numpy.__name__, la.__name__}
        """})
    assert run(tmp_path, f"""
        import sys
        sys.path += [{str(installed)!r}, {str(beside)!r}]
        import statistics, pickle, library, numpy as np
        print(sorted(library.later()), sys.modules["numpy"].__name__)
        print(type(pickle.loads(pickle.dumps(sys.modules["numpy"].ones(2)))).__module__)
    """) == ["['numpy', 'numpy.fft', 'numpy.linalg'] numpy", "numpy"]
    # A folder outside of the script's is somebody else's, unless it is said to be the user's.
    (tmp_path / "scripts").mkdir()
    write(tmp_path / "scripts", script=f"import sys; sys.path.append({str(beside)!r}); import other; print(other.numpy.__name__)")
    assert python("-m", "minpy", tmp_path / "scripts" / "script.py").stdout == "numpy\n"
    added = f"import minpy; minpy.install({str(beside)!r}); import runpy; runpy.run_path({str(tmp_path / 'scripts' / 'script.py')!r})"
    assert python("-c", added).stdout == "minpy.numpy\n"


# Programs, and what of their traceback is compared: all of it, or its end where `python -m` shows the machinery of `runpy`.
PROCESSES = {
    "arguments": (["script.py", "-m", "x", "--y"], "import sys; print(sys.argv, sys.path[0], __name__, __file__, __spec__, __package__)"),
    "module": (["-m", "package", "a"], ""),
    "submodule": (["-m", "package.inner", "a"], ""),
    "code": (["-c", "import sys, numpy; print(sys.argv, repr(sys.path[0]), __name__, '__file__' in dir())", "-c", "2"], ""),
    "code that fails": (["-c", "import numpy\nnumpy.zeros(3)[4]"], ""),
    "typed in": (["-", "a"], "import sys, numpy; print(sys.argv, repr(sys.path[0]), numpy.arange(3))"),
    "folder": (["package", "a"], ""),
    "archive": (["archive.zip", "a"], ""),
    "guarded": (["script.py"], "def f(): return 1\nif __name__ == '__main__': print(f())"),
    "exit": (["script.py"], "import sys; sys.exit(7)"),
    "exit with words": (["script.py"], "import sys; sys.exit('no more')"),
    "exit in the end": (["script.py"], "import atexit, os; atexit.register(os._exit, 9)"),
    "error": (["script.py"], "import numpy as np\ndef f(x):\n    return np.linalg.inv(x.shape[3])\nf(np.ones(2))"),
    "error from another": (["script.py"], "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('x') from e"),
    "error in another": (["script.py"], "try:\n    1 / 0\nexcept ZeroDivisionError:\n    undefined"),
    "syntax": (["script.py"], "import numpy\nx = (1,\n"),
    "module that is not there": (["script.py"], "import numpy.nothing"),
    "module that fails": (["script.py"], "import numpy as np\nfrom package import fails"),
    "hook": (["script.py"], "import sys, traceback\nsys.excepthook = lambda k, v, t: print(k, len(traceback.extract_tb(t)))\nundefined"),
    "interrupted": (["script.py"], "raise KeyboardInterrupt"),
    "killed": (["script.py"], "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"),
    "nothing there": (["nothing.py"], ""),
    "no module": (["-m", "nothing_of_this_name"], ""),
    "no main": (["-m", "encodings"], ""),
    "no argument": (["-m"], ""),
    "empty folder": (["empty"], ""),
    "main": (["script.py"], "import sys, inspect, pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A, "
             "sys.modules['__main__'].A is A, inspect.getsource(A), A.__module__)"),
    "threads": (["script.py"], "import threading, time\ndef f():\n    time.sleep(0.2)\n    print('late', sorted(globals())[-1])\n"
                "threading.Thread(target=f).start()"),
    "written": (["script.py"], "import warnings\nwarnings.warn('here')\nprint(__annotations__, __doc__, __builtins__.len('abc'))"),
}


@pytest.mark.parametrize("case", PROCESSES)
def test_processes_behave_as_under_python(case, tmp_path):
    arguments, script = PROCESSES[case]
    (tmp_path / "empty").mkdir()
    (tmp_path / "package").mkdir()
    said = "import sys; print(sys.argv[1:], sys.argv[0].endswith('.py'), sys.path[0], __name__, __package__, __spec__ and __spec__.name)\n"
    write(tmp_path / "package", __init__="", __main__=said, inner=said, fails="import numpy as np\nimport json\n1 / 0")
    write(tmp_path, script=script)
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("__main__.py", said)
    stdin = script if arguments[0] == "-" else None
    theirs = python(*arguments, cwd=tmp_path, stdin=stdin)
    ours = python("-m", "minpy", *arguments, cwd=tmp_path, stdin=stdin)
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout), ours.stderr

    def shown(text):
        text = text.replace(f"{sys.executable}: ", "").split("usage:")[0]
        return re.sub(r"can't find '__main__' module in (.*/)?", "can't find '__main__' module in '", text).replace("''", "'").strip()
    wanted = shown(theirs.stderr)
    if case == "no argument":  # Python shows its own usage
        wanted = wanted.splitlines()[0]
    assert shown(ours.stderr) == wanted


def test_usage():
    assert python("-m", "minpy").returncode == 2 and "usage" in python("-m", "minpy").stderr
    assert "usage" in python("-m", "minpy", "--help").stdout


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing(method, tmp_path):
    assert run(tmp_path, """
        import multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor
        import numpy as np
        import helper

        def work(x):
            import statistics
            return np.__name__, helper.np.__name__, sys.modules["numpy"].__name__, type(x).__module__, float(np.sum(x * 2))

        if __name__ == "__main__":
            context = multiprocessing.get_context(sys.argv[1])
            with context.Pool(1) as pool:
                print(*pool.map(work, [np.ones(3)])[0])
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                print(*pool.submit(work, np.ones(3)).result())
    """, method, helper="import numpy as np") == ["minpy.numpy minpy.numpy numpy minpy.numpy 6.0"] * 2


def test_modules_run_with_their_package(tmp_path):
    (tmp_path / "project").mkdir()
    write(tmp_path / "project", __init__="", part="import numpy as np", __main__="from . import part\nimport numpy\nprint(part.np.__name__, numpy.__name__)")
    assert python("-m", "minpy", "-m", "project", cwd=tmp_path).stdout == "minpy.numpy minpy.numpy\n"
    assert python("-m", "minpy", "project", cwd=tmp_path).returncode == python("project", cwd=tmp_path).returncode == 1
    write(tmp_path, test_it="import unittest, numpy\nclass T(unittest.TestCase):\n    def test(self):\n        print(numpy.__name__)")
    assert python("-m", "minpy", "-m", "unittest", "test_it", cwd=tmp_path).stdout == "minpy.numpy\n"


def test_install_and_uninstall(tmp_path):
    write(tmp_path, script="""
        import builtins, importlib
        before = builtins.__import__, importlib.import_module
        import numpy as first
        import minpy
        minpy.install()
        minpy.install()
        import numpy as second, helper
        other = builtins.__import__
        builtins.__import__ = lambda *a, **k: other(*a, **k)
        minpy.uninstall()
        minpy.install()
        import numpy as third
        minpy.uninstall()
        import numpy as fourth
        builtins.__import__ = other
        minpy.uninstall()
        print(first.__name__, second.__name__, helper.np.__name__, third.__name__, fourth.__name__)
        print(before == (builtins.__import__, importlib.import_module))
    """, helper="import numpy as np")
    done = python("script.py", cwd=tmp_path)
    assert done.stdout.splitlines() == ["numpy minpy.numpy minpy.numpy minpy.numpy numpy", "True"], done.stderr


def test_files_of_arrays_need_no_minpy(tmp_path):
    """What a program writes by NumPy's functions is what it writes without us."""
    write(tmp_path, script="""
        import numpy as np
        x = np.arange(3.0)
        np.save("x.npy", x), np.savez("x.npz", x=x, y=x > 1), np.savetxt("x.txt", x), x.tofile("x.bin")
    """)
    files = ("x.npy", "x.npz", "x.txt", "x.bin")
    assert python("script.py", cwd=tmp_path).returncode == 0
    theirs = [(tmp_path / f).read_bytes() for f in files]
    assert python("-m", "minpy", "script.py", cwd=tmp_path).returncode == 0
    assert [(tmp_path / f).read_bytes() for f in files] == theirs


def test_ipython(needs, tmp_path):
    needs("IPython")
    write(tmp_path, session="""
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        for cell in ("import numpy as early", "%load_ext minpy", "import numpy as np, helper, json", "print(np.__name__, helper.np.__name__)",
                     "def f():\\n    import numpy\\n    return numpy.__name__", "print(f())", "%timeit -n1 -r1 import numpy; assert numpy is np",
                     "%unload_ext minpy", "import numpy as late; print(early.__name__, late.__name__)"):
            assert shell.run_cell(cell).success
    """, helper="import numpy as np")
    done = python("session.py", cwd=tmp_path, IPYTHONDIR=str(tmp_path))
    lines = [line for line in done.stdout.splitlines() if "per loop" not in line]
    assert lines == ["minpy: early is NumPy, imported before; import it again", "minpy.numpy minpy.numpy", "minpy.numpy", "numpy numpy"], done


def test_nothing_is_installed_without_being_asked():
    import builtins
    assert builtins.__import__.__module__ == "builtins"
    assert pickle.loads(pickle.dumps(numpy.ones(2))).sum() == 2 and callable(minpy.install)
