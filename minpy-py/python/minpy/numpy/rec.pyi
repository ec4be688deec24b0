"""`minpy.numpy.rec` is NumPy's; written by scripts/stubs.py."""
from numpy.rec import *
