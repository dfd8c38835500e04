"""The door to child processes: nothing of the caller leaks in, nothing we start outlives us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from perf.errors import Interrupted, Lacking
from perf.system import guardian, processes
from perf.system.processes import Processes

ENVIRONMENT = {"PATH": os.environ["PATH"]}
PATIENCE_SECONDS = 30.0


def gone(pid: int) -> bool:
    """Wait until `pid` has ended; False when it has not within the patience."""
    try:
        process = psutil.Process(pid)
        process.wait(PATIENCE_SECONDS)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def test_output_and_exit_code_are_kept(processes: Processes) -> None:
    done = processes.run(["sh", "-c", "echo out; echo err >&2; exit 3"], environment=ENVIRONMENT)
    assert (done.stdout, done.stderr, done.ended.returncode, done.ok) == ("out\n", "err\n", 3, False)
    assert done.text == "out\nerr"


def test_standard_input_is_given(processes: Processes) -> None:
    assert processes.run(["cat"], environment=ENVIRONMENT, stdin=b"hello").stdout == "hello"


def test_a_child_sees_the_declared_environment_and_nothing_of_the_caller(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    seen = processes.run(["env"], environment={**ENVIRONMENT, "A": "1"}).stdout.splitlines()
    names = {line.partition("=")[0] for line in seen}
    assert {"A", "PATH", guardian.OWNER_VARIABLE} <= names
    assert "GITHUB_TOKEN" not in names


def test_a_value_with_shell_characters_stays_one_argument(processes: Processes) -> None:
    assert processes.run(["echo", "$(id); `id` | x"], environment=ENVIRONMENT).stdout == "$(id); `id` | x\n"


def test_a_missing_program_says_what_to_install(processes: Processes) -> None:
    with pytest.raises(Lacking, match="cannot start no-such-program: not found"):
        processes.run(["no-such-program"], environment=ENVIRONMENT)


def test_a_missing_directory_is_not_blamed_on_the_program(processes: Processes, tmp_path: Path) -> None:
    with pytest.raises(Lacking, match="its directory .*absent does not exist"):
        processes.run(["true"], environment=ENVIRONMENT, cwd=tmp_path / "absent")


def test_a_program_that_is_not_executable_is_said_so(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no program", "utf-8")
    with pytest.raises(Lacking, match="permission denied"):
        processes.run([str(tmp_path / "data")], environment=ENVIRONMENT)


def test_what_is_no_program_is_said_so(processes: Processes, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("neither a script nor a binary", "utf-8")
    program.chmod(0o755)
    with pytest.raises(Lacking, match="cannot start .*: Exec format error") as caught:
        processes.run([str(program)], environment=ENVIRONMENT)
    assert "no program of this machine" in caught.value.cause


def test_past_its_timeout_the_whole_group_is_stopped(processes: Processes) -> None:
    """A grandchild would otherwise keep running: `go test` has one."""
    child = processes.start(
        ["sh", "-c", "sleep 1000 & echo $!; wait"], environment=ENVIRONMENT, stdout=subprocess.PIPE
    )
    assert child._popen.stdout is not None
    with child._popen.stdout as stdout:
        grandchild = int(stdout.readline())
        ended = child.wait(timeout_seconds=0.2)
    assert ended.timed_out
    assert ended.returncode == -signal.SIGTERM
    assert gone(grandchild)


def test_a_child_that_ignores_sigterm_is_killed(processes: Processes) -> None:
    child = processes.start(
        ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1000; done"],
        environment=ENVIRONMENT,
        stdout=subprocess.PIPE,
    )
    assert child._popen.stdout is not None
    with child._popen.stdout as stdout:
        stdout.readline()
        assert child.running
        assert child.stop(grace_seconds=0.1).returncode == -signal.SIGKILL
    assert not child.running


def test_what_a_leader_leaves_in_its_group_ends_with_it(processes: Processes) -> None:
    done = processes.run(["sh", "-c", "sleep 1000 & echo $!"], environment=ENVIRONMENT)
    assert gone(int(done.stdout))


def test_waiting_twice_gives_the_same_answer(processes: Processes) -> None:
    child = processes.start(["sh", "-c", "exit 7"], environment=ENVIRONMENT)
    assert child.wait() is child.wait()
    assert child.stop().returncode == 7


def test_cpu_seconds_are_those_of_the_child(processes: Processes) -> None:
    burn = "import time\nwhile time.process_time() < .3: pass"
    ended = processes.start([sys.executable, "-I", "-c", burn], environment=ENVIRONMENT).wait()
    assert 0.3 <= ended.cpu_seconds < 5.0
    assert ended.seconds > 0.0


def test_leaving_the_block_stops_every_child_and_removes_the_scratch(tmp_path: Path) -> None:
    with Processes(tmp_path) as doors:
        child = doors.start(["sleep", "1000"], environment=ENVIRONMENT)
        scratch = doors.scratch
        (scratch / "left").write_text("x", "utf-8")
        assert scratch.is_dir()
    assert gone(child.pid)
    assert not scratch.exists()


def test_nothing_new_starts_once_the_run_is_ending(tmp_path: Path) -> None:
    with Processes(tmp_path) as doors:
        doors.stop_all()
        with pytest.raises(Interrupted):
            doors.start(["true"], environment=ENVIRONMENT)


RUNAWAY = """
    import os, time
    ready, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.write(tell, b"x")
        time.sleep(1000)
    os.read(ready, 1)
