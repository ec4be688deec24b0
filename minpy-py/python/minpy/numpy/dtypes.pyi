"""`minpy.numpy.dtypes` is NumPy's; written by scripts/stubs.py."""
from numpy.dtypes import *
