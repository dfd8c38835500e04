"""perf.toml → typed, frozen objects. Pure: text in, Suite out; every error with its key and its line."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from perf.errors import UsageError
from perf.units import Dimension, Limit, parse_limit, parse_quantity


def _quantity(dimension: Dimension) -> Callable[[object], object]:
    def parse(value: object) -> object:
        return (
            parse_quantity(value, dimension).value
            if isinstance(value, str)
            else _no_bare_number(value, dimension)
        )

    return parse


def _no_bare_number(value: object, dimension: Dimension) -> object:
    if isinstance(value, int | float):
        example = {"size": "64KiB", "duration": "30 s", "fraction": "5 %"}.get(dimension, "")
        raise ValueError(f"{value!r} has no unit: write it as text with one, for example '{example}'")
    return value


def _limit(*dimensions: Dimension) -> Callable[[object], object]:
    def parse(value: object) -> object:
        if isinstance(value, int | float):
            raise ValueError(f"{value!r} is no limit: write it as text, for example '< 200 ms'")
        return parse_limit(value, *dimensions) if isinstance(value, str) else value

    return parse


Seconds = Annotated[float, BeforeValidator(_quantity("duration"))]
Bytes = Annotated[float, BeforeValidator(_quantity("size"))]
Fraction = Annotated[float, BeforeValidator(_quantity("fraction"))]
Command = Annotated[tuple[str, ...], Field(min_length=1)]
Drive = Literal["copy", "tree"]
EVERY_PACKAGE: Final = ("./...",)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class LeaveOut(_Table):
    """A package (pattern as `go list` takes it) or benchmarks of it (regular expression) left out, why."""

    package: str
    reason: Annotated[str, Field(min_length=1)]
    benchmark: str = ""


class Replicator(_Table):
    """How the target is built and run as a replicator. Placeholders stand in braces.

    build: {bin}. copy: {bin} {source} {destination} {repository} {to} {tag} (`to`: its name there);
    a copy without {tag} copies a whole repository. tree: {bin} {source} {destination} {prefix} {to} {workers}.
    """

    build: Command
    copy_: Annotated[Command | None, Field(alias="copy")] = None
    tree: Command | None = None
    metrics: str | None = None
    environment: dict[str, str] = {}

    @model_validator(mode="after")
    def _has_a_command(self) -> Replicator:
        if self.copy_ is None and self.tree is None:
            raise ValueError(
                "needs a 'copy' command (one image a process) or a 'tree' command (it schedules itself)"
            )
        return self


class Integration(_Table):
    """The target's own integration command; {source} and {destination} in `environment` become host:port."""

    command: Command
    environment: dict[str, str] = {}
    timeout: Seconds = 600.0


class Target(_Table):
    """A Go repository and, where it can, how it replicates."""

    path: str | None = None
    url: str | None = None
    module: str | None = None
    packages: tuple[str, ...] = EVERY_PACKAGE
    tags: str = ""
    environment: dict[str, str] = {}
    leave_out: tuple[LeaveOut, ...] = ()
    replicator: Replicator | None = None
    integration: Integration | None = None


class Layers(_Table):
    """Layers of an image: number, size ("64KiB", "uniform(a, b)", "lognormal(median, sigma)"), share in common."""

    count: Annotated[int, Field(ge=0, le=200)]
    size: str
    shared: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    largest: Bytes = 2.0**30


class Workload(_Table):
    """Images of unique random content, and how they are driven through the replicator."""

    images: Annotated[int, Field(ge=1)]
    layers: Layers
    tags_per_repository: Annotated[int, Field(ge=1)] = 4
    indexes: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    workers: Annotated[int, Field(ge=1, le=1024)] = 4
    timeout: Seconds = 120.0
    seed: int = 1


class Objective(_Table):
    """What is promised; each is optional, and judged only when it was measured."""

    throughput: Annotated[Limit | None, BeforeValidator(_limit("rate"))] = None
    response_time: Annotated[Limit | None, BeforeValidator(_limit("duration"))] = None
    error_rate: Annotated[Limit | None, BeforeValidator(_limit("fraction"))] = None
    availability: Annotated[Limit | None, BeforeValidator(_limit("fraction"))] = None


class Gate(_Table):
    """When the regression gate may be red: the least effects that matter and the false alarms allowed per run.

    `least_effect` is of time and of what else is timed; `least_work` of instructions, which repeat far better. Where
    the work is the same, waits and contention alone can have changed: such a benchmark counts as unchanged once it is
    proven no slower than `least_wait`.
    """

    least_effect: Fraction = 0.03
    least_work: Fraction = 0.003
    least_wait: Fraction = 0.10
    false_alarms: Fraction = 0.01


