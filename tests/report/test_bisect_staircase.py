"""The drawing of a search, read as XML."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.bisect.model import BisectResult, Ending, Metric
from perf.report import bisect_staircase
from perf.report.bisect_axes import columns_of, interval, scale_of
from tests.report.searches import (
    SEARCHES,
    benchmark_changed,
    found,
    levels,
    no_shift,
    odd,
    same_binary,
    scanned,
    search,
    several,
    sha,
    undecided,
    values,
)

SVG = "{http://www.w3.org/2000/svg}"


def drawn(result: BisectResult) -> ElementTree.Element:
    return ElementTree.fromstring(bisect_staircase.render(result))


def of_class(root: ElementTree.Element, *classes: str) -> list[ElementTree.Element]:
    return [each for each in root.iter() if set(classes) <= set(each.get("class", "").split())]


def texts(root: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def number(element: ElementTree.Element, name: str) -> float:
    return float(element.get(name, "nan"))


@pytest.mark.parametrize("name", SEARCHES)
def test_it_needs_nothing_from_elsewhere(name: str) -> None:
    text = bisect_staircase.render(SEARCHES[name]())
    ElementTree.fromstring(text)
    assert not re.search(r"href|url\(|@import|<script|<image|src=", text)
    assert text.count("http") == 1  # the name space


@pytest.mark.parametrize("name", SEARCHES)
def test_all_lies_within_the_page(name: str) -> None:
    root = drawn(SEARCHES[name]())
    for each in root.iter():
        for axis, limit in (("x", bisect_staircase.WIDTH), ("y", bisect_staircase.HEIGHT)):
            for prefix in ("", "c"):
                at = each.get(f"{prefix}{axis}")
                assert at is None or 0.0 <= float(at) <= limit


def test_there_is_a_dot_for_each_value_and_a_bar_for_each_place() -> None:
    root = drawn(found())
    measured = [each for each in found().levels if each.values and each.same_as is None]
    assert len(of_class(root, "dot")) == sum(len(each.values) for each in measured)
    assert len(of_class(root, "median")) == len(measured)
    assert len(of_class(root, "median", "after")) == 7


def test_a_higher_cost_lies_higher() -> None:
    root = drawn(found())
    before, after = (number(of_class(root, "level", side)[0], "y1") for side in ("before", "after"))
    assert after < before


def test_both_levels_have_their_interval_around_them() -> None:
    root = drawn(found())
    for side in ("before", "after"):
        (band,), (line,) = of_class(root, "band", side), of_class(root, "level", side)
        top = number(band, "y")
        assert top <= number(line, "y1") <= top + number(band, "height")
    assert not of_class(drawn(several()), "band")


def test_the_interval_of_a_median_is_that_of_its_ranks() -> None:
    """Of 100 values the 40th and the 61st, as in tables of the sign test."""
    assert interval([float(each) for each in range(1, 101)]) == (41.0, 60.0)
    assert interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == (1.0, 6.0)
    assert interval([1.0] * 5) is None


def test_the_culprit_is_marked_by_shade_edge_and_word() -> None:
    root = drawn(found())
    (shade,), (edge,) = of_class(root, "answer"), of_class(root, "answer-edge")
    assert number(shade, "x") == number(edge, "x1")
    assert "culprit" in texts(root)
    inside = [each for each in of_class(root, "median") if number(shade, "x") < number(each, "x1")]
    assert len(inside) == 7
    assert sha(57)[:8] in texts(root)


def test_all_that_cannot_be_told_apart_are_marked() -> None:
    root = drawn(several())
    assert len(of_class(root, "answer")) == 2
    assert "one of these" in texts(root)
    assert "culprit: one of 3 commits that cannot be told apart" in texts(root)


def test_places_that_cannot_be_measured_have_a_cross_and_their_reason() -> None:
    root = drawn(found())
    assert len(of_class(root, "skip")) == 2
    titles = [each.text for each in root.iter(f"{SVG}title")]
    assert "2 commits: unmeasurable (does not build: copy.go:7:2: undefined: mount)" in titles
    assert f"{sha(55)[:12]} copy: change number 55, 1 commit: same binary" in titles


def test_places_not_looked_at_are_folded_into_one_with_their_number() -> None:
    root = drawn(found())
    assert "31" in texts(root)
    assert len(columns_of(found())) < 30


def test_steps_of_a_scan_have_an_edge_each() -> None:
    root = drawn(scanned())
    assert len(of_class(root, "answer-edge")) == 3
    assert not of_class(root, "answer")
    assert {sha(300)[:8], sha(606)[:8], sha(900)[:8]} <= set(texts(root))


@pytest.mark.parametrize("size", [1, 30, 1000])
def test_labels_below_never_overlap(size: int) -> None:
    known = {place: (1.0 + (place >= size), 1.01) for place in range(size + 1)}
    result = search(Ending.FOUND, levels(size, known), culprits=(size,), chance=0.99)
    at = sorted(number(each, "x") for each in of_class(drawn(result), "sha"))
    assert len(at) >= 2
    assert all(right - left >= 60.0 for left, right in pairwise(at))


def test_where_nothing_is_determined_the_chance_is_drawn() -> None:
    root = drawn(undecided())
    bars = of_class(root, "chance")
    tallest = max(bars, key=lambda each: number(each, "height"))
    assert tallest[0].text == "53.0 %"
    assert "53.0 %" in texts(root)
    assert not of_class(drawn(found()), "chance")


def test_an_open_search_without_chances_has_none_drawn() -> None:
    result = search(Ending.UNDECIDED, levels(3, {0: (1.0,), 3: (1.0,)}), summary="not determined")
    assert not of_class(drawn(result), "chance")


def test_without_measurements_it_says_so() -> None:
    assert "nothing was measured" in texts(drawn(same_binary()))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            found,
            [
                "culprit: 3a5a18693a5a copy: digest each layer twice",
                "+10.2 %",
                "97.3 % sure",
                "129 places, 12 of",
            ],
        ),
        (scanned, [f"step at {sha(606)[:12]}: −1.89 %", "3 steps along the range"]),
        (benchmark_changed, ["the benchmark itself changed: ", "over 99.9 % sure"]),
        (no_shift, ["the ends do not differ in"]),
    ],
)
def test_who_does_not_see_it_is_told_the_same(make: Callable[[], BisectResult], told: list[str]) -> None:
    root = drawn(make())
    described = root.find(f"{SVG}desc")
    assert described is not None and described.text is not None
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "bisect-title bisect-desc"
    assert all(each in described.text for each in told)


def test_a_scan_without_steps_says_so() -> None:
    assert "no step along the range" in texts(
        drawn(search(Ending.SCANNED, levels(2, {0: (1.0,), 2: (1.0,)})))
    )


def test_light_and_dark_pages_have_their_own_colours() -> None:
    text = bisect_staircase.render(found())
    light, dark = text.split("@media(prefers-color-scheme:dark)")
    names = set(re.findall(r"var\((--[a-z]+)\)", text))
    assert names
    assert all(f"{name}:#" in light and f"{name}:#" in dark for name in names)


def test_the_scale_says_the_change_where_there_is_a_first_value() -> None:
    assert "+10.0 %" in texts(drawn(found()))
    assert not [each for each in texts(drawn(odd())) if each.endswith("%")]


def test_no_label_of_the_scale_is_said_twice() -> None:
    result = search(
        Ending.NO_SHIFT, levels(1, {0: (1_850_000.0,), 1: (1_850_010.0,)}), metric=Metric.INSTRUCTIONS
    )
    labels = [each for each in texts(drawn(result)) if each.endswith((" M", " %"))]
    assert labels and len(labels) == len(set(labels))


@given(st.lists(st.floats(min_value=0.0, max_value=1e12), min_size=1, max_size=20))
def test_the_scale_holds_every_value_and_has_few_lines(numbers: list[float]) -> None:
    scale = scale_of(numbers)
    assert scale.low <= min(numbers) and max(numbers) <= scale.high
    assert len(scale.ticks()) <= 8


@given(st.text(max_size=300))
def test_any_text_makes_a_drawing_that_can_be_read(text: str) -> None:
    one = odd()
    commit = replace(one.levels[1].commit, subject=text)
    result = replace(
        one, levels=(one.levels[0], replace(one.levels[1], commit=commit)), benchmark=text, summary=text
    )
    drawn(result)


def test_values_that_are_no_numbers_are_left_out() -> None:
    places = levels(2, {0: (float("nan"), 1.0), 1: (float("inf"),), 2: values(2.0, 3, 1)})
    root = drawn(search(Ending.FOUND, places, culprits=(2,), chance=0.99))
    assert len(of_class(root, "dot")) == 4
