"""The workloads: sizes, seeded float32 inputs, and one formula each over any module with NumPy's names.

A workload with a gradient is a loss of a list of parameters; one step is the loss and, unless it is `forward` only, the gradient
for every parameter. The others map two arrays to one. What a step costs at least (floating-point operations of its matrix products,
bytes it must move, Python calls it makes) is counted here too, beside the formula it belongs to.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy

CLASSES = 10
PIXELS = 784
TAPE_ADDS = 2000


@dataclass(frozen=True)
class Workload:
    """One thing to time. Sizes that a kind does not use stay 0.

    kind: mlp, rnn, cnn, logreg, chain, softmax, add or tape; batch: rows of the input (elements for `chain`); width: hidden units;
    depth: hidden layers or steps in time; features: columns of the input; forward: only the loss, no gradient.
    """

    name: str
    kind: str
    batch: int = 0
    width: int = 0
    depth: int = 0
    features: int = 0
    forward: bool = False

    @property
    def is_loss(self) -> bool:
        """Whether it is a loss of parameters (else a function of two arrays)."""
        return self.kind in LOSSES

    @property
    def parts(self) -> int:
        """By how much the time of a step is divided: `tape` is reported per recorded add."""
        return TAPE_ADDS if self.kind == "tape" else 1

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Inputs:
    """parameters: what gradients are taken for; x and y: data and labels, or the two operands (y is None for `softmax`)."""

    parameters: list[numpy.ndarray]
    x: numpy.ndarray
    y: numpy.ndarray | None


@dataclass(frozen=True)
class Cost:
    """The least that a step costs: operations in matrix products, bytes between memory and processor, calls from Python."""

    flops: float = 0
    bytes: float = 0
    calls: float = 0


def mlp(name: str, batch: int, width: int, depth: int, forward: bool = False) -> Workload:
    return Workload(name, "mlp", batch, width, depth, PIXELS, forward)


def rnn(name: str, batch: int, width: int, features: int, steps: int, forward: bool = False) -> Workload:
    return Workload(name, "rnn", batch, width, steps, features, forward)


HEADLINE = (
    mlp("mlp_small", 32, 64, 50),
    mlp("mlp_big", 512, 512, 50),
    rnn("rnn_small", 10, 64, 32, 30),
    rnn("rnn_big", 100, 512, 256, 30),
    Workload("cnn", "cnn", batch=64),
    Workload("logreg", "logreg", batch=10_000, features=500),
    Workload("chain", "chain", batch=4_000_000),
    Workload("softmax", "softmax", batch=4096, features=1000),
    Workload("small_add", "add", batch=32, features=32),
    Workload("tape_add", "tape", batch=32, features=32),
)

DESCRIPTIONS = {
    "mlp_small": "loss and all gradients of a 50-layer perceptron, batch 32, width 64",
    "mlp_big": "the same, batch 512, width 512",
    "rnn_small": "loss and all gradients of a tanh RNN over 30 steps, batch 10, hidden 64",
    "rnn_big": "the same, batch 100, hidden 512",
    "cnn": "loss and all gradients: conv 3x3x32, relu, pool, conv 3x3x64, relu, pool, affine; 64 images of 3x32x32",
    "logreg": "loss and gradient of a softmax regression, 10,000 x 500 to 5 classes",
    "chain": "an elementwise expression of 13 operations over 4 million numbers",
    "softmax": "softmax of each row of 4096 x 1000",
    "small_add": "one `a + b` of 32 x 32",
    "tape_add": "2,000 chained recorded adds of 32 x 32 and the gradient of their sum; time per add (NumPy: the plain loop)",
}


# Formulas. `np` is any module with these names of NumPy: dot, exp, log, tanh, maximum, max, sum, zeros.


def cross_entropy(np: Any, scores: Any, labels: Any) -> Any:
    """Mean over rows of the softmax loss; labels are one-hot."""
    scores = scores - np.max(scores, axis=1, keepdims=True)
    log_sum = np.log(np.sum(np.exp(scores), axis=1, keepdims=True))
    return -np.sum(labels * (scores - log_sum)) / labels.shape[0]


def mlp_loss(np: Any, parameters: Sequence[Any], x: Any, y: Any, workload: Workload) -> Any:
    *hidden, last_weight, last_bias = parameters
    for weight, bias in zip(hidden[::2], hidden[1::2], strict=True):
        x = np.maximum(np.dot(x, weight) + bias, 0)
    return cross_entropy(np, np.dot(x, last_weight) + last_bias, y)


def rnn_loss(np: Any, parameters: Sequence[Any], x: Any, y: Any, workload: Workload) -> Any:
    """The same x at every step, as in the original's benchmark; squared error summed, divided by the batch."""
    w_in, w_state, bias, w_out, bias_out = parameters
    state = np.zeros((workload.batch, workload.width), dtype="float32")
    for _ in range(workload.depth):
        state = np.tanh(np.dot(x, w_in) + np.dot(state, w_state) + bias)
    error = np.dot(state, w_out) + bias_out - y
    return np.sum(error**2) / workload.batch


