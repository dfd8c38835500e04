"""Cachegrind's file is read as valgrind 3.19 wrote it for a Go binary; what is torn is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf.blame import cachegrind
from perf.blame.costs import Spot

RECORDED = (Path(__file__).parent / "testdata" / "cachegrind.txt").read_text("utf-8")


def test_every_instruction_is_read_and_nothing_else() -> None:
    """The file ends with its own sum."""
    assert sum(cachegrind.parse(RECORDED).values()) == int(RECORDED.rpartition("summary: ")[2])


def test_costs_lie_at_their_function_file_and_line() -> None:
    costs = cachegrind.parse(RECORDED)
    assert costs[Spot("skiff/pkg/copy.PlanManifest.func1", "skiff/pkg/copy/plan.go", 63)] == 45_000_000
    # What the compiler inlined keeps its own file, in the function that holds it.
    assert costs[Spot("skiff/pkg/copy.PlanManifest.func1", "slices/slices.go", 98)] == 1_194_000_000
    assert costs[Spot("x_cgo_sigaction", "???", 0)] == 70_482
    generic = "slices.pdqsortCmpFunc[go.shape.struct { encoding/json.name string }]"
    assert costs[Spot(generic, "slices/slices.go", 11)] == 140


def test_a_file_may_change_inside_a_function_and_instructions_need_not_come_first() -> None:
    text = "events: Dr Ir\nfl=a.go\nfn=f\n1 7 10\nfi=./b.go\n5 7 3\nfe=a.go\n1 7 2\nsummary: 21 15\n"
    assert cachegrind.parse(text) == {Spot("f", "a.go", 1): 12, Spot("f", "b.go", 5): 3}


@pytest.mark.parametrize(
    "text",
    [
        "",
        RECORDED[: len(RECORDED) // 2],
        "events: Dr\nfl=a.go\nfn=f\n1 7\nsummary: 7\n",
        "events: Ir\nfl=a.go\nfn=f\n1\nsummary: 7\n",
        "events: Ir\nfl=a.go\nfn=f\n1 x\nsummary: 7\n",
    ],
    ids=["empty", "torn", "no instructions", "no count", "no number"],
)
def test_what_is_no_whole_cachegrind_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cachegrind"):
        cachegrind.parse(text)
