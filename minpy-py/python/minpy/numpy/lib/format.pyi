"""`minpy.numpy.lib.format` is NumPy's; written by scripts/stubs.py."""
from numpy.lib.format import *
