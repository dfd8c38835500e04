"""An execution trace is read as Go 1.26 printed it: who waited how long, sleep included."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perf.blame import waits
from perf.blame.costs import Spot

RECORDED = (Path(__file__).parent / "testdata" / "trace.txt").read_text("utf-8").splitlines()
PLANTED = re.compile(r"^example\.test/planted[./_]")
PLACE = "example.test/planted/planted.go"


def test_a_wait_counts_as_the_innermost_function_of_the_module() -> None:
    """From one change of the goroutine's state to the next; the main goroutine's wait for the benchmark is none."""
    found = waits.parse(RECORDED, PLANTED)
    assert found.every == {
        Spot("example.test/planted.Fetch", PLACE, 39): pytest.approx(
            (13358577896832 - 13358575707904) * 1e-9
        ),
        Spot("example.test/planted.answer", PLACE, 42): pytest.approx(
            (13358580023168 - 13358577903680) * 1e-9
        ),
    }


def test_waits_that_nothing_of_the_module_asked_for_are_not_told() -> None:
    assert waits.parse(RECORDED, re.compile(r"^other[./_]")).every == {}


def test_the_testing_package_waits_for_nobody() -> None:
    """The stack of its wait for the benchmark's goroutine holds main.main, and Benchmark functions around b.Run."""
    assert waits.parse(RECORDED, re.compile(r"^main[.]")).every == {}


def event(time: int, goroutine: int, change: str, *frames: str) -> list[str]:
    lines = [f'M=1 P=0 G=1 StateTransition Time={time} GoID={goroutine} {change} Reason="sleep"']
    for frame in frames:
        lines += [f"\t{frame} @ 0x12", "\t\tm/m.go:7"]
    return lines


def test_a_wait_without_frames_and_one_without_an_end_are_left_out() -> None:
    lines = [
        *event(0, 1, "Running->Waiting"),
        *event(10, 1, "Waiting->Runnable"),
        *event(20, 2, "Running->Waiting", "time.Sleep", "m.f"),
        "",
    ]
    assert waits.parse(lines, re.compile("^m[.]")).every == {}


def test_waits_of_several_goroutines_add_up() -> None:
    lines = [
        *event(0, 1, "Running->Waiting", "time.Sleep", "m.f"),
        "",
        *event(5, 2, "Running->Waiting", "time.Sleep", "m.f"),
        "",
        *event(10, 2, "Waiting->Runnable"),
        *event(100, 1, "Waiting->Running"),
    ]
    assert waits.parse(lines, re.compile("^m[.]")).every == {Spot("m.f", "m/m.go", 7): pytest.approx(105e-9)}


def test_another_form_of_trace_is_refused() -> None:
    with pytest.raises(ValueError, match="no goroutine changes its state"):
        waits.parse(["p 0 g 1 off 12 GoBlock"], PLANTED)
