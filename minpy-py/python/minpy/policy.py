"""Policies: where operations may run.

    prefer_device   on the device of the arrays; on the host what the device lacks, counted (the default)
    warn_device     the same, with a `FallbackWarning` on the line of each fallback
    only_device     an error instead of leaving the device
    only_host       on the CPU
    only_numpy      every function is NumPy's own: the reference to compare with

A policy belongs to a thread. `set_global_policy` sets it, `with use_policy(...)` and `wrap_policy` for a while.
The original's names `prefer_mxnet` and `only_mxnet` mean `prefer_device` and `only_device`.
"""
from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

from minpy._minpy import PrimitivePolicyError, devices
from minpy.context import Entered

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

_ALIASES = {"prefer_mxnet": "prefer_device", "only_mxnet": "only_device"}
_NAMES = ("prefer_device", "warn_device", "only_device", "only_host", "only_numpy")
_entered = Entered()


class Policy:
    """A policy by name; `with policy:` puts it in force."""

    name = "prefer_device"

    def __init__(self, name: str | None = None) -> None:
        if name is not None:
            self.name = _ALIASES.get(name, name)
        if self.name not in _NAMES:
            raise TypeError(f"Unknown policy name: {name}; there are: {', '.join(_NAMES)}")

    def __enter__(self) -> Policy:
        _entered.before.append(devices.set_policy(self.name))
        return self

    def __exit__(self, *exception: object) -> None:
        devices.set_policy(_entered.before.pop())

    def show_op_stat(self) -> None:
        """`np.show_op_stat()` under the original's name, `np.policy.show_op_stat()`: the counts of this thread, whichever policies
        were in force."""
        from minpy.numpy._stat import show_op_stat
        show_op_stat()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


class PreferDevicePolicy(Policy):
    """On the device of the arrays; on the host what the device lacks."""


class WarnDevicePolicy(Policy):
    """As `PreferDevicePolicy`, with a warning on the line of each fallback."""

    name = "warn_device"


class OnlyDevicePolicy(Policy):
    """An error instead of leaving the device."""

    name = "only_device"


class OnlyHostPolicy(Policy):
    """On the CPU."""

    name = "only_host"


class OnlyNumPyPolicy(Policy):
    """Every function is NumPy's own."""

    name = "only_numpy"


PreferMXNetPolicy = PreferDevicePolicy
OnlyMXNetPolicy = OnlyDevicePolicy


def use_policy(policy: str | Policy) -> Policy:
    """The policy as a context manager: `with use_policy('only_device'): ...`"""
    return Policy(policy.name if isinstance(policy, Policy) else policy)


def set_global_policy(policy: str | Policy) -> None:
    """Sets the policy of this thread (a name or a `Policy`)."""
    devices.set_policy(use_policy(policy).name)


def get_global_policy() -> Policy:
    """The policy in force."""
    return Policy(devices.policy())


def wrap_policy(policy: str | Policy) -> Callable[[F], F]:
    """Decorator: the function runs under the policy; the one before returns also after an exception."""
    name = use_policy(policy).name

    def decorate(function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with Policy(name):
                return function(*args, **kwargs)
        return wrapped
    return decorate


__all__ = [
    "OnlyDevicePolicy", "OnlyHostPolicy", "OnlyMXNetPolicy", "OnlyNumPyPolicy", "Policy", "PreferDevicePolicy", "PreferMXNetPolicy",
    "PrimitivePolicyError", "WarnDevicePolicy", "get_global_policy", "set_global_policy", "use_policy", "wrap_policy",
]
