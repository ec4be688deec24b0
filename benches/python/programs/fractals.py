"""Sets and maps of the plane."""
import numpy as np


def mandelbrot_pixels(w=70, h=50, limit=30):
    image = np.zeros((h, w), dtype=int)
    xs = np.linspace(-2, 1, w)
    ys = np.linspace(-1.2, 1.2, h)
    for i in range(h):
        for j in range(w):
            c = complex(xs[j], ys[i])
            z = 0
            for k in range(limit):
                if abs(z) > 2:
                    break
                z = z * z + c
                image[i, j] = k
    return image


def mandelbrot_mask(w=210, h=140, limit=40):
    x, y = np.meshgrid(np.linspace(-2, 0.5, w), np.linspace(-1.2, 1.2, h))
    c = x + 1j * y
    z = np.zeros_like(c)
    count = np.zeros(c.shape, dtype=int)
    for _ in range(limit):
        inside = np.abs(z) <= 2
        z[inside] = z[inside] ** 2 + c[inside]
        count[inside] += 1
    return count


def mandelbrot_shrinking(n=150, limit=50):
    y, x = np.ogrid[-1.4 : 1.4 : n * 1j, -2 : 0.8 : n * 1j]
    c = x + y * 1j
    z = c
    divtime = limit + np.zeros(z.shape, dtype=int)
    for i in range(limit):
        z = z**2 + c
        diverge = z * np.conj(z) > 2**2
        div_now = diverge & (divtime == limit)
        divtime[div_now] = i
        z[diverge] = 2
    return divtime


def julia(n=200, limit=40):
    axis = np.linspace(-1.5, 1.5, n)
    zx = np.tile(axis, (n, 1))
    zy = zx.T.copy()
    image = np.zeros((n, n))
    for _ in range(limit):
        zx, zy = zx * zx - zy * zy - 0.7, 2 * zx * zy + 0.27015
        alive = zx**2 + zy**2 < 4
        image += alive
        zx = np.where(alive, zx, 2)
        zy = np.where(alive, zy, 2)
    return image


def newton_basins(n=160, limit=25):
    re, im = np.meshgrid(np.linspace(-2, 2, n), np.linspace(-2, 2, n))
    z = re + 1j * im + 1e-3
    for _ in range(limit):
        z = z - (z**3 - 1) / (3 * z**2)
    roots = np.array([1, -0.5 + np.sqrt(3) / 2 * 1j, -0.5 - np.sqrt(3) / 2 * 1j])
    distance = np.abs(z[:, :, None] - roots)
    return np.bincount(np.argmin(distance, axis=2).ravel())


def barnsley_fern(n=3000):
    rng = np.random.RandomState(0)
    points = np.zeros((n, 2))
    maps = [
        (np.array([[0, 0], [0, 0.16]]), np.array([0, 0])),
        (np.array([[0.85, 0.04], [-0.04, 0.85]]), np.array([0, 1.6])),
        (np.array([[0.2, -0.26], [0.23, 0.22]]), np.array([0, 1.6])),
        (np.array([[-0.15, 0.28], [0.26, 0.24]]), np.array([0, 0.44])),
    ]
    for i in range(1, n):
        r = rng.rand()
        k = 0 if r < 0.01 else 1 if r < 0.86 else 2 if r < 0.93 else 3
        m, b = maps[k]
        points[i] = m @ points[i - 1] + b
    return points, points.max(axis=0)


def chaos_game(n=6000):
    rng = np.random.RandomState(1)
    corners = np.array([[0, 0], [1, 0], [0.5, np.sqrt(3) / 2]])
    p = np.array([0.1, 0.1])
    out = np.empty((n, 2))
    picks = rng.randint(0, 3, n)
    for i in range(n):
        p = (p + corners[picks[i]]) / 2
        out[i] = p
    return out


def logistic_bifurcation(n=1000, steps=2000, keep=20):
    r = np.linspace(2.5, 3.5, n)
    x = 0.5 * np.ones(n)
    kept = []
    for i in range(steps):
        x = r * x * (1 - x)
        if i >= steps - keep:
            kept.append(x)
    lyapunov = np.mean(np.log(np.abs(r - 2 * r * np.array(kept))), axis=0)
    return np.array(kept), lyapunov


def koch_curve(depth=7):
    points = np.array([[0.0, 0.0], [1.0, 0.0]])
    c, s = np.cos(np.pi / 3), np.sin(np.pi / 3)
    rotation = np.array([[c, -s], [s, c]])
    for _ in range(depth - 1):
        new = [points[0]]
        for a, b in zip(points, points[1:]):
            v = (b - a) / 3
            new.extend([a + v, a + v + rotation @ v, a + 2 * v, b])
        points = np.array(new)
    return points, np.sum(np.sqrt(np.sum(np.diff(points, axis=0) ** 2, axis=1)))
