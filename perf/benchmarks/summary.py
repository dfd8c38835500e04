"""From what single processes gave to series, problems told once, warnings and one line. Pure."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from perf.benchmarks.format import Result
from perf.load.latency import percentile
from perf.model import BenchmarksResult, Problem, ProblemKind, Series
from perf.units import format_fraction, parse_quantity

LEAST_VALUES: Final = 5
NOISY: Final = 0.10
_NAMED: Final = 3


def series(runs: Mapping[str, Sequence[Sequence[Result]]]) -> tuple[Series, ...]:
    """Each package's results by process, to a Series for each benchmark and unit, a value per process that gave one."""
    collected: dict[tuple[str, str, str], tuple[list[float], list[int]]] = {}
    for package in sorted(runs):
        for result in (result for process in runs[package] for result in process):
            for value in result.values:
                values, iterations = collected.setdefault((package, result.benchmark, value.unit), ([], []))
                values.append(value.value)
                iterations.append(result.iterations)
    return tuple(
        Series(*key, tuple(values), tuple(iterations)) for key, (values, iterations) in collected.items()
    )


def told_once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The first of each kind for each benchmark; a nameless one goes where a named one says the same."""
    named = {(each.package, each.kind, each.text) for each in problems if each.name}
    once: dict[tuple[str, str, ProblemKind], Problem] = {}
    for each in problems:
        if each.name or (each.package, each.kind, each.text) not in named:
            once.setdefault((each.package, each.name, each.kind), each)
    return tuple(once.values())


def variation(values: Sequence[float]) -> float | None:
    """Half the interquartile range as a fraction of the median; None with fewer than two values or a median of 0."""
    if len(values) < 2 or not (middle := statistics.median(values)):
        return None
    return (percentile(values, 0.75) - percentile(values, 0.25)) / 2.0 / abs(middle)


def warnings(result: BenchmarksResult) -> tuple[str, ...]:
    """What a reader should know before believing the times."""
    times = [each for each in result.series if each.unit == "sec/op"]
    said = []
    few = [each for each in times if len(each.values) < LEAST_VALUES]
    if few:
        said.append(
            f"{_counted(len(few), 'benchmark')} with fewer than {LEAST_VALUES} values: "
            "too few to tell their spread"
        )
    noisy = [(spread, each) for each in times if (spread := variation(each.values) or 0.0) > NOISY]
    if noisy:
        noisy.sort(key=lambda pair: -pair[0])
        worst = ", ".join(
            f"{each.package} {each.name} ({format_fraction(spread)})" for spread, each in noisy[:_NAMED]
        )
        rest = f" and {len(noisy) - _NAMED} more" if len(noisy) > _NAMED else ""
        said.append(f"times vary by more than {format_fraction(NOISY)} between processes: {worst}{rest}")
    return tuple(said)


def one_line(result: BenchmarksResult) -> str:
    """The summary for a person."""
    benchmarks = len({(each.package, each.name) for each in result.series})
    counts = {kind: sum(each.kind is kind for each in result.problems) for kind in ProblemKind}
    problems = "".join(f"; {count} {kind}" for kind, count in counts.items() if count)
    return (
        f"{_counted(benchmarks, 'benchmark')} in {_counted(result.packages, 'package')}, "
        f"{_counted(result.processes, 'process', 'processes')} of {result.benchtime} each{problems}"
    )


def benchtime_seconds(benchtime: str) -> float:
    """-benchtime in seconds; a count such as "100x" has no length of its own and is taken for 100 ms."""
    parts = re.findall(r"([\d.]+)(ns|us|µs|ms|s|m|h)", benchtime)
    return sum(parse_quantity(number + unit).value for number, unit in parts) or 0.1


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
