"""Elementary linear algebra with loops over rows and elements."""
import numpy as np


def _system(n, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.random((n, n)) + n * np.eye(n)
    return a, rng.random(n)


def gaussian_elimination(n=85):
    a, b = _system(n)
    for k in range(n - 1):
        p = np.argmax(np.abs(a[k:, k])) + k
        if p != k:
            a[[k, p]] = a[[p, k]]
            b[k], b[p] = b[p], b[k]
        for i in range(k + 1, n):
            factor = a[i, k] / a[k, k]
            a[i, k:] -= factor * a[k, k:]
            b[i] -= factor * b[k]
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - np.dot(a[i, i + 1 :], x[i + 1 :])) / a[i, i]
    return x


def gauss_jordan_inverse(n=75):
    a, _ = _system(n, 1)
    m = np.hstack([a, np.identity(n)])
    for i in range(n):
        m[i] = m[i] / m[i, i]
        for j in range(n):
            if i != j:
                m[j] = m[j] - m[j, i] * m[i]
    return m[:, n:]


def lu_rows(n=80):
    a, _ = _system(n, 2)
    lower = np.eye(n)
    upper = a.copy()
    for j in range(n - 1):
        for i in range(j + 1, n):
            lower[i, j] = upper[i, j] / upper[j, j]
            upper[i, j:] = upper[i, j:] - lower[i, j] * upper[j, j:]
    return lower, upper, np.linalg.norm(lower @ upper - a) < 1e-10


def lu_elements(n=42):
    a, _ = _system(n, 3)
    lower = np.zeros((n, n))
    upper = np.zeros((n, n))
    for i in range(n):
        for k in range(i, n):
            total = 0
            for j in range(i):
                total += lower[i][j] * upper[j][k]
            upper[i][k] = a[i][k] - total
        for k in range(i, n):
            if i == k:
                lower[i][i] = 1
            else:
                total = 0
                for j in range(i):
                    total += lower[k][j] * upper[j][i]
                lower[k][i] = (a[k][i] - total) / upper[i][i]
    return lower, upper


def gram_schmidt(n=70):
    a, _ = _system(n, 4)
    q = np.zeros((n, n))
    r = np.zeros((n, n))
    for j in range(n):
        v = a[:, j].copy()
        for i in range(j):
            r[i, j] = np.dot(q[:, i], a[:, j])
            v -= r[i, j] * q[:, i]
        r[j, j] = np.linalg.norm(v)
        q[:, j] = v / r[j, j]
    return q, r


def jacobi_method(n=100, steps=20):
    a, b = _system(n, 5)
    x = np.zeros(n)
    for _ in range(steps):
        new = np.zeros_like(x)
        for i in range(n):
            s1 = np.dot(a[i, :i], x[:i])
            s2 = np.dot(a[i, i + 1 :], x[i + 1 :])
            new[i] = (b[i] - s1 - s2) / a[i, i]
        if np.allclose(x, new, atol=1e-10):
            break
        x = new
    return x


def gauss_seidel_elements(n=40, steps=20):
    a, b = _system(n, 6)
    x = np.zeros(n)
    for _ in range(steps):
        for i in range(n):
            d = b[i]
            for j in range(n):
                if i != j:
                    d -= a[i][j] * x[j]
            x[i] = d / a[i][i]
    return x


def sor_grid(n=24, steps=20):
    u = np.zeros((n, n))
    u[:, 0] = 1
    omega = 1.7
    for _ in range(steps):
        biggest = 0.0
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                r = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1]) - u[i, j]
                u[i, j] += omega * r
                if abs(r) > biggest:
                    biggest = abs(r)
    return u, biggest


def power_iteration(n=40, steps=1000):
    a, x = _system(n, 7)
    value = 0
    for _ in range(steps):
        y = np.dot(a, x)
        x = y / np.linalg.norm(y)
        value = x @ a @ x
    return value, x


def conjugate_gradients(n=80, repeats=30):
    a, b = _system(n, 8)
    a = a @ a.T
    results = []
    for k in range(repeats):
        x = np.zeros(n)
        r = b * (k + 1) - a @ x
        p = r.copy()
        rs = r @ r
        for _ in range(2 * n):
            ap = a @ p
            alpha = rs / (p @ ap)
            x += alpha * p
            r -= alpha * ap
            rs_new = r @ r
            if np.sqrt(rs_new) < 1e-12:
                break
            p = r + (rs_new / rs) * p
            rs = rs_new
        results.append(x)
    return results


