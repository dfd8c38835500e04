"""Words, marks and figures that every rendering uses. Meaning never rests on colour or on a mark alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from perf.errors import MEANINGS, ExitCode
from perf.model import ObjectiveRow, Outcome, Problem, RunRecord, Status, Verdict
from perf.report.escape import one_line, shorten
from perf.report.tables import ABSENT
from perf.units import Dimension, format_fraction, format_rate, format_seconds, format_size, parse_limit

MARKS: Final[dict[str, str]] = {
    Status.PASSED: "✅",
    Status.FAILED: "❌",
    Status.UNKNOWN: "❔",
    Status.LEFT_OUT: "➖",
    Status.INTERRUPTED: "❔",
    Verdict.REGRESSION: "❌",
    Verdict.IMPROVEMENT: "✅",
    Verdict.UNCHANGED: "✅",
    Verdict.MORE_WORK: "➕",
    Verdict.BENCHMARK_CHANGED: "➖",
    "met": "✅",
    "missed": "❌",
    "not measured": "❔",
    "skipped": "➖",
}

SCENARIO_TITLES: Final = {
    "benchmarks": "Benchmarks",
    "load": "Load",
    "stress": "Stress",
    "baseline": "Baseline",
    "regression": "Regression",
    "integration": "Integration",
}


_WRITTEN: Final[dict[Dimension, Callable[[float], str]]] = {
    "rate": format_rate,
    "duration": format_seconds,
    "fraction": format_fraction,
    "size": format_size,
    "frequency": lambda value: f"{value:,.4g}/s",
}


def title(scenario: str) -> str:
    return SCENARIO_TITLES.get(scenario, scenario)


def marked(word: str) -> str:
    """A word with its mark in front: "✅ met"."""
    return f"{MARKS[word]} {word}" if word in MARKS else word


def objective_word(row: ObjectiveRow) -> str:
    if row.current is None:
        return "not measured"
    if row.holds is None:
        return "unknown"
    return "met" if row.holds else "missed"


def objective_value(row: ObjectiveRow) -> str:
    """The current value as its target is written: a rate in MB/s, a time scaled, a share in percent."""
    if row.current is None:
        return "not measured"
    try:
        dimension: Dimension = parse_limit(row.target).bound.dimension
    except ValueError:
        dimension = "number"
    if dimension in _WRITTEN:
        return _WRITTEN[dimension](row.current)
    return f"{row.current:,.4g} {row.unit}".rstrip()


def verdict_line(record: RunRecord) -> str:
    """The run in one line: its exit code's meaning."""
    mark = {ExitCode.FINE: "✅", ExitCode.FAILED: "❌"}.get(record.exit_code, "❔")
    return f"{mark} exit {int(record.exit_code)}: {MEANINGS[record.exit_code]}"


def change(fraction: float | None, unit: str = "") -> str:
    """A change with its sign: "+5.0 %", "−3.1 %"; "+0.31 %" of instructions, which repeat that well."""
    if fraction is None:
        return ABSENT
    percent = f"{abs(fraction) * 100:.{2 if unit.startswith('instructions') else 1}f} %"
    return percent if fraction == 0 else f"{'+' if fraction > 0 else '−'}{percent}"


def plus_minus(fraction: float | None) -> str:
    """A spread in percent: "± 2.1 %"."""
    return ABSENT if fraction is None else f"± {fraction * 100:.1f} %"


def count(number: int, noun: str) -> str:
    """ "1 image", "40 images"; nouns whose plural ends in -s or -es."""
    plural = f"{noun}es" if noun.endswith(("s", "x", "sh", "ch")) else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def took(seconds: float) -> str:
    """How long something went on; what took no time to speak of is "0 s", not nanoseconds."""
    return "0 s" if seconds < 1e-3 else format_seconds(seconds)


def joined(words: Iterable[str]) -> str:
    return ", ".join(words)


def problem_title(problem: Problem) -> str:
    """Package and benchmark of a problem, as far as known."""
    return (
        " ".join(shorten(one_line(part), 80) for part in (problem.package, problem.name) if part) or "the run"
    )


def outcomes_of(record: RunRecord, scenario: str) -> tuple[Outcome, ...]:
    return tuple(outcome for outcome in record.outcomes if outcome.scenario == scenario)
