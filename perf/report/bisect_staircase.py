"""The levels along the range as a drawing: one SVG that needs nothing else, for light and dark pages. Pure.

Only places that tell something have a column of their own; runs of the others are drawn as one narrow column with their
number, so that what matters can be seen in a range of a thousand commits.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from html import escape
from typing import Final

from rich.cells import cell_len

from perf.bisect.model import BisectResult, Ending, Level, State
from perf.report.bisect_axes import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Column,
    Scale,
    columns_of,
    interval,
    numbers_of,
    scale_of,
)
from perf.report.bisect_figures import (
    SHORT,
    chance,
    has_values,
    in_a_line,
    kinds,
    made_bad,
    metric_name,
    middle,
    moved,
    sides,
    signed,
    subject,
    suspects,
    value,
)
from perf.report.escape import one_line, shorten, xml_text
from perf.report.words import count

WIDTH: Final = 960
HEIGHT: Final = 420
_WIDEST_SPREAD: Final = 45.0
_LABEL: Final = 64.0
_LONGEST_LINE: Final = 130
_LONGEST_HEAD: Final = 92
_TALLEST_CHANCE: Final = 50.0


def render(result: BisectResult) -> str:
    """A dot a value, a bar at each place's median, both levels with their intervals, the answer marked."""
    columns = columns_of(result)
    parts = [*_headings(result)]
    drawn = [each for each in columns if each.measured]
    if drawn:
        scale = scale_of([number for each in drawn for number in numbers_of(each.levels[0])])
        after = made_bad(result, result.culprits)
        parts += [
            *_grid(result, scale),
            *_answer(result, columns),
            *_levels(drawn, after, scale, known=bool(result.culprits)),
            *(_folded(each, result.metric.unit) for each in columns if not each.measured),
            *(
                _drawn(each, "after" if each.levels[0].place in after else "before", scale, result)
                for each in drawn
            ),
            *_chances(result, columns),
            *_labels(result, columns),
            *_key(result),
        ]
    else:
        parts.append(f'<text class="minor" x="{WIDTH / 2:.0f}" y="{HEIGHT / 2:.0f}" text-anchor="middle">'
                     "nothing was measured</text>")  # fmt: skip
    title = (
        f"{one_line(result.benchmark)} of {one_line(result.package)}: {metric_name(result.metric)} by commit"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-labelledby="bisect-title bisect-desc">\n'
        f'<title id="bisect-title">{_text(title)}</title>\n'
        f'<desc id="bisect-desc">{_text(_described(result, columns))}</desc>\n'
        f"<style>{_STYLE}</style>\n"
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


# Colours that differ for all common kinds of colour blindness; shape and words say the same.
_STYLE: Final = (
    "svg{--page:#fff;--ink:#1f2328;--minor:#59636e;--grid:#d8dee4;--before:#0b62b0;--after:#b35900;--answer:#8250df}"
    "@media(prefers-color-scheme:dark){svg{--page:#0d1117;--ink:#e6edf3;--minor:#9198a1;--grid:#30363d;"
    "--before:#79b8ff;--after:#ffa657;--answer:#d2a8ff}}"
    ".page{fill:var(--page)}"
    "text{font:12px system-ui,sans-serif;fill:var(--ink);unicode-bidi:plaintext}"
    ".head{font-size:15px;font-weight:600}.minor{fill:var(--minor)}.sha{font-family:ui-monospace,monospace}"
    ".grid{stroke:var(--grid)}"
    ".answer{fill:var(--answer);fill-opacity:.14}.answer-edge{stroke:var(--answer);stroke-width:1.5}"
    ".answer-word{fill:var(--answer);font-weight:600}"
    ".before{fill:var(--before)}.after{fill:var(--after)}.dot{fill-opacity:.5}.band{fill-opacity:.16}"
    ".level{stroke-width:1.5;stroke-dasharray:6 4}.level.before,.median.before{stroke:var(--before)}"
    ".level.after,.median.after{stroke:var(--after)}.median{stroke-width:2.5}"
    ".fold{fill:var(--grid);fill-opacity:.35}.same{fill-opacity:0}.skip{stroke:var(--minor);stroke-width:1.5}"
    ".chance{fill:var(--answer);fill-opacity:.6}"
)


# -- words --------------------------------------------------------------------------------------------------------


def _headings(result: BisectResult) -> Iterator[str]:
    yield _line(LEFT, 26, in_a_line(result), "head")
    where = f"{one_line(result.benchmark)} of {one_line(result.package)}"
    effect = f"{metric_name(result.metric)}"
    if result.change is not None:
        effect += f" {moved(result.change, result.metric.unit)}, {sides(result.change, result.metric.unit)}"
    yield _line(LEFT, 46, where, "minor")
    yield _line(LEFT, 64, effect, "minor")


def _described(result: BisectResult, columns: Sequence[Column]) -> str:
    """What there is to see, for who does not."""
    told = [in_a_line(result)]
    if result.change is not None:
        told.append(f"{metric_name(result.metric)} {moved(result.change, result.metric.unit)}, "
                    f"{sides(result.change, result.metric.unit)}")  # fmt: skip
    if result.culprits and not result.metric.repeats:
        told.append(f"{chance(result.chance)} sure")
    told += [
        f"step at {result.levels[each.places[-1]].commit.sha[:SHORT]}: {moved(each.change, result.metric.unit)}"
        for each in result.steps[:20]
    ]
    known = sum(column.measured for column in columns)
    told.append(
        f"from left to right the good end to the bad end, {count(len(result.levels), 'place')}, {known:,} of them "
        "measured; places that were not are folded"
    )
    return ". ".join(told)


def _text(text: str) -> str:
    return escape(xml_text(text))


def _line(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    """Text in the drawing; what is too long for it gives way in the middle."""
    longest = _LONGEST_HEAD if style == "head" else _LONGEST_LINE
    shown = _text(shorten(text, longest * len(text) // max(1, cell_len(text))))
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{shown}</text>'


# -- the drawing --------------------------------------------------------------------------------------------------


def _grid(result: BisectResult, scale: Scale) -> Iterator[str]:
    """Lines with the value at the left and the change at the right, as far as rounding tells them apart."""
    unit = result.metric.unit
    good = _reference(result)
    last, last_change = "", ""
    for tick in scale.ticks():
        y = scale.y(tick)
        yield f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        label = value(tick, unit)
        if label != last:
            yield _line(LEFT - 8, y + 4, label, "minor", "end")
        change = signed(tick / good - 1.0, "") if good > 0.0 else ""
        if change != last_change:
            yield _line(RIGHT + 8, y + 4, change, "minor")
        last, last_change = label, change


def _reference(result: BisectResult) -> float:
    first = next((each for each in result.levels if has_values(each)), None)
    return middle(first.values) if first is not None else 0.0


def _answer(result: BisectResult, columns: Sequence[Column]) -> Iterator[str]:
    """The culprit's columns shaded, with an edge where it begins; steps of a scan by an edge each."""
    places = set(result.culprits)
    marked = [each for each in columns if places.intersection(level.place for level in each.levels)]
    for each in marked:
        yield (
            f'<rect class="answer" x="{each.at - each.width / 2:.1f}" y="{TOP}" width="{max(3.0, each.width):.1f}" '
            f'height="{BOTTOM - TOP}"/>'
        )
    if marked:
        word = "culprit" if len(places) == 1 else "one of these"
        yield _edge(marked[0].at - marked[0].width / 2)
        yield _line((marked[0].at + marked[-1].at) / 2, TOP - 4, word, "answer-word", "middle")
    for step in result.steps:
        for each in columns:
            if step.places[0] in [level.place for level in each.levels]:
                yield _edge(each.at - each.width / 2)


def _edge(x: float) -> str:
    return f'<line class="answer-edge" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{BOTTOM}"/>'


def _levels(drawn: Sequence[Column], after: Container[int], scale: Scale, *, known: bool) -> Iterator[str]:
    """Both levels, each over its columns, with the interval that its median lies in (95 %)."""
    for style in ("before", "after") if known else ():
        side = [each for each in drawn if (each.levels[0].place in after) is (style == "after")]
        numbers = sorted(number for each in side for number in numbers_of(each.levels[0]))
        if not numbers:
            continue
        left = min(each.at - each.width / 2 for each in side)
        right = max(each.at + each.width / 2 for each in side)
        if (band := interval(numbers)) is not None:
            top, bottom = scale.y(band[1]), scale.y(band[0])
            yield (
                f'<rect class="band {style}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
                f'height="{max(1.0, bottom - top):.1f}"/>'
            )
        y = scale.y(middle(numbers))
        yield f'<line class="level {style}" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _drawn(column: Column, style: str, scale: Scale, result: BisectResult) -> str:
    """Dots from left to right as they were measured, so that drift can be seen."""
    (level,) = column.levels
    numbers = numbers_of(level)
    spread = min(_WIDEST_SPREAD, column.width * 0.5) if column.width > 8.0 else 0.0
    radius = min(3.0, max(1.2, column.width / 4))
    dots = [
        f'<circle class="dot {style}" cx="{column.at + spread * ((index + 0.5) / len(numbers) - 0.5):.1f}" '
        f'cy="{scale.y(number):.1f}" r="{radius:.1f}"/>'
        for index, number in enumerate(numbers)
    ]
    half = min(14.0, max(1.0, column.width * 0.35))
    y = scale.y(middle(numbers))
    told = f"{_named(level)}: {value(middle(numbers), result.metric.unit)}, {count(len(numbers), 'value')}"
    return (
        f"<g><title>{_text(told)}</title>{''.join(dots)}"
        f'<line class="median {style}" x1="{column.at - half:.1f}" x2="{column.at + half:.1f}" y1="{y:.1f}" '
        f'y2="{y:.1f}"/></g>'
    )


def _folded(column: Column, unit: str) -> str:
    """A run of places: their number, shaded where nothing is known of them, a cross where they cannot be measured."""
    wide, number, first = column.width, len(column.levels), column.levels[0]
    told = kinds(column.levels, unit)
    if number == 1:
        told = f"{_named(first)}, {told}"
    style = "same" if all(each.state is State.SAME for each in column.levels) else "fold"
    parts = [
        f"<title>{_text(told)}</title>",
        f'<rect class="{style}" x="{column.at - wide * 0.4:.1f}" y="{TOP}" width="{wide * 0.8:.1f}" '
        f'height="{BOTTOM - TOP}"/>',
    ]
    if first.state is State.SKIPPED:
        size, y = min(4.0, max(1.5, wide / 4)), TOP + 30
        parts += [
            f'<line class="skip" x1="{column.at - size:.1f}" x2="{column.at + size:.1f}" '
            f'y1="{y - sign * size:.1f}" y2="{y + sign * size:.1f}"/>'
            for sign in (-1, 1)
        ]
    if wide >= 7.0 * len(f"{number:,}"):
        parts.append(_line(column.at, TOP + 16, f"{number:,}", "minor", "middle"))
    return f"<g>{''.join(parts)}</g>"


def _named(level: Level) -> str:
    return f"{level.commit.sha[:SHORT]} {subject(level.commit)}"


def _chances(result: BisectResult, columns: Sequence[Column]) -> Iterator[str]:
    """Where nothing was found: how likely the culprit is in each column, the likeliest with its figure."""
    shares = [sum(level.chance for level in each.levels) for each in columns]
    most = max(shares)
    if result.ending is not Ending.UNDECIDED or most <= 0.0:
        return
    for each, share in zip(columns, shares, strict=True):
        high = _TALLEST_CHANCE * share / most
        if high >= 0.5:
            yield (
                f'<rect class="chance" x="{each.at - each.width * 0.3:.1f}" y="{BOTTOM - high:.1f}" '
                f'width="{each.width * 0.6:.1f}" height="{high:.1f}"><title>{_text(chance(share))}</title></rect>'
            )
    likeliest = columns[shares.index(most)]
    yield _line(likeliest.at, BOTTOM - _TALLEST_CHANCE - 5, chance(most), "answer-word", "middle")


def _labels(result: BisectResult, columns: Sequence[Column]) -> Iterator[str]:
    """Short hashes and places below: the answer and both ends, then others where there is room."""
    answer = {*suspects(result), *(step.places[-1] for step in result.steps)}
    able = [each for each in columns if each.measured or each.levels[0].place in answer]
    ends = (0, result.levels[-1].place)
    able.sort(
        key=lambda each: (each.levels[0].place not in answer, each.levels[0].place not in ends, each.at)
    )
    taken: list[float] = []
    for each in able:
        if any(abs(each.at - other) < _LABEL for other in taken):
            continue
        taken.append(each.at)
        level = each.levels[0]
        yield _line(each.at, BOTTOM + 18, level.commit.sha[:8], "sha minor", "middle")
        yield _line(each.at, BOTTOM + 33, f"{level.place:,}", "minor", "middle")


def _key(result: BisectResult) -> Iterator[str]:
    told = ["dot: a value", "bar: their median", "shaded: not measured", "×: cannot be"]
    if result.culprits:
        told.append("dashed: both levels" + ("" if result.metric.repeats else ", with 95 % intervals"))
    elif result.ending is Ending.UNDECIDED:
        told.append("from below: the chance to be the culprit")
    yield _line(LEFT, HEIGHT - 12, "; ".join(told), "minor")
