"""Which packages have benchmarks, and what building them gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from perf.benchmarks.binaries import (
    build_binaries,
    build_packages,
    declared_names,
    find_packages,
    left_out_benchmarks,
    left_out_reason,
    may_choose,
    package_path,
    pattern_matches,
    warn_of_idle_rows,
)
from perf.context import Options
from perf.errors import UsageError
from perf.model import ProblemKind
from perf.suite import LeaveOut, Target
from perf.system import go
from perf.system.places import Places
from perf.system.processes import Processes
from tests.benchmarks import modules
from tests.conftest import ContextFor


@pytest.mark.parametrize(
    ("pattern", "package", "matches"),
    [
        (".", ".", True),
        ("./pkg/copy", "./pkg/copy", True),
        ("./pkg/copy/", "./pkg/copy", True),
        ("./pkg/copy", "./pkg/copying", False),
        ("./pkg/...", "./pkg/copy", True),
        ("./pkg/...", "./pkg", True),
        ("./pkg/...", "./pkgs", False),
        ("./...", ".", True),
        ("./...", "./pkg/copy", True),
        ("./pkg/c...", "./pkg/copy", True),
        ("./pkg/.opy", "./pkg/copy", False),
    ],
)
def test_a_package_pattern_matches_as_go_list_has_it(pattern: str, package: str, matches: bool) -> None:
    assert pattern_matches(pattern, package) is matches


def test_a_package_is_named_by_its_directory_below_the_module(tmp_path: Path) -> None:
    assert package_path(tmp_path, tmp_path) == "."
    assert package_path(tmp_path / "pkg" / "copy", tmp_path) == "./pkg/copy"


def test_benchmark_functions_are_found_as_the_testing_package_has_them(tmp_path: Path) -> None:
    source = tmp_path / "x_test.go"
    source.write_text(
        "package x\n"
        "func Benchmark(b *testing.B) {}\n"
        "func BenchmarkA(b *testing.B) {}\n"
        "func Benchmark_b(b *testing.B) {}\n"
        "func Benchmarking(b *testing.B) {}\n"
        "func (s *suite) BenchmarkMethod(b *testing.B) {}\n"
        "// func BenchmarkComment(b *testing.B) {}\n"
        "func TestBenchmark(t *testing.T) {}\n"
    )
    assert declared_names([source]) == ("Benchmark", "BenchmarkA", "Benchmark_b")


@pytest.mark.parametrize(
    ("bench", "chosen"),
    [
        (".", True),
        ("Copy", True),
        ("^BenchmarkCopyImage$", True),
        ("copy", False),
        ("(?i)copy", True),
        ("Copy/size=4", True),
        ("Move/size=4", False),
        ("A/b|C/d", True),  # two patterns to Go: not decided here
        (r"\pL", True),  # Go's syntax, not Python's: not decided here
        ("Copy(", True),  # an error that Go will name
        ("[[:alpha:]]", True),
    ],
)
def test_a_package_is_passed_over_only_when_surely_none_of_its_benchmarks_is_chosen(
    bench: str, chosen: bool
) -> None:
    assert may_choose(bench, ["BenchmarkCopyImage"]) is chosen


def test_rows_leave_out_a_package_or_single_benchmarks_of_it() -> None:
    whole = LeaveOut(package="./net/...", reason="needs a network")
    single = LeaveOut(package="./pkg", benchmark="^BenchmarkSlow$", reason="sleeps")
    assert left_out_reason([single, whole], "./net/http") == "needs a network"
    assert left_out_reason([single, whole], "./pkg") == ""
    assert left_out_benchmarks([single, whole], "./pkg") == (single,)
    assert left_out_benchmarks([single, whole], "./net/http") == ()


def test_a_row_that_names_no_package_with_benchmarks_is_told() -> None:
    rows = [LeaveOut(package="./gone", reason="x"), LeaveOut(package="./pkg", reason="x")]
    (warning,) = warn_of_idle_rows(rows, ["./pkg", "."])
    assert "./gone" in warning


@pytest.mark.go
def test_each_package_with_benchmarks_is_built_once_and_kept_by_its_content(
    context_for: ContextFor, tmp_path: Path
) -> None:
    """Equal source gives equal bytes wherever the checkout lies; a package without benchmarks is not built."""
    source = {
        "good/good_test.go": modules.GOOD,
        "broken/broken_test.go": modules.BROKEN,
        "plain/plain_test.go": modules.PLAIN,
        "tagged/tagged_test.go": modules.TAGGED,
        "away/away_test.go": modules.GOOD.replace("package good", "package away"),
    }
    here, there = (modules.write_module(tmp_path / name, source) for name in ("here", "there"))
    declared = Target(leave_out=(LeaveOut(package="./away", reason="asks the network"),))
    context = context_for(here, declared)

    away, broken, good = build_binaries(context, here)
    elsewhere = {each.package: each for each in build_binaries(context, there)}["./good"]

    assert good.package == "./good"
    assert good.directory == here / "good"
    assert good.problem is None
    assert good.path is not None
    assert good.path.is_file()
    assert good.path.is_relative_to(context.places.cache / "test-binaries" / good.digest)
    assert elsewhere.digest == good.digest
    assert elsewhere.path == good.path
    assert broken.path is None
    assert broken.digest == ""
    assert broken.problem is not None
    assert broken.problem.kind is ProblemKind.NOT_BUILT
    assert "undefined: undefined" in broken.problem.text
    assert broken.problem.position == "broken/broken_test.go:5"
    assert away.path is None
    assert away.problem is not None
    assert (away.problem.kind, away.problem.text) == (ProblemKind.LEFT_OUT, "asks the network")


@pytest.mark.go
def test_tags_and_patterns_of_the_target_choose_the_packages(context_for: ContextFor, tmp_path: Path) -> None:
    module = modules.write_module(
        tmp_path / "m", {"tagged/tagged_test.go": modules.TAGGED, "good/good_test.go": modules.GOOD}
    )
    declared = Target(tags="slow", packages=("./tagged/...",))
    found = find_packages(context_for(module, declared), module)
    assert [(each.package, each.names) for each in found] == [("./tagged", ("BenchmarkTagged",))]


@pytest.mark.go
def test_only_packages_that_the_pattern_may_choose_are_built(context_for: ContextFor, tmp_path: Path) -> None:
    module = modules.write_module(
        tmp_path / "m", {"good/good_test.go": modules.GOOD, "broken/broken_test.go": modules.BROKEN}
    )
    built = build_binaries(context_for(module, options=Options(bench="Nothing")), module)
    assert built == ()


def package(name: str) -> str:
    return modules.GOOD.replace("package good", f"package {name}")


@pytest.mark.go
def test_packages_of_the_same_name_are_each_built(context_for: ContextFor, tmp_path: Path) -> None:
    files = {"a/same/a_test.go": package("same"), "b/same/b_test.go": package("same").replace("2", "3")}
    one, other = build_binaries(context_for(tmp_path), modules.write_module(tmp_path / "m", files))
    assert (one.package, other.package) == ("./a/same", "./b/same")
    assert one.digest != other.digest


@pytest.mark.go
def test_go_is_given_the_binaries_of_the_build_before_and_links_what_changed(
    context_for: ContextFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given are those of the cache that are whole; the first of a new target has none."""
    names = ("one", "two", "v2")
    module = modules.write_module(tmp_path / "m", {f"{name}/a_test.go": package(name) for name in names})
    places = Places(tmp_path / "project", tmp_path / "project" / ".perf", tmp_path / "cache")
    context = replace(context_for(module), places=places)
    given: list[list[str]] = []
    really = go.build_test_binaries

    def watched(
        toolchain: go.Go, processes: Processes, packages: Sequence[go.Package], output: Path, *rest: str
    ) -> None:
        given.append(sorted(path.name for path in output.iterdir()))
        really(toolchain, processes, packages, output, *rest)

    monkeypatch.setattr(go, "build_test_binaries", watched)
    first = build_binaries(context, module)
    assert first == build_binaries(context, module)
    assert first[0].path is not None
    first[0].path.write_bytes(b"damaged")
    (module / "two" / "a_test.go").write_text(package("two").replace("2", "3"), "utf-8")
    _, changed, _ = build_binaries(context, module)
    assert changed.digest != first[1].digest
    assert given == [[], ["odd.test", "one.test", "two.test"], ["odd.test", "two.test"]]


