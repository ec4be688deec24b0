"""Functions of SciPy's with gradients: `special`, `stats`, `linalg`, `signal`, `integrate`, under autograd's names.

Values are SciPy's, but for what MinPy computes itself, and gradients have any order and both modes. Functions that are not among them
are SciPy's, without a gradient.
"""
from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minpy.scipy import integrate, linalg, signal, special, stats

_MODULES = ("integrate", "linalg", "signal", "special", "stats")

if not TYPE_CHECKING:
    def __getattr__(name: str) -> Any:
        if name in _MODULES:
            return importlib.import_module("minpy.scipy." + name)
        raise AttributeError(f"module 'minpy.scipy' has no attribute '{name}'")

__all__ = ["integrate", "linalg", "signal", "special", "stats"]
