"""The search's answer for programs. Pure."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from perf.bisect.model import BisectResult

VERSION = 1


def render(result: BisectResult) -> str:
    """All of it, as in perf.bisect.model; what is infinite or no number is null."""
    return json.dumps({"version": VERSION, **_finite(asdict(result))}, indent=1, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {key: _finite(each) for key, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
