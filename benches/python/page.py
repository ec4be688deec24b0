"""Writes performance.md and its plots from performance/results.json, without measuring anything.

    page.py [DIRECTORY]        default: docs

Where we lose, `WHY` says why; it is kept by hand. Without matplotlib the page has no plots.
"""
from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any, Iterable, Sequence

try:
    import matplotlib
except ImportError:
    matplotlib = None

ROOT = Path(__file__).resolve().parents[2]
NOT_ANALYSED = "not analysed yet"

# Why we lose: (group or workload, system) or (group or workload, "*") -> reason, the more special first. Edit this when a reason is known.
WHY: dict[tuple[str, str], str] = {
    ("tape_add", "numpy"): "NumPy's loop neither records nor differentiates: this is the price of a gradient",
}

LABELS = {
    "minpy": "MinPy",
    "minpysym": "MinPy symbolic",
    "numpy": "NumPy",
    "autograd": "autograd",
    "jax": "JAX",
    "jaxjit": "JAX jit",
    "torch": "PyTorch",
    "torchcompile": "PyTorch compiled",
    "mxsym": "MXNet symbolic",
}
