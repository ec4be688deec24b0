"""`convolve` of autograd's `scipy.signal`: over any axes of arrays of any number of them. Made of MinPy's operations."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import minpy.numpy as np
from minpy.scipy._scipy import module, others

if TYPE_CHECKING:
    from collections.abc import Sequence

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _padded(a, sizes):
    """The array with so many zeros on both sides of each axis."""
    if not any(sizes):
        return a
    made = np.zeros([n + 2 * k for n, k in zip(a.shape, sizes, strict=True)], a.dtype)
    made[tuple(slice(k, k + n) for n, k in zip(a.shape, sizes, strict=True))] = a
    return made


def convolve(A: Any, B: Any, axes: Sequence[Any] | None = None, dot_axes: Sequence[Any] = ((), ()), mode: str = "full") -> Any:
    """The convolution of `A` and `B` along pairs of axes (`axes`, two lists; all of them when it is None), summed over pairs of axes of
    equal size (`dot_axes`). The axes of the result are those of `A` that are in neither list, those of `B`, and the convolved ones.

    `mode`: 'full', 'valid' (where one of the two covers the other), 'same' (as many as `A` has, from the middle of the full result).
    """
    if mode not in ("full", "valid", "same"):
        raise ValueError(f"mode: 'full', 'valid' or 'same', not {mode!r}")
    A, B = np.asarray(A), np.asarray(B)
    conv_a, conv_b = ([[*range(A.ndim)], [*range(A.ndim)]] if axes is None else [[int(i) for i in some] for some in axes])
    dot_a, dot_b = ([int(i) for i in some] for some in dot_axes)
    if len(conv_a) != len(conv_b) or len(dot_a) != len(dot_b):
        raise ValueError("convolve: as many axes of the one array as of the other are needed")
    pairs = list(zip(conv_a, conv_b, strict=True))
    sizes = [(A.shape[i], B.shape[j]) for i, j in pairs]
    over_b = all(a <= b for a, b in sizes)
    if mode == "valid" and not over_b and not all(a >= b for a, b in sizes):
        raise ValueError("convolve: for mode 'valid' one array must be larger along all axes")
    # Windows of the size of the smaller one over the other, which is padded for the full result; the smaller one is read from behind.
    wide, narrow, of_wide, of_narrow = (B, A, conv_b, conv_a) if over_b else (A, B, conv_a, conv_b)
    if mode != "valid":
        zeros = [0] * wide.ndim
        for i, j in zip(of_wide, of_narrow, strict=True):
            zeros[i] = narrow.shape[j] - 1
        wide = _padded(wide, zeros)
    backwards = tuple(slice(None, None, -1) if i in of_narrow else slice(None) for i in range(narrow.ndim))
    windows = np.lib.stride_tricks.sliding_window_view(wide, [narrow.shape[j] for j in of_narrow], of_wide) if pairs else wide
    letters = iter(_LETTERS)
    a, b = [next(letters) for _ in range(A.ndim)], [next(letters) for _ in range(B.ndim)]
    for i, j in zip(dot_a, dot_b, strict=True):
        b[j] = a[i]
    w, n = (b, a) if over_b else (a, b)
    summed = [n[j] for j in of_narrow]  # the windows' own axes, which stand behind
    kept_a = [a[i] for i in range(A.ndim) if i not in conv_a and i not in dot_a]
    kept_b = [b[j] for j in range(B.ndim) if j not in conv_b and j not in dot_b]
    formula = f"{''.join(w + summed)},{''.join(n)}->{''.join(kept_a + kept_b + [w[i] for i in of_wide])}"
    found = np.einsum(formula, windows, narrow[backwards])
    if mode == "same":
        ends = [slice((q - 1) // 2, (q - 1) // 2 + p) for p, q in sizes]
        found = found[(Ellipsis, *ends)]
    return found


def __getattr__(name: str) -> Any:
    return others(module("signal"), globals())(name)


__all__ = ["convolve"]
