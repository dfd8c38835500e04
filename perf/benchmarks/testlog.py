"""The text output of `go test`, with or without -v, alone or among the lines that make echoes.

What it tells is which tests ran and how they ended. "ok" alone is not enough: a run pattern that
matches no test, and a cached result, print it too, and exit 0.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

TestStatus = Literal["passed", "failed", "skipped"]
PackageStatus = Literal["passed", "failed", "build failed", "no tests to run", "no test files"]

_STATUS: dict[str, TestStatus] = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}
_REPORT = re.compile(r"--- (PASS|FAIL|SKIP): (\S+) \((\d+\.\d+)s\)$")
_UPDATE = re.compile(r"=== (RUN|PAUSE|CONT|NAME)\s+(\S*)$")
_PACKAGE = re.compile(r"(ok  |FAIL|\?   )\t(\S+)(?:\s+(.*))?$")
_SECONDS = re.compile(r"(\d+\.\d+)s\b")
_DEATH = re.compile(r"(?:panic|fatal error|signal|SIGQUIT): |\*\*\* Test killed")
_RUNNING = re.compile(r"\t\t(\S+) \([\dhm.]+s\)$")  # below "running tests:" after a timeout
_MAKE = re.compile(r"g?make(?:\[\d+\])?: \*\*\* ")
_COMPILER = re.compile(r"\S+\.go:\d+(?::\d+)?: |\t|too many errors")
_INDENT = re.compile(r"(?: {4})*")
_MOST_OUTPUT_LINES = 200


@dataclass(frozen=True, slots=True)
class TestCase:
    """A test or subtest ("TestA/b"). `seconds` is None where it never ended (a panic or a timeout took
    the process: then it failed). `output` is what a failed or skipped test printed, "" if passed."""

    __test__ = False  # not a test of ours, whatever pytest thinks of its name

    package: str | None
    name: str
    status: TestStatus
    seconds: float | None
    output: str


@dataclass(frozen=True, slots=True)
class TestPackage:
    """A package's last line. `cached` means that go ran nothing and showed an older result."""

    __test__ = False

    name: str
    status: PackageStatus
    seconds: float | None
    cached: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """A panic, a timeout, a compile error, make's error, a test without an end: where and what."""

    line: int
    text: str
    message: str


@dataclass(frozen=True, slots=True)
class TestLog:
    """Cases in the order they started. `no_tests` is true when nothing shows that any test ran."""

    __test__ = False

    cases: tuple[TestCase, ...]
    packages: tuple[TestPackage, ...]
    no_tests: bool
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Case:
    name: str
    line: int
    status: TestStatus | None = None
    seconds: float | None = None
    output: list[str] = field(default_factory=list)


def parse_testlog(lines: Iterable[str]) -> TestLog:
    """Read `go test` output, lines with or without line ends; arbitrary text is no error.

    Cases get the package of the next package line; a bare test binary prints none: None.
    """
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        reader.read(number, line.rstrip("\r\n"))
    return reader.end()


