"""Names of benchmarks: patterns that choose one, file names, declarations."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf.benchmarks.names import declared_at, exact_pattern, slug


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("BenchmarkA", "^BenchmarkA$"),
        ("BenchmarkA/Level_-1-2", r"^BenchmarkA$/^Level_\-1\-2$"),
        ("BenchmarkA/a.b/[x]|y", r"^BenchmarkA$/^a\.b$/^\[x\]\|y$"),
    ],
)
def test_the_pattern_chooses_exactly_one_benchmark(name: str, pattern: str) -> None:
    assert exact_pattern(name) == pattern


def test_a_slug_is_a_file_name_whatever_the_benchmark_is_called() -> None:
    assert slug("./pkg/copy-BenchmarkA/1 MiB|x") == "pkg-copy-BenchmarkA-1-MiB-x"
    assert slug("./") == "root"


def test_a_declaration_is_found_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a_test.go").write_text(
        "package a\n\nfunc BenchmarkOne(b *testing.B) {}\nfunc Benchmarked() {}\n", "utf-8"
    )
    (tmp_path / "a.go").write_text("package a\nfunc BenchmarkNot(b *testing.B) {}\n", "utf-8")
    assert {name: str(place) for name, place in declared_at("./pkg/a", tmp_path).items()} == {
        "BenchmarkOne": "pkg/a/a_test.go:3"
    }
