"""Helpers that come with autograd: flat vectors of nested values, optimisers, fixed points."""
from minpy.autograd.misc.flatten import flatten
from minpy.autograd.misc.tracers import const_graph

__all__ = ["const_graph", "flatten"]
