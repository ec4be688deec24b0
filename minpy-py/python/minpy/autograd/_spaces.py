"""Vector spaces: what a gradient of a value looks like, and what can be done with such."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy

import minpy.numpy as np
from minpy._minpy import array_base
from minpy.autograd import _tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class VSpace:
    """The space of the values that look like one. A type of one's own gets one by `VSpace.register`."""

    mappings: ClassVar[dict[type, Callable[[Any], VSpace]]] = {}
    iscomplex = False
    size = 0
    shape: Any = ()

    def __init__(self, value: Any) -> None: ...

    def zeros(self) -> Any:
        raise NotImplementedError

    def ones(self) -> Any:
        raise NotImplementedError

    def standard_basis(self) -> Iterator[Any]:
        raise NotImplementedError

    def randn(self) -> Any:
        raise NotImplementedError

    def add(self, x_prev: Any, x_new: Any) -> Any:
        return self._add(x_prev, x_new)

    def mut_add(self, x_prev: Any, x_new: Any) -> Any:
        return x_new if x_prev is None else self._mut_add(x_prev, x_new)

    def scalar_mul(self, x: Any, a: Any) -> Any:
        return self._scalar_mul(x, a)

    def inner_prod(self, x: Any, y: Any) -> Any:
        return self._inner_prod(x, y)

    def covector(self, x: Any) -> Any:
        return self._covector(x)

    def _add(self, x, y):
        return x + y

    def _mut_add(self, x, y):
        return self._add(x, y)

    def _scalar_mul(self, x, a):
        return x * a

    def _inner_prod(self, x, y):
        raise NotImplementedError

    def _covector(self, x):
        return x

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}_{self.__dict__}"

    @classmethod
    def register(cls, value_type: type, vspace_maker: Callable[[Any], VSpace] | None = None) -> None:
        VSpace.mappings[value_type] = vspace_maker or cls


class ArrayVSpace(VSpace):
    """Arrays of a shape and dtype, and real numbers."""

    def __init__(self, value: Any) -> None:
        if not isinstance(value, (array_base, numpy.ndarray, numpy.generic)):
            value = numpy.asarray(value)
        self.shape, self.dtype = tuple(value.shape), numpy.dtype(value.dtype)

    @property
    def size(self) -> int:  # type: ignore[override]
        return int(numpy.prod(self.shape)) * (2 if self.iscomplex else 1)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def zeros(self) -> Any:
        return np.zeros(self.shape, self.dtype)

    def ones(self) -> Any:
        return np.ones(self.shape, self.dtype)

    def standard_basis(self) -> Iterator[Any]:
        for i in numpy.ndindex(*self.shape):
            for unit in (1, 1j) if self.iscomplex else (1,):
                vector = numpy.zeros(self.shape, self.dtype)
                vector[i] = unit
                yield np.array(vector)

    def randn(self) -> Any:
        return np.array(np.random.randn(*self.shape)).astype(self.dtype)

    def _add(self, x, y):
        return np.add(x, y)

    def _scalar_mul(self, x, a):
        return np.multiply(x, a)

    def _inner_prod(self, x, y):
        return np.dot(np.ravel(x), np.ravel(y))


class ComplexArrayVSpace(ArrayVSpace):
    """Complex arrays, as a space over the real numbers."""

    iscomplex = True

    def ones(self) -> Any:
        return np.full(self.shape, 1 + 1j, self.dtype)

    def randn(self) -> Any:
        return super().randn() + 1j * super().randn()

    def _inner_prod(self, x, y):
        return np.real(np.dot(np.conj(np.ravel(x)), np.ravel(y)))

    def _covector(self, x):
        return np.conj(x)


class ContainerVSpace(VSpace):
    """Tuples, lists and dictionaries: `shape` has the spaces of the items in their places."""

    def __init__(self, value: Any) -> None:
        items, make = _parts(value)
        self.shape = make([vspace(v) for v in items])

    @property
    def size(self) -> int:  # type: ignore[override]
        return sum(s.size for s in _parts(self.shape)[0])

    def _each(self, function, *values):
        spaces, make = _parts(self.shape)
        below = [[v[k] for k in self.shape] if isinstance(self.shape, dict) else list(v) for v in values]
        return make([function(s, *v) for s, *v in zip(spaces, *below, strict=True)])

    def zeros(self) -> Any:
        return self._each(lambda s: s.zeros())

    def ones(self) -> Any:
        return self._each(lambda s: s.ones())

    def randn(self) -> Any:
        return self._each(lambda s: s.randn())

    def standard_basis(self) -> Iterator[Any]:
        spaces, make = _parts(self.shape)
        for i, space in enumerate(spaces):
            for vector in space.standard_basis():
                yield make([vector if j == i else s.zeros() for j, s in enumerate(spaces)])

    def _add(self, x, y):
        return self._each(lambda s, a, b: s._add(a, b), x, y)

    def _scalar_mul(self, x, a):
        return self._each(lambda s, v: s._scalar_mul(v, a), x)

    def _inner_prod(self, x, y):
        return sum(_parts(self._each(lambda s, a, b: s._inner_prod(a, b), x, y))[0])

    def _covector(self, x):
        return self._each(lambda s, v: s._covector(v), x)


def _parts(value):
    parts = _tree.children(value)
    assert parts is not None
    return parts


def vspace(value: Any) -> VSpace:
    """The space of a value.

    Raises TypeError for what has no derivatives.
    """
    maker = VSpace.mappings.get(type(value))
    if maker is not None:
        return maker(value)
    if _tree.children(value) is not None:
        return ContainerVSpace(value)
    if not _tree.differentiable(value):
        raise TypeError(f"Can't find vector space for value {value!r} of type {type(value)}")
    complex_ = value.dtype.kind == "c" if hasattr(value, "dtype") else isinstance(value, complex)
    return ComplexArrayVSpace(value) if complex_ else ArrayVSpace(value)
