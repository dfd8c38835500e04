"""The process tree as /proc shows it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from perf.load import observe
from perf.load.observe import Observer, Running
from perf.system.usage import read_usage, tree_of

# A parent that starts a child holding 64 MiB; both say when they are ready, and wait for their input to end.
FAMILY = """
import subprocess, sys
code = "held = bytearray(64 << 20); print('ready', flush=True); input()"
child = subprocess.Popen([sys.executable, "-I", "-c", code], stdin=subprocess.PIPE)
sys.stdin.read()
child.stdin.close(); child.wait()
"""


@pytest.fixture
def family():
    with subprocess.Popen(
        [sys.executable, "-I", "-c", FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdin is not None
        assert parent.stdout.readline() == b"ready\n"
        yield parent


def wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_descendants_are_found_by_the_kernels_lists(family: subprocess.Popen[bytes]) -> None:
    children = [child.pid for child in psutil.Process(family.pid).children()]
    assert sorted(tree_of((family.pid,))) == sorted([family.pid, *children])


def test_samples_cover_the_whole_tree(family: subprocess.Popen[bytes]) -> None:
    running = Running()
    running.started(family.pid)
    with Observer(running, interval_seconds=0.01) as observer:
        wait_for(lambda: len(observer.samples) >= 3)
    sample = observer.samples[-1]
    assert sample.processes == 2
    assert sample.rss_bytes > 64 << 20
    assert sample.threads >= 2
    assert sample.descriptors >= 6
    assert observer.peak_rss_bytes is not None
    assert observer.peak_rss_bytes >= sample.rss_bytes
    assert [each.at_seconds for each in observer.samples] == sorted(
        each.at_seconds for each in observer.samples
    )


def test_the_cpu_time_of_ended_processes_counts_in_the_next_sample(family: subprocess.Popen[bytes]) -> None:
    running = Running()
    running.started(family.pid)
    with Observer(running, interval_seconds=0.01) as observer:
        wait_for(lambda: len(observer.samples) >= 2)
        running.ended(-1, 1000.0)
        seen = len(observer.samples)
        wait_for(lambda: len(observer.samples) >= seen + 2)
    assert max(sample.cpu_cores for sample in observer.samples) > 100.0
    assert min(sample.cpu_cores for sample in observer.samples) >= 0.0


def test_without_processes_there_is_no_sample_and_no_peak() -> None:
    with Observer(Running(), interval_seconds=0.001) as observer:
        time.sleep(0.02)
    assert observer.samples == ()
    assert observer.peak_rss_bytes is None


def test_a_long_run_is_thinned_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "MOST_SAMPLES", 4)
    running = Running()
    running.started(os.getpid())
    with Observer(running, interval_seconds=0.001) as observer:
        wait_for(lambda: observer.samples and observer.samples[-1].at_seconds > 0.05)
    assert len(observer.samples) <= 5


def test_a_process_that_has_ended_has_no_usage() -> None:
    with subprocess.Popen(["true"]) as process:
        # A zombie until it is waited for: it has an entry, but no memory.
        wait_for(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
        assert read_usage(process.pid) is None
    assert read_usage(process.pid) is None


def test_the_usage_of_this_process_is_plausible() -> None:
    usage = read_usage(os.getpid())
    assert usage is not None
    assert usage.rss_bytes == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    assert usage.peak_rss_bytes >= usage.rss_bytes * 0.99
    assert usage.cpu_seconds > 0.0
