"""`minpy.numpy` under autograd's name."""
import minpy.numpy.fft
import minpy.numpy.linalg
import minpy.numpy.random
from minpy.autograd._alias import stands_for
from minpy.autograd.numpy import numpy_boxes, numpy_vjps, numpy_vspaces, numpy_wrapper
from minpy.numpy import *  # noqa: F403

stands_for(__name__, "minpy.numpy")
