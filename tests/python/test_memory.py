"""Where memory runs out a call raises MemoryError: the process lives, and so do the arrays and the tape (memory_sweep.py).

MINPY_MEMORY_SWEEP=1 tries every call with many limits, for some ten minutes.
"""
import json
import os
import subprocess
import sys

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("only Linux limits the address space of a process", allow_module_level=True)

SWEEP = os.path.join(os.path.dirname(__file__), "memory_sweep.py")
FULL = os.environ.get("MINPY_MEMORY_SWEEP") == "1"
LIMITS = "0,50,100,300,700,1000,1500,2000,2500,3000,4000,5000,6000,8000,10000,12000,16000,24000,32000,48000,64000"


def swept(*words, **environment):
    """The counts of the program, none of them bad."""
    # With one arena for all threads what one gives back is there for the others, and for the limit.
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1", "MINPY_DEVICE": "cpu:0", **environment}
    run = subprocess.run([sys.executable, SWEEP, *map(str, words)], capture_output=True, text=True, env=environment)
    assert run.returncode == 0, f"exit status {run.returncode}\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}"
    counts = json.loads(run.stdout.splitlines()[-1])
    assert counts["bad"] == 0, run.stdout
    return counts


def test_a_sample_of_calls():
    counts = swept("apart", *([LIMITS] if FULL else ["700,3000", "1/4"]))
    assert counts["right"] > 50 and counts["MemoryError"] > 50


@pytest.mark.parametrize("threads", [1, 4])
def test_calls_on_several_threads_of_kernels(threads):
    counts = swept("here", *([LIMITS] if FULL else ["2500", "1/3"]), MINPY_NUM_THREADS=str(threads))
    assert counts["right"] > 50 and counts["MemoryError"] > 30


@pytest.mark.parametrize("name", ["argsort", "argsort c", "grad sort", "add.at", "mlp", "convolution", "bound deep", "recorded loop", "concatenate many",
                                  "grad of many", "grad to many", "vstack rows", "split at", "unstack many"])
def test_calls_step_by_step(name):
    counts = swept("apart", LIMITS if FULL else "0,1000,2500,5000,10000,20000,100000", name)
    assert counts["right"] > 0 and counts["MemoryError"] > 0


@pytest.mark.parametrize("mib", [1, 10, 100])
def test_a_loop_of_three_million_recorded_operations(mib):
    # Kept whole it takes more than a gigabyte.
    assert swept("tape", 3_000_000, mib << 10) == {"right": 0, "MemoryError": 2, "bad": 0}


@pytest.mark.parametrize("kib", [0, 2000, 5000, 20000])
def test_threads_that_share_what_is_left(kib):
    counts = swept("threads", kib, 4, 10 if FULL else 1.5, MINPY_NUM_THREADS="2")
    assert counts["MemoryError"] > 0 and (kib < 5000 or counts["right"] > 0)
