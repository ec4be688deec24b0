"""`minpy.scipy` under autograd's name."""
from minpy.autograd.scipy import integrate, linalg, signal, special, stats

__all__ = ["integrate", "linalg", "signal", "special", "stats"]
