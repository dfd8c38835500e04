"""The only doors to the outside: processes, git, Go, host, HTTP, files, clock, terminal."""
