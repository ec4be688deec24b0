"""Derivatives compared with differences of values (float64: the tolerances are for it)."""
from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from minpy.autograd._spaces import vspace
from minpy.autograd.core import make_jvp, make_vjp
from minpy.autograd.wrap_util import get_name, unary_to_nary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TOL = RTOL = EPS = 1e-6


def scalar_close(a: Any, b: Any) -> bool:
    """Whether two numbers are equal within `TOL`, or `RTOL` of their sum."""
    difference = abs(a - b)
    return bool(difference < TOL or difference / abs(a + b) < RTOL)


def make_numerical_jvp(f: Callable[[Any], Any], x: Any) -> Callable[[Any], Any]:
    """The tangent of `f` at `x` in a direction, as a difference of values on both sides."""
    x_space, y_space = vspace(x), vspace(f(x))

    def jvp(v):
        after, before = (f(x_space.add(x, x_space.scalar_mul(v, step))) for step in (EPS / 2, -EPS / 2))
        return y_space.scalar_mul(y_space.add(after, y_space.scalar_mul(before, -1.0)), 1 / EPS)
    return jvp


def check_equivalent(x: Any, y: Any) -> None:
    """Asserts that two values are of one space, and equal in a random direction."""
    space = vspace(x)
    assert space == vspace(y), f"VSpace mismatch:\nx: {space}\ny: {vspace(y)}"
    v = space.randn()
    assert scalar_close(space.inner_prod(x, v), space.inner_prod(y, v)), f"Value mismatch:\nx: {x}\ny: {y}"


def check_vjp(f: Callable[[Any], Any], x: Any) -> None:
    """Asserts that reverse mode at `x` agrees with differences, in random directions."""
    vjp, y = make_vjp(f, x)
    x_space, y_space = vspace(x), vspace(y)
    v, w = x_space.randn(), y_space.randn()
    pulled = x_space.covector(vjp(y_space.covector(w)))
    assert vspace(pulled) == x_space, f"{vspace(pulled)} is not {x_space}"
    found, wanted = x_space.inner_prod(v, pulled), y_space.inner_prod(w, make_numerical_jvp(f, x)(v))
    assert scalar_close(wanted, found), f"Derivative (VJP) check of {get_name(f)} failed with arg {x}:\nanalytic: {found}\nnumeric:  {wanted}"


def check_jvp(f: Callable[[Any], Any], x: Any) -> None:
    """Asserts that forward mode at `x` agrees with differences, in a random direction."""
    v = vspace(x).randn()
    check_equivalent(make_jvp(f, x)(v)[1], make_numerical_jvp(f, x)(v))


@unary_to_nary
def check_grads(f: Callable[[Any], Any], x: Any, modes: Sequence[str] = ("fwd", "rev"), order: int = 2) -> None:
    """Asserts that the derivatives of `f` at `x` agree with differences, in those modes and all their combinations up to the order."""
    if not set(modes) <= {"fwd", "rev"}:
        raise ValueError(f"modes: 'fwd' and 'rev', not {modes!r}")
    for mode in modes:
        (check_jvp if mode == "fwd" else check_vjp)(f, x)
        if order > 1:
            def derivative(x, v, forward=mode == "fwd"):
                return make_jvp(f, x)(v)[1] if forward else make_vjp(f, x)[0](v)
            derivative.__name__ = f"{'jvp' if mode == 'fwd' else 'vjp'}_{get_name(f)}"
            v = vspace(x if mode == "fwd" else f(x)).randn()
            check_grads(derivative, (0, 1), modes, order=order - 1)(x, v)


def combo_check(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., None]:
    """A function of lists of arguments: `check_grads(fun, *args, **kwargs)` with each combination of them."""
    check = check_grads(fun, *args, **kwargs)

    def checked(*lists, **named):
        for given in product(*lists):
            for values in product(*named.values()):
                check(*given, **dict(zip(named, values, strict=True)))
    return checked
