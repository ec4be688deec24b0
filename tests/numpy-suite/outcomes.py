"""A plugin of pytest's: the outcome of every test, as JSON, in the file that MINPY_OUTCOMES names. For run.py.

Under pytest-xdist the process that hands the tests out sees all of them.
"""
import json
import os
from pathlib import Path

WORST = ("failed", "error", "skipped", "passed") # of a test's parts, the first of these counts


class Outcomes:
    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.found: dict[str, str] = {}
        self.said: dict[str, str] = {}

    def note(self, test: str, outcome: str, text: str) -> None:
        known = self.found.get(test)
        if known is None or WORST.index(outcome) < WORST.index(known):
            self.found[test] = outcome
            self.said[test] = text

    def pytest_runtest_logreport(self, report) -> None: # type: ignore[no-untyped-def]
        outcome = "error" if report.failed and report.when != "call" else report.outcome
        if report.when == "call" or outcome != "passed":
            self.note(name_of(report.nodeid), outcome, said(report))

    def pytest_collectreport(self, report) -> None: # type: ignore[no-untyped-def]
        if report.failed:
            self.note(name_of(report.nodeid), "error", said(report))

    def pytest_sessionfinish(self) -> None:
        self.path.write_text(json.dumps({test: [outcome, self.said[test]] for test, outcome in sorted(self.found.items())}))


def name_of(node: str) -> str:
    return node.removeprefix("nptests/")


def said(report) -> str: # type: ignore[no-untyped-def]
    """What a failure says, from its last line of an error on."""
    if not report.failed:
        return ""
    lines = str(report.longrepr).splitlines()
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    return "\n".join(errors[:12] or lines[-6:])


def pytest_configure(config) -> None: # type: ignore[no-untyped-def]
    path = os.environ.get("MINPY_OUTCOMES")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Outcomes(path))
