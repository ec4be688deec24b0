"""Machine learning as it is taught."""
import numpy as np


def _blobs(n, d, k, seed):
    rng = np.random.RandomState(seed)
    centres = rng.randn(k, d) * 4
    labels = rng.randint(0, k, n)
    return centres[labels] + rng.randn(n, d), labels


def k_means(n=400, k=5, steps=50):
    x, _ = _blobs(n, 2, k, 0)
    centres = x[:k].copy()
    for _ in range(steps):
        d = np.sqrt(((x[:, np.newaxis, :] - centres[np.newaxis, :, :]) ** 2).sum(axis=2))
        labels = np.argmin(d, axis=1)
        new = np.array([x[labels == j].mean(axis=0) if np.any(labels == j) else centres[j] for j in range(k)])
        centres = new
    return centres, labels


def k_means_elements(n=240, k=3, steps=5):
    x, _ = _blobs(n, 2, k, 1)
    centres = x[:k].copy()
    labels = np.zeros(n, dtype=int)
    for _ in range(steps):
        for i in range(n):
            best = np.inf
            for j in range(k):
                d = np.linalg.norm(x[i] - centres[j])
                if d < best:
                    best = d
                    labels[i] = j
        for j in range(k):
            members = x[labels == j]
            if len(members):
                centres[j] = np.mean(members, axis=0)
    return centres, labels


def nearest_neighbours(n=400, tests=120, k=5):
    x, y = _blobs(n + tests, 4, 3, 2)
    correct = 0
    for i in range(tests):
        d = np.sqrt(np.sum((x[tests:] - x[i]) ** 2, axis=1))
        nearest = np.argsort(d)[:k]
        votes = y[tests:][nearest]
        values, counts = np.unique(votes, return_counts=True)
        if values[np.argmax(counts)] == y[i]:
            correct += 1
    return correct / tests


def linear_regression(n=200, d=5, steps=1500):
    rng = np.random.RandomState(3)
    x = np.c_[np.ones(n), rng.randn(n, d)]
    y = x @ np.arange(d + 1) + 0.1 * rng.randn(n)
    w = np.zeros(d + 1)
    losses = []
    for step in range(steps):
        error = x.dot(w) - y
        gradient = x.T.dot(error) / n
        w -= 0.1 * gradient
        if step % 10 == 0:
            losses.append(np.mean(error**2))
    return w, losses


def logistic_regression(n=300, d=4, steps=400):
    x, y = _blobs(n, d, 2, 4)
    w, b = np.zeros(d), 0.0
    for _ in range(steps):
        z = np.dot(x, w) + b
        p = 1 / (1 + np.exp(-z))
        dw = np.dot(x.T, p - y) / n
        db = np.sum(p - y) / n
        w -= 0.01 * dw
        b -= 0.01 * db
    loss = -np.mean(y * np.log(p + 1e-9) + (1 - y) * np.log(1 - p + 1e-9))
    return w, b, loss, np.mean((p > 0.5) == y)


def logistic_sgd(n=150, epochs=15):
    x, y = _blobs(n, 3, 2, 5)
    w = np.zeros(3)
    b = 0.0
    for _ in range(epochs):
        for i in range(n):
            p = 1.0 / (1.0 + np.exp(-(np.dot(w, x[i]) + b)))
            w += 0.05 * (y[i] - p) * x[i]
            b += 0.05 * (y[i] - p)
    return w, b


def principal_components(n=300, d=8, repeats=60):
    x, _ = _blobs(n, d, 4, 6)
    for _ in range(repeats):
        centred = x - np.mean(x, axis=0)
        cov = np.cov(centred, rowvar=False)
        values, vectors = np.linalg.eigh(cov)
        order = np.argsort(values)[::-1]
        vectors = vectors[:, order[:2]]
        projected = centred @ vectors
        ratio = values[order] / np.sum(values)
    return np.abs(projected), ratio


def perceptron(n=200, epochs=20):
    x, y = _blobs(n, 2, 2, 7)
    y = np.where(y == 0, -1, 1)
    w = np.zeros(3)
    errors = []
    for _ in range(epochs):
        wrong = 0
        for xi, target in zip(x, y):
            prediction = 1 if np.dot(xi, w[1:]) + w[0] >= 0 else -1
            update = 0.1 * (target - prediction)
            w[1:] += update * xi
            w[0] += update
            wrong += int(update != 0.0)
        errors.append(wrong)
    return w, errors


