"""Quantities: what people write becomes base units, and what they read keeps its unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.units import (
    UNITS,
    Quantity,
    format_fraction,
    format_quantity,
    format_rate,
    format_seconds,
    format_size,
    parse_call,
    parse_limit,
    parse_quantity,
)


@pytest.mark.parametrize(
    ("text", "value", "dimension"),
    [
        ("64KiB", 65536.0, "size"),
        ("1.5 GB", 1.5e9, "size"),
        ("125 MB/s", 125e6, "rate"),
        ("200 ms", 0.2, "duration"),
        ("2 min", 120.0, "duration"),
        ("5 %", 0.05, "fraction"),
        ("60/min", 1.0, "frequency"),
        (" 1e3 ", 1000.0, "number"),
    ],
)
def test_a_quantity_is_read_in_base_units(text: str, value: float, dimension: str) -> None:
    quantity = parse_quantity(text)
    assert quantity.value == pytest.approx(value)
    assert quantity.dimension == dimension


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fast", "is not a number with a unit"),
        ("", "is not a number with a unit"),
        ("-5 s", "is not a number with a unit"),
        ("5 parsecs", "unknown unit 'parsecs'"),
        ("5 s", "is a duration, wanted a size or rate"),
        ("1 2 MB", "is not a number with a unit"),
    ],
)
def test_a_wrong_quantity_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_quantity(text, "size", "rate") if message.startswith("is a duration") else parse_quantity(text)


def test_the_units_allowed_are_listed() -> None:
    with pytest.raises(ValueError, match=r"\(units: ns, us, µs, ms, s, m, min, h\)"):
        parse_quantity("5 MB", "duration")


@given(st.floats(0, 1e12, allow_nan=False), st.sampled_from(sorted(UNITS)))
def test_every_unit_of_the_table_is_read_with_its_factor(number: float, unit: str) -> None:
    dimension, factor = UNITS[unit]
    assert parse_quantity(f"{number!r} {unit}") == Quantity(number * factor, dimension)


@given(st.text(max_size=30))
def test_no_text_raises_anything_but_value_error(text: str) -> None:
    for parse in (parse_quantity, parse_limit):
        try:
            parse(text)
        except ValueError as error:
            assert str(error)


@pytest.mark.parametrize(
    ("limit", "keeps", "breaks"),
    [
        (">= 125 MB/s", 125e6, 124.9e6),
        ("> 125 MB/s", 126e6, 125e6),
        ("< 200 ms", 0.199, 0.2),
        ("<= 5 %", 0.05, 0.051),
    ],
)
def test_a_limit_holds_on_its_own_side_only(limit: str, keeps: float, breaks: float) -> None:
    parsed = parse_limit(limit)
    assert parsed.holds(keeps)
    assert not parsed.holds(breaks)
    assert parsed.text == limit


def test_a_limit_without_a_relation_shows_how_it_is_written() -> None:
    with pytest.raises(ValueError, match="for example '< 200 ms'"):
        parse_limit("200 ms")


def test_a_call_is_split_into_name_and_arguments() -> None:
    assert parse_call("lognormal(64KiB, 2.0)") == ("lognormal", ("64KiB", "2.0"))
    assert parse_call("64KiB") is None


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (format_size(1_500_000_000), "1.5 GB"),
        (format_size(64_000), "64 kB"),
        (format_size(0), "0 B"),
        (format_size(5_000e12), "5,000 TB"),
        (format_rate(149_170_000), "149.2 MB/s"),
        (format_seconds(12.3e-9), "12.3 ns"),
        (format_seconds(0.0456), "45.6 ms"),
        (format_seconds(200), "3 min 20 s"),
        (format_seconds(0), "0 ns"),
        (format_fraction(0.0123), "1.23 %"),
        (format_quantity(1.5e-6, "sec/op"), "1.5 µs/op"),
        (format_quantity(2048, "B/op"), "2.05 kB/op"),
        (format_quantity(3e6, "B/s"), "3 MB/s"),
        (format_quantity(7, "allocs/op"), "7 allocs/op"),
    ],
)
def test_values_are_shown_for_people(shown: str, expected: str) -> None:
    assert shown == expected
