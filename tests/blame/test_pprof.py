"""`go tool pprof -top -lines` is read as Go 1.26 printed it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perf.blame import pprof
from perf.blame.costs import Spot

RECORDED = (Path(__file__).parent / "testdata" / "pprof.txt").read_text("utf-8")
HEADER = "      flat  flat%   sum%        cum   cum%\n"


def test_own_costs_lie_at_their_function_file_and_line() -> None:
    costs = pprof.parse(RECORDED)
    assert costs[Spot("memeqbody", "internal/bytealg/equal_amd64.s", 94)] == 830_000_000
    assert costs[Spot("encoding/json.checkValid", "encoding/json/scanner.go", 37)] == -30_000_000
    hashes = "go.shape.[]github.com/google/go-containerregistry/pkg/v1.Hash"
    index = f"slices.Index[{hashes},go.shape.struct {{ Algorithm string; Hex string }}]"
    assert costs[Spot(index, "slices/slices.go", 98)] == 420_000_000
    assert len(costs) == len(RECORDED.partition("cum%\n")[2].splitlines())


@pytest.mark.parametrize(
    ("row", "spot", "cost"),
    [
        ("         5 50.00% 50.00%          5 50.00%  main.f x/y.go:3", Spot("main.f", "x/y.go", 3), 5.0),
        (
            "   1904000B 14.32%     0%   1904000B 14.32%  runtime.text",
            Spot("runtime.text", "", 0),
            1_904_000.0,
        ),
        (" 1.5e+07ns  100%  100%  1.5e+07ns  100%  f a.go:1 (partial-inline)", Spot("f", "a.go", 1), 1.5e7),
        (
            "-12 0.0036% 0.0036% 0 0%  g[go.shape.func(int) (bool)] a.go:1",
            Spot("g[go.shape.func(int) (bool)]", "a.go", 1),
            -12.0,
        ),
    ],
)
def test_rows_are_read_with_any_unit(row: str, spot: Spot, cost: float) -> None:
    assert pprof.parse(HEADER + row) == {spot: cost}


def test_what_only_calls_costs_nothing_itself() -> None:
    assert pprof.parse(f"{HEADER}         0     0%   100%          5 50.00%  main.main m.go:3\n") == {}


@pytest.mark.parametrize("text", ["", "main.go: no such file\n", f"{HEADER}(pprof) what\n"])
def test_what_is_no_such_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="pprof"):
        pprof.parse(text)


@pytest.mark.parametrize(
    ("module", "symbol", "inside"),
    [
        ("skiff", "skiff/pkg/copy.New", True),
        ("skiff", "skiff.main", True),
        ("skiff", "skiff_test.BenchmarkAll", True),
        ("skiff", "skiffer.New", False),
        ("skiff", "runtime.mallocgc", False),
        ("example.com/go.x", "example.com/go%2ex.New", True),
        ("example.com/go.x", "example.com/go.x/sub.New", True),
        ("example.com/go.x", "example.com/gosx.New", False),
        ("example.com/a", "exampleXcom/a.New", False),
    ],
)
def test_functions_of_the_module_are_known_by_their_symbols(module: str, symbol: str, inside: bool) -> None:
    assert bool(re.search(pprof.module_pattern(module), symbol)) == inside


def test_a_unit_is_asked_for_where_there_is_one() -> None:
    profiles = [Path("a"), Path("b")]
    assert pprof.top("cpu", "ns", profiles)[-3:] == ["-unit=ns", "a", "b"]
    asked = pprof.top("alloc_objects", "", profiles, "^x[.]")
    assert asked[-3:] == ["-show=^x[.]", "a", "b"]
    assert not [word for word in asked if word.startswith("-unit")]
