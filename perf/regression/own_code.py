"""What of a package's test files is a benchmark's own code: Go source, split and compared. Pure.

No parser: comments are taken out by the lexical rules of the Go specification, and what gofmt formats has its
top-level declarations at column 0. Source formatted otherwise is split wrongly: more counts as changed, not less.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

_LEXEME: Final = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<raw>`[^`]*`)
    | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
    | (?P<blank>[\ \t]+)""",
    re.DOTALL | re.VERBOSE,
)
# Comments that the toolchain reads.
_DIRECTIVE: Final = re.compile(r"//(?:go:|line |export |extern |\s*\+build)|/\*line ")
_BEGINS: Final = re.compile(r"(?:func|var|const|type|import|package)\b")
_PACKAGE: Final = re.compile(r"^package (\w+)", re.MULTILINE)
_NAMED: Final = re.compile(r"^func ((?:Test|Fuzz|Example|Benchmark)(?![a-z])\w*)\(", re.MULTILINE)
_IMPORT: Final = re.compile(r'(?:([\w.]+) )?("[^"]*"|`[^`]*`)')
_QUALIFIER: Final = re.compile(r"(\w+)\s*\.")


@dataclass(frozen=True, slots=True)
class _Declaration:
    """A top-level declaration without comments; `imports` are those of its file that it may name."""

    package: str
    text: str
    imports: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _TestCode:
    """`named` holds tests, fuzz tests, examples and benchmarks by their names; `rest` all that they may share."""

    named: Mapping[str, _Declaration]
    rest: Counter[_Declaration]


def same_code(base: str, head: str) -> bool:
    """Whether two Go files differ in nothing but comments and blanks; in doubt False.

    Then the compiler makes the same program of both, but for its line numbers. With cgo a comment can be C code.
    """
    if base == head:
        return True
    return '"C"' not in base + head and _without_comments(base) == _without_comments(head)


def changed_benchmarks(
    base: Iterable[str], head: Iterable[str], *, data_differs: bool = False
) -> frozenset[str]:
    """Benchmark functions of both sides whose own code differs, from the source of each side's test files.

    Own code is the function's text with what its imports mean; every declaration of the test files but other tests,
    fuzz tests, examples and benchmarks; and of those the ones that it names. Data may be read by any of them.
    """
    before, after = _test_code(base), _test_code(head)
    both = [name for name in before.named if name in after.named and name.startswith("Benchmark")]
    changed = {
        name for name in (*before.named, *after.named) if before.named.get(name) != after.named.get(name)
    }
    shared = (*before.rest, *after.rest)
    if data_differs or before.rest != after.rest or any(_mentions(each, changed) for each in shared):
        return frozenset(both)
    while more := {
        name
        for side in (before, after)
        for name, each in side.named.items()
        if name not in changed and _mentions(each, changed)
    }:
        changed |= more
    return frozenset(changed.intersection(both))


def renamed_benchmarks(base: Iterable[str], head: Iterable[str]) -> dict[str, str]:
    """Benchmarks of the base whose code the head has under a new name, by their old names."""
    before, after = _test_code(base).named, _test_code(head).named
    gone = [name for name in before if name.startswith("Benchmark") and name not in after]
    new = [name for name in after if name.startswith("Benchmark") and name not in before]
    found: dict[str, str] = {}
    for old in gone:
        called = _called(before[old], old, "")
        alike = [
            each for each in new if each not in found.values() and _called(after[each], each, "") == called
        ]
        if alike:
            found[old] = alike[0]
    return found


def _called(declaration: _Declaration, name: str, other: str) -> _Declaration:
    return replace(declaration, text=re.sub(rf"\b{name}\b", other, declaration.text))


def _mentions(declaration: _Declaration, names: set[str]) -> bool:
    return not names.isdisjoint(re.findall(r"\w+", declaration.text))


def _test_code(sources: Iterable[str]) -> _TestCode:
    named: dict[str, _Declaration] = {}
    rest: Counter[_Declaration] = Counter()
    for source in sources:
        for each in _declarations(_without_comments(source)):
            name = _NAMED.search(each.text)
            if name is None or name[1] == "TestMain":
                rest[each] += 1
            else:
                named[name[1]] = each
    return _TestCode(named, rest)


def _declarations(code: str) -> Iterator[_Declaration]:
    """Of one file. An import that no declaration names (as "_" and ".") stands for itself: any of them may need it."""
    package = _PACKAGE.search(code)
    name = package[1] if package else ""
    parts = list(_split(code))
    texts = [part for part in parts if not part.startswith(("import ", "package "))]
    imported = "\n".join(part.removeprefix("import ") for part in parts if part.startswith("import "))
    qualifiers = [frozenset(_QUALIFIER.findall(text)) for text in texts]
    imports: list[set[str]] = [set() for _ in texts]
    for alias, path in _IMPORT.findall(imported):
        # A package may be called otherwise than its path ends: any word of the path is taken for its name.
        called = frozenset([alias] if alias else re.findall(r"\w+", path))
        users = [found for found, used in zip(imports, qualifiers, strict=True) if called & used]
        for user in users:
            user.add(f"{alias} {path}")
        if not users:
            yield _Declaration(name, f"import {alias} {path}")
    for text, needed in zip(texts, imports, strict=True):
        yield _Declaration(name, text, frozenset(needed))


def _split(code: str) -> Iterator[str]:
    """Top-level declarations, each with the directives above it."""
    directives: list[str] = []
    part: list[str] = []
    for line in code.split("\n"):
        directive = _DIRECTIVE.match(line)
        if part and (directive or _BEGINS.match(line)):
            yield "\n".join(part)
            part = []
        if directive:
            directives.append(line)
        else:
            part += [*directives, line]
            directives = []
    if part:
        yield "\n".join(part)


def _without_comments(source: str) -> str:
    """Source line by line, without comments, blank lines and repeated blanks; a raw string is one line."""
    text = _LEXEME.sub(_kept, source.replace("\r\n", "\n"))
    return "\n".join(stripped for line in text.split("\n") if (stripped := line.rstrip()))


def _kept(lexeme: re.Match[str]) -> str:
    text = lexeme[0]
    if lexeme["comment"]:
        if _DIRECTIVE.match(text):
            return text
        return "\n" if "\n" in text else " "
    if lexeme["raw"]:
        return text.replace("\n", "\0")
    return " " if lexeme["blank"] else text
