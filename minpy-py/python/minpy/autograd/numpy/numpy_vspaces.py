"""The spaces of arrays under the name of autograd's module."""
from minpy.autograd._spaces import ArrayVSpace, ComplexArrayVSpace, VSpace

__all__ = ["ArrayVSpace", "ComplexArrayVSpace", "VSpace"]