@pytest.mark.go
def test_files_are_built_with_others_in_their_place_without_being_touched(
    context_for: ContextFor, tmp_path: Path
) -> None:
    """What fails so is told as any package that does not build, and the others are built all the same."""
    files = {f"{name}/{name}_test.go": package(name) for name in ("one", "two")}
    module = modules.write_module(tmp_path / "m", files | {"one/more_test.go": "package one\n"})
    context = context_for(module)
    packages = find_packages(context, module)
    plain, _ = build_packages(context, packages)
    (tmp_path / "other.go").write_text(package("one").replace("2", "3"), "utf-8")
    replaced = {module / "one" / "one_test.go": tmp_path / "other.go", module / "one" / "more_test.go": None}
    other, _ = build_packages(context, packages, replaced)
    assert other.path is not None
    assert other.digest != plain.digest
    (tmp_path / "other.go").write_text(modules.BROKEN.replace("broken", "one"), "utf-8")
    broken, good = build_packages(context, packages, replaced, alike=[plain])
    assert broken.problem is not None
    assert broken.problem.kind is ProblemKind.NOT_BUILT
    assert good.problem is None
    assert (module / "one" / "one_test.go").read_text("utf-8") == package("one")


@pytest.mark.go
def test_a_directory_without_go_mod_is_no_target(context_for: ContextFor, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no go\.mod"):
        build_binaries(context_for(tmp_path), tmp_path)


@pytest.mark.go
def test_a_module_that_go_cannot_list_says_why(context_for: ContextFor, tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module x\n\ngo 1.21\n\nnonsense here\n")
    with pytest.raises(go.BuildFailed, match="unknown directive"):
        build_binaries(context_for(tmp_path), tmp_path)
