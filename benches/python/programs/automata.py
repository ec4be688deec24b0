"""Cellular automata and walkers on grids."""
import numpy as np


def rule_30(width=301, steps=360):
    rule = np.array([int(b) for b in np.binary_repr(30, 8)])[::-1]
    cells = np.zeros((steps, width), dtype=np.int8)
    cells[0, width // 2] = 1
    for t in range(1, steps):
        left = np.roll(cells[t - 1], 1)
        right = np.roll(cells[t - 1], -1)
        index = 4 * left + 2 * cells[t - 1] + right
        cells[t] = rule[index]
    return cells, cells.sum(axis=1)


def rule_110_elements(width=240, steps=75):
    table = [0, 1, 1, 1, 0, 1, 1, 0]
    grid = np.zeros((steps, width), dtype=int)
    grid[0, -2] = 1
    for t in range(steps - 1):
        for i in range(1, width - 1):
            pattern = grid[t, i - 1] * 4 + grid[t, i] * 2 + grid[t, i + 1]
            grid[t + 1, i] = table[pattern]
    return grid


def langtons_ant(n=64, steps=8000):
    grid = np.zeros((n, n), dtype=bool)
    moves = np.array([[-1, 0], [0, 1], [1, 0], [0, -1]])
    x, y, d = n // 2, n // 2, 0
    for _ in range(steps):
        d = (d + 1) % 4 if grid[x, y] else (d - 1) % 4
        grid[x, y] = not grid[x, y]
        x = (x + moves[d, 0]) % n
        y = (y + moves[d, 1]) % n
    return grid, x, y


def sandpile(n=41, grains=600):
    pile = np.zeros((n, n), dtype=int)
    pile[n // 2, n // 2] = grains
    while (pile >= 4).any():
        topple = pile >= 4
        pile[topple] -= 4
        pile[1:] += topple[:-1]
        pile[:-1] += topple[1:]
        pile[:, 1:] += topple[:, :-1]
        pile[:, :-1] += topple[:, 1:]
    return pile


def forest_fire(n=64, steps=130):
    rng = np.random.default_rng(0)
    forest = (rng.random((n, n)) < 0.6).astype(int)
    burned = []
    for _ in range(steps):
        fire = forest == 2
        near = np.zeros_like(fire)
        near[1:] |= fire[:-1]
        near[:-1] |= fire[1:]
        near[:, 1:] |= fire[:, :-1]
        near[:, :-1] |= fire[:, 1:]
        new = forest.copy()
        new[fire] = 0
        new[(forest == 1) & near] = 2
        new[(forest == 1) & (rng.random((n, n)) < 0.001)] = 2
        new[(forest == 0) & (rng.random((n, n)) < 0.02)] = 1
        forest = new
        burned.append(np.count_nonzero(fire))
    return forest, burned


def traffic(n=200, steps=170):
    rng = np.random.RandomState(1)
    road = -np.ones(n, dtype=int)
    cars = rng.choice(n, 60, replace=False)
    road[cars] = 0
    for _ in range(steps):
        positions = np.where(road >= 0)[0]
        gaps = (np.roll(positions, -1) - positions - 1) % n
        v = np.minimum(np.minimum(road[positions] + 1, 5), gaps)
        v = np.where(rng.rand(len(v)) < 0.2, np.maximum(v - 1, 0), v)
        road = -np.ones(n, dtype=int)
        for p, speed in zip(positions, v):
            road[(p + speed) % n] = speed
    return road


def schelling(n=24, rounds=3):
    rng = np.random.RandomState(2)
    city = rng.choice([0, 1, 2], size=(n, n), p=[0.2, 0.4, 0.4])
    for _ in range(rounds):
        unhappy = []
        for i in range(n):
            for j in range(n):
                if city[i, j] == 0:
                    continue
                hood = city[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2]
                same = np.sum(hood == city[i, j]) - 1
                other = np.sum(hood != 0) - 1 - same
                if same + other > 0 and same / (same + other) < 0.4:
                    unhappy.append((i, j))
        empty = np.argwhere(city == 0)
        rng.shuffle(empty)
        for (i, j), (a, b) in zip(unhappy, empty):
            city[a, b] = city[i, j]
            city[i, j] = 0
    return city, len(unhappy)


def diffusion_aggregate(n=41, walkers=25):
    rng = np.random.RandomState(3)
    grid = np.zeros((n, n), dtype=bool)
    grid[n // 2, n // 2] = True
    for _ in range(walkers):
        x, y = rng.randint(1, n - 1, 2)
        moves = rng.randint(-1, 2, (400, 2))
        for dx, dy in moves:
            if grid[x - 1 : x + 2, y - 1 : y + 2].any():
                grid[x, y] = True
                break
            x = min(max(x + dx, 1), n - 2)
            y = min(max(y + dy, 1), n - 2)
    return grid
