"""Tiles: the unit of comparing, reporting and review.

A tile is a block of its site's fixed grid. It is compared together with a halo wide enough to hold the largest
object that is looked for, and an object belongs to the tile that holds its centroid, so that an object across a
seam is found once and the result does not depend on where the seams are.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from imagery.raster import Window


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
        return self.core.row0 <= row < self.core.row1 and self.core.col0 <= col < self.core.col1


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


def default_size_px(gsd_m: float) -> int:
    """Tile side for a ground sample distance: 512 px, 1024 below one metre, where a halo for a 160 m ship
    would otherwise outweigh the tile itself.
    """
    return 1024 if gsd_m < 1.0 else 512
