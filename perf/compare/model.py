"""The nouns of a comparison: what is asked, and the board that answers it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from perf.compare.judge import Limits
from perf.compare.keys import FILE, FULL_NAME, Term
from perf.compare.notices import OneSided, Rename
from perf.errors import ExitCode
from perf.model import Comparison, Verdict

Sort = Literal["verdict", "delta", "name"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is compared: keys of columns and rows, keys left out of account, terms and units to choose by.

    `units` "" is all of them, in any scale ("ns/op" is "sec/op"). `base` is the label of the column that the others
    are held against, by default the first.
    """

    columns: tuple[str, ...] = (FILE,)
    rows: tuple[str, ...] = (FULL_NAME,)
    ignored: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    units: tuple[str, ...] = ()
    base: str = ""
    sort: Sort = "verdict"
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Row:
    """One benchmark and metric of one column against the base's; `p` is of its own test, `adjusted_p` for the board."""

    column: str
    comparison: Comparison
    p: float | None
    adjusted_p: float | None
    higher_is_better: bool

    @property
    def verdict(self) -> Verdict:
        return self.comparison.verdict

    @property
    def worsening(self) -> float | None:
        """The change in the direction that is worse; None when there is no figure for it."""
        change = self.comparison.change
        return None if change is None else -change if self.higher_is_better else change


@dataclass(frozen=True, slots=True)
class Mean:
    """Geometric means of one metric's medians over the benchmarks that both columns have; `left_out` had a zero."""

    column: str
    unit: str
    benchmarks: int
    base: float
    head: float
    left_out: int

    @property
    def change(self) -> float:
        return self.head / self.base - 1.0


@dataclass(frozen=True, slots=True)
class Board:
    """All that a rendering shows. `common` and `differing` are settings: (key, value by column)."""

    base: str
    columns: tuple[str, ...]
    limits: Limits
    rows: tuple[Row, ...]
    means: tuple[Mean, ...]
    one_sided: tuple[OneSided, ...]
    renames: tuple[Rename, ...]
    common: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]

    def count(self, verdict: Verdict) -> int:
        return sum(row.verdict is verdict for row in self.rows)

    @property
    def exit_code(self) -> ExitCode:
        """1 for a regression, 4 when something could not be told (nothing compared too), else 0."""
        if self.count(Verdict.REGRESSION):
            return ExitCode.FAILED
        if self.count(Verdict.UNKNOWN) or not self.rows:
            return ExitCode.UNKNOWN
        return ExitCode.FINE
