"""Any Go repository: with a module at its root or below, with none, with one that is not whole or too new."""

from __future__ import annotations

import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from perf.benchmarks.binaries import BenchmarkPackage
from perf.bisect.builds import Builds, Built
from perf.bisect.modules import Way, own_imports, packages_declaring, reason_of, ways
from perf.bisect.sources import Source, renaming
from perf.context import Context, Options
from perf.errors import Lacking
from perf.suite import Target
from perf.system import go
from tests.bisect.histories import (
    BASE,
    BENCHMARK,
    CODE,
    GO_MOD,
    ContextFor,
    Repository,
    builds_of,
    history,
)

GO = go.Go("go", "go1.26.8", {"GOFLAGS": "-mod=readonly -count=1"}, {})
FASTER = CODE.replace("n)", "n/2)")
USER = """package a

import "{module}/dep"

func Fill(n int) int {{ return dep.Twice(n) }}
"""
DEP = "package dep\n\nfunc Twice(n int) int { return 2 * n }\n"
OUTSIDE = """package a_test

import (
	"testing"

	"{module}/a"
)

func BenchmarkFill(b *testing.B) {{
	for i := 0; i < b.N; i++ {{
		a.Fill(64)
	}}
}}
"""


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def runs(built: Built) -> bool:
    assert built.binary is not None, built.reason
    assert built.binary.path is not None
    command = [str(built.binary.path), "-test.bench=Fill", "-test.benchtime=1x", "-test.run=^$"]
    done = subprocess.run(command, cwd=built.binary.directory, capture_output=True, text=True, check=True)
    return "BenchmarkFill" in done.stdout


def letters(builds: Builds) -> str:
    """One letter for each binary along the range, "-" where there is none."""
    builds.ends()
    builds.ensure(range(len(builds._range.commits)))
    found: dict[str, str] = {"": "-"}
    known = builds.known()
    return "".join(found.setdefault(known[place].digest, chr(96 + len(found))) for place in sorted(known))


# -- read, not built ----------------------------------------------------------------------------------------------


def test_a_module_is_the_nearest_above_and_is_tried_as_it_is_first(tmp_path: Path) -> None:
    root = write(
        tmp_path / "r", {"go.mod": GO_MOD, "sub/go.mod": "module example.test/sub\n", "sub/vendor/x": ""}
    )
    found = ways(GO, root / "sub" / "pkg", root, tmp_path / "gopath", "")
    assert [(each.name, each.path, each.module) for each in found] == [
        (name, "example.test/sub", root / "sub") for name in ("", "-mod=mod", "-mod=vendor")
    ]
    assert [each.environment.get("GOFLAGS") for each in found] == [
        None,
        "-count=1 -mod=mod",
        "-count=1 -mod=vendor",
    ]
    assert [each.writes for each in found] == [False, True, False]
    assert not (tmp_path / "gopath").exists()


def test_in_a_workspace_there_is_one_way(tmp_path: Path) -> None:
    root = write(tmp_path / "r", {"go.work": "use ./sub\n", "sub/go.mod": GO_MOD})
    assert len(ways(GO, root / "sub", root, tmp_path / "gopath", "")) == 1


def test_a_go_mod_above_the_repository_is_not_its_own(tmp_path: Path) -> None:
    write(tmp_path, {"go.mod": GO_MOD})
    root = write(tmp_path / "r", {"a/a.go": CODE})
    (found,) = ways(GO, root / "a", root, tmp_path / "gopath", "example.test/hint/v3")
    assert (found.gopath, found.path) == (True, "example.test/hint")


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"a/a.go": 'package a\n\nimport "example.test/own/dep"\n', "dep/d.go": DEP}, "example.test/own"),
        ({"a/a.go": 'package a // import "example.test/said/a"\n', "dep/d.go": DEP}, "example.test/said"),
        ({"a.go": 'package a // import "example.test/said"\n'}, "example.test/said"),
        ({"a/a.go": 'package a // import "../../escapes"\n'}, "example.test/hint"),
        (
            {"a/a.go": 'package a\n\nimport "example.test/../../../dep"\n', "dep/d.go": DEP},
            "example.test/hint",
        ),
        (
            {
                "a/a.go": 'package a\n\nimport (\n\t"example.test/own/b"\n\tx "example.test/own/dep"\n)\n',
                "b/b.go": 'package b\n\nimport _ "other.test/some/dep" // not ours\n',
                "dep/d.go": DEP,
                "vendor/other.test/some/dep/d.go": 'package dep\n\nimport "other.test/some/b"\n',
            },
            "example.test/own",
        ),
        (
            {"a/a.go": 'package a\n\nimport "encoding/json"\n', "json/j.go": "package json\n"},
            "example.test/hint",
        ),
    ],
    ids=[
        "imports",
        "a comment",
        "a comment at the root",
        "outside",
        "dots",
        "most imports",
        "standard library",
    ],
)
def test_without_go_mod_the_path_is_what_its_own_imports_say(
    files: dict[str, str], path: str, tmp_path: Path
) -> None:
    root = write(tmp_path / "r", files)
    (found,) = ways(GO, root / "a", root, tmp_path / "gopath", "example.test/hint")
    assert found.path == path
    assert found.root == tmp_path / "gopath" / "src" / path
    assert found.root.resolve() == root
    assert found.environment["GOFLAGS"] == "-count=1"


