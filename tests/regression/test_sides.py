"""Which packages are measured at all: equal binaries are proven, broken ones are told by whose fault it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf.benchmarks.binaries import TestBinary
from perf.errors import RunFailed, Undecided
from perf.model import Problem, ProblemKind
from perf.regression.sides import match


def binary(directory: Path, package: str, digest: str = "d", kind: ProblemKind | None = None) -> TestBinary:
    place = directory / package
    place.mkdir(parents=True, exist_ok=True)
    problem = Problem(package, "", kind, f"{package}/a_test.go:3: undefined: x") if kind else None
    return TestBinary(package, place, None if kind else place / "a.test", "" if kind else digest, problem)


def test_equal_binaries_are_proven_unchanged_and_others_measured(tmp_path: Path) -> None:
    base = [
        binary(tmp_path / "b", "same"),
        binary(tmp_path / "b", "other", "1"),
        binary(tmp_path / "b", "old"),
    ]
    head = [
        binary(tmp_path / "h", "same"),
        binary(tmp_path / "h", "other", "2"),
        binary(tmp_path / "h", "new"),
    ]
    found = match(base, head)
    assert found.proven == ("same",)
    assert [couple.package for couple in found.differing] == ["other"]
    assert (found.only_base, found.only_head) == (("old",), ("new",))


def test_equal_binaries_that_read_other_test_data_are_measured(tmp_path: Path) -> None:
    base, head = [binary(tmp_path / "b", "same")], [binary(tmp_path / "h", "same")]
    for side in (base, head):
        (side[0].directory / "testdata").mkdir()
        (side[0].directory / "testdata" / "blob").write_text("x")
    assert match(base, head).proven == ("same",)
    (head[0].directory / "testdata" / "blob").write_text("xx")
    assert match(base, head).proven == ()


def test_a_head_that_breaks_a_package_is_a_failed_run_with_the_compilers_words(tmp_path: Path) -> None:
    broken = binary(tmp_path / "h", "a", kind=ProblemKind.NOT_BUILT)
    with pytest.raises(RunFailed, match=r"a_test.go:3: undefined: x"):
        match([binary(tmp_path / "b", "a")], [broken])


def test_a_head_of_which_nothing_builds_is_a_failed_run_even_if_the_base_is_broken_too(
    tmp_path: Path,
) -> None:
    with pytest.raises(RunFailed):
        match(
            [binary(tmp_path / "b", "a", kind=ProblemKind.NOT_BUILT)],
            [binary(tmp_path / "h", "a", kind=ProblemKind.NOT_BUILT)],
        )


def test_a_base_of_which_nothing_builds_leaves_nothing_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(Undecided, match=r"undefined: x"):
        match([binary(tmp_path / "b", "a", kind=ProblemKind.NOT_BUILT)], [binary(tmp_path / "h", "a")])


@pytest.mark.parametrize("kind", [ProblemKind.NOT_BUILT, ProblemKind.LEFT_OUT])
def test_a_package_without_a_binary_on_both_sides_is_a_problem_beside_the_others(
    tmp_path: Path, kind: ProblemKind
) -> None:
    base = [binary(tmp_path / "b", "a"), binary(tmp_path / "b", "z", kind=kind)]
    head = [binary(tmp_path / "h", "a"), binary(tmp_path / "h", "z", kind=kind)]
    found = match(base, head)
    assert found.proven == ("a",)
    assert [problem.kind for problem in found.problems] == [kind]
