"""Searches as values, one for each way a bisect may end; values come from fixed seeds.

After a wanted change of what is shown: `python -m tests.report.searches --write`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

from perf.bisect.model import (
    BisectResult,
    Change,
    Commit,
    Ending,
    Level,
    Metric,
    State,
    Step,
    Verified,
)
from perf.model import Blame
from perf.report import bisect_log, bisect_staircase, bisect_terminal
from tests.report.gates import COPY, TOUCH, grew
from tests.report.plain import plain, write_asked

AUTHOR: Final = "A. Author <author@example.invalid>"
ODD: Final = "[red]not \x1b[31mred\x1b[0m\u202e `code` <b>&amp;</b> שלום עולם " + "very " * 80 + "long"
AGAIN: Final = (
    "./noxw --run python -m perf bisect --good 0000000 --bad 0000080 --benchmark '^BenchmarkCopy$' --seed 7"
)


def sha(place: int) -> str:
    return f"{place * 2654435761 % 2**32:08x}" * 5


def commit(place: int, subject: str = "") -> Commit:
    date = f"2026-03-{1 + place % 28:02}T10:00:00+00:00"
    return Commit(sha(place), AUTHOR, date, subject or f"copy: change number {place}", (sha(place - 1),))


def values(level: float, number: int, seed: int, noise: float = 0.02) -> tuple[float, ...]:
    rng = Random(seed)
    return tuple(level * (1.0 + rng.gauss(0.0, noise)) for _ in range(number))


def levels(
    size: int,
    known: Mapping[int, Sequence[float]],
    *,
    skipped: Mapping[int, str] | None = None,
    same: Mapping[int, int] | None = None,
    chances: Mapping[int, float] | None = None,
    subjects: Mapping[int, str] | None = None,
) -> tuple[Level, ...]:
    """`same` names the place whose binary it is; what is not named was not looked at."""
    skipped, same, chances = skipped or {}, same or {}, chances or {}

    def level(place: int) -> Level:
        made = Level(place, commit(place, (subjects or {}).get(place, "")), State.UNTOUCHED)
        if place in known:
            made = replace(made, state=State.MEASURED, values=tuple(known[place]))
        elif place in skipped:
            made = replace(made, state=State.SKIPPED, reason=skipped[place])
        elif place in same:
            first = same[place]
            made = replace(made, state=State.SAME, values=tuple(known.get(first, ())), same_as=first)
        return replace(made, chance=chances.get(place, 0.0))

    return tuple(level(place) for place in range(size + 1))


def search(ending: Ending, places: tuple[Level, ...], **changed: object) -> BisectResult:
    base = BisectResult(
        target="skiff",
        package=COPY,
        benchmark="BenchmarkCopyImage/layers=4-2",
        metric=Metric.CPU,
        improvement=False,
        confidence=0.95,
        ending=ending,
        summary="",
        culprits=(),
        chance=0.0,
        change=None,
        levels=places,
        measurements=sum(len(each.values) for each in places if each.same_as is None),
        builds=11,
        seconds=482.0,
        seed=7,
        machine="Example CPU, 2 cores",
        again=AGAIN,
    )
    return replace(base, **changed)  # type: ignore[arg-type]


SLOWER: Final = Change(0.102, 0.091, 0.113, 1.05e-3, 1.157e-3)


def found() -> BisectResult:
    """128 commits, the 57th did it; commits that do not build and such with the same binary lie around."""
    numbers = {0: 14, 32: 3, 48: 5, 54: 8, 56: 16, 57: 17, 58: 6, 60: 4, 64: 5, 80: 2, 96: 3, 128: 13}
    known = {
        place: values(1.157e-3 if place >= 57 else 1.05e-3, number, place)
        for place, number in numbers.items()
    }
    places = levels(
        128,
        known,
        skipped=dict.fromkeys((50, 51), "does not build: copy.go:7:2: undefined: mount"),
        same={55: 54, 59: 58, 61: 60, 62: 60},
        chances={57: 0.973, 58: 0.02},
        subjects={57: "copy: digest each layer twice"},
    )  # fmt: skip
    blame = Blame(
        COPY,
        "BenchmarkCopyImage/layers=4-2",
        "cpu-sec/op",
        (
            grew("skiff/pkg/copy.(*Writer).Flush", "pkg/copy/writer.go:88", 1.1e-4, 2.0e-4, 0.86, TOUCH),
            *(grew(f"crypto/sha256.block{number}", "", 2.0e-5, 2.1e-5, 0.02) for number in range(6)),
        ),
    )
    return search(
        Ending.FOUND,
        places,
        summary=sha(57)[:12],
        culprits=(57,),
        chance=0.973,
        change=SLOWER,
        blame=blame,
        verified=Verified("regression", "slower by 9.8 %", 10),
        notes=("other work held up to 48 % of the machine",),
    )


def several() -> BisectResult:
    """Nothing tells three neighbours apart, since two of them cannot be measured."""
    known = {0: (412.0, 412.0), 4: (412.0,), 7: (413.0,), 12: (413.0, 413.0)}
    places = levels(
        12,
        known,
        skipped={5: "does not build: undefined: mount", 6: "panics at start: index out of range [3]"},
        chances={5: 1 / 3, 6: 1 / 3, 7: 1 / 3},
    )
    return search(
        Ending.FOUND,
        places,
        metric=Metric.ALLOCS,
        summary="one of 3 that cannot be told apart",
        culprits=(5, 6, 7),
        chance=1.0,
        change=Change(1 / 412, None, None, 412.0, 413.0),
        measurements=6,
        builds=6,
        seconds=14.0,
    )


def odd() -> BisectResult:
    """Two commits, and a subject that nobody would want."""
    places = levels(1, {0: (0.0, 0.0), 1: (1.0, 1.0)}, chances={1: 1.0}, subjects={1: ODD})
    return search(
        Ending.FOUND,
        places,
        metric=Metric.ALLOCS,
        benchmark="BenchmarkOdd/[bold]\x1b[2J",
        summary=sha(1)[:12],
        culprits=(1,),
        chance=1.0,
        change=Change(float("inf"), None, None, 0.0, 1.0),
    )


def undecided() -> BisectResult:
    known = {
        place: values(1.05e-3 if place < 20 else 1.08e-3, 6, place, 0.06) for place in (0, 8, 16, 20, 24, 32)
    }
    chances = dict.fromkeys(range(1, 33), 0.002) | {17: 0.11, 18: 0.11, 19: 0.31, 20: 0.31, 21: 0.05}
    return search(
        Ending.UNDECIDED,
        levels(32, known, chances=chances),
        summary="not determined: the likeliest has 31% of 95% asked for",
        chance=0.31,
        change=Change(0.029, -0.004, 0.062, 1.05e-3, 1.08e-3),
        resume="./noxw --run python -m perf bisect --resume 20260304-101112-bisect-abcd",
    )


def same_binary() -> BisectResult:
    return search(
        Ending.SAME_BINARY,
        levels(40, {}),
        summary="no commit in this range can have changed it: both ends have the same test binary",
        builds=1,
        seconds=3.0,
    )


def no_shift() -> BisectResult:
    known = {0: values(1.05e-3, 9, 1), 40: values(1.05e-3, 9, 2)}
    return search(
        Ending.NO_SHIFT,
        levels(40, known),
        summary="the ends do not differ in cpu-sec/op",
        change=Change(0.002, -0.011, 0.015, 1.05e-3, 1.052e-3),
        builds=2,
    )


def scanned() -> BisectResult:
    """A thousand commits with every sixth of another binary: a step up, a step down, and one nobody can tell."""

    def level(place: int) -> float:
        return 1.85e6 * (1.0 + 0.06 * (place >= 300) - 0.02 * (place >= 606) + 0.11 * (place >= 900))

    known = {place: (level(place),) for place in range(0, 1001, 6)} | {1000: (level(1000),)}
    same = {place: place - place % 6 for place in range(1001) if place % 6 and place not in (898, 899, 1000)}
    steps = (
        Step((300,), Change(0.06, None, None, level(0), level(300))),
        Step((606,), Change(level(606) / level(600) - 1, None, None, level(600), level(606))),
        Step((898, 899, 900), Change(level(900) / level(894) - 1, None, None, level(894), level(900))),
    )
    return search(
        Ending.SCANNED,
        levels(1000, known, same=same, skipped={898: "no such benchmark", 899: "no such benchmark"}),
        metric=Metric.INSTRUCTIONS,
        counter="valgrind 3.19.0",
        summary="every distinct binary counted by instructions/op",
        steps=steps,
        change=Change(level(1000) / level(0) - 1, None, None, level(0), level(1000)),
        builds=168,
    )


def benchmark_changed() -> BisectResult:
    known = {0: (2.2e-5,) * 3, 5: (2.2e-5,) * 3, 6: (3.3e-4,) * 3, 8: (3.3e-4,) * 3}
    return search(
        Ending.BENCHMARK_CHANGED,
        levels(8, known, chances={6: 1.0}, subjects={6: "copy: benchmark with 16 layers"}),
        summary="pkg/copy/copy_test.go differs before and from it on",
        culprits=(6,),
        chance=0.9999,
        change=Change(14.0, 13.9, 14.1, 2.2e-5, 3.3e-4),
    )


SEARCHES: Final[dict[str, Callable[[], BisectResult]]] = {
    "found": found,
    "several": several,
    "odd": odd,
    "undecided": undecided,
    "same-binary": same_binary,
    "no-shift": no_shift,
    "scanned": scanned,
    "benchmark-changed": benchmark_changed,
}

TESTDATA: Final = Path(__file__).parent / "testdata_bisect"
WIDTHS: Final = (60, 80, 160)


def in_terminal(result: BisectResult, width: int = 80) -> str:
    """What a terminal without colours shows."""
    return plain(bisect_terminal.render(result, width), width)


def renderings() -> Iterator[tuple[str, str]]:
    """File name and text of each golden."""
    for name, make in SEARCHES.items():
        for width in WIDTHS:
            yield f"{name}-{width}.txt", in_terminal(make(), width)
    for name in ("found", "several", "undecided"):
        yield f"{name}.log", bisect_log.render(SEARCHES[name]())
    for name in ("found", "odd", "undecided"):
        yield f"{name}.svg", bisect_staircase.render(SEARCHES[name]())


if __name__ == "__main__":
    write_asked(__doc__, TESTDATA, renderings())
