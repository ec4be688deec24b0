"""Methods and attributes of arrays that are not in Rust: NumPy's protocols, and NumPy's methods on host views."""
import types
from typing import Any, ClassVar

import numpy

from minpy import _minpy
from minpy._minpy import array_base, ndarray, scalar, tape, ufunc
from minpy.numpy import _fallback, _native, _ufuncs, _words


def restore(values, is_scalar):
    """An array out of a pickle, on the current device."""
    return _minpy._adopt(values, None, [], is_scalar)


class Flags:
    """How an array lies in memory, as NumPy's `flags`."""

    __slots__ = ("_array",)
    _LETTERS: ClassVar[dict[str, str]] = {
        "C": "c_contiguous", "F": "f_contiguous", "O": "owndata", "W": "writeable", "A": "aligned", "X": "writebackifcopy",
        "CONTIGUOUS": "c_contiguous", "FORTRAN": "f_contiguous", "B": "behaved", "CA": "carray", "FA": "farray",
    }

    def __init__(self, array):
        self._array = array

    c_contiguous = contiguous = property(lambda self: self._array._layout[0])
    f_contiguous = fortran = property(lambda self: self._array._layout[1])
    owndata = property(lambda self: self._array.base is None)
    aligned = property(lambda self: True)
    writebackifcopy = property(lambda self: False)
    fnc = property(lambda self: self.f_contiguous and not self.c_contiguous)
    forc = property(lambda self: self.f_contiguous or self.c_contiguous)
    behaved = property(lambda self: self.writeable)
    carray = property(lambda self: self.writeable and self.c_contiguous)
    farray = property(lambda self: self.writeable and self.f_contiguous and not self.c_contiguous)
    num = property(lambda self: self._array._numpy(True).flags.num)

    @property
    def writeable(self):
        return self._array._layout[2]

    @writeable.setter
    def writeable(self, on):
        self._array._set_writeable(bool(on))

    def _name(self, key):
        name = self._LETTERS.get(key, key.lower() if isinstance(key, str) else key)
        if not isinstance(name, str) or name.startswith("_") or not hasattr(Flags, name):
            raise KeyError("Unknown flag")
        return name

    def __getitem__(self, key):
        return getattr(self, self._name(key))

    def __setitem__(self, key, value):
        if self._name(key) != "writeable":
            raise KeyError("Unknown flag")
        self.writeable = value

    def __eq__(self, other):
        return isinstance(other, Flags) and all(self[k] == other[k] for k in ("C", "F", "W"))

    def __repr__(self):
        names = ("c_contiguous", "f_contiguous", "owndata", "writeable", "aligned", "writebackifcopy")
        return "\n".join(f"  {n.upper()} : {self[n]}" for n in names)


class Flat:
    """`a.flat`: the elements in C order, readable and writable."""

    def __init__(self, array):
        self.base, self._at = array, 0

    def __len__(self):
        return self.base.size

    def __iter__(self):
        for x in self.base.ravel()[self._at:]:
            self._at += 1
            yield x

    def __next__(self):
        if self._at >= self.base.size:
            raise StopIteration
        self._at += 1
        return self.base.ravel()[self._at - 1]

    index = property(lambda self: self._at)
    coords = property(lambda self: tuple(map(int, numpy.unravel_index(self._at, self.base.shape))))

    def copy(self):
        return self.base.flatten()

    def __array__(self, dtype=None, copy=None):
        tape.leaves(self.base, "__array__")
        made = numpy.array(self.base.ravel()._numpy(True), dtype=dtype, copy=copy)
        if not numpy.may_share_memory(made, self.base._numpy()):
            made.flags.writeable = False  # what is written there would be lost
        return made

    def _key(self, key):
        """What NumPy makes of odd keys, its warnings and errors included, as positions; plain keys unchanged."""
        if type(key) in (int, slice) or isinstance(key, (array_base, numpy.integer)):
            return key
        return numpy.arange(self.base.size).flat[key]

    def __getitem__(self, key):
        return self.base.ravel()[self._key(key)]

    def __setitem__(self, key, value):
        flat = self.base.ravel()
        # A flat value is repeated when it is too short, and what is too much of it is left.
        key = self._key(key)
        target = flat[key]
        # A value of ours stays ours, and so on the tape.
        value = value.ravel() if isinstance(value, array_base) else numpy.asarray(value).ravel()
        if target.ndim and value.size not in (1, target.size):
            value = numpy.resize(value, target.shape) if value.size else value
        elif value.size == 1:
            value = value[0]
        if not target.ndim and numpy.ndim(value):
            value = value[0]
        flat[key] = value
        import minpy.numpy as np
        if not np.may_share_memory(flat, self.base):
            self.base[...] = flat.reshape(self.base.shape)

    def __delitem__(self, key):
        raise TypeError("Cannot delete iterator elements")

    def __eq__(self, other):
        return self.base.ravel() == other

    def __ne__(self, other):
        return self.base.ravel() != other

    __hash__ = None  # type: ignore[assignment]


