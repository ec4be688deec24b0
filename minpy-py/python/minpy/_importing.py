"""Whose `numpy` is ours: the import hook of `minpy.install()`, `python -m minpy` and `%load_ext minpy`.

Decided by who imports. The main script and the modules of its folder get `minpy.numpy`; the standard library, whatever is installed, and
NumPy itself get NumPy: `sys.modules["numpy"]` is never touched, so that compiled code and libraries find what they were made for.
"""
from __future__ import annotations

import builtins
import functools
import importlib
import os
import sys
import types
from typing import Any

import numpy

from minpy._minpy import _Importer

# The folders of the user's modules; empty while nothing is installed.
_folders: tuple[str, ...] = ()
# What libraries are, wherever the user's folders may be: below one of these, or in an installation.
_LIBRARIES = tuple(os.path.join(os.path.dirname(os.path.realpath(f)), "") for f in (os.__file__, numpy.__file__, __file__))
_INSTALLED = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))
_MAIN = ("__main__", "__mp_main__")  # the second in processes of multiprocessing

_python_import_module = importlib.import_module


@functools.lru_cache(maxsize=4096)
def _file_is_users(file: str, folders: tuple[str, ...]) -> bool:
    path = os.path.realpath(file)
    return path.startswith(folders) and not path.startswith(_LIBRARIES) and not any(name in path for name in _INSTALLED)


def _is_users(namespace: dict[str, Any] | None, frame: types.FrameType | None) -> bool:
    """Whether globals are those of the user's module. Code that runs in globals without a name belongs to who runs it."""
    while namespace is None or "__name__" not in namespace:
        if frame is None:
            return False
        namespace, frame = frame.f_globals, frame.f_back
    if namespace["__name__"] in _MAIN:
        return True
    file = namespace.get("__file__")
    return isinstance(file, str) and _file_is_users(file, _folders)


def _is_numpys(name: object) -> bool:
    """A public module of NumPy's."""
    return type(name) is str and (name == "numpy" or (name.startswith("numpy.") and "._" not in name))


def _choose(module, name, namespace, fromlist):
    """What an `import` of a module of NumPy's gives: the module, or ours in its place."""
    if not _folders or not _is_numpys(name) or not _is_users(namespace, sys._getframe(1)):
        return module
    ours = _python_import_module("minpy." + name)
    if not fromlist:
        return sys.modules["minpy.numpy"]
    return _star(name, ours) if "*" in fromlist else ours


def _star(name, module):
    """A module with NumPy's public names and no more: a star must not bring names that the script does not expect."""
    theirs = sys.modules[name]
    names = getattr(theirs, "__all__", None) or [n for n in vars(theirs) if not n.startswith("_")]
    shown: Any = types.ModuleType(name)
    shown.__all__ = list(names)
    vars(shown).update((n, getattr(module, n)) for n in names)
    return shown


@functools.wraps(_python_import_module)
def _import_module(name, package=None):
    module = _python_import_module(name, package)
    if _folders and _is_numpys(name) and _is_users(None, sys._getframe(1)):
        return _python_import_module("minpy." + name)
    return module


def _follow_spawn():
    """Has processes that `multiprocessing` starts anew install the hook before they import the main module: they unpickle what is
    prepared for them first."""
    spawn: Any = importlib.import_module("multiprocessing.spawn")
    prepared = spawn.get_preparation_data
    if hasattr(prepared, "__wrapped__"):
        return

    @functools.wraps(prepared)
    def prepare(name):
        data = prepared(name)
        if _folders:
            if name == "ignore":  # the fork server, which would import the main module before it unpickles anything
                data.pop("init_main_from_path", None)
            else:
                data["minpy"] = _Again()
        return data
    spawn.get_preparation_data = prepare


class _Again:
    """Installs the hook in the process that unpickles it."""

    def __reduce__(self):
        return install, _folders


def install(*folders: str | os.PathLike[str]) -> None:
    """From now on `import numpy` in the user's modules gives `minpy.numpy`, however it is written; libraries keep NumPy.

    The user's modules are the main one and those in `folders` (by default the folder of the main script, or the current one), except
    what is installed there. A further call adds folders. What was imported before stays what it is.
    """
    global _folders
    if not folders:
        main = getattr(sys.modules.get("__main__"), "__file__", None)
        folders = (os.path.dirname(main) if main else "",)
    new = [os.path.join(os.path.realpath(os.fspath(f) or os.getcwd()), "") for f in folders]
    _folders = tuple(dict.fromkeys([*_folders, *new]))
    _take_over()


_hook: Any = None


def _take_over() -> None:
    global _hook, _python_import_module
    if _hook is not None:  # perhaps below hooks of others
        return
    _follow_spawn()
    _hook = hook = _Importer(builtins.__import__, _choose)
    builtins.__import__ = hook
    _python_import_module, importlib.import_module = importlib.import_module, _import_module


def uninstall() -> None:
    """Ends `install`: whoever imports NumPy from now on is given NumPy."""
    global _folders, _hook
    _folders = ()
    # Where others have put hooks of their own over ours, ours stays, and does nothing.
    if (builtins.__import__, importlib.import_module) == (_hook, _import_module):
        builtins.__import__, importlib.import_module = _hook.before, _python_import_module
        _hook = None
