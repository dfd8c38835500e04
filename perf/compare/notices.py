"""What a reader must know beside the rows: unlike machines, pooled lines, failures, what one side lacks. Pure."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from perf.benchmarks.format import Failure, Unit
from perf.compare.keys import FILE, PROCS
from perf.compare.layout import Dimension, Layout, RowKey
from perf.compare.samples import Samples, Source

# Times of two machines are not to be held against each other; counts depend on fewer things.
MACHINE_KEYS: Final = ("cpu", "goos", "goarch", PROCS)
COUNT_KEYS: Final = ("goos", "goarch", PROCS)
NAMED: Final = 3
MOST_RENAMED: Final = 200
ALIKE: Final = 0.7

NOT_INTERLEAVED: Final = (
    "the sides were measured one after the other: two runs of equal code differ, by an amount that their samples "
    "cannot show; measure in turn and say --paired, or allow for it with --between-runs (5 % is a cautious guess)",
)


@dataclass(frozen=True, slots=True, order=True)
class OneSided:
    """A benchmark (unit "") or one metric of it that only `present` has, of the base and `column`."""

    column: str
    package: str
    name: str
    unit: str
    present: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Two benchmarks, each on one side, that may be the same under another name. A guess: it judges nothing."""

    column: str
    package: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Doubts:
    """Why times, and why counts, of two columns can't be judged; "" when they can."""

    timed: str
    counted: str


def doubts(layout: Layout, base: str, column: str) -> Doubts:
    """By the keys of a machine that both tell, and tell differently."""

    def doubt(keys: Sequence[str]) -> str:
        unlike = [each for each in layout.dimensions if each.key in keys and _tell_apart(each, base, column)]
        if not unlike:
            return ""
        shown = "; ".join(f"{each.label} {each.shown(base)} and {each.shown(column)}" for each in unlike)
        ignore = " ".join(f"--ignore {each.key}" for each in unlike)
        return f"measured on unlike machines ({shown}); {ignore} judges it all the same"

    return Doubts(doubt(MACHINE_KEYS), doubt(COUNT_KEYS))


def _tell_apart(dimension: Dimension, base: str, column: str) -> bool:
    if dimension.parts_rows:
        return False
    (before,), (after,) = dimension.of(base), dimension.of(column)
    if dimension.key != PROCS and None in (before, after):
        return False
    return before != after


def common(layout: Layout) -> tuple[tuple[str, str], ...]:
    """Settings that all columns share."""
    base = layout.columns[0]
    return tuple(
        (each.label, each.shown(base))
        for each in layout.dimensions
        if not each.parts_rows and not each.differs and each.of(base) != (None,)
    )


def of_dimensions(layout: Layout) -> tuple[str, ...]:
    """Every dimension that varies and is in no row's or column's name."""
    said = []
    for each in (*layout.dimensions, *layout.ignored):
        ignored = each in layout.ignored
        if each.differs or (ignored and each.parts_rows):
            shown = "; ".join(f"{column}: {each.shown(column)}" for column in layout.columns)
            said.append(f"{each.label} {'is ignored and varies' if ignored else 'differs'}: {shown}")
        elif each.parts_rows:
            base, *others = layout.columns
            said += [
                f"{each.label} has no value in common ({base}: {each.shown(base)}; {column}: {each.shown(column)}): "
                f"no row meets; --ignore {each.key} lets them"
                for column in others
                if not set(each.of(base)) & set(each.of(column))
            ]
    return tuple(said)


def of_pooling(cells: Mapping[RowKey, Sequence[Sequence[Samples]]], layout: Layout) -> tuple[str, ...]:
    """Rows in which benchmarks of several names were taken for one."""
    pooled = [
        key.title
        for key, by_column in cells.items()
        if len({layout.residue(part) for parts in by_column for part in parts}) > 1
    ]
    return _named(
        pooled, "row pools", "rows pool", "benchmarks that differ in .fullname (--ignore .fullname if meant)"
    )


