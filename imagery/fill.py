"""Black borders of images that state no nodata value: places that were never imaged.

A delivery cut to a rectangle is padded with black. Lossy compression makes the padding not quite zero and frays its
edge, so neither a nodata value nor a test for zero finds it, and everything along the edge would look changed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, label

from imagery.raster import BoolArray, Window
from imagery.tile import tiles

BLOCK_PX = 8
"""Padding is looked for in blocks of this size, that of JPEG."""

DARKEST = 6
"""Largest 8-bit number that compressed padding takes."""

MIN_BLOCKS = 48
"""Smaller dark patches at the border are shadows or water."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fill:
    """Where an image is padding.

    Parameters
    ----------
    blocks : bool (block row, block col)
        True = padding, or next to it.
    """

    blocks: BoolArray

    @property
    def share(self) -> float:
        """Share of the image."""
        return float(self.blocks.mean())

    def at(self, window: Window) -> BoolArray:
        """Padding over a window inside the image, bool (row, col)."""
        rows = np.arange(window.row0, window.row1) // BLOCK_PX
        cols = np.arange(window.col0, window.col1) // BLOCK_PX
        out: BoolArray = self.blocks[np.ix_(rows, cols)]
        return out


def border_fill(numbers: Callable[[Window], NDArray[Any]], shape: tuple[int, int]) -> Fill | None:
    """Find black padding along the border of an 8-bit image.

    Parameters
    ----------
    numbers : callable
        Gives the numbers of a window, (band, row, col).
    shape : tuple of int
        Rows, columns of the image.

    Returns
    -------
    Fill or None
        None where there is none.
    """
    blocks = tuple(-(-n // BLOCK_PX) for n in shape)
    dark = np.zeros(blocks, np.bool_)
    for tile in tiles(shape, size_px=128 * BLOCK_PX, halo_px=0):
        core = tile.core
        brightest = numbers(core).max(axis=0)
        height, width = (-(-n // BLOCK_PX) * BLOCK_PX for n in core.shape)
        padded = np.pad(brightest, ((0, height - core.shape[0]), (0, width - core.shape[1])), mode="edge")
        peak = padded.reshape(height // BLOCK_PX, BLOCK_PX, width // BLOCK_PX, BLOCK_PX).max(axis=(1, 3))
        row, col = core.row0 // BLOCK_PX, core.col0 // BLOCK_PX
        dark[row : row + peak.shape[0], col : col + peak.shape[1]] = peak <= DARKEST
    patches, count = label(dark)
    if not count:
        return None
    edge = np.unique(np.concatenate([patches[0], patches[-1], patches[:, 0], patches[:, -1]]))
    sizes = np.bincount(patches.ravel(), minlength=count + 1)
    chosen = [i for i in edge if i and sizes[i] >= MIN_BLOCKS]
    if not chosen:
        return None
    # The frayed edge lies in the blocks next to the padding.
    return Fill(blocks=binary_dilation(np.isin(patches, chosen), np.ones((3, 3)), iterations=1))
