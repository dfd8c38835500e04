"""The door to time; everything pure takes time as an argument."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def monotonic_seconds() -> float:
    """Seconds of a clock that never jumps; for durations."""
    return time.perf_counter()


def now() -> datetime:
    """The date and time, aware, UTC."""
    return datetime.now(UTC)


def today() -> str:
    """The local date as the report's file name carries it: 2026-11-23."""
    return datetime.now().astimezone().date().isoformat()
