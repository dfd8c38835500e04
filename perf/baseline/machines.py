"""Two fingerprints held against each other: what may be compared between two machines, or two days of one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

# Recorded since version 2 of the file. That an older file lacks them makes no other machine of it.
LATER_FIELDS: Final = frozenset({"gomaxprocs", "architecture"})

# What a count hangs on. Go's runtime allocates a little for each of its processors, and benchmarks are given as many as
# there are cores; instructions are counted on one, but the standard library chooses them by the CPU's flags.
_ALLOCATIONS: Final = ("architecture", "cores", "go_version")
WORK_FIELDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "allocs/op": _ALLOCATIONS,
        "B/op": _ALLOCATIONS,
        "instructions/op": ("architecture", "cpu_flags", "go_version"),
    }
)

Fingerprint = Mapping[str, str | int]


def differences(
    stored: Fingerprint, here: Fingerprint, fields: Iterable[str] | None = None
) -> tuple[str, ...]:
    """The fields (all, or these) in which two fingerprints differ: "kernel: 6.1 then, 6.8 now"; () on one machine.

    A field that was not recorded differs, but for those that older files cannot have: see `unrecorded`.
    """
    return tuple(
        f"{name}: {stored.get(name, 'not recorded')} then, {here.get(name, 'not recorded')} now"
        for name in sorted({*stored, *here} if fields is None else fields)
        if stored.get(name) != here.get(name) and not _came_later(name, stored, here)
    )


def work_differences(
    stored: Fingerprint, here: Fingerprint, counters: tuple[str, str] = ("", "")
) -> dict[str, tuple[str, ...]]:
    """For each metric that is counted, what makes it incomparable; () where it is sound to compare.

    `counters` are what counted the instructions then and now, by name and version ("valgrind 3.19.0"): versions of one
    agree, but not two that count different things.
    """
    told = {unit: differences(stored, here, fields) for unit, fields in WORK_FIELDS.items()}
    then, now = (name.partition(" ")[0] for name in counters)
    if then != now:
        told["instructions/op"] += (f"counter: {then or 'not recorded'} then, {now or 'none'} now",)
    # An old file does not name its architecture, but the same processor has the same.
    if "architecture" in unrecorded(stored, here) and stored.get("cpu_model") != here.get("cpu_model"):
        words = "architecture: not recorded for another processor"
        return {unit: (words, *differing) for unit, differing in told.items()}
    return told


def unrecorded(stored: Fingerprint, here: Fingerprint) -> tuple[str, ...]:
    """The fields that one of the two could not have recorded yet."""
    return tuple(sorted(name for name in LATER_FIELDS if _came_later(name, stored, here)))


def _came_later(name: str, stored: Fingerprint, here: Fingerprint) -> bool:
    return name in LATER_FIELDS and (name in stored) != (name in here)