class _Reader:
    """The state between two lines."""

    def __init__(self) -> None:
        self.cases: list[TestCase] = []
        self.packages: list[TestPackage] = []
        self.problems: list[Problem] = []
        self.started: list[_Case] = []  # the cases of the package that is being read
        self.latest: dict[str, _Case] = {}  # by name: -count=2 runs a test twice
        self.current: _Case | None = None
        self.reported: list[_Case] = []  # nested reports: the indentation of output tells whose it is
        self.dead = False
        self.compiling = False
        self.nothing_to_run = False
        self.passed_by_word = False

    def read(self, number: int, line: str) -> None:
        compiling, self.compiling = self.compiling, False
        if package := _PACKAGE.match(line):
            self.end_package(number, line, package)
        elif update := _UPDATE.match(line):
            self.update(number, update[1], update[2])
        elif (report := _REPORT.search(line)) and self.is_report(line[: report.start()], report[2]):
            self.report(number, line[: report.start()], report)
        elif line == "testing: warning: no tests to run":
            self.nothing_to_run = True
        elif line in ("PASS", "FAIL"):
            self.current, self.reported = None, []
            self.passed_by_word = self.passed_by_word or not self.nothing_to_run
        elif _MAKE.match(line):
            self.problems.append(Problem(number, line, "make failed"))
        elif line.startswith("# "):
            self.compiling = True
        elif compiling and _COMPILER.match(line):
            self.compiling = True
            self.problems.append(Problem(number, line, "does not compile"))
        elif _DEATH.match(line) and not self.dead:
            self.die(number, line)
        elif self.dead and (running := _RUNNING.match(line)):
            self.current = self.running(number, running[1])
        else:
            self.add_output(line)

    def update(self, number: int, action: str, name: str) -> None:
        self.reported = []
        if action == "RUN":
            self.running(number, name)
        self.current = None if action == "PAUSE" else self.latest.get(name)

    def running(self, number: int, name: str) -> _Case:
        """The case of this name that has not ended, a new one if there is none."""
        case = self.latest.get(name)
        if case is None or case.status is not None:
            case = self.latest[name] = _Case(name, number)
            self.started.append(case)
        return case

    def is_report(self, before: str, name: str) -> bool:
        """At the start, or indented below a report; behind unterminated output only of a test that runs."""
        running = self.latest.get(name)
        return not before.strip() or (running is not None and running.status is None)

    def report(self, number: int, before: str, report: re.Match[str]) -> None:
        case = self.running(number, report[2])
        case.status, case.seconds = _STATUS[report[1]], float(report[3])
        if before.strip():
            case.output.append(before)
            before = ""
        self.reported = [*self.reported[: len(before) // 4], case]
        self.current = None

    def add_output(self, line: str) -> None:
        owner = self.current
        if owner is None and self.reported:
            indent = _INDENT.match(line)
            depth = len(indent[0]) // 4 if indent else 0
            if depth == 0 and not self.dead:
                return
            owner = self.reported[min(max(depth, 1), len(self.reported)) - 1]
        if owner is not None and len(owner.output) < _MOST_OUTPUT_LINES:
            owner.output.append(line)

    def die(self, number: int, line: str) -> None:
        """A panic's text belongs to the test that runs, or to the one just reported as failed."""
        message = "timed out" if "timed out" in line or "ran too long" in line else "the process died"
        self.problems.append(Problem(number, line, message))
        self.dead = True
        if self.current is None and self.reported:
            self.reported = self.reported[:1]
        elif self.current is None:
            self.current = next((case for case in self.started if case.status is None), None)
        self.add_output(line)

    def end_package(self, number: int, line: str, match: re.Match[str]) -> None:
        word, name, note = match[1].strip(), match[2], match[3] or ""
        status: PackageStatus = "passed" if word == "ok" else "failed"
        if word == "?" or "[no test files]" in note:
            status = "no test files"
        elif "[no tests to run]" in note:
            status = "no tests to run"
        elif "[build failed]" in note or "[setup failed]" in note:
            status = "build failed"
            self.problems.append(Problem(number, line, f"{name} does not build"))
        if status != "build failed":
            # Not its own tests: a package that did not compile is reported whenever go gets to it.
            self.end_cases(name)
        seconds = _SECONDS.match(note)
        cached = note.startswith("(cached)")
        self.packages.append(TestPackage(name, status, float(seconds[1]) if seconds else None, cached))
        self.nothing_to_run = False

    def end_cases(self, package: str | None) -> None:
        for case in self.started:
            if case.status is None:
                self.problems.append(Problem(case.line, case.name, f"{case.name} never ended"))
            status = case.status or "failed"
            output = "" if status == "passed" else "\n".join(case.output).rstrip("\n")
            self.cases.append(TestCase(package, case.name, status, case.seconds, output))
        self.started, self.latest = [], {}
        self.current, self.reported, self.dead = None, [], False

    def end(self) -> TestLog:
        self.end_cases(None)
        ran = bool(self.cases) or any(each.status in ("passed", "failed") for each in self.packages)
        no_tests = not ran and not (self.passed_by_word and not self.packages)
        return TestLog(tuple(self.cases), tuple(self.packages), no_tests, tuple(self.problems))
