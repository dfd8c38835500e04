"""`regression --bisect`: what got slower is followed to the commit that did it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from perf.benchmarks.names import exact_pattern
from perf.bisect import command
from perf.bisect.model import BisectResult, Metric
from perf.bisect.resume import Wanted
from perf.bisect.search import Seeds
from perf.context import Context
from perf.errors import Interrupted, PerfError
from perf.model import Comparison, Culprit, Outcome, RegressionResult, Touch, Verdict
from perf.regression import journal, scenario
from perf.regression.process import from_json
from perf.system import clock

# What repeats is found with few measurements.
_BEST_FIRST: Final = (Metric.INSTRUCTIONS, Metric.ALLOCS, Metric.BYTES, Metric.CPU, Metric.WALL)


def run(context: Context) -> Outcome:
    """The regression, and with --bisect the commit of the benchmark that got worst. It never changes the verdict."""
    outcome = scenario.run(context)
    result = outcome.result
    if not context.options.bisect or not isinstance(result, RegressionResult):
        return outcome
    started = clock.monotonic_seconds()
    chosen = _chosen(result)
    if chosen is None:
        return outcome
    row, metric = chosen
    if result.base.sha == result.head.sha:
        return _warned(
            outcome, "the uncommitted changes are all that differs, so there is no commit to search"
        )
    options = replace(context.options, bench=exact_pattern(row.name), budget_seconds=None, resume=None)
    wanted = Wanted(result.base.sha, result.head.sha, row.package, metric)
    try:
        found = command.search(replace(context, options=options), wanted, seeds=_seeds(context, row, metric))
    except Interrupted:
        raise
    except PerfError as error:
        return _warned(outcome, f"the commit was not found: {error.what.splitlines()[0]}")
    kept = command.keep(context, found)
    culprit = replace(_culprit(row, found), command=found.again)
    told = f"the search for {row.name}: {context.shown(kept)} (bisect.json, bisect.log, staircase.svg)"
    seconds = outcome.seconds + clock.monotonic_seconds() - started
    return replace(
        outcome,
        result=replace(result, culprits=(culprit,)),
        seconds=seconds,
        warnings=(*outcome.warnings, *found.notes, told),
    )


def _chosen(result: RegressionResult) -> tuple[Comparison, Metric] | None:
    """The benchmark that got worst, by that of its metrics which is cheapest to search by."""
    metrics = {metric.unit: metric for metric in _BEST_FIRST}
    red = [each for each in result.comparisons if each.verdict is Verdict.REGRESSION and each.unit in metrics]
    if not red:
        return None
    worst = max(red, key=lambda each: each.change if each.change is not None else float("inf"))
    own = {each.unit: each for each in red if (each.package, each.name) == (worst.package, worst.name)}
    metric = next(each for each in _BEST_FIRST if each.unit in own)
    return own[metric.unit], metric


def _culprit(row: Comparison, found: BisectResult) -> Culprit:
    commits = tuple(found.levels[place].commit for place in found.culprits)
    return Culprit(
        row.package,
        row.name,
        row.unit,
        tuple(Touch(each.sha, each.subject, each.author) for each in commits),
        found.chance,
        f"{found.ending}: {found.summary} ({found.measurements} measurements)",
    )


def _warned(outcome: Outcome, words: str) -> Outcome:
    return replace(outcome, warnings=(*outcome.warnings, f"--bisect: {words}"))


def _seeds(context: Context, row: Comparison, metric: Metric) -> Seeds | None:
    """What the rounds measured of both ends, process by process; None for what is counted, which costs nothing."""
    if metric.repeats:
        return None
    known = journal.read(context.room("regression") / journal.FILE_NAME)
    survey = known.get(f"survey/base/{row.package}")
    iterations = survey["iterations"].get(row.name) if isinstance(survey, dict) else None
    if not iterations:
        return None
    end = f"/{row.package} {row.name}"
    runs = [
        (key.split("/")[2] == "head", measured)
        for key, value in known.items()
        if key.startswith(("first/", "fresh/"))
        and key.endswith(end)
        and (measured := journal.made(value, from_json)) is not None
    ]
    return Seeds(iterations, tuple(runs)) if runs else None
