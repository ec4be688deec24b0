"""MinPy: ordinary NumPy programs on any device, with gradients.

`import minpy.numpy as np` in place of `import numpy as np` is the whole change; `minpy.core` differentiates,
`minpy.context` says on which device, and the policies below say what may leave it.
"""
from typing import Any

from minpy import _minpy, array, array_variants, context, core, numpy, policy, primitive, symbol
from minpy._importing import install, uninstall
from minpy._minpy import __version__
from minpy.numpy._fallback import FallbackWarning
from minpy.policy import (
    OnlyDevicePolicy,
    OnlyHostPolicy,
    OnlyMXNetPolicy,
    OnlyNumPyPolicy,
    Policy,
    PreferDevicePolicy,
    PreferMXNetPolicy,
    PrimitivePolicyError,
    WarnDevicePolicy,
    get_global_policy,
    set_global_policy,
    use_policy,
    wrap_policy,
)
from minpy.profiling import profile

fallback_count, moved_bytes = _minpy.counters.fallback_count, _minpy.counters.moved_bytes
flush, synchronize = _minpy.devices.flush, _minpy.devices.synchronize
get_num_threads, set_num_threads = _minpy.devices.get_num_threads, _minpy.devices.set_num_threads
wait = synchronize


def devices() -> list[context.Context]:
    """Every device found, as contexts."""
    return [context.Context(name, number) for name, number, _, _ in _minpy.devices.all()]


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext minpy`: `minpy.install()` for what is imported in this session from now on."""
    import numpy as theirs
    install()
    early = sorted(name for name, value in ipython.user_ns.items() if value is theirs and not name.startswith("_"))
    if early:
        print(f"minpy: {', '.join(early)} is NumPy, imported before; import it again")


def unload_ipython_extension(ipython: Any) -> None:
    """`%unload_ext minpy`"""
    uninstall()


__all__ = [
    "FallbackWarning",
    "OnlyDevicePolicy",
    "OnlyHostPolicy",
    "OnlyMXNetPolicy",
    "OnlyNumPyPolicy",
    "Policy",
    "PreferDevicePolicy",
    "PreferMXNetPolicy",
    "PrimitivePolicyError",
    "WarnDevicePolicy",
    "__version__",
    "context",
    "devices",
    "fallback_count",
    "flush",
    "get_global_policy",
    "get_num_threads",
    "install",
    "moved_bytes",
    "numpy",
    "policy",
    "profile",
    "set_global_policy",
    "set_num_threads",
    "synchronize",
    "uninstall",
    "use_policy",
    "wait",
    "wrap_policy",
]
