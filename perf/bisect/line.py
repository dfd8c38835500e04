"""The range that is searched: commits by their places, and which of them a culprit would make bad. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

GOOD: Final = 0
"""The place of the good end."""


@dataclass(frozen=True, slots=True)
class Line:
    """Places 0 (the good end) to `size` (the bad end), each after all its parents; any but 0 may be the culprit.

    `parents` holds the places of each place's parents that lie in the range, where history is no simple line: place k
    is bad if the culprit is k or one of its ancestors.
    """

    size: int
    parents: tuple[tuple[int, ...], ...] = ()

    @property
    def bad(self) -> int:
        """The place of the bad end."""
        return self.size

    def before(self, place: int) -> int:
        """The place before this one: along the line, else its first parent; the good end has none before it."""
        if not self.parents:
            return max(GOOD, place - 1)
        return self.parents[place][0] if self.parents[place] else GOOD

    def made_bad_by(self, places: Sequence[int] | Numbers) -> Bools:
        """A row for each of `places`: whether culprit 1, 2, … `size` makes it bad."""
        if not self.parents:
            after: Bools = np.asarray(places)[:, None] >= np.arange(1, self.size + 1)
            return after
        return _ancestors(self.parents)[np.asarray(places), 1:]

    def told_apart_by(self, places: Sequence[int] | Numbers) -> tuple[Numbers, Numbers]:
        """Which culprits values of `places` tell apart: the first culprit of each kind, and the kind of 1 … `size`."""
        if not self.parents:
            kinds: NDArray[Any] = np.searchsorted(np.sort(np.asarray(places)), np.arange(1, self.size + 1))
        else:
            packed = np.ascontiguousarray(np.packbits(self.made_bad_by(places), axis=0).T)
            kinds = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
        _, first, kind = np.unique(kinds, return_index=True, return_inverse=True)
        return first + 1, kind

    def chance_bad(self, culprits: Floats) -> Floats:
        """How likely each place is bad, given how likely each of 1 … `size` is the culprit; or by columns of such."""
        if not self.parents:
            return np.concatenate([np.zeros((1, *culprits.shape[1:])), np.cumsum(culprits, axis=0)])
        return np.asarray(_ancestors(self.parents)[:, 1:] @ culprits)


@lru_cache(maxsize=2)
def _ancestors(parents: tuple[tuple[int, ...], ...]) -> Bools:
    """Whether the culprit (column) is the place (row) or one of its ancestors."""
    reached = np.eye(len(parents), dtype=np.bool_)
    for place, of in enumerate(parents):
        for parent in of:
            reached[place] |= reached[parent]
    reached.flags.writeable = False
    return reached
