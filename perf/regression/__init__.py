"""Did the head get slower than the base: rounds of pairs, statistics, verdicts."""
