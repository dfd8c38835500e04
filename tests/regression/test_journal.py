"""What was measured is on disk at once, and a run that goes on finds it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from perf.regression.journal import Journal, made, problem_of


def test_what_is_noted_is_recalled_and_stands_in_the_file_at_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run" / "samples.jsonl")
    journal.note("first/000-0/base/./work BenchmarkA", {"values": {"sec/op": 1.5}})
    assert journal.recall("first/000-0/base/./work BenchmarkA") == {"values": {"sec/op": 1.5}}
    assert "BenchmarkA" in (tmp_path / "run" / "samples.jsonl").read_text("utf-8")


def test_what_was_never_noted_is_not_there(tmp_path: Path) -> None:
    assert Journal(tmp_path / "samples.jsonl").recall("anything") is None


def test_a_run_that_goes_on_knows_the_earlier_one_and_keeps_it_with_its_own(tmp_path: Path) -> None:
    first = Journal(tmp_path / "1" / "samples.jsonl")
    first.note("a", 1)
    second = Journal(tmp_path / "2" / "samples.jsonl", tmp_path / "1" / "samples.jsonl")
    second.note("b", 2)
    third = Journal(tmp_path / "3" / "samples.jsonl", tmp_path / "2" / "samples.jsonl")
    assert (third.recall("a"), third.recall("b")) == (1, 2)
    assert first.recall("b") is None


def test_a_line_cut_short_by_a_kill_is_as_if_it_had_not_been_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "samples.jsonl")
    journal.note("whole", 1)
    with (tmp_path / "samples.jsonl").open("a", encoding="utf-8") as file:
        file.write('["cut", {"values": {"sec')
    again = Journal(tmp_path / "again.jsonl", tmp_path / "samples.jsonl")
    assert (again.recall("whole"), again.recall("cut")) == (1, None)


@pytest.mark.parametrize(
    "line",
    ["1", "null", "[]", '["odd"]', '["odd", 1, 2]', '"od"', '{"odd": 1, "x": 2}', "[[1], 2]", "[" * 9999],
)
def test_a_line_that_is_no_pair_of_key_and_value_is_as_if_it_had_not_been_written(
    tmp_path: Path, line: str
) -> None:
    (tmp_path / "samples.jsonl").write_text(f'["before", 1]\n{line}\n["after", 2]\n', "utf-8")
    journal = Journal(tmp_path / "again.jsonl", tmp_path / "samples.jsonl")
    assert (journal.recall("before"), journal.recall("odd"), journal.recall("after")) == (1, None, 2)
    assert len((tmp_path / "again.jsonl").read_text("utf-8").splitlines()) == 2


@pytest.mark.parametrize(
    "known",
    [None, 1, [1], {}, {"value": None}, {"value": "x"}, {"value": 1, "problem": {"kind": "unheard of"}}],
)
def test_a_value_with_missing_or_odd_fields_is_as_if_it_had_not_been_noted(known: object) -> None:
    def make(fields: Mapping[str, object]) -> float:
        if problem := fields.get("problem"):
            problem_of(problem)  # type: ignore[arg-type]
        return float(fields["value"])  # type: ignore[arg-type]

    assert made(known, make) is None
    assert made({"value": 1.5}, make) == 1.5
