from __future__ import annotations

import pytest

from perf.compare.keys import full_name, keys, term, value_of
from perf.compare.samples import Samples
from perf.errors import UsageError
from tests.compare.outputs import HEADER, source

SAMPLES = source(HEADER + "note: a b\nBenchmarkCopy/size=1k/fast/mode=x-8 1 5 ns/op\n").samples[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (".file", "old"),
        (".name", "BenchmarkCopy"),
        (".fullname", "BenchmarkCopy/size=1k/fast/mode=x-8"),
        ("/size", "1k"),
        ("/mode", "x"),
        ("/gomaxprocs", "8"),
        ("/fast", None),
        ("pkg", "example.com/p"),
        ("note", "a b"),
        ("absent", None),
    ],
)
def test_a_key_has_the_value_that_benchstat_gives_it(key: str, value: str | None) -> None:
    assert value_of(SAMPLES, key) == value


@pytest.mark.parametrize(
    ("without", "left"),
    [
        ((), "BenchmarkCopy/size=1k/fast/mode=x-8"),
        (("/size",), "BenchmarkCopy/fast/mode=x-8"),
        (("/gomaxprocs", "/mode"), "BenchmarkCopy/size=1k/fast"),
    ],
)
def test_a_name_is_shown_without_the_parts_that_make_the_columns(without: tuple[str, ...], left: str) -> None:
    assert full_name(SAMPLES, without) == left


def test_a_suffix_of_one_is_the_names_own_since_go_prints_none_for_one_processor() -> None:
    samples = source("BenchmarkLevel_-1 1 5 ns/op\n").samples[0]
    assert (samples.benchmark, samples.procs) == ("BenchmarkLevel_-1", None)
    assert value_of(samples, "/gomaxprocs") is None


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("Copy", True),
        ("copy", False),
        ("(?i:copy)", True),
        ("-Copy", False),
        ("-Paste", True),
        ("size=1[km]", True),
        ("/size:1k", True),
        ("/size:1", False),
        ("/size:/^1/", True),
        ("-/size:1k", False),
        ("pkg:example.com/p", True),
        ("pkg:example", False),
        ("note:a b", True),
        ("absent:x", False),
        ("-absent:x", True),
        (".name:BenchmarkCopy", True),
        (".file:old", True),
        (".fullname:/:/", False),
    ],
)
def test_a_filter_chooses_by_name_or_by_key(text: str, holds: bool) -> None:
    assert term(text).holds(SAMPLES) is holds


@pytest.mark.parametrize("text", ["", "-", "Copy(", "/size:/[/"])
def test_a_filter_that_means_nothing_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError, match="filter"):
        term(text)


def test_keys_are_parted_by_commas_or_blanks() -> None:
    assert keys("pkg, /size .name") == ("pkg", "/size", ".name")


@pytest.mark.parametrize("text", ["", ",", "Note", ".unknown", "a=b", "/"])
def test_what_is_no_key_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError, match="key"):
        keys(text)


def test_samples_without_a_package_have_an_empty_one() -> None:
    bare: Samples = source("BenchmarkX 1 5 ns/op\n").samples[0]
    assert bare.package == ""