def test_a_path_that_nobody_names_is_still_one(tmp_path: Path) -> None:
    (found,) = ways(GO, tmp_path / "r", write(tmp_path / "r", {"a.go": CODE}), tmp_path / "gopath", "../up")
    assert found.path == "gopath.invalid/target"


@pytest.mark.parametrize(("wanted", "fits"), [("1.26.8", True), ("1.26.9", False), ("1.27rc1", False)])
def test_a_go_mod_that_wants_a_newer_go_says_so(wanted: str, fits: bool, tmp_path: Path) -> None:
    root = write(tmp_path, {"go.mod": f"module x.test/x\n\ngo {wanted}\n\ntoolchain go1.99.1\n"})
    if fits:
        assert ways(GO, root, root, tmp_path, "")
        return
    with pytest.raises(Lacking, match=f"wants Go {wanted}, and this is go1.26.8"):
        ways(GO, root, root, tmp_path, "")


@pytest.mark.parametrize(
    ("text", "renamed"),
    [
        ('import "x.test/m"\n', 'import "x.test/m/v2"\n'),
        (
            'import (\n\t"x.test/m/a"\n\ty "x.test/m/b" // why\n)\n',
            'import (\n\t"x.test/m/v2/a"\n\ty "x.test/m/v2/b" // why\n)\n',
        ),
        ('import "x.test/more"\n', 'import "x.test/more"\n'),
        ('var s = f("x.test/m/a")\n', 'var s = f("x.test/m/a")\n'),
    ],
)
def test_imports_of_the_module_take_its_other_path(text: str, renamed: str) -> None:
    assert own_imports(text, "x.test/m", "x.test/m/v2") == renamed
    assert own_imports(renamed, "x.test/m/v2", "x.test/m") == text
    assert own_imports(text, "", "x.test/m") == text


def source(import_path: str, directory: str) -> Source:
    package = go.Package(import_path, Path("/r", directory), ())
    way = Way("", Path("/r", directory), Path("/r"), Path("/r"), "")
    return Source(cast(Context, None), BenchmarkPackage("", package, (), ""), way)


@pytest.mark.parametrize(
    ("directory", "old", "new", "renamed"),
    [
        ("a", "x.test/m/a", "x.test/m/v2/a", ("x.test/m", "x.test/m/v2")),
        (".", "x.test/m", "x.test/m/v2", ("x.test/m", "x.test/m/v2")),
        ("sub/a", "x.test/m/sub/a", "x.test/m/sub/v2/a", ("x.test/m/sub", "x.test/m/sub/v2")),
        ("sub/a", "x.test/m/sub/a", "y.test/m/sub/a", ("x.test/m", "y.test/m")),
        ("a", "x.test/m/a", "x.test/more/m/a", ("x.test/m", "x.test/more/m")),
        ("deep/down/below/a", "m/a", "m/a", ("", "")),
    ],
)
def test_a_renaming_is_what_the_packages_own_paths_differ_in(
    directory: str, old: str, new: str, renamed: tuple[str, str]
) -> None:
    assert renaming(source(old, directory), source(new, directory)) == renamed


def test_a_reason_is_one_line_without_our_directories(tmp_path: Path) -> None:
    said = f"# example.test/a [example.test/a.test]\n{tmp_path}/good/a/a_test.go:3:1: undefined: x\nmore\n"
    assert reason_of(said, None, tmp_path) == "a_test.go:3:1: undefined: x"
    assert reason_of("", None, tmp_path) == "no reason given"


def test_packages_are_found_by_their_benchmarks_in_whatever_module(tmp_path: Path) -> None:
    files = {
        "a/a_test.go": BENCHMARK,
        "nested/go.mod": GO_MOD,
        "nested/b/b_test.go": BENCHMARK,
        "root_test.go": BENCHMARK,
        "vendor/v/v_test.go": BENCHMARK,
        ".hidden/h_test.go": BENCHMARK,
        "c/c_test.go": BENCHMARK.replace("Fill", "Other"),
    }
    assert packages_declaring(write(tmp_path, files), "Fill") == (".", "./a", "./nested/b")


