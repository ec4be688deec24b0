"""What Rust programs write and print is what NumPy writes and prints.

The files in minpy-core/tests/data hold the two together: here NumPy has to write exactly them, and to read them; in
minpy-core/tests/numpy.rs `npy` and `Display` have to. `python tests/python/test_rust_files.py` writes them anew.
"""
import io
import pathlib

import numpy
import pytest

DATA = pathlib.Path(__file__).parents[2] / "minpy-core/tests/data"


def cases():
    random = numpy.random.RandomState(0)
    wide = numpy.float64(10.0) ** random.uniform(-6, 9, 60)
    for name in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
                 "float16", "float32", "float64", "complex64", "complex128"):
        a = (random.standard_normal((2, 3, 2)) * 50).astype(name)
        if name.startswith("complex"):
            a += (1j * random.standard_normal(a.shape)).astype(name)
        yield name, a
    yield "zero_dim", numpy.array(1 / 3)
    yield "zero_dim_small", numpy.array(-1.5e-7, numpy.float32)
    yield "zero_dim_big", numpy.array(1e16)
    yield "zero_dim_whole", numpy.array(7, numpy.float32)
    yield "zero_dim_complex", numpy.array(1.5 - 2j)
    yield "zero_dim_imaginary", numpy.array(2j)
    yield "zero_dim_bool", numpy.array(True)
    yield "empty", numpy.zeros((0,))
    yield "empty_wide", numpy.zeros((2, 0, 3), numpy.int32)
    yield "fortran", numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3))
    yield "big_endian", numpy.array([[1.5, -2.0, 1e300]], ">f8")
    yield "big_endian_complex", numpy.array([1 + 2j, -3j], ">c8")
    yield "linspace", numpy.linspace(0, 1, 5)
    yield "whole", numpy.arange(3.0)
    yield "signs", numpy.array([-0.0, 1.0, -2.25])
    yield "nonfinite", numpy.array([[1.0, numpy.nan], [numpy.inf, -numpy.inf]])
    yield "nonfinite_alone", numpy.array([numpy.nan, -numpy.inf], numpy.float32)
    yield "nonfinite_complex", numpy.array([complex(numpy.nan, -numpy.inf), 1 + 2j])
    yield "thousand", numpy.array([1.0, 1000.0])
    yield "above_thousand", numpy.array([1.0, 1000.5, 0.0])
    yield "limit_small", numpy.array([0.0001, 0.0003])
    yield "limit_small_single", numpy.array([0.0001, 0.0003], numpy.float32)
    yield "limit_big", numpy.array([1e8, 99999999.0])
    yield "exponents", numpy.array([1e100, -1e-5, 0.0])
    yield "wide", wide
    yield "wide_single", wide.astype(numpy.float32)
    yield "thirds", numpy.arange(1, 40) / 3
    yield "halves", numpy.arange(1, 200, dtype=numpy.float16) / numpy.float16(7)
    yield "half_bits", numpy.arange(0, 65536, 83, dtype=numpy.uint16).view(numpy.float16)
    yield "singles", random.standard_normal(200).astype(numpy.float32)
    yield "doubles", random.standard_normal(200)
    yield "lines", numpy.arange(60)
    yield "long", numpy.arange(2000.0)
    yield "large", (numpy.arange(3000) / 8).reshape(10, 300)
    yield "deep", numpy.arange(4096).reshape(8, 8, 8, 8)
    yield "narrow", numpy.ones((1200, 2), bool)
    yield "wide_rows", numpy.arange(80).reshape(2, 40) * 12345


def saved(a):
    to = io.BytesIO()
    numpy.save(to, a)
    return to.getvalue()


def printed():
    with numpy.printoptions(threshold=1000, edgeitems=3, linewidth=75, precision=8, suppress=False, floatmode="maxprec", sign="-",
                            nanstr="nan", infstr="inf", formatter=None):
        return "".join(f"== {name}\n{a!s}\n--\n{numpy.array2string(a, separator=', ', prefix='Array(')}\n" for name, a in cases())


def test_numpy_writes_these_files():
    names = {name for name, _ in cases()}
    assert names == {p.stem for p in DATA.glob("*.npy")}
    for name, a in cases():
        assert (DATA / f"{name}.npy").read_bytes() == saved(a), name


@pytest.mark.parametrize("name", [name for name, _ in cases()])
def test_numpy_reads_these_files(name):
    want = dict(cases())[name]
    got = numpy.load(DATA / f"{name}.npy")
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    numpy.testing.assert_array_equal(got, want)


def test_numpy_prints_this():
    assert (DATA / "printed.txt").read_text() == printed()


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    for name, a in cases():
        (DATA / f"{name}.npy").write_bytes(saved(a))
    (DATA / "printed.txt").write_text(printed())
