"""Mistakes that a type checker finds: mypy must report each of them, and nothing else (`warn_unused_ignores`)."""
import minpy.numpy as np
import minpy.symbol as sym
from minpy import core
from minpy.context import gpu
from minpy.core import grad

x = np.ones(3)


def f(a: np.ndarray, b: float) -> np.scalar:
    return np.sum(a * b)


np.expp(x)  # type: ignore[attr-defined]
np.linalg.invv(x)  # type: ignore[attr-defined]
np.random.randm(3)  # type: ignore[attr-defined]
np.fft.ftt(x)  # type: ignore[attr-defined]
sym.Activaton(sym.Variable("x"))  # type: ignore[attr-defined]
core.gard(f)  # type: ignore[attr-defined]
x.summ()  # type: ignore[attr-defined]
x.sum().asnumy()  # type: ignore[attr-defined]
np.exp(x).shpae  # type: ignore[attr-defined]
np.sum(x, axes=0)  # type: ignore[call-overload]
np.zeros("three")  # type: ignore[arg-type]
np.concatenate([x, x], axes=0)  # type: ignore[call-arg]
np.ones(3, device=0)  # type: ignore[arg-type]
sym.FullyConnected(sym.Variable("x"), num_hiden=4)  # type: ignore[arg-type]
x.sum()[0] = 1  # type: ignore[index]
grad(f)(x, "one")  # type: ignore[arg-type]
grad(f)(x, c=1.0)  # type: ignore[call-arg]
gpu("zero")  # type: ignore[arg-type]
