"""Connected regions as horizontal runs of pixels: what is costly is then the regions and not the image.

A run is a stretch of set pixels in one row, kept by its first and one past its last position in the flattened image.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs:
    """Runs in raster order, each belonging to one region.

    Parameters
    ----------
    start, stop : int64 (run,)
        Half-open, in the flattened image.
    owner : int64 (run,)
        Number of the region, from 0; regions are numbered by their first pixel in raster order.
    count : int
        Number of regions.
    """

    start: Integers
    stop: Integers
    owner: Integers
    count: int

    def only(self, chosen: Integers) -> "Runs":
        """The regions at the given positions (ascending), numbered anew."""
        number = np.full(self.count, -1, np.int64)
        number[chosen] = np.arange(len(chosen))
        owner = number[self.owner]
        kept = owner >= 0
        return Runs(start=self.start[kept], stop=self.stop[kept], owner=owner[kept], count=len(chosen))

    def pixels(self) -> tuple[Integers, Integers]:
        """Position in the flattened image and region of every pixel, in raster order."""
        length = self.stop - self.start
        first = np.cumsum(length) - length
        at = np.arange(int(length.sum())) + np.repeat(self.start - first, length)
        return at, np.repeat(self.owner, length)

    def measured(self, width: int) -> tuple[Integers, Integers]:
        """Area (region,) and box (region, 4) as col0, row0, col1, row1 in an image of `width` columns."""
        area = np.bincount(self.owner, self.stop - self.start, minlength=self.count).astype(np.int64)
        if not self.count:
            return area, np.zeros((0, 4), np.int64)
        order = np.argsort(self.owner, kind="stable")
        first = np.searchsorted(self.owner[order], np.arange(self.count))
        row = self.start[order] // width
        left, right = self.start[order] - row * width, self.stop[order] - row * width
        box = [
            np.minimum.reduceat(left, first), np.minimum.reduceat(row, first),
            np.maximum.reduceat(right, first), np.maximum.reduceat(row, first) + 1,
        ]  # fmt: skip
        return area, np.column_stack(box)


def runs_of(mask: NDArray[np.uint8]) -> Runs:
    """The 8-connected regions of a mask of zeros and other values, uint8 (row, col)."""
    cols = mask.shape[1]
    # A column of zeros keeps the last run of a row from the first of the next.
    guarded = cv2.copyMakeBorder(mask, 0, 0, 0, 1, cv2.BORDER_CONSTANT, value=0).ravel()
    changes = np.zeros(-(-len(guarded) // 8) * 8, np.bool_)
    np.not_equal(guarded[1:], guarded[:-1], out=changes[1 : len(guarded)])
    changes[0] = guarded[0] != 0
    edges = set_positions(changes)
    start, stop = edges[0::2], edges[1::2]
    owner, count = _linked(start, stop, cols + 1)
    # From positions in the guarded image to those in the image.
    row = start // (cols + 1)
    return Runs(start=start - row, stop=stop - row, owner=owner, count=count)


def set_positions(flat: NDArray[Any]) -> Integers:
    """Positions of the elements that are not zero, looked for eight bytes at a time.

    Parameters
    ----------
    flat : (n,)
        Contiguous, of any type of up to eight bytes; its bytes fill whole groups of eight.
    """
    per_word = 8 // flat.itemsize
    words = np.flatnonzero(flat.view(np.uint64))
    group, place = np.nonzero(flat.reshape(-1, per_word)[words])
    out: Integers = words[group] * per_word + place
    return out


def _linked(start: Integers, stop: Integers, stride: int) -> tuple[Integers, int]:
    """Region of every run: runs of neighbouring rows that touch, corners included, are of one region."""
    first = np.searchsorted(stop, start + stride - 1, side="right")
    last = np.searchsorted(start, stop + stride, side="right")
    links = np.maximum(last - first, 0)
    ends = np.concatenate([[0], np.cumsum(links)])
    below = np.arange(ends[-1]) + np.repeat(first - ends[:-1], links)
    graph = csr_array((np.ones(len(below), np.int8), below, ends), shape=(len(start), len(start)))
    count, owner = connected_components(graph, directed=False)
    return owner.astype(np.int64), int(count)
