"""What counts instructions is tried, not believed; a program that dies under it says how and fails nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from perf.system import counters
from perf.system.counters import Count, Counter, count_instructions, find_counter
from perf.system.processes import Processes

# A stand-in valgrind: it knows its log file, runs the program, and says what the real one says.
VALGRIND = """#!/bin/sh
log=; for each in "$@"; do case "$each" in
  --version) echo valgrind-9.8.7; exit 0;; --log-file=*) log=${{each#--log-file=}};; esac; done
case "$(echo "$log" | sed 's/%%//g')" in *%*) echo "no such pattern in $log" >&2; exit 1;; esac
log=$(echo "$log" | sed 's/%%/%/g')
{before}
while [ "$1" != -- ]; do shift; done; shift
"$@"; code=$?
echo "==$$== I   refs:      {refs}" > "$log"
{after}
exit $code
"""
PERF = """#!/bin/sh
while [ "$1" != --output ]; do shift; done
log=$2; shift 3
"$@"; code=$?
echo "{said}" > "$log"
exit $code
"""
COUNTS = "12345,,instructions:u,400000,100.00,,"
NOT_SUPPORTED = "<not supported>,,instructions:u,0,100.00,,"

Programs = Callable[..., dict[str, str]]


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    """`programs(valgrind="#!…")`: an environment whose PATH has these and the shell's own, no other counter."""

    def make(**scripts: str) -> dict[str, str]:
        place = tmp_path / "programs"
        place.mkdir()
        for name in ("sh", "true", "sed", "cat", "sleep", "kill"):
            if found := shutil.which(name):
                (place / name).symlink_to(found)
        for name, text in scripts.items():
            (place / name).write_text(text, "utf-8")
            (place / name).chmod(0o755)
        return {"PATH": str(place)}

    return make


def valgrind(refs: str = "1,234", before: str = "", after: str = "") -> str:
    return VALGRIND.format(refs=refs, before=before, after=after)


def test_perf_events_are_used_where_they_count(processes: Processes, programs: Programs) -> None:
    environment = programs(perf=PERF.format(said=COUNTS), valgrind=valgrind())
    found = find_counter(processes, environment)
    assert found is not None
    assert (found.kind, found.name) == ("perf", "perf events")


def test_a_machine_whose_perf_has_no_hardware_counters_is_given_valgrind(
    processes: Processes, programs: Programs
) -> None:
    environment = programs(perf=PERF.format(said=NOT_SUPPORTED), valgrind=valgrind())
    found = find_counter(processes, environment)
    assert found is not None
    assert (found.kind, found.name) == ("valgrind", "valgrind 9.8.7")


@pytest.mark.parametrize(
    "scripts",
    [
        {},
        {"perf": PERF.format(said=NOT_SUPPORTED)},
        {"valgrind": valgrind(before="echo 'valgrind: failed to start tool' >&2; exit 1")},
        {"valgrind": valgrind(refs="0")},
    ],
    ids=["neither", "perf without counters", "valgrind that does not start", "valgrind that counts nothing"],
)
def test_a_machine_without_any_that_counts_has_none(
    processes: Processes, programs: Programs, scripts: dict[str, str]
) -> None:
    assert find_counter(processes, programs(**scripts)) is None


def test_without_a_program_to_try_on_there_is_no_counter(processes: Processes, tmp_path: Path) -> None:
    assert find_counter(processes, {"PATH": str(tmp_path)}) is None


def test_addresses_are_fixed_where_that_is_allowed(processes: Processes, programs: Programs) -> None:
    allowed = '#!/bin/sh\nshift 2\nexec "$@"\n'
    found = find_counter(processes, programs(setarch=allowed, valgrind=valgrind()))
    assert found is not None
    assert "setarch" in found.prefix


def test_a_container_that_forbids_it_counts_without(processes: Processes, programs: Programs) -> None:
    forbidden = "#!/bin/sh\necho 'setarch: failed to set personality' >&2\nexit 1\n"
    found = find_counter(processes, programs(setarch=forbidden, valgrind=valgrind()))
    assert found is not None
    assert "setarch" not in found.prefix


def test_a_valgrind_that_does_not_know_the_faster_flags_goes_without(
    processes: Processes, programs: Programs
) -> None:
    old = 'for each in "$@"; do case "$each" in --vex-guest-chase=no) exit 1;; esac; done'
    found = find_counter(processes, programs(valgrind=valgrind(before=old)))
    assert found is not None
    assert not any("chase" in flag for flag in found.prefix)


def count(
    processes: Processes, environment: dict[str, str], place: Path, script: str, timeout_seconds: float = 30.0
) -> Count:
    counter = Counter("valgrind", "valgrind 9.8.7", ("valgrind",))
    return count_instructions(
        processes,
        counter,
        ["sh", "-c", script],
        environment=environment,
        cwd=place,
        timeout_seconds=timeout_seconds,
        raw=place / "raw" / "100 % run.txt",
    )


def test_the_programs_words_and_the_counters_are_kept_apart(
    processes: Processes, programs: Programs, tmp_path: Path
) -> None:
    found = count(processes, programs(valgrind=valgrind("1,234,567")), tmp_path, "echo out; echo err >&2")
    assert (found.instructions, found.why) == (1_234_567, "")
    assert found.output == "out\nerr\n"
    assert (tmp_path / "raw" / "100 % run.txt").read_text() == "out\nerr\n"
    assert "refs" in (tmp_path / "raw" / "100 % run.txt.count").read_text()


def test_a_program_that_prints_a_count_is_not_believed(
    processes: Processes, programs: Programs, tmp_path: Path
) -> None:
    found = count(processes, programs(valgrind=valgrind("77")), tmp_path, "echo '==1== I   refs:      5'")
    assert found.instructions == 77


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            "echo goroutine 1; echo 'panic: boom' >&2; echo main.go:3; exit 2",
            "ended under valgrind 9.8.7 with exit 2: panic: boom",
        ),
        ("echo last words; exit 7", "ended under valgrind 9.8.7 with exit 7: last words"),
        ("exit 7", "ended under valgrind 9.8.7 with exit 7"),
    ],
)
def test_a_program_that_ends_badly_says_how(
    processes: Processes, programs: Programs, tmp_path: Path, script: str, why: str
) -> None:
    found = count(processes, programs(valgrind=valgrind()), tmp_path, script)
    assert (found.instructions, found.why) == (None, why)


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ("kill -SEGV $$", "died under valgrind 9.8.7 by SIGSEGV"),
        ("kill -ILL $$", "has an instruction that valgrind 9.8.7 does not know"),
        ("exit 0", "gave no count under valgrind 9.8.7"),
        (
            "echo '==12== valgrind: mmap failed' > \"$log\"; exit 1",
            "ended under valgrind 9.8.7 with exit 1: valgrind: mmap failed",
        ),
    ],
)
def test_an_end_without_a_count_says_why(
    processes: Processes, programs: Programs, tmp_path: Path, before: str, why: str
) -> None:
    assert count(processes, programs(valgrind=valgrind(before=before)), tmp_path, "true").why == why


