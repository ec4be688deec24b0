"""What annotations of this package say. It exists for type checkers only: our arrays carry neither shape nor dtype in their type."""
from collections.abc import Sequence
from types import EllipsisType
from typing import Any, Literal, Protocol, SupportsIndex, TypeAlias, overload, type_check_only

import numpy

from minpy._minpy import ndarray, scalar
from minpy.context import Context

# A number. What is computed of numbers alone is NumPy's scalar on the host and ours elsewhere.
ScalarLike: TypeAlias = int | float | complex | scalar | numpy.generic
# A scalar where no dimension is left, which only the run knows: editors show an array's methods, checkers take both.
Either: TypeAlias = ndarray | Any
ShapeLike: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
Device: TypeAlias = str | Context
Order: TypeAlias = Literal["K", "A", "C", "F"] | None
# Indices that leave an array. An integer may not, and of a tuple with integers only the run knows.
ArrayIndex: TypeAlias = slice | EllipsisType | ndarray | Sequence[int] | tuple[slice | EllipsisType | ndarray | None, ...] | None

@type_check_only
class ScalarOperator(Protocol):
    """An operator of a scalar, as by the other operand."""

    @overload
    def __call__(self, other: ScalarLike, /) -> scalar: ...
    @overload
    def __call__(self, other: ndarray, /) -> ndarray: ...
    @overload
    def __call__(self, other: Any, /) -> Either: ...
