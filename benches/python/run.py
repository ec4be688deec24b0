"""Runs the workloads in MinPy and in each peer in turn, and writes docs/performance.md; `make bench` and `make bench-quick` call it.

    run.py [--quick] [--peers NAME,...] [--groups NAME,...] [--minutes N] [--python ENVIRONMENT=INTERPRETER ...] [--output DIRECTORY]

For one workload every system gets a process, all are started, and then they run one after the other for a fraction of a second, again and
again. Ratios are taken within such a round and their median is reported, so that what disturbs the machine for longer than a round disturbs
both sides. A peer that fails is reported, not fatal; the exit status is 1 if MinPy itself fails, disagrees with all peers, or with its symbolic twin.
"""
from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import math
import os
import platform
import queue
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environments
import workloads
from environments import DIRECTORY, ROOT, SetupFailed
from systems import SYSTEMS
from workloads import Workload

HERE = Path(__file__).resolve().parent
OURS = ("minpy", "minpysym")
QUICK_PEERS = ("numpy", "autograd", "jax", "jaxjit", "mxsym")
ALL_PEERS = tuple(name for name in SYSTEMS if name not in OURS)
# Of the peers only these are in the sweeps: compiling each size takes PyTorch minutes, and JAX is not meant to run without jit.
# A quick run whose peers are not named has fewer.
SWEEP_PEERS = ("numpy", "autograd", "jaxjit", "torch", "mxsym")
QUICK_SWEEP_PEERS = ("numpy", "jaxjit")
TOLERANCE = 2e-3  # of checksums
START_SECONDS = 300
SLICE_SECONDS = 120  # at most, for a slice that was asked to take a fraction of a second
SETTLE_SECONDS = 0.02  # threads of the system before may still spin


class WorkerFailed(Exception):
    """A worker died or did not answer; the message is fit for the page."""


