"""The Go benchmark format as values: records, units in their base, and back to text. `reader` makes the records.

The format is golang.org/design/14313-benchmark-format.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Configuration = tuple[tuple[str, str], ...]
FailureKind = Literal["benchmark", "panic", "timeout", "signal", "build", "package", "exit"]

# Units scaled to their base: base unit, multiply by, divide by (two integers keep 123 ns == 1.23e-07 s).
_SCALED = {
    "ns": ("sec", 1, 10**9),
    "us": ("sec", 1, 10**6),
    "µs": ("sec", 1, 10**6),  # U+00B5 micro sign
    "μs": ("sec", 1, 10**6),  # U+03BC Greek mu
    "ms": ("sec", 1, 10**3),
    "MB": ("B", 10**6, 1),
}


@dataclass(frozen=True, slots=True)
class Value:
    """A measurement in base units (sec, B, …), with the number and unit that were printed."""

    value: float
    unit: str
    original_value: float
    original_unit: str


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one benchmark.

    `name` is as printed ("BenchmarkCopy/Level_-1-2"), `benchmark` is without the GOMAXPROCS suffix,
    which is `procs` (None where there is none). `configuration` holds the `key: value` lines in
    force. `line` is where the name stands; the numbers may follow many lines later.
    """

    name: str
    benchmark: str
    procs: int | None
    iterations: int
    values: tuple[Value, ...]
    configuration: Configuration
    file: str
    line: int

    def value(self, unit: str) -> float | None:
        """The measurement in a base unit ("sec/op"), or None if there is none."""
        return next((value.value for value in self.values if value.unit == unit), None)

    def setting(self, key: str) -> str | None:
        """A configuration value: goos, goarch, pkg, cpu or any other key."""
        return next((value for known, value in self.configuration if known == key), None)


@dataclass(frozen=True, slots=True)
class Unit:
    """One `key=value` of a unit metadata line: better=higher|lower, assume=exact|nothing."""

    unit: str
    original_unit: str
    key: str
    value: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """A line that should have been a measurement and isn't: what was wrong with it."""

    file: str
    line: int
    text: str
    message: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A benchmark, a process or a package that failed.

    `message` is the first line of the reason, `output` up to 60 lines that explain it,
    `location` the first place in a test file ("x_test.go:12") named there.
    """

    kind: FailureKind
    name: str | None
    package: str | None
    message: str
    output: tuple[str, ...]
    location: str | None
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Skip:
    """A benchmark that skipped itself (printed with -v only), with the lines of its reason."""

    name: str
    package: str | None
    reason: tuple[str, ...]
    location: str | None
    file: str
    line: int


Record = Result | Unit | SyntaxProblem | Failure | Skip


def split_procs(name: str, procs: int | None) -> tuple[str, int | None]:
    """A printed name → (the benchmark's name, its GOMAXPROCS suffix); `procs` as for `parse`."""
    head, dash, tail = name.rpartition("-")
    if not (dash and tail.isascii() and tail.isdigit()) or len(tail) > 9:
        return name, None
    if procs is None or (procs != 1 and tail == str(procs)):
        return head, int(tail)
    return name, None


@lru_cache(maxsize=1024)
def tidy(unit: str) -> tuple[str, int, int]:
    """A unit → (its base unit, multiply by, divide by); only numerators are scaled ("op/ns" stays)."""
    multiply = divide = 1
    parts = re.split(r"([-*/])", unit)
    if len(parts) > 20:
        return unit, 1, 1
    denominator = False
    for index, part in enumerate(parts):
        if part in ("/", "*"):
            denominator = part == "/"
        elif part in _SCALED and not denominator:
            parts[index], up, down = _SCALED[part]
            multiply, divide = multiply * up, divide * down
    return "".join(parts), multiply, divide


def higher_is_better(unit: str, metadata: Iterable[Unit] = ()) -> bool:
    """Whether more of a unit is better: what `Unit … better=` says, else true for rates (x/s)."""
    base = tidy(unit)[0]
    for record in metadata:
        if record.unit == base and record.key == "better":
            return record.value == "higher"
    return unit.endswith(("/s", "/sec"))


def format_result(result: Result, since: Configuration = ()) -> str:
    """A result as text that parses to an equal one: first the configuration lines that changed
    `since` the one in force, then the result in its original units."""
    before, now = dict(since), dict(result.configuration)
    lines = [f"{key}:" for key in before if key not in now]
    lines += [f"{key}: {value}" for key, value in now.items() if before.get(key) != value]
    pairs = (f"\t{_number(value.original_value)} {value.original_unit}" for value in result.values)
    lines.append(f"{result.name}\t{result.iterations:8d}{''.join(pairs)}")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e16 else repr(value)
