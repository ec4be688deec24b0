"""Counting, digits, checksums, primes."""
import numpy as np


def histogram_elements(n=20000, bins=50):
    data = np.random.RandomState(0).normal(0, 1, n)
    low, high = data.min(), data.max()
    counts = np.zeros(bins, dtype=int)
    width = (high - low) / bins
    for x in data:
        k = int((x - low) / width)
        if k == bins:
            k -= 1
        counts[k] += 1
    return counts


def histogram_library(n=20000, repeats=25):
    data = np.random.default_rng(1).normal(size=n)
    out = []
    for k in range(repeats):
        h, edges = np.histogram(data + k, bins=40)
        out.append(h / np.sum(h) / np.diff(edges))
    c = np.bincount(np.digitize(data, np.linspace(-3, 3, 30)), minlength=31)
    return out, c


def digit_sums(n=4000):
    total = np.zeros(n, dtype=int)
    for i in range(n):
        digits = np.array([int(c) for c in str(i * 7919)])
        total[i] = digits.sum()
    return total, np.bincount(total)


def armstrong_numbers(n=150000):
    numbers = np.arange(n)
    powers = np.zeros(n, dtype=int)
    width = np.floor(np.log10(np.maximum(numbers, 1))).astype(int) + 1
    rest = numbers.copy()
    while np.any(rest > 0):
        powers += (rest % 10) ** width
        rest //= 10
    return numbers[powers == numbers]


def luhn_checksums(n=1500):
    rng = np.random.RandomState(2)
    cards = rng.randint(0, 10, (n, 16))
    valid = 0
    for card in cards:
        doubled = card.copy()
        doubled[::2] *= 2
        doubled[doubled > 9] -= 9
        if doubled.sum() % 10 == 0:
            valid += 1
    return valid


def crc32_table(n=6000):
    table = np.zeros(256, dtype=np.uint32)
    for i in range(256):
        c = np.uint32(i)
        for _ in range(8):
            c = np.uint32(0xEDB88320) ^ (c >> np.uint32(1)) if c & np.uint32(1) else c >> np.uint32(1)
        table[i] = c
    data = np.random.RandomState(3).randint(0, 256, n).astype(np.uint8)
    crc = np.uint32(0xFFFFFFFF)
    for byte in data:
        crc = (crc >> np.uint32(8)) ^ table[(crc ^ byte) & np.uint32(0xFF)]
    return int(crc ^ np.uint32(0xFFFFFFFF))


def adler_checksum(n=60000):
    data = np.frombuffer(bytes(range(256)) * (n // 256), dtype=np.uint8)
    a, b = 1, 0
    for x in data:
        a = (a + int(x)) % 65521
        b = (b + a) % 65521
    return (b << 16) | a


def parse_numbers(lines=500, columns=8):
    rng = np.random.RandomState(4)
    text = "\n".join(",".join(f"{v:.3f}" for v in row) for row in rng.rand(lines, columns))
    rows = []
    for line in text.split("\n"):
        rows.append(np.array([float(v) for v in line.split(",")]))
    table = np.vstack(rows)
    table = np.array([list(map(float, line.split(","))) for line in text.splitlines()]) + table
    means = [np.mean(table[:, j]) for j in range(columns)]
    deviations = [np.std(table[:, j]) for j in range(columns)]
    totals = [row.sum() for row in table for _ in range(3)]
    return means, deviations, totals


def parse_bytes(n=12000):
    text = " ".join(str(i * 37 % 1009) for i in range(n)).encode()
    data = np.frombuffer(text, dtype=np.uint8)
    numbers = []
    value = 0
    for c in data:
        if c == 32:
            numbers.append(value)
            value = 0
        else:
            value = value * 10 + (int(c) - 48)
    numbers.append(value)
    starts = np.flatnonzero(np.concatenate(([True], data[:-1] == 32)))
    return np.array(numbers), len(starts)


def run_lengths_elements(n=12000):
    x = np.random.RandomState(5).randint(0, 3, n)
    values, lengths = [x[0]], [1]
    for i in range(1, len(x)):
        if x[i] == x[i - 1]:
            lengths[-1] += 1
        else:
            values.append(x[i])
            lengths.append(1)
    return values, lengths


def run_lengths_slices(n=3000, repeats=100):
    rng = np.random.RandomState(6)
    out = []
    for _ in range(repeats):
        x = rng.randint(0, 3, n)
        change = np.where(x[1:] != x[:-1])[0] + 1
        starts = np.concatenate(([0], change))
        lengths = np.diff(np.append(starts, n))
        back = np.repeat(x[starts], lengths)
        out.append((lengths.max(), np.array_equal(back, x), len(starts)))
    return out


def prime_sieve(n=200000, repeats=14):
    for _ in range(repeats):
        sieve = np.ones(n + 1, dtype=bool)
        sieve[:2] = False
        for i in range(2, int(n**0.5) + 1):
            if sieve[i]:
                sieve[i * i :: i] = False
        primes = np.nonzero(sieve)[0]
    gaps = np.diff(primes)
    return len(primes), primes[-1], gaps.max()


def trial_division(n=1500):
    primes = np.array([2])
    for k in range(3, n):
        small = primes[primes * primes <= k]
        if np.all(k % small != 0):
            primes = np.append(primes, k)
    return primes


def collatz_elements(n=5000):
    steps = np.zeros(n, dtype=int)
    for i in range(1, n):
        k = i
        while k != 1:
            if k < i:
                steps[i] += steps[k]
                break
            k = k // 2 if k % 2 == 0 else 3 * k + 1
            steps[i] += 1
    return steps, np.argmax(steps)


def collatz_arrays(n=3000):
    x = np.arange(1, n + 1)
    steps = np.zeros(n, dtype=int)
    active = x != 1
    while active.any():
        even = active & (x % 2 == 0)
        odd = active & (x % 2 == 1)
        x[even] //= 2
        x[odd] = 3 * x[odd] + 1
        steps[active] += 1
        active = x != 1
    return steps, steps.max()


def pascal_triangle(n=220):
    triangle = np.zeros((n, n), dtype=np.int64)
    for i in range(n):
        triangle[i, 0] = triangle[i, i] = 1
        for j in range(1, i):
            triangle[i, j] = (triangle[i - 1, j - 1] + triangle[i - 1, j]) % 1000007
    return triangle, np.count_nonzero(triangle % 2)


def divisors_and_totients(n=7000):
    sums = np.ones(n, dtype=int)
    for d in range(2, n // 2):
        sums[2 * d :: d] += d
    phi = np.arange(n)
    for p in range(2, n):
        if phi[p] == p:
            phi[p::p] -= phi[p::p] // p
    perfect = [i for i in range(2, n) if sums[i] == i]
    return perfect, phi


def letter_frequencies(n=30000):
    codes = np.array([ord(c) for c in "the quick brown fox jumps over the lazy dog " * (n // 44)])
    counts = np.zeros(26)
    for c in codes:
        if 97 <= c <= 122:
            counts[c - 97] += 1
    shifted = (codes[codes != 32] - 97 + 13) % 26
    p = counts / counts.sum()
    return counts, shifted.sum(), -np.sum(p[p > 0] * np.log2(p[p > 0]))
