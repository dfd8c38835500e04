"""The door to what counts a process's instructions: perf events where the host has them, else valgrind's cachegrind."""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGILL, Signals
from typing import Final, Literal

from perf.system import clock, files
from perf.system.processes import Child, Ended, Processes
from perf.units import format_seconds

HOW_TO_GET: Final = (
    "install the distribution's package valgrind (apt-get install valgrind), or open perf events where there are "
    "hardware counters (sysctl kernel.perf_event_paranoid=2)"
)

Kind = Literal["perf", "valgrind"]

_TRY_SECONDS: Final = 20.0
# valgrind's own flags that make it start faster; where one is not known, it goes without all of them. Chasing jumps
# costs a sixth of the start, and counts some branches twice.
_FASTER: Final = ("--vgdb=no", "--vex-guest-chase=no")
_REFS: Final = re.compile(r"I\s+refs:\s+([\d,]+)")
_EVENTS: Final = re.compile(r"^(\d+),[^,]*,instructions:u", re.MULTILINE)
_COUNTERS_MARK: Final = re.compile(r"^==\d+== ?|^--\d+-- ?|^\*\*\d+\*\* ?", re.MULTILINE)
_TELLING: Final = re.compile(r"^(?:panic: |fatal error: |runtime: |\s*--- FAIL)")
_MOST_LAST_WORDS: Final = 200


@dataclass(frozen=True, slots=True)
class Counter:
    """What counts instructions here. `name` tells it to people ("valgrind 3.19.0"); `prefix` stands before a command.

    Counts of one kind and version repeat; those of two kinds differ by some percent and are not compared.
    """

    kind: Kind
    name: str
    prefix: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """A process's instructions, or None and why there is no number; `output` is what the program itself wrote."""

    instructions: int | None
    why: str
    output: str
    ended: Ended


@dataclass(frozen=True, slots=True)
class Counting:
    """A counted process that runs. `descriptor` is readable once it has ended; it must be finished, or stopped."""

    counter: Counter
    child: Child
    raw: Path
    timeout_seconds: float

    @property
    def descriptor(self) -> int:
        return self.child.descriptor

    @property
    def left_seconds(self) -> float:
        """Until it is stopped; 0 when that is due."""
        return max(0.0, self.child.started + self.timeout_seconds - clock.monotonic_seconds())


def find_counter(processes: Processes, environment: Mapping[str, str]) -> Counter | None:
    """The best counter that really counts here, tried on a small program; None where there is none.

    A virtual machine may have perf and no counters, a container may forbid them, and valgrind lag behind the C library.
    """
    program = shutil.which("true", path=environment.get("PATH"))
    if program is None:
        return None
    for candidate in _candidates(processes, environment):
        raw = files.make_directory(processes.scratch / "counter") / "try.txt"
        count = count_instructions(
            processes,
            candidate,
            [program],
            environment=environment,
            cwd=Path("/"),
            timeout_seconds=_TRY_SECONDS,
            raw=raw,
        )
        if count.instructions:
            return candidate
    return None


def count_instructions(
    processes: Processes,
    counter: Counter,
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    cwd: Path,
    timeout_seconds: float,
    raw: Path,
    out_file: Path | None = None,
) -> Count:
    """Run a command to its end under the counter; as `start_counting`."""
    counting = start_counting(
        processes,
        counter,
        argv,
        environment=environment,
        cwd=cwd,
        timeout_seconds=timeout_seconds,
        raw=raw,
        out_file=out_file,
    )
    try:
        return finish_counting(counting)
    finally:
        counting.child.stop()


