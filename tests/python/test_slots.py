"""The slots of our classes that are not pyo3's: operators, and the memory of dead objects."""

import gc
import operator
import weakref

import numpy as onp
import pytest

import minpy.numpy as np

# Python's own: the functions of the module `operator`, which no table of ours has.
BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "and_", "or_", "xor", "lshift", "rshift", "matmul"]


@pytest.mark.parametrize("name", BINARY)
def test_operators_in_both_orders(name):
    f, method = getattr(operator, name), name.rstrip("_")
    a, b = onp.arange(1, 10).reshape(3, 3), onp.arange(3, 12).reshape(3, 3)
    ours, theirs = np.array(a), np.array(b)
    for got, want in [
        (f(ours, theirs), f(a, b)),
        (f(ours, b), f(a, b)),
        (getattr(ours, f"__{method}__")(theirs), f(a, b)),
        (getattr(ours, f"__r{method}__")(theirs), f(b, a)),
    ]:
        assert type(got) is type(ours)
        onp.testing.assert_array_equal(onp.asarray(got), want)
    if name != "matmul":
        onp.testing.assert_array_equal(onp.asarray(f(7, ours)), f(7, a))
        onp.testing.assert_array_equal(onp.asarray(f(ours, 2)), f(a, 2))


def test_operators_give_way_and_refuse():
    class Other:
        __array_ufunc__ = None

        def __radd__(self, other):
            return "theirs"

        def __rmatmul__(self, other):
            return "theirs"

    a = np.ones((2, 2))
    assert a + Other() == "theirs"
    assert a @ Other() == "theirs"
    with pytest.raises(TypeError):
        type(a).__add__(1, a)
    with pytest.raises(TypeError):
        a + object()


def test_dead_objects_make_room_for_new_ones():
    # More than are kept, several times, of both classes, with the collector of cycles at work meanwhile.
    for round in range(3):
        arrays = [np.array([float(i)]) for i in range(2500)]
        scalars = [a[0] for a in arrays]
        refs = [weakref.ref(a) for a in arrays[::100]]
        assert sum(float(s) for s in scalars) == sum(range(2500))
        gc.collect()
        kept = arrays[7]
        del arrays, scalars
        gc.collect()
        assert [r for r in refs if r() is not None] == []
        assert (kept + round).tolist() == [7.0 + round]


def test_dead_objects_in_cycles():
    for _ in range(300):
        cycle = [np.ones(3)]
        cycle.append(cycle)
        del cycle
    gc.collect()
    made = [np.full(2, i) for i in range(300)]
    assert [int(a[0]) for a in made] == list(range(300))
