"""The target's own integration tests, run against two real registries."""
