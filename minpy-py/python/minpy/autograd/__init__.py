"""HIPS autograd's interface on MinPy's arrays and tape: `import minpy.autograd.numpy as np; from minpy.autograd import grad`.

Same names, arguments and results (docs/autograd.md says what differs). Arguments and results may be nested tuples, lists and
dictionaries of arrays and numbers.
"""
import importlib

from minpy.autograd import numpy, util
from minpy.autograd._primitive import deprecated_primitive as primitive
from minpy.autograd.builtins import dict, isinstance, list, tuple, type
from minpy.autograd.differential_operators import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_jvp_reversemode,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
)

_MODULES = "core extend misc misc.fixed_points misc.optimizers test_util tracer".split()


def install() -> None:
    """`import autograd`, and what is below it, means this package from now on in this process."""
    from minpy.autograd._alias import stands_for
    for name in _MODULES:
        importlib.import_module("minpy.autograd." + name)
    stands_for("autograd", "minpy.autograd")


__all__ = [
    "checkpoint", "deriv", "dict", "elementwise_grad", "grad", "grad_and_aux", "grad_named", "hessian", "hessian_tensor_product",
    "hessian_vector_product", "holomorphic_grad", "install", "isinstance", "jacobian", "list", "make_ggnvp", "make_hvp", "make_jvp",
    "make_jvp_reversemode", "make_vjp", "multigrad_dict", "numpy", "primitive", "tensor_jacobian_product", "tuple", "type",
    "value_and_grad", "vector_jacobian_product",
]
