"""From operators on functions of one argument to operators with `argnum`."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def get_name(f: Any) -> str:
    return getattr(f, "__name__", "[unknown name]")


def get_doc(f: Any) -> str:
    return getattr(f, "__doc__", "") or ""


def wraps(fun: Any, namestr: str = "{fun}", docstr: str = "{doc}", **kwargs: Any) -> Callable[[Any], Any]:
    """Decorator: name and documentation by templates, in which `fun` and `doc` are those of the function."""
    def decorate(f):
        f.__name__ = namestr.format(fun=get_name(fun), **kwargs)
        f.__doc__ = docstr.format(fun=get_name(fun), doc=get_doc(fun), **kwargs)
        return f
    return decorate


def unary_to_nary(unary_operator: Callable[..., Any]) -> Callable[..., Any]:
    """An operator on `(function of one argument, its value)` as one on functions of any number: `operator(fun, argnum=0)` gives a
    function of the arguments of `fun`. Of several numbers the argument is the tuple."""
    def nary_operator(fun, argnum=0, *operator_args, **operator_kwargs):
        if not isinstance(argnum, (int, tuple, list)):
            raise TypeError(f"argnum: an integer or a tuple or list of them, not {argnum!r}")
        numbers = [argnum] if isinstance(argnum, int) else list(argnum)
        one = isinstance(argnum, int)

        def nary_f(*args, **kwargs):
            def unary_f(x):
                given = list(args)
                for i, v in zip(numbers, [x] if one else x, strict=True):
                    given[i] = v
                return fun(*given, **kwargs)
            unary_f.__name__ = get_name(fun)
            x = args[numbers[0]] if one else tuple(args[i] for i in numbers)
            return unary_operator(unary_f, x, *operator_args, **operator_kwargs)
        doc = "    {op} of function {fun} with respect to argument number {argnum}: a function of the same arguments.\n"
        return wraps(fun, "{op}_of_{fun}_wrt_argnum_{argnum}", doc, op=get_name(unary_operator), argnum=argnum)(nary_f)
    return wraps(unary_operator)(nary_operator)
