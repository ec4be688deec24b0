"""The benchmarks compute what they claim to: NumPy's gradients by hand, ours, and the symbolic twin agree; the page can be written."""
import importlib
import json
import pathlib
import sys

import pytest

BENCHES = pathlib.Path(__file__).resolve().parents[2] / "benches" / "python"
MODULES = ("workloads", "systems", "environments", "worker", "run", "page")


@pytest.fixture(scope="module")
def bench():
    """The modules of benches/python by name, without leaving the folder on the path."""
    sys.path.insert(0, str(BENCHES))
    try:
        yield {name: importlib.import_module(name) for name in MODULES}
    finally:
        sys.path.remove(str(BENCHES))


def small(workloads):
    return [
        workloads.mlp("mlp", 8, 16, 3),
        workloads.mlp("mlp", 8, 16, 3, forward=True),
        workloads.rnn("rnn", 4, 16, 8, 5),
        workloads.rnn("rnn", 4, 16, 8, 5, forward=True),
        workloads.Workload("logreg", "logreg", batch=50, features=20),
        workloads.Workload("chain", "chain", batch=100),
        workloads.Workload("softmax", "softmax", batch=20, features=30),
        workloads.Workload("small_add", "add", batch=8, features=8),
        workloads.Workload("tape_add", "tape", batch=8, features=8),
    ]


def entry(bench, workload):
    checks = {}
    for name in ("numpy", "minpy", "minpysym"):
        try:
            checks[name] = bench["worker"].checksum(bench["systems"].SYSTEMS[name].build(workload)())
        except bench["systems"].Unavailable:
            pass
    return checks


def test_systems_agree(bench):
    for workload in small(bench["workloads"]):
        checks = entry(bench, workload)
        assert ("minpysym" in checks) == (workload.kind in ("mlp", "rnn"))
        for name, check in checks.items():
            assert bench["run"].agree(checks["minpy"], check), (workload, name, checks)


def test_disagreement_is_seen(bench):
    assert not bench["run"].agree([1.0, 2.0], [1.01, 2.0])
    assert not bench["run"].agree([1.0, 2.0], [1.0, float("nan")])
    assert bench["run"].agree([1.0, 2.0], [1.0, None])


def test_messages_name_no_machine(bench):
    clean = bench["environments"].clean
    assert clean("no /home/me/lib/x.so at https://index.example/simple (host='index.example')") == "no <path> at <address> (host=<host>)"


def test_page(bench, tmp_path, monkeypatch):
    """A page of a run in which one peer failed, one could not be set up and one is faster."""
    ours = {"us": 2.0, "rounds": [2.0], "check": [1.0, 1.0]}
    faster = {"us": 1.0, "rounds": [1.0], "check": [1.0, 1.0], "ratio": 2.0, "spread": [1.9, 2.1], "agrees": True}
    workloads = bench["workloads"]
    headline = [{"workload": w.to_json(), "systems": {"minpy": ours, "numpy": faster, "jax": {"failed": "killed"}}} for w in workloads.HEADLINE]
    depth = [{"workload": w.to_json(), "systems": {"minpy": ours, "minpysym": faster, "numpy": faster}} for w in bench["run"].depths(True)]
    results = {
        "date": "2026-01-01",
        "quick": True,
        "minutes": 1.0,
        "commit": "abc",
        "machine": {"load_before": 3.0, "processor": "P", "cores": 2, "system": "Linux", "python": "3"},
        "versions": {"minpy": {"minpy": "1"}, "numpy": {"numpy": "2"}},
        "missing": {"mxsym": "no wheel"},
        "limits": {"numpy": {"gflops": 100.0, "gigabytes_per_second": 10.0, "call_ns": 20.0}, "minpy": {"gflops": 90.0}},
        "statements": {"add": {"minpy": 1e-6, "numpy": 2e-6, "ratio": 0.5}},
        "groups": {"headline": headline, "depth": depth},
    }
    (tmp_path / "performance").mkdir()
    (tmp_path / "performance" / "results.json").write_text(json.dumps(results))
    monkeypatch.setattr(sys, "argv", ["page.py", str(tmp_path)])
    bench["page"].main()
    page = (tmp_path / "performance.md").read_text()
    for text in ("MXNet symbolic: no wheel", "JAX failed: killed", "**2.00**", bench["page"].NOT_ANALYSED, "not quiet", "Imperative over symbolic"):
        assert text in page, text
