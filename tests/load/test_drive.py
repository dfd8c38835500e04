"""The replicator's processes: in time or stopped with all they started, each on record when it ends."""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from pathlib import Path

import pytest

from perf.errors import Interrupted, Lacking
from perf.load.drive import KEPT_OUTPUT_BYTES, Driven, drive, read_output
from perf.load.images import Image
from perf.load.jobs import JobPlan
from perf.load.observe import Running
from perf.system.processes import Processes

PLAIN = Image("load/a", "v1", None, "", ())

# Starts a child that ignores SIGTERM, as its leader does, and says its number.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-I", "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def job(name: str, code: str) -> JobPlan:
    return JobPlan(name, (sys.executable, "-I", "-c", code), (PLAIN,))


def run(
    processes: Processes, room: Path, jobs: list[JobPlan], *, workers: int = 2, timeout_seconds: float = 60.0
) -> Driven:
    return drive(
        processes,
        jobs,
        workers=workers,
        timeout_seconds=timeout_seconds,
        environment={"PATH": os.environ["PATH"]},
        cwd=room,
        room=room,
        running=Running(),
    )


def test_every_job_is_run_and_recorded_with_its_exit_its_times_and_its_output(
    processes: Processes, tmp_path: Path
) -> None:
    driven = run(
        processes,
        tmp_path,
        [
            job("good", "print('Errors: none')"),
            job("bad", "print('error: no such tag'); raise SystemExit(3)"),
        ],
    )
    good, bad = driven.jobs
    assert (good.name, good.returncode, good.first_error, good.claims_success) == ("good", 0, "", True)
    assert (bad.name, bad.returncode, bad.first_error, bad.claims_success) == (
        "bad",
        3,
        "error: no such tag",
        False,
    )
    assert (tmp_path / bad.output).read_text("utf-8") == "error: no such tag\n"
    assert min(each.started_seconds for each in driven.jobs) == 0.0
    assert driven.seconds == max(each.started_seconds + each.seconds for each in driven.jobs)
    assert all(each.cpu_seconds > 0.0 and each.seconds > 0.0 for each in driven.jobs)
    kept = [json.loads(line) for line in (tmp_path / "jobs.jsonl").read_text("utf-8").splitlines()]
    assert {line["name"] for line in kept} == {"good", "bad"}


def test_no_more_processes_than_workers_run_at_once(processes: Processes, tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"""
import os
def say(what):
    descriptor = os.open({str(log)!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, what)
say(b"+"); [None for _ in range(100_000)]; say(b"-")
"""
    run(processes, tmp_path, [job(str(number), code) for number in range(9)], workers=3)
    running = most = 0
    for sign in log.read_text("ascii"):
        running += 1 if sign == "+" else -1
        most = max(most, running)
    assert (running, most <= 3) == (0, True)


def has_ended(pid: int) -> bool:
    """Wait for a process that is no child of ours; a zombie has ended too."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    try:
        return bool(poller.poll(30_000))
    finally:
        os.close(descriptor)


def test_a_job_past_its_time_is_killed_with_all_that_it_started(processes: Processes, tmp_path: Path) -> None:
    (hung,) = run(processes, tmp_path, [job("hung", STUBBORN)], timeout_seconds=1.0).jobs
    assert hung.timed_out
    assert not hung.claims_success
    grandchild = int((tmp_path / hung.output).read_text("ascii"))
    assert has_ended(grandchild)


def test_when_the_first_jobs_all_hang_the_rest_is_not_started(processes: Processes, tmp_path: Path) -> None:
    jobs = [job(str(number), "import time; time.sleep(600)") for number in range(40)]
    driven = run(processes, tmp_path, jobs, workers=2, timeout_seconds=0.2)
    assert 4 <= len(driven.jobs) <= 5
    assert all(each.timed_out for each in driven.jobs)


def test_one_job_in_time_keeps_the_others_coming(processes: Processes, tmp_path: Path) -> None:
    jobs = [job("quick", ""), *(job(str(number), "import time; time.sleep(600)") for number in range(3))]
    driven = run(processes, tmp_path, jobs, workers=1, timeout_seconds=1.5)
    assert len(driven.jobs) == 4


def test_a_crash_is_a_negative_exit_code(processes: Processes, tmp_path: Path) -> None:
    (crashed,) = run(processes, tmp_path, [job("crash", "import os; os.abort()")]).jobs
    assert (crashed.returncode, crashed.claims_success) == (-6, False)


def test_a_flood_of_output_is_cut_and_its_error_at_the_end_is_found(
    processes: Processes, tmp_path: Path
) -> None:
    code = "print('fine\\n' * 500_000); print('error: at last')"
    (flood,) = run(processes, tmp_path, [job("flood", code)]).jobs
    assert flood.first_error == "error: at last"
    kept = (tmp_path / flood.output).read_text("utf-8")
    assert KEPT_OUTPUT_BYTES < len(kept) < KEPT_OUTPUT_BYTES + 100
    assert kept.endswith("more bytes were not kept\n")


def test_output_that_is_no_text_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\xff\xfe error: x")
    assert read_output(tmp_path / "log").endswith("error: x")


def test_a_program_that_is_not_there_is_said(processes: Processes, tmp_path: Path) -> None:
    with pytest.raises(Lacking, match="cannot start /no/such/replicator"):
        run(processes, tmp_path, [JobPlan("x", ("/no/such/replicator",), (PLAIN,))])


def test_an_interruption_kills_what_runs_and_keeps_what_ended(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal's exception arrives in the thread that waits for the workers."""
    from perf.system import parallel

    first_ended = threading.Event()
    lines = tmp_path / "jobs.jsonl"

    def interrupted(*_: object, **__: object) -> None:
        while not (lines.exists() and lines.read_text("utf-8").endswith("\n")):
            first_ended.wait(0.01)
        raise Interrupted("interrupted by SIGINT")

    monkeypatch.setattr(parallel, "wait", interrupted)
    running = Running()
    with pytest.raises(Interrupted):
        drive(
            processes,
            [
                job("done", ""),
                *(job(f"long {number}", "import time; time.sleep(600)") for number in range(5)),
            ],
            workers=2,
            timeout_seconds=600.0,
            environment={},
            cwd=tmp_path,
            room=tmp_path,
            running=running,
        )
    assert running.now()[0] == ()
    assert json.loads(lines.read_text("utf-8").splitlines()[0])["name"] == "done"


def test_when_a_registry_ends_the_copies_are_killed_and_no_more_begun(
    processes: Processes, tmp_path: Path
) -> None:
    """Else a replicator that tries again and again is waited for, image by image."""
    registry = processes.start(["sleep", "600"], environment={"PATH": os.environ["PATH"]})
    driven = drive(
        processes,
        [
            job("killer", f"import os, time; os.kill({registry.pid}, 9); time.sleep(600)"),
            *(job(f"long {number}", "import time; time.sleep(600)") for number in range(5)),
        ],
        workers=1,
        timeout_seconds=600.0,
        environment={},
        cwd=tmp_path,
        room=tmp_path,
        running=Running(),
        ends_with=(registry.descriptor,),
    )
    assert [(each.name, each.returncode) for each in driven.jobs] == [("killer", -9)]