class Worker:
    """One system at one workload, in its process; see worker.py for what is said."""

    def __init__(self, system: str, python: Path, workload: Workload) -> None:
        self.log = DIRECTORY / f"worker-{system}.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [str(python), str(HERE / "worker.py"), system, json.dumps(workload.to_json())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=DIRECTORY,
            )
        self.lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._pump, daemon=True).start()

    def _pump(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def event(self, seconds: float) -> dict[str, Any]:
        """What the worker says next, within `seconds`."""
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            raise WorkerFailed(f"no answer in {seconds:g} s") from None
        if line is None:
            text = self.log.read_text(encoding="utf-8", errors="replace").strip()
            last = text.splitlines()[-1] if text else f"ended with status {self.process.wait()}"
            raise WorkerFailed(environments.clean(last)[:200])
        event: dict[str, Any] = json.loads(line)
        return event

    def time_slice(self, seconds: float) -> float:
        """Runs for `seconds` at least; the median step in microseconds."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{seconds}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it died: the log that event() reads says why
        return float(self.event(SLICE_SECONDS)["us"])

    def check(self) -> list[float | None]:
        assert self.process.stdin is not None
        self.process.stdin.close()
        check: list[float | None] = self.event(START_SECONDS)["check"]
        return check

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def started(pythons: dict[str, Path], workload: Workload) -> Iterator[dict[str, Worker]]:
    workers: dict[str, Worker] = {}
    try:
        for system, python in pythons.items():
            workers[system] = Worker(system, python, workload)
        yield workers
    finally:
        for worker in workers.values():
            worker.close()


def agree(ours: list[float | None], theirs: list[float | None]) -> bool:
    pairs = zip(ours, theirs, strict=True)
    return all(abs(a - b) <= TOLERANCE * max(1, abs(b)) for a, b in pairs if a is not None and b is not None)


@dataclass(frozen=True)
class Pace:
    """seconds: of a slice; rounds: how often each system gets one."""

    seconds: float
    rounds: int


def measure(workload: Workload, pythons: dict[str, Path], pace: Pace) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """For each system either {"us", "rounds", "check"} and, against ours, {"ratio", "spread"}, or {"failed": why} or {"unavailable": why};
    and the versions that the systems reported. `us` are medians over rounds, `ratio` is ours / theirs, `spread` its least and greatest."""
    rows: dict[str, Any] = {}
    versions: dict[str, dict[str, str]] = {}
    with started(pythons, workload) as workers:

        def drop(system: str, kind: str, why: str) -> None:
            rows[system] = {kind: why}
            workers.pop(system).close()

        for system in list(workers):
            try:
                event = workers[system].event(START_SECONDS)
            except WorkerFailed as problem:
                drop(system, "failed", str(problem))
                continue
            if "unavailable" in event:
                drop(system, "unavailable", event["unavailable"])
            else:
                versions[system] = event["versions"]
        if "minpy" not in workers:
            return rows, versions
        times: dict[str, list[float]] = {system: [] for system in workers}
        for turn in range(pace.rounds):
            # Forwards and backwards in turn: nobody always follows the same neighbour.
            for system in list(workers)[:: 1 if turn % 2 == 0 else -1]:
                time.sleep(SETTLE_SECONDS)
                try:
                    times[system].append(workers[system].time_slice(pace.seconds))
                except WorkerFailed as problem:
                    drop(system, "failed", str(problem))
        for system in list(workers):
            try:
                check = workers[system].check()
            except WorkerFailed as problem:
                drop(system, "failed", str(problem))
                continue
            rows[system] = {"us": statistics.median(times[system]), "rounds": times[system], "check": check}
    ours = rows.get("minpy", {})
    for system, row in rows.items():
        if system == "minpy" or "us" not in row or "us" not in ours:
            continue
        ratios = [a / b for a, b in zip(ours["rounds"], row["rounds"], strict=True)]
        row |= {"ratio": statistics.median(ratios), "spread": [min(ratios), max(ratios)]}
        row["agrees"] = agree(ours["check"], row["check"])
    return rows, versions


def chain_sizes(quick: bool) -> list[Workload]:
    """From 16 to 4 million numbers, by fours."""
    return [Workload(f"chain {4**k}", "chain", batch=4**k) for k in range(2, 12)]


def mlp_sizes(quick: bool) -> list[Workload]:
    """The 50-layer perceptron. The original's grid goes to batch 4096 x width 2048, for a GPU; of it here is what a processor does in seconds."""
    sizes = [(32, 64), (512, 512)]
    if not quick:
        sizes = [(32, 64), (32, 256), (32, 1024), (128, 256), (512, 512), (512, 1024), (1024, 512), (1024, 1024), (2048, 512), (4096, 512)]
    return [workloads.mlp(f"{b} x {w}", b, w, 50, forward) for b, w in sizes for forward in (True, False)]


def depths(quick: bool) -> list[Workload]:
    all_ = [1, 10, 100] if quick else [1, *range(10, 101, 10)]
    return [workloads.mlp(f"depth {d}", 256, 512, d, forward) for d in all_ for forward in (True, False)]


def rnn_sizes(quick: bool) -> list[Workload]:
    """The original's sizes for a processor: 50 steps in time."""
    sizes = [(32, 512)] if quick else [(b, w) for w in (512, 1024) for b in (32, 64, 128)]
    return [workloads.rnn(f"{b} x {w}", b, w, 256, 50, forward) for b, w in sizes for forward in (True, False)]


def headline(quick: bool) -> list[Workload]:
    return list(workloads.HEADLINE)


GROUPS = {"headline": headline, "chain": chain_sizes, "mlp": mlp_sizes, "depth": depths, "rnn": rnn_sizes}


def systems_of(group: str, peers: list[str], sweep_peers: Sequence[str]) -> list[str]:
    if group == "headline":
        return [*OURS, *peers]
    if group == "chain":
        return ["minpy", *(p for p in peers if p == "numpy")]
    return [*OURS, *(p for p in peers if p in sweep_peers)]


def title(group: str, workload: Workload) -> str:
    return f"{group}: {workload.name}{' forward' if workload.forward else ''}"


def show(group: str, workload: Workload, rows: dict[str, Any]) -> None:
    ours = rows["minpy"]
    cells = [f"{ours['us']:.2f} us;" if "us" in ours else str(ours)]
    for system, row in rows.items():
        if "ratio" in row:
            cells.append(f"{system} {row['ratio']:.2f}{'' if row['agrees'] else ' (DISAGREES)'}")
        elif "failed" in row and system != "minpy":
            cells.append(f"{system} failed: {row['failed']}")
    print(f"{title(group, workload):32} {' '.join(cells)}", flush=True)


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def commit() -> str:
    try:
        head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
        changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", ".", ":!docs"], cwd=ROOT, capture_output=True)
    except OSError:
        return "unknown (no git)"
    if head.returncode != 0:
        return "unknown"
    return head.stdout.strip() + (" with changes" if changed.returncode == 1 else "")


def limits(pythons: dict[str, Path]) -> dict[str, Any]:
    """What limits.py says: "numpy" (measured in its environment, or in ours where it is missing) and "minpy"."""
    said = {}
    for module, system in (("minpy", "minpy"), ("numpy", "numpy" if "numpy" in pythons else "minpy")):
        command = [str(pythons[system]), str(HERE / "limits.py"), module]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=DIRECTORY)
        said[module] = json.loads(done.stdout)
    return said


