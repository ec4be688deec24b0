"""Runs a program as `python` itself would: a script, a folder or archive with `__main__.py`, `-m module`, `-c code`, or `-` (what is
typed in). `python -m minpy` and `python -m minpy.profile` are made of it.

The program has `__main__`, `sys.argv` and `sys.path` as it expects them, its exit code is the process's, and its tracebacks begin in it.
"""
from __future__ import annotations

import builtins
import importlib.machinery
import importlib.util
import io
import os
import sys
import types
from typing import Any, NoReturn

_OURS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
_RUNPY = ("<frozen runpy>", importlib.util.find_spec("runpy").origin)  # type: ignore[union-attr]


class Program:
    """What a command line names, ready to run."""

    def __init__(self, arguments: list[str]) -> None:
        """Sets `sys.argv` and `sys.path`, and finds the program; what is not there ends the process as it ends `python`."""
        self.folder = os.getcwd()
        self._attributes: dict[str, Any] = {"__spec__": None, "__loader__": None}
        self._code: Any
        first, *rest = arguments
        if first in ("-m", "-c") and not rest:
            _stop(f"Argument expected for the {first} option")
        if first == "-m":
            sys.argv = ["-m", *rest[1:]]
            _search(os.getcwd())
            self._module(rest[0])
        elif first == "-c":
            sys.argv = ["-c", *rest[1:]]
            _search("")
            self._loaded(rest[0], "<string>")
        elif first == "-":
            sys.argv = arguments
            _search("")
            self._loaded(sys.stdin.buffer.read(), "<stdin>")
        else:
            sys.argv = arguments
            self._script(first)

    def _loaded(self, source: str | bytes, name: str) -> None:
        # Compiled where the exceptions of the program are looked after.
        self._code = lambda: compile(source, name, "exec", dont_inherit=True)

    def _script(self, name: str) -> None:
        path = os.path.abspath(name)
        found = importlib.machinery.PathFinder.find_spec("__main__", [path]) if not path.endswith((".py", ".pyc")) else None
        if found is not None and found.loader is not None:
            self.folder = path if os.path.isdir(path) else os.path.dirname(path)
            _search(path)
            self._found("__main__", found)
            return
        if os.path.isdir(path):
            _stop(f"can't find '__main__' module in {path!r}", 1)
        try:
            with io.open_code(path) as file:
                source = file.read()
        except OSError as e:
            _stop(f"can't open file {path!r}: [Errno {e.errno}] {e.strerror}")
        self.folder = os.path.dirname(os.path.realpath(path))
        _search(self.folder)
        loader: Any = importlib.machinery.SourceFileLoader("__main__", path)
        if path.endswith(".pyc"):
            loader = importlib.machinery.SourcelessFileLoader("__main__", path)
            self._code = lambda: loader.get_code("__main__")
        else:
            self._loaded(source, path)
        self._attributes.update(__file__=path, __cached__=None, __loader__=loader)

    def _module(self, name: str) -> None:
        try:
            spec = importlib.util.find_spec(name)
            if spec is not None and spec.submodule_search_locations is not None:
                package, name = name, f"{name}.__main__"
                spec = importlib.util.find_spec(name)
                if spec is None:
                    _stop(f"No module named {name}; {package!r} is a package and cannot be directly executed", 1)
        except (ImportError, ValueError) as e:
            _stop(f"Error while finding module specification for {name!r} ({type(e).__name__}: {e})", 1)
        if spec is None or spec.loader is None:
            _stop(f"No module named {name}", 1)
        self._found(name, spec)
        sys.argv[0] = spec.origin or sys.argv[0]

    def _found(self, name: str, spec: importlib.machinery.ModuleSpec) -> None:
        loader: Any = spec.loader
        self._code = lambda: loader.get_code(name)
        self._attributes.update(
            __spec__=spec, __loader__=loader, __file__=spec.origin, __cached__=spec.cached, __package__=spec.parent)

    def run(self) -> None:
        """Runs it in this process's `__main__`."""
        main = types.ModuleType("__main__")
        vars(main).update(self._attributes, __builtins__=builtins, __annotations__={})
        sys.modules["__main__"] = main
        try:
            exec(self._code(), vars(main))
        except BaseException as exception:
            _begin_in_the_program(exception)
            raise


def _search(place: str) -> None:
    """Puts the program's place where `python -m` has put the current folder."""
    if not sys.flags.safe_path:
        sys.path[0] = place


def _stop(message: str, code: int = 2) -> NoReturn:
    print(f"{sys.executable}: {message}", file=sys.stderr)
    raise SystemExit(code)


def _begin_in_the_program(exception: BaseException) -> None:
    """Has the process's last traceback begin in the program. The interpreter adds our frames while it leaves them, so that they are
    taken away where it is shown."""
    shown = sys.excepthook

    def show(kind, value, traceback):
        while traceback is not None and _is_ours(traceback.tb_frame.f_code.co_filename):
            traceback = traceback.tb_next
        value.__traceback__ = sys.last_traceback = traceback
        shown(kind, value, traceback)
    sys.excepthook = show


def _is_ours(file: str) -> bool:
    return file in _RUNPY or file.startswith((_OURS, "<frozen importlib"))
