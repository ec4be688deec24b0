"""`minpy.numpy.strings` is NumPy's; written by scripts/stubs.py."""
from numpy.strings import *
