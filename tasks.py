"""Invoke tasks: what one does by hand. No logic: each is a line of `python -m perf`."""

from invoke import Collection, Context, Exit, task

from perf.cli import main


def _perf(*arguments: str) -> None:
    code = main(arguments)
    if code:
        raise Exit(code=code)


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
    chosen = ("--target", target) if target else ()
    _perf("calibrate", "--rounds", str(rounds), "--bench", bench, *chosen)


@task(name="list")
def list_(_: Context) -> None:
    """Baselines stored: commit, date, machine, what they hold."""
    _perf("baseline", "list")


@task(name="show", help={"revision": "A commit; HEAD without it."})
def show_baseline(_: Context, revision: str = "HEAD") -> None:
    """The figures of one commit's baseline."""
    _perf("baseline", "show", revision)


@task(
    help={
        "keep": "Keep so many of the newest of each machine.",
        "older_than": "Remove what is older than so many days.",
        "yes": "Remove them; without it they are only told.",
    }
)
def prune(_: Context, keep: int = -1, older_than: int = 0, yes: bool = False) -> None:
    """Remove old baselines; what git tracks stays."""
    chosen = [
        *(("--keep", str(keep)) if keep >= 0 else ()),
        *(("--older-than", str(older_than)) if older_than else ()),
        *(("--yes",) if yes else ()),
    ]
    _perf("baseline", "prune", *chosen)


@task
def verify(_: Context) -> None:
    """Whether each baseline is whole, unedited, and of a commit that exists."""
    _perf("baseline", "verify")


namespace = Collection(doctor, calibrate)
namespace.add_collection(Collection("baseline", list_, show_baseline, prune, verify))
namespace.add_collection(Collection("registry", up, down, status, seed))
namespace.add_collection(Collection("cache", show, clear))
