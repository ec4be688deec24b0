"""`primitive`: functions on NumPy arrays that are one node of the tape, with derivatives that are defined apart, in terms of
`minpy.numpy`. So derivatives of any order follow, and of the two modes each follows from the other where only one is defined.
"""
from __future__ import annotations

import functools
import itertools
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import numpy

import minpy.numpy as np
from minpy import _minpy
from minpy._minpy import NoGradientFuncError, array_base, tape
from minpy.autograd import _tree
from minpy.autograd._spaces import vspace
from minpy.numpy import _fallback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# Of a function that `primitive` made: the maker of `gradient of the result -> gradients of the arguments of those numbers`, from
# (argnums, ans, args, kwargs); and `(argnums, tangents, ans, args, kwargs) -> tangent of the result`. They live as long as the function.
primitive_vjps: weakref.WeakKeyDictionary[Any, Callable[..., Any]] = weakref.WeakKeyDictionary()
primitive_jvps: weakref.WeakKeyDictionary[Any, Callable[..., Any]] = weakref.WeakKeyDictionary()
_CONSTANT: weakref.WeakSet[Any] = weakref.WeakSet()


def primitive(f_raw: Callable[..., Any]) -> Callable[..., Any]:
    """The function as one step: it is called with NumPy arrays, and `defvjp` and `defjvp` say how it is differentiated."""
    @functools.wraps(f_raw, assigned=("__module__", "__name__", "__qualname__", "__doc__"))
    def f_wrapped(*args, **kwargs):
        this = _fallback.Call()
        given = [this.give(a) for a in args]
        named = {k: this.give(v) for k, v in kwargs.items()}
        answer = tape.no_grad(functools.partial(f_raw, **named), *given)
        theirs = [a for a in given + list(named.values()) if isinstance(a, numpy.ndarray)]
        result = _tree.mapped(lambda v: this.take(_own(v, theirs)), answer)
        if not tape.recording():
            return result
        for a in kwargs.values():
            if isinstance(a, array_base):
                tape.leaves(a, f"a keyword argument of {f_wrapped.__name__}")
        return recorded(f_wrapped, args, kwargs, result)
    return f_wrapped


def of_ours(f_raw: Callable[..., Any]) -> Callable[..., Any]:
    """A primitive whose function computes with our arrays, where they are."""
    @functools.wraps(f_raw, assigned=("__module__", "__name__", "__qualname__", "__doc__"))
    def f_wrapped(*args, **kwargs):
        result = tape.no_grad(functools.partial(f_raw, **kwargs), *args)
        return recorded(f_wrapped, args, kwargs, result) if tape.recording() else result
    return f_wrapped


def _own(value, theirs):
    """A result that looks at an argument becomes an array of its own: the derivative is the call's, not the argument's."""
    return value.copy() if isinstance(value, numpy.ndarray) and any(numpy.may_share_memory(value, a) for a in theirs) else value


def _kept(leaf):
    return tape.keep(leaf) if isinstance(leaf, array_base) else leaf


def _fetched(leaves):
    return [leaf.get() if isinstance(leaf, _minpy._Kept) else leaf for leaf in leaves]


