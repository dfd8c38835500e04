"""Quantities as people write them ("64KiB", "125 MB/s", "200 ms", "5 %") to base units and back.

Base units: bytes, seconds, bytes per second, per second, and fractions for percent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Dimension = Literal["size", "duration", "rate", "frequency", "fraction", "number"]
Relation = Literal["<", "<=", ">", ">="]

_SIZES: Final = {
    "B": 1.0,
    "kB": 1e3,
    "KB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "TB": 1e12,
    "KiB": 2.0**10,
    "MiB": 2.0**20,
    "GiB": 2.0**30,
    "TiB": 2.0**40,
}
_DURATIONS: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
}

# One table: unit → (dimension, factor to the base unit).
UNITS: Final[dict[str, tuple[Dimension, float]]] = {
    "": ("number", 1.0),
    "%": ("fraction", 0.01),
    **{unit: ("size", factor) for unit, factor in _SIZES.items()},
    **{f"{unit}/s": ("rate", factor) for unit, factor in _SIZES.items()},
    **{unit: ("duration", factor) for unit, factor in _DURATIONS.items()},
    "/s": ("frequency", 1.0),
    "/min": ("frequency", 1.0 / 60.0),
}

_QUANTITY: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*([^\s0-9]*)\s*")
_LIMIT: Final = re.compile(r"\s*(<=|>=|<|>)\s*(.+)")
_RELATIONS: Final[dict[str, Relation]] = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CALL: Final = re.compile(r"\s*([a-z]+)\(([^()]*)\)\s*")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in the base unit of its dimension."""

    value: float
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound such as ">= 125 MB/s"; `text` is as written."""

    relation: Relation
    bound: Quantity
    text: str

    def holds(self, value: float) -> bool:
        """Whether `value` (base unit) keeps the bound."""
        bound = self.bound.value
        match self.relation:
            case "<":
                return value < bound
            case "<=":
                return value <= bound
            case ">":
                return value > bound
            case ">=":
                return value >= bound


def parse_quantity(text: str, *dimensions: Dimension) -> Quantity:
    """Parse e.g. "64KiB"; raises ValueError that names the units allowed when `dimensions` are given."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number with a unit{_allowed(dimensions)}")
    number, unit = match.groups()
    if unit not in UNITS:
        raise ValueError(f"{text!r}: unknown unit {unit!r}{_allowed(dimensions)}")
    dimension, factor = UNITS[unit]
    if dimensions and dimension not in dimensions:
        raise ValueError(
            f"{text!r} is a {dimension}, wanted a {' or '.join(dimensions)}{_allowed(dimensions)}"
        )
    return Quantity(float(number) * factor, dimension)


def parse_limit(text: str, *dimensions: Dimension) -> Limit:
    """Parse e.g. "< 200 ms"; raises ValueError."""
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a limit: write a relation and a quantity, for example '< 200 ms'")
    relation, quantity = match.groups()
    return Limit(_RELATIONS[relation], parse_quantity(quantity, *dimensions), text.strip())


def parse_call(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Split "lognormal(64KiB, 2.0)" into its name and arguments; None when it is no call."""
    match = _CALL.fullmatch(text)
    if match is None:
        return None
    name, arguments = match.groups()
    return name, tuple(part.strip() for part in arguments.split(","))


def _allowed(dimensions: tuple[Dimension, ...]) -> str:
    if not dimensions:
        return ""
    known = [unit for unit, (dimension, _) in UNITS.items() if dimension in dimensions and unit]
    return f" (units: {', '.join(known)})" if known else ""


def format_size(size_bytes: float) -> str:
    """Bytes for people: 1.50 GB, 64.0 kB (decimal, as MB/s is)."""
    return _scaled(size_bytes, (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0)))


def format_rate(bytes_per_second: float) -> str:
    """Bytes per second for people, always in MB/s so that columns compare."""
    return f"{bytes_per_second / 1e6:,.1f} MB/s"


def format_seconds(seconds: float) -> str:
    """Durations for people: 12.3 ns … 4.56 s … 3 min 20 s."""
    if seconds >= 120.0:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s"
    return _scaled(seconds, (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)))


def format_fraction(fraction: float) -> str:
    """Fractions as percent: 0.0123 → 1.23 %."""
    return f"{fraction * 100:.3g} %"


def format_quantity(value: float, unit: str) -> str:
    """A benchmark's value (base unit) for people: "sec/op", "B/op", "B/s" are scaled, other units are kept."""
    if unit == "sec" or unit.startswith("sec/"):
        return format_seconds(value) + unit[len("sec") :]
    if unit == "B" or unit.startswith("B/"):
        return format_size(value) + unit[len("B") :]
    return f"{value:,.0f} {unit}" if abs(value) >= 1000 else f"{value:.4g} {unit}"


def _scaled(value: float, steps: tuple[tuple[str, float], ...]) -> str:
    for unit, factor in steps:
        if abs(value) >= factor:
            return (
                f"{value / factor:.3g} {unit}"
                if abs(value) < 1000 * factor
                else f"{value / factor:,.0f} {unit}"
            )
    unit, factor = steps[-1]
    return f"{value / factor:.3g} {unit}"
