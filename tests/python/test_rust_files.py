"""What Rust programs write and print is what NumPy writes and prints.

The files in minpy-core/tests/data hold the two together: here NumPy has to write exactly them, and to read them; in
minpy-core/tests/numpy.rs `npy` and `Display` have to. `python tests/python/test_rust_files.py` writes them anew.
"""
import io
import pathlib
import zipfile

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
    # Digits of every length around the limits of each dtype, one array a row.
    for name, low, high in (("float16", -6, 4.8), ("float32", -9, 12), ("float64", -9, 19), ("complex64", -7, 10)):
        for width in (1, 3):
            a = 10.0 ** random.uniform(low, high, (60, 1)) * 10.0 ** random.uniform(-1.2, 1.2, (60, width)) * random.choice([-1, 1, 1], (60, width))
            a = numpy.where(random.rand(60, 1) < 0.4, a, numpy.round(a, 1))
            if name.startswith("complex"):
                a = a + 1j * a[::-1]
            with numpy.errstate(over="ignore"):
                yield f"rows_{name}_{width}", a.astype(name)
    yield "rows_limits_float16", numpy.array([[999, 1], [1000, 1], [1e-4, 1e-3], [2.5e3, 2], [999.5, 1000]], numpy.float16)
    yield "rows_limits_float32", numpy.array([[999999, 1e5], [1e6, 1e5], [99999.99, 1e3], [1e-4, 1e-3], [1e7, 1e7]], numpy.float32)
    # Half way between two numbers of as many digits as are needed.
    yield "rows_halves_float32", numpy.array([[248284.125], [248284.375], [-131072.625], [8388608.5], [0.1]], numpy.float32)
    yield "rows_halves_float64", numpy.array([[140737488355328.125], [140737488355328.375], [4503599627370497.5], [2.5]])
    yield "large", (numpy.arange(3000) / 8).reshape(10, 300)
    yield "deep", numpy.arange(4096).reshape(8, 8, 8, 8)
    yield "narrow", numpy.ones((1200, 2), bool)
    yield "wide_rows", numpy.arange(80).reshape(2, 40) * 12345


def saved(a):
    to = io.BytesIO()
    numpy.save(to, a)
    return to.getvalue()


def mixed():
    """An archive of arrays, strings and a text."""
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w") as archive:
        for name, data in (("words.npy", saved(numpy.array(["a", "bc"]))), ("before.npy", saved(numpy.array([1.5, 2.5]))), ("readme.txt", b"text"),
                           ("after.npy", saved(numpy.array([7])))):
            archive.writestr(zipfile.ZipInfo(name), data)
    return to.getvalue()


def printed():
    with numpy.printoptions(threshold=1000, edgeitems=3, linewidth=75, precision=8, suppress=False, floatmode="maxprec", sign="-",
                            nanstr="nan", infstr="inf", formatter=None):
        return "".join(f"== {name}\n{shown(name, str, a)}\n--\n{shown(name, represented, a)}\n" for name, a in cases())


def represented(a):
    return numpy.array2string(a, separator=", ", prefix="Array(")


def shown(name, f, a):
    """Of rows each by itself, and its first number alone."""
    return "\n~\n".join(f"{f(row)} | {row[0]!s}" for row in a) if name.startswith("rows_") else f(a)


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


def test_numpy_reads_this_archive():
    assert (DATA / "mixed.npz").read_bytes() == mixed()
    with numpy.load(DATA / "mixed.npz") as file:
        assert file.files == ["words", "before", "readme.txt", "after"]
        assert file["before"].tolist() == [1.5, 2.5] and file["words"].tolist() == ["a", "bc"] and file["readme.txt"] == b"text"


def test_numpy_prints_this():
    assert (DATA / "printed.txt").read_text() == printed()


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    for name, a in cases():
        (DATA / f"{name}.npy").write_bytes(saved(a))
    (DATA / "mixed.npz").write_bytes(mixed())
    (DATA / "printed.txt").write_text(printed())
