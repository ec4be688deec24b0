"""Which crate of the workspace may depend on which: reads `cargo metadata` from standard input.

The table is docs/architecture.md's picture in a form that can fail. Dependencies of tests are free, except that
no crate may reach back to what is built upon it through a normal dependency.
"""
import json
import pathlib
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
OUTSIDERS = "examples/outside-backend"  # built as a stranger would: minpy-core and nothing else of ours


def main():
    metadata = json.load(sys.stdin)
    root = pathlib.Path(metadata["workspace_root"])
    ours = {package["name"] for package in metadata["packages"]}
    wrong = [f"{name} is not in the workspace" for name in ALLOWED if name not in ours]
    folders = set()
    for package in metadata["packages"]:
        folder = pathlib.Path(package["manifest_path"]).parent.relative_to(root).as_posix()
        folders.add(folder)
        allowed = CORE if folder == OUTSIDERS else ALLOWED.get(package["name"])
        if allowed is None:  # benches and examples may use everything
            continue
        uses = {d["name"] for d in package["dependencies"] if d["kind"] is None and d["name"] in ours}
        wrong += [f"{package['name']} must not depend on {other}" for other in sorted(uses - allowed)]
    if OUTSIDERS not in folders:
        wrong.append(f"{OUTSIDERS} is not in the workspace")
    if wrong:
        sys.exit("\n".join(wrong))


main()
