"""Programs as people write them give NumPy's numbers when only the import is changed (those of benches/python/programs, at their timed sizes)."""
import importlib.util
import pathlib
import warnings

import pytest

MAIN = pathlib.Path(__file__).resolve().parents[2] / "benches" / "python" / "programs" / "__main__.py"


def runner():
    spec = importlib.util.spec_from_file_location("programs_runner", MAIN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUNNER = runner()
PROGRAMS = {name: (ours, theirs) for name, ours, theirs in RUNNER.programs()}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_gives_numpys_numbers(name):
    ours, theirs = PROGRAMS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert RUNNER.difference(RUNNER.numbers(ours()), RUNNER.numbers(theirs())) is None


def test_programs_run_in_minpy():
    """The import was changed: what a program makes is ours, and NumPy's when it was not."""
    import numpy

    import minpy.numpy as mnp

    ours, theirs = PROGRAMS["stencils.heat_slices"]
    assert type(ours(8, 2)) is mnp.ndarray
    assert type(theirs(8, 2)) is numpy.ndarray


def test_differences_are_found():
    import numpy

    def differs(x, y):
        return RUNNER.difference(RUNNER.numbers(x), RUNNER.numbers(y)) is not None

    assert not differs((1, [2.0, numpy.arange(3)]), (1, [2.0, numpy.arange(3)]))
    assert not differs(1.0 + 1e-12, 1.0)
    assert not differs(numpy.nan, numpy.nan)
    assert differs(1.0 + 1e-6, 1.0)
    assert differs(numpy.nan, 1.0)
    assert differs(2, 1)
    assert differs(2, 2.0)
    assert differs(numpy.arange(3), numpy.arange(4))
    assert differs([numpy.arange(3)], [numpy.arange(3), 1])
