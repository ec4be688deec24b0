"""Profiles explain where the time went: all of it, once, by the names and lines that the user wrote."""
import html.parser
import json
import os
import runpy
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy
import pytest

import minpy
import minpy.numpy as np

# Fused work, small calls, fallbacks, and plain Python, which its lines say.
MIXED = """
import minpy.numpy as np

def plain(n):
    total = 0
    for i in range(n):
        total += i * i % 7  # python
    return total

def work(rounds):
    x = np.linspace(0.0, 1.0, 200_000).reshape(400, 500)
    for _ in range(rounds):
        y = np.exp(-x * x)  # fused
        s = np.sum(y)  # sum
        float(s)  # asked
        w = np.dot(y, y.T)  # product
        w[0, 0].item()
        plain(150_000)  # outside
        np.emath.sqrt(x[:200])  # fallback
        small = np.ones(10)
        for _ in range(200):
            small = small + 1.0  # small
        np.apply_along_axis(lambda row: np.sort(row)[0] + sum(range(300)), 1, x[:100])  # nested
    return small
"""

# Small arrays are computed at once on the host, unless the tests run with everything deferred.
AT_ONCE = os.environ.get("MINPY_DEFER_BYTES") != "0" and os.environ.get("MINPY_DEVICE", "cpu").startswith("cpu")


@pytest.fixture
def program(tmp_path):
    """`MIXED` as a file: its functions, and the number of each line that a comment names."""
    file = tmp_path / "mixed.py"
    file.write_text(MIXED, encoding="utf-8")
    return runpy.run_path(str(file)), {t.split("# ")[1]: n for n, t in enumerate(MIXED.splitlines(), 1) if "# " in t}


def everything(p):
    return sum(t.seconds for t in p.threads)


def adds_up(p):
    """Kinds of work, lines and Python's time are three views of one total, and that is the wall's time."""
    total = everything(p)
    assert sum(g.seconds for g in p.groups) + p.python == pytest.approx(total, rel=0.01)
    assert sum(at.seconds for at in p.lines) == pytest.approx(p.explained * total, rel=0.01)
    for at in p.lines:
        assert at.seconds == pytest.approx(at.kernel + at.numpy + at.copy + at.python, abs=1e-9)
    for kind in ("kernel", "numpy", "copy"):
        assert sum(getattr(at, kind) for at in p.lines) == pytest.approx(sum(g.seconds for g in p.groups if g.kind == kind), rel=0.01, abs=1e-5)
    assert sum(at.python for at in p.lines) == pytest.approx(p.python, rel=0.05, abs=1e-4)
    if len(p.threads) == 1:
        assert total + p.overhead == pytest.approx(p.seconds, rel=0.01)


def test_a_mixed_program_is_explained(program):
    functions, lines = program
    functions["work"](1)
    with minpy.profile() as p:
        began = time.perf_counter()
        functions["work"](8)
        wall = time.perf_counter() - began
    adds_up(p)
    assert p.explained >= 0.95 and p.seconds == pytest.approx(wall, rel=0.05)
    assert sum(at.seconds for at in p.lines) + p.overhead >= 0.95 * wall
    at = {at.line: at for at in p.lines if at.file.endswith("mixed.py")}
    where = {word: at[n] for word, n in lines.items() if n in at}
    # The names that were written, on the lines where they were.
    assert "negative+multiply+exp" in where["fused"].names[0] and where["fused"].calls == 8 and where["fused"].kernel > 0
    assert any("sum" in n for n in where["sum"].names) and "dot(matmul)" in where["product"].names
    assert "emath.sqrt" in where["fallback"].names and where["fallback"].calls >= 8 and where["fallback"].numpy > 0
    assert not AT_ONCE or (where["small"].names == ("add",) and where["small"].calls == 1600)
    # What no call of ours took is Python's, and on its lines: the loop, not the line that calls it nor the next call.
    assert where["python"].python == where["python"].seconds > 0.01
    assert where["python"].function == "plain" and where["python"].source.startswith("total += ")
    loop = where["python"].python + at[lines["python"] - 1].python if lines["python"] - 1 in at else where["python"].python
    assert loop > where["fallback"].python, p


def test_nothing_is_counted_twice(program):
    """A function of NumPy's that calls a function which calls ours."""
    functions, lines = program
    with minpy.profile() as p:
        functions["work"](3)
    adds_up(p)
    nested = next(at for at in p.lines if at.line == lines["nested"])
    assert {"apply_along_axis", "sort"} <= {n.split("(")[0] for n in nested.names}
    rows = {g.name: g for g in p.groups}
    assert rows["apply_along_axis"].calls == 3 and rows["apply_along_axis"].seconds < nested.seconds
    assert max(g.seconds for g in p.groups) < everything(p)


