"""A Go module that gets slower in several ways at once, in one of three commits; the other two touch other lines."""

from __future__ import annotations

from typing import Final

_MOD = "module example.test/planted\n\ngo 1.21\n"
_TEST = """package planted

import "testing"

var (
	data = make([]byte, 4096)
	sink int
)

func BenchmarkSum(b *testing.B) {
	for i := 0; i < b.N; i++ {
		sink += Sum(data)
	}
}

func BenchmarkNames(b *testing.B) {
	for i := 0; i < b.N; i++ {
		sink += len(Names(20))
	}
}

func BenchmarkFetch(b *testing.B) {
	b.Run("one", func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			Fetch()
		}
	})
}

func BenchmarkPoll(b *testing.B) {
	for i := 0; i < b.N; i++ {
		Poll()
	}
}
"""
_BASE = """package planted

import (
	"strings"
	"sync"
	"time"
)

func Sum(data []byte) int {
	total := 0
	for _, each := range data {
		total += weigh(each)
	}
	return total
}

func weigh(b byte) int {
	return int(b) * 3
}

func Names(count int) []string {
	names := make([]string, 0, count)
	for i := 0; i < count; i++ {
		names = append(names, label(i))
	}
	return names
}

func label(i int) string {
	return "a label that is long"[:i]
}

func Fetch() {
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		answer()
	}()
	group.Wait()
}

func Poll() {
	<-time.After(time.Millisecond)
}

func answer() {
	time.Sleep(time.Millisecond)
}

var _ = strings.Repeat
"""
_DOCUMENTED = _BASE.replace("func Sum", "// Sum weighs all of the data.\nfunc Sum")
_PLANTED = (
    _DOCUMENTED.replace("int(b) * 3", "int(b)%7 + int(b)%11 + int(b)*3")
    .replace('return "a label that is long"[:i]', 'return strings.Repeat("x", 32+i)')
    .replace("(time.Millisecond)", "(2 * time.Millisecond)")
)
_AFTER = f"{_PLANTED}\nfunc unused() int {{ return 1 }}\n"

# One mapping a commit; "commit 2" makes everything slower.
COMMITS: Final = (
    {"sub/go.mod": _MOD, "sub/planted.go": _BASE, "sub/planted_test.go": _TEST},
    {"sub/planted.go": _DOCUMENTED},
    {"sub/planted.go": _PLANTED},
    {"sub/planted.go": _AFTER},
)
CULPRIT: Final = "commit 2"
