"""Which edits of a package's test files make a benchmark another one, and which edits of a file change no code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.regression.own_code import changed_benchmarks, renamed_benchmarks, same_code

SOURCE = """//go:build linux

// Package work is measured.
package work

import (
	"fmt"
	"testing"
)

var sizes = []int{1, 2}

func prepare(n int) string {
outer:
	for {
		break outer // a label stands at column 0
	}
	return fmt.Sprint(n, `raw // no comment
func BenchmarkInRaw(b *testing.B) {}
`, "// no comment", '"')
}

func TestWork(t *testing.T) { t.Log("one") }

func BenchmarkOne(b *testing.B) {
	for _, n := range sizes {
		prepare(n)
	}
}

func BenchmarkTwo(b *testing.B) {
	b.Run("x", BenchmarkThree)
}

func BenchmarkThree(b *testing.B) {
	/* nothing
	yet */
}
"""
ALL = {"BenchmarkOne", "BenchmarkTwo", "BenchmarkThree"}


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        pytest.param("prepare(n)", "prepare(n + 1)", {"BenchmarkOne"}, id="a benchmark"),
        pytest.param("/* nothing\n\tyet */", "_ = b", {"BenchmarkTwo", "BenchmarkThree"}, id="one that another runs"),
        pytest.param('t.Log("one")', 't.Log("two")', set(), id="a unit test"),
        pytest.param("func TestWork", "func TestOther", set(), id="a unit test renamed"),
        pytest.param("\nfunc TestWork", "\nfunc FuzzWork(f *testing.F) {}\n\nfunc TestWork", set(), id="a fuzz test"),
        pytest.param("\nfunc TestWork", "\nfunc BenchmarkNew(b *testing.B) {}\n\nfunc TestWork", set(), id="a new one"),
        pytest.param("BenchmarkOne", "BenchmarkUno", set(), id="renamed: of one side each"),
        pytest.param("// Package work is measured.\n", "", set(), id="a comment"),
        pytest.param("// a label stands", "// it stands", set(), id="a comment behind code"),
        pytest.param("/* nothing\n\tyet */", "/* nothing */", set(), id="a comment of several lines"),
        pytest.param("\n\tfor _, n", "\n\n\tfor   _, n", set(), id="blanks"),
        pytest.param("\n", "\r\n", set(), id="ends of lines"),
        pytest.param("{1, 2}", "{1, 3}", ALL, id="a variable"),
        pytest.param("break outer", "continue outer", ALL, id="a helper below a label"),
        pytest.param("// no comment\n", "// a comment?\n", ALL, id="a raw string"),
        pytest.param('"// no comment"', '"// a comment?"', ALL, id="a string like a comment"),
        pytest.param("\nfunc TestWork", "\nfunc init() { sizes = nil }\n\nfunc TestWork", ALL, id="init"),
        pytest.param("\nfunc TestWork", "\nfunc TestMain(m *testing.M) {}\n\nfunc TestWork", ALL, id="TestMain"),
        pytest.param("\nfunc prepare", "\n//go:noinline\nfunc prepare", ALL, id="a directive"),
        pytest.param("\nvar sizes", "\nvar all = TestWork\n\nvar sizes", ALL, id="a variable more"),
        pytest.param("package work", "package work_test", ALL, id="the package"),
        pytest.param('"testing"', '"os"\n\t"testing"', ALL, id="an import that nothing names"),
        pytest.param('"testing"', '_ "os"\n\t"testing"', ALL, id="an import for its effects"),
        pytest.param('"testing"', '. "os"\n\t"testing"', ALL, id="an import into the file"),
        pytest.param('"fmt"', 'fmt "example.test/fmt"', ALL, id="an import of a helper, of the same name"),
    ],
)  # fmt: skip
def test_a_benchmark_is_changed_by_its_own_code_and_by_what_it_may_share(
    old: str, new: str, changed: set[str]
) -> None:
    edited = SOURCE.replace(old, new)
    assert edited != SOURCE
    assert changed_benchmarks([SOURCE], [edited]) == changed
    assert changed_benchmarks([edited], [SOURCE]) == changed


def test_an_import_counts_only_for_what_names_it() -> None:
    edited = SOURCE.replace('"fmt"', '"fmt"\n\tclock "time"').replace('t.Log("one")', "t.Log(clock.Now())")
    assert changed_benchmarks([SOURCE], [edited]) == frozenset()
    moved = edited.replace('clock "time"', 'clock "example.test/time"')
    assert changed_benchmarks([edited], [moved]) == frozenset()
    used = edited.replace("prepare(n)", "prepare(n + clock.Now().Second())")
    moved = used.replace('clock "time"', 'clock "example.test/time"')
    assert changed_benchmarks([used], [moved]) == {"BenchmarkOne"}


def test_a_shared_declaration_that_names_an_edited_test_changes_every_benchmark() -> None:
    shared = SOURCE.replace("var sizes", "var test = TestWork\n\nvar sizes")
    edited = shared.replace('t.Log("one")', 't.Log("two")')
    assert changed_benchmarks([shared], [edited]) == ALL


def test_a_benchmark_may_move_to_another_file() -> None:
    at = SOURCE.index("func BenchmarkThree")
    head = 'package work\n\nimport "testing"\n\n'
    assert changed_benchmarks([SOURCE], [SOURCE[:at], head + SOURCE[at:]]) == frozenset()


def test_other_data_may_be_read_by_any_benchmark() -> None:
    assert changed_benchmarks([SOURCE], [SOURCE], data_differs=True) == ALL


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("// Package work is measured.", "// Package work is what\n// is measured.", True),
        ("{1, 2}", "{ 1, 2}", False),  # in doubt
        ("'\"'", "'\\''", False),
        ("prepare(n)\n", "prepare(n); prepare(n)\n", False),
        ("return fmt", "return\nfmt", False),
        ("linux", "darwin", False),
        ('"// no comment"', '"// no  comment"', False),
        ("`raw // no", "`raw  // no", False),
        ("\n\nvar sizes", "\n//go:embed x\nvar sizes", False),
    ],
)
def test_code_is_the_same_when_comments_and_blanks_alone_differ(old: str, new: str, same: bool) -> None:
    edited = SOURCE.replace(old, new)
    assert edited != SOURCE
    assert same_code(SOURCE, edited) is same


def test_comments_are_code_where_cgo_reads_them() -> None:
    source = 'package x\n\n// int one() { return 1; }\nimport "C"\n'
    assert same_code(source, source)
    assert not same_code(source, source.replace("return 1", "return 2"))


_LINES = SOURCE.splitlines(keepends=True)
_PLACES = [
    number
    for number, line in enumerate(_LINES)
    if number and not _LINES[number - 1].startswith(("//go:", "func BenchmarkInRaw"))
    and "`raw" not in _LINES[number - 1] and "/* nothing" not in _LINES[number - 1]
]  # fmt: skip


@given(
    st.sets(st.sampled_from(_PLACES)),
    st.sampled_from(["// words: `\"'\n", "\n", "\t// func Benchmark() {\n", "/* a\nfunc b() { */\n"]),
)
def test_comments_between_lines_change_nothing(places: set[int], comment: str) -> None:
    edited = "".join(comment * (number in places) + line for number, line in enumerate(_LINES))
    assert same_code(SOURCE, edited)
    assert changed_benchmarks([SOURCE], [edited]) == frozenset()


def test_a_benchmark_under_a_new_name_is_the_same_one() -> None:
    before = 'package a\n\nfunc BenchmarkOld(b *testing.B) { run(b, "BenchmarkOld") }\n'
    after = 'package a\n\n// A better name.\nfunc BenchmarkNew(b *testing.B) { run(b, "BenchmarkNew") }\n'
    assert renamed_benchmarks([before], [after]) == {"BenchmarkOld": "BenchmarkNew"}


def test_another_benchmark_in_the_place_of_one_is_no_new_name() -> None:
    before = "package a\n\nfunc BenchmarkOld(b *testing.B) { run(b) }\n"
    after = "package a\n\nfunc BenchmarkNew(b *testing.B) { other(b) }\n"
    assert renamed_benchmarks([before], [after]) == {}


def test_two_new_names_of_equal_code_stand_for_two_old_ones() -> None:
    before = (
        "package a\n\nfunc BenchmarkA(b *testing.B) { run(b) }\n\nfunc BenchmarkB(b *testing.B) { run(b) }\n"
    )
    after = before.replace("BenchmarkA", "BenchmarkC").replace("BenchmarkB", "BenchmarkD")
    assert renamed_benchmarks([before], [after]) == {"BenchmarkA": "BenchmarkC", "BenchmarkB": "BenchmarkD"}
