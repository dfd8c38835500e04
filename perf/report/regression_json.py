"""regression.json: verdicts with their figures, for programs. Small and stable, unlike the record of the run.

format       "freightliner-perf regression", version 1; the number grows when a field changes its meaning
run, target, machine, started, command
status       "passed", "failed", "unknown", "left out", "interrupted"; exit_code and summary belong to it
error        what it ended in, "" where it ended well
base, head   commit (`sha`, `subject`); `dirty` of the head; null where nothing was compared
against, seed, counter, counting_seconds, rounds, resume
verdicts     how many rows of each
rows         worst first: package, benchmark, metric, verdict, reason, position, base and head (medians, in base
             units: seconds, bytes), values (how many of each side), change, low, high (fractions of the base),
             smallest_seen, more_rounds; null is "not known"
culprits     package, benchmark, metric, commits, chance (0 to 1), summary, command: what --bisect found
blames       package, benchmark, metric, functions (function, position, base, head, share, commits), note, command
proven, only_base, only_head, problems, warnings
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Final

from perf.model import Blame, Comparison, Culprit, Outcome, RegressionResult, RunRecord, Touch
from perf.report.regression_figures import worst_first

FORMAT: Final = "freightliner-perf regression"
VERSION: Final = 1

Json = dict[str, object]


def regression_json(record: RunRecord, outcome: Outcome) -> str:
    """The regression as JSON text."""
    known: Json = {
        "format": FORMAT,
        "version": VERSION,
        "run": record.id,
        "target": record.target,
        "machine": record.machine,
        "started": record.started,
        "command": list(record.command),
        "status": outcome.status,
        "exit_code": int(outcome.exit_code),
        "summary": outcome.summary,
        "error": outcome.error,
        **_compared(outcome.result if isinstance(outcome.result, RegressionResult) else None),
        "warnings": list(outcome.warnings),
    }
    return json.dumps(known, allow_nan=False, ensure_ascii=False, indent=1) + "\n"


def _compared(result: RegressionResult | None) -> Json:
    if result is None:
        return {"base": None, "head": None, "verdicts": {}, "rows": [], "blames": [], "problems": []}
    return {
        "base": {"sha": result.base.sha, "subject": result.base.subject},
        "head": {"sha": result.head.sha, "subject": result.head.subject, "dirty": result.dirty},
        "against": result.against,
        "seed": result.seed,
        "counter": result.counter,
        "counting_seconds": finite(result.counting_seconds),
        "rounds": result.rounds,
        "resume": result.resume,
        "verdicts": dict(Counter(str(each.verdict) for each in result.comparisons)),
        "rows": [_row(each) for each in worst_first(result.comparisons)],
        "blames": [_blame(each) for each in result.blames],
        "culprits": [_culprit(each) for each in result.culprits],
        "proven": list(result.proven),
        "only_base": list(result.only_base),
        "only_head": list(result.only_head),
        "problems": [
            {
                "package": each.package,
                "benchmark": each.name,
                "kind": each.kind,
                "text": each.text,
                "position": each.position,
                "counts": each.counts,
            }
            for each in result.problems
        ],
    }


def _row(row: Comparison) -> Json:
    return {
        "package": row.package,
        "benchmark": row.name,
        "metric": row.unit,
        "verdict": row.verdict,
        "reason": row.reason,
        "position": row.position,
        "base": middle(row.base),
        "head": middle(row.head),
        "values": [len(row.base), len(row.head)],
        "change": finite(row.change),
        "low": finite(row.low),
        "high": finite(row.high),
        "smallest_seen": finite(row.smallest_seen),
        "more_rounds": row.more_rounds,
    }


def _blame(blame: Blame) -> Json:
    return {
        "package": blame.package,
        "benchmark": blame.name,
        "metric": blame.unit,
        "functions": [
            {
                "function": each.function,
                "position": each.position,
                "base": finite(each.base),
                "head": finite(each.head),
                "share": finite(each.share),
                "commits": list(map(_touch, each.touched_by)),
            }
            for each in blame.functions
        ],
        "files": list(blame.files),
        "note": blame.note,
        "command": blame.command,
    }


def _culprit(culprit: Culprit) -> Json:
    return {
        "package": culprit.package,
        "benchmark": culprit.name,
        "metric": culprit.unit,
        "commits": list(map(_touch, culprit.commits)),
        "chance": finite(culprit.chance),
        "summary": culprit.summary,
        "command": culprit.command,
    }


def _touch(touch: Touch) -> Json:
    return {"sha": touch.sha, "subject": touch.subject, "author": touch.author}


def middle(values: Sequence[float]) -> float | None:
    """The median; None of no values."""
    return finite(median(values)) if values else None


def finite(value: float | None) -> float | None:
    """JSON has no number for NaN and infinity."""
    return value if value is not None and math.isfinite(value) else None