def test_threads_have_their_own_time(program):
    functions, lines = program
    functions["work"](1)
    threads = [threading.Thread(target=functions["work"], args=(3,), name=f"worker {k}") for k in range(2)]
    with minpy.profile() as p:
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    adds_up(p)
    assert {t.name for t in p.threads} == {"MainThread", "worker 0", "worker 1"} and p.explained >= 0.95
    # The one that waits for the others has waited on that line.
    waited = next(at for at in p.lines if at.source == "t.join()")
    assert waited.python > 0.5 * p.seconds
    at = {at.line: at for at in p.lines if at.file.endswith("mixed.py")}
    assert (at[lines["small"]].calls == 2 * 3 * 200 or not AT_ONCE) and at[lines["fallback"]].calls >= 6
    assert all(t.seconds <= p.seconds * 1.01 for t in p.threads)
    assert len({e["tid"] for e in p.trace()["traceEvents"]}) == 3


def test_threads_that_come_and_go():
    """The system gives the number of one that has ended to the next."""
    x = np.array(numpy.random.default_rng(0).random((50, 50)))
    with minpy.profile() as p:
        for _ in range(50):
            t = threading.Thread(target=lambda: (np.emath.sqrt(x), np.exp(x).asnumpy(), sum(range(20_000))))
            t.start()
            t.join()
    adds_up(p)
    assert len(p.threads) == 51 and {g.name: g.calls for g in p.groups}["emath.sqrt"] == 50 and p.explained > 0.95


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_forked_processes_go_on(on_cpu):
    """Whatever the profile's own thread does at that moment."""
    with minpy.profile() as p:
        for _ in range(30):
            np.emath.sqrt(np.ones(3))
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                np.exp(np.ones(3)).asnumpy(), np.emath.sqrt(np.ones(3))
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    adds_up(p)


def test_work_that_waited_is_on_the_lines_that_wrote_it():
    x = np.array(numpy.random.default_rng(0).random((500, 500)))
    with minpy.profile() as p:
        y = x * 2.0
        z = np.tanh(y)
        del y
        float(z[0, 0])
    by = {at.source: at for at in p.lines}
    assert by["y = x * 2.0"].names == by["z = np.tanh(y)"].names == ("multiply+tanh",)
    assert by["y = x * 2.0"].kernel == pytest.approx(by["z = np.tanh(y)"].kernel)
    assert "float(z[0, 0])" not in by or by["float(z[0, 0])"].kernel < by["y = x * 2.0"].kernel


def test_a_library_is_the_line_that_calls_it(needs):
    optimize = needs("scipy.optimize")
    with minpy.profile() as p:
        found = optimize.minimize(lambda v: np.sum((np.array(v) - 3.0) ** 2).item(), [0.0, 1.0])  # the call
    assert found.x == pytest.approx([3.0, 3.0], abs=1e-4)
    assert p.explained > 0.95 and {os.path.basename(at.file) for at in p.lines} == {"test_profile.py"}


def test_copies_between_devices(device):
    host = numpy.random.default_rng(0).random((300, 300))
    with minpy.profile() as p:
        x = np.array(host)
        y = (x + 1.0).asnumpy()
    assert y.shape == (300, 300)
    adds_up(p)
    copies = {g.name: g for g in p.groups if g.kind == "copy"}
    if device.device_type == "cpu":
        assert not copies
    else:
        assert copies["to_device"].bytes == copies["to_host"].bytes == host.nbytes
        assert {at.source for at in p.lines if at.copy} == {"x = np.array(host)", "y = (x + 1.0).asnumpy()"}


def test_what_failed_takes_time_and_is_no_work():
    with minpy.profile() as p:
        for _ in range(20):
            with pytest.raises(numpy.linalg.LinAlgError):
                np.linalg.inv(np.zeros((200, 200)))
    adds_up(p)
    assert not any("inv" in g.name for g in p.groups) and p.explained > 0.95


def test_gradients_and_symbols_are_explained():
    def loss(w):
        return np.sum(np.tanh(np.dot(x, w)) ** 2)
    x, w = np.array(numpy.random.default_rng(0).random((200, 100))), np.ones((100, 50))
    with minpy.profile() as p:
        for _ in range(5):
            minpy.core.grad(loss)(w).asnumpy()
    adds_up(p)
    assert p.explained > 0.95 and any("dot(matmul)" in g.name for g in p.groups)


def test_profiles_one_after_the_other_and_empty():
    with minpy.profile() as empty:
        pass
    assert not empty.groups and empty.seconds > 0 and "python" in str(empty)
    assert repr(minpy.profile()) == "<minpy.profile: nothing ran>"
    for _ in range(3):
        with minpy.profile() as p:
            np.exp(np.ones(5)).asnumpy()
        adds_up(p)
        assert [at.source for at in p.lines if at.kernel] == ["np.exp(np.ones(5)).asnumpy()"]
    assert not [t for t in threading.enumerate() if t.name == "minpy.profile"]


