"""Ordinary differential equations and particles."""
import numpy as np


def n_body_pairs(n=8, steps=40):
    rng = np.random.default_rng(0)
    pos = rng.random((n, 3))
    vel = np.zeros((n, 3))
    mass = rng.random(n)
    for _ in range(steps):
        acc = np.zeros((n, 3))
        for i in range(n):
            for j in range(n):
                if i != j:
                    d = pos[j] - pos[i]
                    r = np.sqrt(d[0] ** 2 + d[1] ** 2 + d[2] ** 2 + 0.01)
                    acc[i] += mass[j] * d / r**3
        vel += acc * 0.001
        pos += vel * 0.001
    energy = 0.5 * np.sum(mass * np.sum(vel**2, axis=1))
    return pos, vel, energy


def n_body_broadcast(n=100, steps=50):
    rng = np.random.default_rng(1)
    pos = rng.standard_normal((n, 3))
    vel = rng.standard_normal((n, 3))
    mass = 20.0 * np.ones((n, 1)) / n
    vel -= np.mean(mass * vel, 0) / np.mean(mass)
    for _ in range(steps):
        x, y, z = pos[:, 0:1], pos[:, 1:2], pos[:, 2:3]
        dx, dy, dz = x.T - x, y.T - y, z.T - z
        inv = dx**2 + dy**2 + dz**2 + 0.1**2
        inv[inv > 0] = inv[inv > 0] ** (-1.5)
        ax = (dx * inv) @ mass
        ay = (dy * inv) @ mass
        az = (dz * inv) @ mass
        vel += np.hstack((ax, ay, az)) * 0.01
        pos += vel * 0.01
    return pos, vel


def lorenz_rk4(steps=500):
    def f(s):
        x, y, z = s
        return np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

    h = 0.005
    s = np.array([1.0, 1.0, 1.0])
    out = np.zeros((steps, 3))
    for i in range(steps):
        k1 = f(s)
        k2 = f(s + h / 2 * k1)
        k3 = f(s + h / 2 * k2)
        k4 = f(s + h * k3)
        s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        out[i] = s
    return out


def lorenz_euler(steps=5000):
    x = np.zeros(steps)
    y = np.zeros(steps)
    z = np.zeros(steps)
    x[0], y[0], z[0] = 0.0, 1.0, 1.05
    for i in range(steps - 1):
        x[i + 1] = x[i] + 10 * (y[i] - x[i]) * 0.001
        y[i + 1] = y[i] + (x[i] * (28 - z[i]) - y[i]) * 0.001
        z[i + 1] = z[i] + (x[i] * y[i] - 2.667 * z[i]) * 0.001
    return x, y, z


def pendulum(steps=10000):
    t = np.linspace(0, 10, steps)
    dt = t[1] - t[0]
    theta = np.zeros(steps)
    omega = np.zeros(steps)
    theta[0] = np.pi / 3
    for i in range(1, steps):
        omega[i] = omega[i - 1] - 9.81 * np.sin(theta[i - 1]) * dt
        theta[i] = theta[i - 1] + omega[i] * dt
    return theta, omega


def double_pendulum(steps=400):
    def derivs(state):
        th1, w1, th2, w2 = state
        d = th2 - th1
        den = 2 - np.cos(d) ** 2
        out = np.zeros_like(state)
        out[0] = w1
        out[1] = (w1**2 * np.sin(d) * np.cos(d) + 9.8 * np.sin(th2) * np.cos(d) + w2**2 * np.sin(d) - 2 * 9.8 * np.sin(th1)) / den
        out[2] = w2
        out[3] = (-(w2**2) * np.sin(d) * np.cos(d) + 2 * (9.8 * np.sin(th1) * np.cos(d) - w1**2 * np.sin(d) - 9.8 * np.sin(th2))) / den
        return out

    y = np.empty((steps, 4))
    y[0] = np.radians([120.0, 0.0, -10.0, 0.0])
    for i in range(1, steps):
        mid = y[i - 1] + derivs(y[i - 1]) * 0.001
        y[i] = y[i - 1] + derivs(mid) * 0.002
    return y