def cnn_loss(np: Any, parameters: Sequence[Any], x: Any, y: Any, workload: Workload) -> Any:
    """NCHW; besides NumPy's names `np` needs convolution(x, weight, bias), padded by 1, and max_pool(x), 2 x 2."""
    weight1, bias1, weight2, bias2, weight3, bias3 = parameters
    h = np.max_pool(np.maximum(np.convolution(x, weight1, bias1), 0))
    h = np.max_pool(np.maximum(np.convolution(h, weight2, bias2), 0))
    return cross_entropy(np, np.dot(h.reshape((workload.batch, -1)), weight3) + bias3, y)


def logreg_loss(np: Any, parameters: Sequence[Any], x: Any, y: Any, workload: Workload) -> Any:
    return cross_entropy(np, np.dot(x, parameters[0]), y)


LOSSES: dict[str, Callable[..., Any]] = {"mlp": mlp_loss, "rnn": rnn_loss, "cnn": cnn_loss, "logreg": logreg_loss}


def chain(np: Any, x: Any, y: Any) -> Any:
    bell = np.exp(-(x * x + y * y) / 2) * (x - y)
    return bell + np.tanh(x * 0.5) * 0.25 + np.maximum(y, 0)


def softmax(np: Any, x: Any, y: Any) -> Any:
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def add(np: Any, x: Any, y: Any) -> Any:
    return x + y


FUNCTIONS: dict[str, Callable[..., Any]] = {"chain": chain, "softmax": softmax, "add": add}


def tape_result(x: Any, y: Any) -> Any:
    for _ in range(TAPE_ADDS):
        x = x + y
    return x


# Gradients written out with NumPy: what a patient person writes where there is nothing that differentiates.


