"""scripts/check-arrows.py sees every way in which a file can name what it takes from its crate."""
import importlib.util
import pathlib

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "check-arrows.py"


@pytest.fixture
def arrows():
    spec = importlib.util.spec_from_file_location("check_arrows", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("line", [
    "use crate::high::Thing;",
    "use crate::{Other, high};",
    "use crate::{\n    Other,\n    high::{Thing, Other},\n};",
    "use crate::{Other, alias};",
    "use super::high;",
    "use crate::inline;",
    "fn f() { crate::high::f() }",
])
def test_a_file_that_takes_from_a_later_folder_is_found(arrows, tmp_path, line):
    source = tmp_path / "some-crate" / "src"
    for folder, text in [("low", line), ("high", "use crate::{Other, low};")]:
        (source / folder).mkdir(parents=True)
        (source / folder / "mod.rs").write_text(text)
    (source / "lib.rs").write_text("mod high;\nmod low;\npub use high::{Thing, alias};\npub mod inline {\n    pub use crate::high::Thing;\n}\n")
    assert arrows.wrong_folders(source, ["low", "high"]) == ["some-crate/src/low/mod.rs must not use high"]


def test_what_tests_and_comments_name_is_free(arrows, tmp_path):
    source = tmp_path / "some-crate" / "src"
    for folder in ["low", "high"]:
        (source / folder).mkdir(parents=True)
    (source / "low" / "mod.rs").write_text(
        "// crate::high\n#[cfg(test)]\nmod tests {\n    use crate::high;\n}\n")
    (source / "lib.rs").write_text("")
    assert arrows.wrong_folders(source, ["low", "high"]) == []


def test_an_exception_that_nothing_needs_is_found(arrows, tmp_path, monkeypatch):
    source = tmp_path / "some-crate" / "src"
    (source / "low").mkdir(parents=True)
    (source / "lib.rs").write_text("")
    monkeypatch.setattr(arrows, "ALLOWED_BACK", {("some-crate/src/low/mod.rs", "high"): "once"})
    assert arrows.wrong_folders(source, ["low"]) == ["some-crate/src/low/mod.rs does not use high: no exception is needed"]
