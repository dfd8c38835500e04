"""Blame, on real binaries and real history: what was planted is named, with the commit that planted it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perf.benchmarks.binaries import TestBinary
from perf.blame import profiles
from perf.blame.blame import blame
from perf.blame.costs import Profiled, Spot
from perf.blame.profiles import Asked
from perf.blame.touches import UNCOMMITTED, Change
from perf.context import Context
from perf.errors import Interrupted
from perf.model import Blame, GrownFunction
from perf.system import git, go, trees
from perf.system.counters import Counter, find_counter
from tests.blame.planted import COMMITS, CULPRIT
from tests.conftest import ContextFor

pytestmark = pytest.mark.go

MODULE = "example.test/planted"


class Planted:
    """Both sides of the planted module, built: the base at the first commit, the head as it is checked out."""

    def __init__(self, context: Context, base: Path, head: Path) -> None:
        self.context = context
        self.base, self.head = self._build(base, "base"), self._build(head, "head")
        checkout = git.find_checkout(head)
        sha = git.head(checkout).sha
        first = git.ancestors(checkout, sha, 9)[-1]
        self.change = Change(checkout, first, sha, git.is_dirty(checkout))

    def _build(self, directory: Path, side: str) -> TestBinary:
        binary = self.context.processes.scratch / f"{side}.test"
        package = go.Package(MODULE, directory.resolve(), ())
        go.build_test_binary(self.context.go, self.context.processes, package, binary)
        return TestBinary(".", directory.resolve(), binary, "", None)

    def asked(self, name: str, unit: str, iterations: int, base: float, head: float) -> Asked:
        return Asked(".", name, unit, self.base, self.head, iterations, base, head)

    def blame(self, *asked: Asked, counter: Counter | None = None, **limits: float) -> tuple[Blame, ...]:
        # The tests' machine may be busy: no time limit but those that are tested.
        patient = {"seconds_each": 600.0, "seconds_in_all": 600.0}
        return blame(self.context, self.change, asked, counter, **(patient | limits))


@pytest.fixture
def planted(
    context_for: ContextFor,
    git_repository: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Planted]]:
    """`planted(edit)`: the module built; `edit` changes the text of its planted.go without a commit."""
    # What was planted is gross: short profiles show it.
    monkeypatch.setattr(profiles, "_CPU_SECONDS_A_ROUND", 0.4)
    monkeypatch.setattr(profiles, "_INSTRUCTIONS_COUNTED", 3e7)
    root = git_repository(*COMMITS)
    checkout = git.find_checkout(root / "sub")
    with trees.exported(checkout, git.resolve(checkout, "HEAD~3").sha, tmp_path / "trees" / "base") as base:

        def make(edit: Callable[[str], str] | None = None) -> Planted:
            path = root / "sub" / "planted.go"
            if edit is not None:
                path.write_text(edit(path.read_text("utf-8")), "utf-8")
            return Planted(context_for(root / "sub"), base, root / "sub")

        yield make


def by_name(blame: Blame) -> dict[str, GrownFunction]:
    return {each.function.removeprefix(f"{MODULE}."): each for each in blame.functions}


def subjects(function: GrownFunction) -> list[str]:
    return [touch.subject for touch in function.touched_by]


def line_of(planted: Planted, text: str) -> str:
    """Where a text stands in the head, as a position."""
    lines = (planted.head.directory / "planted.go").read_text("utf-8").splitlines()
    return f"sub/planted.go:{next(number for number, line in enumerate(lines, 1) if text in line)}"


def check_files(planted: Planted, blame: Blame) -> None:
    assert blame.files
    for name in blame.files:
        assert (planted.context.run_directory / name).stat().st_size > 0, name
        assert name.startswith("regression/blame/01-")


def test_more_instructions_are_found_in_the_function_and_its_commit(planted: Callable[..., Planted]) -> None:
    """`weigh` is inlined into its caller: its lines, not the symbol around them, say whose cost it is."""
    module = planted()
    counter = find_counter(module.context.processes, module.context.target_environment())
    if counter is None or counter.kind != "valgrind":
        pytest.skip("no valgrind here: instructions cannot be told by function")
    asked = module.asked("BenchmarkSum", "instructions/op", 10_000, 25e3, 120e3)
    (found,) = module.blame(asked, counter=counter)
    assert found.unit == "instructions/op"
    first = found.functions[0]
    assert (first.function, subjects(first)) == (f"{MODULE}.weigh", [CULPRIT])
    assert first.position == line_of(module, "%7")
    # A byte costs a few instructions more: 4096 of them in an operation.
    assert first.head - first.base > 4096 * 5
    assert first.share > 0.5
    # Its caller grew as well, by what was inlined into it; that commit did not touch it.
    assert CULPRIT not in [touch for each in found.functions[1:] for touch in subjects(each)]
    check_files(module, found)


def test_more_cpu_time_is_found_by_sampling(planted: Callable[..., Planted]) -> None:
    module = planted()
    (found,) = module.blame(module.asked("BenchmarkSum", "cpu-sec/op", 10_000, 4e-6, 15e-6))
    assert found.unit == "cpu-sec/op"
    first = found.functions[0]
    assert (first.function, subjects(first)) == (f"{MODULE}.weigh", [CULPRIT])
    assert first.position == line_of(module, "%7")
    assert 1e-7 < first.head - first.base < 1e-3
    assert "go tool pprof -top" in found.command and "-diff_base" in found.command
    check_files(module, found)


def test_allocations_of_a_library_count_as_the_function_that_called_it(
    planted: Callable[..., Planted],
) -> None:
    module = planted()
    (found,) = module.blame(module.asked("BenchmarkNames", "allocs/op", 5_000, 1, 21))
    first = found.functions[0]
    assert (first.function, subjects(first)) == (f"{MODULE}.label", [CULPRIT])
    assert first.base == 0
    assert first.head == pytest.approx(20, rel=0.01)
    assert first.share > 0.95
    assert "which they call" in found.note
    check_files(module, found)


def test_allocated_bytes_are_told_as_bytes(planted: Callable[..., Planted]) -> None:
    module = planted()
    (found,) = module.blame(module.asked("BenchmarkNames", "B/op", 5_000, 320, 1_300))
    first = by_name(found)["label"]
    # Twenty strings of 32 to 51 bytes, in blocks of 32, 48 and 64.
    assert found.unit == "B/op"
    assert 20 * 32 <= first.head <= 20 * 64 * 1.01


def test_a_longer_sleep_is_found_where_no_profile_shows_it(planted: Callable[..., Planted]) -> None:
    module = planted()
    (found,) = module.blame(module.asked("BenchmarkFetch/one", "sec/op", 100, 1.1e-3, 2.1e-3))
    first = found.functions[0]
    assert (first.function, subjects(first)) == (f"{MODULE}.answer", [CULPRIT])
    assert first.base >= 1e-3
    assert first.head >= 2e-3
    assert first.position == line_of(module, "time.Sleep")
    # Who waits for it is no cause, and not named.
    assert by_name(found).keys() == {"answer"}
    assert "time slept" in found.note
    check_files(module, found)


def test_a_longer_wait_is_found_where_nobody_sleeps(planted: Callable[..., Planted]) -> None:
    module = planted()
    (found,) = module.blame(module.asked("BenchmarkPoll", "sec/op", 100, 1.1e-3, 2.1e-3))
    first = found.functions[0]
    assert (first.function, subjects(first)) == (f"{MODULE}.Poll", [CULPRIT])
    assert first.head - first.base >= 0.5e-3
    assert "time waited" in found.note


def test_a_touched_function_that_calls_what_grew_is_named_with_it(
    planted: Callable[..., Planted], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cachegrind has no stacks: `label` itself may cost the same."""
    module = planted()
    asked = module.asked("BenchmarkNames", "instructions/op", 100, 100, 300)
    head = line_of(module, "strings.Repeat").rpartition(":")[2]
    label, library = f"{MODULE}.label", Spot("memeqbody", "internal/bytealg/equal_amd64.s", 3)
    counted = Profiled(
        "instructions/op",
        {Spot(label, f"{MODULE}/planted.go", int(head) - 1): 20.0, library: 80.0},
        {Spot(label, f"{MODULE}/planted.go", int(head)): 20.0, library: 280.0},
        (),
        "",
    )
    monkeypatch.setattr(profiles, "instructions", lambda *_: counted)
    (found,) = module.blame(asked)
    first, second = found.functions
    assert (first.function, subjects(first), first.share) == (label, [CULPRIT], 0.0)
    assert first.position == line_of(module, "strings.Repeat")
    assert (second.function, second.share) == ("memeqbody", 1.0)
    assert "what it calls may have grown" in found.note


