"""The scenario `integration`: the target's own integration command against two real registries, test by test."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from typing import Final

from perf.benchmarks.testlog import TestLog, parse_testlog
from perf.context import Context, Plan
from perf.errors import ExitCode
from perf.model import IntegrationResult, Outcome, Status, TimedTest
from perf.registry.pair import open_pair
from perf.suite import Integration
from perf.system import files, go
from perf.system.processes import Ended
from perf.units import format_seconds

_SCENARIO: Final = "integration"
_NEEDED_BYTES: Final = 512 * 2**20
_TAIL_LINES: Final = 30
_TIMED_OUT: Final = (
    "\n  likely cause: a test waits for what is not here (a network, credentials), or compiling took the time"
    "\n  next: a longer timeout or a narrower command in [target.NAME.integration] of perf.toml"
)
_MOST_NAMED: Final = 5
_EXPECTED_SECONDS: Final = 30.0


def plan(context: Context) -> Plan:
    """What would run; nothing is started."""
    declared = context.target.declared.integration
    if declared is None:
        return Plan((f"{_SCENARIO}: {_none_declared(context)}",), 0.0)
    given = " ".join(f"{name}={value}" for name, value in declared.environment.items())
    lines = (
        f"{_SCENARIO}: {shlex.join(declared.command)} in {context.target.directory}",
        f"  with {given}, at most {format_seconds(declared.timeout)}",
    )
    return Plan(lines, min(_EXPECTED_SECONDS, declared.timeout))


def run(context: Context) -> Outcome:
    """Registries up, the command, registries down. Raises Lacking when the command's program or a registry is missing.

    All that the command writes lies in the run's `integration/output.txt`, also when it is interrupted.
    """
    declared = context.target.declared.integration
    if declared is None:
        return Outcome(_SCENARIO, Status.LEFT_OUT, ExitCode.UNKNOWN, _none_declared(context), 0.0)
    if (context.target.directory / "go.mod").is_file():
        go.check_version(context.go, context.target.directory)
    with open_pair(context, needed_bytes=_NEEDED_BYTES) as pair:
        hosts = {"source": pair.source.host, "destination": pair.destination.host}
        with context.progress.step(f"running {shlex.join(declared.command)}"):
            ended, text = _command(context, declared, hosts)
        pair.check()
    return judge(declared, ended, text)


def _command(context: Context, declared: Integration, hosts: Mapping[str, str]) -> tuple[Ended, str]:
    """Run it in the target's directory; its output goes to a file as it comes."""
    path = context.room(_SCENARIO) / "output.txt"
    environment = context.target_environment(
        {name: _filled(value, hosts) for name, value in declared.environment.items()}
    )
    # Under make nothing else reaches `go test`: -v for a line and a time per test, -count=1 against cached results.
    flags = (environment.get("GOFLAGS", ""), "-v", "-count=1")
    environment["GOFLAGS"] = " ".join(flag for flag in flags if flag)
    with files.disk_errors(path), path.open("wb") as output:
        child = context.processes.start(
            declared.command, environment=environment, cwd=context.target.directory, stdout=output
        )
        try:
            ended = child.wait(declared.timeout)
        finally:
            child.stop()
    return ended, path.read_text("utf-8", "replace")


def judge(declared: Integration, ended: Ended, text: str) -> Outcome:
    """What the run came to. Pure. It passes when a test passed, none failed, and the command says so too."""
    log = parse_testlog(text.splitlines())
    tests = tuple(
        TimedTest(case.package or "", case.name, case.status, case.seconds, case.output) for case in log.cases
    )
    counts = Counter(test.status for test in tests)
    no_tests = log.no_tests or (bool(tests) and counts["skipped"] == len(tests))
    tail = "\n".join(text.rstrip().splitlines()[-_TAIL_LINES:])
    result = IntegrationResult(declared.command, tests, no_tests, ended.returncode, ended.seconds, tail)
    failure = _failure(declared, ended, log, result)
    warnings = _warnings(counts, no_tests)
    if failure:
        return Outcome(
            _SCENARIO,
            Status.FAILED,
            ExitCode.FAILED,
            failure,
            ended.seconds,
            result,
            warnings=warnings,
            error=f"{failure}{_TIMED_OUT if ended.timed_out else ''}\n{tail}",
        )
    passed = f"{counts['passed']} tests" if counts else "its packages"
    summary = f"{passed} passed in {format_seconds(ended.seconds)}"
    return Outcome(_SCENARIO, Status.PASSED, ExitCode.FINE, summary, ended.seconds, result, warnings=warnings)


def _warnings(counts: Counter[str], no_tests: bool) -> tuple[str, ...]:
    said = [f"{counts['skipped']} tests were skipped, which is no pass"] if counts["skipped"] else []
    if not counts and not no_tests:
        said.append("its output names no test, so there are no times per test")
    return tuple(said)


def _failure(declared: Integration, ended: Ended, log: TestLog, result: IntegrationResult) -> str:
    """What was wrong, in one line; "" when nothing was."""
    command = shlex.join(declared.command)
    if ended.timed_out:
        running = [test.name for test in result.tests if test.seconds is None]
        had_ended = len(result.tests) - len(running)
        until = f"; {had_ended} tests had ended" if had_ended else ""
        until += f", still running: {', '.join(running[:_MOST_NAMED])}" if running else ""
        return f"{command} did not end within {format_seconds(declared.timeout)}, and the suite stopped it{until}"
    failed = [test.name for test in result.tests if test.status == "failed"]
    if failed:
        more = f" and {len(failed) - _MOST_NAMED} more" if len(failed) > _MOST_NAMED else ""
        named = ", ".join(failed[:_MOST_NAMED])
        return f"{len(failed)} of {len(result.tests)} tests failed: {named}{more} (exit {ended.returncode})"
    if log.problems:
        return (
            f"{command}: {log.problems[0].message}: {log.problems[0].text.strip()} (exit {ended.returncode})"
        )
    if ended.returncode != 0:
        return f"{command} ended with exit {ended.returncode}"
    if result.no_tests:
        skipped = f": all {len(result.tests)} were skipped" if result.tests else ""
        return f"no test ran{skipped}, although {command} ended with exit 0"
    return ""


def _filled(value: str, hosts: Mapping[str, str]) -> str:
    for name, address in hosts.items():
        value = value.replace(f"{{{name}}}", address)
    return value


def _none_declared(context: Context) -> str:
    return f"the target {context.target.name} declares no integration command in perf.toml"
