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
# Folders and files of a crate's `src`, each with what it may take from: those before it. Files that are not named may use all,
# and nothing that is named may use such a file.
FOLDERS = {
    "minpy-core": ["value", "device", "report", "array", "deferral", "op", "dispatch", "function", "ops", "codegen"],
    "minpy-autograd": [
        "accumulate", "edge", "rule", "rules", "tape", "backward", "forward", "held", "session", "api", "check", "losses",
    ],
    "minpy-symbol": [
        "attributes", "names", "operator", "ops", "graph", "json", "arithmetic", "room", "infer", "schedule", "trace", "plan",
        "passes", "noise", "compiled", "record",
    ],
    "minpy-cpu": ["machine", "math", "prims", "elementwise", "rows", "index", "product", "linalg", "spectra"],
}
# What a file takes from a folder after its own all the same, and why.
ALLOWED_BACK = {
    ("minpy-core/src/array/buffer.rs", "deferral"):
        "a buffer owns the expression that its contents will be, and has it computed when somebody asks for its memory",
    ("minpy-core/src/dispatch/compare.rs", "ops"): "what no common dtype can compare is compared by several operations",
    ("minpy-core/src/dispatch/copy.rs", "ops"): "the operation that converts and copies is a row of the elementwise table",
}
# Built as a stranger would: a device needs minpy-core alone; the gradient of an operation of its own is minpy-autograd's business.
OUTSIDERS, OUTSIDE = "examples/outside-backend", CORE | {"minpy-autograd"}

# The line in the root of every library but that of the tests.
DENIES = "#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]"


def uses(text, depth):
    """What a file takes from its crate, by the first name of each path; `depth` is how many modules lie above it. What an exported
    macro names by `$crate::` is for those who call it."""
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"#\[cfg\(test\)\]\nmod \w+ \{.*?\n\}\n", "", text, flags=re.S)  # tests may use all
    up = rf"(?:super::){{{depth}}}"
    for start in re.finditer(rf"(?<![\w:$])(?:crate::|{up})(?=[\w{{])", text):
        rest = text[start.end():]
        if rest[0] != "{":
            name = re.match(r"\w+", rest)[0]
            if rest[len(name):len(name) + 1] != "!":  # a macro belongs to the whole crate
                yield name
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
        yield from (m[1] for m in (re.match(r"\s*(\w+)", n) for n in names) if m)


def wrong_folders(source, order):
    """The uses that go against the order of the folders of one crate, as text; and exceptions that nothing needs."""
    found = {p.name for p in source.iterdir() if p.is_dir()}
    files = {p.stem for p in source.glob("*.rs")} - {"lib"}
    wrong = [f"{source}: {name} is in no row of FOLDERS" for name in sorted(found - set(order))]
    wrong += [f"{source}: there is no {name}" for name in order if name not in found | files]
    root = (source / "lib.rs").read_text()
    # Modules of folders that the root gives another name.
    public = dict(re.findall(r"^pub mod (\w+) \{\n[^}]*?crate::(\w+)::", root, re.M))
    for folder, inner in re.findall(r"^(?:pub )?use (\w+)::([^;]+);", root, re.M):
        folder = public.get(folder, folder)
        public.update(dict.fromkeys(re.findall(r"\w+", inner), folder))
    beside = files - set(order)
    back = {(file, to) for file, to in ALLOWED_BACK if file.startswith(f"{source.parent.name}/")}
    for i, folder in enumerate(order):
        for file in [p for p in sorted(source.rglob("*.rs")) if p.relative_to(source).with_suffix("").parts[0] == folder]:
            inside = len(file.relative_to(source).parts) - (file.name == "mod.rs")
            for name in sorted(set(uses(file.read_text(), inside))):
                name = public.get(name, name)
                arrow = file.relative_to(source.parent.parent).as_posix(), name
                if (name in beside or name in order[i + 1:]) and arrow not in ALLOWED_BACK:
                    wrong.append(f"{arrow[0]} must not use {name}")
                back.discard(arrow)
    wrong += [f"{file} does not use {name}: no exception is needed" for file, name in sorted(back)]
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
        # An optional dependency is for a test.
        uses = {d["name"] for d in package["dependencies"] if d["kind"] is None and not d["optional"] and d["name"] in ours}
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


if __name__ == "__main__":
    main()
