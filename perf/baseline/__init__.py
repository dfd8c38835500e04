"""What was measured at a commit, kept by target, machine and full hash, in files that pyperf reads."""