def _set_flat(array, value):
    Flat(array)[:] = value


def array_ufunc(self, function, method, *inputs, **kwargs):
    """NumPy's ufuncs called on our arrays become ours: what Rust's half leaves."""
    import minpy.numpy as np
    for x in inputs + (kwargs.get("out") or ()):
        if type(x) in _PLAIN_TYPES or isinstance(x, (numpy.ndarray, numpy.generic, int, float, complex, list, tuple, str, bytes)):
            continue
        theirs = getattr(type(x), "__array_ufunc__", numpy.ndarray.__array_ufunc__)
        if theirs is not numpy.ndarray.__array_ufunc__:
            return NotImplemented
    if kwargs.get("out") is not None and len(kwargs["out"]) == 1 and kwargs["out"][0] is None:
        kwargs.pop("out")
    ours = getattr(np, function.__name__, None)
    subclass = any(_native.is_subclass(x) for x in inputs)
    if type(ours) is ufunc and ours._numpy is function and not subclass:
        return getattr(ours, method)(*inputs, **kwargs)
    # `matmul` and its kind are plain functions here.
    if method == "__call__" and not subclass and callable(ours) and ours is not function and _fallback.stands_for(ours) is None:
        if kwargs.get("out") is not None and len(kwargs["out"]) == 1:
            kwargs["out"] = kwargs["out"][0]
        return ours(*inputs, **kwargs)
    name = function.__name__ if method == "__call__" else f"{function.__name__}.{method}"
    return _fallback.call(name, getattr(function, method), inputs, kwargs, 0 if method == "at" else None)


def _array_function(self, function, types, args, kwargs):
    """NumPy's functions called on our arrays become ours."""
    import minpy.numpy as np
    if any(t not in _PLAIN_TYPES and issubclass(t, numpy.ndarray) for t in types):  # NumPy's subclasses compute themselves
        return _fallback.call(function.__name__, function, args, kwargs)
    ours = _OURS.get(function)
    if ours is None:
        path = (function.__module__ or "").split(".")[1:]
        holder = np
        for part in path:
            holder = getattr(holder, part, np)
        ours = getattr(holder, function.__name__, None) or getattr(np, function.__name__, None)
        if ours is None or ours is function:
            return _fallback.call(function.__name__, function, args, kwargs)
        _OURS[function] = ours
    return ours(*args, **kwargs)


_OURS: dict[Any, Any] = {}
_PLAIN_TYPES = (ndarray, scalar, numpy.ndarray)


def _conform(self, protocol):
    """What `sqlite3` stores."""
    return self.item()


def _array_namespace(self, *, api_version=None):
    numpy.empty(0).__array_namespace__(api_version=api_version)  # which knows the versions
    import minpy.numpy as np
    return np


def _array_interface(self):
    if self.context.device_type != "cpu":
        raise AttributeError("an array on a device has no address on the host: call asnumpy()")
    tape.leaves(self, "__array_interface__")
    self._share_for_good()  # an address keeps nothing alive
    return self._numpy(True).__array_interface__


def _array_struct(self):
    if self.context.device_type != "cpu":
        raise AttributeError("an array on a device has no address on the host: call asnumpy()")
    tape.leaves(self, "__array_struct__")
    self._share_for_good()
    return self._numpy(True).__array_struct__


def _array_wrap(self, array, context=None, return_scalar=True):
    """An array as one of ours: what functions written for NumPy do with what they have computed."""
    made = _minpy.asarray(array)
    return made[()] if return_scalar and made.ndim == 0 else made


def _sizeof(self):
    """What `sys.getsizeof` says: with the memory of the elements where it is the array's own."""
    return object.__sizeof__(self) + (self.nbytes if self.base is None else 0)


def _dlpack(self, **options):
    tape.leaves(self, "DLPack")
    return self._numpy(True).__dlpack__(**options)


