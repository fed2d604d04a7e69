"""The pixels of the regions of a cut: of each itself, its rim and its ring, as lists and not as maps.

Only the widening of the label map runs over the whole window; all that is measured afterwards touches no pixel that
belongs to no region.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.raster import BoolArray
from models.candidates import Regions
from models.runs import Runs, set_positions

Values = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """Pixels that belong to one region each, and means over them.

    Parameters
    ----------
    at : int64 (pixel,)
        Position in the flattened window, ascending.
    label : int64 (pixel,)
        Region, from 0.
    count : int
        Number of regions.
    """

    at: Integers
    label: Integers
    count: int

    @cached_property
    def n(self) -> Values:
        """Pixels of each region."""
        return np.bincount(self.label, minlength=self.count).astype(np.float64)

    @cached_property
    def _divisor(self) -> Values:
        out: Values = np.maximum(self.n, 1)
        return out

    def take(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Values (pixel,) of a plane (row, col)."""
        return np.ravel(plane).take(self.at)

    def mean_of(self, values: NDArray[Any]) -> Values:
        """Mean over each region of values (pixel,); 0 for an empty one."""
        out: Values = np.bincount(self.label, values, minlength=self.count) / self._divisor
        return out

    def spread_of(self, values: NDArray[Any]) -> Values:
        """Standard deviation over each region of values (pixel,)."""
        wide = values.astype(np.float64)
        out: Values = np.sqrt(np.maximum(self.mean_of(wide * wide) - self.mean_of(wide) ** 2, 0))
        return out

    def max_of(self, values: NDArray[Any]) -> Values:
        """Largest of values (pixel,) that are not negative over each region; 0 for an empty one."""
        out = np.zeros(self.count)
        if len(values):
            order, first = self._by_region
            out[self.n > 0] = np.maximum.reduceat(values[order], first)
        return out

    @cached_property
    def _by_region(self) -> tuple[Integers, Integers]:
        order = np.argsort(self.label, kind="stable")
        return order, (np.cumsum(self.n) - self.n).astype(np.int64)[self.n > 0]

    def mean(self, plane: NDArray[Any]) -> Values:
        """Mean of a plane (row, col) over each region."""
        return self.mean_of(self.take(plane))


@dataclass(frozen=True, kw_only=True, eq=False)
class Footprints:
    """Pixels of and around each region of a cut.

    Where neighbourhoods overlap, a pixel goes to the region that begins last in raster order.

    Parameters
    ----------
    runs : Runs
        The regions themselves.
    at : int64 (pixel,)
        Every pixel of a region or its ring, as position in the flattened window.
    around, near, inside : int64 (pixel,)
        Region whose ring, whose next neighbours and whose inner pixels reach here; -1 for none.
    usable : bool (pixel,)
    beyond : bool (pixel,)
        Next to no region.
    """

    runs: Runs
    at: Integers
    around: Integers
    near: Integers
    inside: Integers
    usable: BoolArray
    beyond: BoolArray

    @cached_property
    def body(self) -> Pool:
        """The regions themselves."""
        at, owner = self.runs.pixels()
        return Pool(at=at, label=owner, count=self.runs.count)

    @cached_property
    def core(self) -> Pool:
        """The regions less their outermost pixels."""
        return self._pool(self.inside, self.inside >= 0)

    @cached_property
    def close(self) -> Pool:
        """The regions with the pixels next to them."""
        return self._pool(self.near, self.near >= 0)

    @cached_property
    def rim(self) -> Pool:
        """`close` without `core`."""
        return self._pool(self.near, (self.near >= 0) & (self.inside < 0))

    @cached_property
    def whole(self) -> Pool:
        """The regions with their rings, usable pixels only."""
        return self._pool(self.around, self.usable & (self.around >= 0))

    @cached_property
    def ring(self) -> Pool:
        """Usable pixels beyond `close`, up to the ring's width."""
        return self._pool(self.around, self.usable & self.beyond & (self.around >= 0))

    def _pool(self, owner: Integers, member: BoolArray) -> Pool:
        return Pool(at=self.at[member], label=owner[member], count=self.runs.count)

    def only(self, chosen: Integers) -> "Footprints":
        """Those of the regions at the given positions, numbered anew; what neighbours had stays theirs."""
        number = np.full(self.runs.count + 1, -1, np.int64)  # the last stands for none
        number[chosen] = np.arange(len(chosen))
        around, near, inside = number[self.around], number[self.near], number[self.inside]
        kept = (around >= 0) | (near >= 0)
        return Footprints(
            runs=self.runs.only(chosen), at=self.at[kept], around=around[kept], near=near[kept], inside=inside[kept],
            usable=self.usable[kept], beyond=self.beyond[kept],
        )  # fmt: skip


def footprints(regions: Regions, valid: BoolArray, ring_px: int) -> Footprints:
    """Measure out every region of a cut.

    Parameters
    ----------
    regions : Regions
    valid : bool (row, col)
    ring_px : int
        Width of the ring, which begins one pixel beyond the region.
    """
    labels = regions.painted()
    side = 2 * (ring_px + 1) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    square = np.ones((3, 3), np.uint8)
    wide = np.zeros(-(-labels.size // 8) * 8, labels.dtype)
    cv2.dilate(labels, disc, wide[: labels.size].reshape(labels.shape))
    at = set_positions(wide)
    near = _numbers(cv2.dilate(labels, square), at)
    return Footprints(
        runs=regions.runs, at=at, around=_numbers(wide, at), near=near, inside=_numbers(cv2.erode(labels, square), at),
        usable=valid.ravel()[at], beyond=near < 0,
    )  # fmt: skip


def _numbers(labels: NDArray[Any], at: Integers) -> Integers:
    out = labels.ravel().take(at).astype(np.int64)
    out -= 1
    return out
