"""Which functions grew: by the source's own functions, wherever the compiler put their instructions."""

from __future__ import annotations

import pytest

from perf.blame.costs import Costs, Spot, per_operation
from perf.blame.growth import Difference, compare
from perf.blame.source import Source

BASE = """package p

func Outer(n int) int {
	return helper(n) + 1
}

func helper(n int) int {
	return n * n
}
"""
# Two lines more above; the line in `helper` is another one.
HEAD = """package p

// Outer calls.
//
func Outer(n int) int {
	return helper(n) + 1
}

func helper(n int) int {
	return n * n * n % 7
}
"""
FILE = "example.test/m/p.go"


def source(text: str, name: str = "p.go") -> Source:
    return Source("example.test/m", {name: text}.get)


def compared(base: Costs, head: Costs, quantum: float = 0.0) -> Difference:
    return compare(base, head, (source(BASE), source(HEAD)), quantum)


def symbol(name: str) -> str:
    return f"example.test/m.{name}"


def test_what_is_inlined_counts_as_the_function_that_declares_its_lines() -> None:
    """Cachegrind names the symbol around it; the line lies in `helper`."""
    base = {Spot(symbol("Outer"), FILE, 4): 10.0, Spot(symbol("Outer"), FILE, 8): 5.0}
    head = {Spot(symbol("Outer"), FILE, 6): 10.0, Spot(symbol("Outer"), FILE, 10): 45.0}
    (grown,) = compared(base, head).grown
    assert (grown.function, grown.base, grown.head) == (symbol("helper"), 5.0, 45.0)
    assert (grown.path, grown.line) == ("p.go", 10)


def test_closures_count_as_the_function_around_them() -> None:
    """One closure more renames all after it: nothing grew by that."""
    base = {Spot(symbol("Outer.func1"), FILE, 4): 10.0}
    head = {Spot(symbol("Outer.func2"), FILE, 6): 10.0}
    difference = compared(base, head)
    assert (difference.grown, difference.shrunk, difference.net) == ((), (), 0.0)


def test_an_inlined_library_counts_as_the_function_that_holds_it() -> None:
    base = {Spot(symbol("Outer"), "slices/slices.go", 97): 1.0, Spot(symbol("Outer"), FILE, 4): 2.0}
    head = {Spot(symbol("Outer"), "slices/slices.go", 97): 9.0, Spot(symbol("Outer"), FILE, 6): 2.0}
    (grown,) = compared(base, head).grown
    assert (grown.function, grown.base, grown.head) == (symbol("Outer"), 3.0, 11.0)
    # None of its own lines grew: its declaration is where to look.
    assert grown.line == 5


def test_lines_are_compared_by_what_is_written_on_them() -> None:
    base = {Spot(symbol("helper"), FILE, 7): 4.0, Spot(symbol("helper"), FILE, 8): 1.0}
    head = {Spot(symbol("helper"), FILE, 9): 4.0, Spot(symbol("helper"), FILE, 10): 2.0}
    (grown,) = compared(base, head).grown
    assert grown.line == 10


def test_functions_of_others_have_no_place() -> None:
    (grown,) = compared({}, {Spot("memeqbody", "internal/bytealg/equal_amd64.s", 52): 8.0}).grown
    assert (grown.function, grown.path, grown.line, grown.declared) == ("memeqbody", "", 0, None)


def test_a_closure_of_a_variable_keeps_its_symbol_and_its_line() -> None:
    head = {Spot(symbol("glob..func1"), FILE, 1): 8.0}
    (grown,) = compared({}, head).grown
    assert (grown.function, grown.line, grown.declared) == (symbol("glob"), 1, None)


def test_a_function_inlined_into_an_external_test_is_of_the_package() -> None:
    head = {Spot("example.test/m_test.BenchmarkOuter", FILE, 10): 8.0}
    (grown,) = compared({}, head).grown
    assert grown.function == symbol("helper")


def test_a_helper_of_an_external_test_stays_in_its_package() -> None:
    """Its file is of the test's package, though the directory's name is the other's."""
    sources = source(BASE, "p_test.go"), source(HEAD, "p_test.go")
    head = {Spot("example.test/m_test.BenchmarkOuter", "example.test/m/p_test.go", 10): 8.0}
    (grown,) = compare({}, head, sources).grown
    assert grown.function == "example.test/m_test.helper"


def test_most_grown_comes_first_and_what_shrank_is_kept() -> None:
    base = {Spot("a", "", 0): 10.0, Spot("gone", "", 0): 7.0, Spot("same", "", 0): 3.0}
    head = {Spot("a", "", 0): 12.0, Spot("new", "", 0): 8.0, Spot("same", "", 0): 3.0}
    difference = compared(base, head)
    assert [(each.function, each.grown) for each in difference.grown] == [("new", 8.0), ("a", 2.0)]
    assert [(each.function, each.head) for each in difference.shrunk] == [("gone", 0.0)]
    assert (difference.total, difference.net) == (10.0, 3.0)


@pytest.mark.parametrize(("head", "grew"), [(110.0, False), (135.0, True)])
def test_what_sampling_alone_may_show_is_no_growth(head: float, grew: bool) -> None:
    """100 samples against 110: two standard deviations of the difference are 29, and 31 against 135."""
    difference = compared({Spot("a", "", 0): 1.0}, {Spot("a", "", 0): head / 100}, quantum=0.01)
    assert bool(difference.grown) == grew
    assert difference.net == pytest.approx(head / 100 - 1.0)


def test_what_both_lengths_have_is_no_cost_of_an_operation() -> None:
    start, loop = Spot("start", "", 0), Spot("loop", "", 0)
    long, short = {start: 500.0, loop: 1_000.0}, {start: 500.0, loop: 200.0}
    assert per_operation(long, short, 8) == {loop: 100.0}
