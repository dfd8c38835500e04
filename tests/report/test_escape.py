"""Names and evidence hold anything; a Markdown parser must give back the text and nothing else."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from perf.report.escape import (
    LONGEST_NAME,
    LONGEST_SENTENCE,
    cell,
    code,
    command_data,
    command_property,
    encodable,
    fence,
    one_line,
    prose,
    several_lines,
    shorten,
    xml_text,
)
from perf.report.tables import Column, Kind, pipe, table
from tests.report.records import AWKWARD

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
NASTY = st.text(st.one_of(st.sampled_from("|\\`*_<>&~[]()#-+=!\"'1. \n\t$"), st.characters()), max_size=60)
GOOD = settings(deadline=None, max_examples=200)


def cells(markdown: str) -> list[str]:
    """The inner HTML of each body cell."""
    return re.findall(r"<td[^>]*>(.*?)</td>", MARKDOWN.render(markdown), re.S)


def words(inner: str) -> str:
    """What a reader sees of inline HTML in which only <code> is markup."""
    return html.unescape(re.sub(r"</?code>", "", inner))


@GOOD
@given(NASTY)
@example(AWKWARD)
@example("a\\|b")
@example("`")
@example("x`` y ```")
def test_a_name_in_a_table_is_shown_as_it_is(name: str) -> None:
    shown = cells(pipe(table((Column("name", Kind.NAME), Column("value")), [(name, "1")])))
    assert len(shown) == 2
    assert "<script" not in shown[0]
    assert words(shown[0]) == (shorten(one_line(name), LONGEST_NAME) or "–")


@GOOD
@given(NASTY)
@example("a | b")
@example("-1")
@example("__init__ and _a_ and a_b")
@example("<!-- x -->")
def test_a_sentence_in_a_table_is_shown_as_it_is(text: str) -> None:
    shown = cells(pipe(table((Column("value"), Column("why", Kind.TEXT)), [("1", text)])))
    assert len(shown) == 2
    assert words(shown[1]) == shorten(one_line(text), LONGEST_SENTENCE)


@GOOD
@given(NASTY)
@example("- a")
@example("1. a")
@example("# a")
@example("---")
def test_a_sentence_that_begins_a_list_item_starts_no_block_of_its_own(text: str) -> None:
    shown = MARKDOWN.render(f"- x\n- {prose(text)}")
    assert re.fullmatch(r"<ul>\n<li>x</li>\n<li>(.*?)</li>\n</ul>\n", shown, re.S)
    assert html.unescape(shown.split("<li>")[2].split("</li>")[0]).strip() == one_line(text)


@GOOD
@given(st.text(st.one_of(st.sampled_from("`~\n a"), st.characters()), max_size=60))
@example("```\n</pre>\n````")
def test_output_never_leaves_its_fence(text: str) -> None:
    shown = MARKDOWN.render(fence(text) + "\n\nafter")
    assert shown.count("<pre>") == 1
    assert shown.endswith("</pre>\n<p>after</p>\n")


def test_terminal_sequences_become_visible_and_harmless() -> None:
    assert one_line("a\x1b[31mred\x07\u202eb\tc\r\nd") == "a?[31mred??b c d"
    assert fence("a\x1b[31m") == "```\na?[31m\n```"


@pytest.mark.parametrize(
    ("text", "longest", "short"),
    [("abcdef", 6, "abcdef"), ("abcdefg", 6, "ab…efg"), ("abc", 1, "…"), ("abcd", 2, "…d"), ("", 0, "")],
)
def test_long_text_gives_way_in_its_middle(text: str, longest: int, short: str) -> None:
    assert shorten(text, longest) == short


def test_plain_names_stay_plain_in_the_source() -> None:
    assert code("BenchmarkCopy/size_1KB-2") == "`BenchmarkCopy/size_1KB-2`"
    assert cell("size_1KB: 12 MB/s, +5.0 %") == "size_1KB: 12 MB/s, +5.0 %"


def test_a_table_without_rows_is_nothing() -> None:
    assert pipe(table((Column("a"),), [])) == ""


def test_a_number_and_its_unit_are_not_parted_in_a_table() -> None:
    (shown,) = cells(pipe(table((Column("time"),), [("1.5 ms",)])))
    assert shown == "1.5\u00a0ms"


@GOOD
@given(st.text(st.characters(exclude_categories=())))
@example("\x00\x0b\ufffe\ud800<&]]>")
def test_any_text_can_stand_in_xml(text: str) -> None:
    root = ElementTree.Element("a", {"b": xml_text(text)})
    root.text = xml_text(text)
    again = ElementTree.fromstring(ElementTree.tostring(root, "utf-8"))
    kept = xml_text(text)
    assert again.get("b") == kept
    assert again.text == (kept.replace("\r\n", "\n").replace("\r", "\n") or None)


def test_what_xml_can_hold_is_kept() -> None:
    assert xml_text('a\tb\nc<&>"é😀\ue000\ufffd') == 'a\tb\nc<&>"é😀\ue000\ufffd'


@GOOD
@given(
    st.text(st.one_of(st.sampled_from("%:,\r\n=0ADC25"), st.characters(exclude_categories=())), max_size=40)
)
def test_a_workflow_command_gives_back_what_was_put_in(text: str) -> None:
    data, value = command_data(text), command_property(text)
    assert not set("\r\n") & set(data)
    assert not set("\r\n:,") & set(value)
    # As the runner undoes it: the per cent sign last.
    for written, codes in ((data, "%0D \r %0A \n"), (value, "%0D \r %0A \n %3A : %2C ,")):
        pairs = codes.split(" ")
        for code_, sign in zip(pairs[::2], pairs[1::2], strict=True):
            written = written.replace(code_, sign)
        assert written.replace("%25", "%") == encodable(text)


def test_lines_are_kept_and_their_control_characters_made_visible() -> None:
    assert several_lines("a\x1b[31m  b\r\nc\u202e") == "a?[31m b\nc?"
    assert encodable("a\udcffb") == "a?b"