class Effort(_Table):
    """How long is measured: `quick` is the default, `full` with --full."""

    processes: Annotated[int, Field(ge=1)]
    benchtime: str
    workload: str
    load_rounds: Annotated[int, Field(ge=1)]
    stress_workload: str
    stress_rounds: Annotated[int, Field(ge=1)] = 1
    stress_workers: Annotated[int, Field(ge=1)]
    regression_rounds: Annotated[int, Field(ge=6)]
    regression_budget: Seconds

    @model_validator(mode="after")
    def _benchtime_is_go(self) -> Effort:
        if not re.fullmatch(r"\d+x|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+", self.benchtime):
            raise ValueError(f"benchtime {self.benchtime!r} is not what go test takes: '100ms' or '1000x'")
        return self


class Suite(_Table):
    """The whole of perf.toml."""

    target: dict[str, Target] = {}
    workload: dict[str, Workload] = {}
    effort: dict[Literal["quick", "full"], Effort]
    objective: Objective = Objective()
    gate: Gate = Gate()


def parse_suite(text: str, file: str = "perf.toml") -> Suite:
    """Parse and check perf.toml; raises UsageError that lists every error with key and line.

    U+FFFD in `text` stands for bytes that are not UTF-8.
    """
    text = text.removeprefix("\ufeff")
    if (undecoded := text.find("\ufffd")) >= 0:
        line = text.count("\n", 0, undecoded) + 1
        raise UsageError(
            f"{file}:{line}: not UTF-8 text",
            cause="an editor saved it in another encoding",
            next_command=f"save {file} as UTF-8",
        )
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{file}: {error}", cause="a slip in the TOML", next_command=f"correct {file}"
        ) from error
    try:
        suite = Suite.model_validate(tables)
    except ValidationError as error:
        lines = [_describe(text, file, detail) for detail in error.errors()]
        raise UsageError(
            "\n".join(lines),
            cause="a misspelt key or a value of the wrong kind",
            next_command=f"correct {file}",
        ) from error
    if lines := [f"{file}:{line_of(text, path)}: {'.'.join(path)}: {words}" for path, words in _amiss(suite)]:
        raise UsageError("\n".join(lines), cause="a misspelt or missing name", next_command=f"correct {file}")
    return suite


def _amiss(suite: Suite) -> Iterator[tuple[list[str], str]]:
    """What no table can tell by itself: keys and what is wrong with them."""
    if "quick" not in suite.effort:
        yield ["effort", "quick"], "is missing"
    for name, effort in suite.effort.items():
        for key in ("workload", "stress_workload"):
            if (used := getattr(effort, key)) not in suite.workload:
                close = difflib.get_close_matches(used, suite.workload, n=1)
                hint = f" (did you mean {close[0]!r}?)" if close else ""
                yield ["effort", name, key], f"no workload {used!r} is declared{hint}"


def _describe(text: str, file: str, detail: Mapping[str, Any]) -> str:
    path = [str(part) for part in detail["loc"]]
    message = {"extra_forbidden": "unknown key", "missing": "is missing", "too_short": "is empty"}.get(
        detail["type"], str(detail["msg"]).removeprefix("Value error, ")
    )
    hint = _did_you_mean(path) if detail["type"] == "extra_forbidden" else ""
    return f"{file}:{line_of(text, path)}: {'.'.join(path) or 'file'}: {message}{hint}"


_KEYS: Final = sorted(
    {
        field.alias or name
        for table in (
            Suite,
            Target,
            Replicator,
            Integration,
            LeaveOut,
            Layers,
            Workload,
            Objective,
            Gate,
            Effort,
        )
        for name, field in table.model_fields.items()
    }
)


def _did_you_mean(path: list[str]) -> str:
    close = difflib.get_close_matches(path[-1], _KEYS, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def line_of(text: str, path: list[str]) -> int:
    """The line on which the key `path` stands: its own, else that of the nearest table around it, else 1."""
    best, depth, table = 1, 0, []
    arrays: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*(\[\[?)\s*([^\]#]+?)\s*\]", line):
            table = [part.strip().strip('"') for part in header[2].split(".")]
            if header[1] == "[[":
                index = arrays[header[2]] = arrays.get(header[2], -1) + 1
                table = [*table, str(index)]
            here = table
        elif key := re.match(r"\s*([A-Za-z0-9_\"\-.]+)\s*=", line):
            here = [*table, *(part.strip('"') for part in key[1].split("."))]
        else:
            continue
        if len(here) > depth and here == path[: len(here)]:
            best, depth = number, len(here)
    return best