def naive_bayes(n=300, tests=180, k=3):
    x, y = _blobs(n, 4, k, 8)
    classes = np.unique(y)
    mean = np.zeros((k, 4))
    var = np.zeros((k, 4))
    prior = np.zeros(k)
    for c in classes:
        rows = x[y == c]
        mean[c, :] = rows.mean(axis=0)
        var[c, :] = rows.var(axis=0)
        prior[c] = rows.shape[0] / float(n)
    predicted = []
    for row in x[:tests]:
        scores = []
        for c in classes:
            p = np.exp(-((row - mean[c]) ** 2) / (2 * var[c])) / np.sqrt(2 * np.pi * var[c])
            scores.append(np.log(prior[c]) + np.sum(np.log(p)))
        predicted.append(classes[np.argmax(scores)])
    return np.array(predicted), np.mean(np.array(predicted) == y[:tests])


def xor_network(steps=700):
    rng = np.random.RandomState(9)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([[0], [1], [1], [0]])
    w1, w2 = rng.uniform(-1, 1, (2, 4)), rng.uniform(-1, 1, (4, 1))
    b1, b2 = np.zeros((1, 4)), np.zeros((1, 1))

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    for _ in range(steps):
        hidden = sigmoid(np.dot(x, w1) + b1)
        out = sigmoid(np.dot(hidden, w2) + b2)
        d_out = (y - out) * out * (1 - out)
        d_hidden = d_out.dot(w2.T) * hidden * (1 - hidden)
        w2 += hidden.T.dot(d_out) * 0.5
        b2 += np.sum(d_out, axis=0, keepdims=True) * 0.5
        w1 += x.T.dot(d_hidden) * 0.5
        b1 += np.sum(d_hidden, axis=0, keepdims=True) * 0.5
    return out, w1, w2


def softmax_batches(n=600, d=20, k=5, epochs=15, batch=32):
    x, y = _blobs(n, d, k, 10)
    rng = np.random.RandomState(10)
    one_hot = np.eye(k)[y]
    w = np.zeros((d, k))
    for _ in range(epochs):
        order = rng.permutation(n)
        for start in range(0, n, batch):
            rows = order[start : start + batch]
            scores = x[rows] @ w
            scores -= scores.max(axis=1, keepdims=True)
            e = np.exp(scores)
            p = e / e.sum(axis=1, keepdims=True)
            w -= 0.01 * x[rows].T @ (p - one_hot[rows])
    confusion = np.zeros((k, k), dtype=int)
    for t, q in zip(y, np.argmax(x @ w, axis=1)):
        confusion[t, q] += 1
    return w, confusion


