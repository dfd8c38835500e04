"""A run's record as JSON text and back: `.perf/runs/<id>/outcome.json`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Final

from pydantic import TypeAdapter, ValidationError

from perf.errors import UsageError
from perf.model import RUN_RECORD_VERSION, RunRecord

_RECORD: Final = TypeAdapter(RunRecord)
_ERRORS_SHOWN: Final = 3


def dump(record: RunRecord) -> str:
    """JSON text that `read` gives back unchanged. Raises ValueError, with the place, where a number is not finite."""
    values = _RECORD.dump_python(record, mode="json")
    if place := next(_not_finite(values, ""), None):
        raise ValueError(f"{place} is not a finite number: what was not measured is None")
    text = json.dumps(values, allow_nan=False, ensure_ascii=False, indent=1) + "\n"
    # An argument that is not UTF-8 reaches Python as lone surrogates, which no file can hold.
    return text.encode("utf-8", "replace").decode("utf-8")


def read(text: str, name: str = "outcome.json") -> RunRecord:
    """The record that `dump` wrote; `name` is for messages. Raises UsageError for damaged text or a newer version."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(name, f"it is no JSON ({error})" if text.strip() else "it is empty") from error
    version = found.get("version") if isinstance(found, dict) else None
    if type(version) is not int or version < 1:
        raise _damaged(name, "it is not the record of a run")
    if version > RUN_RECORD_VERSION:
        raise UsageError(
            f"{name} has version {version}; this suite reads up to version {RUN_RECORD_VERSION}",
            cause="it was written by a newer version of the suite",
            next_command="git pull (update the suite), or ./noxw (measure again)",
        )
    try:
        return _RECORD.validate_json(text, strict=True)
    except ValidationError as error:
        details = [
            f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
            for detail in error.errors(include_url=False, include_input=False)[:_ERRORS_SHOWN]
        ]
        raise _damaged(name, "; ".join(details)) from error


def _damaged(name: str, why: str) -> UsageError:
    return UsageError(
        f"{name} cannot be read: {why}",
        cause="the file was cut short or edited by hand",
        next_command="./noxw (measure again); the raw results beside the file are untouched",
    )


def _not_finite(value: object, place: str) -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield place
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _not_finite(part, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _not_finite(part, f"{place}[{index}]")
