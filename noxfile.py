# /// script
# requires-python = ">=3.11"
# dependencies = ["nox>=2026.10"]
# ///
"""A session per scenario, and the checks of this repository. No logic: that is in perf/.

Nothing is installed by nox. Each session runs its programs through noxw, which makes the one environment
of the scenarios (.nox/perf) or of the checks (.nox/dev) from its lock when it isn't there yet. So `./noxw`,
`nox`, `pipx run nox`, `uvx nox` and `uv run noxfile.py` all end in the same place.
"""

import signal
import sys

import nox

SCENARIOS = {
    "benchmarks": "Run the target's Go benchmarks: centre, spread and number of runs of each.",
    "load": "Replicate a declared workload between two real registries; verify every copy by digest.",
    "stress": "Add workers step by step until throughput stops growing or a limit is passed.",
    "baseline": "Keep the benchmarks and load of the commit checked out, for later comparison.",
    "regression": "Did this change make it slower: instructions and allocations first, then time in pairs.",
    "integration": "Run the target's own integration tests against real registries.",
    "all": "Every scenario and one report, docs/performance-test-<date>.md (the default).",
}
LINTERS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
)

nox.needs_version = ">=2026.10"
nox.options.sessions = ["all"]
nox.options.default_venv_backend = "none"
# nox dies at once on SIGTERM and leaves its child running; as an interruption it waits for the child's end.
signal.signal(signal.SIGTERM, signal.default_int_handler)


def run(session: nox.Session, option: str, *command: str) -> None:
    # Ctrl-C: time to stop the registries and to keep the results, before nox terminates and then kills.
    session.run(sys.executable, "noxw", option, *command, interrupt_timeout=2, terminate_timeout=60)


def scenario_session(name: str, line: str) -> None:
    def scenario(session: nox.Session) -> None:
        run(session, "--run", "python", "-m", "perf", name, *session.posargs)

    scenario.__doc__ = line
    nox.session(name=name, allow_parallel=False)(scenario)


for name, line in SCENARIOS.items():
    scenario_session(name, line)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types and that the pure rooms stay pure: ruff, mypy --strict, import-linter."""
    for command in LINTERS:
        run(session, "--run-dev", *command)


@nox.session
def tests(session: nox.Session) -> None:
    """Lint, then run every test; branch coverage must reach 90 %. With arguments: those tests only."""
    lint(session)
    run(session, "--run-dev", "pytest", *(session.posargs or ("-n", "2", "--dist", "loadgroup", "--cov")))


@nox.session
def docs(session: nox.Session) -> None:
    """Check that the documentation's commands, links and generated parts are true."""
    run(session, "--run-dev", "pytest", "tests/docs", *session.posargs)


if __name__ == "__main__":
    nox.main()
