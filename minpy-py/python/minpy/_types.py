"""What the annotations of this package say: array-likes, indices, and the words that parameters take. Only type checkers read it."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, SupportsIndex, TypeAlias

if TYPE_CHECKING:
    from types import EllipsisType

    import numpy
    from minpy._minpy import array_base, ndarray, scalar
    from minpy.context import Context
    from typing_extensions import Buffer

    class HasArray(Protocol):
        """An object of another library that is an array to NumPy."""

        def __array__(self) -> numpy.ndarray[Any, Any]: ...

    # A number; a result of numbers only is a scalar.
    ScalarLike: TypeAlias = int | float | complex | scalar | numpy.generic
    # What NumPy makes an array of.
    ArrayLike: TypeAlias = ScalarLike | array_base | str | bytes | HasArray | Buffer | Sequence["ArrayLike"]
    # What a program computes with: `Either` is an array, or a scalar where no dimension is left, which only the run knows.
    Either: TypeAlias = ndarray | Any
    ShapeLike: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
    Device: TypeAlias = str | Context
    Order: TypeAlias = Literal["K", "A", "C", "F"] | None
    Mode: TypeAlias = Literal["raise", "wrap", "clip"]
    Casting: TypeAlias = Literal["no", "equiv", "safe", "same_kind", "unsafe", "same_value"]
    SortKind: TypeAlias = Literal["Q", "quick", "quicksort", "M", "merge", "mergesort", "H", "heap", "heapsort", "S", "stable", "stablesort"]
    # An index that leaves an array: everything but integers, and tuples, of which the run knows how many dimensions they leave.
    ArrayIndex: TypeAlias = slice | EllipsisType | None | ndarray | numpy.ndarray[Any, Any] | Sequence[bool] | Sequence[int] | Sequence[Sequence[int]]
