"""Real registries: two of ours, in processes or containers, or two that stand already; a client; what they saw."""
