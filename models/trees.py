"""Boosted symmetric trees: every level of a tree asks one question, so that a tree is a small table.

A tree of depth d holds d (feature, threshold) pairs and 2**d values; the answers, as bits, index the table. That keeps
a scorer readable as JSON, quick to evaluate over arrays, and hard to overfit on few labels (Prokhorenkova et al. 2018,
CatBoost, arXiv:1706.09516).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Tree:
    """One symmetric tree.

    Parameters
    ----------
    features : int64 (depth,)
        Column that each level looks at.
    thresholds : float64 (depth,)
        A row goes to the upper half where its value is larger.
    values : float64 (2**depth,)
        What the tree adds to the log odds; the first level is the highest bit.
    """

    features: NDArray[np.int64]
    thresholds: Values
    values: Values

    def __post_init__(self) -> None:
        if len(self.thresholds) != len(self.features) or len(self.values) != 2 ** len(self.features):
            raise ValueError(
                f"a tree of {len(self.features)} levels needs as many thresholds and {2 ** len(self.features)} "
                f"values, got {len(self.thresholds)} and {len(self.values)}"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Forest:
    """A sum of trees.

    Parameters
    ----------
    start : float
        Log odds before the first tree.
    trees : tuple of Tree
    """

    start: float
    trees: tuple[Tree, ...]

    def log_odds(self, features: Values) -> Values:
        """Log odds, float64 (row,), from float64 (row, feature)."""
        total = np.full(len(features), self.start)
        columns = np.ascontiguousarray(features.T)
        for tree in self.trees:
            total += tree.values[leaves(tree, columns)]
        return total

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        trees = [[t.features.tolist(), t.thresholds.tolist(), t.values.tolist()] for t in self.trees]
        return {"start": self.start, "trees": trees}

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "Forest":
        """Inverse of `as_dict`.

        Raises
        ------
        ValueError
            The numbers do not make trees.
        """
        return cls(start=float(d["start"]), trees=tuple(_tree(*entry) for entry in d["trees"]))


def _tree(features: Sequence[int], thresholds: Sequence[float], values: Sequence[float]) -> Tree:
    return Tree(
        features=np.array(features, np.int64), thresholds=np.array(thresholds, np.float64),
        values=np.array(values, np.float64),
    )  # fmt: skip


def leaves(tree: Tree, columns: Values) -> NDArray[np.int64]:
    """Which value of `tree` each row takes, from float64 (feature, row)."""
    index = np.zeros(columns.shape[1], np.int64)
    for feature, threshold in zip(tree.features, tree.thresholds, strict=True):
        index *= 2
        index += columns[feature] > threshold
    return index