def _dlpack_device(self):
    return (1, 0)


def _setflags(self, write=None, align=None, uic=None):
    """Allows or forbids writes through this array.

    write: whether they are allowed.
    """
    if write is not None:
        self._set_writeable(bool(write))
    if align is not None and not align:
        raise ValueError("setflags: arrays of MinPy are always aligned")
    if uic:
        raise ValueError("cannot set WRITEBACKIFCOPY flag to True")


def _copyto(self, other):
    """Copies the values into another array or to a device (MXNet's way)."""
    if isinstance(other, array_base):
        if not _minpy._same_view(other, self):
            other[...] = self
        return other
    return self.as_in_context(other).copy() if self.context == other else self.as_in_context(other)


def _asscalar(self):
    """The only element as a number of Python's (MXNet's name for `item`)."""
    return self.item()


def _has_type(self, kind):
    """Of the original: every array is at home on its device, and NumPy's view is made when it is asked for."""
    return True


def _by_numpy(name):
    """A method that is NumPy's own on a host view."""
    theirs = getattr(numpy.ndarray, name)

    def method(self, *args, **kwargs):
        mine = theirs if type(self) is ndarray else getattr(type(self._numpy()[()]), name)
        return _fallback.call(name, mine, (self, *args), kwargs)
    method.__name__, method.__qualname__ = name, f"ndarray.{name}"
    method.__doc__ = _words.METHODS.get(name) or f"NumPy's `ndarray.{name}` on a host view."
    return method


def _as_numpy_writes_it(*classes):
    """Methods in Python say their parameters as NumPy's of that name do: what a wrapper wraps is what `inspect` looks at."""
    for holder in classes:
        for name, function in vars(holder).items():
            theirs = getattr(numpy.ndarray, name, None)
            if type(function) is types.FunctionType and getattr(theirs, "__text_signature__", None):
                function.__wrapped__ = theirs  # type: ignore[attr-defined]


def _conjugate(self, out=None):
    """Complex conjugate; the array itself when it is not complex. `conj` and `conjugate` are one method."""
    import minpy.numpy as np
    return self if out is None and self.dtype.kind != "c" else np.conjugate(self, out=out)


def _to_device(self, device, stream=None):
    """The array on another device: itself if it is there, else a copy (the array standard's name)."""
    if stream is not None:
        raise ValueError("The stream argument in to_device() is not supported")
    return self.as_in_context(device)


def _scalar_setflags(self, write=None, align=None, uic=None):
    """NumPy's scalars take it and do nothing."""


def _hex(self):
    """The value as hexadecimal text, as `float.hex`."""
    return float(self).hex()


def _choose(self, *choices, out=None, mode="raise"):
    """Elements of the arrays that the elements of this one name by number."""
    import minpy.numpy as np
    return np.choose(self, choices[0] if len(choices) == 1 else choices, out=out, mode=mode)


def _python_round(self, ndigits=None):
    if type(self) is scalar and self.dtype.kind in "bc":
        raise TypeError(f"type {self.dtype.type.__module__}.{self.dtype.type.__name__} doesn't define __round__ method")
    return round(self.item()) if ndigits is None and type(self) is scalar else self.round(ndigits or 0)


def _python_trunc(self):
    if type(self) is not scalar or self.dtype != numpy.float64:
        raise TypeError(f"type {self.dtype.type.__module__}.{self.dtype.type.__name__} doesn't define __trunc__ method")
    return int(self)  # as of `numpy.float64`, which is Python's float


def _byteswap(self, inplace=False):
    """The array with the bytes of each element exchanged.

    inplace: change this array.
    """
    swap = numpy.generic.byteswap if type(self) is scalar else numpy.ndarray.byteswap
    return _fallback.call("byteswap_in_place" if inplace else "byteswap", swap, (self, inplace), {}, 0 if inplace else None)


def _is_integer(self):
    """Whether the value is a whole number."""
    return self._numpy()[()].is_integer()


def _as_integer_ratio(self):
    """The value as a numerator and a denominator."""
    return self._numpy()[()].as_integer_ratio()


def _ctypes(self):
    """The memory for `ctypes`, as in NumPy."""
    tape.leaves(self, "ctypes")
    self._share_for_good()
    return self._numpy(True).ctypes


def _names(self):
    """What `dir` lists: of the true class. `object.__dir__` asks `__class__`, and that is NumPy's."""
    return dir(type(self))


