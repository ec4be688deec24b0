#!/usr/bin/env python3
"""NumPy's own test suite, as its wheel brings it, run on `minpy.numpy` and compared with the ledger of what is known to fail.

    python tests/numpy-suite/run.py             the third of today; what `scripts/test.sh numpy` runs
    python tests/numpy-suite/run.py 2           third number 2 (of 0, 1, 2)
    python tests/numpy-suite/run.py all         everything
    python tests/numpy-suite/run.py all --json F    and the outcome of each test, with what it said, in F
    python tests/numpy-suite/run.py --version   the NumPy that the ledger is for

Today's third is the number of days since 1970 (UTC) modulo 3; MINPY_NUMPY_SUITE=0, 1, 2 or all chooses as the argument does.
Exit status: 1 where a test fails that is not in ledger.toml, one passes that is, or less than 90 % of a file pass; 3 where NumPy is
not the ledger's: then nothing is run. Needs pytest, pytest-timeout, pytest-xdist and hypothesis.
"""
import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEDGER = HERE / "ledger.toml"
SCRATCH = HERE.parents[1] / "target" / "numpy-suite"
PROCESSES = 2
TIMEOUT = 60 # seconds for one test
LEAST = 0.9 # of each file
FAILURES = ("failed", "error")
# NumPy's markers, which its own configuration would declare.
MARKERS = "slow leaks_references thread_unsafe iterations parallel_threads uses_testbed".split()

# Test files by folder of NumPy's, in thirds of about the same time.
THIRDS: list[dict[str, str]] = [
    {
        "_core": "multiarray dlpack memmap records print regression errstate dtype array_coercion scalarmath",
    },
    {
        "_core": "umath numeric indexing shape_base einsum ufunc nep50_promotions function_base getlimits item_selection mem_overlap arrayprint"
        " numerictypes half umath_complex scalarinherit scalar_ctors scalar_methods conversion_utils",
        "linalg": "linalg regression",
        "fft": "pocketfft helper",
    },
    {
        "lib": "function_base nanfunctions arraypad arraysetops histograms index_tricks shape_base stride_tricks twodim_base type_check ufunclike"
        " polynomial arrayterator format io packbits mixins",
        "random": "random randomstate generator_mt19937 seed_sequence",
        "ma": "core extras",
        "polynomial": "polynomial",
        "matrixlib": "defmatrix",
    },
]


def files_of(third: str) -> list[str]:
    chosen = THIRDS if third == "all" else [THIRDS[int(third)]]
    return [f"{folder}/tests/test_{name}.py" for part in chosen for folder, names in part.items() for name in names.split()]


def third_of(day: datetime.date) -> str:
    return str((day - datetime.date(1970, 1, 1)).days % len(THIRDS))


class Ledger:
    """What is known to fail: reasons, and the tests that each explains."""

    def __init__(self, path: Path) -> None:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        self.numpy: str = content["numpy"]
        self.reason: dict[str, str] = {}
        self.flaky: set[str] = set()
        for group in content["group"]:
            for test in group["tests"]:
                if test in self.reason:
                    raise SystemExit(f"{path.name}: {test} stands there twice")
                self.reason[test] = group["reason"]
                if group.get("flaky", False):
                    self.flaky.add(test)


def outcomes(files: list[str], more: list[str]) -> dict[str, tuple[str, str]]:
    """Runs the tests: outcome and words of each."""
    import redirect  # which asks for NumPy

    redirect.check()
    tests = SCRATCH / "tests"
    redirect.write(files, tests)
    lines = ["[pytest]", "markers =", *(f"    {name}" for name in MARKERS), "filterwarnings =", "    ignore"]
    (tests / "pytest.ini").write_text("\n".join(lines) + "\n")
    result = Path(tempfile.mkstemp(suffix=".json", dir=SCRATCH)[1])
    path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "MINPY_OUTCOMES": str(result)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "outcomes", "-p", "no:cacheprovider", "-n", str(PROCESSES), "--timeout", str(TIMEOUT)]
    # One seed: the tests of a day are those of the next time.
    command += ["-m", "not slow", "--tb=short", "-rN", "--hypothesis-seed=0", *more, *(f"nptests/{file}" for file in files)]
    with (SCRATCH / "log").open("w") as log:
        done = subprocess.run(command, cwd=tests, env=environment, stdout=log, stderr=subprocess.STDOUT)
    text = result.read_text()
    result.unlink()
    if done.returncode not in (0, 1) or not text:
        print("\n".join((SCRATCH / "log").read_text().splitlines()[-30:]))
        raise SystemExit(f"pytest ended with status {done.returncode}")
    return {test: (outcome, said) for test, (outcome, said) in json.loads(text).items()}


def compare(found: dict[str, tuple[str, str]], files: list[str], ledger: Ledger) -> list[str]:
    """Complaints: what differs from the ledger."""
    complaints = []
    for test, (outcome, said) in found.items():
        if test in ledger.flaky:
            continue
        if outcome in FAILURES and test not in ledger.reason:
            complaints.append(f"{outcome}, and is not in the ledger: {test}\n    " + "\n    ".join(said.splitlines()))
        elif outcome == "passed" and test in ledger.reason:
            complaints.append(f"passes, and is in the ledger (take it out): {test}\n    {ledger.reason[test]}")
        elif outcome == "skipped" and test in ledger.reason:
            complaints.append(f"is skipped, and is in the ledger: {test}\n    {ledger.reason[test]}")
    gone = [test for test in ledger.reason if test.split("::")[0] in files and test not in found]
    complaints += [f"in the ledger, and not among NumPy's tests: {test}" for test in gone]
    counts: dict[str, Counter[str]] = {file: Counter() for file in files}
    for test, (outcome, _) in found.items():
        counts[test.split("::")[0]][outcome] += 1
    for file, count in counts.items():
        judged = count.total() - count["skipped"]
        if count["passed"] < LEAST * judged or not count["passed"]:
            complaints.append(f"{file}: {count['passed']} of {judged} pass")
    return complaints


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("third", nargs="?", choices=["0", "1", "2", "all"])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--version", action="store_true")
    arguments, more = parser.parse_known_args() # the rest is pytest's
    ledger = Ledger(LEDGER)
    if arguments.version:
        print(ledger.numpy)
        return 0
    third = arguments.third or os.environ.get("MINPY_NUMPY_SUITE") or third_of(datetime.datetime.now(datetime.UTC).date())
    import numpy

    if numpy.__version__ != ledger.numpy:
        print(f"The ledger is for NumPy {ledger.numpy}, and this is NumPy {numpy.__version__}: its tests are others. Nothing was run.")
        return 3
    files = files_of(third)
    print(f"NumPy {numpy.__version__}'s tests, {'all' if third == 'all' else f'third {third} of 0, 1, 2'}: {len(files)} files")
    found = outcomes(files, more)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=0))
    count = Counter(outcome for outcome, _ in found.values())
    print(", ".join(f"{count[outcome]} {outcome}" for outcome in ("passed", *FAILURES, "skipped")))
    complaints = compare(found, files, ledger)
    for complaint in complaints:
        print(complaint)
    if complaints:
        print(f"{len(complaints)} differences from {LEDGER.name}; again with MINPY_NUMPY_SUITE={third}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
