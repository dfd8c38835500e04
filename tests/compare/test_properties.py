"""What holds for any input."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.compare import export, render
from perf.compare.judge import Limits
from perf.compare.model import Asked, Board
from perf.compare.samples import collect
from perf.errors import ExitCode
from perf.model import Verdict
from tests.compare.outputs import HEADER, board, several

NUMBERS = st.one_of(
    st.floats(0.5, 2.0).map(lambda factor: round(100.0 * factor, 3)),
    st.sampled_from([0.0, 1.0, 100.0]),
)
ROUND = st.fixed_dictionaries({"ns/op": NUMBERS, "allocs/op": st.integers(0, 4), "hits": NUMBERS})
SIDE = st.dictionaries(
    st.sampled_from(["BenchmarkA-2", "BenchmarkB/x=1-2", "BenchmarkB/x=2-2"]),
    st.lists(ROUND, min_size=1, max_size=12),
    min_size=1,
)
ASKED = st.builds(
    lambda in_pairs, runs: Asked(sort="name", limits=Limits(paired=in_pairs, between_runs=runs)),
    st.booleans(),
    st.sampled_from([0.0, 0.05]),
)
MIRRORED = {Verdict.REGRESSION: Verdict.IMPROVEMENT, Verdict.IMPROVEMENT: Verdict.REGRESSION}

FEW = settings(max_examples=40)

Side = dict[str, list[dict[str, float | str]]]


def written(side: Side) -> str:
    return "".join(several(name, rounds) for name, rounds in side.items())


@FEW
@given(SIDE, SIDE, ASKED)
def test_swapping_old_and_new_mirrors_every_change(old: Side, new: Side, asked: Asked) -> None:
    forth, back = board(written(old), written(new), asked), board(written(new), written(old), asked)
    assert len(forth.rows) == len(back.rows)
    for one, other in zip(forth.rows, back.rows, strict=True):
        assert (one.comparison.name, one.comparison.unit) == (other.comparison.name, other.comparison.unit)
        assert one.p == pytest.approx(other.p)
        if one.comparison.change is not None and other.comparison.change is not None:
            product = (1.0 + one.comparison.change) * (1.0 + other.comparison.change)
            assert product == pytest.approx(1.0)
        # The least effect is a share of its base, so what lies just beyond it may lie within, seen from the other.
        assert other.verdict is not one.verdict or one.verdict not in MIRRORED


@FEW
@given(SIDE, SIDE, st.randoms(use_true_random=False), st.sampled_from(["verdict", "delta", "name"]))
def test_the_order_of_the_lines_is_no_matter(old: Side, new: Side, draw: random.Random, sort: str) -> None:
    asked = {"verdict": Asked(), "delta": Asked(sort="delta"), "name": Asked(sort="name")}[sort]
    texts = []
    for side in (old, new):
        lines = written(side).splitlines(keepends=True)
        draw.shuffle(lines)
        texts.append("".join(lines))
    shuffled, ordered = board(*texts, asked), board(written(old), written(new), asked)
    assert export.csv_text(shuffled) == export.csv_text(ordered)
    assert shuffled.warnings == ordered.warnings
    assert shuffled.one_sided == ordered.one_sided


@FEW
@given(SIDE, ASKED)
def test_a_file_against_itself_is_never_red_or_green(side: Side, asked: Asked) -> None:
    made = board(written(side), written(side), asked)
    assert {row.verdict for row in made.rows} <= {Verdict.UNCHANGED, Verdict.UNKNOWN}
    assert made.one_sided == ()


@FEW
@given(SIDE, SIDE)
def test_the_exit_code_is_what_the_rows_say(old: Side, new: Side) -> None:
    made = board(written(old), written(new))
    found = {row.verdict for row in made.rows}
    expected = (
        ExitCode.FAILED
        if Verdict.REGRESSION in found
        else ExitCode.UNKNOWN
        if Verdict.UNKNOWN in found or not found
        else ExitCode.FINE
    )
    assert made.exit_code is expected


def renderings(made: Board) -> list[str]:
    return [render.text(made, 80), render.markdown(made), export.json_text(made), export.csv_text(made)]


NAMES = st.text(
    st.characters(exclude_categories=("Zs", "Zl", "Zp", "Cc", "Cs"), exclude_characters="-"),
    min_size=1,
    max_size=20,
)


@FEW
@given(NAMES, NAMES)
def test_any_name_can_be_shown(one: str, other: str) -> None:
    old = several(f"BenchmarkA/{one}", [{"ns/op": 5}] * 6)
    new = old + several(f"BenchmarkA/{other}", [{"ns/op": 5}])
    for text in renderings(board(old, new)):
        assert "\x1b" not in text
        assert text.endswith("\n")


@given(st.text())
def test_no_text_raises(text: str) -> None:
    source = collect((HEADER + text).split("\n"), "any")
    assert source.unreadable >= len(source.problems)


def test_a_board_without_change_is_red_less_often_than_alpha_says() -> None:
    """100 boards of 20 equal benchmarks, heavy-tailed noise: at most a few are red at alpha = 5 %."""
    draw = random.Random(4)

    def side() -> str:
        def value() -> float:
            return round(100.0 * draw.lognormvariate(0.0, 0.05) * (1.3 if draw.random() < 0.05 else 1.0), 3)

        return "".join(
            several(f"Benchmark{letter}", [{"ns/op": value()} for _ in range(8)]) for letter in "ABCDEFGHIJ"
        )

    asked = Asked(limits=Limits(alpha=0.05, least_effect=0.001))
    red = sum(board(side(), side(), asked).exit_code is ExitCode.FAILED for _ in range(100))
    assert red <= 5