"""


def test_a_process_that_left_its_group_is_found_by_its_owner(tmp_path: Path) -> None:
    """A daemon made by the target's own scripts has a session of its own; its environment gives it away."""
    with Processes(tmp_path) as doors:
        doors.run([sys.executable, "-I", "-c", textwrap.dedent(RUNAWAY)], environment=ENVIRONMENT)
        runaways = guardian.processes_of(doors.owner)
    assert runaways
    assert all(gone(pid) for pid in runaways)


HOLDER = """
    import subprocess, sys
    from pathlib import Path
    from perf.system.processes import Processes
    with Processes(Path(sys.argv[1])) as doors:
        child = doors.start(["sh", "-c", "setsid sleep 1000 & sleep 1000"], environment={"PATH": sys.argv[2]})
        print(child.pid, doors.owner, flush=True)
        child.wait()
"""


def start_holder(base: Path) -> tuple[subprocess.Popen[str], int, str]:
    program = [sys.executable, "-c", textwrap.dedent(HOLDER), str(base), os.environ["PATH"]]
    holder = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    pid, owner = holder.stdout.readline().split()
    return holder, int(pid), owner


def guardians_of(owner: str) -> list[psutil.Process]:
    everyone = psutil.process_iter(["cmdline"])
    return [process for process in everyone if owner in (process.info["cmdline"] or [])]


def test_sigkill_of_the_suite_leaves_no_process_and_no_scratch(tmp_path: Path) -> None:
    holder, child, owner = start_holder(tmp_path)
    watching = guardians_of(owner)
    holder.kill()
    holder.communicate()
    assert watching
    assert all(gone(process.pid) for process in watching)
    assert gone(child)
    assert guardian.processes_of(owner) == []
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_a_run_whose_guardian_died_too_are_swept_by_the_next(tmp_path: Path) -> None:
    holder, child, owner = start_holder(tmp_path)
    for process in guardians_of(owner):
        process.kill()
    holder.kill()
    holder.communicate()
    assert processes.sweep(tmp_path) == 1
    assert gone(child)
    assert guardian.processes_of(owner) == []
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_leaves_a_run_alone_that_still_lives(tmp_path: Path) -> None:
    with Processes(tmp_path) as doors:
        child = doors.start(["sleep", "1000"], environment=ENVIRONMENT)
        assert processes.sweep(tmp_path) == 0
        assert child.running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_becomes_interrupted_once(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match=number.name), processes.interruptible():
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)  # a second one does not interrupt the cleaning up
    assert signal.getsignal(number) is before


def test_a_signal_that_was_lost_can_be_sent_again() -> None:
    """Python prints and drops what is raised in a destructor; the run would go on, deaf."""
    with pytest.raises(Interrupted, match="SIGTERM"), processes.interruptible(patience_seconds=0.0):
        with suppress(Interrupted):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_modules_load_ends_it_at_once_with_130_and_no_traceback(
    number: signal.Signals, tmp_path: Path
) -> None:
    (tmp_path / "click.py").write_text(f"import os\nos.kill(os.getpid(), {int(number)})\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "perf", "load"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_a_detached_process_outlives_the_block(tmp_path: Path) -> None:
    with Processes(tmp_path):
        pid = processes.start_detached(["sleep", "1000"], environment=ENVIRONMENT, log=tmp_path / "log")
    detached = psutil.Process(pid)
    try:
        assert detached.is_running()
    finally:
        detached.kill()
        os.waitpid(pid, 0)


def test_leaving_the_block_in_another_thread_works(tmp_path: Path) -> None:
    """Signals can only be held back in the main thread; cleaning up must not depend on it."""

    def use() -> None:
        with Processes(tmp_path) as doors:
            doors.start(["sleep", "1000"], environment=ENVIRONMENT)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert list(tmp_path.iterdir()) == []
