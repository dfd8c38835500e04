"""Going on with a search that was interrupted or ran out of time: what it asked for, and what it has measured."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from perf.bisect.model import Metric
from perf.bisect.probe import ROOM
from perf.context import Context
from perf.errors import UsageError
from perf.regression.resume import LATEST, PLAN, rooms

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for; the benchmark's pattern, the seed and the time stand in the context's options."""

    good: str | None
    bad: str
    package: str | None = None
    metric: Metric | None = None
    confidence: float = CONFIDENCE
    improvement: bool = False
    all_parents: bool = False
    scan: bool = False
    verify: bool = False
    tags: str = ""


def keep(context: Context, wanted: Wanted, good: str, bad: str) -> None:
    """Write down what is searched, with the ends as full hashes: names move."""
    plan = {
        **asdict(replace(wanted, good=good, bad=bad)),
        "target": context.target.name,
        "option": context.target.option,
        "bench": context.options.bench,
        "seed": context.options.seed,
    }
    context.keep(context.room(ROOM) / PLAN, json.dumps(plan, indent=1) + "\n")


def earlier(context: Context) -> tuple[Context, Wanted, Path]:
    """The search that --resume names: the context with its benchmark and seed, what it asked for, where it lies.

    Raises UsageError when there is none.
    """
    asked = context.options.resume
    assert asked is not None
    others: list[str] = []
    for room in rooms(context.places, asked, ROOM):
        plan = _read(room / PLAN)
        if plan is None:
            continue
        option = plan.pop("option")
        if asked == LATEST and plan["target"] != context.target.name:
            others.append(shlex.join(option))
            continue
        options = replace(context.options, bench=plan.pop("bench"), seed=plan.pop("seed"))
        del plan["target"]
        metric = Metric(plan["metric"]) if plan["metric"] else None
        return replace(context, options=options), Wanted(**{**plan, "metric": metric}), room
    if others:
        raise UsageError(
            f"there is no search of {context.target.name} to go on with",
            cause="the searches that are kept are of other targets",
            next_command=f"./noxw --run python -m perf bisect {others[0]} --resume latest",
        )
    raise UsageError(
        f"there is no search to go on with{'' if asked == LATEST else f': {asked}'}",
        cause="its directory under .perf/runs was removed, or it had measured nothing yet",
        next_command="search anew: invoke bisect --good REV --bad REV --benchmark REGEX",
    )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        plan = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return (
        plan
        if isinstance(plan, dict) and {"bench", "seed", "target", "option", "metric"} <= plan.keys()
        else None
    )
