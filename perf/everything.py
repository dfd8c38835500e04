"""The scenarios by name, and `all` of them in one process: nothing is measured twice."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import perf.baseline.scenario as baseline
import perf.benchmarks.scenario as benchmarks
import perf.bisect.follow as follow
import perf.integration.scenario as integration
import perf.load.scenario as load
import perf.regression.scenario as regression
import perf.stress.scenario as stress
from perf.context import Context, Plan
from perf.errors import ExitCode, Interrupted, Lacking, PerfError, RunFailed, Undecided, UsageError
from perf.model import Outcome, Status
from perf.system import clock, files


@dataclass(frozen=True, slots=True)
class Scenario:
    """`plan` says what would run and how long it takes; `run` does it."""

    plan: Callable[[Context], Plan]
    run: Callable[[Context], Outcome]


SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        "benchmarks": Scenario(benchmarks.plan, benchmarks.run),
        "load": Scenario(load.plan, load.run),
        "stress": Scenario(stress.plan, stress.run),
        "regression": Scenario(regression.plan, follow.run),
        # After the regression: a red one is no day to replace a baseline.
        "baseline": Scenario(baseline.plan, baseline.run),
        "integration": Scenario(integration.plan, integration.run),
    }
)

# When several scenarios end differently, the first of these that one of them ended with is the whole run's.
_GRAVEST_FIRST: Final = (
    ExitCode.INTERRUPTED,
    ExitCode.FAILED,
    ExitCode.USAGE,
    ExitCode.LACKING,
    ExitCode.UNKNOWN,
)


def names_of(scenario: str) -> tuple[str, ...]:
    """The scenarios that a name stands for: itself, or every one for "all"."""
    return tuple(SCENARIOS) if scenario == "all" else (scenario,)


def run_scenarios(context: Context, scenario: str, done: Callable[[tuple[Outcome, ...]], None]) -> None:
    """Run what `scenario` names, calling `done` with all outcomes so far after each.

    An error, foreseen or not, ends its own scenario only. Interrupted ends the run: it is noted as an outcome, then
    raised.
    In `all`, `baseline` stores what benchmarks and load have measured already, but for a red regression replaces none.
    """
    outcomes: tuple[Outcome, ...] = ()
    for name in names_of(scenario):
        started = clock.monotonic_seconds()
        try:
            if scenario == "all" and name == "baseline":
                counted, counter = baseline.count(context, outcomes)
                outcome = baseline.store_outcomes(context, outcomes, counted=counted, counter=counter)
            else:
                outcome = SCENARIOS[name].run(context)
        except Interrupted as error:
            done((*outcomes, ended_by(name, error, clock.monotonic_seconds() - started)))
            raise
        except UsageError as error:
            # Alone it is the answer, and nothing was run that a record could tell of.
            if scenario != "all":
                raise
            outcome = ended_by(name, error, clock.monotonic_seconds() - started)
        except PerfError as error:
            outcome = ended_by(name, error, clock.monotonic_seconds() - started)
        except Exception as error:  # noqa: BLE001 - what other scenarios measured must not be lost to a defect in one
            outcome = ended_by(name, unforeseen(context, name, error), clock.monotonic_seconds() - started)
        outcomes = (*outcomes, outcome)
        done(outcomes)


def ended_by(scenario: str, error: PerfError, seconds: float) -> Outcome:
    """The outcome of a scenario that ended in an error."""
    status = Status.FAILED
    if isinstance(error, Interrupted):
        status = Status.INTERRUPTED
    elif isinstance(error, Lacking | Undecided):
        status = Status.UNKNOWN
    return Outcome(scenario, status, error.exit_code, error.what.splitlines()[0], seconds, error=str(error))


def unforeseen(context: Context, scenario: str, error: Exception) -> PerfError:
    """What is told of an error that no room made a PerfError; Python's own words are kept with the raw results."""
    if isinstance(error, OSError) and (told := files.disk_error(error, None)):
        return told
    trace = context.run_directory / scenario / "traceback.txt"
    with suppress(PerfError, OSError):
        context.keep(trace, "".join(traceback.format_exception(error)))
    return RunFailed(
        f"{scenario} ended in an error that the suite did not foresee: {type(error).__name__}: {error}",
        cause="a defect of the suite, or a machine it does not know",
        next_command=f"run again; if it stays, report it with {trace}",
    )


def exit_code(scenario: str, outcomes: tuple[Outcome, ...]) -> ExitCode:
    """The run's exit code. In `all` one left out is a line in the report; nothing measured at all is unknown."""
    if scenario == "all":
        judged = [outcome for outcome in outcomes if outcome.status is not Status.LEFT_OUT]
        if not judged:
            return ExitCode.UNKNOWN
    else:
        judged = list(outcomes)
    codes = {outcome.exit_code for outcome in judged}
    return next((code for code in _GRAVEST_FIRST if code in codes), ExitCode.FINE)
