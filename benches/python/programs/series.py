"""Time series, fits, interpolation, filters, integrals."""
import numpy as np


def moving_average_loop(n=4000, w=10):
    x = np.cumsum(np.random.RandomState(0).randn(n))
    out = np.zeros(n - w + 1)
    for i in range(n - w + 1):
        out[i] = np.mean(x[i : i + w])
    return out


def moving_averages(n=3000, repeats=60):
    rng = np.random.RandomState(1)
    for _ in range(repeats):
        x = np.cumsum(rng.randn(n))
        c = np.cumsum(np.insert(x, 0, 0))
        a = (c[20:] - c[:-20]) / 20
        b = np.convolve(x, np.ones(20) / 20, mode="valid")
        upper = a + 2 * np.std(x)
        crossings = np.where(np.diff(np.sign(x[19:] - b)))[0]
    return a, b, upper, len(crossings)


def exponential_smoothing(n=25000, alpha=0.1):
    x = np.random.RandomState(2).randn(n)
    s = np.zeros_like(x)
    s[0] = x[0]
    for t in range(1, n):
        s[t] = alpha * x[t] + (1 - alpha) * s[t - 1]
    return s


def relative_strength(n=10000, period=14):
    prices = 100 + np.cumsum(np.random.RandomState(3).randn(n))
    deltas = np.diff(prices)
    seed = deltas[: period + 1]
    up = seed[seed >= 0].sum() / period
    down = -seed[seed < 0].sum() / period
    rsi = np.zeros_like(prices)
    rsi[:period] = 100.0 - 100.0 / (1.0 + up / down)
    for i in range(period, len(prices)):
        delta = deltas[i - 1]
        if delta > 0:
            upval, downval = delta, 0.0
        else:
            upval, downval = 0.0, -delta
        up = (up * (period - 1) + upval) / period
        down = (down * (period - 1) + downval) / period
        rsi[i] = 100.0 - 100.0 / (1.0 + up / down)
    return rsi


def kalman_filter(n=300):
    rng = np.random.RandomState(4)
    dt = 0.1
    f = np.array([[1, dt], [0, 1]])
    h = np.array([[1.0, 0.0]])
    q = 0.01 * np.eye(2)
    r = np.array([[0.5]])
    x = np.zeros((2, 1))
    p = np.eye(2)
    out = np.zeros((n, 2))
    for k in range(n):
        z = np.array([[0.5 * (k * dt) ** 2 + rng.randn()]])
        x = f @ x
        p = f @ p @ f.T + q
        y = z - h @ x
        s = h @ p @ h.T + r
        gain = p @ h.T @ np.linalg.inv(s)
        x = x + gain @ y
        p = (np.eye(2) - gain @ h) @ p
        out[k] = x[:, 0]
    return out


def kalman_scalar(n=13000):
    z = np.random.RandomState(5).normal(0.4, 0.1, n)
    estimate = np.zeros(n)
    variance = np.zeros(n)
    variance[0] = 1.0
    for k in range(1, n):
        prior = variance[k - 1] + 1e-5
        gain = prior / (prior + 0.01)
        estimate[k] = estimate[k - 1] + gain * (z[k] - estimate[k - 1])
        variance[k] = (1 - gain) * prior
    return estimate, variance


def hidden_markov_forward(states=4, n=1500):
    rng = np.random.RandomState(6)
    a = rng.rand(states, states)
    a = a / a.sum(axis=1, keepdims=True)
    b = rng.rand(states, 6)
    b = b / b.sum(axis=1, keepdims=True)
    obs = rng.randint(0, 6, n)
    alpha = np.zeros((n, states))
    scale = np.zeros(n)
    alpha[0] = b[:, obs[0]] / states
    scale[0] = alpha[0].sum()
    alpha[0] /= scale[0]
    for t in range(1, n):
        alpha[t] = alpha[t - 1].dot(a) * b[:, obs[t]]
        scale[t] = np.sum(alpha[t])
        alpha[t] /= scale[t]
    return np.log(scale).sum(), alpha


def autocorrelation(n=2000, lags=750):
    x = np.cumsum(np.random.RandomState(7).randn(n))
    x = x - x.mean()
    acf = np.array([1.0] + [np.sum(x[k:] * x[:-k]) / np.sum(x * x) for k in range(1, lags)])
    return acf, np.corrcoef(x[:-1], x[1:])[0, 1]


def polynomial_fitting(n=200, repeats=40):
    x = np.linspace(-1, 1, n)
    rng = np.random.RandomState(8)
    out = []
    for _ in range(repeats):
        y = 1 + 2 * x - 3 * x**3 + 0.1 * rng.randn(n)
        coefficients = np.polyfit(x, y, 3)
        fit = np.polyval(coefficients, x)
        residual = np.sum((y - fit) ** 2)
        vander = np.vander(x, 4)
        normal = np.linalg.solve(vander.T @ vander, vander.T @ y)
        out.append((coefficients, normal, 1 - residual / np.sum((y - np.mean(y)) ** 2)))
    return out