# -- built --------------------------------------------------------------------------------------------------------


@pytest.mark.go
def test_without_go_mod_until_the_middle_it_is_built_below_gopath(
    git_repository: Repository, context_for: ContextFor
) -> None:
    """With its own packages, a vendored one, an external test package, and the module's path afterwards."""
    module = "example.test/own"
    code = USER.format(module=module).replace('import "', 'import _ "example.test/vendored"\nimport "')
    first = {
        "a/a.go": code,
        "a/a_test.go": OUTSIDE.format(module=module),
        "dep/dep.go": DEP,
        "vendor/example.test/vendored/v.go": "package vendored\n",
    }
    root = history(
        git_repository,
        first,
        {"README.md": "words"},
        {"dep/dep.go": DEP.replace("2 *", "3 *")},
        {
            "go.mod": f"module {module}\n\ngo 1.21\n",
            "a/a.go": USER.format(module=module),
            "vendor/example.test/vendored/v.go": None,
        },
    )
    with builds_of(context_for(root)) as builds:
        assert letters(builds) == "aabc"
        assert builds.linked == 3
        assert all(runs(builds.at(place)) for place in range(4))
        assert builds.directory.name == "a" and "gopath" not in str(builds.directory)
        digest = builds.at(0).digest
        builds._known.clear()
        builds._free.clear()
        assert builds.at(0).digest == digest, "it does not depend on where it is built"


@pytest.mark.go
def test_without_go_mod_an_import_that_is_not_there_is_named(
    git_repository: Repository, context_for: ContextFor
) -> None:
    broken = CODE.replace("package a\n", 'package a\n\nimport _ "github.test/some/thing"\n')
    root = history(
        git_repository, BASE, {"go.mod": None, "a/a.go": broken}, {"go.mod": GO_MOD, "a/a.go": FASTER}
    )
    with builds_of(context_for(root)) as builds:
        assert letters(builds) == "a-b"
        lacks = 'there is no go.mod, and "github.test/some/thing" is neither its own nor vendored'
        assert builds.at(1).reason == f"does not build: {lacks}"


@pytest.mark.go
def test_a_target_below_the_root_and_a_nested_module_are_built(
    git_repository: Repository, context_for: ContextFor
) -> None:
    first = {
        "go.mod": "module example.test/root\n",
        "services/one/nested/go.mod": GO_MOD,
        "services/one/nested/a/a.go": CODE,
        "services/one/nested/a/a_test.go": BENCHMARK,
    }
    root = history(
        git_repository,
        first,
        {"services/one/README": "words", "main.go": "package main\n"},
        {"services/one/nested/a/a.go": FASTER},
    )
    context = context_for(root / "services" / "one")
    with builds_of(context, "./nested/a") as builds:
        assert letters(builds) == "aab"
        assert builds.relative == Path("nested/a")
        assert runs(builds.at(2))
        with builds.checked_out(2) as directory:
            assert (directory / "nested" / "a" / "a.go").is_file()


@pytest.mark.go
def test_a_module_that_gets_another_path_keeps_its_benchmark(
    git_repository: Repository, context_for: ContextFor
) -> None:
    """The held files import the package by its path of then."""

    def named(module: str) -> dict[str, str]:
        return {
            "go.mod": f"module {module}\n\ngo 1.21\n",
            "a/a.go": USER.format(module=module),
            "a/a_test.go": OUTSIDE.format(module=module),
        }

    root = history(
        git_repository,
        {**named("example.test/old"), "dep/dep.go": DEP},
        named("example.test/old/v2"),
        {
            **named("other.test/new"),
            "a/a_test.go": OUTSIDE.format(module="other.test/new").replace("64", "65"),
        },
    )
    with builds_of(context_for(root)) as builds:
        assert letters(builds) == "abc"
        assert builds.held == "good"
        assert all(runs(builds.at(place)) for place in range(3))


@pytest.mark.go
def test_build_tags_choose_the_benchmark_and_its_code(
    git_repository: Repository, context_for: ContextFor
) -> None:
    first = {**BASE, "a/a_test.go": f"//go:build slow\n\n{BENCHMARK}"}
    root = history(
        git_repository,
        first,
        {"a/more.go": "//go:build slow\n\npackage a\n\nvar x int = y\n"},
        {"a/more.go": "package a\n"},
    )
    with builds_of(context_for(root, Target(tags="slow"))) as builds:
        assert letters(builds)[1] == "-"
        assert "more.go:5:13: undefined: y" in builds.at(1).reason
        assert builds.names == ("BenchmarkFill",)