def test_what_is_not_committed_is_named_so(planted: Callable[..., Planted]) -> None:
    """The lines above it moved as well: the committed function is found by its name."""
    module = planted(
        lambda text: text.replace("\nfunc label", '\nvar prefix = "x"\n\nfunc label').replace(
            '"x", 32+i', "prefix, 64+i"
        )
    )
    assert module.change.dirty
    (found,) = module.blame(module.asked("BenchmarkNames", "B/op", 5_000, 320, 2_000))
    first = found.functions[0]
    assert first.function == f"{MODULE}.label"
    assert first.touched_by[0] == UNCOMMITTED
    assert subjects(first)[1:] == [CULPRIT]
    assert first.position == line_of(module, "prefix, 64+i")


def test_times_of_one_benchmark_are_explained_once(planted: Callable[..., Planted]) -> None:
    module = planted()
    found = module.blame(
        module.asked("BenchmarkSum", "sec/op", 100, 1, 2),
        module.asked("BenchmarkSum", "allocs/op", 100, 1, 2),
        module.asked("BenchmarkSum", "cpu-sec/op", 100, 1, 2),
        seconds_in_all=0.0,
    )
    assert [each.unit for each in found] == ["sec/op", "allocs/op"]


def test_a_benchmark_that_fails_under_its_profiler_is_a_note_and_not_an_error(
    planted: Callable[..., Planted],
) -> None:
    module = planted()
    (found,) = module.blame(module.asked("BenchmarkAbsent", "allocs/op", 100, 1, 2))
    assert (found.functions, found.unit) == ((), "allocs/op")
    assert "gives no result under its profiler" in found.note


