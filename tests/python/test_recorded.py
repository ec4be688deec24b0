"""Recorded functions, and programs that are planned while others wait; the laws of what they compute are in test_deferral.py."""
import numpy
import pytest

import minpy
import minpy.numpy as mnp
import minpy.symbol as sym
from minpy import _minpy
from minpy.core import grad


def test_what_waits_is_left_alone_by_a_program_that_is_planned():
    w = mnp.ones((200, 200), dtype="f4") * 2
    one = mnp.ones((200, 200), dtype="f4") * 1
    net = sym.FullyConnected(sym.Variable("data"), num_hidden=8, name="fc")
    product = mnp.dot(one, w)
    net.simple_bind(minpy.context.cpu(), data=(32, 20))
    assert product[0, 0] == 400
    hidden = mnp.maximum(mnp.dot(one, w) + 1, 0)
    recorded = _minpy._record(lambda a: [mnp.dot(a, a) + 1], [one])
    assert hidden[0, 0] == 401
    product = mnp.dot(one, w)
    assert recorded([one])[0][0, 0] == 201
    assert product[0, 0] == 400
    layer = minpy.core.Function(net, {"data": (200, 200)})

    def loss(w):
        h = mnp.maximum(mnp.dot(one, w), 0)
        return layer(data=h, fc_weight=mnp.ones((8, 200), dtype="f4"), fc_bias=mnp.zeros(8, dtype="f4")).sum()

    assert numpy.asarray(grad(loss)(w)).tolist() == [[1600.0] * 200] * 200


def test_recorded_functions_check_their_arguments():
    def tripled(a):
        a *= 3
        return [a + 1]

    one = mnp.ones(3)
    run = _minpy._record(tripled, [one])
    assert run([one])[0].tolist() == [4, 4, 4] and one.tolist() == [3, 3, 3]
    locked = numpy.ones(3)
    locked.setflags(write=False)
    with pytest.raises(ValueError, match="read-only"):
        run([mnp.asarray(locked)])
    assert locked.tolist() == [1, 1, 1]
    with pytest.raises(minpy.core.NoGradientFuncError, match="recorded function"):
        grad(lambda x: _minpy._record(lambda a: [mnp.sum(a * a)], [x])([x])[0])(one)
    with pytest.raises(minpy.core.NoGradientFuncError, match="recorded function"):
        grad(lambda x: mnp.sum((lambda y: (run([y]), y)[1])(x * 1)))(one)
    held = mnp.ones(3) * 2
    shifted = _minpy._record(lambda a: [held * 2, tripled(a)[0]], [one])
    with pytest.raises(ValueError, match="constant"):
        shifted([held])
    leaked = []
    _minpy._record(lambda a: leaked.append(a * 2) or [a], [one])
    with pytest.raises(RuntimeError, match="traced"):
        one += leaked[0]
