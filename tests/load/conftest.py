"""The stand-in replicator and its registries."""

from tests.fakes.fixtures import real_registry, replicating_context, standing

__all__ = ["real_registry", "replicating_context", "standing"]
