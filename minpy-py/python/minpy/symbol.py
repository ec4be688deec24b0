"""Symbols: networks described before they run, with MXNet's names.

    import minpy.symbol as sym
    net = sym.Activation(sym.FullyConnected(sym.Variable('data'), num_hidden=64), act_type='relu')
    ex = net.simple_bind(cpu(), data=(32, 784))      # an executor with arrays of its own
    ex.forward(is_train=True); ex.backward()
    f = minpy.core.Function(net, {'data': (32, 784)}) # or an ordinary function under grad

Every operator of the table is a function here: inputs by position or name, attributes by name, `name=` for the node.
Parameters that are not given become variables called `<node>_weight`, `<node>_bias` and so on.
"""
from minpy._minpy import Executor as Executor, Function as Function, Symbol

load_json, seed = Symbol._from_json, Symbol._seed


def Variable(name, shape=None, dtype=None):
    """A named value from outside."""
    if not isinstance(name, str):
        raise TypeError(f"Variable: the name must be a string, not {type(name).__name__}")
    return Symbol._variable(name, shape, dtype)


def Group(symbols):
    """The outputs of several symbols as one symbol."""
    symbols = list(symbols)
    for s in symbols:
        if not isinstance(s, Symbol):
            raise TypeError(f"Group: needs symbols, got {type(s).__name__}")
    return Symbol._group(symbols)


def load(fname):
    """The symbol that `Symbol.save` wrote into a file."""
    with open(fname, encoding="utf-8") as f:
        return load_json(f.read())


def save(fname, symbol):
    """Writes a symbol into a file."""
    with open(fname, "w", encoding="utf-8") as f:
        f.write(symbol.tojson())


def _make(op, exported, doc, attributes):
    known = set(attributes)

    def apply(*args, name=None, **kwargs):
        if len(args) == 1 and isinstance(args[0], (list, tuple)):
            args = args[0]
        inputs = []
        for a in args:
            if not isinstance(a, Symbol):
                raise TypeError(f"{exported}: inputs must be symbols, got {type(a).__name__}; attributes are passed by name")
            inputs.append((None, a))
        attrs = {}
        for key, value in kwargs.items():
            if isinstance(value, Symbol):
                inputs.append((key, value))
            elif value is not None or key in known:
                attrs[key] = value
        return Symbol._apply(op, name, inputs, attrs)

    apply.__name__ = apply.__qualname__ = exported
    apply.__doc__ = doc
    return apply


def _export():
    names = []
    for op, aliases, doc, attributes in Symbol._operators():
        for exported in (op, *aliases):
            if exported not in globals():
                globals()[exported] = _make(op, exported, doc, attributes)
                if not exported.startswith("_"):
                    names.append(exported)
    return names


var = Variable
loads = load_json
_WRITTEN = ("Executor", "Function", "Group", "Symbol", "Variable", "load", "load_json", "loads", "save", "seed", "var")
__all__ = [*_WRITTEN, *_export()]
