"""k-means, as a module of the program `kmeans.py`."""
from numpy import argmin, array, bincount
from numpy.linalg import norm


def assign(points, centres):
    """The nearest centre of each point."""
    return argmin(norm(points[:, None, :] - centres[None, :, :], axis=2), axis=1)


def move(points, labels, count):
    """The middle of the points of each centre."""
    return array([points[labels == k].mean(axis=0) for k in range(count)])


def sizes(labels, count):
    """How many points each centre has."""
    return bincount(labels, minlength=count)
