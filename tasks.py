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


namespace = Collection(doctor)
namespace.add_collection(Collection("registry", up, down, status, seed))
namespace.add_collection(Collection("cache", show, clear))
