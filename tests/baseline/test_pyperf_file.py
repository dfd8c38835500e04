"""A baseline is a file that pyperf reads, and comes back as it went in."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.baseline.pyperf_file import StoredLoad, storable, to_text, whole_rounds
from perf.baseline.reading import checksum_holds, from_text
from perf.model import Series
from tests.baseline import samples


def pyperf(*arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pyperf", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def stored_load() -> StoredLoad:
    load = whole_rounds(samples.load_result(samples.load_round(), samples.load_round(seconds=4.0, copies=())))
    assert load is not None
    return load


def test_what_is_kept_comes_back() -> None:
    baseline = samples.baseline(load=(stored_load(),))
    assert from_text(to_text(baseline)) == baseline


def test_load_alone_comes_back() -> None:
    baseline = samples.baseline(series=(), load=(stored_load(),))
    assert from_text(to_text(baseline)) == baseline


def test_a_dirty_tree_stays_known_as_dirty() -> None:
    assert from_text(to_text(samples.baseline(dirty=True))).dirty


names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=20)
positive = st.floats(1e-12, 1e12)


@given(
    st.dictionaries(
        names, st.lists(st.tuples(positive, st.floats(0, 1e12)), min_size=1, max_size=5), min_size=1
    )
)
def test_any_names_and_values_come_back(given_values: dict[str, list[tuple[float, float]]]) -> None:
    series = tuple(
        Series("./p", name, unit, tuple(pair[index] for pair in pairs), tuple(range(1, len(pairs) + 1)))
        for name, pairs in given_values.items()
        for index, unit in enumerate(("sec/op", "widgets"))
    )
    assert from_text(to_text(samples.baseline(series=series))).series == series


def test_pyperf_shows_every_benchmark_with_its_time(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(to_text(samples.baseline(load=(stored_load(),))))
    shown = pyperf("show", "--quiet", file)
    for line in (
        "./pkg/copy:BenchmarkCopy/Level_-1",
        "Mean +- std dev: 1.25 us +- 0.25 us",
        ".:BenchmarkAll",
        "load/quick/round",
        "Mean +- std dev: 3.00 sec +- 1.41 sec",
        "load/quick/copy",
        "Mean +- std dev: 375 ms +- 177 ms",
    ):
        assert line in shown


def test_pyperf_tells_the_statistics_and_the_conditions(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(to_text(samples.baseline()))
    assert "Total number of values: 3" in pyperf("stats", "--quiet", file)
    metadata = pyperf("show", "--quiet", "--metadata", file)
    for line in (
        f"perf_sha: {samples.SHA}",
        "perf_target: skiff",
        "fingerprint.kernel: 6.1",
        "perf_version: 2",
    ):
        assert line in metadata


def test_pyperf_compares_two_baselines(tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(to_text(samples.baseline()))
    slower = tuple(
        Series(each.package, each.name, each.unit, tuple(2 * value for value in each.values), each.iterations)
        for each in samples.SERIES
    )
    after.write_text(to_text(samples.baseline(series=slower, sha="f" * 40)))
    assert "2.00x slower" in pyperf("compare_to", "--quiet", before, after)


@pytest.mark.parametrize(
    ("metrics", "kept"),
    [
        ({"sec/op": (1.0,), "B/op": (0.0,)}, True),
        ({"sec/op": (0.0,), "B/s": (5.0,)}, True),
        ({"B/op": (7.0,)}, True),
        ({"sec/op": (0.0,), "B/op": (0.0,)}, False),
        ({"sec/op": (1.0, 0.0)}, False),
        ({"sec/op": (float("inf"),)}, False),
        ({"sec/op": ()}, False),
    ],
)
def test_a_benchmark_is_kept_by_any_metric_that_is_above_zero(
    metrics: dict[str, Sequence[float]], kept: bool
) -> None:
    """pyperf holds no zero; what it cannot hold is named, and never replaced by a number that was not measured."""
    series = tuple(
        Series("./p", "BenchmarkX", unit, tuple(values), (1,) * len(values))
        for unit, values in metrics.items()
    )
    assert storable(series) == ((series, ()) if kept else ((), ("./p:BenchmarkX",)))
    if kept:
        read = from_text(to_text(samples.baseline(series=series))).series
        assert sorted(read, key=str) == sorted(series, key=str)


def test_a_metric_that_some_processes_did_not_give_keeps_what_there_is() -> None:
    series = (
        Series("./p", "BenchmarkX", "sec/op", (1.0, 2.0), (1, 2)),
        Series("./p", "BenchmarkX", "jobs", (5.0,), (1,)),
    )
    assert from_text(to_text(samples.baseline(series=series))).series == series


INSTRUCTIONS = (
    Series("./p", "BenchmarkX", "sec/op", (1e-6, 2e-6), (100, 90)),
    Series("./p", "BenchmarkX", "B/op", (0.0, 8.0), (100, 90)),
    Series("./p", "BenchmarkX", "instructions/op", (12345.5, 12346.25, 12344.0), (5000, 5000, 5000)),
)


def test_instructions_counted_in_processes_of_their_own_come_back_with_their_iterations() -> None:
    baseline = samples.baseline(series=INSTRUCTIONS, counter="valgrind 3.19.0")
    assert from_text(to_text(baseline)) == baseline


def test_pyperf_shows_and_compares_instructions_as_a_benchmark_of_their_own(tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(to_text(samples.baseline(series=INSTRUCTIONS)))
    more = Series("./p", "BenchmarkX", "instructions/op", (24690.0,) * 3, (5000,) * 3)
    after.write_text(to_text(samples.baseline(series=(*INSTRUCTIONS[:2], more))))
    assert "./p:BenchmarkX [instructions/op]" in pyperf("show", "--quiet", before)
    assert "Total number of values: 3" in pyperf("stats", "--quiet", before)
    assert "2.00x" in pyperf("compare_to", "--quiet", before, after)


def test_a_metric_of_other_processes_that_pyperf_cannot_hold_is_named() -> None:
    zero = Series("./p", "BenchmarkX", "allocs/op", (0.0, 0.0), (7, 7))
    assert storable((*INSTRUCTIONS, zero)) == (INSTRUCTIONS, ("./p:BenchmarkX allocs/op",))


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("1.5e-06", "1.4e-06"),
        lambda text: text.replace("{", "{ ", 1),
        lambda text: text.replace('"perf_checksum":"', '"perf_checksum":"0'),
        lambda text: re.sub('"perf_checksum":"[0-9a-f]+"', '"perf_checksum":7', text),
        lambda text: re.sub('"perf_checksum":"[0-9a-f]+",', "", text),
    ],
)
def test_any_edit_by_hand_is_noticed(edit: Callable[[str], str]) -> None:
    text = to_text(samples.baseline())
    assert checksum_holds(text, json.loads(text)) is True
    edited = edit(text)
    assert edited != text
    assert checksum_holds(edited, json.loads(edited)) is False


def test_a_name_that_looks_like_the_checksums_place_does_not_take_it() -> None:
    name = 'Benchmark"perf_checksum":"' + "0" * 64 + '"'
    text = to_text(samples.baseline(series=(Series("./p", name, "sec/op", (1.0,), (1,)),)))
    assert checksum_holds(text, json.loads(text))
    assert from_text(text).series[0].name == name


def as_version_1(text: str) -> str:
    """The form of before there was a checksum."""
    raw = json.loads(text)
    raw["metadata"]["perf_version"] = 1
    for later in ("perf_checksum", "fingerprint.gomaxprocs", "fingerprint.architecture"):
        del raw["metadata"][later]
    return json.dumps(raw)


def test_a_file_of_before_the_checksum_is_read_as_it_is() -> None:
    text = as_version_1(to_text(samples.baseline()))
    assert checksum_holds(text, json.loads(text)) is None
    assert from_text(text).series == samples.SERIES


def test_a_date_without_a_time_zone_is_refused() -> None:
    text = to_text(samples.baseline()).replace("2026-11-23T12:30:00+00:00", "2026-11-23T12:30:00")
    with pytest.raises(ValueError, match="no time zone"):
        from_text(text)


def test_only_rounds_that_arrived_whole_are_kept() -> None:
    result = samples.load_result(
        samples.load_round(verified=3, seconds=0.1), samples.load_round(copies=(0.5, 0.0, 0.25))
    )
    assert whole_rounds(result) == StoredLoad("quick", "copy", 2, 4, (2.0,), (2000.0,), ((0.5, 0.25),))


def test_a_load_of_which_nothing_arrived_whole_is_not_kept() -> None:
    assert whole_rounds(samples.load_result(samples.load_round(verified=0))) is None
    assert whole_rounds(samples.load_result()) is None
