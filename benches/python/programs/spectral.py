"""Fourier transforms from scratch and by the library, and what is solved with them."""
import numpy as np


def dft_matrix(n=256, repeats=3):
    x = np.random.default_rng(0).random(n)
    k = np.arange(n)
    for _ in range(repeats):
        m = np.exp(-2j * np.pi * k.reshape((n, 1)) * k / n)
        y = np.dot(m, x)
    return y, np.allclose(y, np.fft.fft(x))


def dft_elements(n=100):
    x = np.sin(np.arange(n) * 0.3)
    real = np.zeros(n)
    imag = np.zeros(n)
    for k in range(n):
        for t in range(n):
            angle = 2 * np.pi * t * k / n
            real[k] += x[t] * np.cos(angle)
            imag[k] -= x[t] * np.sin(angle)
    return np.sqrt(real**2 + imag**2)


def fft_recursive(n=1024):
    def fft(x):
        m = len(x)
        if m == 1:
            return x
        even = fft(x[::2])
        odd = fft(x[1::2])
        factor = np.exp(-2j * np.pi * np.arange(m) / m)
        return np.concatenate([even + factor[: m // 2] * odd, even + factor[m // 2 :] * odd])

    return fft(np.random.default_rng(1).random(n))


def fft_iterative(n=2048):
    x = np.random.default_rng(2).random(n).astype(complex)
    bits = int(np.log2(n))
    order = np.zeros(n, dtype=int)
    for i in range(n):
        order[i] = int(format(i, f"0{bits}b")[::-1], 2)
    x = x[order]
    size = 2
    while size <= n:
        half = size // 2
        w = np.exp(-2j * np.pi / size)
        for start in range(0, n, size):
            wk = 1
            for k in range(start, start + half):
                t = wk * x[k + half]
                u = x[k]
                x[k] = u + t
                x[k + half] = u - t
                wk *= w
        size *= 2
    return np.abs(x)


def heat_fourier(n=256, steps=300):
    x = np.linspace(-np.pi, np.pi, n, endpoint=False)
    u = np.exp(-10 * x**2)
    k = np.fft.fftfreq(n, d=1 / n)
    decay = np.exp(-(k**2) * 1e-3)
    for _ in range(steps):
        u_hat = np.fft.fft(u)
        u_hat *= decay
        u = np.real(np.fft.ifft(u_hat))
    return u


def korteweg_de_vries(n=128, steps=350):
    x = np.linspace(-10, 10, n, endpoint=False)
    u = 3 / np.cosh(x / 2) ** 2
    k = 2 * np.pi * np.fft.fftfreq(n, 20 / n)
    ik3 = 1j * k**3
    dt = 1e-4
    v = np.fft.fft(u)
    for _ in range(steps):
        v = np.exp(ik3 * dt) * v
        v = v - 0.5j * k * dt * np.fft.fft(np.real(np.fft.ifft(v)) ** 2)
    return np.real(np.fft.ifft(v))


def poisson_spectral(n=96, repeats=20):
    x = np.arange(n) / n
    xx, yy = np.meshgrid(x, x)
    f = np.sin(2 * np.pi * xx) * np.cos(4 * np.pi * yy)
    k = 2 * np.pi * np.fft.fftfreq(n, 1 / n)
    kx, ky = np.meshgrid(k, k)
    k2 = kx**2 + ky**2
    k2[0, 0] = 1
    for _ in range(repeats):
        fh = np.fft.fft2(f)
        uh = -fh / k2
        uh[0, 0] = 0
        u = np.fft.ifft2(uh).real
    return u + 1


def spectrogram(n=16000, window=256, hop=28):
    t = np.arange(n) / 8000
    signal = np.sin(2 * np.pi * (200 + 300 * t) * t) + 0.1 * np.random.RandomState(3).randn(n)
    hann = np.hanning(window)
    frames = []
    for start in range(0, n - window, hop):
        frame = signal[start : start + window] * hann
        frames.append(np.abs(np.fft.rfft(frame)) ** 2)
    s = np.array(frames).T
    return np.argmax(s, axis=0), s.sum(axis=0)


def chebyshev_differentiation(n=60, repeats=3):
    for _ in range(repeats):
        x = np.cos(np.pi * np.arange(n + 1) / n)
        c = np.ones(n + 1)
        c[0] = c[n] = 2
        d = np.zeros((n + 1, n + 1))
        for i in range(n + 1):
            for j in range(n + 1):
                if i != j:
                    d[i, j] = c[i] / c[j] * (-1) ** (i + j) / (x[i] - x[j])
        d -= np.diag(d.sum(axis=1))
    return d @ np.exp(x)


def goertzel(n=8000, tones=8):
    t = np.arange(n)
    x = np.sin(0.1 * t) + 0.5 * np.sin(0.35 * t)
    power = np.zeros(tones)
    for m in range(tones):
        coefficient = 2 * np.cos(0.05 * (m + 1))
        s1 = s2 = 0.0
        for sample in x:
            s1, s2 = sample + coefficient * s1 - s2, s1
        power[m] = s1**2 + s2**2 - coefficient * s1 * s2
    return power


def fourier_series(n=1500, terms=150):
    x = np.linspace(-np.pi, np.pi, n)
    square = np.sign(np.sin(x))
    approx = np.zeros(n)
    errors = np.zeros(terms)
    for k in range(1, terms + 1):
        b = np.trapezoid(square * np.sin(k * x), x) / np.pi
        approx += b * np.sin(k * x)
        errors[k - 1] = np.sqrt(np.mean((approx - square) ** 2))
    return approx, errors


def low_pass(n=8192, repeats=20):
    rng = np.random.default_rng(4)
    for _ in range(repeats):
        noisy = np.sin(np.arange(n) * 0.01) + 0.3 * rng.standard_normal(n)
        spectrum = np.fft.rfft(noisy)
        frequency = np.fft.rfftfreq(n)
        spectrum[frequency > 0.05] = 0
        clean = np.fft.irfft(spectrum, n)
    return clean, np.corrcoef(noisy, clean)[0, 1]
