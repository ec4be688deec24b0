"""Filters of images."""
import numpy as np


def _image(n, seed=0):
    x, y = np.meshgrid(np.arange(n), np.arange(n))
    noise = np.random.RandomState(seed).rand(n, n) * 40
    return np.clip(128 + 90 * np.sin(x / 9.0) * np.cos(y / 7.0) + noise, 0, 255).astype(np.uint8)


def convolution_slices(n=200, repeats=3):
    image = _image(n).astype(float)
    kernel = np.array([[1, 4, 6, 4, 1]]) * np.array([[1, 4, 6, 4, 1]]).T / 256
    for _ in range(repeats):
        padded = np.pad(image, 2, mode="edge")
        out = np.zeros_like(image)
        for i in range(5):
            for j in range(5):
                out += kernel[i, j] * padded[i : i + n, j : j + n]
        image = out
    return image


def convolution_windows(n=50):
    image = _image(n) / 255.0
    kernel = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    out = np.zeros((n - 2, n - 2))
    for i in range(n - 2):
        for j in range(n - 2):
            out[i, j] = np.sum(image[i : i + 3, j : j + 3] * kernel)
    return out


def sobel_edges(n=200, repeats=8):
    image = _image(n).astype(np.float64)
    for _ in range(repeats):
        gx = (
            image[:-2, 2:] + 2 * image[1:-1, 2:] + image[2:, 2:]
            - image[:-2, :-2] - 2 * image[1:-1, :-2] - image[2:, :-2]
        )
        gy = (
            image[2:, :-2] + 2 * image[2:, 1:-1] + image[2:, 2:]
            - image[:-2, :-2] - 2 * image[:-2, 1:-1] - image[:-2, 2:]
        )
        magnitude = np.sqrt(gx**2 + gy**2)
        magnitude *= 255.0 / magnitude.max()
        direction = np.arctan2(gy, gx)
    return magnitude, (magnitude > 100).sum(), direction.mean()


def median_windows(n=28):
    image = _image(n)
    out = image.copy()
    for i in range(1, n - 1):
        for j in range(1, n - 1):
            out[i, j] = np.median(image[i - 1 : i + 2, j - 1 : j + 2])
    return out


def median_sorted(n=80):
    image = _image(n)
    out = np.zeros_like(image)
    for i in range(1, n - 1):
        for j in range(1, n - 1):
            window = image[i - 1 : i + 2, j - 1 : j + 2].flatten()
            window.sort()
            out[i, j] = window[4]
    return out


def histogram_equalisation(n=200, repeats=9):
    image = _image(n)
    for _ in range(repeats):
        histogram, _ = np.histogram(image.flatten(), 256, [0, 256])
        cdf = histogram.cumsum()
        cdf = (cdf - cdf.min()) * 255 / (cdf.max() - cdf.min())
        table = cdf.astype(np.uint8)
        equal = table[image]
    return equal, cdf


def otsu_threshold(n=150, repeats=3):
    image = _image(n)
    for _ in range(repeats):
        counts = np.bincount(image.ravel(), minlength=256)
        p = counts / counts.sum()
        best, threshold = -1.0, 0
        for t in range(1, 256):
            w0, w1 = p[:t].sum(), p[t:].sum()
            if w0 == 0 or w1 == 0:
                continue
            m0 = np.sum(np.arange(t) * p[:t]) / w0
            m1 = np.sum(np.arange(t, 256) * p[t:]) / w1
            between = w0 * w1 * (m0 - m1) ** 2
            if between > best:
                best, threshold = between, t
    return threshold, (image > threshold).sum()


def connected_components(n=110):
    image = np.random.RandomState(1).rand(n, n) < 0.5
    labels = np.zeros((n, n), dtype=int)
    label = 0
    for i in range(n):
        for j in range(n):
            if image[i, j] and labels[i, j] == 0:
                label += 1
                stack = [(i, j)]
                labels[i, j] = label
                while stack:
                    y, x = stack.pop()
                    for dy, dx in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                        v, u = y + dy, x + dx
                        if 0 <= v < n and 0 <= u < n and image[v, u] and labels[v, u] == 0:
                            labels[v, u] = label
                            stack.append((v, u))
    return label, np.bincount(labels.ravel())[1:].max()


def floyd_steinberg(n=80):
    image = _image(n).astype(float)
    for y in range(n - 1):
        for x in range(1, n - 1):
            old = image[y, x]
            new = 255.0 if old > 127 else 0.0
            image[y, x] = new
            error = old - new
            image[y, x + 1] += error * 7 / 16
            image[y + 1, x - 1] += error * 3 / 16
            image[y + 1, x] += error * 5 / 16
            image[y + 1, x + 1] += error * 1 / 16
    return image


