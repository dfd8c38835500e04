"""What a comparison comes to as a whole: status, exit code, one line. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from perf.model import JUDGED_EXITS, Comparison, Outcome, Problem, RegressionResult, Status, Verdict
from perf.regression.verdicts import signed
from perf.report.words import count

# Worst first, as the line tells them.
_ORDER: Final = (
    Verdict.REGRESSION,
    Verdict.UNKNOWN,
    Verdict.BENCHMARK_CHANGED,
    Verdict.MORE_WORK,
    Verdict.IMPROVEMENT,
    Verdict.UNCHANGED,
)
_PLURAL: Final = {Verdict.REGRESSION: "regressions", Verdict.IMPROVEMENT: "improvements"}


def of(result: RegressionResult, warnings: tuple[str, ...], seconds: float) -> Outcome:
    """A regression fails; else anything unknown, and a comparison of nothing, is unknown; else it passes.

    A benchmark that was itself changed is neither: it counts for nothing, and alone it is nothing to compare.
    """
    status = status_of(result)
    return Outcome(
        "regression", status, JUDGED_EXITS[status], summary(result), seconds, result, warnings=warnings
    )


def status_of(result: RegressionResult) -> Status:
    """See `of`."""
    verdicts = {each.verdict for each in result.comparisons} - {Verdict.BENCHMARK_CHANGED}
    if Verdict.REGRESSION in verdicts:
        return Status.FAILED
    nothing = not verdicts and not result.proven
    if nothing or Verdict.UNKNOWN in verdicts or any(problem.counts for problem in result.problems):
        return Status.UNKNOWN
    return Status.PASSED


def summary(result: RegressionResult) -> str:
    """One line: what against what, the verdicts counted, the worst regression by name."""
    proven = f"{_packages(len(result.proven))} identical test binaries"
    failed = _could_not_be_run(result.problems)
    sides = (
        f"{result.base.sha[:12]} → {result.head.sha[:12]}{' + uncommitted changes' if result.dirty else ''}"
    )
    if not result.comparisons:
        if result.proven and not failed:
            return f"{sides}: unchanged, proven: {proven}; nothing to measure"
        words = [*failed, *([f"proven unchanged: {proven}"] if result.proven else [])]
        return f"{sides}: {'; '.join(words) or 'no benchmark stands on both sides: nothing to compare'}"
    counts = Counter(each.verdict for each in result.comparisons)
    words = [
        f"{counts[verdict]} {_PLURAL.get(verdict, verdict) if counts[verdict] > 1 else verdict}"
        + (f" (worst: {_worst(result)})" if verdict is Verdict.REGRESSION else "")
        for verdict in _ORDER
        if counts[verdict]
    ]
    rest = [*failed, *([f"proven unchanged: {proven}"] if result.proven else [])]
    return "; ".join([f"{sides}: {', '.join(words)}", *rest])


def _could_not_be_run(problems: Iterable[Problem]) -> list[str]:
    """A problem without a name is the whole package's."""
    found = Counter("benchmark" if each.name else "package" for each in problems if each.counts)
    told = [count(found[noun], noun) for noun in ("package", "benchmark") if found[noun]]
    return [f"{' and '.join(told)} could not be run"] if told else []


def _packages(number: int) -> str:
    return f"{count(number, 'package')} {'has' if number == 1 else 'have'}"


def _worst(result: RegressionResult) -> str:
    worst = max(
        (each for each in result.comparisons if each.verdict is Verdict.REGRESSION), key=_size_of_change
    )
    change = "from zero" if worst.change is None else signed(worst.change)
    return f"{worst.package} {worst.name} {worst.unit} {change}"


def _size_of_change(comparison: Comparison) -> float:
    return float("inf") if comparison.change is None else abs(comparison.change)