def better(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """The limits that two measurements of them show together: something else may have disturbed one."""
    return {
        module: {kind: (min if kind == "call_ns" else max)(value, second[module][kind]) for kind, value in kinds.items()}
        for module, kinds in first.items()
    }


def statements(python: Path, quick: bool) -> dict[str, Any]:
    """The table of bench.py: single statements, ours and NumPy's in one process."""
    target = DIRECTORY / "statements.json"
    command = [str(python), str(HERE / "bench.py"), "--json", str(target), *(["--quick"] if quick else [])]
    subprocess.run(command, check=True, cwd=DIRECTORY, stdout=subprocess.DEVNULL)
    table: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return table


def interpreters(peers: list[str], given: dict[str, Path]) -> tuple[dict[str, Path], dict[str, str]]:
    """The interpreter of each system that can run, and why the others cannot."""
    found: dict[str, Path] = {system: given.get("minpy", Path(sys.executable)) for system in OURS}
    missing: dict[str, str] = {}
    for system in peers:
        environment = SYSTEMS[system].environment
        try:
            found[system] = given.get(environment) or environments.python_of(environment)
        except SetupFailed as problem:
            missing[system] = str(problem)
            print(f"{system}: not set up: {problem}", flush=True)
    return found, missing


def save(path: Path, results: dict[str, Any]) -> None:
    """Writes the file at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


def render(output: Path, given: dict[str, Path]) -> None:
    try:
        python = given.get("plots") or environments.python_of("plots")
    except SetupFailed as problem:
        print(f"no plots: {problem}", flush=True)
        python = Path(sys.executable)
    subprocess.run([str(python), str(HERE / "page.py"), str(output)], check=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the essence, in five minutes: fewer sizes, shorter, without PyTorch")
    parser.add_argument("--peers", help=f"of {','.join(ALL_PEERS)}")
    parser.add_argument("--groups", default=",".join(GROUPS), help=f"of {','.join(GROUPS)}")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no further workload after that time; the page names those left out")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="ENVIRONMENT=INTERPRETER",
        help=f"use this interpreter instead of setting one up; of minpy,{','.join(environments.ENVIRONMENTS)}",
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs", help="where performance.md and performance/ go")
    options = parser.parse_args()
    options.sweep_peers = QUICK_SWEEP_PEERS if options.quick and not options.peers else SWEEP_PEERS
    options.peers = options.peers.split(",") if options.peers else list(QUICK_PEERS if options.quick else ALL_PEERS)
    options.groups = options.groups.split(",")
    for what, names, known in (("peer", options.peers, ALL_PEERS), ("group", options.groups, GROUPS)):
        for name in names:
            if name not in known:
                parser.error(f"no {what} {name!r}; there are {', '.join(known)}")
    given = {}
    for pair in options.python:
        name, separator, path = pair.partition("=")
        if not separator or name not in ("minpy", *environments.ENVIRONMENTS) or not Path(path).is_file():
            parser.error(f"--python {pair}: must be ENVIRONMENT=INTERPRETER")
        given[name] = Path(path).absolute()
    options.python = given
    return options


def main() -> int:
    options = parse()
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    pythons, missing = interpreters(options.peers, options.python)
    results: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "quick": options.quick,
        "commit": "unknown (another installation of MinPy)" if "minpy" in options.python else commit(),
        "machine": {
            "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
            "processor": processor(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "versions": {},
        "missing": missing,
        "left_out": [],
        "groups": {},
    }
    partial = DIRECTORY / "interrupted.json"
    try:
        limits_before = limits(pythons)
        results["statements"] = statements(pythons["minpy"], options.quick)
        for group in options.groups:
            done = results["groups"].setdefault(group, [])
            pace = Pace(0.2 if group == "headline" else 0.1, 3) if options.quick else Pace(1.0 if group == "headline" else 0.3, 7)
            chosen = {s: pythons[s] for s in systems_of(group, options.peers, options.sweep_peers) if s in pythons}
            for workload in GROUPS[group](options.quick):
                if time.monotonic() - began > 60 * options.minutes:
                    results["left_out"].append(title(group, workload))
                    continue
                rows, versions = measure(workload, chosen, pace)
                results["versions"] |= versions
                done.append({"workload": workload.to_json(), "systems": rows})
                show(group, workload, rows)
        results["limits"] = better(limits_before, limits(pythons))
    except KeyboardInterrupt:
        save(partial, results)
        print(f"\ninterrupted; what was measured is in {partial.relative_to(ROOT)}, the page is as it was", file=sys.stderr)
        return 130
    results["minutes"] = round((time.monotonic() - began) / 60, 1)
    save(options.output / "performance" / "results.json", results)
    render(options.output, options.python)
    wrong = []
    for group, entries in results["groups"].items():
        for entry in entries:
            rows = entry["systems"]
            verdicts = [row["agrees"] for system, row in rows.items() if system not in OURS and "agrees" in row]
            failed = any("failed" in rows.get(system, {}) for system in OURS)
            if failed or not rows.get("minpysym", {}).get("agrees", True) or (verdicts and not any(verdicts)):
                wrong.append(f"{group} {entry['workload']['name']}")
    if wrong:
        print(f"MinPy failed or disagrees: {'; '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # while setting up or drawing: there is nothing to keep
        sys.exit(130)
    except subprocess.CalledProcessError as problem:  # limits.py, bench.py or page.py, which said why
        sys.exit(f"run.py: {Path(problem.cmd[1]).name} failed with status {problem.returncode}")