def gradient_descent_quadratic(n=20, steps=2000):
    a, b = _system(n, 9)
    a = (a + a.T) / 2
    x = np.zeros(n)
    for _ in range(steps):
        g = a.dot(x) - b
        x = x - 0.001 * g
        if np.linalg.norm(g) < 1e-13:
            break
    return x


def householder_qr(n=80):
    a, _ = _system(n, 10)
    r = a.copy()
    q = np.eye(n)
    for k in range(n - 1):
        x = r[k:, k]
        e = np.zeros_like(x)
        e[0] = np.copysign(np.linalg.norm(x), -a[k, k])
        u = x - e
        v = u / np.linalg.norm(u)
        h = np.identity(n)
        h[k:, k:] -= 2.0 * np.outer(v, v)
        r = h @ r
        q = q @ h.T
    return q, np.triu(r)


def givens_rotations(n=46):
    a, _ = _system(n, 11)
    r = a.copy()
    for j in range(n):
        for i in range(n - 1, j, -1):
            c, s = r[i - 1, j], r[i, j]
            length = np.hypot(c, s)
            g = np.array([[c, s], [-s, c]]) / length
            r[[i - 1, i], j:] = g @ r[[i - 1, i], j:]
    return np.triu(r)


def cholesky_elements(n=60):
    a, _ = _system(n, 12)
    a = a @ a.T
    lower = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = np.sum(lower[i, :j] * lower[j, :j])
            if i == j:
                lower[i, j] = np.sqrt(a[i, i] - s)
            else:
                lower[i, j] = (a[i, j] - s) / lower[j, j]
    return lower


def matrix_product_elements(n=28):
    a, _ = _system(n, 13)
    b, _ = _system(n, 14)
    c = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            for k in range(n):
                c[i, j] += a[i, k] * b[k, j]
    return c


def strassen(n=256):
    def product(x, y):
        m = len(x)
        if m <= 16:
            return np.dot(x, y)
        h = m // 2
        a, b, c, d = x[:h, :h], x[:h, h:], x[h:, :h], x[h:, h:]
        e, f, g, k = y[:h, :h], y[:h, h:], y[h:, :h], y[h:, h:]
        p1 = product(a, f - k)
        p2 = product(a + b, k)
        p3 = product(c + d, e)
        p4 = product(d, g - e)
        p5 = product(a + d, e + k)
        p6 = product(b - d, g + k)
        p7 = product(a - c, e + f)
        return np.vstack([np.hstack([p5 + p4 - p2 + p6, p1 + p2]), np.hstack([p3 + p4, p1 + p5 - p3 - p7])])

    rng = np.random.default_rng(15)
    return product(rng.random((n, n)), rng.random((n, n)))


def tridiagonal_thomas(n=9000):
    a = np.full(n, -1.0)
    b = np.full(n, 2.5)
    c = np.full(n, -1.0)
    d = np.sin(np.arange(n) * 0.01)
    for i in range(1, n):
        w = a[i] / b[i - 1]
        b[i] = b[i] - w * c[i - 1]
        d[i] = d[i] - w * d[i - 1]
    x = np.zeros(n)
    x[-1] = d[-1] / b[-1]
    for i in range(n - 2, -1, -1):
        x[i] = (d[i] - c[i] * x[i + 1]) / b[i]
    return x


def determinant_minors(n=7):
    def det(m):
        if m.shape == (2, 2):
            return m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]
        total = 0
        for c in range(m.shape[1]):
            minor = np.delete(np.delete(m, 0, axis=0), c, axis=1)
            total += (-1) ** c * m[0, c] * det(minor)
        return total

    return det(_system(n, 16)[0])


def qr_eigenvalues(n=20, steps=150):
    a, _ = _system(n, 17)
    a = a + a.T
    for _ in range(steps):
        q, r = np.linalg.qr(a)
        a = r @ q
    return np.sort(np.diag(a)), np.trace(a)
