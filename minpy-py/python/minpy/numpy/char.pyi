"""`minpy.numpy.char` is NumPy's; written by scripts/stubs.py."""
from numpy.char import *
