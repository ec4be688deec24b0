"""Heat in a plate, step by step: an ordinary NumPy program. `python heat.py 64 500`, or `python -m minpy heat.py 64 500`."""
import sys

import numpy as np


def step(t, k):
    """One step of the heat equation inside of the edges."""
    t[1:-1, 1:-1] += k * (t[2:, 1:-1] + t[:-2, 1:-1] + t[1:-1, 2:] + t[1:-1, :-2] - 4 * t[1:-1, 1:-1])


def main(size=48, steps=200):
    plate = np.zeros((size, size))
    plate[0, :] = 100.0
    plate[:, 0] = np.linspace(100.0, 0.0, size)
    for n in range(steps):
        step(plate, 0.2)
        if n % 50 == 0:
            print(f"step {n:4d}: mean {plate.mean():.6f}, middle {plate[size // 2, size // 2]:.6f}")
    warm = np.argwhere(plate > 50.0)
    print("warm places:", len(warm), "the last one:", tuple(warm[-1].tolist()))
    return plate


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
