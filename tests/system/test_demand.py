"""How many cores a process asks for, whatever else runs on the machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from perf.regression.native import SINGLE_THREADED_CORES
from perf.system import usage
from perf.system.processes import Processes
from perf.system.usage import Demand, demand_of

# What the gate takes for one thread that computes: looks at a process are rough, and the machine may be busy.
LOW, HIGH = SINGLE_THREADED_CORES
SPIN = "import time\nend = time.monotonic() + 0.4\nwhile time.monotonic() < end: pass"
SLEEP = "import time\ntime.sleep(0.4)"
# Two processes' worth of threads without Python's lock: hashing large buffers releases it.
TWO = (
    "import hashlib, threading, time\n"
    "data, end = bytes(1 << 22), time.monotonic() + 0.5\n"
    "def work():\n"
    "    while time.monotonic() < end: hashlib.sha256(data)\n"
    "threads = [threading.Thread(target=work) for _ in range(2)]\n"
    "[each.start() for each in threads]\n"
    "[each.join() for each in threads]"
)


@pytest.mark.parametrize(("code", "low", "high"), [(SPIN, LOW, HIGH), (SLEEP, 0.0, LOW), (TWO, HIGH, 3.0)])
def test_the_cores_asked_for_are_those_it_would_use_alone(
    processes: Processes, code: str, low: float, high: float
) -> None:
    child = processes.start([sys.executable, "-S", "-c", code], environment={})
    with demand_of(child.pid) as demand:
        child.wait()
    cores = demand.cores()
    assert cores is not None
    assert low <= cores <= high


def test_a_process_that_ended_at_once_tells_nothing() -> None:
    demand = Demand()
    demand.look(2**22 + 1, 0.0)
    assert demand.cores() is None


def test_threads_that_wake_for_a_moment_on_a_full_machine_add_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread computes and has half a core; another runs hardly, and each time waits as long for a core."""
    monkeypatch.setattr(usage, "_PROC", tmp_path)
    demand = Demand()
    for step in range(10):
        for thread, ran, waited in (("1", 500_000, 500_000), ("2", 1_000, 900_000)):
            place = tmp_path / "7" / "task" / thread
            place.mkdir(parents=True, exist_ok=True)
            (place / "schedstat").write_text(f"{ran * step} {waited * step} {step}\n", "ascii")
        demand.look(7, step / 1000)
    assert demand.cores() == pytest.approx(1.0, rel=0.01)
