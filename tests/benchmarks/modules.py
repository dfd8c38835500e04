"""Small Go packages; the benchmarks of ODD do what a benchmark should not, and are chosen by name in each test."""

from __future__ import annotations

from pathlib import Path

GO_MOD = "module example.test/odd\n\ngo 1.21\n"

GOOD = """package good

import "testing"

func BenchmarkSum(b *testing.B) {
	for i := 0; i < b.N; i++ {
	}
	b.ReportMetric(2, "widgets")
}
"""

ODD = """package odd

import (
	"fmt"
	"math"
	"os"
	"testing"
	"time"
)

func spend(b *testing.B) {
	for i := 0; i < b.N; i++ {
	}
}

func BenchmarkBefore(b *testing.B) { spend(b) }

func BenchmarkPanics(b *testing.B) {
	var nothing map[string]int
	nothing["x"] = 1
}

func BenchmarkPanicsElsewhere(b *testing.B) {
	go func() { panic("in a goroutine") }()
	time.Sleep(time.Hour)
}

func BenchmarkHangs(b *testing.B) { time.Sleep(time.Hour) }

func BenchmarkHangsInside(b *testing.B) {
	b.Run("fine", spend)
	b.Run("stuck", func(b *testing.B) {
		time.Sleep(time.Hour)
	})
}

func BenchmarkFails(b *testing.B) { b.Fatal("no luck") }

func BenchmarkSkips(b *testing.B) { b.Skip("not on this machine") }

func BenchmarkExitsWell(b *testing.B) { os.Exit(0) }

func BenchmarkExitsBadly(b *testing.B) { os.Exit(3) }

func BenchmarkGarbles(b *testing.B) {
	fmt.Println("BenchmarkGarbled-2 \\t 12 \\t abc ns/op")
	spend(b)
}

func BenchmarkLogs(b *testing.B) {
	fmt.Println("a line of a log")
	fmt.Print("half a line")
	spend(b)
}

func BenchmarkNoNumber(b *testing.B) {
	spend(b)
	b.ReportMetric(math.NaN(), "ratio")
}

func BenchmarkTellsEnvironment(b *testing.B) {
	directory, _ := os.Getwd()
	fmt.Println("directory:", directory, "environment:", os.Environ())
	spend(b)
}

func BenchmarkZLast(b *testing.B) { spend(b) }
"""

BROKEN = """package broken

import "testing"

func BenchmarkNever(b *testing.B) { undefined() }
"""

# A TestMain that never runs what it should: exit 0, and nothing measured.
IDLE = """package idle

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(0) }

func BenchmarkNever(b *testing.B) {}
"""

TAGGED = """//go:build slow

package tagged

import "testing"

func BenchmarkTagged(b *testing.B) {}
"""

PLAIN = """package plain

import "testing"

func TestOnly(t *testing.T) {}

func Benchmarking(b *testing.B) {}
"""


def odd_line(code: str) -> str:
    """Where `code` first stands in ODD, as a problem's position tells it."""
    return f"odd/odd_test.go:{ODD[: ODD.index(code)].count(chr(10)) + 1}"


def write_module(root: Path, files: dict[str, str]) -> Path:
    for name, text in {"go.mod": GO_MOD, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root