def bilinear_resize(n=40, m=60):
    image = _image(n).astype(np.float32)
    out = np.zeros((m, m), dtype=np.float32)
    for i in range(m):
        for j in range(m):
            y, x = i * (n - 1) / (m - 1), j * (n - 1) / (m - 1)
            y0, x0 = int(np.floor(y)), int(np.floor(x))
            y1, x1 = min(y0 + 1, n - 1), min(x0 + 1, n - 1)
            dy, dx = y - y0, x - x0
            out[i, j] = (
                image[y0, x0] * (1 - dy) * (1 - dx) + image[y0, x1] * (1 - dy) * dx
                + image[y1, x0] * dy * (1 - dx) + image[y1, x1] * dy * dx
            )
    return out


def gaussian_blur_rows(n=160, repeats=7):
    image = _image(n).astype(float)
    x = np.arange(-4, 5)
    kernel = np.exp(-(x**2) / 8)
    kernel /= kernel.sum()
    for _ in range(repeats):
        rows = np.array([np.convolve(row, kernel, mode="same") for row in image])
        image = np.array([np.convolve(column, kernel, mode="same") for column in rows.T]).T
    return image


def grey_and_rotate(n=128, repeats=8):
    rng = np.random.RandomState(2)
    rgb = rng.randint(0, 256, (n, n, 3)).astype(np.uint8)
    for _ in range(repeats):
        grey = np.dot(rgb[..., :3], [0.299, 0.587, 0.114])
        c, s = np.cos(0.3), np.sin(0.3)
        y, x = np.mgrid[0:n, 0:n] - n / 2
        u = np.clip((c * x + s * y + n / 2).astype(int), 0, n - 1)
        v = np.clip((-s * x + c * y + n / 2).astype(int), 0, n - 1)
        turned = grey[v, u]
        sepia = np.clip(rgb @ np.array([[0.39, 0.35, 0.27], [0.77, 0.69, 0.53], [0.19, 0.17, 0.13]]), 0, 255)
    return turned, sepia[::9, ::9], np.flipud(grey)[0]


def erosion_dilation(n=256, steps=16):
    binary = _image(n) > 150
    for k in range(steps):
        padded = np.pad(binary, 1)
        if k % 2 == 0:
            binary = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:] | binary
        else:
            binary = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:] & binary
    return binary, binary.sum(), np.logical_xor(binary, _image(n) > 150).sum()


def integral_image(n=200, box=9, repeats=12):
    image = _image(n).astype(np.int64)
    for _ in range(repeats):
        table = np.zeros((n + 1, n + 1), dtype=np.int64)
        table[1:, 1:] = image.cumsum(axis=0).cumsum(axis=1)
        mean = (table[box:, box:] - table[:-box, box:] - table[box:, :-box] + table[:-box, :-box]) / box**2
        local = image[box // 2 : n - box // 2, box // 2 : n - box // 2] > mean
    return mean, local.sum()


def hough_lines(n=56):
    edges = _image(n) > 225
    ys, xs = np.nonzero(edges)
    thetas = np.deg2rad(np.arange(-90, 90, 4))
    diagonal = int(np.ceil(np.sqrt(2) * n))
    votes = np.zeros((2 * diagonal, len(thetas)), dtype=np.uint64)
    for i in range(len(xs)):
        for t in range(len(thetas)):
            rho = int(np.round(xs[i] * np.cos(thetas[t]) + ys[i] * np.sin(thetas[t]))) + diagonal
            votes[rho, t] += 1
    return votes.max(), np.unravel_index(np.argmax(votes), votes.shape)


def template_match(n=62, m=8):
    image = _image(n).astype(float)
    template = image[20 : 20 + m, 13 : 13 + m]
    best, where = np.inf, None
    for i in range(n - m + 1):
        for j in range(n - m + 1):
            ssd = ((image[i : i + m, j : j + m] - template) ** 2).sum()
            if ssd < best:
                best, where = ssd, (i, j)
    return best, where


def block_compression(n=200):
    image = _image(n).astype(float) - 128
    k = np.arange(8)
    basis = np.sqrt(2 / 8) * np.cos(np.pi * (2 * k[None, :] + 1) * k[:, None] / 16)
    basis[0] /= np.sqrt(2)
    out = np.zeros_like(image)
    kept = 0
    for i in range(0, n, 8):
        for j in range(0, n, 8):
            block = image[i : i + 8, j : j + 8]
            coefficients = basis @ block @ basis.T
            small = np.abs(coefficients) < 20.3
            coefficients[small] = 0
            kept += np.count_nonzero(coefficients)
            out[i : i + 8, j : j + 8] = basis.T @ coefficients @ basis
    mse = np.mean((out - image) ** 2)
    return kept, mse, 10 * np.log10(255**2 / mse)
