"""`minpy.numpy.ma` is NumPy's; written by scripts/stubs.py."""
from numpy.ma import *
