"""`invoke calibrate`: the same test binaries as both sides, and what the gate makes of them."""

from __future__ import annotations

import math
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.text import Text

from perf.benchmarks.binaries import build_binaries
from perf.benchmarks.format import higher_is_better
from perf.calibrate.advice import EFFECTS, Advice, examine
from perf.context import Context
from perf.errors import ExitCode, Undecided
from perf.regression.comparisons import limits_of
from perf.regression.journal import FILE_NAME, Journal
from perf.regression.matched import Couple
from perf.regression.native import FIRST_RUNS, measure_starts, run_native
from perf.regression.rounds import Standing, Timing, time_rounds
from perf.regression.survey import Subject, calibrate
from perf.report.layout import fitted
from perf.report.tables import Column, Kind, Table
from perf.units import format_fraction

_ROOM = "calibrate"


def measure(context: Context, rounds: int, earlier: Path | None = None) -> Timing:
    """`rounds` A/A pairs of every chosen benchmark of the checkout; raises Undecided where there is none to run.

    What the journal `earlier` of a run of the same seed holds is not measured again.
    """
    binaries = [each for each in build_binaries(context, context.target.directory) if each.path is not None]
    journal = Journal(context.room(_ROOM) / FILE_NAME, earlier)
    raw = context.room(_ROOM) / "raw"
    subjects: list[Subject] = []
    for each in binaries:
        with context.progress.step(f"calibrating the benchmarks of {each.package}"):
            subjects += calibrate(context, journal, Couple(each.package, each, each), raw).subjects
    if not subjects:
        raise Undecided(
            "there is no benchmark to measure with",
            cause="the target has none that runs, or --bench chooses none",
            next_command="./noxw -s benchmarks",
        )
    native = run_native(context, journal, subjects, "native", range(FIRST_RUNS))
    able = [each for each in subjects if native[each.benchmark].pairs]
    starts = measure_starts(context, journal, able, native)
    return time_rounds(
        context, journal, able, "first", (rounds,), math.inf, lambda *_: Standing(decided=False), starts
    )


def run(context: Context, rounds: int, runs: int) -> ExitCode:
    """Measure, draw `runs` runs of the gate from it, and print what was found."""
    timing = measure(context, rounds)
    recorded = {benchmark: pairs for benchmark, pairs in timing.pairs.items() if pairs}
    gate = context.suite.gate
    advice = examine(
        recorded,
        limits_of(gate),
        higher_is_better,
        runs,
        context.options.seed,
        lambda done, total: context.progress.count("runs of the gate drawn", done, total),
    )
    console = Console(highlight=False)
    console.print(shown(advice, rounds, gate.least_effect, console.width))
    return ExitCode.FINE


def shown(advice: Advice, rounds: int, least_effect: float, width: int) -> RenderableType:
    """The table and the words for `width` cells."""
    columns = (
        Column("package", Kind.NAME, rank=2),
        Column("benchmark", Kind.NAME),
        Column("metric", Kind.TEXT),
        Column("pair sd"),
        *(Column(f"+{format_fraction(effect)}") for effect in EFFECTS),
    )
    rows = tuple(
        (
            each.benchmark.package,
            each.benchmark.name.removeprefix("Benchmark"),
            each.unit,
            format_fraction(each.pair_sd),
            *(format_fraction(power) for power in each.power),
        )
        for each in sorted(advice.noises, key=lambda one: -one.pair_sd)
    )
    low, high = advice.false_alarms.interval
    alarms = advice.false_alarms
    words = [
        f"+1 % … +10 %: how often such a slowdown ends red, of {alarms.of} runs drawn from {rounds} A/A pairs each",
        f"false alarms: {alarms.count} of {alarms.of} runs red ({format_fraction(low)} to {format_fraction(high)})",
        f"an unchanged benchmark takes {advice.mean_rounds:.1f} rounds",
        _what_to_set(advice, least_effect),
    ]
    return Group(fitted([("", Table(columns, rows))], width), *(Text(f"  {each}") for each in words))


def _what_to_set(advice: Advice, least_effect: float) -> str:
    if advice.least_effect is None:
        return "too noisy here to prove even 20 % of most benchmarks: rely on instructions, or on a quieter machine"
    wanted = f'least_effect = "{format_fraction(advice.least_effect)}"'
    if advice.least_effect <= least_effect:
        return f"perf.toml's least_effect of {format_fraction(least_effect)} can be proven here; {wanted} would do too"
    return (
        f"set {wanted} in [gate] of perf.toml: smaller ones end as unknown here for more than one row of ten; "
        "or rely on instructions, which repeat"
    )
