"""Invoke tasks: what one does by hand. No logic: each is a line of `python -m perf`."""

from invoke import Collection, Context, Exit, task

from perf.cli import main


def _perf(*arguments: str) -> None:
    code = main(arguments)
    if code:
        raise Exit(code=code)


def _of(target: str) -> tuple[str, ...]:
    return ("--target", target) if target else ()


@task
def up(_: Context) -> None:
    """Start two registries (127.0.0.1:5100 and :5101) that outlive the command; seed the source."""
    _perf("registry", "up")


@task
def down(_: Context) -> None:
    """Stop them and remove their storage."""
    _perf("registry", "down")


@task
def status(_: Context) -> None:
    """Which answer, their processes, storage and repositories."""
    _perf("registry", "status")


@task
def seed(_: Context) -> None:
    """Push project-{a,b,c}/service-1..4 to the source again."""
    _perf("registry", "seed")


@task
def show(_: Context) -> None:
    """Where the cache lies and how large its rooms are."""
    _perf("cache", "show")


@task(
    iterable=["room"],
    auto_shortflags=False,
    help={"room": "A room of the cache (may be repeated); all without it."},
)
def clear(_: Context, room: list[str]) -> None:
    """Empty the cache."""
    _perf("cache", "clear", *room)


@task
def doctor(_: Context) -> None:
    """What this machine allows, what is lost without it, and how to get it."""
    _perf("doctor")


@task(
    help={
        "rounds": "A/A pairs a benchmark.",
        "bench": "Which benchmarks, as go test -bench takes it.",
        "target": "What to measure.",
    }
)
def calibrate(_: Context, rounds: int = 30, bench: str = ".", target: str = "") -> None:
    """What the regression gate can see on this machine: the same program against itself."""
    _perf("calibrate", "--rounds", str(rounds), "--bench", bench, *_of(target))


@task(
    auto_shortflags=False,
    help={
        "good": "A fast commit; the newest ancestor with a stored baseline without it.",
        "bad": "A slow commit.",
        "benchmark": "One benchmark, as go test -bench takes it.",
        "package": "Its package, where several have one of that name.",
        "metric": "cpu, wall, allocs, bytes or instructions.",
        "confidence": "How sure to be.",
        "improvement": "Search the commit that made it faster.",
        "all_parents": "Search inside of merges, too.",
        "scan": "Count every distinct binary of the range: all steps, not one.",
        "verify": "Measure the culprit against its parent by fresh pairs.",
        "budget": "How long to measure: 10m.",
        "resume": "Go on with a search: a run's name, or latest.",
        "tags": "Build tags.",
        "repo": "Whose history: a name, a path or a URL.",
    },
)
def bisect(
    _: Context,
    good: str = "",
    bad: str = "",
    benchmark: str = "",
    package: str = "",
    metric: str = "",
    confidence: str = "",
    improvement: bool = False,
    all_parents: bool = False,
    scan: bool = False,
    verify: bool = False,
    budget: str = "",
    resume: str = "",
    tags: str = "",
    repo: str = "",
) -> None:
    """Find the commit that changed a benchmark, through noise."""
    valued = {
        "--good": good,
        "--bad": bad,
        "--benchmark": benchmark,
        "--package": package,
        "--metric": metric,
        "--confidence": confidence,
        "--budget": budget,
        "--resume": resume,
        "--tags": tags,
        "--repo": repo,
    }
    flags = {
        "--improvement": improvement,
        "--all-parents": all_parents,
        "--scan": scan,
        "--verify": verify,
    }
    _perf(
        "bisect",
        *(word for option, value in valued.items() if value for word in (option, value)),
        *(flag for flag, asked in flags.items() if asked),
    )


@task(name="list", help={"target": "Of this target alone."})
def list_(_: Context, target: str = "") -> None:
    """Baselines stored: commit, date, machine, what they hold."""
    _perf("baseline", "list", *_of(target))


@task(name="show", help={"revision": "A commit; HEAD without it.", "target": "Of this target."})
def show_baseline(_: Context, revision: str = "HEAD", target: str = "") -> None:
    """The figures of one commit's baseline."""
    _perf("baseline", "show", revision, *_of(target))


@task(
    help={
        "keep": "Keep so many of the newest of each machine.",
        "older_than": "Remove what is older than so many days.",
        "yes": "Remove them; without it they are only told.",
        "target": "Of this target alone.",
    }
)
def prune(_: Context, keep: int = -1, older_than: int = 0, yes: bool = False, target: str = "") -> None:
    """Remove old baselines; what git tracks stays."""
    chosen = [
        *(("--keep", str(keep)) if keep >= 0 else ()),
        *(("--older-than", str(older_than)) if older_than else ()),
        *(("--yes",) if yes else ()),
    ]
    _perf("baseline", "prune", *chosen, *_of(target))


@task(help={"target": "Of this target alone."})
def verify(_: Context, target: str = "") -> None:
    """Whether each baseline is whole, unedited, and of a commit that exists."""
    _perf("baseline", "verify", *_of(target))


namespace = Collection(doctor, calibrate, bisect)
namespace.add_collection(Collection("baseline", list_, show_baseline, prune, verify))
namespace.add_collection(Collection("registry", up, down, status, seed))
namespace.add_collection(Collection("cache", show, clear))
