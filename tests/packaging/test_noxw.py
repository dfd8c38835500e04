"""noxw: a real environment each time. All but one test install a tiny stand-in for nox, from a directory."""

from __future__ import annotations

import ast
import base64
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# One worker makes the environment that most of these tests share.
pytestmark = pytest.mark.xdist_group("noxw")

STAND_IN = """
import json, os, sys
def main():
    arguments = sys.argv[1:]
    print(json.dumps({"arguments": arguments, "pid": os.getpid(), "prefix": sys.prefix, "cwd": os.getcwd()}))
    sys.exit(int(arguments[-1]) if arguments and arguments[-1].isdigit() else 0)
if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with nox-1.0, which prints its arguments as JSON and exits with the last one, and program `tool`."""
    directory = tmp_path_factory.mktemp("wheels")
    contents = {
        "nox.py": STAND_IN,
        "nox-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: nox\nVersion: 1.0\n",
        "nox-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "nox-1.0.dist-info/entry_points.txt": "[console_scripts]\ntool = nox:main\n",
    }
    record = ["nox-1.0.dist-info/RECORD,,"]
    for name, text in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record.append(f"{name},sha256={digest},{len(text.encode())}")
    contents["nox-1.0.dist-info/RECORD"] = "\n".join(record) + "\n"
    with zipfile.ZipFile(directory / "nox-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in contents.items():
            wheel.writestr(name, text)
    return directory


def lock_text(wheels: Path) -> str:
    (wheel,) = wheels.glob("*.whl")
    return f"nox==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def new_checkout(directory: Path, wheels: Path) -> Path:
    """A checkout, in a path with blanks, whose lock names only the stand-in."""
    checkout = directory / "a checkout"
    (checkout / "perf").mkdir(parents=True)
    (checkout / "perf/__init__.py").write_text("ANSWER = 42\n")
    shutil.copy(ROOT / "noxw", checkout)
    (checkout / "requirements.lock").write_text(lock_text(wheels))
    return checkout


@pytest.fixture(scope="module")
def environ(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """No network, only the directory of wheels; and settings of pip's that noxw must not follow."""
    home = tmp_path_factory.mktemp("home")
    misleading = {"PIP_TARGET": str(home / "target"), "PIP_USER": "1", "PIP_REQUIRE_VIRTUALENV": "1"}
    source = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    return {"PATH": os.environ["PATH"], "HOME": str(home), **source, **misleading}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, wheels: Path, environ: dict[str, str]) -> Path:
    """A checkout whose environment stands."""
    checkout = new_checkout(tmp_path_factory.mktemp("made"), wheels)
    assert "making .nox/perf" in noxw(checkout, environ).stderr
    return checkout


def noxw(
    checkout: Path, environ: dict[str, str], *arguments: str, cwd: Path | None = None, expect: int = 0
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "noxw"), *arguments]
    done = subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stderr
    return done


