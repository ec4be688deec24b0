"""`minpy.scipy.special` under autograd's name."""
from minpy.autograd._alias import stands_for
from minpy.scipy.special import *  # noqa: F403

stands_for(__name__, "minpy.scipy.special")
