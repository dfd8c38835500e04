"""What the replicator is asked to do: its command templates filled, one argument list a process. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from perf.errors import UsageError
from perf.load.images import Image
from perf.load.workload import ROOT
from perf.suite import Drive, Replicator

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")

_ERROR: Final = re.compile(
    r"""level=(error|fatal|panic)
    |"level":\s*"(error|fatal|panic)"
    |\b(errors?|fatal|panic|fail(ed|ure|s)?|denied|refused|unauthorized|exceeded|unexpected)\b
    |\b(DIGEST|MANIFEST|BLOB|NAME|SIZE|TAG)_(INVALID|UNKNOWN|UNVERIFIED)\b
    |\bcannot\b|\bcould\ not\b|\bunable\ to\b|\bmismatch\b""",
    re.IGNORECASE | re.VERBOSE,
)
# Totals that say there was none: "Errors: none", "failed: 0", "0 errors", "no failures", "error=<nil>".
_NO_ERROR: Final = re.compile(
    r"\b(errors?|fail(ed|ures?))\b\"?\s*[:=]\s*(0\b|none\b|nil\b|<nil>|\"\"|null\b)|\b(0|no)\s+(errors?|fail(ed|ures?))\b",
    re.IGNORECASE,
)
_TERMINAL: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
# A registry's upload URLs carry its state: hundreds of characters that say nothing.
_STATE: Final = re.compile(r"([?&]_state=)[^\s\"&]+")
_LONGEST_LINE: Final = 400


@dataclass(frozen=True, slots=True)
class JobPlan:
    """One process to start; `images` are what it has to copy."""

    name: str
    argv: tuple[str, ...]
    images: tuple[Image, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """From where to where: registries as host:port, and what stands before the repositories' names on each side.

    The destination's names differ from the source's: a replicator that mounts from a repository of the same name
    would move nothing and look fast.
    """

    source: str
    destination: str
    source_prefix: str
    to: str

    def source_repository(self, image: Image) -> str:
        return f"{self.source_prefix}{image.repository}"

    def destination_repository(self, image: Image) -> str:
        return f"{self.to}{image.repository.removeprefix(ROOT)}"

    @property
    def source_root(self) -> str:
        """What all repositories lie below at the source."""
        return f"{self.source_prefix}{ROOT}"


def choose_drive(target: str, replicator: Replicator, asked: str | None) -> Drive:
    """How it is driven: as asked, else by `copy` where that is declared; raises UsageError."""
    declared: dict[str, Drive] = {}
    if replicator.copy_ is not None:
        declared["copy"] = "copy"
    if replicator.tree is not None:
        declared["tree"] = "tree"
    if asked is None:
        return next(iter(declared.values()))
    if asked in declared:
        return declared[asked]
    raise UsageError(
        f"target.{target}.replicator has no {asked!r} command",
        cause=f"declared: {', '.join(declared)}",
        next_command=f"--drive {next(iter(declared))}, or declare {asked} in perf.toml",
    )


def plan_jobs(
    replicator: Replicator,
    drive: Drive,
    images: Sequence[Image],
    route: Route,
    binary: str,
    workers: int,
    seed: str,
) -> tuple[JobPlan, ...]:
    """The processes to start: one a tag, one a repository where `copy` has no {tag}, or one in all for `tree`.

    Their order is random by `seed`. Raises UsageError for an unknown placeholder.
    """
    common = {
        "bin": binary,
        "source": route.source,
        "destination": route.destination,
        "workers": str(workers),
    }
    if drive == "tree":
        assert replicator.tree is not None
        values = {**common, "prefix": route.source_root, "to": route.to}
        return (JobPlan("tree", fill("tree", replicator.tree, values), tuple(images)),)
    assert replicator.copy_ is not None
    command = replicator.copy_
    one_tag = any("{tag}" in argument for argument in command)
    groups: dict[str, list[Image]] = {}
    for image in images:
        groups.setdefault(image.name if one_tag else image.repository, []).append(image)

    def job(name: str, group: list[Image]) -> JobPlan:
        values = {
            **common,
            "repository": route.source_repository(group[0]),
            "to": route.destination_repository(group[0]),
            **({"tag": group[0].tag} if one_tag else {}),
        }
        return JobPlan(name, fill("copy", command, values), tuple(group))

    jobs = [job(name, group) for name, group in groups.items()]
    Random(seed).shuffle(jobs)
    return tuple(jobs)


def fill(key: str, command: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """`command` with its {placeholders} filled, argument by argument; raises UsageError for an unknown one."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            known = ", ".join(f"{{{name}}}" for name in values)
            raise UsageError(
                f"perf.toml: the replicator's {key!r} command has an unknown placeholder {match[0]}",
                cause=f"known here: {known}",
                next_command="correct it in perf.toml",
            )
        return values[match[1]]

    return tuple(_PLACEHOLDER.sub(value, argument) for argument in command)


def first_error(output: str) -> str:
    """The first line of a process's output that looks like an error, without terminal codes; "" when none does."""
    for line in output.splitlines():
        said = _TERMINAL.sub("", line).strip()
        if _ERROR.search(_NO_ERROR.sub("", said)):
            return _shortened(_STATE.sub(r"\1…", said))
    return ""


def _shortened(line: str) -> str:
    """Beginning and end of a long line: Go's wrapped errors have their cause last."""
    half = _LONGEST_LINE // 2
    return line if len(line) <= _LONGEST_LINE else f"{line[:half]} … {line[-half:]}"
