"""Foreign text made safe: benchmark names, evidence and output can hold anything, and none of it may become markup."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST_NAME: Final = 120
LONGEST_SENTENCE: Final = 600

_PLAIN_NAME: Final = re.compile(r"[\w /.,:;=()+#@%^\-{}!?'\"$*\[\]~]+")
_MARKUP: Final = re.compile(r"[\\`*\[\]<|~&]|(?<![^\W_])_|_(?![^\W_])")
_NOT_XML: Final = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP_AT_START: Final = re.compile(r"^(?:[-+#=>]|\d+(?=[.)]))")


def one_line(text: str) -> str:
    """White space and line ends become one blank, other control characters (terminal sequences too) a "?"."""
    line = " ".join(text.split())
    return line if line.isprintable() else "".join("?" if _is_control(each) else each for each in line)


def shorten(text: str, longest: int) -> str:
    """At most `longest` characters: the middle gives way, since names differ at their ends."""
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    tail = longest - 1 - head
    return f"{text[:head]}…{text[len(text) - tail :]}"


def code(text: str) -> str:
    """Markdown for a name shown as code, in a table too; any text, "–" for none."""
    name = shorten(one_line(text), LONGEST_NAME)
    if not name:
        return "–"
    if _PLAIN_NAME.fullmatch(name):
        return f"`{name}`"
    # In a code span neither `|` nor "`" can be written for every renderer; in HTML by number, both can.
    return f"<code>{re.sub(r'[^A-Za-z0-9 /.,:;=()…-]', lambda found: f'&#{ord(found[0])};', name)}</code>"


def cell(text: str) -> str:
    """Markdown for a sentence or a figure within a table or a line: shown as it was written."""
    sentence = shorten(one_line(text), LONGEST_SENTENCE)
    return _MARKUP.sub(lambda found: _entity_or_backslash(found[0]), sentence)


def prose(text: str) -> str:
    """Markdown for a sentence that begins a line or a list item: no list, heading or quotation of its own."""
    return _MARKUP_AT_START.sub(lambda found: "".join(f"&#{ord(each)};" for each in found[0]), cell(text))


def fence(text: str, language: str = "") -> str:
    """Markdown for several lines shown as they are."""
    lines = [line.rstrip() for line in text.expandtabs(4).splitlines()]
    shown = "\n".join("".join("?" if _is_control(each) else each for each in line) for line in lines)
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{language}\n{shown}\n{marks}"


def several_lines(text: str) -> str:
    """Its line ends kept, every other control character a "?"."""
    return "\n".join(map(one_line, text.splitlines()))


def encodable(text: str) -> str:
    """Lone surrogates, which no file and no terminal can take, become "?"."""
    return text.encode("utf-8", "replace").decode("utf-8")


def xml_text(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold even escaped (`<`, `&` and quotes are its writer's to escape)."""
    return _NOT_XML.sub("?", text)


def command_data(text: str) -> str:
    """The message of a GitHub workflow command (`::error::message`)."""
    return encodable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """A property of a GitHub workflow command (`::error file=…,title=…::`)."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")


def _entity_or_backslash(mark: str) -> str:
    return {"<": "&lt;", "&": "&amp;", "|": "&#124;"}.get(mark, f"\\{mark}")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs")
