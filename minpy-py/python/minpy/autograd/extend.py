"""What programs use to add functions with derivatives of their own, and values that have some."""
from minpy.autograd._primitive import (
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
    register_notrace,
)
from minpy.autograd._spaces import VSpace, vspace
from minpy.autograd.tracer import Box, JVPNode, VJPNode

__all__ = [
    "Box", "JVPNode", "VJPNode", "VSpace", "def_linear", "defjvp", "defjvp_argnum", "defjvp_argnums", "defvjp", "defvjp_argnum", "defvjp_argnums",
    "notrace_primitive", "primitive", "register_notrace", "vspace",
]
