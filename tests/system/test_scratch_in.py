"""A second scratch, in memory say, goes as the first goes: at the end, on SIGKILL, or by the next run's sweep."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil

from perf.system import processes
from perf.system.processes import Processes, owner_lives, start_ticks

HOLDER = """
    import sys, time
    from pathlib import Path
    from perf.system.processes import Processes
    with Processes(Path(sys.argv[1])) as doors:
        scratch = doors.scratch_in(Path(sys.argv[2]))
        (scratch / "file").write_text("content", "utf-8")
        print(doors._guardian.pid, scratch.name, flush=True)
        time.sleep(1000)
"""


def start_holder(tmp_path: Path) -> tuple[subprocess.Popen[str], psutil.Process, str]:
    program = [
        sys.executable,
        "-c",
        textwrap.dedent(HOLDER),
        str(tmp_path / "disk"),
        str(tmp_path / "memory"),
    ]
    holder = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    guardian, name = holder.stdout.readline().split()
    return holder, psutil.Process(int(guardian)), name


def test_a_second_scratch_is_removed_at_the_end(tmp_path: Path) -> None:
    with Processes(tmp_path / "disk") as doors:
        scratch = doors.scratch_in(tmp_path / "memory")
        (scratch / "file").write_text("content", "utf-8")
        assert scratch.stat().st_mode & 0o777 == 0o700
        assert doors.scratch_in(tmp_path / "memory") == scratch
        assert (scratch / "file").exists(), "asking for it again must not empty it"
    assert not scratch.exists()


def test_sigkill_leaves_no_second_scratch(tmp_path: Path) -> None:
    holder, guardian, name = start_holder(tmp_path)
    assert (tmp_path / "memory" / name / "file").exists()
    holder.kill()
    holder.communicate()
    guardian.wait(30)
    assert list((tmp_path / "memory").iterdir()) == []


def test_a_second_scratch_whose_guardian_died_too_is_swept_by_the_next(tmp_path: Path) -> None:
    holder, guardian, name = start_holder(tmp_path)
    guardian.kill()
    holder.kill()
    holder.communicate()
    guardian.wait(30)
    assert (tmp_path / "memory" / name).exists()
    with Processes(tmp_path / "other") as doors:
        scratch = doors.scratch_in(tmp_path / "memory")
        assert list((tmp_path / "memory").iterdir()) == [scratch]


def test_an_owner_is_known_by_process_id_and_start(tmp_path: Path) -> None:
    with Processes(tmp_path) as doors:
        assert owner_lives(doors.owner)
    pid, ticks = os.getpid(), start_ticks(os.getpid())
    assert ticks is not None
    assert not owner_lives(f"{pid}-{ticks + 1}"), "a number that came round again is another owner"
    assert not owner_lives("x-1")


def test_a_zombie_is_no_owner_any_more() -> None:
    child = subprocess.Popen(["sleep", "1000"])
    mark = f"{child.pid}-{start_ticks(child.pid)}"
    assert owner_lives(mark)
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not processes.owner_lives(mark)
    child.wait()
    assert start_ticks(child.pid) is None
