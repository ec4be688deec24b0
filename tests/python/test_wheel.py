"""What is shipped: the installed wheel's metadata and files, and the source distribution."""
import email
import importlib.metadata
import os
import pathlib
import subprocess
import sys
import tarfile
import tomllib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKSPACE = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]
LICENCES = {"LICENSE-APACHE", "LICENSE-MIT"}


def leave_out(reason):
    if os.environ.get("MINPY_REQUIRE_LIBRARIES") == "1":
        pytest.fail(f"{reason}, and MINPY_REQUIRE_LIBRARIES=1")
    pytest.skip(reason)


@pytest.fixture
def installed():
    try:
        return importlib.metadata.distribution("minpy")
    except importlib.metadata.PackageNotFoundError:
        leave_out("minpy is not installed from a wheel")


def check(metadata):
    """The metadata say what Cargo.toml, README and the licences say."""
    package = WORKSPACE["package"]
    assert metadata["Name"] == "minpy" and metadata["Version"] == package["version"]
    assert metadata["License-Expression"] == package["license"] and set(metadata.get_all("License-File")) == LICENCES
    assert metadata.get_all("Project-URL") == [f"Repository, {package['repository']}"]
    assert metadata["Description-Content-Type"].startswith("text/markdown")
    text = metadata["Description"] or metadata.get_payload()
    assert text.strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()
    assert metadata["Requires-Python"] == ">=3.11" and metadata.get_all("Requires-Dist") == ["numpy>=2"]
    assert "Typing :: Typed" in metadata.get_all("Classifier")


def test_metadata_of_the_wheel(installed):
    check(installed.metadata)


def test_files_of_the_wheel(installed):
    files = {f.as_posix() for f in installed.files}
    source = ROOT / "minpy-py" / "python"
    expected = {f.relative_to(source).as_posix() for f in source.glob("minpy/**/*") if f.suffix in (".py", ".pyi", ".typed")}
    assert "minpy/py.typed" in expected and "minpy/numpy/__init__.pyi" in expected
    shipped = {f for f in files if f.startswith("minpy/") and not f.endswith((".pyc", ".so", ".pyd"))}
    assert shipped == expected
    assert {f"minpy-{installed.version}.dist-info/licenses/{name}" for name in LICENCES} <= files


def test_source_distribution(tmp_path):
    maturin = pathlib.Path(sys.executable).with_name("maturin")
    if not maturin.exists():
        leave_out("no maturin beside this Python")
    run = subprocess.run([maturin, "sdist", "--out", tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    [archive] = tmp_path.iterdir()
    with tarfile.open(archive) as tar:
        top = archive.name.removesuffix(".tar.gz")
        names = {n.removeprefix(top + "/") for n in tar.getnames()}
        cargo = tomllib.loads(tar.extractfile(f"{top}/Cargo.toml").read().decode())
        information = tar.extractfile(f"{top}/PKG-INFO").read().decode()
    check(email.message_from_string(information))
    assert {"pyproject.toml", "Cargo.lock", "README.md"} | LICENCES <= names
    assert {f"minpy-py/{n}" for n in ("Cargo.toml", "python/minpy/py.typed", "python/minpy/_minpy.pyi")} <= names
    # The wheel's profile and every crate of what is built.
    assert cargo["profile"]["wheel"]["lto"] == "fat"
    members = set(cargo["workspace"]["members"])
    assert {m for m in WORKSPACE["members"] if m.startswith("minpy-")} <= members and all(f"{m}/Cargo.toml" in names for m in members)
    assert not [n for n in names if n.startswith(("target/", ".venv/", "shared/")) or n.endswith((".so", ".pyc"))]
