"""The systems: how each makes arrays, takes gradients, compiles, and is waited for.

`SYSTEMS[name].build(workload)` returns a step, a function without arguments that does the workload once and returns its arrays, computed.
The one exception is `add`: there the step is the bare operation, and `worker.py` reads the last of many by `System.read`.
A module of a peer is imported by its `build` only: every environment has just one of them.
"""
from __future__ import annotations

import functools
import importlib.metadata
import operator
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy
import workloads
from workloads import Inputs, Workload


class Unavailable(Exception):
    """This system cannot do this workload; the message says why."""


# What a step gives: a tuple of a loss and the list of its gradients (empty where they were not asked for), or one array.
Result = Any
Step = Callable[[], Result]


def to_numpy(array: Any) -> numpy.ndarray[Any, numpy.dtype[numpy.float64]]:
    """Any system's array as a float64 NumPy array."""
    if hasattr(array, "asnumpy"):
        array = array.asnumpy()
    elif hasattr(array, "detach"):
        array = array.detach().numpy()
    return numpy.asarray(array, dtype=numpy.float64)


def with_numpys_names(np: Any, workload: Workload, finish: Callable[[Any], Any]) -> Step:
    """The step of a function of two arrays, where inputs are ready as arrays of the system whose module is `np`."""
    inputs = workloads.make_inputs(workload)
    x, y = np.array(inputs.x), None if inputs.y is None else np.array(inputs.y)
    f = workloads.FUNCTIONS[workload.kind]
    if workload.kind == "add":
        return functools.partial(operator.add, x, y)  # what else Python would do costs as much as the operation
    return lambda: finish(f(np, x, y))


def loss_of(np: Any, inputs: Inputs, x: Any, y: Any, workload: Workload) -> tuple[Callable[..., Any], list[numpy.ndarray]]:
    """A loss as a function of separate arguments, and these arguments as NumPy arrays."""
    if workload.kind == "tape":
        return (lambda a: np.sum(workloads.tape_result(a, y))), [inputs.x]
    formula = workloads.LOSSES[workload.kind]
    return (lambda *parameters: formula(np, parameters, x, y, workload)), inputs.parameters


def build_numpy(workload: Workload) -> Step:
    """Gradients written out by hand; `tape` is the plain loop, without recording or gradient."""
    inputs = workloads.make_inputs(workload)
    if workload.kind == "tape":
        return lambda: (workloads.tape_result(inputs.x, inputs.y), [])
    if not workload.is_loss:
        return with_numpys_names(numpy, workload, lambda array: array)
    if workload.kind == "cnn":
        raise Unavailable("NumPy has no convolution")
    if workload.forward:
        loss, arguments = loss_of(numpy, inputs, inputs.x, inputs.y, workload)
        return lambda: loss(*arguments)
    by_hand = workloads.BY_HAND[workload.kind]
    return lambda: by_hand(inputs, workload)


def build_autograd(workload: Workload) -> Step:
    import autograd
    import autograd.numpy as np

    inputs = workloads.make_inputs(workload)
    if workload.kind == "cnn":
        raise Unavailable("no float32 convolution")
    if not (workload.is_loss or workload.kind == "tape"):
        return with_numpys_names(np, workload, lambda array: array)
    loss, arguments = loss_of(np, inputs, inputs.x, inputs.y, workload)
    if workload.forward:
        return lambda: loss(*arguments)
    differentiated = autograd.value_and_grad(lambda all_arguments: loss(*all_arguments))
    return lambda: differentiated(arguments)


