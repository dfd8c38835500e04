"""The scenario from a declaration to an outcome, with replicators that lie as real ones do."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from perf.context import Options
from perf.errors import ExitCode, Interrupted, RunFailed, UsageError
from perf.load import bench, scenario, verify
from perf.load.bench import Bench
from perf.model import LoadResult, Outcome, Status
from perf.registry.client import RegistryClient
from perf.registry.model import Registry
from perf.registry.pair import StandingPair
from perf.suite import Target
from tests.conftest import ContextFor
from tests.fakes.fixtures import Replicating, Standing


def result_of(outcome: Outcome) -> LoadResult:
    assert isinstance(outcome.result, LoadResult)
    return outcome.result


# -- between two real registries -----------------------------------------------------------------------------------


@pytest.mark.registry
@pytest.mark.usefixtures("real_registry")
class TestRealRegistries:
    def test_an_honest_replicator_passes_and_every_figure_is_there(
        self, replicating_context: Replicating
    ) -> None:
        context = replicating_context("none")
        outcome = scenario.run(context)
        result = result_of(outcome)
        assert (outcome.status, outcome.exit_code) == (Status.PASSED, ExitCode.FINE)
        assert [(each.verified, each.images, each.missing) for each in result.rounds] == [(6, 6, ())] * 2
        for each in result.rounds:
            assert each.verified_bytes == each.content_bytes == result.content_bytes
            assert each.uploaded_bytes is not None
            assert each.uploaded_bytes >= 0.9 * each.verified_bytes
            assert (len(each.copy_seconds), each.copy_seconds_source) == (6, "one process each")
            assert each.requests["destination PUT manifests 201"] >= 6
            assert each.busy_fraction is not None
            assert 0.0 < each.busy_fraction <= 1.0
        kept = json.loads((context.run_directory / "load" / "round-2" / "round.json").read_text("utf-8"))
        assert kept["verified"] == 6
        assert {row.metric: row.holds for row in outcome.objectives}["throughput"] is True

    def test_each_round_finds_an_empty_destination(
        self, replicating_context: Replicating, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[set[str]] = []
        verified = verify.verify

        def look(registry: Registry, *rest: object) -> object:
            with RegistryClient(registry) as client:
                seen.append({repository.partition("/")[0] for repository in client.catalog()})
            return verified(registry, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(verify, "verify", look)
        scenario.run(replicating_context("none", images=2))
        assert seen == [{"load-1"}, {"load-2"}]

    def test_images_made_once_are_found_again_and_a_tree_is_timed_by_the_access_logs(
        self, replicating_context: Replicating
    ) -> None:
        first = scenario.run(replicating_context("none", Options(rounds=1)))
        second = scenario.run(replicating_context("none", Options(rounds=1, drive="tree")))
        assert (result_of(first).reused_images, result_of(second).reused_images) == (False, True)
        (each,) = result_of(second).rounds
        assert (each.verified, len(each.jobs), len(each.copy_seconds)) == (6, 1, 6)
        assert each.copy_seconds_source == "the registries' access logs"

    def test_exit_0_with_nothing_copied_is_a_failed_run(self, replicating_context: Replicating) -> None:
        outcome = scenario.run(replicating_context("nothing copied"))
        assert (outcome.status, outcome.exit_code) == (Status.FAILED, ExitCode.FAILED)
        assert outcome.summary.startswith("exit 0, 0 of 6 images arrived")
        assert "manifest: 404" in outcome.summary
        assert len(result_of(outcome).rounds) == 1, "a round in which nothing arrived is not repeated"

    def test_kept_images_that_were_damaged_are_not_blamed_on_the_replicator(
        self, replicating_context: Replicating
    ) -> None:
        context = replicating_context("none", Options(rounds=1))
        scenario.run(context)
        (images,) = (context.places.cache / "images").glob("[!.]*")
        next(images.glob("storage/docker/registry/v2/blobs/sha256/*/*/data")).unlink()
        with pytest.raises(RunFailed, match="the source serves"):
            scenario.run(context)
        assert scenario.run(context).status is Status.PASSED, "they are made anew"

    def test_a_registry_that_dies_keeps_the_rounds_before_it(
        self, replicating_context: Replicating, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        driven = bench.drive

        def kill_the_destination(*arguments: object, **named: object) -> object:
            done = driven(*arguments, **named)  # type: ignore[arg-type]
            if "round-2" in str(named["room"]):
                registries = [
                    process
                    for process in psutil.Process().children()
                    if process.name() == "registry" and "destination" in " ".join(process.cmdline())
                ]
                assert len(registries) == 1
                registries[0].kill()
                # Not waited for: it is the suite's to reap.
                while registries[0].status() != psutil.STATUS_ZOMBIE:
                    time.sleep(0.01)
            return done

        monkeypatch.setattr(bench, "drive", kill_the_destination)
        outcome = scenario.run(replicating_context("none"))
        assert (outcome.status, outcome.exit_code) == (Status.FAILED, ExitCode.FAILED)
        assert len(result_of(outcome).rounds) == 1
        assert "the destination registry died" in outcome.error
        assert "1 of 2 rounds were measured" in outcome.warnings


# -- between registries that take anything ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "evidence"),
    [
        ("config left behind", "config blob sha256:"),
        ("layers left behind", "layer 1 of 2 sha256:"),
        ("layer cut short", "bytes expected, 512 at the destination"),
        ("layer garbled", "stand under sha256:"),
        ("manifest rewritten", "manifest bytes differ"),
    ],
)
def test_an_image_that_is_not_whole_did_not_arrive_whatever_the_exit_code_says(
    replicating_context: Replicating, standing: Standing, fault: str, evidence: str
) -> None:
    outcome = scenario.run(replicating_context(fault, standing[0]))
    (each,) = result_of(outcome).rounds
    assert outcome.status is Status.FAILED
    assert outcome.summary.startswith("exit 0, 0 of 6 images arrived")
    assert {job.returncode for job in each.jobs} == {0}
    assert (each.verified, each.verified_bytes, each.copy_seconds) == (0, 0, ())
    assert any(evidence in missing.evidence for missing in each.missing)


def test_an_index_without_its_children_did_not_arrive(
    replicating_context: Replicating, standing: Standing
) -> None:
    outcome = scenario.run(replicating_context("children left behind", replace(standing[0], rounds=1)))
    (each,) = result_of(outcome).rounds
    assert (each.verified, each.images) == (4, 6)
    assert {missing.evidence for missing in each.missing} == {"child manifest 1 of 2: 404"}
    assert outcome.status is Status.FAILED


def test_only_what_arrived_counts_for_throughput(
    replicating_context: Replicating, standing: Standing
) -> None:
    outcome = scenario.run(replicating_context("some left behind", replace(standing[0], rounds=1)))
    (each,) = result_of(outcome).rounds
    assert (each.verified, len(each.copy_seconds)) == (3, 3)
    assert 0 < each.verified_bytes < each.content_bytes
    assert "exit 0, but 3 of 6 arrived" in outcome.summary
    assert "its first error: ERROR: giving up" in outcome.summary


def test_a_hang_ends_with_its_whole_group(
    replicating_context: Replicating, standing: Standing, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    pids.mkdir()
    context = replicating_context("hang", standing[0], timeout="1 s", environment={"PIDS": str(pids)})
    outcome = scenario.run(context)
    assert outcome.status is Status.FAILED
    assert "ran into the timeout" in outcome.summary
    assert any("not started" in warning for warning in outcome.warnings)
    sleepers = [int(path.name) for path in pids.iterdir()]
    assert sleepers
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in sleepers)


def test_a_crash_is_shown_with_its_first_words(replicating_context: Replicating, standing: Standing) -> None:
    outcome = scenario.run(replicating_context("crash", standing[0], images=2))
    assert outcome.summary.startswith("exit -6 in 2 of 2 processes, 0 of 2 images arrived")
    assert "panic: runtime error" in outcome.summary


def test_a_flood_of_output_does_no_harm(replicating_context: Replicating, standing: Standing) -> None:
    context = replicating_context("flood", replace(standing[0], rounds=1), images=2)
    outcome = scenario.run(context)
    assert outcome.status is Status.PASSED
    logs = (context.run_directory / "load" / "round-1" / "output").iterdir()
    assert all(log.stat().st_size < 1.1e6 for log in logs)


def test_standing_registries_are_written_below_the_prefix_of_the_run_and_seeded_once(
    replicating_context: Replicating, standing: Standing
) -> None:
    options, source, destination = standing
    context = replicating_context("none", replace(options, rounds=2))
    assert result_of(scenario.run(context)).reused_images is False
    assert result_of(scenario.run(context)).reused_images is True
    prefix = StandingPair.prefix(StandingPair(*(None, None)), context.run_directory.name)  # type: ignore[arg-type]
    assert {repository.startswith(f"{prefix}load/small-") for repository, _ in source.manifests} == {True}
    rounds = {repository.removeprefix(prefix).partition("/")[0] for repository, _ in destination.manifests}
    assert rounds == {"load-1", "load-2"}


def test_each_round_has_a_home_of_its_own_and_no_token_of_the_caller(
    replicating_context: Replicating, standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, str]] = []
    driven = bench.drive

    def watch(*arguments: object, **named: object) -> object:
        seen.append(named["environment"])  # type: ignore[arg-type]
        return driven(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(bench, "drive", watch)
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    scenario.run(replicating_context("none", standing[0], images=1, environment={"DECLARED": "yes"}))
    assert len({environment["HOME"] for environment in seen}) == 2
    assert not any(Path(environment["HOME"]).exists() for environment in seen)
    assert {environment["DECLARED"] for environment in seen} == {"yes"}
    assert not any("GITHUB_TOKEN" in environment for environment in seen)


# -- without anything run --------------------------------------------------------------------------------------------


def test_the_plan_says_what_would_run_and_builds_nothing(replicating_context: Replicating) -> None:
    context = replicating_context("none", Options(rounds=7, workers=3))
    plan = scenario.plan(context)
    assert plan.lines[0].startswith("workload small: 6 images (2 of them indexes) in 3 repositories")
    assert plan.lines[1].startswith("driven by copy: ")
    assert plan.lines[2].startswith("7 rounds, 3 at once")
    assert plan.expected_seconds > 3.0
    assert list(context.places.cache.iterdir()) == []


def test_a_target_without_a_replicator_is_left_out_which_is_no_pass(
    context_for: ContextFor, tmp_path: Path
) -> None:
    context = context_for(tmp_path, Target())
    outcome = scenario.run(context)
    assert (outcome.status, outcome.exit_code) == (Status.LEFT_OUT, ExitCode.UNKNOWN)
    assert "declares no replicator" in outcome.summary
    assert scenario.plan(context).lines == (outcome.summary,)


@pytest.mark.parametrize(
    ("options", "says"),
    [(Options(workload="huge"), "no workload 'huge'"), (Options(drive="serve"), "has no 'serve' command")],
)
def test_what_is_not_declared_is_refused_before_anything_runs(
    replicating_context: Replicating, options: Options, says: str
) -> None:
    context = replicating_context("none", options)
    for entry in (scenario.plan, scenario.run):
        with pytest.raises(UsageError, match=says):
            entry(context)


def test_a_build_that_makes_nothing_is_said(replicating_context: Replicating) -> None:
    context = replicating_context("none")
    replicator = context.target.declared.replicator
    assert replicator is not None
    declared = Target(replicator=replicator.model_copy(update={"build": ("true",)}))
    with pytest.raises(UsageError, match="ended well but made no"):
        scenario.run(replace(context, target=replace(context.target, declared=declared)))


def test_an_interruption_passes_through_and_rounds_before_it_are_on_disk(
    replicating_context: Replicating, standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = Bench.round

    def interrupt(self: Bench, number: int, workers: int) -> object:
        if number == 2:
            raise Interrupted("interrupted by SIGINT")
        return measured(self, number, workers)

    monkeypatch.setattr(Bench, "round", interrupt)
    context = replicating_context("none", standing[0], images=1)
    with pytest.raises(Interrupted):
        scenario.run(context)
    assert (context.run_directory / "load" / "round-1" / "round.json").is_file()


def test_an_error_before_the_first_round_is_the_runs_own(
    replicating_context: Replicating, standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_self: Bench, _number: int, _workers: int) -> object:
        raise RunFailed("the source registry died")

    monkeypatch.setattr(Bench, "round", die)
    with pytest.raises(RunFailed, match="the source registry died"):
        scenario.run(replicating_context("none", standing[0], images=1))