def said_by_nox(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.fixture
def module() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("noxw", str(ROOT / "noxw"))
    spec = importlib.util.spec_from_loader("noxw", loader)
    assert spec is not None
    loaded = importlib.util.module_from_spec(spec)
    loader.exec_module(loaded)
    return loaded


def test_a_fresh_checkout_gets_the_locked_nox_and_lists_its_sessions(tmp_path: Path) -> None:
    """The one test with the real lock; it needs a package index, as a first run does."""
    checkout = tmp_path / "fresh checkout"
    checkout.mkdir()
    for name in ("noxw", "noxfile.py", "requirements.lock"):
        shutil.copy(ROOT / name, checkout)
    listed = noxw(checkout, dict(os.environ), "-l", cwd=tmp_path)
    assert "* all -> " in listed.stdout
    assert "- regression -> " in listed.stdout
    tool = noxw(checkout, dict(os.environ), "--run", "invoke", "--version")
    assert tool.stdout.startswith("Invoke 3.")


def test_arguments_go_to_nox_and_its_exit_code_comes_back(made: Path, environ: dict[str, str]) -> None:
    done = noxw(made, environ, "-s", "load", "--", "--workers", "16", expect=16)
    assert said_by_nox(done)["arguments"] == [
        "-f", str(made / "noxfile.py"), "-s", "load", "--", "--workers", "16",
    ]  # fmt: skip


def test_nox_takes_the_place_of_noxw_so_signals_reach_it(made: Path, environ: dict[str, str]) -> None:
    command = [sys.executable, str(made / "noxw")]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        said = json.loads(process.communicate()[0])
    assert said["pid"] == process.pid


def test_an_environment_that_stands_is_used_without_any_network(made: Path, environ: dict[str, str]) -> None:
    done = noxw(made, {**environ, "PIP_FIND_LINKS": "/nonexistent"})
    assert done.stderr == ""
    assert said_by_nox(done)["prefix"] == str(made / ".nox/perf")


def test_it_works_from_any_directory_and_through_a_link(
    made: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "nox.py").write_text("raise SystemExit('the caller's own file was run')\n")
    (tmp_path / "noxw").symlink_to(made / "noxw")
    said = said_by_nox(noxw(tmp_path, environ, cwd=tmp_path))
    assert said["prefix"] == str(made / ".nox/perf")
    assert said["cwd"] == str(tmp_path)


def test_the_callers_pythonpath_does_not_reach_in(
    made: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "nox.py").write_text("raise SystemExit('PYTHONPATH was followed')\n")
    noxw(made, {**environ, "PYTHONPATH": str(tmp_path)})


def test_run_starts_a_program_of_the_environment(made: Path, environ: dict[str, str]) -> None:
    said = said_by_nox(noxw(made, environ, "--run", "tool", "registry.up", "7", expect=7))
    assert said["arguments"] == ["registry.up", "7"]


def test_the_checkout_can_be_imported_from_anywhere(
    made: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    done = noxw(made, environ, "--run", "python", "-c", "import perf; print(perf.ANSWER)", cwd=tmp_path)
    assert done.stdout == "42\n"


def test_run_of_an_unknown_program_says_what_to_type(made: Path, environ: dict[str, str]) -> None:
    done = noxw(made, environ, "--run", "pytest", expect=3)
    assert "there is no program pytest in .nox/perf" in done.stderr
    assert "./noxw --run-dev pytest" in done.stderr


def test_run_without_a_program_is_wrong_use(made: Path, environ: dict[str, str]) -> None:
    assert "--run PROGRAM" in noxw(made, environ, "--run", expect=2).stderr


def test_help_tells_of_noxws_own_options_first(made: Path, environ: dict[str, str]) -> None:
    assert noxw(made, environ, "--help").stdout.startswith("Runs nox in a private environment")


def test_the_development_environment_comes_from_its_own_lock(
    made: Path, environ: dict[str, str], wheels: Path
) -> None:
    (made / "requirements-dev.lock").write_text(lock_text(wheels))
    done = noxw(made, environ, "--run-dev", "tool")
    assert "making .nox/dev from requirements-dev.lock" in done.stderr
    assert said_by_nox(done)["prefix"] == str(made / ".nox/dev")


def test_an_environment_without_its_stamp_is_made_anew(made: Path, environ: dict[str, str]) -> None:
    (made / ".nox/perf/stamp").unlink()
    next(made.glob(".nox/perf/lib/*/site-packages/nox.py")).unlink()
    assert "making .nox/perf" in noxw(made, environ).stderr
    assert noxw(made, environ).stderr == ""


def no_damage(environment: Path, lock: Path) -> None:
    pass


def stamp_missing(environment: Path, lock: Path) -> None:
    (environment / "stamp").unlink()


def lock_changed(environment: Path, lock: Path) -> None:
    lock.write_text("nox==2.0\n")


def python_removed(environment: Path, lock: Path) -> None:
    (environment / "bin/python").unlink()
    (environment / "bin/python").symlink_to("/nonexistent/python3")


def python_upgraded(environment: Path, lock: Path) -> None:
    (environment / "bin/python").unlink()
    (environment / "bin/python").write_text("#!/bin/sh\necho 3.10\n")
    (environment / "bin/python").chmod(0o755)


def python_broken(environment: Path, lock: Path) -> None:
    (environment / "bin/python").unlink()
    (environment / "bin/python").write_text("#!/bin/sh\nexit 127\n")
    (environment / "bin/python").chmod(0o755)


def checkout_moved(environment: Path, lock: Path) -> None:
    elsewhere = environment.rename(environment.with_name("elsewhere"))
    environment.mkdir()
    for child in elsewhere.iterdir():
        child.rename(environment / child.name)
    stamp = environment / "stamp"
    stamp.write_text(stamp.read_text().replace(str(environment), str(elsewhere)))


@pytest.mark.parametrize(
    ("damage", "ready"),
    [
        (no_damage, True),
        (stamp_missing, False),
        (lock_changed, False),
        (python_removed, False),
        (python_upgraded, False),
        (python_broken, False),
        (checkout_moved, False),
    ],
)
def test_an_environment_is_ready_only_while_its_lock_place_and_python_hold(
    module: ModuleType, tmp_path: Path, damage: Callable[[Path, Path], None], ready: bool
) -> None:
    environment, lock = tmp_path / "environment", tmp_path / "lock"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin/python").symlink_to(sys.executable)
    lock.write_text("nox==1.0\n")
    (environment / "stamp").write_text(module.stamp(environment, lock))
    damage(environment, lock)
    assert module.is_ready(environment, lock) is ready


@pytest.fixture
def fresh(tmp_path: Path, wheels: Path) -> Path:
    return new_checkout(tmp_path, wheels)


Start = Callable[[dict[str, str]], subprocess.Popen[str]]


@pytest.fixture
def started(fresh: Path) -> Iterator[Start]:
    """Start noxw in the fresh checkout; whatever still runs at the end is killed."""
    processes = []

    def start(environ: dict[str, str]) -> subprocess.Popen[str]:
        command = [sys.executable, str(fresh / "noxw")]
        pipe = subprocess.PIPE
        processes.append(subprocess.Popen(command, env=environ, stdout=pipe, stderr=pipe, text=True))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_first_run_that_is_killed_half_way_is_repaired_by_the_next(
    fresh: Path, environ: dict[str, str], started: Start
) -> None:
    process = started(environ)
    assert process.stderr is not None
    assert "making .nox/perf" in process.stderr.readline()
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (fresh / ".nox/perf/stamp").exists()
    assert "made .nox/perf" in noxw(fresh, environ).stderr


def test_a_first_run_that_is_terminated_takes_pip_with_it(
    fresh: Path, environ: dict[str, str], started: Start
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as index:  # it accepts, and never answers
        index.settimeout(60)
        url = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        process = started({**environ, "PIP_NO_INDEX": "0", "PIP_INDEX_URL": url, "PIP_TIMEOUT": "120"})
        connection, _ = index.accept()
        with connection:
            connection.settimeout(60)
            assert connection.recv(65536).startswith(b"GET /simple/nox/")
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 128 + signal.SIGTERM
            assert connection.recv(65536) == b""  # pip's end is closed
    assert not (fresh / ".nox/perf/stamp").exists()


def test_of_two_at_once_one_makes_the_environment_and_both_run(
    environ: dict[str, str], started: Start
) -> None:
    first, second = started(environ), started(environ)
    outputs = [process.communicate() for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    said = "".join(stderr for _, stderr in outputs)
    assert said.count("making .nox/perf") == said.count("made .nox/perf") == 1
    assert "waiting for another noxw to make .nox/perf" in said
    assert all(json.loads(stdout)["arguments"] for stdout, _ in outputs)


def test_pip_settings_that_would_misplace_packages_do_not_reach_in(
    made: Path, environ: dict[str, str]
) -> None:
    assert not Path(environ["PIP_TARGET"]).exists()
    (site_packages,) = made.glob(".nox/perf/lib/*/site-packages")
    assert (site_packages / "nox.py").is_file()


def test_without_a_network_it_says_what_is_missing_and_what_to_type(
    fresh: Path, environ: dict[str, str]
) -> None:
    with socket.socket() as closed:  # bound, never listening: a connection is refused
        closed.bind(("127.0.0.1", 0))
        index = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
        offline = {
            "PATH": environ["PATH"],
            "HOME": environ["HOME"],
            "PIP_INDEX_URL": index,
            "PIP_RETRIES": "1",
        }
        done = noxw(fresh, offline, expect=3)
    assert "the packages of requirements.lock could not be installed" in done.stderr
    assert "nox==1.0" in done.stderr
    assert "likely cause: no network" in done.stderr
    assert "pip download -r requirements.lock" in done.stderr


def test_a_package_without_a_fitting_wheel_is_not_called_a_network_failure(
    fresh: Path, environ: dict[str, str]
) -> None:
    done = noxw(fresh, {**environ, "PIP_FIND_LINKS": str(fresh)}, expect=3)
    assert "likely cause: a package has no wheel for this Python" in done.stderr


def test_a_package_that_is_not_the_locked_one_is_refused(fresh: Path, environ: dict[str, str]) -> None:
    (fresh / "requirements.lock").write_text(f"nox==1.0 --hash=sha256:{'0' * 64}\n")
    done = noxw(fresh, environ, expect=3)
    assert "not to be trusted" in done.stderr


def test_a_checkout_that_cannot_be_written_says_so(fresh: Path, environ: dict[str, str]) -> None:
    (fresh / ".nox").write_text("in the way\n")  # root may write anywhere, but not below a file
    done = noxw(fresh, environ, expect=3)
    assert "likely cause: the checkout is read-only" in done.stderr


def test_a_python_without_ensurepip_names_the_package_to_install(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SystemExit) as exit_:
        module.make(module.ROOT / ".nox/never", module.ROOT / "requirements.lock", -1)
    assert exit_.value.code == 3
    assert f"apt install python3.{sys.version_info.minor}-venv" in capsys.readouterr().err


def test_an_old_python_can_read_the_file_and_says_what_is_needed(module: ModuleType) -> None:
    ast.parse((ROOT / "noxw").read_text("utf-8"), feature_version=(3, 6))
    text = module.old_python_text((3, 9), "/usr/bin/python3", lambda _: None)
    assert "Python 3.11 or newer is needed, this is 3.9" in text
    assert "install Python 3.11" in text


def test_an_old_python_points_at_a_newer_one_on_path(module: ModuleType) -> None:
    text = module.old_python_text((3, 9), "/usr/bin/python3", lambda name: name == "python3.12" or None)
    assert text.endswith("next: python3.12 noxw")


def test_only_the_standard_library_is_imported() -> None:
    imported = set()
    for node in ast.walk(ast.parse((ROOT / "noxw").read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert imported <= sys.stdlib_module_names
