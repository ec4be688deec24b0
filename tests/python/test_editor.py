"""What an editor, a notebook and `help` show: each name its own text and signature."""
import inspect
import pydoc
import re
import types

import numpy
import pytest

import minpy
import minpy.numpy as np
from minpy import _minpy

# Modules whose functions are ours or wrapped.
MODULES = {"": np, "linalg.": np.linalg, "fft.": np.fft, "random.": np.random}
# What NumPy itself, in C, says nothing of.
UNKNOWN = {"fromstring"}


def public():
    """Every public callable that is not NumPy's own object: (name, value)."""
    for prefix, module in MODULES.items():
        theirs = numpy if not prefix else getattr(numpy, prefix[:-1])
        for name in sorted(n for n in dir(module) if not n.startswith("_")):
            value = getattr(module, name)
            if callable(value) and not isinstance(value, types.ModuleType) and value is not getattr(theirs, name, None):
                yield prefix + name, value


def test_each_public_name_has_its_own_text():
    by_text = {}
    for name, value in public():
        text = inspect.getdoc(value)
        assert text and text.strip(), name
        by_text.setdefault(text, []).append(name)
    for text, names in by_text.items():
        if len(names) == 1 or {"random.ranf", "random.sample"} == set(names):  # NumPy gives these two one text
            continue
        values = [getattr(MODULES[n[:n.rfind(".") + 1]], n.split(".")[-1]) for n in names]
        assert all(v is values[0] for v in values), names
        unsaid = [n for n in names if n != values[0].__name__ and not re.search(rf"\b{n}\b", text)]
        assert not unsaid, (names, text)


def test_each_public_name_has_a_signature():
    for name, value in public():
        theirs = getattr(value, "__wrapped__", None)
        try:
            signature = inspect.signature(value)
        except ValueError:  # as of NumPy's own function
            with pytest.raises(ValueError):
                inspect.signature(theirs)
            assert name in UNKNOWN or name.startswith("random."), name
        else:
            assert isinstance(signature, inspect.Signature), name


@pytest.mark.parametrize("name", sorted(_minpy._ufuncs()))
def test_help_of_a_ufunc_is_about_it(name):
    f = getattr(np, name)
    shown = pydoc.render_doc(f, renderer=pydoc.plaintext)
    assert f.__doc__.startswith(f"{name}{inspect.signature(f)}\n")
    assert f._summary in shown and f"{name} = <ufunc '{name}'>" in shown
    assert np.ufunc.__doc__ not in shown


def test_the_class_of_ufuncs_has_its_own_text():
    assert np.ufunc.__doc__.startswith("An elementwise operation") and inspect.getdoc(np.ufunc) == np.ufunc.__doc__
    assert "reduce" in pydoc.render_doc(np.ufunc, renderer=pydoc.plaintext)
    assert inspect.signature(np.ufunc) == inspect.signature(numpy.ufunc)
    assert "absolute" in np.abs.__doc__ and "Also called `abs`" in np.absolute.__doc__


@pytest.mark.parametrize("name", ["reduce", "accumulate", "reduceat", "outer", "at"])
def test_methods_of_ufuncs(name):
    for f in (np.add, np.spacing):
        assert inspect.getdoc(getattr(f, name)) and inspect.signature(getattr(f, name))


@pytest.mark.parametrize("kind", [np.ndarray, np.scalar])
def test_each_method_has_its_own_text(kind):
    texts = {}
    for name in (n for n in dir(kind) if not n.startswith("_")):
        value = getattr(kind, name)
        text = inspect.getdoc(value)
        assert text and text not in (kind.__doc__, _minpy.array_base.__doc__), name
        texts.setdefault(text, []).append(name)
        if callable(value):
            assert inspect.signature(value), name
            assert not isinstance(value, type) and text in pydoc.render_doc(value, renderer=pydoc.plaintext).replace("    ", ""), name
    for text, names in texts.items():
        assert len(names) == 1 or all(re.search(rf"\b{n}\b", text) for n in names), names


def test_dir_lists_what_numpys_lists():
    x = np.ones((2, 3))
    assert not [n for n in dir(numpy.ndarray) if not n.startswith("_") and n not in dir(x)]
    # A scalar of ours is no float: it has no `fromhex`, and nothing of it can be resized.
    s = (np.ones(10000) * 1).sum()
    theirs = {n for n in dir(numpy.float64) if not n.startswith("_")}
    assert theirs - set(dir(s)) == {"fromhex", "resize"}
    for value in (x, s):
        assert dir(value) == dir(type(value)) and {"asnumpy", "context", "as_in_context"} <= set(dir(value))
        assert not [n for n in dir(value) if n not in ("mT", "ctypes") and not hasattr(value, n)]
    assert not [n for n in dir(numpy) if not n.startswith("_") and n not in dir(np)]


def test_profiles_show_themselves_in_a_notebook():
    with minpy.profile() as p:
        np.exp(np.ones(10)).asnumpy()
    assert p._repr_html_().startswith("<div>") and "exp" in p._repr_html_() and "exp" in repr(p)


def test_ipython_shows_text_and_signature(needs):
    inspector = needs("IPython.core.oinspect").Inspector(theme_name="nocolor")
    formatter = needs("IPython.core.formatters").DisplayFormatter()
    x = np.ones(3)
    for value, signature, text in [
        (np.sin, "sin(x, /, out=None", "Sine of x in radians"),
        (np.sum, "sum(a, axis=None", "Sum"),
        (np.linalg.matrix_rank, "matrix_rank(A, tol=None", "Return matrix rank"),
        (np.linalg.inv, "inv(a)", "inverse of a square matrix"),
        (x.sum, "sum(axis=None", "Sum"),
        (minpy.core.grad, "grad(", "gradient of `func`"),
    ]:
        name = value.__name__
        found = inspector.info(value, oname=name)
        shown = re.sub(r"\s+", " ", found["definition"]).replace("( ", "(")
        assert found["found"] and shown.startswith(signature), found
        assert text in found["docstring"], found
    with minpy.profile() as p:
        np.exp(x).asnumpy()
    assert formatter.format(p)[0] == {"text/plain": str(p), "text/html": p._repr_html_()}
