"""`ArrayBox`, by which programs ask whether an array is traced."""
from minpy.autograd.tracer import Box as ArrayBox

__all__ = ["ArrayBox"]