def test_without_valgrind_instructions_are_explained_by_cpu_time(planted: Callable[..., Planted]) -> None:
    module = planted()
    (found,) = module.blame(module.asked("BenchmarkSum", "instructions/op", 10_000, 25e3, 120e3))
    assert found.unit == "cpu-sec/op"
    assert found.functions[0].function == f"{MODULE}.weigh"
    assert "only valgrind tells instructions by function" in found.note


def test_a_unit_that_no_profile_knows_is_explained_by_its_time(planted: Callable[..., Planted]) -> None:
    module = planted()
    (found,) = module.blame(module.asked("BenchmarkSum", "widgets/op", 10_000, 1, 2))
    assert found.functions[0].function == f"{MODULE}.weigh"
    assert "no profile tells widgets/op by function" in found.note


def test_when_the_time_is_over_the_rest_says_so(planted: Callable[..., Planted]) -> None:
    module = planted()
    asked = module.asked("BenchmarkNames", "allocs/op", 100, 1, 21)
    (none,) = module.blame(asked, seconds_in_all=0.0)
    assert "not looked into" in none.note
    (late,) = module.blame(asked, seconds_each=0.0)
    assert "the time that a blame is given has ended" in late.note
    (long,) = module.blame(
        replace(asked, iterations=10**9, base_value=1e-9, head_value=1e-9), seconds_each=1.0
    )
    assert "did not end in the time" in long.note


def test_history_that_is_not_here_leaves_the_functions_without_commits(
    planted: Callable[..., Planted],
) -> None:
    module = planted()
    module.change = replace(module.change, base="0" * 40)
    (found,) = module.blame(module.asked("BenchmarkNames", "allocs/op", 5_000, 1, 21))
    assert found.functions[0].function == f"{MODULE}.label"
    assert found.functions[0].touched_by == ()
    assert "git diff cannot tell what changed" in found.note


def test_an_interruption_is_none_of_its_problems(
    planted: Callable[..., Planted], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = planted()

    def interrupt(*_: object) -> None:
        raise Interrupted("interrupted")

    monkeypatch.setattr(profiles, "allocations", interrupt)
    with pytest.raises(Interrupted):
        module.blame(module.asked("BenchmarkNames", "allocs/op", 100, 1, 21))


def test_nothing_asked_asks_nothing(context_for: ContextFor, tmp_path: Path) -> None:
    context = context_for(tmp_path)
    assert blame(context, Change(git.Checkout(tmp_path, "."), "", "", dirty=False), (), None) == ()
