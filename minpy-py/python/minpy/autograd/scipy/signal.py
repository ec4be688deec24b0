"""`minpy.scipy.signal` under autograd's name."""
from minpy.autograd._alias import stands_for
from minpy.scipy.signal import *  # noqa: F403

stands_for(__name__, "minpy.scipy.signal")
