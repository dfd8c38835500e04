"""The target's own integration command: what it is given, and what counts as a pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from perf.context import Context
from perf.errors import ExitCode, Lacking, RunFailed
from perf.integration import scenario
from perf.integration.scenario import judge
from perf.model import IntegrationResult, Outcome, Status
from perf.suite import Integration, Target
from perf.system.processes import Ended

ContextFor = Callable[..., Context]
MAKE = Integration(
    command=("make", "test-integration"),
    environment={"SOURCE_REGISTRY": "{source}", "DEST_REGISTRY": "http://{destination}/x"},
)

PASSED = "=== RUN   TestIntegrationCopy\n--- PASS: TestIntegrationCopy (1.25s)\nPASS\nok  \tskiff\t1.3s\n"
FAILED = (
    "=== RUN   TestIntegrationCopy\n    copy_test.go:9: 0 of 4 tags arrived\n--- FAIL: TestIntegrationCopy (0.10s)\n"
    "FAIL\nFAIL\tskiff\t0.2s\nFAIL\nmake: *** [Makefile:9: test-integration] Error 1\n"
)
SKIPPED = "=== RUN   TestIntegrationCopy\n--- SKIP: TestIntegrationCopy (0.00s)\nPASS\nok  \tskiff\t0.1s\n"
NO_TESTS = "testing: warning: no tests to run\nPASS\nok  \tskiff\t0.1s [no tests to run]\n"
BROKEN = "# skiff\n./main.go:3:1: undefined: x\nFAIL\tskiff [build failed]\nFAIL\nmake: *** [Makefile:9: t] Error 1\n"


def judged(text: str, returncode: int = 0, *, timed_out: bool = False) -> Outcome:
    return judge(MAKE, Ended(returncode, 2.0, 1.0, timed_out), text)


def test_tests_that_pass_are_a_pass_with_their_times() -> None:
    outcome = judged(PASSED)
    assert (outcome.status, outcome.exit_code) == (Status.PASSED, ExitCode.FINE)
    assert outcome.summary == "1 tests passed in 2 s"
    assert isinstance(outcome.result, IntegrationResult)
    (test,) = outcome.result.tests
    assert (test.package, test.name, test.status, test.seconds) == (
        "skiff",
        "TestIntegrationCopy",
        "passed",
        1.25,
    )


@pytest.mark.parametrize(
    ("text", "returncode", "timed_out", "words"),
    [
        (FAILED, 2, False, "1 of 1 tests failed: TestIntegrationCopy (exit 2)"),
        (FAILED, 0, False, "1 of 1 tests failed: TestIntegrationCopy (exit 0)"),
        (NO_TESTS, 0, False, "no test ran, although make test-integration ended with exit 0"),
        ("", 0, False, "no test ran, although make test-integration ended with exit 0"),
        (SKIPPED, 0, False, "no test ran: all 1 were skipped"),
        (BROKEN, 2, False, "undefined: x"),
        (PASSED, 1, False, "make test-integration ended with exit 1"),
        (PASSED, -15, True, "did not end within 10 min 0 s, and the suite stopped it; 1 tests had ended"),
    ],
)
def test_anything_else_is_a_failure_whatever_the_exit_code_says(
    text: str, returncode: int, timed_out: bool, words: str
) -> None:
    outcome = judged(text, returncode, timed_out=timed_out)
    assert (outcome.status, outcome.exit_code) == (Status.FAILED, ExitCode.FAILED)
    assert words in outcome.summary
    assert outcome.error.startswith(outcome.summary)


def test_a_failure_carries_what_the_test_said_and_the_end_of_the_output() -> None:
    outcome = judged(FAILED, 2)
    assert isinstance(outcome.result, IntegrationResult)
    assert "0 of 4 tags arrived" in outcome.result.tests[0].output
    assert outcome.result.tail.endswith("Error 1")


def test_of_many_failures_the_first_are_named_and_the_rest_counted() -> None:
    text = "".join(f"=== RUN   Test{n}\n--- FAIL: Test{n} (0.01s)\n" for n in range(8)) + "FAIL\n"
    assert "Test0, Test1, Test2, Test3, Test4 and 3 more" in judged(text, 1).summary


def test_some_skipped_tests_are_a_warning_and_no_pass() -> None:
    assert judged(PASSED.replace("PASS\nok", SKIPPED + "ok", 1)).warnings == (
        "1 tests were skipped, which is no pass",
    )


def test_a_command_that_names_no_test_has_no_times_per_test() -> None:
    outcome = judged("ok  \tskiff\t1.3s\n")
    assert outcome.summary == "its packages passed in 2 s"
    assert outcome.warnings == ("its output names no test, so there are no times per test",)


def test_a_target_without_an_integration_command_says_so(tmp_path: Path, context_for: ContextFor) -> None:
    context = context_for(tmp_path)
    outcome = scenario.run(context)
    assert (outcome.status, outcome.exit_code) == (Status.LEFT_OUT, ExitCode.UNKNOWN)
    assert "declares no integration command" in outcome.summary
    assert "declares no integration command" in scenario.plan(context).lines[0]


def test_the_plan_shows_the_command_and_its_environment(tmp_path: Path, context_for: ContextFor) -> None:
    plan = scenario.plan(context_for(tmp_path, Target(integration=MAKE)))
    assert f"make test-integration in {tmp_path}" in plan.lines[0]
    assert "SOURCE_REGISTRY={source}" in plan.lines[1]


@pytest.fixture
def pair_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Registries stood in for; what is seen of them comes back: "up", "checked", "down"."""

    def install(check: Callable[[], None] = lambda: None) -> list[str]:
        seen: list[str] = []

        def checked() -> None:
            seen.append("checked")
            check()

        @contextmanager
        def open_pair(_context: Context, *, needed_bytes: int) -> Iterator[object]:
            seen.append("up")
            try:
                yield SimpleNamespace(
                    source=SimpleNamespace(host="127.0.0.1:1"),
                    destination=SimpleNamespace(host="127.0.0.1:2"),
                    check=checked,
                )
            finally:
                seen.append("down")

        monkeypatch.setattr(scenario, "open_pair", open_pair)
        return seen

    return install


