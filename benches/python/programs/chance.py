"""Monte Carlo."""
import numpy as np


def pi_loop(n=6000):
    np.random.seed(0)
    inside = 0
    for _ in range(n):
        x, y = np.random.uniform(-1, 1, 2)
        if x**2 + y**2 <= 1:
            inside += 1
    return 4 * inside / n


def pi_arrays(n=200000, repeats=3):
    rng = np.random.default_rng(1)
    out = []
    for _ in range(repeats):
        x = rng.random(n)
        y = rng.random(n)
        inside = x * x + y * y <= 1.0
        out.append(4 * np.sum(inside) / n)
    return out, np.mean(out), np.std(out)


def option_paths(paths=3000, steps=100):
    rng = np.random.default_rng(2)
    s0, k, r, sigma, t = 100.0, 105.0, 0.05, 0.2, 1.0
    dt = t / steps
    s = np.zeros((steps + 1, paths))
    s[0] = s0
    for i in range(1, steps + 1):
        z = rng.standard_normal(paths)
        s[i] = s[i - 1] * np.exp((r - 0.5 * sigma**2) * dt + sigma * np.sqrt(dt) * z)
    call = np.exp(-r * t) * np.mean(np.maximum(s[-1] - k, 0))
    asian = np.exp(-r * t) * np.mean(np.maximum(s[1:].mean(axis=0) - k, 0))
    return call, asian


def option_binomial(n=250, options=3):
    prices = []
    for m in range(options):
        s0, k, r, sigma, t = 100.0, 95.0 + 5 * m, 0.05, 0.3, 1.0
        dt = t / n
        u = np.exp(sigma * np.sqrt(dt))
        d = 1 / u
        p = (np.exp(r * dt) - d) / (u - d)
        s = s0 * d ** np.arange(n, -1, -1) * u ** np.arange(0, n + 1, 1)
        v = np.maximum(k - s, 0)
        for i in range(n - 1, -1, -1):
            s = s0 * d ** np.arange(i, -1, -1) * u ** np.arange(0, i + 1, 1)
            v[: i + 1] = np.exp(-r * dt) * (p * v[1 : i + 2] + (1 - p) * v[: i + 1])
            v = v[:-1]
            v = np.maximum(v, k - s)
        prices.append(v[0])
    return prices


def ising(n=24, sweeps=6):
    rng = np.random.RandomState(3)
    spins = 2 * rng.randint(2, size=(n, n)) - 1
    beta = 0.5
    for _ in range(sweeps):
        for _ in range(n * n):
            a = rng.randint(0, n)
            b = rng.randint(0, n)
            s = spins[a, b]
            nb = spins[(a + 1) % n, b] + spins[a, (b + 1) % n] + spins[(a - 1) % n, b] + spins[a, (b - 1) % n]
            cost = 2 * s * nb
            if cost < 0 or rng.rand() < np.exp(-cost * beta):
                s *= -1
            spins[a, b] = s
    return spins, np.sum(spins)


def ising_checkerboard(n=64, sweeps=50):
    rng = np.random.default_rng(4)
    spins = rng.choice([-1, 1], size=(n, n))
    i, j = np.indices((n, n))
    colours = [(i + j) % 2 == 0, (i + j) % 2 == 1]
    magnetisation = []
    for _ in range(sweeps):
        for colour in colours:
            nb = np.roll(spins, 1, 0) + np.roll(spins, -1, 0) + np.roll(spins, 1, 1) + np.roll(spins, -1, 1)
            de = 2 * spins * nb
            flip = colour & (rng.random((n, n)) < np.exp(-0.44 * de))
            spins[flip] *= -1
        magnetisation.append(spins.mean())
    return spins, magnetisation


def random_walks(walkers=1000, steps=500):
    rng = np.random.RandomState(5)
    moves = rng.choice([-1, 1], size=(walkers, steps))
    position = moves.cumsum(axis=1)
    distance = np.sqrt(np.mean(position**2, axis=0))
    hits = (np.abs(position) >= 30).any(axis=1)
    first = (np.abs(position[hits]) >= 30).argmax(axis=1)
    return distance, hits.sum(), first.mean()


