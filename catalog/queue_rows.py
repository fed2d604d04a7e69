"""All entries of the queue as columns of numbers, for whoever counts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class QueueRows:
    """Entries as they were at one moment, in no order that means anything.

    Parameters
    ----------
    subjects : sequence of str
    codes : mapping of column to int32 (entry,)
        Which of its `known` values each entry has.
    known : mapping of column to sequence
        Values by code.
    scores : float64 (entry,)
        NaN where there is none.
    """

    subjects: Sequence[str]
    codes: Mapping[str, NDArray[np.int32]]
    known: Mapping[str, Sequence[Any]]
    scores: NDArray[np.float64]

    def among(self, column: str, *values: Any) -> Mask:
        """Entries that have one of some values."""
        asked = set(values)
        wanted = [code for code, value in enumerate(self.known[column]) if value in asked]
        found: Mask = np.isin(self.codes[column], wanted)
        return found

    def column(self, name: str, rows: NDArray[np.intp]) -> list[Any]:
        """Values of a column."""
        known = self.known[name]
        return [known[code] for code in self.codes[name][rows]]

    def differ(self, column: str, other: str) -> Mask:
        """Entries whose values in two columns are not the same."""
        place = {value: code for code, value in enumerate(self.known[other])}
        same = np.array([place.get(value, -1) for value in self.known[column]] or [-1], np.int32)
        found: Mask = same[self.codes[column]] != self.codes[other]
        return found
