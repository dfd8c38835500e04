from __future__ import annotations

import io
from pathlib import Path

import pytest

from perf.compare.samples import MOST_PROBLEMS_KEPT, Source
from perf.compare.sources import Input, inputs, read_all
from perf.errors import UsageError
from tests.compare.outputs import source

LINE = "BenchmarkX-2 \t 100\t 12.5 ns/op\n"


def read(path: Path, stdin: bytes = b"") -> Source:
    (found,) = read_all(inputs([str(path)]), io.BytesIO(stdin))
    return found


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_inputs_are_paths_or_labels_with_paths() -> None:
    assert inputs(["a.txt", "new=b.txt", "-", "now=-"][:3]) == (
        Input("a.txt", "a.txt"),
        Input("new", "b.txt"),
        Input("standard input", "-"),
    )


def test_a_file_whose_own_name_has_an_equals_sign_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a=b.txt", LINE.encode())
    assert inputs([str(path)]) == (Input(str(path), str(path)),)


@pytest.mark.parametrize("argument", ["=a.txt", "a="])
def test_half_a_label_is_a_path(argument: str) -> None:
    assert inputs([argument]) == (Input(argument, argument),)


def test_the_same_path_twice_makes_two_columns() -> None:
    assert [each.label for each in inputs(["a", "a", "b"])] == ["a", "a #2", "b"]


def test_the_same_label_twice_makes_one_column() -> None:
    assert [each.label for each in inputs(["old=a", "old=b"])] == ["old", "old"]


@pytest.mark.parametrize("arguments", [[], ["-", "-"], ["old=-", "new=-"]])
def test_nothing_named_and_standard_input_twice_are_wrong_use(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        inputs(arguments)


def test_standard_input_is_read_and_left_open() -> None:
    stdin = io.BytesIO(LINE.encode() * 3)
    (found,) = read_all(inputs(["-"]), stdin)
    assert found.samples[0].values["sec/op"] == (12.5e-9,) * 3
    assert not stdin.closed


def test_the_text_of_powershell_is_read(tmp_path: Path) -> None:
    assert read(written(tmp_path / "a", LINE.encode("utf-16"))).samples[0].lines == 1


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + LINE.encode(), LINE.replace("\n", "\r\n").encode()])
def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path: Path, content: bytes) -> None:
    assert read(written(tmp_path / "a", content)).samples[0].values == {"sec/op": (12.5e-9,)}


def test_names_that_are_no_utf_8_stay_apart(tmp_path: Path) -> None:
    content = b"BenchmarkX/\xff-2 100 12.5 ns/op\nBenchmarkX/\xfe-2 100 12.5 ns/op\n"
    names = [each.benchmark for each in read(written(tmp_path / "a", content)).samples]
    assert names == ["BenchmarkX/\\xff", "BenchmarkX/\\xfe"]


@pytest.mark.parametrize(
    ("content", "what", "cause"),
    [
        (b"", "is empty", "failed"),
        (b"\x1f\x8b\x08\x00\x00\x00", "is not text", "profile"),
        (b'{"Time":"t","Action":"output","Output":"BenchmarkX"}\n', "go test -json", "several events"),
        (b"PASS\nok  \texample.com/p\t0.1s\n", "no benchmark line", "without -bench"),
        (b"--- FAIL: BenchmarkX\n    x_test.go:3: no network\nFAIL\n", "no benchmark line", "no network"),
        (b"--- SKIP: BenchmarkX\n    x_test.go:3: no network\nPASS\n", "no benchmark line", "skipped"),
        (b"BenchmarkX-2 \t 0\t NaN ns/op\nPASS\n", "no benchmark line", "line 1"),
    ],
)
def test_a_file_without_benchmarks_is_told_with_its_cause(
    tmp_path: Path, content: bytes, what: str, cause: str
) -> None:
    with pytest.raises(UsageError, match=what) as told:
        read(written(tmp_path / "odd", content))
    assert "odd" in told.value.what
    assert cause in told.value.cause
    assert told.value.next_command


def test_a_missing_file_is_told_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file") as told:
        read(tmp_path / "absent")
    assert "-bench" in told.value.next_command


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read") as told:
        read(tmp_path)
    assert told.value.cause == "a directory, not a file"


def test_lines_of_one_benchmark_and_configuration_are_one_sample_wherever_they_stand() -> None:
    found = source(f"pkg: a\n{LINE}pkg: b\n{LINE}pkg: a\n{LINE}").samples
    assert [(each.package, each.lines, each.first_line, each.last_line) for each in found] == [
        ("a", 2, 2, 6),
        ("b", 1, 4, 4),
    ]


def test_a_file_of_garbage_keeps_the_first_problems_and_counts_all() -> None:
    found = source("BenchmarkX 1 x ns/op\n" * (MOST_PROBLEMS_KEPT + 5) + LINE)
    assert len(found.problems) == MOST_PROBLEMS_KEPT
    assert found.unreadable == MOST_PROBLEMS_KEPT + 5
    assert len(found.samples) == 1