@pytest.mark.go
@pytest.mark.parametrize(
    ("go_mod", "reason"),
    [
        (GO_MOD.replace("1.21", "1.99"), "its go.mod wants Go 1.99, and this is go"),
        (
            f"{GO_MOD}\nrequire example.test/dep v0.0.0\n\nreplace example.test/dep => /home/someone/dep\n",
            "go.mod replaces example.test/dep by /home/someone/dep, which is not here",
        ),
        (
            f"{GO_MOD}\nrequire example.test/dep v0.0.0\n\nreplace example.test/dep v0.0.0 => ../dep\n",
            "go.mod replaces example.test/dep by ../dep, which is not here",
        ),
        ("module example.test/target\n\nnonsense here\n", "unknown directive"),
    ],
    ids=["a newer Go", "somebody's home", "beside the repository", "nonsense"],
)
def test_a_commit_whose_go_mod_does_not_do_here_says_why(
    go_mod: str, reason: str, git_repository: Repository, context_for: ContextFor
) -> None:
    uses = CODE.replace("package a\n", 'package a\n\nimport _ "example.test/dep"\n')
    root = history(
        git_repository, BASE, {"go.mod": go_mod, "a/a.go": uses}, {"go.mod": GO_MOD, "a/a.go": FASTER}
    )
    with builds_of(context_for(root)) as builds:
        assert letters(builds) == "a-b"
        assert reason in builds.at(1).reason
        assert str(root.parent) not in builds.at(1).reason


def with_proxy(context: Context, place: Path) -> Context:
    """Go that has example.test/dep v1.0.0 from a directory, and nothing from elsewhere."""
    versions = place / "proxy" / "example.test" / "dep" / "@v"
    module = "module example.test/dep\n\ngo 1.21\n"
    write(versions, {"list": "v1.0.0\n", "v1.0.0.info": '{"Version": "v1.0.0"}', "v1.0.0.mod": module})
    with zipfile.ZipFile(versions / "v1.0.0.zip", "w") as archive:
        archive.writestr("example.test/dep@v1.0.0/go.mod", module)
        archive.writestr("example.test/dep@v1.0.0/dep.go", DEP)
    own = {
        "GOPROXY": (place / "proxy").as_uri(),
        "GOSUMDB": "off",
        "GOMODCACHE": str(place / "modules"),
        "GOFLAGS": "-modcacherw",
    }
    environment = {**context.go.build_environment, **own}
    return replace(context, go=replace(context.go, build_environment=environment))


REQUIRES = f"{GO_MOD}\nrequire example.test/dep v1.0.0\n"
USES = USER.format(module="example.test")


@pytest.mark.go
def test_a_missing_go_sum_is_made_in_a_copy_and_told(
    git_repository: Repository, context_for: ContextFor, tmp_path: Path
) -> None:
    first = {"go.mod": REQUIRES, "a/a.go": USES, "a/a_test.go": BENCHMARK}
    root = history(
        git_repository,
        first,
        {"a/a.go": USES.replace("Twice(n)", "Twice(n+1)")},
        {"a/a.go": CODE, "go.mod": GO_MOD},
    )
    with builds_of(with_proxy(context_for(root), tmp_path)) as builds:
        assert letters(builds) == "abc"
        assert builds.notes == ("2 built with -mod=mod in a copy: their go.mod and go.sum are incomplete",)
        assert list(builds._scratch.rglob("go.sum")) == [], "another commit would be built with it"
    assert not (root / "go.sum").exists()


@pytest.mark.go
def test_vendored_modules_need_nothing_from_elsewhere(
    git_repository: Repository, context_for: ContextFor
) -> None:
    """Of before Go 1.14 too, whose go.mod does not say by itself that they are to be used."""
    first = {
        "go.mod": REQUIRES.replace("1.21", "1.13"),
        "a/a.go": USES,
        "a/a_test.go": BENCHMARK,
        "vendor/example.test/dep/dep.go": DEP,
        "vendor/modules.txt": "# example.test/dep v1.0.0\n## explicit; go 1.21\nexample.test/dep\n",
    }
    root = history(
        git_repository,
        first,
        {"go.mod": REQUIRES},
        {"vendor/example.test/dep/dep.go": DEP.replace("2 *", "3 *")},
    )
    context = context_for(root, options=Options(bench="Fill"))
    offline = {**context.go.build_environment, "GOPROXY": "off", "GOMODCACHE": str(root.parent / "none")}
    with builds_of(replace(context, go=replace(context.go, build_environment=offline))) as builds:
        assert "-" not in letters(builds)
        assert builds.at(1).digest != builds.at(2).digest
        assert builds.notes == ()
