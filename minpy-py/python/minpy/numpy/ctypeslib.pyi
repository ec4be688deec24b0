"""`minpy.numpy.ctypeslib` is NumPy's; written by scripts/stubs.py."""
from numpy.ctypeslib import *
