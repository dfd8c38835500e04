"""Go source as far as blame needs it, and the names that Go's compiler makes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.blame.source import Declaration, Source, declarations, local_name, package_of, plain_name

TEXT = """package p

import "fmt"

const raw = `
func NotThis() {
}
`

// func NorThis() {
type Set[K comparable] struct{ m map[K]struct{} }

func (s *Set[K]) Add(key K) { s.m[key] = struct{}{} }

func Index[S ~[]E, E comparable](s S, v E) int {
	for i := range s {
		if v == s[i] { // }
			return i
		}
	}
	return -1
}

func Long(
	a interface{ Do() },
	b rune,
) interface{} {
	if b == '{' || b == '\\'' {
		return fmt.Sprintf("}%v", func() any { return a }())
	}
	/* }
	} */
	return nil
}

func assembly(b []byte) int

func (Plan) Size() int {
	return 1
}

var closure = func() {
}

func last() {}"""


def test_declarations_have_their_lines() -> None:
    lines = TEXT.splitlines()
    found = declarations(TEXT)
    assert [each.name for each in found] == [
        "(*Set).Add",
        "Index",
        "Long",
        "assembly",
        "Plan.Size",
        "last",
    ]
    for each in found:
        assert lines[each.start - 1].startswith("func ")
        assert lines[each.end - 1].endswith(("}", "int"))
        assert each.start == each.end or lines[each.end - 1] == "}"


@given(st.text(alphabet="func(){}`\"'/*\n x", max_size=80))
def test_no_text_breaks_it_and_its_functions_follow_each_other(text: str) -> None:
    found = declarations(text)
    assert all(each.start <= each.end for each in found)
    assert all(one.end < other.start or one.end == other.start for one, other in pairwise(found))


@pytest.mark.parametrize(
    ("symbol", "plain", "local", "package"),
    [
        ("skiff/pkg/copy.New", "skiff/pkg/copy.New", "New", "skiff/pkg/copy"),
        ("skiff/pkg/copy.Plan.func1.2", "skiff/pkg/copy.Plan", "Plan", "skiff/pkg/copy"),
        ("p.(*Ledger).Take.deferwrap1", "p.(*Ledger).Take", "(*Ledger).Take", "p"),
        ("p.(*Ledger).Take-fm", "p.(*Ledger).Take", "(*Ledger).Take", "p"),
        ("p.(*Set[go.shape.int]).Add.gowrap1", "p.(*Set).Add", "(*Set).Add", "p"),
        ("slices.Index[go.shape.[]a/b.Hash,go.shape.struct { A string }]", "slices.Index", "Index", "slices"),
        ("p.Walk-range1.func2", "p.Walk", "Walk", "p"),
        ("p.init.0", "p.init", "init", "p"),
        ("p.glob..func1", "p.glob", "glob", "p"),
        ("gopkg.in/yaml%2ev3.Parse", "gopkg.in/yaml%2ev3.Parse", "Parse", "gopkg.in/yaml%2ev3"),
        ("memeqbody", "memeqbody", "", "memeqbody"),
        ("odd]", "odd]", "", "odd]"),
    ],
)
def test_symbols_are_rid_of_closures_and_type_arguments(
    symbol: str, plain: str, local: str, package: str
) -> None:
    assert plain_name(symbol) == plain
    assert (local_name(plain), package_of(plain)) == (local, package)


def test_a_file_of_the_module_is_known_by_its_path() -> None:
    source = Source("skiff", {"pkg/a.go": TEXT}.get)
    assert source.path("skiff/pkg/a.go") == "pkg/a.go"
    assert source.path("skiff/pkg/absent.go") == ""
    assert source.path("slices/slices.go") == ""
    assert source.around("pkg/a.go", 13) == Declaration("(*Set).Add", 13, 13)
    assert source.around("pkg/a.go", 5) is None
