"""perf.toml: what is declared, and what every slip in it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.errors import ExitCode, UsageError
from perf.suite import line_of, parse_suite

OWN = (Path(__file__).parent.parent / "perf.toml").read_text("utf-8")


def broken(old: str, new: str) -> UsageError:
    """The error of our own perf.toml with one place changed."""
    assert old in OWN
    with pytest.raises(UsageError) as caught:
        parse_suite(OWN.replace(old, new, 1))
    return caught.value


def test_our_own_file_declares_skiff_freightliner_and_both_efforts() -> None:
    suite = parse_suite(OWN)
    assert {"skiff", "freightliner"} <= set(suite.target)
    assert set(suite.effort) == {"quick", "full"}
    assert suite.objective.throughput is not None
    assert suite.objective.throughput.holds(125e6)
    assert suite.gate.least_effect == pytest.approx(0.03)


def test_what_was_parsed_cannot_be_changed() -> None:
    suite = parse_suite(OWN)
    with pytest.raises(ValueError, match="frozen"):
        suite.gate.least_effect = 0.5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("images = 48", "imags = 48", r"workload\.quick\.imags: unknown key \(did you mean 'images'\?\)"),
        ("images = 48\n", "", r"workload\.quick\.images: is missing"),
        ("images = 48", "images = 0", r"workload\.quick\.images: Input should be greater than or equal to 1"),
        ('"< 200 ms"', '"< 200 MB"', r"objective\.response_time: '200 MB' is a size, wanted a duration"),
        ('"< 200 ms"', '"200 ms"', r"objective\.response_time: '200 ms' is not a limit"),
        ('"< 200 ms"', "200", r"objective\.response_time: 200 is no limit: write it as text"),
        ('"3 %"', "3", r"gate\.least_effect: 3 has no unit: write it as text with one, for example '5 %'"),
        ('largest = "8MiB"', "largest = 4", r"workload\.quick\.layers\.largest: 4 has no unit"),
        (
            'benchtime = "50ms"',
            'benchtime = "50"',
            r"effort\.quick: benchtime '50' is not what go test takes",
        ),
        (
            'workload = "quick"',
            'workload = "quik"',
            r":\d\d: effort\.quick\.workload: no workload 'quik' is declared \(did you mean 'quick'\?\)",
        ),
        ("[effort.full]", "[effort.quick.x]", r"effort\.quick\.x: unknown key"),
        ("build = [", "biuld = [", r"target\.skiff\.replicator\.build: is missing"),
        (
            'command = ["go", "test", "-tags',
            'command = [] # ["',
            r"target\.skiff\.integration\.command: is empty",
        ),
    ],
)
def test_a_slip_is_told_with_its_key(old: str, new: str, says: str) -> None:
    error = broken(old, new)
    assert re.search(says, error.what), error.what
    assert error.exit_code is ExitCode.USAGE
    assert error.next_command == "correct perf.toml"


def test_a_slip_is_told_with_its_line() -> None:
    number = next(at for at, line in enumerate(OWN.splitlines(), 1) if line.startswith("images = 48"))
    assert f"perf.toml:{number}: workload.quick.imags" in broken("images = 48", "imags = 48").what


def test_every_slip_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        parse_suite(OWN.replace("images = 48", "imags = 48").replace('"3 %"', '"3 s"'))
    assert len(caught.value.what.splitlines()) == 3


def test_a_replicator_needs_a_command_to_copy_with() -> None:
    text = OWN + '\n[target.x]\n[target.x.replicator]\nbuild = ["true"]\n'
    with pytest.raises(UsageError, match=r"needs a 'copy' command .* or a 'tree' command"):
        parse_suite(text)


def test_a_left_out_benchmark_needs_a_reason() -> None:
    text = OWN + '\n[target.x]\n[[target.x.leave_out]]\npackage = "./a"\nreason = "sleeps"\n'
    assert parse_suite(text).target["x"].leave_out[0].reason == "sleeps"
    with pytest.raises(UsageError, match=r"target\.x\.leave_out\.0\.reason"):
        parse_suite(text.replace('"sleeps"', '""'))


def test_the_quick_effort_must_be_there() -> None:
    with pytest.raises(UsageError, match=r"effort\.quick: is missing"):
        parse_suite(OWN.partition("[effort.quick]")[0] + OWN[OWN.index("[effort.full]") :])


def test_text_that_was_not_utf_8_names_the_line() -> None:
    text = b"# x\n# caf\xe9\n".decode("utf-8", "replace")
    with pytest.raises(UsageError, match=r"perf\.toml:2: not UTF-8"):
        parse_suite(text)


def test_a_byte_order_mark_is_no_error() -> None:
    assert parse_suite("\ufeff" + OWN) == parse_suite(OWN)


def test_text_that_is_not_toml_names_the_place() -> None:
    with pytest.raises(UsageError, match=r"perf\.toml: .*line 1"):
        parse_suite("[target\nx = 1\n")


@given(st.text(max_size=200))
def test_no_text_raises_anything_but_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_suite(text)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["a", "b"], 2),
        (["a", "b", "deep", "er"], 2),
        (["a", "c", "d"], 4),
        (["list", "1", "x"], 8),
        (["list", "0", "x"], 6),
        (["nowhere"], 1),
    ],
)
def test_the_line_of_a_key_is_its_own_or_that_of_the_nearest_table(path: list[str], line: int) -> None:
    text = "[a]\nb = 1\n[a.c]\nd = 2\n[[list]]\nx = 1\n[[list]]\nx = 2\n"
    assert line_of(text, path) == line
