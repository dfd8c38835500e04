"""The Go benchmark format: the text of `go test -bench` in, records out.

The format is golang.org/design/14313-benchmark-format; what `testing` really prints is wider,
and these are the rules for it:

1. A whole line `name iterations (value unit)+` is a `Result`.
2. `testing` prints the name, padded, and a tab; then the benchmark runs; then come the numbers
   (`%8d`, then a tab before each value). Whatever the benchmark logs lies between, may be glued to
   either, and belongs to no one: until the numbers come, no other line means anything, save the
   end of the process. So a name that was started waits for its numbers.
3. With -v a name alone on its line is only an announcement: name and numbers come together later.
4. A panic or an exit is believed once the process has ended: a benchmark that still delivers
   numbers had only logged such a line.
5. What can't be told apart is a `SyntaxProblem`, not a guess. Nothing here raises on bad text.

`-json` streams are not read here: join their output per package first.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from perf.benchmarks.format import (
    Configuration,
    Failure,
    FailureKind,
    Record,
    Result,
    Skip,
    SyntaxProblem,
    Unit,
    Value,
    split_procs,
    tidy,
)

# `key: value` lines that go and testing print and that configure nothing.
_NOT_CONFIGURATION = ("testing: ", "coverage: ", "go: downloading ", "go: finding ")
_DEATHS: tuple[tuple[str, FailureKind], ...] = (
    ("panic: test timed out", "timeout"),
    ("*** Test killed", "timeout"),
    ("panic: ", "panic"),
    ("fatal error: ", "panic"),
    ("SIGQUIT: ", "signal"),
    ("signal: ", "signal"),
    ("exit status ", "exit"),
)
_DEATH_STARTS = tuple(start for start, _ in _DEATHS)
_MOST_ITERATIONS = 1_000_000_000  # testing never chooses more
_MOST_OUTPUT_LINES = 60

_NAME = r"Benchmark(?![a-z])\S*"
_START = re.compile(rf"({_NAME}) *\t")
_GLUED_START = re.compile(rf"({_NAME}) +\t")
_PADDED = "|".join(rf" {{{8 - digits}}}[0-9]{{{digits}}}" for digits in range(1, 8))
_NUMBERS = re.compile(
    rf"({_PADDED}|(?<![0-9])[0-9]{{8,}}+)"
    r"((?:\t *(?:[-+]?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?|NaN|[-+]Inf) \S+)+)\s*$"
)
_HEADER = re.compile(r"--- (FAIL|SKIP|BENCH): (Benchmark\S*)$")
_PACKAGE_FAILED = re.compile(r"FAIL\t(\S+)(?:\t[\d.]+s| \[(.+)\])?$")
_GOOS = re.compile(r"goos: (\w+)$")
_COMPILER = re.compile(r"\.go:\d+|^\t|^too many errors")
_LOCATION = re.compile(r"[^\s/\\:]+_test\.go:\d+")
_TRACE = re.compile(r"goroutine \d+ .*\]:$")


def parse(lines: Iterable[str], file: str, procs: int | None = None) -> Iterator[Record]:
    """The records of a benchmark output, in order of their discovery.

    `lines` come with or without line ends (split text at "\\n", not by `splitlines`); where they
    have them, a line without one was cut off, and is a problem. `procs` is the GOMAXPROCS the run
    was fixed to (-test.cpu); without it, a trailing "-N" is taken for it, as benchstat does, which
    is wrong for "Level_-1" run with GOMAXPROCS=1, where `testing` prints no suffix.
    """
    reader = _Reader(file, procs)
    for number, line in enumerate(lines, 1):
        reader.read(number, line)
        if reader.records:
            yield from reader.take()
    reader.end_input()
    yield from reader.take()


def results(records: Iterable[Record]) -> Iterator[Result]:
    """Only the results among records."""
    return (record for record in records if isinstance(record, Result))


@dataclass(slots=True)
class _Started:
    """A name that was printed; `certain` if it stood where testing puts it."""

    name: str
    line: int
    certain: bool


@dataclass(slots=True)
class _Block:
    """A header or a last word, and the lines that explain it."""

    kind: FailureKind
    name: str | None
    message: str
    line: int
    header: str = ""
    output: list[str] = field(default_factory=list)
    traced: bool = False
    location: str | None = None

    def explain(self, text: str) -> None:
        if self.location is None and (place := _LOCATION.search(text)):
            self.location = place[0]
        self.traced = self.traced or _TRACE.match(text) is not None
        if text.strip() and len(self.output) < _MOST_OUTPUT_LINES:
            self.output.append(text)


class _Reader:
    """The state between two lines; see the rules at the top."""

    def __init__(self, file: str, procs: int | None) -> None:
        self.file = file
        self.procs = procs
        self.records: list[Record] = []
        self.configuration: Configuration = ()
        self.package: str | None = None
        self.units: dict[tuple[str, str], str] = {}
        self.started: _Started | None = None
        self.rivals: list[_Started] = []
        self.announced: _Started | None = None
        self.doubtful: str | None = None  # name of the last bad result: a panic prints "0 NaN ns/op" first
        self.block: _Block | None = None
        self.deaths: list[_Block] = []
        self.indented: list[str] = []
        self.compiler: dict[str, list[str]] = {}
        self.compiling: list[str] | None = None
        self.package_failed = False
        self.terminated = False
        self.cut = False

    def take(self) -> list[Record]:
        records, self.records = self.records, []
        return records

    def read(self, number: int, raw: str) -> None:
        ended = raw[-1:] == "\n"
        self.cut = self.terminated and not ended
        self.terminated = self.terminated or ended
        line = raw.rstrip("\r\n")
        if self.block is not None:
            if self.started is None and line.startswith(("    ", "\t")):
                self.block.explain(line)
                return
            self.close_block()
        if not (line.startswith("Benchmark") and self.read_benchmark(number, line)):
            self.read_other(number, line)

    def read_benchmark(self, number: int, line: str) -> bool:
        """Read a line that begins with "Benchmark"; False if that means nothing."""
        fields = line.split()
        name = fields[0]
        if name[9:10].islower():
            return False
        if self.indented:
            self.indented.clear()
        start = _START.match(line)
        if (
            len(fields) > 3
            and (start is None or _is_whole(line[start.end() :], fields))
            and (self.started is None or self.is_plausible(name))
            and self.add_result(_Started(name, number, True), fields[1], fields[2:], line)
        ):
            return True
        if start is not None:
            self.start(_Started(name, number, True))
            self.read_other(number, line[start.end() :])
            return True
        if self.started is not None or _GLUED_START.search(line):
            return False
        if len(fields) == 1:
            self.announced = _Started(name, number, False)
        elif wrong := _what_is_wrong(fields):
            self.problem(number, line, f"{name}: {wrong}")
        return True

    def start(self, begun: _Started) -> None:
        if self.started is None or not self.started.certain:
            self.started, self.rivals = begun, []
        elif self.is_plausible(begun.name):
            self.rivals.append(begun)

    def is_plausible(self, name: str) -> bool:
        """Whether testing may have printed this as the name of a benchmark it runs."""
        return self.procs is None or self.procs == 1 or name.endswith(f"-{self.procs}")

    def read_other(self, number: int, text: str) -> None:
        """Read a line, or what follows a started name on its line."""
        if "\t" in text and (numbers := _NUMBERS.search(text)) and self.add_numbers(number, text, numbers):
            return
        if "--- " in text and (header := _HEADER.search(text)):
            self.open_block(number, header[1], header[2])
        elif text.startswith("FAIL\t") and (failed := _PACKAGE_FAILED.match(text)):
            self.fail_package(number, failed[1], failed[2])
        elif text.startswith("ok  \t"):
            self.deaths = []
            self.end_process()
            self.package = None
        elif text.startswith(_DEATH_STARTS) or (text == "FAIL" and self.started is None):
            self.note_death(number, text)
        elif (
            "goos: " in text and (goos := _GOOS.search(text)) and (goos.start() == 0 or self.started is None)
        ):
            # A new process; what it took over may only have logged the word panic.
            self.deaths = [death for death in self.deaths if death.traced or death.message == "FAIL"]
            self.fail_exits(self.end_process())
            self.configure("goos", goos[1])
        elif self.deaths:
            self.deaths[-1].explain(text)
        elif self.started is None or not self.started.certain:
            self.read_idle(number, text)

    def read_idle(self, number: int, text: str) -> None:
        """Read a line while no benchmark is known to run."""
        if text.startswith("    "):
            self.indented.append(text)
            return
        self.indented.clear()
        if "\t" in text and (glued := _GLUED_START.search(text)) and self.is_plausible(glued[1]):
            self.started = _Started(glued[1], number, False)
            self.read_other(number, text[glued.end() :])
        elif self.started is not None:
            return
        elif text.startswith("# "):
            self.compiling = self.compiler.setdefault(text[2:].partition(" ")[0], [])
        elif self.compiling is not None and _COMPILER.search(text):
            self.compiling.append(text)
        elif text.startswith("Unit") and "=" in text:
            self.read_unit(number, text)
        elif text[:1].islower() and not text.startswith(_NOT_CONFIGURATION):
            key, colon, value = text.partition(":")
            is_key = colon and key.split() == [key] and not any(map(str.isupper, key))
            if is_key and value[:1] in ("", " ", "\t"):
                self.configure(key, value.lstrip(" \t"))

    def configure(self, key: str, value: str) -> None:
        others = [setting for setting in self.configuration if setting[0] != key]
        self.configuration = tuple(sorted([*others, (key, value)] if value else others))
        if key == "pkg":
            self.package = value or None

    def read_unit(self, number: int, text: str) -> None:
        fields = text.split()
        if fields[0] != "Unit":
            return
        original = fields[1]
        unit = tidy(original)[0]
        for pair in fields[2:]:
            key, equals, value = pair.partition("=")
            known = self.units.get((unit, key))
            if not (key and equals):
                self.problem(number, text, f"{pair!r} is not key=value")
            elif known is not None and known != value:
                self.problem(number, text, f"{key} of unit {original} is already {known}")
            elif known is None:
                self.units[unit, key] = value
                self.records.append(Unit(unit, original, key, value, self.file, number))

    def add_numbers(self, number: int, text: str, numbers: re.Match[str]) -> bool:
        """Give numbers that stand without their name to the benchmark that waits for them."""
        started = self.started
        glued = _GLUED_START.search(text, 0, numbers.start()) if started is None else None
        if glued is not None:
            started = _Started(glued[1], number, False)
        elif started is None:
            if numbers.start() or " ns/op" not in text:
                return False
            started = self.announced
        if started is None:
            self.problem(number, text, "numbers without the name of a benchmark")
            return True
        if self.rivals:
            names = ", ".join(f"{each.name} (line {each.line})" for each in (started, *self.rivals))
            self.problem(number, text, f"numbers that may belong to any of {names}")
        elif int(numbers[1][:20]) > _MOST_ITERATIONS:
            self.problem(started.line, text, f"the iteration count of {started.name} runs into log output")
        else:
            self.add_result(started, numbers[1].strip(), numbers[2].split(), text)
        self.started, self.rivals = None, []
        return True

    def add_result(self, started: _Started, count: str, pairs: list[str], text: str) -> bool:
        """Add a result, or the problems of one; False if the text is not a result at all."""
        digits = count[1:] if count[0] in "+-" else count
        if len(pairs) % 2 or not digits.isdecimal() or not count.isascii() or len(count) > 18:
            return False
        try:
            numbers = [float(token) for token in pairs[::2]]
        except ValueError:
            return False
        iterations = int(count)
        self.announced, self.deaths = None, []
        if self.cut:
            self.problem(started.line, text, f"{started.name} is cut off: its line has no end")
            return True
        if iterations < 1:
            self.doubtful = started.name
            self.problem(
                started.line, text, f"{started.name} did not run to its end: {iterations} iterations"
            )
            return True
        values: list[Value] = []
        seen: set[str] = set()
        for token, number, original in zip(pairs[::2], numbers, pairs[1::2], strict=True):
            unit, multiply, divide = tidy(original)
            value = number * multiply / divide
            if not math.isfinite(value) or "_" in token or not token.isascii():
                self.problem(started.line, text, f"{started.name}: {token} {original} is not a finite number")
            elif unit in seen:
                self.problem(
                    started.line, text, f"{started.name} gives {unit} more than once; the first counts"
                )
            else:
                seen.add(unit)
                values.append(Value(value, unit, number, original))
        if values:
            self.doubtful = None
            benchmark, procs = split_procs(started.name, self.procs)
            self.records.append(
                Result(
                    started.name,
                    benchmark,
                    procs,
                    iterations,
                    tuple(values),
                    self.configuration,
                    self.file,
                    started.line,
                )
            )
        return True

    def problem(self, line: int, text: str, message: str) -> None:
        self.records.append(SyntaxProblem(self.file, line, text, message))

    def open_block(self, number: int, header: str, name: str) -> None:
        """Begin a `--- FAIL|SKIP|BENCH:` block; with -v its reasons were printed just before it."""
        self.block = _Block("benchmark", name, "", number, header)
        for line in self.indented if self.announced is not None else ():
            self.block.explain(line)
        self.indented.clear()
        if self.started is not None and self.started.name == name:
            self.started, self.rivals = None, []

    def close_block(self) -> None:
        block, self.block = self.block, None
        if block is None or block.name is None or block.header == "BENCH":
            return
        block.output = [line.strip() for line in block.output]
        if block.header == "SKIP":
            reason = tuple(block.output)
            self.records.append(Skip(block.name, self.package, reason, block.location, self.file, block.line))
        else:
            block.message = block.output[0] if block.output else f"{block.name} failed without a message"
            self.fail(block)

    def note_death(self, number: int, text: str) -> None:
        if text == "FAIL":
            if not self.package_failed:
                self.deaths.append(_Block("exit", None, text, number))
            return
        kind = next(kind for start, kind in _DEATHS if text.startswith(start))
        running = self.started or self.announced
        name = running.name if running else self.doubtful
        self.deaths.append(_Block(kind, name, text, number))

    def fail_package(self, number: int, package: str, note: str | None) -> None:
        exits = self.end_process()
        self.package = package
        if note:
            build = _Block("build", None, note, number)
            for line in self.compiler.pop(package, ()):
                build.explain(line)
            self.fail(build)
        else:
            self.fail(_Block("package", None, exits[-1].message if exits else "FAIL", number))
        self.package, self.package_failed = None, True

    def fail(self, block: _Block) -> None:
        self.records.append(
            Failure(
                block.kind,
                block.name,
                self.package,
                block.message,
                tuple(block.output),
                block.location,
                self.file,
                block.line,
            )
        )

    def fail_exits(self, exits: list[_Block]) -> None:
        """A process that ended badly, with no line that names its package."""
        if exits:
            self.fail(_Block("exit", None, exits[-1].message, exits[0].line))

    def end_process(self) -> list[_Block]:
        """The process is over: believe in its deaths, and wait for no numbers. Gives its exit lines."""
        self.close_block()
        exits = [death for death in self.deaths if death.kind == "exit"]
        causes = [death for death in self.deaths if death.kind != "exit"]
        names = {death.name for death in causes}
        for each in [self.started, *self.rivals]:
            if each is not None and each.certain and each.name not in names:
                self.problem(each.line, each.name, f"{each.name} was started and never printed its numbers")
        for death in causes:
            self.fail(death)
        self.started, self.rivals, self.announced, self.doubtful = None, [], None, None
        self.deaths, self.compiling = [], None
        self.indented.clear()
        return exits

    def end_input(self) -> None:
        self.fail_exits(self.end_process())


def _is_whole(rest: str, fields: list[str]) -> bool:
    """Whether the text behind a name and a tab begins with the iteration count, and not with a log
    line ("3 2 layers") glued to the name: testing puts a tab behind the count."""
    count, tab, _ = rest.partition("\t")
    return count.strip() == fields[1] or (not tab and "ns/op" in fields)


def _what_is_wrong(fields: list[str]) -> str | None:
    """What keeps a line that begins with a benchmark's name from being a result; None for mere text."""
    numeric = "+-.0123456789"
    if fields[1][0] not in numeric:
        return None
    if len(fields) == 2:
        return "no measurements"
    if fields[2][0] not in numeric and "ns/op" not in fields:
        return None
    if not fields[1].lstrip("+-").isdecimal():
        return f"iteration count {fields[1]!r} is not an integer"
    if len(fields) % 2:
        return "a measurement has no unit"
    return "a measurement is not a number"
