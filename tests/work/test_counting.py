"""Counting both sides: what is run, kept and told. With a stand-in that counts as valgrind does, and the real one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from perf import work
from perf.benchmarks.binaries import TestBinary
from perf.context import Context
from perf.errors import Interrupted
from perf.suite import LeaveOut
from perf.system import clock, host
from perf.system.counters import Counter, find_counter
from perf.work import counting, kept
from perf.work.counting import Counted, OneSide
from tests.conftest import ContextFor

# Counts 4 M and what the file beside the program says for each iteration, plus what jitter it is told to have.
STAND_IN = """#!/bin/sh
log=; n=0; for each in "$@"; do case "$each" in
  --log-file=*) log=${each#--log-file=};; -test.benchtime=*x) n=${each#-test.benchtime=}; n=${n%x};; esac; done
while [ "$1" != -- ]; do shift; done; shift
echo "$@" >> "$COMMANDS"
"$@"; code=$?
echo "==$$== I   refs:      $((4000000 + (n + 1) * $(cat "${1%/*}/operation") ))" > "$log"
exit $code
"""
# What a Go test binary says of each benchmark; in some it does not come to that.
BINARY = """#!/bin/sh
for each in "$@"; do case "$each" in
  -test.bench=*) name=$(echo "${each#-test.bench=}" | tr -d '^$\\\\\\\\');;
  -test.benchtime=*x) n=${each#-test.benchtime=}; n=${n%x};;
esac; done
case "$name" in
  *HeadDies) case "$0" in */head/*) echo "panic: only here"; exit 2;; esac;;
  *Dies) echo "panic: boom"; exit 2;;
  *Hangs) exec sleep 60;;
  *Skips) echo PASS; exit 0;;
  *Stubborn) n=1;;
esac
printf '%s \\t %s \\t 100 ns/op\\nPASS\\n' "$name" "$n"
"""


@dataclass(frozen=True)
class Named:
    package: str
    name: str


@dataclass(frozen=True)
class Asked:
    benchmark: Named
    base: TestBinary
    head: TestBinary | None
    seconds_per_op: float


@dataclass(frozen=True)
class Limits:
    least_work: float = 0.003


class Notes(dict[str, object]):
    """A journal in memory."""

    def recall(self, key: str) -> object | None:
        return self.get(key)

    def note(self, key: str, value: object) -> None:
        assert key not in self, "what is noted is never counted again"
        self[key] = json.loads(json.dumps(value))


class Bench:
    """Two sides of a package, a stand-in counter, and how many processes were counted."""

    def __init__(self, context: Context, place: Path) -> None:
        self.place = place
        self.counter = Counter("valgrind", "valgrind 9.8.7", (str(place / "valgrind"),))
        self.commands = place / "commands"
        environment = {"COMMANDS": str(self.commands)}
        declared = context.target.declared.model_copy(update={"environment": environment})
        self.context = replace(
            context,
            places=replace(context.places, cache=place / "cache"),
            target=replace(context.target, declared=declared),
        )
        (place / "valgrind").write_text(STAND_IN, "utf-8")
        (place / "valgrind").chmod(0o755)

    def binary(self, side: str, operation: int, digest: str = "") -> TestBinary:
        path = self.place / side / "benchmarks.test"
        path.parent.mkdir(exist_ok=True)
        path.write_text(BINARY, "utf-8")
        path.chmod(0o755)
        (path.parent / "operation").write_text(str(operation), "utf-8")
        return TestBinary("./pkg", path.parent, path, digest or f"{side}-{operation}", None)

    def asked(self, name: str, base: int = 10_000, head: int = 10_000, seconds: float = 1e-6) -> Asked:
        return Asked(Named("./pkg", name), self.binary("base", base), self.binary("head", head), seconds)

    def count(
        self, *asked: Asked, journal: Notes | None = None, deadline: float | None = None, again: int = 0
    ) -> dict[str, Counted]:
        notes = Notes() if journal is None else journal
        found = work.count(self.context, notes, self.counter, asked, Limits(), deadline, again=again)
        return {benchmark.name: each for benchmark, each in found.items()}

    def kept(self) -> list[Path]:
        """The files of counts."""
        return list((self.place / "cache" / kept.ROOM).glob("*/*.json"))

    def ran(self) -> int:
        """Processes since this was last asked."""
        lines = self.commands.read_text().splitlines() if self.commands.exists() else []
        self.commands.unlink(missing_ok=True)
        return len(lines)


@pytest.fixture
def bench(context_for: ContextFor, tmp_path: Path) -> Bench:
    place = tmp_path / "bench"
    place.mkdir()
    return Bench(context_for(place), place)


def test_a_change_of_half_a_percent_is_in_the_values_of_both_sides(bench: Bench) -> None:
    found = bench.count(bench.asked("BenchmarkCopy", head=10_050))["BenchmarkCopy"]
    assert set(found.base) == {10_000.0}
    assert set(found.head) == {10_050.0}
    assert (found.jitter, found.bimodal, found.reason) == (0.0, False, "")
    assert bench.ran() == 8


def test_equal_sides_cost_six_processes_and_run_the_same_iterations(bench: Bench) -> None:
    found = bench.count(bench.asked("BenchmarkCopy"))["BenchmarkCopy"]
    commands = bench.commands.read_text().splitlines()
    lengths = {word for line in commands for word in line.split() if word.startswith("-test.benchtime")}
    assert lengths == {"-test.benchtime=500x", f"-test.benchtime={found.iterations}x"}
    assert len(commands) == 6


def test_what_is_measured_runs_alone_on_one_core_without_collector_or_heap_profile(bench: Bench) -> None:
    asked = bench.asked("BenchmarkCopy/size=4")
    (bench.place / "base" / "benchmarks.test").write_text(
        BINARY.replace('case "$name"', 'env > "$(dirname "$0")/environment"\ncase "$name"'), "utf-8"
    )
    declared = bench.context.target.declared
    declared = declared.model_copy(
        update={"environment": {**declared.environment, "GODEBUG": "http2debug=0"}}
    )
    bench.context = replace(bench.context, target=replace(bench.context.target, declared=declared))
    bench.count(asked)
    command = bench.commands.read_text().splitlines()[0]
    assert "-test.run=^$ -test.bench=^BenchmarkCopy$/^size=4$ " in command
    assert "-test.cpu=1 -test.memprofilerate=1073741824" in command
    environment = (bench.place / "base" / "environment").read_text().splitlines()
    assert {"GOGC=off", "GOMAXPROCS=1", "GOMEMLIMIT=1GiB"} <= set(environment)
    assert "GODEBUG=http2debug=0,asyncpreemptoff=1" in environment


def test_a_second_run_counts_nothing_again(bench: Bench) -> None:
    asked = bench.asked("BenchmarkCopy", head=10_050)
    first = bench.count(asked)
    bench.ran()
    assert bench.count(replace(asked, seconds_per_op=3e-6)) == first
    assert bench.ran() == 0


def test_another_head_costs_its_own_processes_only(bench: Bench) -> None:
    bench.count(bench.asked("BenchmarkCopy"))
    bench.ran()
    bench.count(bench.asked("BenchmarkCopy", head=10_001))
    assert bench.ran() == 3


def test_the_head_of_one_run_is_known_as_the_base_of_the_next(bench: Bench) -> None:
    bench.count(bench.asked("BenchmarkCopy"))
    bench.ran()
    asked = bench.asked("BenchmarkCopy", head=10_001)
    bench.count(Asked(asked.benchmark, bench.binary("head", 10_000), bench.binary("next", 10_002), 9e-6))
    assert bench.ran() == 3


@pytest.mark.parametrize("what", ["binary", "data", "counter", "environment"])
def test_whatever_a_count_depends_on_makes_it_another_count(bench: Bench, what: str) -> None:
    asked = bench.asked("BenchmarkCopy")
    bench.count(asked)
    bench.ran()
    if what == "binary":
        asked = replace(
            asked, base=replace(asked.base, digest="other"), head=bench.binary("head", 10_000, "another")
        )
    elif what == "data":
        for side in ("base", "head"):
            (bench.place / side / "testdata").mkdir()
            (bench.place / side / "testdata" / "blob").write_text("new", "utf-8")
    elif what == "counter":
        bench.counter = replace(bench.counter, name="valgrind 10.0")
    else:
        declared = bench.context.target.declared
        changed = declared.model_copy(update={"environment": {**declared.environment, "GODEBUG": "x=1"}})
        bench.context = replace(bench.context, target=replace(bench.context.target, declared=changed))
    bench.count(asked)
    assert bench.ran() == 6


def test_a_file_of_counts_that_is_not_whole_is_as_if_it_were_not_there(bench: Bench) -> None:
    asked = bench.asked("BenchmarkCopy")
    first = bench.count(asked)
    bench.ran()
    assert len(bench.kept()) == 2
    for path, text in zip(bench.kept(), ('{"lengths": [1', '{"lengths": 7}'), strict=True):
        path.write_text(text, "utf-8")
    assert bench.count(asked) == first
    assert bench.ran() == 6


def test_fresh_counts_ask_no_earlier_ones_and_leave_none(bench: Bench) -> None:
    asked = bench.asked("BenchmarkCopy", head=10_050)
    bench.count(asked)
    before = {path: path.read_text() for path in bench.kept()}
    bench.ran()
    (bench.place / "head" / "operation").write_text("10060", "utf-8")
    found = bench.count(asked, again=1)
    assert bench.ran() == 8
    assert found["BenchmarkCopy"].head == (10_060.0,) * 3
    assert {path: path.read_text() for path in bench.kept()} == before


def test_the_same_binary_on_both_sides_is_counted_on_each(bench: Bench) -> None:
    asked = bench.asked("BenchmarkCopy")
    for expected in (6, 3):
        bench.count(replace(asked, head=asked.base))
        assert bench.ran() == expected


def test_a_run_that_was_interrupted_goes_on_where_it_was(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, asked = Notes(), bench.asked("BenchmarkCopy", head=10_050)
    note = Notes.note

    def interrupt(self: Notes, key: str, value: object) -> None:
        note(self, key, value)
        if len(self) == 3:
            raise Interrupted("interrupted")

    with monkeypatch.context() as patched:
        patched.setattr(Notes, "note", interrupt)
        with pytest.raises(Interrupted):
            bench.count(asked, journal=journal, again=1)
    ran = bench.ran()
    assert 3 <= ran < 8
    found = bench.count(asked, journal=journal, again=1)
    assert bench.ran() == 8 - 3
    assert found["BenchmarkCopy"].head == (10_050.0,) * 3
    bench.count(asked, journal=journal, again=1)
    assert bench.ran() == 0
    bench.count(asked, journal=journal, again=2)
    assert bench.ran() == 8


def test_a_process_that_ends_before_an_earlier_one_is_not_kept_in_its_place(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next run would find it twice, and two equal counts would look like no jitter."""
    monkeypatch.setattr(host, "cores", lambda: 4)
    asked, note, journal = bench.asked("BenchmarkCopy"), Notes.note, Notes()
    # With lengths that are known all long runs begin at once.
    bench.count(asked)
    for path in bench.kept():
        known = json.loads(path.read_text())
        path.write_text(json.dumps({**known, "counts": {"500": known["counts"]["500"]}}), "utf-8")
    (path,) = [path for path in bench.kept() if f'"{asked.base.digest}"' in path.read_text()]
    slow = 'case "$log" in *.500x.*) ;; *.base.*x.0.txt.count) sleep 60;; *.head.*) sleep 0.5;; esac'
    (bench.place / "valgrind").write_text(STAND_IN.replace('"$@"; code', f'{slow}; "$@"; code'), "utf-8")

    def interrupt(self: Notes, key: str, value: object) -> None:
        note(self, key, value)
        if "/head/" in key:
            raise Interrupted("interrupted")

    monkeypatch.setattr(Notes, "note", interrupt)
    with pytest.raises(Interrupted):
        bench.count(asked, journal=journal)
    assert [key.rpartition("/")[2] for key in journal if "/base/" in key] == ["1"]
    assert json.loads(path.read_text())["counts"].keys() == {"500"}


def test_an_interruption_leaves_no_process_behind(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_waiting: object) -> list[int]:
        raise Interrupted("interrupted")

    monkeypatch.setattr(counting, "_ended", interrupt)
    with pytest.raises(Interrupted):
        bench.count(bench.asked("BenchmarkHangs"))
    assert not bench.context.processes._children


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("BenchmarkDies", "the base ended under valgrind 9.8.7 with exit 2: panic: boom"),
        ("BenchmarkHeadDies", "the head ended under valgrind 9.8.7 with exit 2: panic: only here"),
        ("BenchmarkHangs", "the base did not end within 500 ms under valgrind 9.8.7"),
        ("BenchmarkSkips", "the base gave no result"),
        ("BenchmarkStubborn", "the base ran 1 iterations where 500 were asked for"),
    ],
)
def test_a_benchmark_that_cannot_be_counted_says_why_and_takes_no_other_with_it(
    bench: Bench, name: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "RUN_TIMEOUT_SECONDS", 0.5)
    journal = Notes()
    found = bench.count(bench.asked(name), bench.asked("BenchmarkCopy"), journal=journal)
    assert found[name] == Counted(reason=reason)
    assert found["BenchmarkCopy"].reason == ""
    bench.ran()
    assert bench.count(bench.asked(name), journal=journal)[name].reason == reason
    assert bench.ran() == 0


def test_an_operation_too_long_to_count_starts_no_process(bench: Bench) -> None:
    found = bench.count(bench.asked("BenchmarkSlow", seconds=4.0))
    assert found["BenchmarkSlow"].reason == "an operation of 4 s is too long to count"
    assert bench.ran() == 0


def test_what_is_not_counted_when_the_time_ends_says_so(bench: Bench) -> None:
    found = bench.count(bench.asked("BenchmarkCopy"), deadline=clock.monotonic_seconds())
    assert found["BenchmarkCopy"].reason == "the time ended before it was counted often enough"
    assert bench.ran() == 0


def test_what_was_counted_in_an_earlier_run_needs_no_time(bench: Bench) -> None:
    asked = bench.asked("BenchmarkCopy")
    first = bench.count(asked)
    assert bench.count(asked, deadline=clock.monotonic_seconds()) == first


def test_one_side_is_counted_alone(bench: Bench) -> None:
    base = bench.binary("base", 10_000)
    benchmark = Named("./pkg", "BenchmarkCopy")
    found = work.count(bench.context, Notes(), bench.counter, [OneSide(benchmark, base, 1e-6)], Limits())
    assert (found[benchmark].base, found[benchmark].head) == ((10_000.0, 10_000.0), ())
    assert bench.ran() == 3


def test_raw_output_is_kept_where_the_caller_says(bench: Bench, tmp_path: Path) -> None:
    asked = bench.asked("BenchmarkCopy/size=4")
    work.count(bench.context, Notes(), bench.counter, [asked], Limits(), raw=tmp_path / "raw")
    names = {path.name for path in (tmp_path / "raw").iterdir()}
    assert {
        "000-pkg-BenchmarkCopy-size-4.base.500x.0.txt",
        "000-pkg-BenchmarkCopy-size-4.base.500x.0.txt.count",
    } <= names


@pytest.mark.go
def test_what_perf_toml_leaves_out_is_left_out_here_too(bench: Bench) -> None:
    rows = (LeaveOut(package="./pkg", benchmark="^BenchmarkCopy$/big", reason="too big"),)
    declared = bench.context.target.declared.model_copy(update={"leave_out": rows})
    bench.context = replace(bench.context, target=replace(bench.context.target, declared=declared))
    bench.count(bench.asked("BenchmarkCopy"))
    assert "-test.skip=^BenchmarkCopy$/big" in bench.commands.read_text()


def test_two_levels_of_one_binary_are_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a process's hash seed decides: some processes count twice as much, on both sides."""
    jumps = STAND_IN.replace("(n + 1) * $(", '(n + 1) * (1 + ($(wc -l < "$COMMANDS") % 2)) * $(')
    (bench.place / "valgrind").write_text(jumps, "utf-8")
    monkeypatch.setattr(host, "cores", lambda: 1)
    found = bench.count(bench.asked("BenchmarkCopy"))["BenchmarkCopy"]
    assert found.jitter is not None and found.jitter > 0.1
    assert found.bimodal


GO_FILES = {
    "go.mod": "module counted\n\ngo 1.21\n",
    "counted_test.go": """package counted

import "testing"

var sink int

func work(n int) int {
	total := 0
	for i := 0; i < n; i++ {
		total += i ^ total
	}
	return total
}

func BenchmarkWork(b *testing.B) {
	for _, size := range []int{1000} {
		b.Run("n", func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				sink += work(size)
			}
		})
	}
}

func BenchmarkSkipped(b *testing.B) { b.Skip("not here") }

func BenchmarkPanics(b *testing.B) { panic("boom") }
""",
}


def build(place: Path, files: dict[str, str]) -> TestBinary:
    place.mkdir(parents=True)
    for name, text in files.items():
        (place / name).write_text(text, "utf-8")
    path = place / "benchmarks.test"
    subprocess.run(
        ["go", "test", "-c", "-trimpath", "-buildvcs=false", "-o", str(path), "."], cwd=place, check=True
    )
    return TestBinary(".", place, path, place.name, None)


@pytest.mark.go
def test_a_real_go_binary_is_counted_by_what_stands_in_for_valgrind(
    bench: Bench, tmp_path: Path, context_for: ContextFor
) -> None:
    binary = build(tmp_path / "module", GO_FILES)
    (tmp_path / "module" / "operation").write_text("7000", "utf-8")
    stripped = kept.stripped(bench.context, binary)
    (stripped.parent / "operation").write_text("7000", "utf-8")
    asked = [
        OneSide(Named(".", name), binary, 1e-6)
        for name in ("BenchmarkWork/n", "BenchmarkSkipped", "BenchmarkPanics")
    ]
    found = work.count(bench.context, Notes(), bench.counter, asked, Limits())
    assert {each.name: (counted.base, counted.reason) for each, counted in found.items()} == {
        "BenchmarkWork/n": ((7000.0, 7000.0), ""),
        "BenchmarkSkipped": ((), "the base gave no result"),
        "BenchmarkPanics": ((), "the base ended under valgrind 9.8.7 with exit 2: panic: boom"),
    }


@pytest.mark.go
def test_a_binary_is_stripped_once_and_stands_beside_itself(bench: Bench, tmp_path: Path) -> None:
    if shutil.which("strip") is None:
        pytest.skip("strip is not installed here")
    binary = build(tmp_path / "module", GO_FILES)
    assert binary.path is not None
    stripped = kept.stripped(bench.context, binary)
    assert stripped.is_relative_to(tmp_path / "module")
    assert stripped.stat().st_size < 0.8 * binary.path.stat().st_size
    before = stripped.stat().st_mtime_ns
    assert kept.stripped(bench.context, binary).stat().st_mtime_ns == before


def test_what_cannot_be_stripped_is_counted_as_it_is(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = bench.binary("base", 1)
    assert kept.stripped(bench.context, binary) == binary.path
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert kept.stripped(bench.context, binary) == binary.path


@pytest.mark.go
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed here")
def test_half_a_percent_more_of_real_work_is_found_by_the_real_counter(bench: Bench, tmp_path: Path) -> None:
    base = build(tmp_path / "base-module", GO_FILES)
    more = {name: text.replace("[]int{1000}", "[]int{1005}") for name, text in GO_FILES.items()}
    head = build(tmp_path / "head-module", more)
    counter = find_counter(bench.context.processes, {"PATH": os.environ["PATH"]})
    assert counter is not None
    benchmark = Named(".", "BenchmarkWork/n")
    found = work.count(bench.context, Notes(), counter, [Asked(benchmark, base, head, 4e-7)], Limits())
    counted = found[benchmark]
    assert counted.reason == ""
    assert counted.jitter is not None and counted.jitter < 0.002
    assert min(counted.head) / max(counted.base) == pytest.approx(1.005, abs=0.002)
