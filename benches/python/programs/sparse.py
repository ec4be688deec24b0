"""Sparse matrices and graphs by hand."""
import numpy as np


def _csr(n, per_row, seed):
    rng = np.random.RandomState(seed)
    indptr = np.arange(0, n * per_row + 1, per_row)
    indices = rng.randint(0, n, n * per_row)
    data = rng.rand(n * per_row)
    return data, indices, indptr


def csr_elements(n=600, per_row=6, repeats=4):
    data, indices, indptr = _csr(n, per_row, 0)
    x = np.ones(n)
    for _ in range(repeats):
        y = np.zeros(n)
        for i in range(n):
            for k in range(indptr[i], indptr[i + 1]):
                y[i] += data[k] * x[indices[k]]
        x = y / np.max(y)
    return x


def csr_rows(n=1500, per_row=8, repeats=4):
    data, indices, indptr = _csr(n, per_row, 1)
    x = np.ones(n)
    for _ in range(repeats):
        y = np.zeros(n)
        for i in range(n):
            start, end = indptr[i], indptr[i + 1]
            y[i] = np.dot(data[start:end], x[indices[start:end]])
        x = y / np.linalg.norm(y)
    return x


def coo_add_at(n=2000, per_row=10, repeats=80):
    data, cols, _ = _csr(n, per_row, 2)
    rows = np.repeat(np.arange(n), per_row)
    x = np.ones(n)
    for _ in range(repeats):
        y = np.zeros(n)
        np.add.at(y, rows, data * x[cols])
        x = y / np.sqrt(np.sum(y * y))
    return x


def coo_bincount(n=2000, per_row=10, repeats=80):
    data, cols, _ = _csr(n, per_row, 3)
    rows = np.repeat(np.arange(n), per_row)
    x = np.ones(n)
    for _ in range(repeats):
        x = np.bincount(rows, weights=data * x[cols], minlength=n)
        x /= x.sum()
    return x


def dense_to_csr(n=220):
    rng = np.random.RandomState(4)
    a = rng.rand(n, n)
    a[a < 0.8] = 0
    data, indices, indptr = [], [], [0]
    for i in range(n):
        for j in range(n):
            if a[i, j] != 0:
                data.append(a[i, j])
                indices.append(j)
        indptr.append(len(data))
    return np.array(data), np.array(indices), np.array(indptr)


def pagerank_dense(n=300, steps=300):
    rng = np.random.RandomState(5)
    links = (rng.rand(n, n) < 0.1).astype(float)
    np.fill_diagonal(links, 0)
    out = links.sum(axis=0)
    out[out == 0] = 1
    m = links / out
    rank = np.ones(n) / n
    for _ in range(steps):
        new = 0.85 * m @ rank + 0.15 / n
        change = np.abs(new - rank).sum()
        rank = new
        if change < 1e-300:
            break
    return rank, np.argsort(rank)[::-1][:10]


def pagerank_links(n=120, steps=20):
    rng = np.random.RandomState(6)
    links = [rng.choice(n, 6, replace=False) for _ in range(n)]
    rank = np.full(n, 1.0 / n)
    for _ in range(steps):
        new = np.full(n, 0.15 / n)
        for page in range(n):
            share = 0.85 * rank[page] / len(links[page])
            for target in links[page]:
                new[target] += share
        rank = new
    return rank, rank.sum()


def breadth_first(n=150):
    rng = np.random.RandomState(7)
    adjacency = rng.rand(n, n) < 0.03
    adjacency = adjacency | adjacency.T
    far = []
    for source in range(0, n, 6):
        distance = np.full(n, -1)
        distance[source] = 0
        queue = [source]
        while queue:
            u = queue.pop(0)
            for v in np.where(adjacency[u])[0]:
                if distance[v] == -1:
                    distance[v] = distance[u] + 1
                    queue.append(v)
        far.append(distance.max())
    return far


def dijkstra_dense(n=80, sources=4):
    rng = np.random.default_rng(8)
    w = rng.random((n, n))
    w[rng.random((n, n)) < 0.8] = np.inf
    result = []
    for s in range(sources):
        dist = np.full(n, np.inf)
        seen = np.zeros(n, dtype=bool)
        dist[s] = 0
        for _ in range(n):
            u = np.argmin(np.where(seen, np.inf, dist))
            if dist[u] == np.inf:
                break
            seen[u] = True
            for v in range(n):
                if not seen[v] and dist[u] + w[u, v] < dist[v]:
                    dist[v] = dist[u] + w[u, v]
        result.append(dist[np.isfinite(dist)].sum())
    return result


def prim_tree(n=400):
    points = np.random.RandomState(9).rand(n, 2)
    inside = np.zeros(n, dtype=bool)
    inside[0] = True
    best = np.linalg.norm(points - points[0], axis=1)
    parent = np.zeros(n, dtype=int)
    total = 0.0
    while not inside.all():
        k = np.argmin(np.where(inside, np.inf, best))
        total += best[k]
        inside[k] = True
        d = np.sqrt(((points - points[k]) ** 2).sum(axis=1))
        closer = (d < best) & ~inside
        best[closer] = d[closer]
        parent[closer] = k
    return total, parent


def union_find(n=64):
    rng = np.random.RandomState(10)
    open_sites = rng.rand(n, n) < 0.55
    parent = np.arange(n * n)

    def find(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for r in range(n):
        for c in range(n):
            if not open_sites[r, c]:
                continue
            if r + 1 < n and open_sites[r + 1, c]:
                parent[find(r * n + c)] = find((r + 1) * n + c)
            if c + 1 < n and open_sites[r, c + 1]:
                parent[find(r * n + c)] = find(r * n + c + 1)
    roots = np.array([find(i) for i in range(n * n) if open_sites[i // n, i % n]])
    return len(np.unique(roots)), np.bincount(roots).max()