def of_values(cells: Mapping[RowKey, Sequence[Sequence[Samples]]]) -> tuple[str, ...]:
    """Rows with values that have no ratio beside others that have."""
    odd = []
    for key, by_column in cells.items():
        values = [
            value
            for parts in by_column
            for part in parts
            for unit, found in part.values.items()
            if unit.startswith("sec/") or unit == "B/s"
            for value in found
        ]
        if not all(value > 0.0 and math.isfinite(value) for value in values):
            odd.append(key.title)
    return _named(
        odd, "benchmark gives", "benchmarks give", "times or rates of zero or below, which have no ratio"
    )


def of_units(metadata: Sequence[Unit]) -> tuple[str, ...]:
    """Unit lines of two inputs that contradict each other."""
    first: dict[tuple[str, str], Unit] = {}
    said = []
    for each in metadata:
        known = first.setdefault((each.unit, each.key), each)
        if known.value != each.value:
            said.append(
                f"unit {each.unit}: {each.key}={known.value} in {known.file}, {each.value} in {each.file}; "
                "the first counts"
            )
    return tuple(dict.fromkeys(said))


def of_sources(sources: Sequence[Source]) -> tuple[str, ...]:
    """Lines that could not be read, and what failed."""
    said = []
    for source in sources:
        if source.unreadable:
            first = source.problems[0]
            lines = "line" if source.unreadable == 1 else "lines"
            said.append(
                f"{source.label}: {source.unreadable:,} {lines} could not be taken, the first at {first.line}: "
                f"{first.message}"
            )
        seen = dict.fromkeys(
            f"{source.label}: {each.name or each.package or 'the run'} failed: {each.message}"
            for each in source.failures
            if each.kind not in ("package", "exit") or len(source.failures) == 1
        )
        said += list(seen)[:NAMED]
        if len(seen) > NAMED:
            said.append(f"{source.label}: and {len(seen) - NAMED} more failed")
    return tuple(said)


class Failures:
    """What failed, to be looked up by column for a benchmark that the column lacks."""

    def __init__(self, sources: Sequence[Source], layout: Layout) -> None:
        # Only a column that is a file can be told to have failed.
        by_file = layout.column_keys == (FILE,)
        self._by_column: dict[str, list[Failure]] = {}
        for source in sources if by_file else ():
            self._by_column.setdefault(source.label, []).extend(source.failures)

    def of(self, column: str, samples: Samples) -> str:
        """The failure that explains why `column` lacks these samples; ""."""
        here = [each for each in self._by_column.get(column, ()) if each.package in (None, samples.package)]
        own = [each for each in here if each.name is not None and _is_of(each.name, samples)]
        # A failed benchmark fails its process too, and the others run nevertheless; after a panic none does.
        ended = [each for each in here if each.kind not in ("benchmark", "exit", "package")]
        words = [each for each in here if each.name is None]
        others = [] if any(each.kind == "benchmark" for each in here) else words
        return next((each.message for each in (*own, *ended, *others)), "")


def _is_of(failed: str, samples: Samples) -> bool:
    """Whether a failed benchmark is this one, or the one it is a sub-benchmark of."""
    name = samples.benchmark
    return any(name == stem or name.startswith(f"{stem}/") for stem in (failed, failed.rpartition("-")[0]))


def renames(one_sided: Sequence[OneSided]) -> tuple[Rename, ...]:
    """For each benchmark that only the base has the likest one that only the column has, of the same package."""
    found = []
    for column in dict.fromkeys(each.column for each in one_sided):
        gone = [
            each for each in one_sided if each.column == column and not each.unit and each.present != column
        ]
        new = [
            each for each in one_sided if each.column == column and not each.unit and each.present == column
        ]
        if len(gone) > MOST_RENAMED or len(new) > MOST_RENAMED:
            continue
        left = {(each.package, each.name) for each in new}
        for each in gone:
            names = sorted(
                name for package, name in left if package == each.package and _same_top(name, each.name)
            )
            for name in difflib.get_close_matches(each.name, names, 1, ALIKE):
                left.discard((each.package, name))
                found.append(Rename(column, each.package, each.name, name))
    return tuple(found)


def _same_top(one: str, other: str) -> bool:
    return one.partition("/")[0] == other.partition("/")[0]


def _named(names: Sequence[str], one: str, many: str, what: str) -> tuple[str, ...]:
    if not names:
        return ()
    shown = ", ".join(sorted(names)[:NAMED])
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (f"{len(names):,} {one if len(names) == 1 else many} {what}: {shown}{rest}",)
