"""Tables that are filled cell by cell or row by row."""
import numpy as np


def edit_distance(n=110):
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, n)
    b = rng.integers(0, 4, n)
    d = np.zeros((n + 1, n + 1), dtype=int)
    for i in range(n + 1):
        d[i, 0] = i
    for j in range(n + 1):
        d[0, j] = j
    for i in range(1, n + 1):
        for j in range(1, n + 1):
            cost = 0 if a[i - 1] == b[j - 1] else 1
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + cost)
    return d[n, n], d.sum()


def edit_distance_text(n=90):
    a = "kitten sitting on the mitten of the smitten kitchen and other things that are written in the fittest"[:n]
    b = "sitting kitten in the kitchen of the bitten mitten and others that have been written by the wittiest"[:n]
    d = np.zeros((len(a) + 1, len(b) + 1))
    d[:, 0] = np.arange(len(a) + 1)
    d[0, :] = np.arange(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            if a[i - 1] == b[j - 1]:
                d[i][j] = d[i - 1][j - 1]
            else:
                d[i][j] = np.min([d[i - 1][j], d[i][j - 1], d[i - 1][j - 1]]) + 1
    return d[-1, -1], d


def knapsack_elements(n=25, capacity=400):
    rng = np.random.RandomState(4)
    weights = rng.randint(5, 50, n)
    values = rng.randint(10, 100, n)
    best = np.zeros((n + 1, capacity + 1), dtype=np.int64)
    for i in range(1, n + 1):
        w, v = weights[i - 1], values[i - 1]
        for c in range(capacity + 1):
            best[i, c] = best[i - 1, c]
            if w <= c and best[i - 1, c - w] + v > best[i, c]:
                best[i, c] = best[i - 1, c - w] + v
    taken = []
    c = capacity
    for i in range(n, 0, -1):
        if best[i, c] != best[i - 1, c]:
            taken.append(i - 1)
            c -= weights[i - 1]
    return best[n, capacity], taken


def knapsack_rows(n=2400, capacity=2000):
    rng = np.random.RandomState(5)
    weights = rng.randint(5, 200, n)
    values = rng.randint(10, 1000, n)
    best = np.zeros(capacity + 1, dtype=int)
    for w, v in zip(weights, values):
        best[w:] = np.maximum(best[w:], best[:-w] + v)
    return best[-1], best


def longest_common_subsequence(n=110):
    rng = np.random.default_rng(6)
    x = rng.integers(0, 5, n)
    y = rng.integers(0, 5, n)
    table = np.zeros((n + 1, n + 1), int)
    for i in range(n):
        for j in range(n):
            if x[i] == y[j]:
                table[i + 1, j + 1] = table[i, j] + 1
            else:
                table[i + 1, j + 1] = max(table[i, j + 1], table[i + 1, j])
    out = []
    i, j = n, n
    while i > 0 and j > 0:
        if x[i - 1] == y[j - 1]:
            out.append(x[i - 1])
            i -= 1
            j -= 1
        elif table[i - 1, j] >= table[i, j - 1]:
            i -= 1
        else:
            j -= 1
    return np.array(out[::-1])


def dynamic_time_warping(n=105):
    t = np.linspace(0, 6, n)
    s1 = np.sin(t)
    s2 = np.sin(t * 1.2 + 0.3)
    dtw = np.full((n + 1, n + 1), np.inf)
    dtw[0, 0] = 0
    for i in range(1, n + 1):
        for j in range(1, n + 1):
            cost = abs(s1[i - 1] - s2[j - 1])
            dtw[i, j] = cost + min(dtw[i - 1, j], dtw[i, j - 1], dtw[i - 1, j - 1])
    path = [(n, n)]
    i, j = n, n
    while i > 1 or j > 1:
        step = np.argmin([dtw[i - 1, j - 1], dtw[i - 1, j], dtw[i, j - 1]])
        if step == 0:
            i, j = i - 1, j - 1
        elif step == 1:
            i -= 1
        else:
            j -= 1
        path.append((i, j))
    return dtw[n, n], np.array(path)


def floyd_warshall_elements(n=26):
    rng = np.random.default_rng(7)
    dist = rng.integers(1, 100, (n, n)).astype(float)
    dist[rng.random((n, n)) < 0.6] = np.inf
    for i in range(n):
        dist[i, i] = 0
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if dist[i, k] + dist[k, j] < dist[i, j]:
                    dist[i, j] = dist[i, k] + dist[k, j]
    return dist


def floyd_warshall_rows(n=160):
    rng = np.random.default_rng(8)
    dist = np.where(rng.random((n, n)) < 0.1, rng.random((n, n)), np.inf)
    np.fill_diagonal(dist, 0)
    for k in range(n):
        dist = np.minimum(dist, dist[:, k][:, None] + dist[k, :][None, :])
    return dist[np.isfinite(dist)]


def viterbi(states=6, n=200):
    rng = np.random.RandomState(9)
    a = rng.rand(states, states)
    a /= a.sum(axis=1)[:, np.newaxis]
    b = rng.rand(states, 8)
    b /= b.sum(axis=1, keepdims=True)
    obs = rng.randint(0, 8, n)
    delta = np.zeros((n, states))
    psi = np.zeros((n, states), dtype=int)
    delta[0] = np.log(1 / states) + np.log(b[:, obs[0]])
    for t in range(1, n):
        for j in range(states):
            p = delta[t - 1] + np.log(a[:, j])
            psi[t, j] = np.argmax(p)
            delta[t, j] = np.max(p) + np.log(b[j, obs[t]])
    path = np.zeros(n, dtype=int)
    path[-1] = np.argmax(delta[-1])
    for t in range(n - 2, -1, -1):
        path[t] = psi[t + 1, path[t + 1]]
    return path, delta[-1].max()


def matrix_chain(n=40):
    p = np.random.RandomState(10).randint(5, 60, n + 1)
    m = np.zeros((n, n), dtype=np.int64)
    split = np.zeros((n, n), dtype=np.int64)
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length - 1
            m[i, j] = np.iinfo(np.int64).max
            for k in range(i, j):
                cost = m[i, k] + m[k + 1, j] + p[i] * p[k + 1] * p[j + 1]
                if cost < m[i, j]:
                    m[i, j] = cost
                    split[i, j] = k
    return m[0, n - 1], split


def coin_change(amount=6000):
    coins = [1, 2, 5, 10, 25, 50]
    ways = np.zeros(amount + 1, dtype=np.int64)
    ways[0] = 1
    for coin in coins:
        for a in range(coin, amount + 1):
            ways[a] += ways[a - coin]
    return ways[-1], ways[::100]


def smith_waterman(n=80):
    rng = np.random.RandomState(11)
    x, y = rng.choice(4, n), rng.choice(4, n)
    h = np.zeros((n + 1, n + 1), dtype=np.int32)
    best, where = 0, (0, 0)
    for i in range(1, n + 1):
        for j in range(1, n + 1):
            match = h[i - 1, j - 1] + (3 if x[i - 1] == y[j - 1] else -3)
            h[i, j] = max(0, match, h[i - 1, j] - 2, h[i, j - 1] - 2)
            if h[i, j] > best:
                best, where = h[i, j], (i, j)
    return best, where, h


def longest_increasing(n=700):
    a = np.random.RandomState(12).randint(0, 10000, n)
    length = np.ones(n, dtype=int)
    for i in range(1, n):
        smaller = length[:i][a[:i] < a[i]]
        if len(smaller) > 0:
            length[i] = smaller.max() + 1
    tails = []
    for v in a:
        k = np.searchsorted(tails, v) if tails else 0
        if k == len(tails):
            tails.append(v)
        else:
            tails[k] = v
    return length.max(), len(tails)
