"""Tiles: the unit of comparing, reporting and review.

A tile is a block of its site's fixed grid. It is compared together with a halo wide enough to hold the largest
object that is looked for, and an object belongs to the tile that holds its centroid, so that an object across a
seam is found once and the result does not depend on where the seams are.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagery.raster import Window

TILE_PX = 512
"""Usual side of a tile."""

WHOLE_PX = 2600
"""A grid with no longer side than this is computed in one piece: a little over a gigabyte at the most."""

BLOCK_TILES = 3
"""Tiles per side of the blocks that a larger grid is computed in."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One block of a grid.

    Parameters
    ----------
    id : str
        ``r<row>c<col>`` of the block, zero-padded; sorts in reading order.
    core : Window
        The pixels that belong to this tile alone, inside the grid.
    halo_px : int
        Pixels read around the core on every side.
    """

    id: str
    core: Window
    halo_px: int

    @property
    def window(self) -> Window:
        """Core with halo; reaches beyond the grid at its edges."""
        return self.core.grown(self.halo_px)

    def owns(self, row: float, col: float) -> bool:
        """Whether a centroid at (`row`, `col`) of the full grid belongs to this tile."""
        return bool(self.own(np.array(row), np.array(col)))

    def own(self, rows: NDArray[Any], cols: NDArray[Any]) -> NDArray[np.bool_]:
        """The same of several centroids."""
        core = self.core
        out: NDArray[np.bool_] = (
            (rows >= core.row0) & (rows < core.row1) & (cols >= core.col0) & (cols < core.col1)
        )
        return out


def tiles(shape: tuple[int, int], *, size_px: int, halo_px: int) -> Iterator[Tile]:
    """Cut a grid of `shape` (rows, cols) into tiles of `size_px`, the last row and column smaller.

    Yields
    ------
    Tile
        In reading order; cores cover the grid without overlap.
    """
    if size_px < 1 or halo_px < 0:
        raise ValueError(f"size_px must be positive and halo_px not negative, got {size_px} and {halo_px}")
    rows, cols = shape
    for i, row0 in enumerate(range(0, rows, size_px)):
        for j, col0 in enumerate(range(0, cols, size_px)):
            core = Window(
                row0=row0, col0=col0, row1=min(row0 + size_px, rows), col1=min(col0 + size_px, cols)
            )
            yield Tile(id=f"r{i:02d}c{j:02d}", core=core, halo_px=halo_px)


def even_side_px(shape: tuple[int, int]) -> int:
    """Tile side near `TILE_PX` that cuts a grid of `shape` without slivers at its far edges."""
    side = max(shape)
    return math.ceil(side / max(1, round(side / TILE_PX)))


def blocks(cut: Sequence[Tile]) -> list[tuple[Tile, ...]]:
    """Group neighbouring tiles that are best computed together, because their halos overlap.

    A grid of up to `WHOLE_PX` a side is one block, a larger one falls into blocks of `BLOCK_TILES` x `BLOCK_TILES`.
    """
    if not cut:
        return []
    rows, cols = max(t.core.row1 for t in cut), max(t.core.col1 for t in cut)
    if max(rows, cols) <= WHOLE_PX:
        return [tuple(cut)]
    side = BLOCK_TILES * max(max(t.core.shape) for t in cut)
    groups: dict[tuple[int, int], list[Tile]] = {}
    for tile in cut:
        groups.setdefault((tile.core.row0 // side, tile.core.col0 // side), []).append(tile)
    return [tuple(group) for group in groups.values()]


def enclosing(cut: Sequence[Tile]) -> Window:
    """The smallest window that holds the tiles with their halos; reaches beyond the grid at its edges."""
    windows = [tile.window for tile in cut]
    return Window(
        row0=min(w.row0 for w in windows),
        col0=min(w.col0 for w in windows),
        row1=max(w.row1 for w in windows),
        col1=max(w.col1 for w in windows),
    )