def build_jax(workload: Workload, compiled: bool = False) -> Step:
    import jax
    import jax.numpy

    np = SimpleNamespace(**{name: getattr(jax.numpy, name) for name in NUMPY_NAMES}, array=jax.numpy.asarray)
    np.convolution = lambda x, weight, bias: jax.lax.conv(x, weight, (1, 1), "SAME") + bias[None, :, None, None]
    np.max_pool = lambda x: jax.lax.reduce_window(x, -numpy.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    compile_ = jax.jit if compiled else lambda f: f
    wait = jax.block_until_ready
    inputs = workloads.make_inputs(workload)
    x, y = np.array(inputs.x), None if inputs.y is None else np.array(inputs.y)
    if workload.is_loss or workload.kind == "tape":
        if compiled and workload.kind == "tape":
            raise Unavailable("2,000 adds compiled are another workload than 2,000 calls")

        # Data are arguments, not constants, so that the compiler cannot compute with them beforehand.
        def loss_of_all(parameters: Sequence[Any], x: Any, y: Any) -> Any:
            return loss_of(np, inputs, x, y, workload)[0](*parameters)

        arguments = [np.array(p) for p in loss_of(np, inputs, x, y, workload)[1]]
        if workload.forward:
            forward = compile_(loss_of_all)
            return lambda: wait(forward(arguments, x, y))
        differentiated = compile_(jax.value_and_grad(loss_of_all))
        return lambda: wait(differentiated(arguments, x, y))
    f = workloads.FUNCTIONS[workload.kind]
    g = compile_(lambda x, y: f(np, x, y))
    # A call returns before its work is done, so here even the bare `add` is waited for.
    return lambda: wait(g(x, y))


def build_jaxjit(workload: Workload) -> Step:
    return build_jax(workload, compiled=True)


def build_torch(workload: Workload, compiled: bool = False) -> Step:
    import torch

    def maximum(a: Any, b: Any) -> Any:
        return torch.clamp_min(a, b) if isinstance(b, (int, float)) else torch.maximum(a, b)

    def reduce_sum(a: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        return a.sum() if axis is None else a.sum(dim=axis, keepdim=keepdims)

    np = SimpleNamespace(
        array=torch.tensor,
        convolution=lambda x, weight, bias: torch.nn.functional.conv2d(x, weight, bias, padding=1),
        dot=torch.matmul,
        exp=torch.exp,
        log=torch.log,
        max=lambda a, axis, keepdims: a.amax(dim=axis, keepdim=keepdims),
        max_pool=lambda x: torch.nn.functional.max_pool2d(x, 2),
        maximum=maximum,
        sum=reduce_sum,
        tanh=torch.tanh,
        zeros=lambda shape, dtype: torch.zeros(shape, dtype=getattr(torch, dtype)),
    )
    compile_ = torch.compile if compiled else lambda f: f
    inputs = workloads.make_inputs(workload)
    x, y = np.array(inputs.x), None if inputs.y is None else np.array(inputs.y)
    if workload.is_loss or workload.kind == "tape":
        if compiled and workload.kind == "tape":
            raise Unavailable("2,000 adds compiled are another workload than 2,000 calls")
        loss, arguments = loss_of(np, inputs, x, y, workload)
        tensors = [torch.tensor(p, requires_grad=not workload.forward) for p in arguments]
        f = compile_(loss)
        if workload.forward:
            return lambda: f(*tensors)

        def step() -> Result:
            value = f(*tensors)
            return value.detach(), torch.autograd.grad(value, tensors)

        return step
    function = workloads.FUNCTIONS[workload.kind]
    g = compile_(lambda x, y: function(np, x, y))
    return lambda: g(x, y)


def build_torchcompile(workload: Workload) -> Step:
    return build_torch(workload, compiled=True)


def build_minpy(workload: Workload) -> Step:
    """Results are read through NumPy inside the step."""
    import minpy.core
    import minpy.numpy

    np = SimpleNamespace(**{name: getattr(minpy.numpy, name) for name in NUMPY_NAMES}, array=minpy.numpy.array)
    if workload.kind == "cnn":
        try:
            from minpy.nn import layers
        except ImportError:
            raise Unavailable("minpy.nn.layers is not there yet") from None
        np.convolution = lambda x, weight, bias: layers.convolution(x, weight, bias, pad=1)
        np.max_pool = lambda x: layers.max_pool(x, 2)
    if not (workload.is_loss or workload.kind == "tape"):
        return with_numpys_names(np, workload, numpy.asarray)
    inputs = workloads.make_inputs(workload)
    x, y = np.array(inputs.x), None if inputs.y is None else np.array(inputs.y)
    loss, arguments = loss_of(np, inputs, x, y, workload)
    arrays = [np.array(a) for a in arguments]
    if workload.forward:
        return lambda: numpy.asarray(loss(*arrays))
    differentiated = minpy.core.grad_and_loss(loss, argnum=list(range(len(arrays))))

    def step() -> Result:
        gradients, value = differentiated(*arrays)
        return numpy.asarray(value), [numpy.asarray(g) for g in gradients]

    return step


def read_minpy(result: Result) -> None:
    """Only a bare operation is still to be read; the parts of a tuple have been."""
    if not isinstance(result, tuple):
        numpy.asarray(result)


def build_minpysym(workload: Workload) -> Step:
    """The symbolic twin: the same network as a graph, bound once."""
    import minpy.symbol
    from minpy.context import current_context

    return symbolic(minpy.symbol, current_context(), workload, numpy.asarray)


def build_mxsym(workload: Workload) -> Step:
    """MXNet's graph: the engine that the original MinPy stood on, without MinPy."""
    warnings.simplefilter("ignore")  # it uses names that NumPy is about to remove
    import mxnet

    return symbolic(mxnet.sym, mxnet.cpu(), workload, lambda array: array.asnumpy())


def symbolic(sym: Any, context: Any, workload: Workload, read: Callable[[Any], numpy.ndarray]) -> Step:
    """A step of an executor of MXNet's kind, whose module of operators is `sym`."""
    if workload.kind not in SYMBOLS:
        raise Unavailable("the symbolic twin has the perceptron and the RNN")
    inputs = workloads.make_inputs(workload)
    assert inputs.y is not None
    network, fixed, loss_of_output = SYMBOLS[workload.kind](sym, workload, inputs)
    arguments = network.list_arguments()
    names = [name for name in arguments if name not in fixed]
    if workload.kind == "rnn":
        names = ["w_in", "w_state", "bias", "out_weight", "out_bias"]
    executor = network.simple_bind(
        context,
        grad_req={name: "null" if name in fixed or workload.forward else "write" for name in arguments},
        **{name: value.shape for name, value in fixed.items()},
    )
    for name, value in fixed.items():
        executor.arg_dict[name][:] = value
    for name, value in zip(names, inputs.parameters, strict=True):
        executor.arg_dict[name][:] = value.T if value.ndim == 2 else value  # a layer keeps its weights transposed

    def forward() -> Result:
        return loss_of_output(read(executor.forward(is_train=False)[0]))

    def forward_backward() -> Result:
        output = executor.forward(is_train=True)[0]
        executor.backward()
        gradients = [read(executor.grad_dict[name]) for name in names]
        return loss_of_output(read(output)), gradients

    return forward if workload.forward else forward_backward


def mlp_symbol(sym: Any, workload: Workload, inputs: Inputs) -> tuple[Any, dict[str, numpy.ndarray], Callable[..., float]]:
    """The network, its arguments that are data, and how the loss follows from the output (here the probabilities)."""
    assert inputs.y is not None
    net = sym.Variable("data")
    for _ in range(workload.depth):
        net = sym.Activation(sym.FullyConnected(net, num_hidden=workload.width), act_type="relu")
    net = sym.FullyConnected(net, num_hidden=workloads.CLASSES)
    net = sym.SoftmaxOutput(net, name="softmax", normalization="batch")
    labels = inputs.y.argmax(axis=1)
    rows = numpy.arange(len(labels))

    def loss(probabilities: numpy.ndarray) -> float:
        return float(-numpy.log(probabilities[rows, labels]).mean())

    return net, {"data": inputs.x, "softmax_label": labels.astype(numpy.float32)}, loss


def rnn_symbol(sym: Any, workload: Workload, inputs: Inputs) -> tuple[Any, dict[str, numpy.ndarray], Callable[..., float]]:
    """As `mlp_symbol`; the output is the loss itself."""
    assert inputs.y is not None
    width = workload.width
    x, state = sym.Variable("data"), sym.Variable("state")
    w_in, w_state, bias = sym.Variable("w_in"), sym.Variable("w_state"), sym.Variable("bias")
    for _ in range(workload.depth):
        from_input = sym.FullyConnected(x, weight=w_in, bias=bias, num_hidden=width)
        from_state = sym.FullyConnected(state, weight=w_state, no_bias=True, num_hidden=width)
        state = sym.Activation(from_input + from_state, act_type="tanh")
    error = sym.FullyConnected(state, num_hidden=workloads.CLASSES, name="out") - sym.Variable("label")
    net = sym.MakeLoss(sym.sum(sym.square(error)) / workload.batch)
    fixed = {"data": inputs.x, "state": numpy.zeros((workload.batch, width), numpy.float32), "label": inputs.y}
    return net, fixed, lambda output: float(output.reshape(()))


SYMBOLS = {"mlp": mlp_symbol, "rnn": rnn_symbol}

# What the formulas of workloads.py use.
NUMPY_NAMES = ("dot", "exp", "log", "max", "maximum", "sum", "tanh", "zeros")


def computed_already(result: Result) -> None:
    """For systems whose steps return when the work is done."""


@dataclass(frozen=True)
class System:
    """label: how the page calls it; environment: where it runs (environments.py); packages: whose versions the page names;
    read: makes sure that the result of a step has been computed, where the step does not."""

    label: str
    environment: str
    packages: tuple[str, ...]
    build: Callable[[Workload], Step]
    read: Callable[[Result], Any] = computed_already

    def versions(self) -> dict[str, str]:
        """Version of each package; "source tree" for one that is not installed but found on the path."""
        found = {}
        for package in self.packages:
            try:
                found[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                found[package] = "source tree"
        return found


SYSTEMS = {
    "minpy": System("MinPy", "minpy", ("minpy", "numpy"), build_minpy, read_minpy),
    "minpysym": System("MinPy symbolic", "minpy", ("minpy", "numpy"), build_minpysym),
    "numpy": System("NumPy", "numpy", ("numpy",), build_numpy),
    "autograd": System("autograd", "autograd", ("autograd", "numpy"), build_autograd),
    "jax": System("JAX", "jax", ("jax", "jaxlib", "numpy"), build_jax),
    "jaxjit": System("JAX jit", "jax", ("jax", "jaxlib", "numpy"), build_jaxjit),
    "torch": System("PyTorch", "torch", ("torch", "numpy"), build_torch),
    "torchcompile": System("PyTorch compiled", "torch", ("torch", "numpy"), build_torchcompile),
    "mxsym": System("MXNet symbolic", "mxnet", ("mxnet", "numpy"), build_mxsym),
}
