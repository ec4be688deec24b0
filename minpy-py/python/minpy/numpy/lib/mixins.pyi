"""`minpy.numpy.lib.mixins` is NumPy's; written by scripts/stubs.py."""
from numpy.lib.mixins import *