def recorded(fun: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
    """Notes the call on the tape, where it depends on something that is watched; gives the result."""
    if fun in _CONSTANT:
        return result
    parts = [_tree.flatten(a)[0] for a in args]
    leaves = [leaf for part in parts for leaf in part]
    inputs = [k for k, leaf in enumerate(leaves) if isinstance(leaf, array_base) and leaf.dtype.kind in "fc" and tape.is_watched(leaf)]
    if not inputs:
        return result
    numbers = [i for i, part in enumerate(parts) for _ in part]
    build = _tree.flatten(args)[1]
    argnums = tuple(dict.fromkeys(numbers[k] for k in inputs))
    answers, build_answer = _tree.flatten(result)
    answers = [_minpy._adopt(numpy.asarray(a), None, [], True) if _tree.inexact(a) and not isinstance(a, array_base) else a for a in answers]
    # An argument, or what else is on the tape, stays what it is.
    answers = [np.copy(a)[()] if isinstance(a, array_base) and tape.is_watched(a) else a for a in answers]
    outputs = [k for k, a in enumerate(answers) if isinstance(a, array_base) and a.dtype.kind in "fc"]
    kept = [_kept(leaf) for leaf in leaves]

    def call():
        return build_answer(_fetched(kept_answers)), build(_fetched(kept)), kwargs

    def filled(found, places, like):
        """What was found for some places of a structure, zeros elsewhere."""
        values = dict(zip(places, found, strict=True))
        return [zeros(leaf) if values.get(k) is None else values[k] for k, leaf in enumerate(like)]

    def vjp(gradients):
        ans, args, kwargs = call()
        g = build_answer(filled(gradients, outputs, _fetched(kept_answers)))
        found = dict(zip(argnums, vjp_of(fun, argnums, ans, args, kwargs)(g), strict=True))
        parts = [_tree.aligned(found[i], a) if i in found else _tree.flatten(a)[0] for i, a in enumerate(args)]
        pulled = [leaf for part in parts for leaf in part]
        return [pulled[k] for k in inputs]

    def jvp(tangents):
        ans, args, kwargs = call()
        known = dict(zip(inputs, tangents, strict=True))
        these = tuple(i for i in argnums if any(numbers[k] == i and t is not None for k, t in known.items()))
        parts = build(filled(tangents, inputs, _fetched(kept)))
        tangent = _pushed(fun, these, tuple(parts[i] for i in these), ans, args, kwargs)
        found = _tree.aligned(tangent, ans)
        return [found[k] for k in outputs]
    tape.record_foreign(fun.__name__, [leaves[k] for k in inputs], [answers[k] for k in outputs], vjp, jvp)
    kept_answers = [_kept(a) for a in answers]
    return build_answer(answers)


def zeros(leaf: Any) -> Any:
    """Zeros in the place of a leaf; what is no numbers stays as it is."""
    return _tree.zeros(leaf) if _tree.differentiable(leaf) else leaf


def vjp_of(fun: Any, argnums: tuple[int, ...], ans: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[Any], Any]:
    """The map from the gradient of the result to those of the arguments of these numbers."""
    maker = primitive_vjps.get(fun)
    if maker is not None:
        return maker(argnums, ans, args, kwargs)
    jvp = primitive_jvps.get(fun)
    if jvp is None:
        raise NoGradientFuncError(f"VJP of {fun.__name__} wrt argnums {argnums} not defined")
    # The transpose of the other mode's map, which is linear.
    from minpy.autograd.core import make_vjp
    start = tuple(vspace(args[i]).zeros() for i in argnums)
    return make_vjp(lambda tangents: jvp(argnums, tangents, ans, args, kwargs), start)[0]


def _pushed(fun, argnums, tangents, ans, args, kwargs):
    jvp = primitive_jvps.get(fun)
    if jvp is not None:
        return jvp(argnums, tangents, ans, args, kwargs)
    maker = primitive_vjps.get(fun)
    if maker is None:
        raise NoGradientFuncError(f"JVP of {fun.__name__} wrt argnums {argnums} not defined")
    from minpy.autograd.core import make_vjp
    spaces = [vspace(args[i]) for i in argnums]

    def vjp(g):
        found = tuple(maker(argnums, ans, args, kwargs)(g))
        return tuple(s.zeros() if v is None else v for v, s in zip(found, spaces, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a map that is zero
        return make_vjp(vjp, vspace(ans).zeros())[0](tangents)


def _checked(fun):
    if not callable(fun):
        raise TypeError(f"not a function: {fun!r}")
    if getattr(fun, "__wrapped__", None) is None:
        name = getattr(fun, "__name__", fun)
        raise TypeError(f"{name} is no function that `primitive` made: its derivative is MinPy's, and not to be defined anew")


def defvjp_argnums(fun: Any, vjpmaker: Callable[..., Any]) -> None:
    """`vjpmaker(argnums, ans, args, kwargs)` gives the map from the gradient of the result to those of the arguments of these numbers."""
    _checked(fun)
    primitive_vjps[fun] = vjpmaker


def defvjp_argnum(fun: Any, vjpmaker: Callable[..., Any]) -> None:
    """The same for one argument at a time: `vjpmaker(argnum, ans, args, kwargs)`."""
    def maker(argnums, ans, args, kwargs):
        maps = [vjpmaker(i, ans, args, kwargs) for i in argnums]
        return lambda g: [vjp(g) for vjp in maps]
    defvjp_argnums(fun, maker)


def defvjp(fun: Any, *vjpmakers: Callable[..., Any] | None, argnums: Iterable[int] | None = None) -> None:
    """For each argument (or those of `argnums`) a function of `(ans, *args, **kwargs)` that gives the map from the gradient of the
    result to that of the argument; None: zero."""
    known = dict(zip(itertools.count() if argnums is None else argnums, vjpmakers, strict=False))
    name = getattr(fun, "__name__", fun)

    def maker(argnum, ans, args, kwargs):
        if argnum not in known:
            raise NoGradientFuncError(f"VJP of {name} wrt argnum {argnum} not defined")
        made = known[argnum]
        return (lambda g: None) if made is None else made(ans, *args, **kwargs)
    defvjp_argnum(fun, maker)


def defjvp_argnums(fun: Any, jvpmaker: Callable[..., Any]) -> None:
    """`jvpmaker(argnums, tangents, ans, args, kwargs)` gives the tangent of the result."""
    _checked(fun)
    primitive_jvps[fun] = jvpmaker


def defjvp_argnum(fun: Any, jvpmaker: Callable[..., Any]) -> None:
    """The same for one argument at a time: `jvpmaker(argnum, tangent, ans, args, kwargs)`."""
    def pushed(argnums, tangents, ans, args, kwargs):
        parts = [jvpmaker(i, t, ans, args, kwargs) for i, t in zip(argnums, tangents, strict=True)]
        parts = [p for p in parts if p is not None]
        if not parts:
            return _tree.mapped(zeros, ans)
        return functools.reduce(lambda a, b: _tree.mapped(lambda x, y: x + y, a, b), parts)
    defjvp_argnums(fun, pushed)


def defjvp(fun: Any, *jvpfuns: Callable[..., Any] | str | None, argnums: Iterable[int] | None = None) -> None:
    """For each argument (or those of `argnums`) a function of `(tangent, ans, *args, **kwargs)` that gives its part of the tangent of
    the result; 'same': the function itself, with the tangent in the argument's place; None: zero."""
    known = dict(zip(itertools.count() if argnums is None else argnums, jvpfuns, strict=False))

    def part(argnum, tangent, ans, args, kwargs):
        if argnum not in known:
            raise NoGradientFuncError(f"JVP of {fun.__name__} wrt argnum {argnum} not defined")
        jvp = known[argnum]
        if jvp is None:
            return None
        if isinstance(jvp, str):
            return fun(*args[:argnum], tangent, *args[argnum + 1:], **kwargs)
        return jvp(tangent, ans, *args, **kwargs)
    if any(isinstance(j, str) and j != "same" for j in jvpfuns):
        raise ValueError(f"{fun.__name__}: a JVP is a function, 'same' or None")
    defjvp_argnum(fun, part)


def def_linear(fun: Any) -> None:
    """The function is linear in each of its arguments."""
    defjvp_argnum(fun, lambda i, t, ans, args, kwargs: fun(*args[:i], t, *args[i + 1:], **kwargs))


def register_notrace(trace_type: Any, primitive_fun: Any) -> None:
    """The results of the primitive are constants, whatever mode `trace_type` names."""
    _CONSTANT.add(primitive_fun)


def notrace_primitive(f_raw: Callable[..., Any]) -> Callable[..., Any]:
    """A primitive whose results are constants."""
    made = primitive(f_raw)
    _CONSTANT.add(made)
    return made


def _deprecated(name):
    warnings.warn(f"{name} is deprecated: use defvjp of minpy.autograd.extend", stacklevel=3)


def deprecated_primitive(f_raw: Callable[..., Any]) -> Any:
    """`primitive` with autograd's methods of old: `defvjp`, `defgrad` and `defvjp_is_zero`."""
    made: Any = primitive(f_raw)
    known: dict[int, Any] = {}

    def define(maker, argnum):
        known[argnum] = maker
        defvjp(made, *known.values(), argnums=list(known))

    def old_defvjp(vjpmaker, argnum=0):
        _deprecated("primitive.defvjp")
        define(lambda ans, *args, **kwargs: lambda g: vjpmaker(g, ans, vspace(args[argnum]), vspace(g), *args, **kwargs), argnum)

    def defgrad(gradmaker, argnum=0):
        _deprecated("primitive.defgrad")
        define(gradmaker, argnum)

    def defvjp_is_zero(argnums: Sequence[int] = (0,)):
        _deprecated("primitive.defvjp_is_zero")
        for i in argnums:
            define(None, i)
    made.defvjp, made.defgrad, made.defvjp_is_zero = old_defvjp, defgrad, defvjp_is_zero
    return made
