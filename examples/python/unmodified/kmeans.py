"""k-means on three clouds of points, in two modules, with random numbers: `python -m minpy kmeans.py`."""
import importlib

import numpy
from numpy.random import default_rng

clusters = importlib.import_module("clusters")


def clouds(rng, count):
    """Points around three places."""
    return numpy.concatenate([rng.normal(place, 0.5, (count, 2)) for place in ((0, 0), (3, 3), (0, 4))])


def fit(points, count, rounds):
    """Centres, labels, and how far the centres moved in each round."""
    centres = points[:: len(points) // count][:count]
    moves = []
    for _ in range(rounds):
        labels = clusters.assign(points, centres)
        moved = clusters.move(points, labels, count)
        moves.append(float(numpy.abs(moved - centres).max()))
        centres = moved
        if moves[-1] < 1e-9:
            break
    return centres, labels, moves


if __name__ == "__main__":
    centres, labels, moves = fit(clouds(default_rng(7), 200), 3, 20)
    numpy.set_printoptions(precision=5, suppress=True)
    print("moves:", *(f"{m:.4f}" for m in moves))
    print("sizes:", clusters.sizes(labels, 3))
    print(centres)