def start_counting(
    processes: Processes,
    counter: Counter,
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    cwd: Path,
    timeout_seconds: float,
    raw: Path,
    out_file: Path | None = None,
) -> Counting:
    """Start a command under the counter. Its own output goes to the file `raw`, the counter's words beside it (.count).

    valgrind does not follow processes that the command starts; perf does. `out_file` is where cachegrind writes its
    counts by function; perf has none. Raises Lacking when the command cannot be started.
    """
    said = _words_file(raw)
    with files.disk_errors(raw):
        files.make_directory(raw.parent)
        said.unlink(missing_ok=True)
        with raw.open("wb") as output:
            child = processes.start(
                [*counter.prefix, *_options(counter, said, out_file), *argv],
                environment=environment,
                cwd=cwd,
                stdout=output,
            )
    return Counting(counter, child, raw, timeout_seconds)


def finish_counting(counting: Counting) -> Count:
    """Wait for the end, at most as long as is left, and read the count. Never fails by what the program did."""
    ended = counting.child.wait(counting.left_seconds)
    output = _read(counting.raw)
    said = _read(_words_file(counting.raw))
    found = (_REFS if counting.counter.kind == "valgrind" else _EVENTS).search(said)
    instructions = int(found[1].replace(",", "")) if found else 0
    if ended.ok and instructions > 0:
        return Count(instructions, "", output, ended)
    return Count(None, _why_not(counting, ended, output, said), output, ended)


def _why_not(counting: Counting, ended: Ended, output: str, said: str) -> str:
    """Why a process gave no count, for people."""
    under = f"under {counting.counter.name}"
    if ended.timed_out:
        return f"did not end within {format_seconds(counting.timeout_seconds)} {under}"
    unknown_instruction = "nrecognised instruction" in said or "nhandled instruction" in said
    if unknown_instruction or ended.returncode == -SIGILL:
        return f"has an instruction that {counting.counter.name} does not know"
    # What counted to the end has no more to say of it.
    last = _last_words(output) or ("" if _REFS.search(said) else _last_words(_COUNTERS_MARK.sub("", said)))
    words = f": {last}" if last else ""
    if ended.returncode < 0:
        return f"died {under} by {Signals(-ended.returncode).name}{words}"
    if ended.returncode > 0:
        return f"ended {under} with exit {ended.returncode}{words}"
    return f"gave no count {under}"


def _last_words(text: str) -> str:
    """The line that says most of a bad end: the first of a panic or a failure, else the last there is."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = next((line for line in lines if _TELLING.match(line)), "")
    return (telling or (lines[-1] if lines else ""))[:_MOST_LAST_WORDS]


def _options(counter: Counter, said: Path, out_file: Path | None) -> list[str]:
    if counter.kind == "perf":
        return ["--output", str(said), "--"]
    return [
        f"--log-file={_without_patterns(said)}",
        f"--cachegrind-out-file={_without_patterns(out_file or Path('/dev/null'))}",
        "--",
    ]


def _without_patterns(path: Path) -> str:
    """valgrind puts a process id for %p in a file's name, and so on."""
    return str(path).replace("%", "%%")


def _words_file(raw: Path) -> Path:
    return raw.with_name(f"{raw.name}.count")


def _read(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""


def _candidates(processes: Processes, environment: Mapping[str, str]) -> Iterator[Counter]:
    """Best first: with the addresses of a process fixed, where that is allowed, and the faster flags, where known."""
    path = environment.get("PATH")
    fixed = ("setarch", platform.machine(), "-R") if shutil.which("setarch", path=path) else ()
    launchers = tuple(dict.fromkeys((fixed, ())))
    if shutil.which("perf", path=path):
        for launcher in launchers:
            yield Counter("perf", "perf events", (*launcher, "perf", "stat", "-x,", "-e", "instructions:u"))
    if shutil.which("valgrind", path=path):
        name = _valgrind_name(processes, environment)
        cachegrind = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--child-silent-after-fork=yes")
        for launcher in launchers:
            for faster in (_FASTER, ()):
                yield Counter("valgrind", name, (*launcher, *cachegrind, *faster))


def _valgrind_name(processes: Processes, environment: Mapping[str, str]) -> str:
    asked = processes.run(["valgrind", "--version"], environment=environment, timeout_seconds=_TRY_SECONDS)
    return asked.stdout.strip().replace("-", " ", 1) or "valgrind"
