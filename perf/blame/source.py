"""Go source as far as blame needs it: where functions are declared, and what the compiler's names mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

# What may hold a brace without meaning it is one token; so is all that moves the depth.
_TOKEN: Final = re.compile(
    r"""//[^\n]*|/\*.*?\*/|`[^`]*`|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'|^func\b|[{}()\n]""",
    re.DOTALL | re.MULTILINE,
)
_SIGNATURE: Final = re.compile(r"func\s*(?:\((?P<receiver>[^)]*)\)\s*)?(?P<name>\w+)")
_RECEIVER: Final = re.compile(r"(?:\w+\s+)?(?P<star>\*?)\s*(?P<type>\w+)")
# What the compiler hangs on a function's name for a closure, a wrapper, the body of a range over a function, an init.
_SUFFIXES: Final = re.compile(r"(?:\.func\d+|\.gowrap\d+|\.deferwrap\d+|-range\d+|-fm|\.\d+)+$")


@dataclass(frozen=True, slots=True)
class Declaration:
    """A function on the lines `start` to `end`; a method's name is "(*Ledger).Take" or "Plan.Size"."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Source:
    """One side's module: its path, and `read` for the text of a file below its root (None: there is none)."""

    module: str
    read: Callable[[str], str | None]
    _declared: dict[str, tuple[Declaration, ...]] = field(default_factory=dict)

    def path(self, file: str) -> str:
        """A file as the binary names it → its path below the module's root; "" when it is of another module."""
        inside = file.removeprefix(f"{self.module}/")
        return inside if inside != file and self.read(inside) is not None else ""

    def declared(self, path: str) -> tuple[Declaration, ...]:
        if path not in self._declared:
            self._declared[path] = declarations(self.read(path) or "")
        return self._declared[path]

    def around(self, path: str, line: int) -> Declaration | None:
        """The function whose lines hold this one."""
        return next((each for each in self.declared(path) if each.start <= line <= each.end), None)


def declarations(text: str) -> tuple[Declaration, ...]:
    """The functions of a source file, in their order. What does not parse as Go gives what was found before it."""
    found: list[Declaration] = []
    line, braces, parentheses = 1, 0, 0
    begun: tuple[int, str] | None = None
    for token in _TOKEN.finditer(text):
        symbol = token[0]
        if symbol == "func" and braces == parentheses == 0:
            begun = line, _declared_name(text, token.start())
        elif symbol == "{":
            braces += 1
        elif symbol in "()":
            parentheses += 1 if symbol == "(" else -1
        elif symbol == "}":
            braces -= 1
        elif symbol == "\n" and begun and braces == parentheses == 0:
            # With the line, not with a brace: "interface{}" in its result is not its end, and it may have no body.
            found.append(Declaration(begun[1], begun[0], line))
            begun = None
        line += symbol.count("\n")
    if begun and braces == parentheses == 0:
        found.append(Declaration(begun[1], begun[0], line))
    return tuple(found)


def plain_name(symbol: str) -> str:
    """A symbol without type arguments and without what names closures: "copy.Plan.func1.2" and "copy.Plan" are one.

    Closures are numbered by their order, so that one more renames all after it; their lines tell which it was.
    """
    return _SUFFIXES.sub("", _without_brackets(symbol)).removesuffix(".") or symbol


def local_name(name: str) -> str:
    """What follows the package: "(*Ledger).Take" of "skiff/pkg/copy.(*Ledger).Take"."""
    return name.rpartition("/")[2].partition(".")[2]


def package_of(name: str) -> str:
    """What stands before it: "skiff/pkg/copy"."""
    start, slash, last = name.rpartition("/")
    return start + slash + last.partition(".")[0]


def _declared_name(text: str, at: int) -> str:
    signature = _SIGNATURE.match(text, at)
    if signature is None:
        return ""
    receiver = _RECEIVER.match((signature["receiver"] or "").strip())
    if receiver is None:
        return signature["name"]
    kind = f"(*{receiver['type']})" if receiver["star"] else receiver["type"]
    return f"{kind}.{signature['name']}"


def _without_brackets(symbol: str) -> str:
    kept, depth = [], 0
    for character in symbol:
        depth += character == "["
        if not depth:
            kept.append(character)
        depth -= character == "]" and depth > 0
    return "".join(kept)
