"""Products of matrices: ours and NumPy's in turn in one process, by the shapes that networks and statistics use.

    matmul.py [--filter TEXT] [--dtype float32] [--rounds 60] [--rest MILLISECONDS]

For each shape: the minimum of both in microseconds, ours in GFLOP/s and GB/s, the ratio of the minima, and the median of
the ratios of neighbouring runs; a ratio below 1 says that MinPy is faster. `t` marks an operand that is a transposed
view. The threads of NumPy's BLAS keep looking for work for a while after a product and take time from ours:
`--rest` waits after each of its turns, `OPENBLAS_NUM_THREADS=1 MINPY_NUM_THREADS=1` compares one thread with one.
"""
import argparse
import statistics
import time

import numpy

import minpy.numpy as mnp

# (m, k, n, transposed views): (m x k) @ (k x n)
SHAPES = {
    "large": [(512, 512, 512, "nn"), (512, 512, 512, "tn"), (512, 512, 512, "nt"), (512, 512, 512, "tt"),
              (512, 784, 512, "nn"), (784, 512, 512, "tn"), (1024, 1024, 1024, "nn"),
              (100, 512, 512, "nn"), (512, 100, 512, "tn"), (100, 512, 512, "nt")],
    "small": [(32, 64, 64, "nn"), (64, 32, 64, "tn"), (32, 64, 64, "nt"), (32, 784, 64, "nn"), (784, 32, 64, "tn"),
              (10, 64, 64, "nn"), (10, 32, 64, "nn"), (64, 10, 64, "tn"), (10, 64, 64, "nt"), (32, 64, 10, "nn"),
              (64, 32, 10, "tn"), (32, 10, 64, "nt"), (4, 4, 4, "nn")],
    "stream": [(10000, 500, 5, "nn"), (500, 10000, 5, "tn"), (10000, 500, 1, "nn"), (500, 10000, 1, "tn"),
               (1, 10000, 500, "nn"), (1, 500, 10000, "nt"), (512, 512, 1, "nn"), (512, 512, 1, "tn"),
               (1000, 1, 1000, "nn"), (1000000, 4, 4, "nn"), (4, 1000000, 4, "tn")],
}


def operand(rows, cols, transposed, dtype, generator):
    shape = (cols, rows) if transposed else (rows, cols)
    return generator.uniform(-1, 1, shape).astype(dtype)


def seconds(function, count):
    start = time.perf_counter()
    for _ in range(count):
        function()
    return (time.perf_counter() - start) / count


def compare(m, k, n, views, dtype, rounds, rest):
    generator = numpy.random.default_rng(0)
    a, b = (operand(*size, v == "t", dtype, generator) for size, v in zip([(m, k), (k, n)], views, strict=True))
    ours, theirs = ((x.T if views[0] == "t" else x, y.T if views[1] == "t" else y)
                    for x, y in [(mnp.array(a), mnp.array(b)), (a, b)])

    def our():
        mnp.matmul(*ours)

    def their():
        numpy.matmul(*theirs)

    numpy.testing.assert_allclose(mnp.matmul(*ours).asnumpy(), numpy.matmul(*theirs), rtol=1e-2, atol=1e-3 * k ** 0.5)
    count = max(1, min(1000, int(2e-4 / min(seconds(our, 1) for _ in range(3)))))
    pairs = []
    for _ in range(rounds):
        # The first call of a turn wakes the threads.
        our()
        mine = seconds(our, count)
        their()
        pairs.append((mine, seconds(their, count)))
        time.sleep(rest)
    mine, yours = (min(side) for side in zip(*pairs, strict=True))
    size = numpy.dtype(dtype).itemsize
    return (f"{mine * 1e6:10.2f} {yours * 1e6:10.2f} us  {2e-9 * m * k * n / mine:7.1f} GFLOP/s "
            f"{size * 1e-9 * (m * k + k * n + m * n) / mine:6.1f} GB/s   {mine / yours:6.3f} "
            f"{statistics.median(x / y for x, y in pairs):6.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--filter", default="")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--rest", type=float, default=0)
    options = parser.parse_args()
    print(f"{'':32} {'ours':>10} {'NumPy':>10}     {'':31} {'minima':>8} {'median':>6}")
    for group, shapes in SHAPES.items():
        for m, k, n, views in shapes:
            label = f"{group} {m}x{k}x{n} {views}"
            if options.filter in label:
                print(f"{label:32}", compare(m, k, n, views, options.dtype, options.rounds, options.rest / 1e3))


if __name__ == "__main__":
    main()
