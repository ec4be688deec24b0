"""Grids that change step by step by their neighbours."""
import numpy as np


def heat_slices(n=100, steps=150):
    u = np.zeros((n, n))
    u[n // 4 : n // 2, n // 4 : n // 2] = 100.0
    for _ in range(steps):
        un = u.copy()
        u[1:-1, 1:-1] = un[1:-1, 1:-1] + 0.2 * (un[2:, 1:-1] + un[:-2, 1:-1] + un[1:-1, 2:] + un[1:-1, :-2] - 4 * un[1:-1, 1:-1])
    return u


def heat_elements(n=32, steps=12):
    u = np.zeros((n, n))
    u[0, :] = 100.0
    for _ in range(steps):
        new = u.copy()
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                new[i, j] = 0.25 * (u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1])
        u = new
    return u


def wave_string(n=201, steps=1200):
    x = np.linspace(0, 1, n)
    c2 = 0.9
    u_prev = np.exp(-200 * (x - 0.3) ** 2)
    u = u_prev.copy()
    energy = []
    for step in range(steps):
        u_next = np.zeros(n)
        u_next[1:-1] = 2 * u[1:-1] - u_prev[1:-1] + c2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u_prev, u = u, u_next
        if step % 100 == 0:
            energy.append(np.sum(u**2))
    return u, energy


def wave_membrane(n=120, steps=60):
    u = np.zeros((3, n, n))
    x, y = np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n))
    u[0] = np.exp(-40 * (x**2 + y**2))
    u[1] = u[0]
    for _ in range(steps):
        u[2, 1:-1, 1:-1] = (
            2 * u[1, 1:-1, 1:-1] - u[0, 1:-1, 1:-1]
            + 0.25 * (u[1, 2:, 1:-1] + u[1, :-2, 1:-1] + u[1, 1:-1, 2:] + u[1, 1:-1, :-2] - 4 * u[1, 1:-1, 1:-1])
        )
        u[0] = u[1]
        u[1] = u[2]
    return u[1], np.abs(u).max()


def game_of_life_slices(n=128, steps=60):
    grid = (np.random.RandomState(1).rand(n, n) < 0.3).astype(int)
    for _ in range(steps):
        z = np.zeros((n, n), dtype=int)
        z[1:-1, 1:-1] = (
            grid[:-2, :-2] + grid[:-2, 1:-1] + grid[:-2, 2:]
            + grid[1:-1, :-2] + grid[1:-1, 2:]
            + grid[2:, :-2] + grid[2:, 1:-1] + grid[2:, 2:]
        )
        birth = (z == 3) & (grid == 0)
        survive = ((z == 2) | (z == 3)) & (grid == 1)
        grid[...] = 0
        grid[birth | survive] = 1
    return grid, grid.sum()


def game_of_life_roll(n=48, steps=50):
    board = np.random.RandomState(2).randint(0, 2, (n, n))
    alive = []
    for _ in range(steps):
        neighbours = sum(
            np.roll(np.roll(board, i, 0), j, 1) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i != 0 or j != 0)
        )
        board = np.where((neighbours == 3) | ((board == 1) & (neighbours == 2)), 1, 0)
        alive.append(board.sum())
    return board, alive


def game_of_life_elements(n=32, steps=3):
    board = np.random.RandomState(3).randint(0, 2, (n, n))
    for _ in range(steps):
        new = np.zeros((n, n), dtype=int)
        for i in range(n):
            for j in range(n):
                total = np.sum(board[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]) - board[i, j]
                if total == 3 or (board[i, j] == 1 and total == 2):
                    new[i, j] = 1
        board = new
    return board


