"""Keys of a benchmark, and the terms that choose by them. Pure.

| key | its value |
| --- | --- |
| `.file` | the label of the input |
| `.name` | the benchmark's name without sub-benchmarks |
| `.fullname` | the whole name as printed |
| `/size` | `1k` in `BenchmarkCopy/size=1k-8` |
| `/gomaxprocs` | `8` in `BenchmarkCopy/size=1k-8` |
| `pkg`, `goos`, `cpu`, any other | the configuration line `pkg: …` |
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from perf.compare.samples import Samples
from perf.errors import UsageError

PROCS: Final = "/gomaxprocs"
FILE: Final = ".file"
NAME: Final = ".name"
FULL_NAME: Final = ".fullname"
_KEY: Final = re.compile(r"\.(?:file|name|fullname)|/[^\s/:=,]+|[a-z][^\sA-Z:=,]*")
_KEY_HELP: Final = (
    "keys are .file, .name, .fullname, /SUB of a name's SUB=…, /gomaxprocs, or a configuration line's"
)


def keys(text: str) -> tuple[str, ...]:
    """Split "a,b" into keys; raises UsageError for what can't be one."""
    found = tuple(part for part in re.split(r"[\s,]+", text) if part)
    for part in found:
        if not _KEY.fullmatch(part):
            raise UsageError(f"{part!r} is not a key", cause=_KEY_HELP)
    if not found:
        raise UsageError("a key is missing", cause=_KEY_HELP)
    return found


def value_of(samples: Samples, key: str) -> str | None:
    """What a key is for these samples; None when they don't have it."""
    if key == FILE:
        return samples.file
    if key == NAME:
        return samples.benchmark.partition("/")[0]
    if key == FULL_NAME:
        return full_name(samples)
    if key == PROCS:
        return None if samples.procs is None else str(samples.procs)
    if key.startswith("/"):
        wanted = f"{key[1:]}="
        parts = samples.benchmark.split("/")[1:]
        return next((part[len(wanted) :] for part in parts if part.startswith(wanted)), None)
    return dict(samples.configuration).get(key)


def full_name(samples: Samples, without: Collection[str] = ()) -> str:
    """The printed name, less the parts that the keys of `without` name."""
    first, *parts = samples.benchmark.split("/")
    kept = [part for part in parts if "=" not in part or f"/{part.partition('=')[0]}" not in without]
    suffix = "" if samples.procs is None or PROCS in without else f"-{samples.procs}"
    return "/".join([first, *kept]) + suffix


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a filter: the key it looks at, and what must be found in it (or must not: `negated`)."""

    key: str
    pattern: re.Pattern[str]
    negated: bool

    def holds(self, samples: Samples) -> bool:
        value = value_of(samples, self.key)
        return (value is not None and self.pattern.search(value) is not None) is not self.negated


def term(text: str) -> Term:
    """Parse "REGEX" (searched in the full name), "key:value" (equal) or "key:/REGEX/"; "-" before it negates.

    Raises UsageError for a broken regular expression and for an empty term.
    """
    negated = text.startswith("-")
    body = text[1:] if negated else text
    key, colon, value = body.partition(":")
    if not colon or not _KEY.fullmatch(key):
        key, expression = FULL_NAME, body
    elif len(value) > 1 and value[0] == value[-1] == "/":
        expression = value[1:-1]
    else:
        expression = rf"\A{re.escape(value)}\Z"
    if not body:
        raise UsageError("a filter is empty", next_command="--filter REGEX, or --filter KEY:VALUE")
    try:
        return Term(key, re.compile(expression), negated)
    except re.error as error:
        raise UsageError(
            f"the filter {text!r} is not a regular expression: {error}",
            next_command="put a backslash before brackets and the like, or write --filter KEY:VALUE",
        ) from error


def chosen(samples: Sequence[Samples], terms: Sequence[Term]) -> tuple[Samples, ...]:
    """Those for which every term holds."""
    return tuple(each for each in samples if all(term.holds(each) for term in terms))