def random_walk_loop(steps=6000):
    np.random.seed(6)
    x = np.zeros(steps)
    y = np.zeros(steps)
    for i in range(1, steps):
        d = np.random.randint(1, 5)
        x[i], y[i] = x[i - 1], y[i - 1]
        if d == 1:
            x[i] += 1
        elif d == 2:
            x[i] -= 1
        elif d == 3:
            y[i] += 1
        else:
            y[i] -= 1
    return x, y


def bootstrap(n=100, draws=800):
    rng = np.random.RandomState(7)
    data = rng.exponential(2.0, n)
    means = np.empty(draws)
    medians = []
    for i in range(draws):
        sample = rng.choice(data, size=n, replace=True)
        means[i] = sample.mean()
        medians.append(np.median(sample))
    return np.percentile(means, [2.5, 97.5]), np.percentile(medians, [2.5, 97.5]), means.std()


def metropolis_hastings(n=5000):
    rng = np.random.default_rng(8)

    def density(x):
        return np.exp(-0.5 * (x - 1) ** 2) + 0.5 * np.exp(-2 * (x + 2) ** 2)

    chain = np.zeros(n)
    accepted = 0
    for i in range(1, n):
        proposal = chain[i - 1] + rng.normal(0, 1)
        if rng.uniform() < density(proposal) / density(chain[i - 1]):
            chain[i] = proposal
            accepted += 1
        else:
            chain[i] = chain[i - 1]
    return chain.mean(), chain.std(), accepted / n


def markov_chain(n=2500):
    rng = np.random.RandomState(9)
    p = np.array([[0.9, 0.075, 0.025], [0.15, 0.8, 0.05], [0.25, 0.25, 0.5]])
    state = 0
    visits = np.zeros(3)
    for _ in range(n):
        state = rng.choice(3, p=p[state])
        visits[state] += 1
    return visits / n, np.linalg.matrix_power(p, 50)[0]


def simulated_annealing(n=25, steps=1200):
    rng = np.random.RandomState(10)
    cities = rng.rand(n, 2)
    d = np.sqrt(((cities[:, None, :] - cities[None, :, :]) ** 2).sum(-1))
    tour = np.arange(n)

    def length(t):
        return d[t, np.roll(t, -1)].sum()

    current = length(tour)
    temperature = 1.0
    for _ in range(steps):
        i, j = np.sort(rng.randint(0, n, 2))
        new = tour.copy()
        new[i : j + 1] = new[i : j + 1][::-1]
        candidate = length(new)
        chance = rng.rand()
        if candidate < current or chance < np.exp((current - candidate) / temperature):
            tour, current = new, candidate
        temperature *= 0.995
    return tour, current


def genetic_algorithm(population=40, genes=30, generations=15):
    rng = np.random.RandomState(11)
    pop = rng.randint(0, 2, (population, genes))
    best = []
    for _ in range(generations):
        fitness = pop.sum(axis=1)
        best.append(fitness.max())
        children = []
        for _ in range(population):
            a, b = rng.randint(0, population, 2)
            mother = pop[a] if fitness[a] > fitness[b] else pop[b]
            a, b = rng.randint(0, population, 2)
            father = pop[a] if fitness[a] > fitness[b] else pop[b]
            cut = rng.randint(1, genes)
            child = np.concatenate([mother[:cut], father[cut:]])
            mutate = rng.rand(genes) < 0.01
            child[mutate] = 1 - child[mutate]
            children.append(child)
        pop = np.array(children)
    return best, pop.sum()


def queue_simulation(n=16000):
    rng = np.random.default_rng(12)
    arrival = np.cumsum(rng.exponential(1.0, n))
    service = rng.exponential(0.8, n)
    start = np.zeros(n)
    finish = np.zeros(n)
    for i in range(n):
        start[i] = max(arrival[i], finish[i - 1]) if i > 0 else arrival[i]
        finish[i] = start[i] + service[i]
    wait = start - arrival
    return wait.mean(), np.percentile(wait, 95), wait.max()
