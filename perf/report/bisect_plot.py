"""The levels along the range as bars in a terminal: what was measured near the answer, the rest folded. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from perf.bisect.model import BisectResult, Ending, Level
from perf.report.bisect_figures import (
    has_values,
    kinds,
    likeliest,
    metric_name,
    middle,
    signed,
    suspects,
    value,
)
from perf.report.escape import one_line
from perf.report.layout import INDENT, indented

PLACES_SHOWN: Final = 12
"""With a folded line between any two and the legend it stays below 30 lines."""
_SHA: Final = 8
_FEWEST_CELLS: Final = 10
_MOST_CELLS: Final = 40
_FEWEST_FOR_SUBJECT: Final = 16
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_MARK: Final = "▶"


def plot(result: BisectResult, width: int) -> Iterator[RenderableType]:
    """Nothing where nothing was measured. Bars begin at 0, so that none looks more than it is."""
    known = [each for each in result.levels if _is_row(result, each)]
    if not known:
        return
    shown = _nearest(known, _interesting(result))
    rows = [_cells(result, each, known[0]) for each in shown]
    head = ("place", "commit", "median", "change")
    columns = [max(len(title), *(cell_len(row[index]) for row in rows)) for index, title in enumerate(head)]
    left = width - INDENT - 2 - sum(columns) - 2 * len(columns)
    bar = _bar_cells(left)
    highest = max(middle(each.values) for each in shown)
    yield Text()
    yield _line(f"  {_columns(head, columns)}", width, "bold")
    before: int | None = None
    for each, row in zip(shown, rows, strict=True):
        if before is not None:
            yield from _gap(result, range(before + 1, each.place), columns[0], width)
        before = each.place
        text = f"{_marked(result, (each.place,))} {_columns(row, columns)}"
        if bar:
            text += f"  {_bar(middle(each.values), highest, bar)}"
        if left - bar > _FEWEST_FOR_SUBJECT:
            text += f"  {one_line(each.commit.subject)}"
        yield _line(text, width, "bold" if each.place in suspects(result) else "")
    yield indented(_legend(result, highest, bar), "dim")


def _is_row(result: BisectResult, level: Level) -> bool:
    """What shares its binary is the same measurement: once, but where it is the answer."""
    return has_values(level) and (level.same_as is None or level.place in suspects(result))


def _interesting(result: BisectResult) -> tuple[int, ...]:
    """Places that the answer turns on."""
    if result.ending is Ending.SCANNED and result.steps:
        return tuple(step.places[-1] for step in result.steps)
    if places := suspects(result):
        return (places[0], places[-1])
    return tuple(each.place for each in likeliest(result, 2)) or (0, result.levels[-1].place)


def _nearest(known: Sequence[Level], wanted: Iterable[int]) -> list[Level]:
    """Both ends and those on both sides of the wanted places, so many as there is room for."""
    places = [each.place for each in known]
    at = [bisect_left(places, place) for place in wanted]
    ends = (0, len(known) - 1)

    def far(index: int) -> tuple[bool, float, int]:
        return (index not in ends, min(abs(index - each + 0.5) for each in at), index)

    kept = sorted(range(len(known)), key=far)[:PLACES_SHOWN]
    return [known[index] for index in sorted(kept)]


def _cells(result: BisectResult, level: Level, good: Level) -> tuple[str, str, str, str]:
    unit = result.metric.unit
    here, first = middle(level.values), middle(good.values)
    moved = signed(here / first - 1.0, unit) if first > 0.0 and level is not good else ""
    return (str(level.place), level.commit.sha[:_SHA], value(here, unit), moved)


def _columns(cells: Sequence[str], widths: Sequence[int]) -> str:
    place, sha, *figures = cells
    texts = [place.rjust(widths[0]), sha.ljust(widths[1])]
    texts += [text.rjust(wide) for text, wide in zip(figures, widths[2:], strict=True)]
    return "  ".join(texts)


def _bar_cells(left: int) -> int:
    """Narrow windows have the bar alone, wide ones the subject beside it; none where neither fits."""
    if left < _FEWEST_CELLS:
        return 0
    if left < _FEWEST_CELLS + _FEWEST_FOR_SUBJECT + 2:
        return left - 2
    return min(_MOST_CELLS, max(_FEWEST_CELLS, left * 2 // 5))


def _bar(level: float, highest: float, cells: int) -> str:
    """To an eighth of a cell."""
    eighths = round(max(0.0, level / highest) * cells * 8) if highest > 0.0 else 0
    full, rest = divmod(eighths, 8)
    return ("█" * full + _EIGHTHS[rest].strip()).ljust(cells)


def _gap(result: BisectResult, places: range, indent: int, width: int) -> Iterator[RenderableType]:
    """What lies between two rows, in a line; the answer's places among them are marked."""
    levels = [result.levels[place] for place in places]
    if not levels:
        return
    text = f"{_marked(result, places)} {'⋮'.rjust(indent)}  {kinds(levels, result.metric.unit)}"
    yield _line(text, width, "bold" if text.startswith(_MARK) else "dim")


def _marked(result: BisectResult, places: Iterable[int]) -> str:
    if result.ending is Ending.SCANNED:
        wanted = {place for step in result.steps for place in step.places}
    else:
        wanted = set(result.culprits)
    return _MARK if wanted.intersection(places) else " "


def _line(text: str, width: int, style: str) -> RenderableType:
    """One line whatever it holds: what is too long ends in "…"."""
    line = Text(text.rstrip(), style, no_wrap=True)
    line.truncate(max(1, width - INDENT), overflow="ellipsis")
    return Padding(line, (0, 0, 0, INDENT))


def _legend(result: BisectResult, highest: float, bar: int) -> str:
    told = [f"{metric_name(result.metric)}, the median of each place, and its change from the good end"]
    if bar and highest > 0.0:
        told.append(f"bars begin at 0, a full one is {value(highest, result.metric.unit)}")
    if result.ending is Ending.SCANNED and result.steps:
        told.append(f"{_MARK} a step")
    elif result.culprits:
        told.append(f"{_MARK} the answer")
    if result.all_parents:
        told.append("places of branches that were merged lie beside one another")
    return "; ".join(told)