def test_an_instruction_that_valgrind_does_not_know_is_told_even_when_the_program_handles_the_signal(
    processes: Processes, programs: Programs, tmp_path: Path
) -> None:
    after = 'echo "valgrind: Unrecognised instruction at address 0x5." >> "$log"'
    found = count(processes, programs(valgrind=valgrind(after=after)), tmp_path, "exit 2")
    assert found.why == "has an instruction that valgrind 9.8.7 does not know"


def test_what_hangs_is_stopped_and_told(processes: Processes, programs: Programs, tmp_path: Path) -> None:
    found = count(processes, programs(valgrind=valgrind()), tmp_path, "sleep 60", timeout_seconds=0.2)
    assert found.why == "did not end within 200 ms under valgrind 9.8.7"
    assert found.ended.timed_out


def test_perf_counts_a_command(processes: Processes, programs: Programs, tmp_path: Path) -> None:
    found = count_instructions(
        processes,
        Counter("perf", "perf events", ("perf", "stat")),
        ["sh", "-c", "echo out"],
        environment=programs(perf=PERF.format(said=f"# started\n{COUNTS}")),
        cwd=tmp_path,
        timeout_seconds=30.0,
        raw=tmp_path / "raw.txt",
    )
    assert (found.instructions, found.output) == (12345, "out\n")


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed here")
def test_the_real_valgrind_counts_the_same_again_and_writes_its_functions(
    processes: Processes, tmp_path: Path
) -> None:
    environment = {"PATH": os.environ["PATH"]}
    counter = next(each for each in counters._candidates(processes, environment) if each.kind == "valgrind")
    assert counter.name.startswith("valgrind 3.")
    functions = tmp_path / "50 % functions"
    counts = [
        count_instructions(
            processes,
            counter,
            ["true"],
            environment=environment,
            cwd=tmp_path,
            timeout_seconds=60.0,
            raw=tmp_path / f"{number}.txt",
            out_file=functions,
        ).instructions
        for number in range(2)
    ]
    assert counts[0] is not None and counts[0] > 10_000
    assert counts[0] == counts[1]
    assert "fn=" in functions.read_text()


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed here")
def test_under_the_real_valgrind_a_death_is_told(processes: Processes, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"]}
    counter = next(each for each in counters._candidates(processes, environment) if each.kind == "valgrind")
    found = count_instructions(
        processes,
        counter,
        ["sh", "-c", "kill -ABRT $$"],
        environment=environment,
        cwd=tmp_path,
        timeout_seconds=60.0,
        raw=tmp_path / "raw.txt",
    )
    assert found.why.startswith(f"died under {counter.name} by SIGABRT")