def lagrange_interpolation(n=12, points=200):
    x = np.linspace(-1, 1, n)
    y = 1 / (1 + 25 * x**2)
    out = []
    for t in np.linspace(-1, 1, points):
        total = 0.0
        for i in range(n):
            term = y[i]
            for j in range(n):
                if i != j:
                    term *= (t - x[j]) / (x[i] - x[j])
            total += term
        out.append(total)
    return np.array(out)


def newton_divided_differences(n=40, repeats=12):
    for _ in range(repeats):
        x = np.cos(np.pi * (2 * np.arange(n) + 1) / (2 * n))
        table = np.zeros((n, n))
        table[:, 0] = np.exp(x)
        for j in range(1, n):
            for i in range(n - j):
                table[i][j] = (table[i + 1][j - 1] - table[i][j - 1]) / (x[i + j] - x[i])
        t = np.linspace(-0.9, 0.9, 50)
        p = np.ones_like(t) * table[0, n - 1]
        for k in range(n - 2, -1, -1):
            p = p * (t - x[k]) + table[0, k]
    return p


def linear_interpolation(n=60, points=2500):
    x = np.sort(np.random.RandomState(9).rand(n))
    y = np.sin(6 * x)
    out = np.zeros(points)
    for k, t in enumerate(np.linspace(x[0], x[-1], points)):
        i = np.searchsorted(x, t)
        i = min(max(i, 1), n - 1)
        w = (t - x[i - 1]) / (x[i] - x[i - 1])
        out[k] = (1 - w) * y[i - 1] + w * y[i]
    return out, np.interp(0.5, x, y)


def cubic_spline(n=60, points=2000):
    x = np.linspace(0, 10, n)
    y = np.sin(x)
    h = np.diff(x)
    a = np.zeros((n, n))
    rhs = np.zeros(n)
    a[0, 0] = a[-1, -1] = 1
    for i in range(1, n - 1):
        a[i, i - 1], a[i, i], a[i, i + 1] = h[i - 1], 2 * (h[i - 1] + h[i]), h[i]
        rhs[i] = 3 * ((y[i + 1] - y[i]) / h[i] - (y[i] - y[i - 1]) / h[i - 1])
    c = np.linalg.solve(a, rhs)
    out = []
    for t in np.linspace(0.01, 9.99, points):
        i = int(np.searchsorted(x, t)) - 1
        b = (y[i + 1] - y[i]) / h[i] - h[i] * (2 * c[i] + c[i + 1]) / 3
        d = (c[i + 1] - c[i]) / (3 * h[i])
        s = t - x[i]
        out.append(y[i] + b * s + c[i] * s**2 + d * s**3)
    return np.array(out)


def integrals(repeats=400):
    def simpson(f, a, b, n):
        x = np.linspace(a, b, n + 1)
        y = f(x)
        return (b - a) / n / 3 * (y[0] + 4 * np.sum(y[1:-1:2]) + 2 * np.sum(y[2:-1:2]) + y[-1])

    def trapezoid(f, a, b, n):
        h = (b - a) / n
        s = 0.5 * (f(a) + f(b))
        for i in range(1, n):
            s += f(a + i * h)
        return s * h

    out = []
    for k in range(repeats):
        out.append(simpson(np.sin, 0, np.pi * (1 + k / repeats), 50))
    out.append(trapezoid(lambda x: np.exp(-(x**2)), 0, 1, 2000))
    return out


def root_finding(repeats=250):
    def f(x):
        return np.cos(x) - x + 0.001 * np.sin(5 * x)

    roots = []
    for k in range(repeats):
        a, b = 0.0, 1.0 + k / repeats
        while b - a > 1e-6:
            m = (a + b) / 2
            if np.sign(f(a)) == np.sign(f(m)):
                a = m
            else:
                b = m
        x = a
        for _ in range(4):
            x = x - f(x) / ((f(x + 1e-6) - f(x - 1e-6)) / 2e-6)
        roots.append(x)
    return np.array(roots)


def sliding_maximum(n=5000, w=20):
    x = np.random.RandomState(10).rand(n)
    out = np.array([x[i : i + w].max() for i in range(n - w + 1)])
    peaks = []
    for i in range(1, n - 1):
        if x[i] > x[i - 1] and x[i] > x[i + 1] and x[i] > 0.8:
            peaks.append(i)
    return out, peaks


def drawdown(n=14000):
    returns = np.random.RandomState(11).normal(0.0005, 0.01, n)
    value = np.ones(n + 1)
    for i in range(n):
        value[i + 1] = value[i] * (1 + returns[i])
    peak = value[0]
    worst = 0.0
    for v in value:
        if v > peak:
            peak = v
        worst = max(worst, (peak - v) / peak)
    vector = np.max(1 - value / np.maximum.accumulate(value))
    return worst, vector, np.sqrt(252) * returns.mean() / returns.std()


def convolution_loop(n=1400, m=25):
    x = np.sin(np.arange(n) * 0.1)
    h = np.hamming(m)
    y = np.zeros(n + m - 1)
    for i in range(n):
        for j in range(m):
            y[i + j] += x[i] * h[j]
    return y
