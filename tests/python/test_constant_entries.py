"""Functions through which no gradient flows lose none: numbers that `float()` made of a watched array may take part in them, in whatever they
are given. Through the others the loss is told."""
import warnings

import pytest

import minpy.numpy as np
from minpy.core import LostGradientWarning, grad

# Programs: how a number gets into an array is not the entry's matter. That entries say rightly what is constant, tests/constants.rs of
# minpy-autograd tries on all of them.
CONSTANT = {
    "any": lambda n: np.any([n]), "all": lambda n: np.all([n, 1.0]), "count_nonzero": lambda n: np.count_nonzero([n]),
    "argmax": lambda n: np.argmax([n, 1.0]), "argmin": lambda n: np.argmin((n, 1.0)), "argsort": lambda n: np.argsort([n, 1.0]),
    "round": lambda n: np.round([n]), "isclose": lambda n: np.isclose([n], 1.0), "nonzero": lambda n: np.nonzero([n]),
    "shape": lambda n: np.shape([n]), "ndim": lambda n: np.ndim([n]), "size": lambda n: np.size([n]), "size along": lambda n: np.size([[n]], axis=0),
    "shape of a number": lambda n: np.shape(n), "floor": lambda n: np.floor([n]),
    "zeros_like": lambda n: np.zeros_like([n]), "ones_like": lambda n: np.ones_like(n), "empty_like": lambda n: np.empty_like([n]),
    "full_like": lambda n: np.full_like([n], 2), "declined": lambda n: np.any([n], out=np.zeros(())),
    "allclose": lambda n: np.allclose([n], 1.0), "array_equal": lambda n: np.array_equal([n], [1.0]), "iscomplexobj": lambda n: np.iscomplexobj([n]),
}
LOSING = {
    "sum": lambda n: np.sum([n]), "max": lambda n: np.max([n, 1.0]), "filled": lambda n: np.full_like([1.0], n), "full": lambda n: np.full(2, n),
    "array": lambda n: np.array([n]), "linspace": lambda n: np.linspace(0, n, 3), "clip": lambda n: np.clip(np.ones(2), 0, n),
}


def told(f):
    def loss(x):
        return np.sum(x * x) + 0 * np.sum(np.asarray(f(float(x[0]))))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        grad(loss)(np.array([3.0, 1.0]))
    return [str(w.message) for w in seen if w.category is LostGradientWarning]


@pytest.mark.parametrize("name", CONSTANT)
def test_nothing_is_lost_through_what_is_constant(name):
    assert told(CONSTANT[name]) == []


@pytest.mark.parametrize("name", LOSING)
def test_elsewhere_the_loss_is_told(name):
    assert len(told(LOSING[name])) == 1
