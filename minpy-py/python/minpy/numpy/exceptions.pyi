"""`minpy.numpy.exceptions` is NumPy's; written by scripts/stubs.py."""
from numpy.exceptions import *