def gray_scott(n=96, steps=60):
    u = np.ones((n + 2, n + 2))
    v = np.zeros((n + 2, n + 2))
    r = n // 8
    u[n // 2 - r : n // 2 + r, n // 2 - r : n // 2 + r] = 0.50
    v[n // 2 - r : n // 2 + r, n // 2 - r : n // 2 + r] = 0.25
    uc, vc = u[1:-1, 1:-1], v[1:-1, 1:-1]
    for _ in range(steps):
        lu = u[:-2, 1:-1] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1] + u[1:-1, 2:] + u[2:, 1:-1]
        lv = v[:-2, 1:-1] + v[1:-1, :-2] - 4 * v[1:-1, 1:-1] + v[1:-1, 2:] + v[2:, 1:-1]
        uvv = uc * vc * vc
        uc += 0.16 * lu - uvv + 0.060 * (1 - uc)
        vc += 0.08 * lv + uvv - (0.060 + 0.062) * vc
    return u, v


def laplace_tolerance(n=50, tolerance=4e-4):
    phi = np.zeros((n + 1, n + 1))
    phi[0, :] = 1.0
    delta = 1.0
    sweeps = 0
    while delta > tolerance:
        old = phi.copy()
        phi[1:n, 1:n] = (old[:-2, 1:-1] + old[2:, 1:-1] + old[1:-1, :-2] + old[1:-1, 2:]) / 4
        delta = np.max(np.abs(phi - old))
        sweeps += 1
    return phi, sweeps


def burgers_upwind(n=101, steps=90):
    x = np.linspace(0, 2 * np.pi, n)
    dx = x[1] - x[0]
    nu = 0.07
    dt = dx * nu
    u = np.sin(x) + 1.5
    for _ in range(steps):
        un = u.copy()
        for i in range(1, n - 1):
            u[i] = un[i] - un[i] * dt / dx * (un[i] - un[i - 1]) + nu * dt / dx**2 * (un[i + 1] - 2 * un[i] + un[i - 1])
        u[0] = un[0] - un[0] * dt / dx * (un[0] - un[-2]) + nu * dt / dx**2 * (un[1] - 2 * un[0] + un[-2])
        u[-1] = u[0]
    return u


def cavity_flow(n=41, steps=15, sweeps=20):
    dx = dy = 2 / (n - 1)
    rho, nu, dt = 1, 0.1, 0.001
    u = np.zeros((n, n))
    v = np.zeros((n, n))
    p = np.zeros((n, n))
    b = np.zeros((n, n))
    for _ in range(steps):
        un, vn = u.copy(), v.copy()
        ux = (un[1:-1, 2:] - un[1:-1, 0:-2]) / (2 * dx)
        vy = (vn[2:, 1:-1] - vn[0:-2, 1:-1]) / (2 * dy)
        uy = (un[2:, 1:-1] - un[0:-2, 1:-1]) / (2 * dy)
        vx = (vn[1:-1, 2:] - vn[1:-1, 0:-2]) / (2 * dx)
        b[1:-1, 1:-1] = rho * ((ux + vy) / dt - ux**2 - 2 * uy * vx - vy**2)
        for _ in range(sweeps):
            pn = p.copy()
            p[1:-1, 1:-1] = (
                ((pn[1:-1, 2:] + pn[1:-1, 0:-2]) * dy**2 + (pn[2:, 1:-1] + pn[0:-2, 1:-1]) * dx**2) / (2 * (dx**2 + dy**2))
                - dx**2 * dy**2 / (2 * (dx**2 + dy**2)) * b[1:-1, 1:-1]
            )
            p[:, -1] = p[:, -2]
            p[0, :] = p[1, :]
            p[:, 0] = p[:, 1]
            p[-1, :] = 0
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[1:-1, 0:-2])
            - vn[1:-1, 1:-1] * dt / dy * (un[1:-1, 1:-1] - un[0:-2, 1:-1])
            - dt / (2 * rho * dx) * (p[1:-1, 2:] - p[1:-1, 0:-2])
            + nu * dt / dx**2 * (un[1:-1, 2:] - 2 * un[1:-1, 1:-1] + un[1:-1, 0:-2])
            + nu * dt / dy**2 * (un[2:, 1:-1] - 2 * un[1:-1, 1:-1] + un[0:-2, 1:-1])
        )
        v[1:-1, 1:-1] = (
            vn[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (vn[1:-1, 1:-1] - vn[1:-1, 0:-2])
            - vn[1:-1, 1:-1] * dt / dy * (vn[1:-1, 1:-1] - vn[0:-2, 1:-1])
            - dt / (2 * rho * dy) * (p[2:, 1:-1] - p[0:-2, 1:-1])
            + nu * dt / dx**2 * (vn[1:-1, 2:] - 2 * vn[1:-1, 1:-1] + vn[1:-1, 0:-2])
            + nu * dt / dy**2 * (vn[2:, 1:-1] - 2 * vn[1:-1, 1:-1] + vn[0:-2, 1:-1])
        )
        u[0, :] = u[:, 0] = u[:, -1] = 0
        u[-1, :] = 1
        v[0, :] = v[-1, :] = v[:, 0] = v[:, -1] = 0
    return u, v, p
