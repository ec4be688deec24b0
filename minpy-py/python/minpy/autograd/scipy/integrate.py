"""`minpy.scipy.integrate` under autograd's name."""
from minpy.autograd._alias import stands_for
from minpy.scipy.integrate import *  # noqa: F403

stands_for(__name__, "minpy.scipy.integrate")
