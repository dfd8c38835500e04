"""The culprit against its parent, by fresh pairs: what the gate would say of that commit alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from perf.benchmarks.binaries import TestBinary
from perf.benchmarks.format import higher_is_better
from perf.bisect.model import Metric, Verified
from perf.bisect.probe import Gauge
from perf.regression.comparisons import Benchmark, Pair, Row, limits_of, time_rows
from perf.regression.looks import LOOKS
from perf.regression.rounds import Standing, time_rounds
from perf.regression.survey import Subject
from perf.system import clock

VERIFYING_SECONDS = 180.0
_FRESH = 2


def verify(
    gauge: Gauge, metric: Metric, before: TestBinary, culprit: TestBinary, tolerance: float
) -> Verified:
    """Counted again where the metric is counted; else rounds of pairs until the gate's table decides."""
    if metric.repeats:
        return _counted(gauge, metric, before, culprit, tolerance)
    context = gauge.context
    subject = Subject(
        gauge.benchmark, before, culprit, gauge.iterations, gauge.seconds_per_op, gauge.timeout_seconds
    )
    starts = {gauge.benchmark: gauge.start_seconds} if gauge.start_seconds is not None else {}
    limits = limits_of(context.suite.gate)

    def row(pairs: Sequence[Pair]) -> Row | None:
        rows = time_rows(gauge.benchmark, pairs, limits, 1, higher_is_better, False, LOOKS)
        return next((each for each in rows if each.unit == metric.unit), None)

    def stands(_: Benchmark, pairs: Sequence[Pair]) -> Standing:
        found = row(pairs)
        return Standing(found is not None and found.judgement.decided)

    deadline = clock.monotonic_seconds() + VERIFYING_SECONDS
    timing = time_rounds(context, gauge.journal, [subject], "verify", LOOKS, deadline, stands, starts)
    pairs = timing.pairs.get(gauge.benchmark, ())
    found = row(pairs) if pairs else None
    if found is None:
        return Verified("unknown", "no round gave a value on both sides", 0)
    judged = found.judgement
    return Verified(str(judged.suspected or judged.verdict), judged.reason, len(pairs))


def _counted(
    gauge: Gauge, metric: Metric, before: TestBinary, culprit: TestBinary, tolerance: float
) -> Verified:
    sides: list[list[float]] = []
    for binary in (before, culprit):
        values = [gauge.value(metric, binary, 1000 + number) for number in range(_FRESH)]
        if failed := [each for each in values if isinstance(each, str)]:
            return Verified("unknown", failed[0], 0)
        sides.append([each for each in values if not isinstance(each, str)])
    old, new = sides
    gap = max(min(new) - max(old), min(old) - max(new))
    words = f"{min(old):g} to {max(old):g} before, {min(new):g} to {max(new):g} from it on"
    if not math.isfinite(gap) or gap <= tolerance:
        return Verified("not confirmed", words, _FRESH)
    return Verified("regression" if min(new) > max(old) else "improvement", words, _FRESH)
