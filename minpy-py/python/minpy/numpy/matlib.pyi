"""`minpy.numpy.matlib` is NumPy's; written by scripts/stubs.py."""
from numpy.matlib import *
