"""MinPy: ordinary NumPy programs on any device, with gradients.

`import minpy.numpy as np` in place of `import numpy as np` is the whole change; `minpy.core` differentiates,
`minpy.context` says on which device, and the policies below say what may leave it.
"""
from minpy._minpy import __version__, fallback_count, get_num_threads, moved_bytes, set_num_threads
from minpy._minpy import _flush as flush
from minpy._minpy import _synchronize as synchronize
from minpy import context, numpy, policy
from minpy import array, core, primitive, symbol
from minpy.policy import (
    OnlyDevicePolicy, OnlyHostPolicy, OnlyMXNetPolicy, OnlyNumPyPolicy, Policy, PreferDevicePolicy, PreferMXNetPolicy,
    PrimitivePolicyError, get_global_policy, set_global_policy, use_policy, wrap_policy,
)
from minpy.profiling import profile

wait = synchronize


def devices() -> list[context.Context]:
    """Every device found, as contexts."""
    from minpy._minpy import _devices
    return [context.Context(name, number) for name, number, _, _ in _devices()]


__all__ = [
    "OnlyDevicePolicy", "OnlyHostPolicy", "OnlyMXNetPolicy", "OnlyNumPyPolicy", "Policy", "PreferDevicePolicy", "PreferMXNetPolicy",
    "PrimitivePolicyError", "__version__", "context", "devices", "fallback_count", "flush", "get_global_policy",
    "get_num_threads", "moved_bytes", "numpy", "policy", "profile", "set_global_policy", "set_num_threads", "synchronize", "use_policy", "wait", "wrap_policy",
]
