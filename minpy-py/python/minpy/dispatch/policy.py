"""The original's place of the policies: see `minpy.policy`."""
from minpy.policy import *  # noqa: F403