def epidemic_sir(days=10000):
    s = np.zeros(days)
    i = np.zeros(days)
    r = np.zeros(days)
    n = 1000.0
    s[0], i[0] = 999.0, 1.0
    beta, gamma, dt = 0.3, 0.1, 0.05
    for t in range(days - 1):
        infected = beta * s[t] * i[t] / n * dt
        recovered = gamma * i[t] * dt
        s[t + 1] = s[t] - infected
        i[t + 1] = i[t] + infected - recovered
        r[t + 1] = r[t] + recovered
    return s, i, r, np.argmax(i), np.max(i)


def lotka_volterra(steps=1500):
    def rhs(u, t):
        return np.array([u[0] * (1.5 - u[1]), -u[1] * (3.0 - u[0])])

    t = np.linspace(0, 15, steps)
    u = np.zeros((len(t), 2))
    u[0, :] = [10.0, 5.0]
    for k in range(len(t) - 1):
        dt = t[k + 1] - t[k]
        k1 = rhs(u[k], t[k])
        k2 = rhs(u[k] + dt * k1 / 2, t[k] + dt / 2)
        u[k + 1] = u[k] + dt * k2
    return u


def verlet_particles(n=16, steps=20):
    side = int(np.sqrt(n))
    grid = np.arange(side) * 1.2
    pos = np.array([[x, y] for x in grid for y in grid])
    old = pos.copy() - 0.001 * np.random.default_rng(2).standard_normal(pos.shape)

    def forces(p):
        f = np.zeros_like(p)
        potential = 0.0
        for i in range(n):
            for j in range(i + 1, n):
                rij = p[i] - p[j]
                r2 = np.dot(rij, rij)
                if r2 < 9.0:
                    inv6 = 1.0 / r2**3
                    potential += 4 * inv6 * (inv6 - 1)
                    fij = 24 * inv6 * (2 * inv6 - 1) / r2 * rij
                    f[i] += fij
                    f[j] -= fij
        return f, potential

    energies = np.zeros(steps)
    for s in range(steps):
        f, energies[s] = forces(pos)
        pos, old = 2 * pos - old + f * 0.001**2, pos
    return pos, energies


def spring_chain(n=60, steps=600):
    x = np.zeros(n)
    v = np.zeros(n)
    x[n // 2] = 1.0
    energy = np.empty(steps)
    for s in range(steps):
        f = np.zeros(n)
        f[1:-1] = x[2:] - 2 * x[1:-1] + x[:-2]
        v += 0.1 * f
        x += 0.1 * v
        energy[s] = 0.5 * np.sum(v**2) + 0.5 * np.sum(np.diff(x) ** 2)
    return x, energy


def projectile_drag(steps=2500):
    pos = np.array([0.0, 0.0])
    vel = np.array([30.0, 40.0])
    g = np.array([0.0, -9.81])
    track = []
    for _ in range(steps):
        speed = np.linalg.norm(vel)
        acc = g - 0.01 * speed * vel
        vel = vel + acc * 0.002
        pos = pos + vel * 0.002
        if pos[1] < 0:
            break
        track.append(pos)
    track = np.array(track)
    return track[:, 1].max(), track[-1], len(track)


def boids(n=40, steps=12):
    rng = np.random.RandomState(3)
    pos = rng.rand(n, 2) * 100
    vel = rng.rand(n, 2) * 4 - 2
    for _ in range(steps):
        new = vel.copy()
        for i in range(n):
            d = np.linalg.norm(pos - pos[i], axis=1)
            near = (d < 25) & (d > 0)
            if np.any(near):
                new[i] += 0.01 * (pos[near].mean(axis=0) - pos[i]) + 0.05 * (vel[near].mean(axis=0) - vel[i])
            close = (d < 5) & (d > 0)
            new[i] -= 0.05 * np.sum(pos[close] - pos[i], axis=0)
            speed = np.linalg.norm(new[i])
            if speed > 4:
                new[i] = new[i] / speed * 4
        vel = new
        pos = (pos + vel) % 100
    return pos, vel


def forest_of_oscillators(n=64, steps=500):
    rng = np.random.default_rng(4)
    theta = rng.uniform(0, 2 * np.pi, n)
    omega = rng.normal(0, 0.5, n)
    order = []
    for _ in range(steps):
        z = np.mean(np.exp(1j * theta))
        order.append(np.abs(z))
        theta = theta + 0.05 * (omega + 1.5 * np.abs(z) * np.sin(np.angle(z) - theta))
    return theta, order
