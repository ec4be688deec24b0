"""Which crate of the workspace may depend on which, and which folder of a crate: reads `cargo metadata` from standard input.

The table is docs/architecture.md's picture in a form that can fail. Dependencies of tests are free, except that
no crate may reach back to what is built upon it through a normal dependency. Every library of ours also denies itself
what panics and what prints, which its integration tests may do: no table of lints can tell the two apart.
"""
import json
import pathlib
import re
import sys

CORE = {"minpy-core"}
BACKENDS = {"minpy-cpu", "minpy-cuda", "minpy-opencl"}
ALLOWED = {
    "minpy-core": set(),
    "minpy-cpu": CORE,
    "minpy-cuda": CORE,
    "minpy-opencl": CORE,
    "minpy-autograd": CORE,
    "minpy-symbol": CORE | {"minpy-autograd"},
    "minpy-py": CORE | BACKENDS | {"minpy-autograd", "minpy-symbol"},
    "minpy-tests": CORE,
}
# Folders of a crate's `src`, each with what it may take from: those before it. Files beside them may use all, and nothing in
# a folder may use such a file.
FOLDERS = {
    "minpy-cpu": ["machine", "math", "prims", "elementwise", "rows", "index", "product"],
}
# Built as a stranger would: a device needs minpy-core alone; the gradient of an operation of its own is minpy-autograd's business.
OUTSIDERS, OUTSIDE = "examples/outside-backend", CORE | {"minpy-autograd"}

# The line in the root of every library but that of the tests.
DENIES = "#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]"


def uses(text, depth):
    """What a file takes from its crate, by the first name of each path; `depth` is how many modules lie above it."""
    text = re.sub(r"//[^\n]*", "", text)
    up = rf"(?:super::){{{depth}}}"
    for start in re.finditer(rf"(?<![\w:$])(?:crate::|\$crate::|{up})(?=[\w{{])", text):
        rest = text[start.end():]
        if rest[0] != "{":
            yield re.match(r"\w+", rest)[0]
            continue
        level, names = 0, []
        for c in rest:  # `crate::{a, b::{c, d}}`: the names at the first level
            level += (c == "{") - (c == "}")
            if level == 0:
                break
            if level == 1 and c in "{,":
                names.append("")
            elif level == 1:
                names[-1] += c
        yield from (m[0] for m in (re.match(r"\s*(\w+)", n) for n in names) if m)


def wrong_folders(source, order):
    """The uses that go against the order of the folders of one crate, as text."""
    found = {p.name for p in source.iterdir() if p.is_dir()}
    wrong = [f"{source}: {name} is in no row of FOLDERS" for name in sorted(found - set(order))]
    wrong += [f"{source}: there is no folder {name}" for name in order if name not in found]
    public = {}  # modules of folders that the root gives another name
    for names in re.findall(r"^pub use (\w+::[^;]+);", (source / "lib.rs").read_text(), re.M):
        folder, inner = names.split("::", 1)
        public.update(dict.fromkeys(re.findall(r"\w+", inner), folder))
    beside = {p.stem for p in source.glob("*.rs")} - {"lib"}
    for i, folder in enumerate(order):
        for file in sorted((source / folder).rglob("*.rs")):
            inside = len(file.relative_to(source).parts) - (file.name == "mod.rs")
            for name in sorted(set(uses(file.read_text(), inside))):
                name = public.get(name, name)
                if name in beside or name in order[i + 1:]:
                    wrong.append(f"{file.relative_to(source.parent.parent)} must not use {name}")
    return wrong


def main():
    metadata = json.load(sys.stdin)
    root = pathlib.Path(metadata["workspace_root"])
    ours = {package["name"] for package in metadata["packages"]}
    wrong = [f"{name} is not in the workspace" for name in ALLOWED if name not in ours]
    folders = set()
    for package in metadata["packages"]:
        folder = pathlib.Path(package["manifest_path"]).parent.relative_to(root).as_posix()
        folders.add(folder)
        allowed = OUTSIDE if folder == OUTSIDERS else ALLOWED.get(package["name"])
        if allowed is None:  # benches and examples may use everything
            continue
        uses = {d["name"] for d in package["dependencies"] if d["kind"] is None and d["name"] in ours}
        wrong += [f"{package['name']} must not depend on {other}" for other in sorted(uses - allowed)]
    for crate in sorted(ALLOWED.keys() & ours - {"minpy-tests"}):
        if DENIES not in (root / crate / "src/lib.rs").read_text().splitlines():
            wrong.append(f"{crate}/src/lib.rs lacks {DENIES}")
    for crate, order in FOLDERS.items():
        wrong += wrong_folders(root / crate / "src", order)
    if OUTSIDERS not in folders:
        wrong.append(f"{OUTSIDERS} is not in the workspace")
    if wrong:
        sys.exit("\n".join(wrong))


main()
