"""The command line: one command a scenario, and what one does by hand. Heavy imports wait until a command runs."""

from __future__ import annotations

import math
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import click
from click.core import ParameterSource

from perf import __version__
from perf.errors import MEANINGS, ExitCode, PerfError
from perf.system import files, streams

# Name → (what it answers, option groups). The docstrings of nox's sessions say the same in a line.
SCENARIOS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "benchmarks": ("How fast its Go benchmarks are, in several processes.", ("bench",)),
    "load": ("How fast it copies; every image verified by digest.", ("load",)),
    "stress": ("What breaks it: more and more workers.", ("load",)),
    "baseline": ("Keep this commit's figures as its baseline.", ("bench", "load", "baseline")),
    "regression": (
        "Did this change make it slower: head against base.",
        ("bench", "regression"),
    ),
    "integration": ("Its own integration tests, between real registries.", ("registry",)),
    "all": ("All six, and one report in docs/.", ("bench", "load", "baseline", "regression")),
}


class Duration(click.ParamType[float]):
    """A time with its unit, in seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from perf.units import parse_quantity

        try:
            seconds = parse_quantity(str(value), "duration").value
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds <= 0.0:
            self.fail(f"{value} is no time to measure in", param, ctx)
        return seconds


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_COMMON: Final[tuple[Decorator, ...]] = (
    click.option(
        "--target",
        metavar="NAME|PATH|URL",
        help="What to measure. Default: a Freightliner checkout around or beside the suite, else skiff.",
    ),
    click.option("--full", is_flag=True, help="Measure for longer, as effort.full in perf.toml says."),
    click.option("--dry-run", is_flag=True, help="Show what would run and for how long; measure nothing."),
    click.option("--seed", type=int, help="Seed of the random order. Default: chosen and recorded."),
)
_REGISTRY: Final[tuple[Decorator, ...]] = (
    click.option(
        "--registry",
        type=click.Choice(["distribution", "docker", "podman"]),
        default="distribution",
        show_default=True,
        help="Two registries as programs, or in containers.",
    ),
    click.option(
        "--source", metavar="URL", help="A standing source registry; only a prefix of it is written."
    ),
    click.option("--destination", metavar="URL", help="A standing destination registry; never wiped."),
)
_GROUPS: Final[dict[str, tuple[Decorator, ...]]] = {
    "bench": (
        click.option(
            "--bench", metavar="REGEX", default=".", help="Which benchmarks, as go test -bench takes it."
        ),
        click.option("--processes", type=click.IntRange(1), help="Processes a benchmark, each of count 1."),
    ),
    "registry": _REGISTRY,
    "load": (
        *_REGISTRY,
        click.option("--workload", metavar="NAME", help="A workload of perf.toml."),
        click.option("--workers", type=click.IntRange(1), help="Copies at once (in stress: at most)."),
        click.option("--rounds", type=click.IntRange(1), help="Passes of the workload."),
        click.option(
            "--drive",
            type=click.Choice(["copy", "tree"]),
            help="One process an image, or the target's own tree command.",
        ),
    ),
    "baseline": (
        click.option(
            "--apart", is_flag=True, help="Store the baseline of a dirty tree, under a name of its own."
        ),
    ),
    "regression": (
        click.option("--base", metavar="REV", help="Compare with this commit instead of the merge base."),
        click.option(
            "--against",
            type=click.Choice(["base", "stored"]),
            default="base",
            show_default=True,
            help="Measure the base now, or use the nearest stored baseline of this machine.",
        ),
        click.option(
            "--pairs",
            type=click.IntRange(6),
            help="At most so many rounds a benchmark, with no limit of time.",
        ),
        click.option(
            "--time",
            type=click.Choice(["needed", "always", "never"]),
            default="needed",
            show_default=True,
            help="Time what the work leaves open, every benchmark, or none.",
        ),
        click.option(
            "--budget",
            "budget_seconds",
            type=Duration(),
            metavar="TIME",
            help="How long to count and time once both sides are built: 10m.",
        ),
        click.option(
            "--bisect", is_flag=True, help="Find the commit of the worst confirmed regression, too."
        ),
        click.option(
            "--resume",
            is_flag=False,
            flag_value="latest",
            metavar="[RUN]",
            help="Go on with a run that was interrupted or ran out of time.",
        ),
    ),
}


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: " + "; ".join(f"{int(code)} {meaning}" for code, meaning in MEANINGS.items()) + ".",
)
@click.version_option(__version__, prog_name="perf")
def perf() -> None:
    """Measure a Go registry replicator: how fast, what breaks it, did this change make it slower."""


def _scenario(name: str, sentence: str, groups: tuple[str, ...]) -> click.Command:
    def run(target: str | None, full: bool, dry_run: bool, **chosen: Any) -> ExitCode:
        from perf.context import Options
        from perf.invocation import Request, invoke
        from perf.system.git import redacted

        seed = chosen.pop("seed")
        options = Options(seed=secrets.randbelow(2**31) if seed is None else seed, **chosen)
        # It is kept in the record and shown in the report: no credentials of a URL.
        typed = click.get_current_context().obj[1:]
        seeded = () if "--seed" in typed else ("--seed", str(options.seed))
        command = ("./noxw", "-s", name, "--", *map(redacted, typed), *seeded)
        return invoke(Request(name, options, target, full, dry_run, command))

    command: Callable[..., Any] = run
    decorators = {id(each): each for group in groups for each in _GROUPS[group]}
    for decorate in reversed((*_COMMON, *decorators.values())):
        command = decorate(command)
    return click.command(name, help=sentence)(command)


for _name, (_sentence, _groups) in SCENARIOS.items():
    perf.add_command(_scenario(_name, _sentence, _groups))


class _Stored(click.Group):
    """`baseline` alone is the scenario, with its options; with a word behind it, what one does with those stored."""

    def __init__(self, scenario: click.Command) -> None:
        super().__init__(
            scenario.name,
            params=scenario.params,
            help=scenario.help,
            callback=self._measure,
            invoke_without_command=True,
            subcommand_metavar="[list|show|prune|verify]",
        )
        self._scenario = scenario

    def _measure(self, **chosen: Any) -> ExitCode | None:
        if click.get_current_context().invoked_subcommand is not None:
            return None
        assert self._scenario.callback is not None
        measured: ExitCode = self._scenario.callback(**chosen)
        return measured


_baseline = _Stored(perf.commands["baseline"])
perf.add_command(_baseline)
_TARGET: Final = click.option("--target", metavar="NAME|PATH|URL", help="Of this target alone.")


@_baseline.command("list")
@_TARGET
def baseline_list(target: str | None) -> ExitCode:
    """Those stored: commit, date, machine, what they hold; the newest first."""
    from perf.baseline import by_hand

    return by_hand.baseline_list(target)


@_baseline.command("show")
@click.argument("revision", default="HEAD")
@_TARGET
def baseline_show(revision: str, target: str | None) -> ExitCode:
    """The figures of one commit."""
    from perf.baseline import by_hand

    return by_hand.baseline_show(revision, target)


@_baseline.command("prune")
@click.option("--keep", type=click.IntRange(0), help="Keep so many of the newest of each machine.")
@click.option("--older-than", type=click.IntRange(1), metavar="DAYS", help="Remove what is older.")
@_TARGET
@click.option("--yes", is_flag=True, help="Remove them; without it they are only told.")
def baseline_prune(keep: int | None, older_than: int | None, target: str | None, yes: bool) -> ExitCode:
    """Remove old ones; what git tracks stays."""
    from perf.baseline import by_hand

    return by_hand.baseline_prune(keep, older_than, target, yes=yes)


@_baseline.command("verify")
@_TARGET
def baseline_verify(target: str | None) -> ExitCode:
    """Whether each file is whole, unedited, and of a commit that exists."""
    from perf.baseline import by_hand

    return by_hand.baseline_verify(target)


@perf.command("compare")
@click.argument("files", nargs=-1, required=True, metavar="OLD NEW [MORE…]")
@click.option(
    "--paired", is_flag=True, help="Measured in turn: value k of one belongs to value k of the other."
)
@click.option(
    "--alpha",
    metavar="SHARE",
    default="1 %",
    show_default=True,
    help="Chance of a false alarm on the whole board.",
)
@click.option(
    "--least-effect", metavar="SHARE", default="3 %", show_default=True, help="A smaller change is never red."
)
@click.option(
    "--between-runs",
    metavar="SHARE",
    default="2 %",
    show_default=True,
    help="What two runs of equal code differ by (standard deviation), where not --paired.",
)
@click.option("--col", metavar="KEY", default=".file", show_default=True, help="What makes the columns.")
@click.option("--row", metavar="KEYS", default=".fullname", show_default=True, help="What makes the rows.")
@click.option(
    "--ignore", metavar="KEYS", multiple=True, help="Keys left out of account; told when they vary."
)
@click.option(
    "--base", metavar="LABEL", default="", help="The column the others are held against. Default: the first."
)
@click.option(
    "--filter",
    "filters",
    metavar="REGEX|KEY:VALUE|KEY:/REGEX/",
    multiple=True,
    help="Only these; - before it negates; all must hold.",
)
@click.option("--unit", metavar="UNIT", multiple=True, help="Only these metrics (ns/op is sec/op).")
@click.option("--sort", type=click.Choice(["verdict", "delta", "name"]), default="verdict", show_default=True)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "markdown", "json", "csv"]),
    default="text",
    show_default=True,
)
def compare(files: tuple[str, ...], **chosen: Any) -> ExitCode:
    """Judge files of Go benchmark output against the first.

    - is standard input, LABEL=PATH names a file.
    """
    from perf.compare.command import run

    return run(files, **chosen)


@perf.command("calibrate")
@_COMMON[0]
@_COMMON[3]
@_GROUPS["bench"][0]
@click.option(
    "--rounds", type=click.IntRange(10), default=30, show_default=True, help="A/A pairs a benchmark."
)
@click.option("--runs", type=click.IntRange(20), default=200, show_default=True, help="Runs drawn from them.")
def calibrate(target: str | None, seed: int | None, bench: str, rounds: int, runs: int) -> ExitCode:
    """What the gate can see on this machine: the same program against itself.

    Prints each metric's noise, the false alarms, how often a slowdown of 1, 2, 5 and 10 % is found, and what to set.
    """
    from perf.calibrate import command
    from perf.context import Options
    from perf.invocation import Request, with_context

    options = Options(bench=bench, seed=secrets.randbelow(2**31) if seed is None else seed)
    request = Request("calibrate", options, target)
    return with_context(request, lambda context: command.run(context, rounds, runs))


@perf.command("bisect")
@click.option(
    "--repo", "--target", "target", metavar="NAME|PATH|URL", help="Whose history. Default: the target's."
)
@click.option(
    "--good", metavar="REV", help="A fast commit. Default: the newest ancestor with a stored baseline."
)
@click.option("--bad", metavar="REV", default="HEAD", show_default=True, help="A slow commit.")
@click.option("--benchmark", "bench", metavar="REGEX", help="One benchmark, as go test -bench takes it.")
@click.option("--package", metavar="./PATH", help="Its package, where several have one of that name.")
@click.option(
    "--metric",
    type=click.Choice(["cpu", "wall", "allocs", "bytes", "instructions"]),
    help="What to search by. Default: instructions where they tell the change, else cpu.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 0.9999),
    default=0.95,
    show_default=True,
    help="How sure to be.",
)
@click.option("--improvement", is_flag=True, help="Search the commit that made it faster.")
@click.option("--all-parents", is_flag=True, help="Search inside of merges, too.")
@click.option(
    "--budget", "budget_seconds", type=Duration(), metavar="TIME", help="How long to measure. [default: 10m]"
)
@click.option("--tags", default="", metavar="TAGS", help="Build tags, as go build takes them.")
@click.option("--scan", is_flag=True, help="Count every distinct binary of the range: all steps, not one.")
@click.option("--verify", is_flag=True, help="Measure the culprit against its parent by fresh pairs.")
@click.option("--resume", is_flag=False, flag_value="latest", metavar="[RUN]", help="Go on with a search.")
@_COMMON[3]
def bisect(
    target: str | None,
    bench: str | None,
    seed: int | None,
    budget_seconds: float | None,
    metric: str | None,
    resume: str | None,
    **chosen: Any,
) -> ExitCode:
    """Find the commit that changed a benchmark, through noise."""
    if bench is None and resume is None:
        raise click.UsageError("which benchmark? --benchmark REGEX names it")
    if resume is not None and (given := _typed() - {"target", "budget_seconds", "resume"}):
        raise click.UsageError(
            f"--resume goes on as the search began, so it takes no {', no '.join(sorted(given))}"
        )
    if math.isnan(chosen["confidence"]):
        raise click.BadParameter(
            "nan is no chance; 0.95 is sure in 19 of 20 searches", param_hint="--confidence"
        )
    from perf.bisect import command
    from perf.bisect.model import Metric
    from perf.bisect.resume import Wanted
    from perf.context import Options
    from perf.invocation import Request, with_context

    options = Options(
        bench=bench or ".",
        seed=secrets.randbelow(2**31) if seed is None else seed,
        budget_seconds=budget_seconds,
        resume=resume,
    )
    wanted = Wanted(metric=Metric(metric) if metric else None, **chosen)
    return with_context(Request("bisect", options, target), lambda context: command.run(context, wanted))


def _typed() -> set[str]:
    """The options that were given, by the names of their parameters."""
    context = click.get_current_context()
    return {
        name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }


@perf.group()
def registry() -> None:
    """Two registries that outlive the command, for work by hand."""


@registry.command("up")
def registry_up() -> ExitCode:
    """Start them on 127.0.0.1:5100 and :5101 and seed the source."""
    from perf import by_hand

    return by_hand.registry_up()


@registry.command("down")
def registry_down() -> ExitCode:
    """Stop them and remove their storage."""
    from perf import by_hand

    return by_hand.registry_down()


@registry.command("status")
def registry_status() -> ExitCode:
    """Show which answer, their processes, storage and repositories."""
    from perf import by_hand

    return by_hand.registry_status()


@registry.command("seed")
def registry_seed() -> ExitCode:
    """Push project-{a,b,c}/service-1..4 to the source again."""
    from perf import by_hand

    return by_hand.registry_seed()


@perf.group()
def cache() -> None:
    """What was built or seeded once and is kept."""


@cache.command("show")
def cache_show() -> ExitCode:
    """Show where it lies and how large it is."""
    from perf import by_hand

    return by_hand.cache_show()


@cache.command("clear")
@click.argument("rooms", nargs=-1)
def cache_clear(rooms: tuple[str, ...]) -> ExitCode:
    """Remove ROOMS of the cache (all without a word)."""
    from perf import by_hand

    return by_hand.cache_clear(rooms)


@perf.command()
def doctor() -> ExitCode:
    """What this machine allows, and what is lost without it."""
    from perf import by_hand

    return by_hand.doctor()


def main(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code (perf.errors says what each means), whoever reads what is printed."""
    streams.make_ready(os.environ)
    try:
        with files.disk_errors(None):
            # What was typed goes along as `obj`: the record and the report show it.
            code = perf.main(list(arguments), "python -m perf", standalone_mode=False, obj=tuple(arguments))
            sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    except PerfError as error:
        click.echo(f"perf: {error}\n  exit {int(error.exit_code)}: {MEANINGS[error.exit_code]}", err=True)
        return error.exit_code
    return int(code or ExitCode.FINE)
