"""Names and evidence hold anything; a Markdown parser must give back the text and nothing else."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from perf.report.escape import LONGEST_NAME, LONGEST_SENTENCE, cell, code, fence, one_line, prose, shorten
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
