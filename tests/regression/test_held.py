"""Which files of the head are held at the base's version, by what lies in the two directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf.regression.held import compare_test_files, data_digest, only_comments
from perf.system.go import Package

BENCHMARK = 'package work\n\nimport "testing"\n\nfunc BenchmarkFill(b *testing.B) {}\n'
EDITED = BENCHMARK.replace("{}", "{ b.Log() }")
FILES = {"a_test.go": BENCHMARK, "words.txt": "e", "pages/a.html": "e", "testdata/blob": "x", "read.txt": "x"}
CODE = "package work\n\n// Fill fills.\nfunc Fill() {}\n"


def package(root: Path, files: dict[str, str]) -> Package:
    """A package as `go list` would tell it; its tests embed the files of a pattern and those of a directory."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    tests = tuple(name for name in files if name.endswith("_test.go"))
    return Package("example.test/work", root, tests, (), ("w*", "all:pages", "go.*"))


def test_equal_test_files_need_no_holding(tmp_path: Path) -> None:
    own = compare_test_files(package(tmp_path / "b", FILES), package(tmp_path / "h", FILES))
    assert (own.replaced, own.data, own.changed) == ({}, False, frozenset())


def test_what_differs_is_replaced_what_the_base_has_added_what_the_head_has_removed(tmp_path: Path) -> None:
    base, head = tmp_path / "b", tmp_path / "h"
    own = compare_test_files(
        package(base, FILES | {"old_test.go": "package work\n"}),
        package(head, FILES | {"a_test.go": EDITED, "new_test.go": "package work\n"}),
    )
    assert own.replaced == {
        head / "a_test.go": base / "a_test.go",
        head / "old_test.go": base / "old_test.go",
        head / "new_test.go": None,
    }
    assert not own.data
    assert own.changed == {"BenchmarkFill"}


@pytest.mark.parametrize(
    ("name", "text", "data", "replaced"),
    [
        ("testdata/blob", "xx", True, []),
        ("testdata/deep/new", "x", True, []),
        ("words.txt", "f", False, ["words.txt"]),
        ("pages/.b.html", "e", False, ["pages/.b.html"]),
    ],
)
def test_test_data_is_read_in_the_bases_directory_and_what_tests_embed_is_replaced(
    tmp_path: Path, name: str, text: str, data: bool, replaced: list[str]
) -> None:
    """Where the test files are not held, either changes every benchmark."""
    base, head = package(tmp_path / "b", FILES), package(tmp_path / "h", FILES | {name: text})
    own = compare_test_files(base, head)
    assert list(own.replaced) == [head.directory / name for name in replaced]
    assert own.data is data
    assert not own.partly
    assert own.changed == {"BenchmarkFill"}


def test_other_files_beside_the_tests_are_not_theirs(tmp_path: Path) -> None:
    head = package(tmp_path / "h", FILES | {"read.txt": "y"})
    assert compare_test_files(package(tmp_path / "b", FILES), head).replaced == {}


@pytest.mark.parametrize(
    ("old", "new", "programs"),
    [
        pytest.param({}, {"words.txt": "f"}, ("words.txt",), id="a program embeds it, too"),
        pytest.param({"pages/old.html": "x"}, {}, (), id="of the base alone: a program's pattern might match it"),
        pytest.param({}, {"pages/a.go": "package pages\n"}, (), id="Go code"),
        pytest.param({"pages/a.go": ""}, {"pages/a.go": "", "pages/a.html": "f"}, (), id="beside Go code"),
        pytest.param({}, {"wasm.c": "x"}, (), id="C code"),
        pytest.param({}, {"go.mod": "module x"}, (), id="the module's file"),
    ],
)  # fmt: skip
def test_what_a_program_may_be_made_of_is_never_held_and_changes_every_benchmark(
    tmp_path: Path, old: dict[str, str], new: dict[str, str], programs: tuple[str, ...]
) -> None:
    base = package(tmp_path / "b", FILES | old)
    head = package(tmp_path / "h", FILES | new)
    own = compare_test_files(base, head, {head.directory / name for name in programs})
    assert own.replaced == {}
    assert own.partly
    assert own.changed == {"BenchmarkFill"}


def test_the_digest_of_test_data_tells_names_and_contents(tmp_path: Path) -> None:
    seen = set()
    for number, files in enumerate([{}, {"a": "x"}, {"b": "x"}, {"a": "y"}, {"a/a": "x"}]):
        root = tmp_path / str(number)
        package(root, {f"testdata/{name}": text for name, text in files.items()})
        seen.add(data_digest(root))
    assert len(seen) == 5


def test_files_that_differ_in_comments_alone_are_held(tmp_path: Path) -> None:
    base, head = tmp_path / "b", tmp_path / "h"
    package(base, {"same.go": CODE, "pkg/a.go": CODE, "pkg/a_test.go": BENCHMARK})
    package(head, {"same.go": CODE, "pkg/a.go": "// Words.\n\n" + CODE, "pkg/a_test.go": EDITED})
    assert only_comments(base, head) == {head / "pkg" / "a.go": base / "pkg" / "a.go"}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"b.go": CODE.replace("{}", "{ Fill() }")}, id="code elsewhere"),
        pytest.param({"new.go": "package work\n"}, id="a file more"),
        pytest.param({"default.pgo": "x"}, id="a profile, which knows calls by their lines"),
    ],
)
def test_comments_are_not_held_beside_other_changes(tmp_path: Path, change: dict[str, str]) -> None:
    base, head = tmp_path / "b", tmp_path / "h"
    package(base, {"a.go": CODE, "b.go": CODE})
    package(head, {"a.go": "// Words.\n\n" + CODE, "b.go": CODE} | change)
    assert only_comments(base, head) == {}


def test_directories_that_go_passes_over_are_not_read(tmp_path: Path) -> None:
    base, head = tmp_path / "b", tmp_path / "h"
    package(base, {"a.go": CODE})
    others = {f"{name}/b.go": "x" for name in (".git", "_old", "testdata")}
    package(head, {"a.go": "// Words.\n" + CODE} | others)
    assert only_comments(base, head) == {head / "a.go": base / "a.go"}