def cross_entropy_by_hand(scores: numpy.ndarray, labels: numpy.ndarray) -> tuple[numpy.floating, numpy.ndarray]:
    """The loss and its gradient for the scores."""
    e = numpy.exp(scores - scores.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -numpy.sum(labels * numpy.log(p)) / len(labels), (p - labels) / numpy.float32(len(labels))


def mlp_by_hand(inputs: Inputs, workload: Workload) -> tuple[numpy.floating, list[numpy.ndarray]]:
    assert inputs.y is not None
    weights, biases = inputs.parameters[::2], inputs.parameters[1::2]
    activations = [inputs.x]
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        activations.append(numpy.maximum(activations[-1] @ weight + bias, 0))
    loss, d = cross_entropy_by_hand(activations[-1] @ weights[-1] + biases[-1], inputs.y)
    gradients: list[numpy.ndarray] = []
    for k in reversed(range(len(weights))):
        gradients[:0] = [activations[k].T @ d, d.sum(axis=0)]
        if k > 0:
            d = (d @ weights[k].T) * (activations[k] > 0)
    return loss, gradients


def rnn_by_hand(inputs: Inputs, workload: Workload) -> tuple[numpy.floating, list[numpy.ndarray]]:
    assert inputs.y is not None
    x = inputs.x
    w_in, w_state, bias, w_out, bias_out = inputs.parameters
    states = [numpy.zeros((workload.batch, workload.width), numpy.float32)]
    for _ in range(workload.depth):
        states.append(numpy.tanh(x @ w_in + states[-1] @ w_state + bias))
    error = states[-1] @ w_out + bias_out - inputs.y
    d_out = 2 * error / numpy.float32(workload.batch)
    d_in, d_state, d_bias = numpy.zeros_like(w_in), numpy.zeros_like(w_state), numpy.zeros_like(bias)
    d = d_out @ w_out.T
    for before, after in zip(states[-2::-1], states[:0:-1], strict=True):
        d = d * (1 - after * after)
        d_in += x.T @ d
        d_state += before.T @ d
        d_bias += d.sum(axis=0)
        d = d @ w_state.T
    return numpy.sum(error**2) / workload.batch, [d_in, d_state, d_bias, states[-1].T @ d_out, d_out.sum(axis=0)]


def logreg_by_hand(inputs: Inputs, workload: Workload) -> tuple[numpy.floating, list[numpy.ndarray]]:
    assert inputs.y is not None
    loss, d = cross_entropy_by_hand(inputs.x @ inputs.parameters[0], inputs.y)
    return loss, [inputs.x.T @ d]


BY_HAND: dict[str, Callable[..., Any]] = {"mlp": mlp_by_hand, "rnn": rnn_by_hand, "logreg": logreg_by_hand}


def make_inputs(workload: Workload) -> Inputs:
    """The same numbers for every system: float32, from a fixed seed, drawn in a fixed order."""
    random = numpy.random.RandomState(0)
    w = workload

    def normal(*shape: int, scale: float = 1.0) -> numpy.ndarray:
        return (random.randn(*shape) * scale).astype(numpy.float32)

    def zeros(n: int) -> numpy.ndarray:
        return numpy.zeros(n, numpy.float32)

    def one_hot(rows: int, classes: int) -> numpy.ndarray:
        return numpy.eye(classes, dtype=numpy.float32)[random.randint(0, classes, rows)]

    if w.kind == "mlp":
        parameters = []
        for rows in [w.features] + [w.width] * (w.depth - 1):
            parameters += [normal(rows, w.width, scale=(2 / rows) ** 0.5), zeros(w.width)]
        parameters += [normal(w.width, CLASSES, scale=w.width**-0.5), zeros(CLASSES)]
        return Inputs(parameters, normal(w.batch, w.features), one_hot(w.batch, CLASSES))
    if w.kind == "rnn":
        parameters = [
            normal(w.features, w.width, scale=w.features**-0.5),
            normal(w.width, w.width, scale=w.width**-0.5),
            zeros(w.width),
            normal(w.width, CLASSES, scale=w.width**-0.5),
            zeros(CLASSES),
        ]
        return Inputs(parameters, normal(w.batch, w.features), normal(w.batch, CLASSES))
    if w.kind == "cnn":
        parameters = [normal(32, 3, 3, 3, scale=0.19), zeros(32), normal(64, 32, 3, 3, scale=0.06), zeros(64)]
        parameters += [normal(64 * 8 * 8, CLASSES, scale=0.016), zeros(CLASSES)]
        return Inputs(parameters, normal(w.batch, 3, 32, 32), one_hot(w.batch, CLASSES))
    if w.kind == "logreg":
        return Inputs([normal(w.features, 5, scale=0.01)], normal(w.batch, w.features), one_hot(w.batch, 5))
    if w.kind == "chain":
        return Inputs([], normal(w.batch), normal(w.batch))
    if w.kind == "softmax":
        return Inputs([], normal(w.batch, w.features), None)
    if w.kind in ("add", "tape"):
        return Inputs([], normal(w.batch, w.features), normal(w.batch, w.features))
    raise ValueError(f"no workload of kind {w.kind!r}")


def cost(workload: Workload) -> Cost:
    """What a step costs at least; see `Cost`. Temporaries that a perfect system keeps in its caches cost nothing."""
    w = workload
    number = 4  # bytes
    # A product of the forward pass is followed by two in the backward pass, or by one where its input needs no gradient.
    inner, first = (1, 1) if w.forward else (3, 2)
    if w.kind == "mlp":
        products = first * w.features * w.width + inner * ((w.depth - 1) * w.width**2 + w.width * CLASSES)
        return Cost(flops=2 * w.batch * products, calls=3 * w.depth)
    if w.kind == "rnn":
        products = w.depth * (first * w.features * w.width + inner * w.width**2) + inner * w.width * CLASSES
        return Cost(flops=2 * w.batch * products, calls=5 * w.depth)
    if w.kind == "cnn":
        products = first * 32 * 32 * 32 * 27 + inner * (16 * 16 * 64 * 288 + 4096 * CLASSES)
        return Cost(flops=2 * w.batch * products, calls=10)
    if w.kind == "logreg":  # the data are read for the scores and once more for the gradient
        return Cost(flops=first * 2 * w.batch * w.features * 5, bytes=number * first * w.batch * w.features, calls=10)
    if w.kind == "chain":
        return Cost(bytes=number * 3 * w.batch, calls=13)
    if w.kind == "softmax":
        return Cost(bytes=number * 2 * w.batch * w.features, calls=5)
    return Cost(calls=1)