def _strides(self, value):
    raise AttributeError("setting the strides of an array of MinPy is not possible: use np.lib.stride_tricks.as_strided")


def _new(cls, *args, **kwargs):
    """`np.ndarray(shape, ...)`; for subclasses, which are NumPy's, NumPy's constructor."""
    return _minpy._ndarray(*args, **kwargs) if cls is ndarray else numpy.ndarray.__new__(cls, *args, **kwargs)


def install():
    """Puts everything on the classes."""
    ufunc.__doc__ = _ufuncs.OfEach(ufunc.__doc__, _ufuncs.text)
    ufunc.__signature__ = _ufuncs.OfEach(None, lambda f: _ufuncs.signature(f.nin, f.nout))
    array_base.choose = _choose
    array_base.__round__ = _python_round
    scalar.__trunc__ = _python_trunc
    array_base.conj = array_base.conjugate = _conjugate
    array_base.flags = property(Flags)
    ndarray.__new__ = staticmethod(_new)
    ndarray.flat = property(Flat, _set_flat)
    scalar.flat = property(lambda self: self.reshape(1), doc="The value as an array of one element.")
    array_base.setflags = _setflags
    scalar.setflags = _scalar_setflags
    array_base.copyto, array_base.asscalar, array_base.has_type = _copyto, _asscalar, _has_type
    array_base.data = property(lambda self: memoryview(self), doc="The memory as a `memoryview`.")
    array_base.ctypes = property(_ctypes)
    array_base.byteswap = _byteswap
    array_base.__array_function__ = _array_function
    array_base.__array_namespace__ = _array_namespace
    array_base.__array_interface__ = property(_array_interface)
    array_base.__array_struct__ = property(_array_struct)
    array_base.__array_wrap__ = _array_wrap
    array_base.__sizeof__ = _sizeof
    array_base.__dlpack__, array_base.__dlpack_device__ = _dlpack, _dlpack_device
    array_base.to_device = _to_device
    array_base.__dir__ = _names
    scalar.is_integer, scalar.as_integer_ratio = _is_integer, _as_integer_ratio
    scalar.__conform__ = _conform
    scalar.hex = _hex
    ndarray.__class_getitem__ = classmethod(lambda cls, item: numpy.ndarray[item])
    for name in dir(numpy.ndarray):
        if not name.startswith("_") and not hasattr(ndarray, name):
            value = getattr(numpy.ndarray, name)
            if callable(value):
                setattr(ndarray, name, _by_numpy(name))
                setattr(scalar, name, _by_numpy(name))
    _as_numpy_writes_it(array_base, ndarray, scalar)


def _view_of_subclass(self, *args, **kwargs):
    """As NumPy's; seen as `np.ndarray`, the elements are an array of ours where we have their dtype."""
    if not any(v is ndarray for v in (*args, *kwargs.values())):
        return numpy.ndarray.view(self, *args, **kwargs)
    args = [numpy.ndarray if v is ndarray else v for v in args]
    plain = numpy.ndarray.view(self, *args, **{k: numpy.ndarray if v is ndarray else v for k, v in kwargs.items()})
    return _minpy.asarray(plain)


class ArrayMeta(type):
    """The class of `np.ndarray`: NumPy's own arrays are instances too, and subclasses of it are subclasses of NumPy's
    array, so that `class A(np.ndarray)` and `isinstance(x, np.ndarray)` mean what they mean in NumPy."""

    __slots__ = ()

    def __instancecheck__(cls, value):
        return type(value) is cls or isinstance(value, numpy.ndarray)

    def __subclasscheck__(cls, other):
        return other is cls or issubclass(other, numpy.ndarray)

    def __new__(meta, name, bases, namespace, **kwargs):
        if not any(hasattr(b, "view") for b in bases if b is not ndarray):
            namespace.setdefault("view", _view_of_subclass)
        bases = tuple(numpy.ndarray if b is ndarray else b for b in bases)
        return type(name, bases, namespace, **kwargs)


class UfuncMeta(type):
    """The class of `np.ufunc`: NumPy's own ufuncs are instances too."""

    __slots__ = ()

    def __instancecheck__(cls, value):
        return type(value) is cls or isinstance(value, numpy.ufunc) or hasattr(type(value), "_is_ufunc")

    def __subclasscheck__(cls, other):
        return other is cls or issubclass(other, numpy.ufunc)
