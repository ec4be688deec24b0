"""Differential operators. Those with `argnum` take the number of an argument or several, as a tuple or list; the derivative has
the structure of the argument, of several that of their tuple."""
from __future__ import annotations

import inspect
import warnings
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import minpy.numpy as np
from minpy.autograd import core
from minpy.autograd._primitive import defvjp_argnum, of_ours
from minpy.autograd._spaces import vspace
from minpy.autograd._tree import as_given
from minpy.autograd.wrap_util import unary_to_nary

if TYPE_CHECKING:
    from collections.abc import Callable

make_vjp = unary_to_nary(core.make_vjp)
make_jvp = unary_to_nary(core.make_jvp)


def _one_number(name):
    def check(value):
        if vspace(value).size != 1:
            raise TypeError(f"{name}: the function must give one real number; for others there are jacobian, elementwise_grad and holomorphic_grad")
    return check


def _real(value):
    if vspace(value).iscomplex:
        raise TypeError("elementwise_grad: the function must give real numbers")


@unary_to_nary
def grad(fun: Callable[[Any], Any], x: Any) -> Any:
    """The gradient of a function that gives one real number: a function of the same arguments.

    Raises TypeError where it gives something else.
    """
    return core.gradient(fun, x, _one_number("grad"))[1]


@unary_to_nary
def value_and_grad(fun: Callable[[Any], Any], x: Any) -> Any:
    """The same with the value: `(value, gradient)`."""
    return core.gradient(fun, x, _one_number("value_and_grad"))


@unary_to_nary
def elementwise_grad(fun: Callable[[Any], Any], x: Any) -> Any:
    """The sum of each column of the Jacobian, in one pass: of a function that works by element, its derivative in each."""
    return core.gradient(fun, x, _real)[1]


@unary_to_nary
def deriv(fun: Callable[[Any], Any], x: Any) -> Any:
    """The derivative in the direction of ones, by forward mode: of a function of one number, the derivative."""
    return core.make_jvp(fun, x)(vspace(x).ones())[1]


@unary_to_nary
def jacobian(fun: Callable[[Any], Any], x: Any) -> Any:
    """The Jacobian of an array with respect to an array, of the shape of the value followed by that of the argument: a reverse pass
    for each number of the value."""
    vjp, value = core.make_vjp(fun, x)
    space = vspace(value)
    if space.iscomplex:
        raise TypeError("jacobian: the function must give real numbers")
    rows = [vjp(e) for e in space.standard_basis()]
    shape = space.shape + vspace(x).shape
    return as_given(np.reshape(np.stack(rows), shape) if rows else np.zeros(shape), x)


@unary_to_nary
def holomorphic_grad(fun: Callable[[Any], Any], x: Any) -> Any:
    """The complex derivative of a holomorphic function that gives one number."""
    if not vspace(x).iscomplex:
        warnings.warn("Input to holomorphic_grad is not complex", stacklevel=3)
    return grad(lambda x: np.real(fun(x)))(x)


def grad_named(fun: Callable[..., Any], argname: str) -> Callable[..., Any]:
    """The gradient with respect to the parameter of that name."""
    return grad(fun, inspect.getfullargspec(fun).args.index(argname))


@unary_to_nary
def hessian(fun: Callable[[Any], Any], x: Any) -> Any:
    """The Hessian of a function that gives one number."""
    return jacobian(jacobian(fun))(x)


@unary_to_nary
def make_hvp(fun: Callable[[Any], Any], x: Any) -> Any:
    """`(hvp, gradient)`: `hvp(v)` is the Hessian times `v`; the gradient is computed once."""
    return core.make_vjp(grad(fun), x)


def hessian_tensor_product(fun: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """A function of `(*args, tensor)`: the Hessian times the tensor."""
    first = grad(fun, argnum)

    def along(*args, **kwargs):
        *given, tensor = args
        return np.tensordot(first(*given, **kwargs), tensor, np.ndim(tensor))
    return grad(along, argnum)


hessian_vector_product = hessian_tensor_product


def tensor_jacobian_product(fun: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """A function of `(*args, tensor)`: the tensor times the Jacobian."""
    def weighted(*args, **kwargs):
        *given, tensor = args
        return np.tensordot(tensor, fun(*given, **kwargs), np.ndim(tensor))
    return jacobian(weighted, argnum)


vector_jacobian_product = tensor_jacobian_product


@unary_to_nary
def make_jvp_reversemode(fun: Callable[[Any], Any], x: Any) -> Any:
    """The Jacobian times a vector as a function of it, by reverse mode alone: the transpose of the transpose."""
    vjp, value = core.make_vjp(fun, x)
    return core.make_vjp(vjp, vspace(value).zeros())[0]


def _half_square(x):
    return np.sum(x**2, axis=-1) / 2


def make_ggnvp(f: Callable[..., Any], g: Callable[[Any], Any] = _half_square, f_argnum: int = 0) -> Callable[..., Any]:
    """The generalised Gauss-Newton matrix of `g(f(x))`, J' H J with the Jacobian of `f` and the Hessian of `g`, as a function of the
    vector that it is multiplied with."""
    @unary_to_nary
    def make(f, x):
        pull, y = core.make_vjp(f, x)
        curve, slope = core.make_vjp(grad(g), y)
        push, _ = core.make_vjp(pull, vspace(slope).zeros())
        return lambda v: pull(curve(push(v)))
    return make(f, f_argnum)


@unary_to_nary
def grad_and_aux(fun: Callable[[Any], Any], x: Any) -> Any:
    """`(gradient, aux)` of a function that gives `(value, aux)`: the gradient is that of the value."""
    vjp, (value, aux) = core.make_vjp(lambda x: tuple(fun(x)), x)
    return vjp((vspace(value).ones(), None)), aux


def multigrad_dict(fun: Callable[..., Any]) -> Callable[..., Any]:
    """The gradients with respect to all arguments at once, by their names."""
    signature = inspect.signature(fun)

    def gradients(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()

        def of_all(arguments):
            call = inspect.BoundArguments(signature, OrderedDict(arguments))
            return fun(*call.args, **call.kwargs)
        found = grad(of_all)(dict(bound.arguments))
        return OrderedDict((name, found[name]) for name in bound.arguments)
    return gradients


def checkpoint(fun: Callable[..., Any]) -> Callable[..., Any]:
    """The function, of which only the arguments are kept: what is in between is computed again when a derivative needs it."""
    made = of_ours(fun)
    defvjp_argnum(made, lambda argnum, ans, args, kwargs: make_vjp(fun, argnum)(*args, **kwargs)[0])
    return made
