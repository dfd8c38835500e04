"""What a person reads at the end of a search."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from perf.bisect.model import BisectResult, Change, Ending, Metric, State, Step, Verified
from perf.report import bisect_terminal
from perf.report.bisect_figures import chance, metric_name, sides
from tests.report.gates import grew
from tests.report.searches import (
    SEARCHES,
    SLOWER,
    benchmark_changed,
    commit,
    found,
    in_terminal,
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


def words_of(text: str) -> str:
    """Without regard to where lines were broken."""
    return " ".join(text.split())


def plot_of(text: str) -> list[str]:
    """Its lines from the heading to before the legend."""
    lines = text.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("    place  commit"))
    end = next(number for number, line in enumerate(lines) if "the median of each place" in line)
    return lines[begin:end]


# -- the answer ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (found, f"Culprit ✅ {sha(57)[:12]} copy: digest each layer twice"),
        (several, "Culprit ✅ one of 3 commits: 2 of them cannot be measured"),
        (undecided, "Bisect ❔ not determined"),
        (same_binary, "Bisect ➖ no commit in this range can have changed it"),
        (no_shift, "Bisect ❔ the ends do not differ in CPU time per op"),
        (scanned, "Bisect ✅ 3 steps of instructions per op along the range"),
        (benchmark_changed, "Bisect ➖ the benchmark itself changed, so this is no regression of what it measures"),
    ],
)  # fmt: skip
def test_the_first_line_is_the_answer(make: Callable[[], BisectResult], line: str) -> None:
    assert in_terminal(make(), 120).splitlines()[0] == line


def test_a_culprit_stands_with_author_date_effect_interval_and_chance() -> None:
    shown = in_terminal(found())
    assert "2026-03-02, A. Author <author@example.invalid>\n" in shown
    assert "CPU time per op +10.2 % (95 %: +9.1 % … +11.3 %), 1.05 ms → 1.16 ms\n" in shown
    assert "97.3 % that it is this one of 128 commits (95 % was asked for)\n" in shown


def test_what_it_cost_is_told() -> None:
    assert "96 measurements and 11 builds in 8 min 2 s on Example CPU, 2 cores, seed 7" in words_of(
        in_terminal(found())
    )


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (1.0, "over 99.9 %"),
        (0.9996, "over 99.9 %"),
        (0.9994, "99.9 %"),
        (0.31, "31.0 %"),
        (1e-9, "under 0.1 %"),
    ],
)
def test_nothing_is_ever_certain_or_impossible(share: float, told: str) -> None:
    assert chance(share) == told


def test_what_was_counted_claims_no_percentage() -> None:
    shown = in_terminal(several())
    assert "counted, not timed: nothing else in the range fits the counts" in shown
    assert "% that it is" not in shown


def test_who_counted_instructions_is_named() -> None:
    result = replace(several(), metric=Metric.INSTRUCTIONS, counter="valgrind 3.19.0")
    assert "counted, not timed, by valgrind 3.19.0: nothing else" in in_terminal(result)


def test_commits_that_cannot_be_told_apart_say_why() -> None:
    shown = in_terminal(several())
    assert f"{sha(5)[:12]} copy: change number 5\n" in shown
    assert "cannot be measured: does not build: undefined: mount\n" in shown
    assert "cannot be measured: panics at start: index out of range [3]\n" in shown
    assert f"{sha(7)[:12]} copy: change number 7\n" in shown


def test_of_many_that_cannot_be_told_apart_the_first_and_the_last_are_shown() -> None:
    places = levels(30, {0: (1.0,), 29: (2.0,), 30: (2.0,)}, skipped=dict.fromkeys(range(5, 29), ""))
    result = replace(several(), levels=places, culprits=tuple(range(5, 30)))
    shown = in_terminal(result)
    assert "one of 25 commits: 24 of them cannot be measured\n" in shown
    assert "… 17 more, in bisect.json\n" in shown
    assert sha(11)[:12] in shown and sha(12)[:12] not in shown and sha(29)[:12] in shown
    assert "cannot be measured: no reason given\n" in shown


def test_places_that_nothing_tells_apart_though_all_can_be_measured_say_so() -> None:
    places = levels(4, {0: (1.0,), 4: (2.0,)})
    result = replace(several(), levels=places, culprits=(1, 2))
    assert "one of 2 commits: no measurement tells them apart\n" in in_terminal(result)


def test_an_open_search_shows_the_likeliest_and_how_to_go_on() -> None:
    shown = in_terminal(undecided())
    assert "the likeliest of 32 commits, where 95 % was asked for:\n" in shown
    assert f"  31.0 %  {sha(19)[:12]}  2026-03-20  A. Author  copy: change number 19\n" in shown
    assert "and 27 commits more, 5.4 % together\n" in shown
    assert "if it is the likeliest: CPU time per op +2.9 %" in shown
    assert "to go on:\n    ./noxw --run python -m perf bisect --resume 20260304-101112-bisect-abcd\n" in shown


def test_an_open_search_that_knows_nothing_says_what_it_was_told() -> None:
    result = search(Ending.UNDECIDED, levels(3, {}), summary="not determined: an end failed twice")
    assert in_terminal(result).splitlines()[:2] == ["Bisect ❔ not determined", "  an end failed twice"]
    assert "place  commit" not in in_terminal(result)


@pytest.mark.parametrize(
    ("improvement", "fractions", "told"),
    [
        (False, (-0.1, -0.12, -0.08), ["is not higher", "search with --improvement"]),
        (True, (0.1, 0.08, 0.12), ["is not lower", "search without --improvement"]),
        (False, (-0.01, -0.02, 0.01), ["the ends do not differ"]),
    ],
)
def test_a_shift_the_other_way_is_not_called_none(
    improvement: bool, fractions: tuple[float, float, float], told: list[str]
) -> None:
    change = Change(*fractions, 1e-3, 1e-3 * (1 + fractions[0]))
    shown = in_terminal(replace(no_shift(), improvement=improvement, change=change))
    assert all(each in shown for each in told)
    assert ("--improvement" in shown) is (len(told) == 2)


@pytest.mark.parametrize(
    ("good", "bad", "improvement", "moved"),
    [((5.0, 5.0), (4.0, 4.0), False, True), ((4.0, 4.0), (5.0, 5.0), True, True),
     ((5.0, 4.0), (4.0, 4.0), False, False), ((), (4.0,), False, False)],
)  # fmt: skip
def test_a_counted_shift_the_other_way_is_one_too(
    good: tuple[float, ...], bad: tuple[float, ...], improvement: bool, moved: bool
) -> None:
    change = Change(0.2 if improvement else -0.2, None, None, 5.0, 4.0)
    places = levels(2, {0: good, 2: bad})
    result = replace(no_shift(), metric=Metric.ALLOCS, improvement=improvement, change=change, levels=places)
    assert ("it moved the other way" in in_terminal(result)) is moved


def test_counts_that_are_a_little_apart_did_not_move() -> None:
    change = Change(-0.002, None, None, 1_000_000.0, 998_000.0)
    places = levels(2, {0: (1_000_000.0,), 2: (998_000.0,)})
    result = replace(no_shift(), metric=Metric.INSTRUCTIONS, change=change, levels=places)
    assert "the ends do not differ in instructions per op" in in_terminal(result)
    assert "the ends do not differ" in in_terminal(replace(result, metric=Metric.CPU, change=None))


def test_steps_of_a_scan_stand_with_what_cannot_be_told_apart() -> None:
    shown = in_terminal(scanned(), 160)
    assert (
        f"  {sha(300)[:12]}   +6.00 %  1.85 M  1.96 M  2026-03-21  A. Author  copy: change number 300\n"
        in shown
    )
    assert f"or one of 2 before it, from {sha(898)[:12]} (cannot be measured)\n" in shown
    assert "from end to end: instructions per op +15.00 %, 1.85 M → 2.13 M\n" in shown


def test_a_step_of_two_commits_names_both() -> None:
    steps = (Step((3, 4), Change(0.5, None, None, 2.0, 3.0)),)
    places = levels(5, {0: (2.0,), 3: (2.0,), 4: (3.0,)})
    shown = in_terminal(search(Ending.SCANNED, places, metric=Metric.ALLOCS, steps=steps), 120)
    assert "1 step of allocations per op" in shown
    assert f"or {sha(3)[:12]} (not told apart)\n" in shown


def test_steps_beyond_those_shown_are_counted_and_none_is_an_answer() -> None:
    steps = tuple(Step((place,), Change(0.5, None, None, 2.0, 3.0)) for place in range(1, 19))
    shown = in_terminal(search(Ending.SCANNED, levels(20, {0: (1.0,)}), steps=steps))
    assert "and 3 steps more, in bisect.json\n" in shown
    none = search(Ending.SCANNED, levels(20, {0: (1.0,)}))
    assert in_terminal(none).startswith("Bisect ✅ no step: no commit of this range changed it\n")


@pytest.mark.parametrize(
    ("verified", "told"),
    [
        (Verified("regression", "slower", 10), "✅ verified against its parent by 10 fresh pairs: slower"),
        (Verified("unchanged", "", 30), "❔ not verified against its parent, 30 fresh pairs say unchanged"),
        (
            Verified("improvement", "faster", 1),
            "❔ not verified against its parent, 1 fresh pair say improvement: faster",
        ),
    ],
)
def test_a_second_look_says_whether_it_holds(verified: Verified, told: str) -> None:
    assert f"  {told}\n" in in_terminal(replace(found(), verified=verified), 160)


def test_counts_are_verified_by_values_and_a_speed_up_by_an_improvement() -> None:
    result = replace(several(), improvement=True, verified=Verified("improvement", "9 to 8", 2))
    assert "✅ verified against its parent by 2 fresh values a side: 9 to 8\n" in in_terminal(result)


def test_functions_beyond_those_shown_are_in_the_file_that_a_search_leaves() -> None:
    shown = in_terminal(found())
    assert "     86 % skiff/pkg/copy.(*Writer).Flush 110 µs → 200 µs\n" in shown
    assert "and 2 functions more, in bisect.json\n" in shown
    assert "summary.md" not in shown
    blame = found().blame
    assert blame is not None
    few = replace(found(), blame=replace(blame, functions=(grew("f", "", 1.0, 2.0, 1.0),)))
    assert "more, in bisect.json" not in in_terminal(few)


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_command_is_never_cut(width: int) -> None:
    command = "./noxw --run python -m perf bisect " + " ".join(f"--tags number{each}" for each in range(120))
    shown = words_of(in_terminal(replace(undecided(), again=command, resume=command + " --resume x"), width))
    assert command in shown.split("to search again:")[1]
    assert command + " --resume x" in shown


def test_merged_branches_are_spoken_of_where_they_were_searched() -> None:
    shown = in_terminal(replace(found(), all_parents=True))
    assert "128 commits, merged branches too: 96 measurements" in words_of(shown)
    assert "places of branches that were merged lie beside one another" in words_of(shown)


# -- odd text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 160])
@pytest.mark.parametrize("name", SEARCHES)
def test_no_line_is_wider_than_the_window(name: str, width: int) -> None:
    lines = in_terminal(SEARCHES[name](), width).splitlines()
    assert max(cell_len(line) for line in lines if not line.startswith("    ./noxw ")) <= width


@pytest.mark.parametrize("name", SEARCHES)
def test_a_command_is_one_line_to_be_copied_however_narrow_the_window(name: str) -> None:
    result = SEARCHES[name]()
    lines = in_terminal(result, 40).splitlines()
    assert all(f"    {command}" in lines for command in (result.again, result.resume) if command)


def test_markup_in_a_subject_is_shown_and_control_characters_are_not_sent() -> None:
    shown = in_terminal(odd(), 160)
    assert "[red]not ?[31mred?[0m? `code` <b>&amp;</b>" in shown
    assert "\x1b" not in shown and "\u202e" not in shown
    assert "BenchmarkOdd/[bold]?[2J" in shown


def test_what_comes_from_nothing_has_no_percentage() -> None:
    assert "allocations per op from 0, 0 → 1\n" in in_terminal(odd())


@given(st.text(min_size=1, max_size=300), st.sampled_from([60, 80, 160]))
def test_any_subject_and_author_keeps_every_line_within_the_window(text: str, width: int) -> None:
    places = list(several().levels)
    for place in (5, 7):
        places[place] = replace(
            places[place], commit=replace(commit(place), subject=text, author=text), reason=text[:80]
        )
    shown = in_terminal(replace(several(), levels=tuple(places)), width)
    assert len(plot_of(shown)) == 8
    assert "\x1b" not in shown


def test_meaning_does_not_rest_on_colour() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard", _environ={})
    console.print(bisect_terminal.render(found(), 80))
    assert isinstance(console.file, io.StringIO)
    assert "\x1b[1m" in console.file.getvalue()
    assert "Culprit ✅" in in_terminal(found())
    assert "\n  ▶    57  " in in_terminal(found())


@pytest.mark.parametrize("metric", list(Metric))
def test_every_metric_has_a_name_that_people_say(metric: Metric) -> None:
    assert metric_name(metric).endswith(" per op")
    assert "/" not in metric_name(metric)


def test_counts_that_round_to_the_same_are_written_out() -> None:
    near = Change(0.0002, None, None, 1_850_000.0, 1_850_370.0)
    assert sides(near, "instructions/op") == "1,850,000 → 1,850,370"
    assert sides(replace(SLOWER, before=1.05e-3, after=1.0501e-3), "cpu-sec/op") == "1.05 ms → 1.05 ms"
    assert sides(replace(SLOWER, before=float("nan")), "cpu-sec/op") == "– → 1.16 ms"


# -- the plot -----------------------------------------------------------------------------------------------------


def bars(text: str) -> dict[int, int]:
    """Place → full cells of its bar."""
    return {
        int(line.split()[-5 if "▶" in line else 0]): line.count("█")
        for line in plot_of(text)
        if "█" in line and "▶" not in line
    }


def test_a_bar_is_as_long_as_its_cost() -> None:
    places = levels(3, {0: (100.0,), 1: (50.0,), 2: (0.0,), 3: (200.0,)})
    result = search(Ending.NO_SHIFT, places, metric=Metric.ALLOCS)
    cells = bars(in_terminal(result, 160))
    assert cells == {0: 20, 1: 10, 3: 40}
    assert "bars begin at 0, a full one is 200" in in_terminal(result, 160)


def test_a_bar_shows_an_eighth_of_a_cell() -> None:
    places = levels(2, {0: (315.0,), 1: (316.0,), 2: (320.0,)})
    lines = plot_of(in_terminal(search(Ending.NO_SHIFT, places, metric=Metric.ALLOCS), 160))
    assert "█" * 39 + "▍ " in lines[1]
    assert "█" * 39 + "▌ " in lines[2]
    assert "█" * 40 in lines[3]


def test_where_all_is_zero_there_is_no_bar_and_no_scale() -> None:
    places = levels(1, {0: (0.0,), 1: (0.0,)})
    shown = in_terminal(search(Ending.NO_SHIFT, places, metric=Metric.ALLOCS))
    assert "█" not in shown
    assert "bars begin" not in shown


def test_too_narrow_a_window_has_figures_without_bars() -> None:
    shown = in_terminal(found(), 40)
    assert "█" not in shown
    assert "  ▶    57  3a5a1869  1.15 ms  +10.4 %\n" in shown


@pytest.mark.parametrize("width", [60, 80, 160])
@pytest.mark.parametrize("make", [found, scanned])
def test_a_long_range_stays_within_thirty_lines(make: Callable[[], BisectResult], width: int) -> None:
    assert len(plot_of(in_terminal(make(), width))) <= 27


def test_places_near_the_answer_are_shown_and_those_far_from_it_folded() -> None:
    known = {place: values(1.2 if place >= 57 else 1.0, 2, place) for place in range(129)}
    result = search(Ending.FOUND, levels(128, known), culprits=(57,), chance=0.99, change=SLOWER)
    lines = plot_of(in_terminal(result, 160))
    shown = [int(line.replace("▶", " ").split()[0]) for line in lines[1:] if "⋮" not in line]
    assert shown == [0, *range(52, 62), 128]
    assert "⋮  51 commits: measured (" in lines[2]


def test_what_lies_between_is_told_by_its_kind() -> None:
    shown = in_terminal(found(), 160)
    assert (
        "⋮  5 commits: 2 unmeasurable (does not build: copy.go:7:2: undefined: mount), 3 not looked at\n"
        in shown
    )
    assert "⋮  1 commit: same binary\n" in shown
    built = replace(found().levels[1], state=State.BUILT)
    result = replace(found(), levels=(found().levels[0], built, *found().levels[2:]))
    assert "⋮  31 commits: 1 built only, 30 not looked at\n" in in_terminal(result)


def test_a_place_of_the_answer_that_cannot_be_measured_is_marked() -> None:
    assert "  ▶     ⋮  2 commits: unmeasurable\n" in in_terminal(several())


def test_a_culprit_whose_binary_is_measured_elsewhere_has_a_row() -> None:
    places = levels(4, {0: (1.0,), 1: (1.0,), 4: (2.0,)}, same={2: 4, 3: 4})
    result = search(Ending.FOUND, places, metric=Metric.ALLOCS, culprits=(2,), chance=1.0)
    lines = plot_of(in_terminal(result))
    assert [line.replace("▶", " ").split()[0] for line in lines[1:]] == ["0", "1", "2", "⋮", "4"]
    assert lines[3].startswith("  ▶")


def test_every_step_of_a_scan_is_marked_in_the_plot() -> None:
    marked = [line for line in plot_of(in_terminal(scanned())) if "▶" in line]
    assert [line.split()[1] for line in marked] == ["300", "606", "⋮", "900"]
    assert "▶ a step" in in_terminal(scanned())
