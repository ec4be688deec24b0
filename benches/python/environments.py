"""An environment of its own for each peer, under target/bench-peers: created once, reused while its requirements stay the same."""
from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / "target" / "bench-peers"
INSTALL_SECONDS = 1800


class SetupFailed(Exception):
    """An environment could not be made; the message says why, without paths and hosts."""


@dataclass(frozen=True)
class Environment:
    """requirements: for pip; options: more of its arguments; disk: free gigabytes that the installation needs."""

    requirements: tuple[str, ...]
    options: tuple[str, ...] = ()
    disk: float = 1


ENVIRONMENTS = {
    "numpy": Environment(("numpy>=2",)),
    "autograd": Environment(("numpy>=2", "autograd")),
    "jax": Environment(("numpy>=2", "jax", "jaxlib"), disk=2),
    # Where the index of CPU wheels is reachable its wheels win; the others bring CUDA along, which nobody calls here.
    "torch": Environment(("numpy>=2", "torch"), ("--extra-index-url", "https://download.pytorch.org/whl/cpu"), disk=12),
    "mxnet": Environment(("numpy==1.23.5", "mxnet==1.9.1")),
    "plots": Environment(("matplotlib",)),
}


def clean(message: str) -> str:
    """A message fit for the page: without addresses and paths."""
    message = re.sub(r"\w+://\S+", "<address>", message)
    message = re.sub(r"(host=)'[^']*'", r"\1<host>", message)
    return re.sub(r"(?<![\w.])(/[\w.+@-]+){2,}/?", "<path>", message).strip()


def run(command: list[str], log: Path) -> None:
    with open(log, "a", encoding="utf-8") as out:
        try:
            status = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, timeout=INSTALL_SECONDS).returncode
        except subprocess.TimeoutExpired:
            raise SetupFailed(f"not installed after {INSTALL_SECONDS} s") from None
    if status != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [line for line in lines if line.startswith("ERROR:")] or lines or ["no output"]
        raise SetupFailed(clean(errors[-1].removeprefix("ERROR:")))


def python_of(name: str) -> Path:
    """The interpreter of the environment, which is made if need be."""
    environment = ENVIRONMENTS[name]
    home = DIRECTORY / name
    python = home / "bin" / "python"
    stamp = home / "requirements.txt"
    wanted = "\n".join((sys.version, *environment.requirements))
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(DIRECTORY).free / 1e9
    if free < environment.disk:
        raise SetupFailed(f"needs {environment.disk:g} GB of disk, {free:.1f} GB are free")
    print(f"setting up {name}: {' '.join(environment.requirements)}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    log = DIRECTORY / f"{name}.log"
    log.write_text("", encoding="utf-8")
    run([sys.executable, "-m", "venv", str(home)], log)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    run([*pip, *environment.options, *environment.requirements], log)
    stamp.write_text(wanted, encoding="utf-8")
    return python
