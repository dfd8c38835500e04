"""Going on with a run that was interrupted or ran out of time: what it has measured is not measured again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from perf.context import Context
from perf.errors import UsageError
from perf.regression import journal
from perf.regression.journal import Journal
from perf.regression.matched import Couple
from perf.system.places import Places

LATEST: Final = "latest"
PLAN: Final = "plan.json"
_AGAIN: Final = "measure anew: ./noxw -s regression"


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What must be the same for a run to go on. `binaries` are the digests of both sides by package."""

    target: str
    base: str
    head: str
    dirty: bool
    seed: int
    bench: str
    effort: str
    time: str
    pairs: int | None
    binaries: Mapping[str, tuple[str, str]]


def digests(couples: Iterable[Couple]) -> dict[str, tuple[str, str]]:
    return {couple.package: (couple.base.digest, couple.head.digest) for couple in couples}


def keep(context: Context, plan: RunPlan) -> None:
    """Write down what this run measures, before it does."""
    context.keep(_room(context) / PLAN, json.dumps(asdict(plan), indent=1) + "\n")


def earlier(context: Context) -> tuple[Path, RunPlan] | None:
    """The run that --resume names, with its plan; None without --resume. Raises UsageError when there is none."""
    asked = context.options.resume
    if asked is None:
        return None
    for room in rooms(context.places, asked, "regression"):
        plan = _read(room / PLAN)
        if plan is not None and (asked != LATEST or plan.target == context.target.name):
            return room, plan
    raise UsageError(
        f"there is no run of regression to go on with{'' if asked == LATEST else f': {asked}'}",
        cause="its directory under .perf/runs was removed, or it had measured nothing yet",
        next_command=_AGAIN,
    )


def rooms(places: Places, asked: str, name: str) -> Iterator[Path]:
    """The directories of that name of the runs asked for (LATEST: all, the newest first) that have a journal.

    Raises UsageError where `asked` is no name of a run, but empty or a path.
    """
    if asked != LATEST and (asked in ("", ".", "..") or os.sep in asked):
        raise UsageError(
            f"--resume {asked!r} names no run",
            cause="a run has the name of its directory in .perf/runs; it is no path, and not empty",
            next_command="--resume alone goes on with the latest run",
        )
    found = places.runs.glob(f"*/{name}") if asked == LATEST else [places.runs / asked / name]
    for room in sorted(found, reverse=True):
        if os.path.exists(room / journal.FILE_NAME):
            yield room


def as_planned(context: Context, plan: RunPlan) -> Context:
    """The context with what the earlier run was asked for, but for the time it is given."""
    options = replace(
        context.options, base=plan.base, seed=plan.seed, bench=plan.bench, time=plan.time, pairs=plan.pairs
    )
    return replace(context, options=options, effort_name=plan.effort)


def check(earlier_plan: RunPlan, now: RunPlan) -> None:
    """Raises UsageError where the sides are no longer what the earlier run measured."""
    moved = [
        name
        for name, then, here in (
            ("the target", earlier_plan.target, now.target),
            ("the head", (earlier_plan.head, earlier_plan.dirty), (now.head, now.dirty)),
            ("the test binaries", dict(earlier_plan.binaries), dict(now.binaries)),
        )
        if then != here
    ]
    if moved:
        raise UsageError(
            f"{moved[0]} changed since that run, so it cannot go on",
            cause="another commit is checked out, files were edited, or another Go builds",
            next_command=f"check out {earlier_plan.head[:12]} again, or {_AGAIN}",
        )


def open_journal(context: Context, room: Path | None, name: str = "regression") -> Journal:
    """This run's journal in its room of that name, with all that the earlier run in `room` has measured."""
    known = room / journal.FILE_NAME if room is not None else None
    return Journal(context.room(name) / journal.FILE_NAME, known)


def _room(context: Context) -> Path:
    return context.room("regression")


def _read(path: Path) -> RunPlan | None:
    try:
        known = json.loads(path.read_text("utf-8"))
        binaries = {name: (base, head) for name, (base, head) in known["binaries"].items()}
        plan = RunPlan(**{**known, "binaries": binaries})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    texts = (plan.target, plan.base, plan.head, plan.bench, plan.effort)
    return plan if all(isinstance(each, str) for each in texts) and isinstance(plan.seed, int) else None
