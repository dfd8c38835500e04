"""Which changed files may change a test binary: pure, in a table. What Go tells of real packages is in tests/bisect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perf.system.inputs import Inputs

INPUTS = Inputs(
    directories=frozenset({"a", "a/dep", "words"}),
    above=frozenset({".", "a", "a/dep", "words"}),
    embedding=frozenset({"words"}),
    tests=frozenset(),
    vendors=False,
)


@pytest.mark.parametrize(
    ("path", "may_read"),
    [
        ("a/a.go", True),
        ("a/dep/new.go", True),
        ("a/a_test.go", False),
        ("a/README.md", False),
        ("a/testdata/blob.go", False),
        ("other/b.go", False),
        ("main.go", False),
        ("words/deep/below.txt", True),
        ("a", True),
        ("a/dep", True),
        ("go.mod", True),
        ("other/go.sum", True),
        ("go.work", True),
        ("vendor/modules.txt", True),
        ("vendor/x.test/y/y.go", False),
        ("include/x.h", True),
        ("a/add_amd64.s", True),
        ("cmd/x/default.pgo", True),
        ("docs/go.mod.md", False),
    ],
)
def test_what_a_binary_is_made_of(path: str, may_read: bool) -> None:
    assert INPUTS.may_read(path) is may_read


def test_its_own_tests_and_vendored_packages_count_where_they_are_looked_up() -> None:
    assert replace(INPUTS, tests=frozenset({"a"})).may_read("a/new_test.go")
    assert not replace(INPUTS, tests=frozenset({"a"})).may_read("a/dep/dep_test.go")
    assert replace(INPUTS, vendors=True).may_read("a/vendor/x.test/y/y.go")
