"""Work: instructions an operation of each benchmark, counted on both sides and hardly disturbed by a busy machine."""

from perf.work.counting import Asked, Counted, Journal, Limits, OneSide, count

__all__ = ["Asked", "Counted", "Journal", "Limits", "OneSide", "count"]
