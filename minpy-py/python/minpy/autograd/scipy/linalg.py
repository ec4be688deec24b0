"""`minpy.scipy.linalg` under autograd's name."""
from minpy.autograd._alias import stands_for
from minpy.scipy.linalg import *  # noqa: F403

stands_for(__name__, "minpy.scipy.linalg")
