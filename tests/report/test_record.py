"""outcome.json: what was written is read back unchanged, and what cannot be read says why and what to do."""

from __future__ import annotations

import dataclasses
import json
import math
import types
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perf.errors import UsageError
from perf.model import RUN_RECORD_VERSION, RegressionResult, RunRecord
from perf.report import record
from tests.report.goldens import ALL
from tests.report.records import everything_fine, full_of_failures


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a field's type; floats are finite, as the model promises."""
    if kind is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if kind is str:
        return st.text(max_size=8)
    if kind in (int, bool, type(None)):
        return st.from_type(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        parts = {name: st.deferred(lambda hint=hint: values_of(hint)) for name, hint in hints.items()}
        return st.builds(kind, **parts)
    arguments = get_args(kind)
    if get_origin(kind) is tuple:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if get_origin(kind) is dict:
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=2)
    assert isinstance(kind, types.UnionType), kind
    return st.one_of([values_of(each) for each in arguments])


@settings(deadline=None, max_examples=60)
@given(values_of(RunRecord))
def test_a_record_read_back_is_the_one_that_was_written(written: RunRecord) -> None:
    written = dataclasses.replace(written, version=RUN_RECORD_VERSION)
    assert record.read(record.dump(written)) == written


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_results_keep_their_kind(make: Any) -> None:
    written = make()
    again = record.read(record.dump(written))
    assert again == written
    assert [type(each.result) for each in again.outcomes] == [type(each.result) for each in written.outcomes]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_never_reaches_the_file(number: float) -> None:
    fine = everything_fine()
    outcomes = (dataclasses.replace(fine.outcomes[0], seconds=number), *fine.outcomes[1:])
    with pytest.raises(ValueError, match=r"outcomes\[0\]\.seconds is not a finite number"):
        record.dump(dataclasses.replace(fine, outcomes=outcomes))


def test_an_argument_that_is_not_utf_8_does_not_lose_the_record() -> None:
    text = record.dump(dataclasses.replace(everything_fine(), command=("perf", "--target", "\udcff")))
    assert record.read(text).command == ("perf", "--target", "?")


def _with(**changes: object) -> str:
    return json.dumps({**json.loads(record.dump(everything_fine())), **changes})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("  \n", "it is empty"),
        (record.dump(everything_fine())[:2000], "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[]", "it is not the record of a run"),
        ("{}", "it is not the record of a run"),
        (_with(version=0), "it is not the record of a run"),
        (_with(version=True), "it is not the record of a run"),
        (_with(version="1"), "it is not the record of a run"),
        (_with(exit_code=77), "exit_code: "),
        (_with(seconds="12"), "seconds: Input should be a valid number"),
        (_with(outcomes=[{}]), "outcomes.0."),
    ],
)
def test_damaged_text_says_what_is_wrong_and_what_to_do(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        record.read(text, ".perf/runs/x/outcome.json")
    assert caught.value.what.startswith(".perf/runs/x/outcome.json cannot be read: ")
    assert words in caught.value.what
    assert caught.value.cause
    assert caught.value.next_command


def test_a_newer_version_names_the_remedy() -> None:
    with pytest.raises(UsageError, match="has version 3; this suite reads up to version 2") as caught:
        record.read(_with(version=3, whatever="is new"))
    assert "update the suite" in caught.value.next_command


def test_a_record_of_version_1_still_reads() -> None:
    old = json.loads(record.dump(full_of_failures()))
    old["version"] = 1
    results = [each["result"] for each in old["outcomes"] if each["scenario"] == "regression"]
    for result in results:
        for name in ("counter", "counting_seconds", "blames", "resume"):
            del result[name]
        for row in result["comparisons"]:
            for name in ("smallest_seen", "more_rounds", "position"):
                del row[name]
    again = record.read(json.dumps(old))
    assert again == dataclasses.replace(full_of_failures(), version=1)
    (regression,) = [each.result for each in again.outcomes if isinstance(each.result, RegressionResult)]
    assert (regression.counter, regression.blames, regression.resume) == ("", (), "")