def declared(*command: str, timeout: str = "60 s") -> Target:
    return Target.model_validate(
        {"integration": {"command": command, "environment": dict(MAKE.environment), "timeout": timeout}}
    )


def test_the_command_gets_the_addresses_go_and_verbose_tests_and_nothing_of_the_caller(
    tmp_path: Path,
    context_for: ContextFor,
    pair_of: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    seen = pair_of()
    (tmp_path / "target").mkdir()
    context = context_for(tmp_path / "target", declared("sh", "-c", "env; pwd; go version"))
    scenario.run(context)
    said = (context.run_directory / "integration" / "output.txt").read_text("utf-8").splitlines()
    assert "SOURCE_REGISTRY=127.0.0.1:1" in said
    assert "DEST_REGISTRY=http://127.0.0.1:2/x" in said
    assert any(line.startswith("GOFLAGS=") and line.endswith("-v -count=1") for line in said)
    assert str(tmp_path / "target") in said
    assert said[-1].startswith("go version")
    assert not any("SECRET_TOKEN" in line for line in said)
    assert seen == ["up", "checked", "down"]


def test_a_command_that_hangs_is_stopped_at_its_timeout(
    tmp_path: Path, context_for: ContextFor, pair_of: Callable[..., list[str]]
) -> None:
    seen = pair_of()
    outcome = scenario.run(context_for(tmp_path, declared("sh", "-c", "exec sleep 60", timeout="100 ms")))
    assert "did not end within 100 ms" in outcome.summary
    assert seen[-1] == "down"


def test_a_missing_make_is_something_the_environment_lacks(
    tmp_path: Path, context_for: ContextFor, pair_of: Callable[..., list[str]]
) -> None:
    seen = pair_of()
    with pytest.raises(Lacking, match="no-such-make"):
        scenario.run(context_for(tmp_path, declared("no-such-make")))
    assert seen == ["up", "down"]


def test_a_go_too_old_for_the_target_is_told_before_registries_are_started(
    tmp_path: Path, context_for: ContextFor, pair_of: Callable[..., list[str]]
) -> None:
    seen = pair_of()
    (tmp_path / "go.mod").write_text("module x\n\ngo 9.99\n", "utf-8")
    with pytest.raises(Lacking, match=r"wants Go 9\.99"):
        scenario.run(context_for(tmp_path, declared("true")))
    assert not seen


def test_a_registry_that_died_meanwhile_is_the_failure_that_is_told(
    tmp_path: Path, context_for: ContextFor, pair_of: Callable[..., list[str]]
) -> None:
    def died() -> None:
        raise RunFailed("the source registry died")

    pair_of(died)
    with pytest.raises(RunFailed, match="registry died"):
        scenario.run(context_for(tmp_path, declared("true")))


@pytest.mark.go
@pytest.mark.registry
def test_real_tests_under_a_script_reach_real_registries_and_are_timed_one_by_one(
    tmp_path: Path, context_for: ContextFor
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "go.mod").write_text("module example.test/target\n\ngo 1.21\n", "utf-8")
    (target / "integration.sh").write_text("echo testing\nexec go test -run Integration ./...\n", "utf-8")
    (target / "integration_test.go").write_text(
        """package target

import (
	"net/http"
	"os"
	"testing"
)

func TestIntegrationBothRegistriesAnswer(t *testing.T) {
	for _, name := range []string{"SOURCE_REGISTRY", "DEST_REGISTRY"} {
		t.Run(name, func(t *testing.T) {
			answer, err := http.Get("http://" + os.Getenv(name) + "/v2/")
			if err != nil || answer.StatusCode != 200 {
				t.Fatalf("%s: %v %v", name, answer, err)
			}
			answer.Body.Close()
		})
	}
}
""",
        "utf-8",
    )
    integration = {
        "command": ["sh", "integration.sh"],
        "environment": {"SOURCE_REGISTRY": "{source}", "DEST_REGISTRY": "{destination}"},
    }
    outcome = scenario.run(context_for(target, Target.model_validate({"integration": integration})))
    assert outcome.status is Status.PASSED, outcome.error
    assert isinstance(outcome.result, IntegrationResult)
    assert {test.name for test in outcome.result.tests} == {
        "TestIntegrationBothRegistriesAnswer",
        "TestIntegrationBothRegistriesAnswer/SOURCE_REGISTRY",
        "TestIntegrationBothRegistriesAnswer/DEST_REGISTRY",
    }