def test_the_interpreter_is_left_as_it_was():
    before = sys.getswitchinterval()
    with minpy.profile():
        assert sys.getprofile() is None and sys.gettrace() is None
    assert sys.getswitchinterval() == before
    with minpy.profile():
        sys.setswitchinterval(0.25)
    try:
        assert sys.getswitchinterval() == 0.25
    finally:
        sys.setswitchinterval(before)


class Reader(html.parser.HTMLParser):
    """The tags that are open, and what is written."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_pages_and_traces(tmp_path):
    with minpy.profile() as p:
        a = np.ones((200, 300))
        for _ in range(3):
            b = np.exp(a * 0.5); c = "<b>&"  # noqa: E702
            np.emath.sqrt(b)
    reader = Reader()
    reader.feed(p.html())
    text = "".join(reader.text)
    assert not reader.open and "Where the time went" in text and f'b = np.exp(a * 0.5); c = "{c}"' in text and "emath.sqrt" in text
    assert f"{p.explained:.1%}" in text and "kernels" in text
    p.save(tmp_path / "x.html")
    assert (tmp_path / "x.html").read_text(encoding="utf-8") == p.html()
    p.save(str(tmp_path / "x.txt"))
    assert (tmp_path / "x.txt").read_text(encoding="utf-8") == f"{p}\n"
    p.save(tmp_path / "x.json")
    events = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["traceEvents"]
    assert events[0] == {"ph": "M", "pid": 0, "tid": 0, "name": "thread_name", "args": {"name": "MainThread"}}
    pieces = [e for e in events if e["ph"] == "X"]
    assert sum(e["name"] == "emath.sqrt" for e in pieces) == 3 and all({"ts", "dur", "tid", "pid", "cat"} <= e.keys() for e in pieces)
    assert all(e["ts"] >= 0 and e["ts"] + e["dur"] <= p.seconds * 1e6 * 1.01 for e in pieces)
    line = next(e for e in pieces if e["name"] == "emath.sqrt")["args"]["line"]
    assert line.startswith(f"{__file__}:") and line.endswith("(test_pages_and_traces)")
    with pytest.raises(ValueError, match="must end in"):
        p.save(tmp_path / "x.png")


def test_one_name_for_the_class_and_the_command():
    """`python -m minpy.profile` needs a module of the name that is the class's."""
    code = """
        import minpy
        before = minpy.profile
        import minpy.profile, importlib
        from minpy import profile
        assert minpy.profile is before is profile is importlib.import_module("minpy.profile") and isinstance(profile, type)
        with minpy.profile() as p:
            pass
        assert type(p) is minpy.profile
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def profiled(*arguments, cwd):
    return subprocess.run([sys.executable, "-m", "minpy.profile", *map(str, arguments)], capture_output=True, text=True, cwd=cwd, timeout=120)


def test_scripts_are_profiled(tmp_path):
    (tmp_path / "mixed.py").write_text(MIXED + "if __name__ == '__main__':\n    import sys\n    print(work(2)[0], sys.argv)\n", encoding="utf-8")
    run = profiled("mixed.py", "a", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (0, "201.0 ['mixed.py', 'a']\n"), run.stderr
    assert "numpy: emath.sqrt" in run.stderr and "  mixed.py:" in run.stderr and "explained by lines" in run.stderr
    assert profiled("-o", "out.html", "mixed.py", cwd=tmp_path).stderr == "" and "emath.sqrt" in (tmp_path / "out.html").read_text(encoding="utf-8")
    assert profiled("-o", "out.json", "-m", "mixed", cwd=tmp_path).stderr == "" and json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    for wrong in ([], ["-o"], ["-o", "x.png", "mixed.py"], ["--install"]):
        assert profiled(*wrong, cwd=tmp_path).returncode == 2
    assert profiled("--help", cwd=tmp_path).returncode == 0


def test_unmodified_scripts_are_profiled(tmp_path):
    (tmp_path / "script.py").write_text("import numpy as np\nx = np.arange(1e6)\nprint(np.sqrt(x).sum() > 1, np.__name__)\n", encoding="utf-8")
    ours, theirs = profiled("--install", "script.py", cwd=tmp_path), profiled("script.py", cwd=tmp_path)
    assert ours.stdout == "True minpy.numpy\n" and "sqrt" in ours.stderr and theirs.stdout == "True numpy\n" and "sqrt" not in theirs.stderr.split("line")[0]


def test_scripts_that_end_otherwise_are_shown_too(tmp_path):
    (tmp_path / "script.py").write_text("import minpy.numpy as np, sys\nnp.emath.sqrt(np.ones(5))\nsys.exit(3) if sys.argv[1:] else 1 / 0\n", encoding="utf-8")
    left = profiled("script.py", "x", cwd=tmp_path)
    assert left.returncode == 3 and "numpy: emath.sqrt" in left.stderr
    failed = profiled("script.py", cwd=tmp_path)
    assert failed.returncode == 1 and "numpy: emath.sqrt" in failed.stderr
    assert failed.stderr[failed.stderr.index("Traceback"):].splitlines()[1].startswith(f'  File "{tmp_path / "script.py"}", line 3')
