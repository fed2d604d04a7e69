"""A smooth quantity known at the nodes of a coarse lattice over a grid."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from imagery.raster import FloatArray, Window


@dataclass(frozen=True, kw_only=True, eq=False)
class Lattice:
    """Values at regular nodes, bilinear between them and constant beyond.

    Because nodes are fixed to the full grid, any window of it sees the same values.

    Parameters
    ----------
    nodes : float32 (lattice row, lattice col)
    step_px : float
        Spacing of nodes in pixels, the same for rows and columns.
    origin_px : float
        Row and column of node (0, 0), as pixel index (0 = centre of the first pixel).
    """

    nodes: FloatArray
    step_px: float
    origin_px: float = 0.0

    def at(self, window: Window) -> FloatArray:
        """Values over `window`, float32 (row, col)."""
        if self.nodes.shape == (1, 1):
            return np.full(window.shape, self.nodes[0, 0], np.float32)
        rows = (np.arange(window.row0, window.row1) - self.origin_px) / self.step_px
        cols = (np.arange(window.col0, window.col1) - self.origin_px) / self.step_px
        low_r, high_r, weight_r = _between(rows, self.nodes.shape[0])
        low_c, high_c, weight_c = _between(cols, self.nodes.shape[1])
        wide = self.nodes[:, low_c] * (1 - weight_c) + self.nodes[:, high_c] * weight_c
        out = np.empty(window.shape, np.float32)
        # Rows between the same two nodes at a time: no copy of either for each.
        ends = np.searchsorted(low_r, np.arange(len(self.nodes) + 1))
        for low, high in enumerate(high_r[np.minimum(ends[:-1], len(high_r) - 1)]):
            rows_here = slice(ends[low], ends[low + 1])
            np.multiply(weight_r[rows_here, None], wide[high] - wide[low], out=out[rows_here])
            out[rows_here] += wide[low]
        return out

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"nodes": self.nodes.tolist(), "step_px": self.step_px, "origin_px": self.origin_px}

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "Lattice":
        """Inverse of `as_dict`."""
        return cls(nodes=np.array(d["nodes"], np.float32), step_px=d["step_px"], origin_px=d["origin_px"])


def _between(
    positions: np.ndarray[Any, Any], count: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], FloatArray]:
    """Lower node, upper node and the upper one's weight for fractional positions."""
    inside = np.clip(positions, 0, count - 1)
    low = np.minimum(inside.astype(np.int64), max(count - 2, 0))
    high = np.minimum(low + 1, count - 1)
    return low, high, (inside - low).astype(np.float32)
