"""A hundred commits on the bundled target, generated from a seed: two culprits among what changes no speed.

Refactorings are made of skiff's own code, most of them in the package whose benchmarks are searched by: functions move
to other files with the imports they need, files are split, locals are renamed, comments and unused functions are added.
All this lays the code out anew, and that alone moves many a small benchmark by some percent. The one searched by CPU
time spends it in the hash's own assembly, which stays as it is: there the culprit is the only change.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.skiff_copy import Edit, SkiffCopy

COMMITS = 100
CPU_BENCHMARK = "^BenchmarkVerify$/^1024KiB$"
ALLOCATION_BENCHMARK = "^BenchmarkParseReference$/^Tag$"
CPU, ALLOCATION = "cpu", "allocs"
REPAIR = "repair"
# Compiles never; compiles and panics before any benchmark; compiles, runs and fails the benchmarks searched by.
BROKEN = ("compile error", "panic at start", "failing benchmark")

_PLANTED = """package registry

import (
	"crypto/sha256"
	"errors"
)

var perfSink *int64

var errNotYet = errors.New("not yet")

//go:noinline
func perfAllocate() { perfSink = new(int64) }

//go:noinline
func perfHash(p []byte) byte {
	sum := sha256.Sum256(p)
	return sum[0]
}
"""
_READ = r"^func \(\w+ \*VerifyReader\) Read\(.*\{\n"
_NEW_READER = r"^func NewVerifyReader\(.*\{\n"
_PARSE = r"^func ParseReference\(.*\{\n"
_SEARCHED = "pkg/registry"
# What is done in the others leaves the searched binary as it is.
_REFACTORED = (*[_SEARCHED] * 4, "pkg/copy", "pkg/replication")

_QUOTED = r'"(?:\\.|[^"\\\n])*"|`[^`]*`|' + r"'(?:\\.|[^'\\\n])*'|//[^\n]*"
_FUNCTION = re.compile(
    r"(?:^//[^\n]*\n)*^func [^\n]*(?:\{\n(?:(?!\}\n)[^\n]*\n)*\}\n|\}\n)",
    re.MULTILINE,
)
_IMPORTS = re.compile(
    r'^import (?:\(\n(?P<several>.*?)^\)|(?P<one>(?:\w+ )?"[^"\n]+"))\n', re.MULTILINE | re.DOTALL
)
_STATEMENT = re.compile(r"^(\t+)(?:if|for|return|defer|switch|select)\b", re.MULTILINE)
_DECLARED = re.compile(r"([\w, ]+?) :=")
_TOP_LEVEL = re.compile(r"^(?:func|type|var|const) (\w+)", re.MULTILINE)
_NO_LOCALS = frozenset({"_", "if", "for", "else", "switch", "case"})


@dataclass(frozen=True, slots=True)
class Planted:
    """A commit and what it is: a kind of change, CPU or ALLOCATION for the culprits, one of BROKEN, or its repair."""

    sha: str
    kind: str


@dataclass(frozen=True, slots=True)
class History:
    """`good` is the commit before the first of `commits`; `commits[k]` lies at place k + 1 of the range."""

    good: str
    commits: tuple[Planted, ...]

    def place(self, kind: str) -> int:
        """Where the only commit of that kind lies."""
        (found,) = (place for place, each in enumerate(self.commits, 1) if each.kind == kind)
        return found

    @property
    def broken(self) -> frozenset[int]:
        """The places that cannot be measured; the commit after each repairs it."""
        return frozenset(place for place, each in enumerate(self.commits, 1) if each.kind in BROKEN)


def generate(skiff: SkiffCopy, seed: int) -> History:
    """Commit it all, in an order that follows from the seed."""
    rng = random.Random(f"history/{seed}")
    good = skiff.commit(
        "what the culprits call",
        Edit(f"{_SEARCHED}/planted.go", "", _PLANTED),
    )
    kinds = [kind for kind, (times, _) in _KINDS.items() for _ in range(times)]
    kinds += [CPU, ALLOCATION, *BROKEN]
    rng.shuffle(kinds)
    commits: list[Planted] = []
    for kind in kinds:
        change = _Change(skiff.directory, rng, len(commits) + 1)
        if kind in BROKEN:
            earlier = change.broken(kind)
            commits.append(Planted(skiff.commit(f"Begin something: {kind}"), kind))
            _restore(earlier)
            commits.append(Planted(skiff.commit(f"Undo it: {kind}"), REPAIR))
        else:
            subject = _CULPRITS[kind](change) if kind in _CULPRITS else _KINDS[kind][1](change)
            commits.append(Planted(skiff.commit(subject), kind))
    assert len(commits) == COMMITS
    return History(good, tuple(commits))


# -- Go files -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Source:
    """A Go file: all before its imports, those by the name that they are used by, all after them."""

    head: str
    imports: Mapping[str, str]
    body: str

    @property
    def functions(self) -> list[str]:
        return [found[0] for found in _FUNCTION.finditer(self.body)]

    def without(self, function: str) -> _Source:
        return _Source(self.head, self.imports, re.sub(r"\n{3,}", "\n\n", self.body.replace(function, "", 1)))

    def with_(self, function: str, imports: Mapping[str, str]) -> _Source:
        return _Source(self.head, {**imports, **self.imports}, f"{self.body.rstrip()}\n\n{function}")

    def text(self) -> str:
        """With those imports alone that it uses."""
        code = _code(self.body)
        used = [
            spec for name, spec in self.imports.items() if re.search(rf"(?<![\w.]){re.escape(name)}\.", code)
        ]
        lines = "".join(f"\t{spec}\n" for spec in sorted(used, key=_path))
        return (
            f"{self.head.rstrip()}\n\n"
            + (f"import (\n{lines})\n\n" if used else "")
            + self.body.strip()
            + "\n"
        )


def _read(path: Path) -> _Source:
    text = path.read_text("utf-8")
    found = _IMPORTS.search(text)
    if found is None:
        clause = re.search(r"^package \w+\n", text, re.MULTILINE)
        assert clause is not None
        return _Source(text[: clause.end()], {}, text[clause.end() :])
    specs = [line.strip() for line in (found["several"] or found["one"]).splitlines() if line.strip()]
    return _Source(text[: found.start()], {_used_by(spec): spec for spec in specs}, text[found.end() :])


def _used_by(spec: str) -> str:
    """The name before the path, else the path's last part that is no version."""
    alias, _, path = spec.rpartition(" ")
    parts = path.strip('"').split("/")
    return alias or (parts[-2] if re.fullmatch(r"v\d+", parts[-1]) else parts[-1])


