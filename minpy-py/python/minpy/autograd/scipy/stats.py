"""`minpy.scipy.stats` under autograd's name."""
from minpy.autograd._alias import stands_for
from minpy.scipy.stats import *  # noqa: F403

stands_for(__name__, "minpy.scipy.stats")
