"""perf: a performance suite for Go container-registry replicators.

Data goes one way: perf.toml → Suite → plan → run → samples → verdicts → report.
docs/architecture.md draws it; the tree is its table of contents.
"""

__version__ = "0.1.0"
