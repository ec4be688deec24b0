"""`minpy.numpy.typing` is NumPy's; written by scripts/stubs.py."""
from numpy.typing import *