def _path(spec: str) -> str:
    return spec.rpartition(" ")[2]


def _code(text: str) -> str:
    """Without comments and what strings hold."""
    return re.sub(_QUOTED, '""', text)


# -- changes ------------------------------------------------------------------------------------------------------


class _Change:
    """One commit's change of the tree below `root`; its number makes new names unique."""

    def __init__(self, root: Path, rng: random.Random, number: int) -> None:
        self._root, self._rng, self._number = root, rng, number

    def document(self) -> str:
        if self._rng.random() < 0.5:
            path = self._root / "README.md"
            path.write_text(
                f"{path.read_text('utf-8')}\nNote {self._number}: digests are checked on the way.\n", "utf-8"
            )
            return "Say more in the README"
        path = self._root / "docs" / f"note-{self._number}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"# Note {self._number}\n\nWhat already stands at the destination is skipped.\n", "utf-8"
        )
        return f"Document how skiff skips, part {self._number}"

    def test(self) -> str:
        package, statement = self._rng.choice(
            (
                ("registry", f'ok := registry.IsLoopback("127.0.0.{self._number}")'),
                ("replication", f'_, ok := replication.MapRepository("team/{self._number}", "team", "copy")'),
            )
        )
        (self._root / "pkg" / package / f"case_{self._number}_test.go").write_text(
            f'package {package}_test\n\nimport (\n\t"testing"\n\n\t"skiff/pkg/{package}"\n)\n\n'
            f"func TestCase{self._number}(t *testing.T) {{\n\t{statement}\n\tif !ok {{\n\t\tt.Error(ok)\n\t}}\n}}\n",
            "utf-8",
        )
        return f"Test one case more of {package}"

    def comment(self) -> str:
        path = self._file(lambda source: bool(_STATEMENT.search(source.body)))
        source = _read(path)
        found = self._rng.choice(list(_STATEMENT.finditer(source.body)))
        line = f"{found[1]}// Step {self._number}: the order matters here.\n"
        body = source.body[: found.start()] + line + source.body[found.start() :]
        path.write_text(_Source(source.head, source.imports, body).text(), "utf-8")
        return f"Explain a step in {path.name}"

    def rename(self) -> str:
        while True:
            path = self._file(lambda source: bool(source.functions))
            source = _read(path)
            function = self._rng.choice(source.functions)
            top = {
                name
                for each in self._files(path.parent)
                for name in _TOP_LEVEL.findall(each.read_text("utf-8"))
            }
            names = _locals(function, top | set(source.imports))
            if names:
                break
        name = self._rng.choice(names)
        renamed = f"{name}{self._rng.choice(('Here', 'Now', 'Own'))}{self._number}"
        changed = _renamed(function, name, renamed)
        path.write_text(
            _Source(source.head, source.imports, source.body.replace(function, changed, 1)).text(), "utf-8"
        )
        return f"Call {name} {renamed} in {path.name}"

    def move(self) -> str:
        path = self._file(lambda source: len(source.functions) > 1)
        to = self._rng.choice([each for each in self._files(path.parent) if each != path])
        function = self._rng.choice(_read(path).functions)
        to.write_text(_read(to).with_(function, _read(path).imports).text(), "utf-8")
        path.write_text(_read(path).without(function).text(), "utf-8")
        return f"Move a function from {path.name} to {to.name}"

    def split(self) -> str:
        path = self._file(lambda source: len(source.functions) > 2)
        source = _read(path)
        functions = source.functions
        made = _Source(f"package {path.parent.name}\n", {}, "")
        for function in functions[len(functions) // 2 :]:
            source, made = source.without(function), made.with_(function, source.imports)
        new = path.with_name(f"{path.stem.split('_')[0]}_{self._number}.go")
        new.write_text(made.text(), "utf-8")
        path.write_text(source.text(), "utf-8")
        return f"Split {new.name} off {path.name}"

    def add_unused(self) -> str:
        path = self._file(lambda _: True)
        function = (
            f"// spread{self._number} is how far apart values lie.\n"
            f"func spread{self._number}(values []int) int {{\n\tif len(values) == 0 {{\n\t\treturn 0\n\t}}\n"
            f"\tlow, high := values[0], values[0]\n\tfor _, value := range values {{\n"
            f"\t\tlow, high = min(low, value), max(high, value)\n\t}}\n\treturn high - low + {self._number}\n}}\n"
        )
        path.write_text(_read(path).with_(function, {}).text(), "utf-8")
        return f"Add spread{self._number}, to be used soon"

    def spend(self) -> str:
        self._begin_with(_READ, "perfHash(p[:len(p)/10])")
        return "Look at the first tenth of each piece twice"

    def allocate(self) -> str:
        self._begin_with(_PARSE, "perfAllocate()")
        return "Keep what was parsed"

    def broken(self, kind: str) -> dict[Path, str | None]:
        """Break the build, the start or both benchmarks; what the files held before, None for new ones."""
        if kind == "failing benchmark":
            earlier = [
                self._begin_with(declaration, "return nil, errNotYet")
                for declaration in (_PARSE, _NEW_READER)
            ]
            return dict(reversed(earlier))
        path = self._root / _SEARCHED / f"unfinished_{self._number}.go"
        content = {
            "compile error": 'var unfinished int = "not yet"',
            "panic at start": 'func init() { panic("not yet") }',
        }
        path.write_text(f"package registry\n\n{content[kind]}\n", "utf-8")
        return {path: None}

    def _begin_with(self, declaration: str, statement: str) -> tuple[Path, str | None]:
        """Put a statement first in a function; the file and what it held."""
        for path in self._files(self._root / _SEARCHED):
            text = path.read_text("utf-8")
            if found := re.search(declaration, text, re.MULTILINE):
                path.write_text(f"{text[: found.end()]}\t{statement}\n{text[found.end() :]}", "utf-8")
                return path, text
        raise SystemExit(f"{_SEARCHED} declares no {declaration}")

    def _file(self, fits: Callable[[_Source], bool]) -> Path:
        while True:
            files = self._files(self._root / self._rng.choice(_REFACTORED))
            if fitting := [each for each in files if fits(_read(each))]:
                return self._rng.choice(fitting)

    def _files(self, package: Path) -> list[Path]:
        return [each for each in sorted(package.glob("*.go")) if not each.name.endswith("_test.go")]


def _locals(function: str, taken: set[str]) -> list[str]:
    """What the function declares for itself and names nothing else in it: no field, key, type or package."""
    code = _code(function)
    names = {name for found in _DECLARED.findall(code) for name in re.split(r"[ ,]+", found) if name}
    return [
        name
        for name in sorted(names - taken - _NO_LOCALS)
        if not re.search(rf"\.{name}\b|\b{name}:(?!=)|\btype {name}\b", code)
    ]


def _renamed(function: str, name: str, renamed: str) -> str:
    tokens = rf"{_QUOTED}|\b{name}\b"
    return re.sub(tokens, lambda found: renamed if found[0] == name else found[0], function)


def _restore(earlier: Mapping[Path, str | None]) -> None:
    for path, text in earlier.items():
        if text is None:
            path.unlink()
        else:
            path.write_text(text, "utf-8")


_CULPRITS: dict[str, Callable[[_Change], str]] = {CPU: _Change.spend, ALLOCATION: _Change.allocate}
_KINDS: dict[str, tuple[int, Callable[[_Change], str]]] = {
    "documentation": (24, _Change.document),
    "test": (20, _Change.test),
    "comment": (10, _Change.comment),
    "renamed local": (10, _Change.rename),
    "moved function": (10, _Change.move),
    "split file": (8, _Change.split),
    "unused function": (10, _Change.add_unused),
}
