"""The text of `--dry-run`: what would run, and for how long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perf.report.escape import one_line
from perf.units import format_seconds


def text(plans: Mapping[str, tuple[Sequence[str], float]]) -> str:
    """A block a scenario; `plans` maps its name to the lines of its plan and the seconds of measuring it expects."""
    blocks = [_block(scenario, lines, seconds) for scenario, (lines, seconds) in plans.items()]
    total = sum(seconds for _, seconds in plans.values())
    together = f" {_about(total)} of measuring in all." if len(plans) > 1 else ""
    return "\n\n".join(
        [*blocks, f"Nothing was run.{together} What is built for the first time adds to that."]
    )


def _block(scenario: str, lines: Sequence[str], seconds: float) -> str:
    shown = [f"  {one_line(line)}" for line in lines] or ["  nothing would run"]
    return "\n".join([f"{scenario}: {_about(seconds)}", *shown])


def _about(seconds: float) -> str:
    if seconds <= 0.0:
        return "no time to speak of"
    return f"about {format_seconds(max(1.0, round(seconds)))}"
