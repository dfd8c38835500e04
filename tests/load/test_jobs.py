"""Commands are filled argument by argument; what a process says is searched for its first error."""

from __future__ import annotations

import pytest

from perf.errors import UsageError
from perf.load.images import Blob, Image, Manifest
from perf.load.jobs import Route, choose_drive, fill, first_error, plan_jobs
from perf.suite import Replicator

ROUTE = Route("127.0.0.1:1", "127.0.0.1:2", "mine/", "mine/load-3")


def replicator(**commands: list[str]) -> Replicator:
    return Replicator.model_validate({"build": ["true"], **commands})


def image(repository: str, tag: str) -> Image:
    return Image(
        f"load/{repository}", tag, None, "", (Manifest(Blob("sha256:m", 1), "m", Blob("sha256:c", 1), ()),)
    )


IMAGES = [image(repository, tag) for repository in ("a", "b", "c") for tag in ("v1", "v2")]
BOTH = replicator(
    copy=["{bin}", "copy", "{source}/{repository}:{tag}", "{destination}/{to}:{tag}"],
    tree=["{bin}", "tree", "-n{workers}", "{source}/{prefix}", "{destination}/{to}"],
)


def test_copy_is_one_process_a_tag() -> None:
    jobs = plan_jobs(BOTH, "copy", IMAGES, ROUTE, "/bin/it", 4, "seed")
    assert sorted(job.name for job in jobs) == sorted(each.name for each in IMAGES)
    named = {job.name: job.argv for job in jobs}
    assert named["load/b:v2"] == (
        "/bin/it",
        "copy",
        "127.0.0.1:1/mine/load/b:v2",
        "127.0.0.1:2/mine/load-3/b:v2",
    )


def test_copy_without_a_tag_is_one_process_a_repository() -> None:
    command = replicator(copy=["{bin}", "{source}/{repository}", "{destination}/{to}"])
    jobs = plan_jobs(command, "copy", IMAGES, ROUTE, "/bin/it", 4, "seed")
    assert sorted(job.name for job in jobs) == ["load/a", "load/b", "load/c"]
    assert {len(job.images) for job in jobs} == {2}


def test_tree_is_one_process_that_gets_the_workers() -> None:
    (job,) = plan_jobs(BOTH, "tree", IMAGES, ROUTE, "/bin/it", 4, "seed")
    assert job.argv == ("/bin/it", "tree", "-n4", "127.0.0.1:1/mine/load", "127.0.0.1:2/mine/load-3")
    assert len(job.images) == 6


def test_the_order_of_jobs_is_random_by_the_seed_and_repeats() -> None:
    def order(seed: str) -> list[str]:
        return [job.name for job in plan_jobs(BOTH, "copy", IMAGES, ROUTE, "/bin/it", 4, seed)]

    assert order("1") == order("1")
    assert len({tuple(order(str(seed))) for seed in range(10)}) > 5


def test_the_destination_never_has_a_name_of_the_source() -> None:
    """A replicator that mounts from a repository of the same name would move nothing."""
    for each in IMAGES:
        assert ROUTE.source_repository(each) != ROUTE.destination_repository(each)


def test_an_unknown_placeholder_is_named_with_those_known() -> None:
    with pytest.raises(UsageError) as raised:
        fill("copy", ["{bin}", "{target}"], {"bin": "x", "source": "y"})
    assert "{target}" in raised.value.what
    assert "{bin}, {source}" in raised.value.cause


def test_a_value_that_looks_like_a_placeholder_or_an_option_stays_one_argument() -> None:
    assert fill("copy", ["{a}", "--x={b}"], {"a": "{b} c; rm", "b": "-v"}) == ("{b} c; rm", "--x=-v")


@pytest.mark.parametrize(
    ("commands", "asked", "drive"),
    [
        ({"copy": ["c"], "tree": ["t"]}, None, "copy"),
        ({"tree": ["t"]}, None, "tree"),
        ({"copy": ["c"], "tree": ["t"]}, "tree", "tree"),
    ],
)
def test_copy_is_preferred_unless_asked(
    commands: dict[str, list[str]], asked: str | None, drive: str
) -> None:
    assert choose_drive("it", replicator(**commands), asked) == drive


def test_a_drive_that_is_not_declared_is_refused() -> None:
    with pytest.raises(UsageError, match=r"target\.it\.replicator has no 'copy' command"):
        choose_drive("it", replicator(tree=["t"]), "copy")


@pytest.mark.parametrize(
    "line",
    [
        'time="x" level=error msg="push"',
        '{"level":"error","msg":"push"}',
        "\x1b[31mERROR\x1b[0m: push",
        "Errors: 3",
        "failed: 4",
        "DIGEST_INVALID: provided digest did not match",
        "panic: runtime error: index out of range",
        "dial tcp 127.0.0.1:1: connect: connection refused",
        "context deadline exceeded",
    ],
)
def test_an_error_is_found_among_other_lines(line: str) -> None:
    shown = line.replace("\x1b[31m", "").replace("\x1b[0m", "")
    assert first_error(f"copying 4 layers\nErrors: none\n  {line}\nerror: later\n") == shown


@pytest.mark.parametrize(
    "output",
    [
        "",
        "Tags copied: 0\nErrors: none",
        "failed: 0",
        "0 errors",
        "no failures",
        'error=<nil> error=""',
        "terror",
    ],
)
def test_totals_that_say_none_are_no_error(output: str) -> None:
    assert first_error(output) == ""


def test_a_long_error_keeps_its_beginning_and_its_cause_at_the_end() -> None:
    said = first_error(f"ERROR: copy: {'x' * 1000}: Body length 512")
    assert said.startswith("ERROR: copy: ")
    assert said.endswith(": Body length 512")
    assert len(said) < 420


def test_the_state_in_an_upload_url_is_left_out() -> None:
    said = first_error('ERROR: Patch "http://h/v2/a/blobs/uploads/1?_state=qK3HaRPC8edSwV1": closed')
    assert said == 'ERROR: Patch "http://h/v2/a/blobs/uploads/1?_state=…": closed'
