"""`minpy.numpy.testing` is NumPy's; written by scripts/stubs.py."""
from numpy.testing import *
