"""All of NumPy's public names: ours where we have the function, otherwise NumPy's behind a wrapper; types, constants and
settings are NumPy's own."""
import functools
import importlib
import importlib.machinery
import os
import sys
import types
from typing import Any

import numpy

from minpy._minpy import Foreign, asarray, ndarray, scalar, tape
from minpy.numpy import _fallback
from minpy.numpy._native import FUNCTIONS
from minpy.numpy._ufuncs import FallbackUfunc

# Modules of this package, which the finder leaves to Python.
_FILES = {f[:-len(".py")] for f in os.listdir(os.path.dirname(__file__)) if f.endswith(".py")} - {"__init__"}
# Submodules whose functions are wrapped; the others are NumPy's as they are.
WRAPPED = ("random", "linalg", "fft", "lib", "polynomial", "emath", "matlib")
# Functions without arrays, or that must see the caller's objects as they are.
AS_THEY_ARE = {
    "errstate", "seterr", "geterr", "seterrcall", "geterrcall", "setbufsize", "getbufsize", "set_printoptions", "get_printoptions",
    "printoptions", "show_config", "show_runtime", "get_include", "info", "test", "frompyfunc", "format_parser", "issubdtype",
    "promote_types", "broadcast_shapes", "asarray_chkfinite", "array_function_dispatch", "get_array_wrap", "isdtype",
    "seterrobj", "geterrobj", "typename", "is_busday", "busday_count", "busday_offset", "datetime_as_string", "datetime_data",
    "from_dlpack",
}


# A submodule's second name, by which users know it.
_CALLED = {"lib.scimath": "emath"}


def written(module, name):
    """A function's name in reports and messages, as users write it: `linalg.inv`."""
    path = module[len("minpy.numpy."):]
    return f"{_CALLED.get(path, path)}.{name}" if path and name not in _fallback.READS and name not in _fallback.WRITES else name


def wrap_function(name, function, quiet=False, module="minpy.numpy"):
    """A function of NumPy's that takes and gives our arrays."""
    if name in AS_THEY_ARE:
        return function
    if isinstance(function, numpy.ufunc):
        return FallbackUfunc(function)

    wrapped = Foreign(written(module, name), function, quiet)
    try:
        functools.update_wrapper(wrapped, function)
    except Exception:  # builtin methods lack some attributes
        wrapped.__name__ = wrapped.__qualname__ = name
    return _fallback.stands(wrapped, function)


def wrap_member(module, name, value):
    """What a name of a NumPy module is here."""
    if isinstance(value, types.ModuleType):
        return submodule(f"{module}.{name}", value)
    if isinstance(value, type) or not callable(value) or isinstance(value, numpy.dtype):
        return value
    if type(value).__module__.startswith("numpy") and not isinstance(value, numpy.ufunc) and not hasattr(value, "__wrapped__") \
            and type(value).__name__ not in ("_ArrayFunctionDispatcher",):
        return value
    return wrap_function(name, value, module=module)


def submodule(name, theirs=None):
    """`minpy.numpy.<path>` for a module of NumPy's: wrapped, or NumPy's own."""
    path = name[len("minpy."):]
    if theirs is None or theirs.__name__ != path:
        try:
            theirs = importlib.import_module(path)
        except ImportError:  # a second name: `emath` is `lib.scimath`
            return theirs if theirs is None else submodule(f"minpy.{theirs.__name__}", theirs)
    if not _wrapped(name):
        sys.modules.setdefault(name, theirs)
        return theirs
    if name in sys.modules:
        return sys.modules[name]
    return importlib.import_module(name)


def _wrapped(name):
    parts = name.split(".")[2:]
    return parts[0] in WRAPPED and not parts[-1].startswith("_")


def _native_functions():
    from minpy.numpy._native import FUNCTIONS  # which imports what imports this

    return FUNCTIONS


class _Loader:
    def __init__(self, theirs):
        self._theirs = theirs

    def create_module(self, spec):
        return types.ModuleType(spec.name, self._theirs.__doc__)

    def exec_module(self, module):
        theirs, name = self._theirs, module.__name__
        if not _wrapped(name):
            sys.modules[name] = theirs  # the import system takes what stands there
            return
        module.__all__ = [n for n in getattr(theirs, "__all__", dir(theirs)) if not n.startswith("__")]
        module.__path__ = []  # nothing of NumPy's files is loaded a second time

        def lookup(attribute):
            value = getattr(theirs, attribute)
            ours = _native_functions().get(f"{name[len('minpy.numpy.'):]}.{attribute}")
            value = wrap_member(name, attribute, value) if ours is None else ours
            setattr(module, attribute, value)
            return value
        module.__getattr__ = lookup
        module.__dir__ = lambda: sorted(set(dir(theirs)) | set(vars(module)))


class _Finder:
    """Finds `minpy.numpy.<module of NumPy's>`."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if not name.startswith("minpy.numpy.") or name[len("minpy.numpy."):] in _FILES:
            return None
        try:
            theirs = importlib.import_module(name[len("minpy."):])
        except ImportError:
            return None
        loader: Any = _Loader(theirs)  # by its methods
        return importlib.machinery.ModuleSpec(name, loader, is_package=hasattr(theirs, "__path__"))


def install_finder():
    """Makes submodules importable; files of this package come first."""
    if not any(isinstance(f, type) and f is _Finder for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder)


def _parts(key):
    """What `r_` puts together, as arrays of ours, where some of it are: float64 arrays beside slices, numbers and NumPy's arrays."""
    if not any(type(a) is ndarray or type(a) is scalar for a in key):
        return ()
    made = []
    for a in key:
        if isinstance(a, slice):
            a = numpy.r_[a]
        elif type(a) not in (ndarray, scalar, numpy.ndarray, float, int):
            return ()
        a = asarray(a)
        if (type(a) is not ndarray and type(a) is not scalar) or a.dtype not in (float, int):
            return ()
        made.append(FUNCTIONS["reshape"](a, (1,)) if a.ndim == 0 else a)
    return made


class _Lookup:
    """`np.r_`, `np.c_`, `np.mgrid`, `np.ogrid`: indexing that makes arrays."""

    def __init__(self, name, theirs):
        self._name, self._theirs = name, theirs

    def __getitem__(self, key):
        # Arrays of ours side by side, or one below the other: the rest of the language of `r_` is NumPy's to read.
        if self._name in ("r_", "c_"):
            key_ = key if type(key) is tuple else (key,)
            parts = key_ if all(type(a) is ndarray for a in key_) else _parts(key_) if tape.recording() else ()
            dimensions = {a.ndim for a in parts}
            if 0 not in dimensions and len(dimensions) == 1:
                if self._name == "r_":
                    return FUNCTIONS["concatenate"](parts)
                return FUNCTIONS["stack"](parts, 1) if dimensions == {1} else FUNCTIONS["concatenate"](parts, -1)
        return _fallback.call(self._name, self._theirs.__getitem__, (key,), {})

    def __len__(self):
        return 0

    def __getattr__(self, name):
        return getattr(self._theirs, name)


def member(name):
    """What a name of NumPy's is here."""
    value = getattr(numpy, name)
    return _Lookup(name, value) if name in ("r_", "c_", "mgrid", "ogrid") else wrap_member("minpy.numpy", name, value)


def fill(namespace):
    """Adds every public name of NumPy that the namespace does not have. What NumPy itself imports when it is asked for stays
    for `__getattr__`, and so do its submodules."""
    for name, value in sorted(vars(numpy).items()):
        if not name.startswith("_") and name not in namespace and name != "test" and not isinstance(value, types.ModuleType):
            namespace[name] = member(name)