def gaussian_mixture(n=300, k=3, steps=80):
    rng = np.random.RandomState(11)
    x = np.concatenate([rng.normal(m, 1, n // k) for m in (-4, 0, 5)])
    mu, sigma, pi = np.array([-1.0, 0.5, 1.0]), np.ones(k), np.ones(k) / k
    for _ in range(steps):
        r = np.zeros((n, k))
        for j in range(k):
            r[:, j] = pi[j] * np.exp(-0.5 * ((x - mu[j]) / sigma[j]) ** 2) / (sigma[j] * np.sqrt(2 * np.pi))
        r = r / r.sum(axis=1)[:, None]
        total = r.sum(axis=0)
        for j in range(k):
            mu[j] = np.sum(r[:, j] * x) / total[j]
            sigma[j] = np.sqrt(np.sum(r[:, j] * (x - mu[j]) ** 2) / total[j])
        pi = total / n
    return mu, sigma, pi


def decision_stump(n=120, d=4):
    x, y = _blobs(n, d, 2, 12)

    def gini(labels):
        if len(labels) == 0:
            return 0.0
        _, counts = np.unique(labels, return_counts=True)
        p = counts / len(labels)
        return 1 - np.sum(p**2)

    best = (np.inf, 0, 0.0)
    for f in range(d):
        for threshold in np.unique(x[:, f])[::3]:
            left = x[:, f] <= threshold
            score = left.mean() * gini(y[left]) + (1 - left.mean()) * gini(y[~left])
            if score < best[0]:
                best = (score, f, threshold)
    return best


def q_learning(n=6, episodes=60):
    rng = np.random.RandomState(13)
    q = np.zeros((n * n, 4))
    moves = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    lengths = []
    for _ in range(episodes):
        state = 0
        for moved in range(60):
            action = rng.randint(4) if rng.uniform() < 0.1 else np.argmax(q[state, :])
            r, c = divmod(state, n)
            r = min(max(r + moves[action][0], 0), n - 1)
            c = min(max(c + moves[action][1], 0), n - 1)
            nxt = r * n + c
            reward = 1.0 if nxt == n * n - 1 else -0.01
            q[state, action] = q[state, action] + 0.5 * (reward + 0.9 * np.max(q[nxt, :]) - q[state, action])
            state = nxt
            if state == n * n - 1:
                break
        lengths.append(moved)
    return q, lengths


def bandit(arms=10, steps=3000):
    rng = np.random.RandomState(14)
    true = rng.normal(0, 1, arms)
    estimate = np.zeros(arms)
    pulls = np.zeros(arms, dtype=int)
    total = 0.0
    for _ in range(steps):
        a = rng.randint(arms) if rng.rand() < 0.1 else int(np.argmax(estimate))
        reward = true[a] + rng.randn()
        pulls[a] += 1
        estimate[a] += (reward - estimate[a]) / pulls[a]
        total += reward
    return estimate, pulls, total


def hopfield(n=64, patterns=4, steps=24):
    rng = np.random.RandomState(15)
    p = np.sign(rng.randn(patterns, n))
    w = np.zeros((n, n))
    for row in p:
        w += np.outer(row, row)
    np.fill_diagonal(w, 0)
    w /= n
    out = []
    for row in p:
        s = row.copy()
        s[rng.choice(n, 12, replace=False)] *= -1
        for _ in range(steps):
            for i in rng.permutation(n):
                s[i] = 1 if np.dot(w[i], s) >= 0 else -1
        out.append(np.sum(s == row))
    return out


def recurrent_network(hidden=16, steps=25, epochs=12):
    rng = np.random.RandomState(16)
    wxh, whh, why = rng.randn(hidden, 4) * 0.1, rng.randn(hidden, hidden) * 0.1, rng.randn(4, hidden) * 0.1
    data = rng.randint(0, 4, steps + 1)
    loss = 0
    for _ in range(epochs):
        xs, hs, ps = {}, {-1: np.zeros((hidden, 1))}, {}
        loss = 0
        for t in range(steps):
            xs[t] = np.zeros((4, 1))
            xs[t][data[t]] = 1
            hs[t] = np.tanh(np.dot(wxh, xs[t]) + np.dot(whh, hs[t - 1]))
            y = np.dot(why, hs[t])
            ps[t] = np.exp(y) / np.sum(np.exp(y))
            loss += -np.log(ps[t][data[t + 1], 0])
        dwxh, dwhh, dwhy = np.zeros_like(wxh), np.zeros_like(whh), np.zeros_like(why)
        dnext = np.zeros_like(hs[0])
        for t in reversed(range(steps)):
            dy = np.copy(ps[t])
            dy[data[t + 1]] -= 1
            dwhy += np.dot(dy, hs[t].T)
            draw = (1 - hs[t] * hs[t]) * (np.dot(why.T, dy) + dnext)
            dwxh += np.dot(draw, xs[t].T)
            dwhh += np.dot(draw, hs[t - 1].T)
            dnext = np.dot(whh.T, draw)
        for w, dw in zip([wxh, whh, why], [dwxh, dwhh, dwhy]):
            np.clip(dw, -5, 5, out=dw)
            w -= 0.1 * dw
    return loss, why


def cross_validation(n=150, d=10, folds=5):
    rng = np.random.RandomState(17)
    x = rng.randn(n, d)
    y = x @ rng.randn(d) + rng.randn(n) * 0.5
    order = rng.permutation(n)
    errors = []
    for lam in np.logspace(-3, 2, 20):
        fold_errors = []
        for part in np.array_split(order, folds):
            mask = np.ones(n, dtype=bool)
            mask[part] = False
            xt, yt = x[mask], y[mask]
            w = np.linalg.solve(xt.T @ xt + lam * np.eye(d), xt.T @ yt)
            fold_errors.append(np.mean((x[part] @ w - y[part]) ** 2))
        errors.append(np.mean(fold_errors))
    return errors, np.argmin(errors)
