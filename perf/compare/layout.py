"""Which samples make one column, which one row, and which dimension varies unseen. Pure.

A dimension is a configuration key, or the GOMAXPROCS suffix. One that the question names (a column, a row, ignored)
is left to it. Of the others: where a column holds several values, it parts rows, so that unlike is never pooled; where
every column holds one and they differ (two machines, two commits), it can't part rows, or nothing would be compared:
the rows meet, and the difference is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perf.compare.keys import FULL_NAME, NAME, PROCS, full_name, value_of
from perf.compare.samples import Samples

PACKAGE = "pkg"


@dataclass(frozen=True, slots=True, order=True)
class RowKey:
    """A row's identity: package, name as shown, and the settings that part rows."""

    package: str
    name: str
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        shown = ", ".join(f"{key}: {value}" for key, value in self.settings)
        return f"{self.name} ({shown})" if shown else self.name


@dataclass(frozen=True, slots=True)
class Dimension:
    """A key with its values by column, each sorted; None stands for "not told"."""

    key: str
    values: tuple[tuple[str, tuple[str | None, ...]], ...]

    @property
    def parts_rows(self) -> bool:
        return any(len(values) > 1 for _, values in self.values)

    @property
    def differs(self) -> bool:
        """Whether each column has one value, and not all the same."""
        return not self.parts_rows and len({values for _, values in self.values}) > 1

    def of(self, column: str) -> tuple[str | None, ...]:
        return dict(self.values)[column]

    @property
    def label(self) -> str:
        return "GOMAXPROCS" if self.key == PROCS else self.key

    def shown(self, column: str) -> str:
        return " and ".join("not told" if value is None else value for value in self.of(column))


@dataclass(frozen=True, slots=True)
class Layout:
    """How samples fall into columns and rows."""

    columns: tuple[str, ...]
    dimensions: tuple[Dimension, ...]
    ignored: tuple[Dimension, ...]
    column_keys: tuple[str, ...]
    row_keys: tuple[str, ...]
    stripped: frozenset[str]

    def column(self, samples: Samples) -> str:
        return column_of(samples, self.column_keys)

    def row(self, samples: Samples) -> RowKey:
        settings = dict(samples.configuration)
        parting = [
            (each.key, settings[each.key])
            for each in self.dimensions
            if each.parts_rows and each.key != PROCS and each.key in settings
        ]
        package = "" if PACKAGE in self.stripped else samples.package
        return RowKey(package, self._name(samples), tuple(parting))

    def _name(self, samples: Samples) -> str:
        if self.row_keys == (FULL_NAME,):
            return full_name(samples, self.stripped)
        shown = []
        for key in self.row_keys:
            value = full_name(samples, self.stripped) if key == FULL_NAME else value_of(samples, key)
            absent = "none" if value is None else value
            shown.append(absent if key in (FULL_NAME, NAME) else f"{key.removeprefix('/')}={absent}")
        return " ".join(shown)

    def residue(self, samples: Samples) -> str:
        """What of the name no key names: samples of one cell that differ in it were pooled unseen."""
        if FULL_NAME in self.stripped:
            return ""
        return full_name(samples, self.stripped | set(self.row_keys))


def column_of(samples: Samples, keys: Sequence[str]) -> str:
    """The label of the samples' column."""
    values = ((key, value_of(samples, key)) for key in keys)
    return " ".join(f"no {key}" if value is None else value for key, value in values)


def varying(samples: Sequence[Samples]) -> tuple[str, ...]:
    """Keys by which these samples could be split into columns, those of configuration lines first."""
    settings = dict.fromkeys(key for each in samples for key, _ in each.configuration)
    parts = dict.fromkeys(
        f"/{part.partition('=')[0]}"
        for each in samples
        for part in each.benchmark.split("/")[1:]
        if "=" in part
    )
    return tuple(
        key for key in (*settings, *parts, PROCS) if len({value_of(each, key) for each in samples}) > 1
    )


def lay_out(
    samples: Sequence[Samples], columns: Sequence[str], rows: Sequence[str], ignored: Sequence[str], base: str
) -> Layout:
    """Look at all samples; the columns stand in the order of their first one, `base` (if not "") before them."""
    by_column: dict[str, list[Samples]] = {}
    for each in samples:
        by_column.setdefault(column_of(each, columns), []).append(each)
    labels = sorted(by_column, key=lambda label: label != base)
    named = {*columns, *rows, *ignored}
    found = dict.fromkeys(key for each in samples for key, _ in each.configuration)
    if FULL_NAME in rows:
        found[PROCS] = None
    every = {
        key: Dimension(
            key,
            tuple(
                (
                    label,
                    tuple(
                        sorted(
                            {value_of(each, key) for each in by_column[label]}, key=lambda value: value or ""
                        )
                    ),
                )
                for label in labels
            ),
        )
        for key in found
    }
    dimensions = tuple(each for key, each in every.items() if key not in named and key != PACKAGE)
    dropped = {PROCS} if any(each.key == PROCS and each.differs for each in dimensions) else set()
    # What a row's key shows as a setting is not shown again in its name, save where the row is the whole name.
    stripped = frozenset({*columns, *ignored, *dropped, *({PACKAGE} & set(rows))})
    return Layout(
        tuple(labels),
        dimensions,
        tuple(every[key] for key in ignored if key in every),
        tuple(columns),
        tuple(rows),
        stripped,
    )
