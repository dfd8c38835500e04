"""What may be compared between two machines, or two days of one."""

from __future__ import annotations

import pytest

from perf.baseline.machines import differences, unrecorded, work_differences
from tests.baseline import samples

HERE = samples.FINGERPRINT
OLD = {name: value for name, value in HERE.items() if name not in ("gomaxprocs", "architecture")}


def test_another_machine_is_told_by_the_fields_that_differ() -> None:
    assert differences(HERE, {**HERE, "kernel": "6.8", "new": 1}) == (
        "kernel: 6.1 then, 6.8 now",
        "new: not recorded then, 1 now",
    )
    assert differences(HERE, HERE) == ()


def test_a_field_that_older_files_cannot_have_makes_no_other_machine() -> None:
    assert differences(OLD, HERE) == ()
    assert unrecorded(OLD, HERE) == ("architecture", "gomaxprocs")
    assert unrecorded(HERE, HERE) == ()


def test_a_fingerprint_that_lacks_what_was_always_recorded_is_of_another_machine() -> None:
    assert "kernel: not recorded then, 6.1 now" in differences({}, HERE)
    assert differences({**HERE, "gomaxprocs": 1}, HERE) == ("gomaxprocs: 1 then, 2 now",)


@pytest.mark.parametrize(
    ("field", "value", "unsound"),
    [
        ("kernel", "6.8", set()),
        ("cpu_model", "Another CPU", set()),
        ("memory_gib", 64, set()),
        ("cpu_flags", "ffffffff", {"instructions/op"}),
        ("go_version", "go1.27.0", {"instructions/op", "allocs/op", "B/op"}),
        ("architecture", "arm64", {"instructions/op", "allocs/op", "B/op"}),
        ("cores", 64, {"allocs/op", "B/op"}),
    ],
)
def test_counts_are_compared_across_machines_where_nothing_they_hang_on_differs(
    field: str, value: str | int, unsound: set[str]
) -> None:
    told = work_differences({**HERE, field: value}, HERE)
    assert {unit for unit, words in told.items() if words} == unsound
    assert all(words == () or field in words[0] for words in told.values())


def test_an_old_file_names_no_architecture_but_the_same_processor_has_the_same() -> None:
    assert not any(work_differences(OLD, HERE).values())
    other = work_differences({**OLD, "cpu_model": "Another CPU"}, HERE)
    assert all("architecture: not recorded" in words[0] for words in other.values())


def test_instructions_of_two_counters_are_not_the_same_thing() -> None:
    assert work_differences(HERE, HERE, ("valgrind 3.19.0", "valgrind 3.22.0"))["instructions/op"] == ()
    told = work_differences(HERE, HERE, ("", "perf 6.1"))
    assert told["instructions/op"] == ("counter: not recorded then, perf now",)
    assert told["allocs/op"] == ()
