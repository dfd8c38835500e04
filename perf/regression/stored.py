"""Head against a stored baseline: unpaired, of another day, and so never red by time alone. Pure.

Two runs of equal code on the same machine differ by more than the samples of either show (up to 28 % of benchmarks
"significantly"), and one run cannot tell by how much. So the interval carries a stated prior for it, and a change of
time is told as unknown, with the command that decides it. Counted metrics are judged where both sides ran about the
same number of iterations: what is allocated once weighs less the more iterations there are.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from perf.model import Series, Verdict
from perf.regression.comparisons import Benchmark, Limits, Row, judge_values
from perf.regression.statistics import unpaired
from perf.regression.verdicts import TOLERANCES, Judgement

# Standard deviation, on the log scale, between two runs of equal code on one machine, until its history tells better.
BETWEEN_RUNS: Final = 0.05
MOST_ITERATIONS_RATIO: Final = 1.1


def judge_stored(
    base: Iterable[Series],
    head: Iterable[Series],
    differences: Sequence[str],
    base_sha: str,
    limits: Limits,
    higher_is_better: Callable[[str], bool],
) -> tuple[Row, ...]:
    """A row for each benchmark and metric that both have. `differences` are the fields in which the machines differ."""
    before = {(Benchmark(each.package, each.name), each.unit): each for each in base}
    after = {(Benchmark(each.package, each.name), each.unit): each for each in head}
    values = {key: (before[key].values, after[key].values) for key in before if key in after}
    rows = judge_values(values, limits, higher_is_better, partial(unpaired, between_runs=BETWEEN_RUNS))
    decide = f"to decide, measure both sides now: --base {base_sha[:12]}"
    settled = []
    for row in rows:
        key = (row.benchmark, row.unit)
        doubt = _doubt(row, before[key], after[key], differences)
        settled.append(
            replace(row, judgement=Judgement(Verdict.UNKNOWN, f"{doubt}; {decide}")) if doubt else row
        )
    return tuple(settled)


def _doubt(row: Row, before: Series, after: Series, differences: Sequence[str]) -> str:
    """Why the row's verdict does not stand; "" when it does."""
    if differences:
        return f"measured on another machine ({'; '.join(differences)})"
    if not row.judgement.alarm:
        return ""
    if row.unit not in TOLERANCES:
        return (
            f"{row.judgement.verdict} ({row.judgement.reason}) against another day, which differs by about "
            f"{BETWEEN_RUNS:.0%} by itself"
        )
    counts = sorted(statistics.median(each.iterations) for each in (before, after))
    if counts[1] > MOST_ITERATIONS_RATIO * counts[0]:
        return f"{row.judgement.verdict} ({row.judgement.reason}), but the iteration counts differ"
    return ""
