"""Benchmarks: build test binaries, run them, parse the Go benchmark format."""
