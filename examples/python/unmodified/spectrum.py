"""A decaying oscillation with noise: fitted and filtered with SciPy, drawn with matplotlib. `python -m minpy spectrum.py out.png`."""
import sys

import matplotlib
import numpy as np
from scipy import optimize, signal

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def model(t, height, decay, frequency):
    return height * np.exp(-decay * t) * np.cos(2 * np.pi * frequency * t)


def main(picture=None):
    rng = np.random.default_rng(3)
    t = np.linspace(0, 4, 800)
    measured = model(t, 2.0, 0.6, 2.5) + 0.1 * rng.standard_normal(t.size)

    found, covariance = optimize.curve_fit(model, t, measured, p0=(1.0, 1.0, 2.4))
    for name, value, error in zip(("height", "decay", "frequency"), found, np.sqrt(np.diag(covariance)), strict=True):
        print(f"{name:10} {value:.6f} +- {error:.6f}")

    b, a = signal.butter(4, 0.05)
    smooth = signal.filtfilt(b, a, measured)
    spectrum = np.abs(np.fft.rfft(measured))
    frequencies = np.fft.rfftfreq(t.size, t[1] - t[0])
    print("strongest frequency:", round(float(frequencies[np.argmax(spectrum)]), 4))
    print("noise taken away:", round(float(np.std(measured - smooth)), 6))

    if picture:
        figure, (above, below) = plt.subplots(2, 1)
        above.plot(t, measured, ".", t, smooth, "-", t, model(t, *found), "--")
        below.semilogy(frequencies, spectrum)
        below.hist(measured - smooth, bins=20)
        figure.savefig(picture)
        print("points drawn:", sum(len(line.get_xdata()) for line in above.lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
