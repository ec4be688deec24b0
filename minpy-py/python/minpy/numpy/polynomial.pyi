"""`minpy.numpy.polynomial` is NumPy's; written by scripts/stubs.py."""
from numpy.polynomial import *
