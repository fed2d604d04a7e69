"""A picture that outlines are painted on with soft edges."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from imagery.raster import FloatArray
from imagery.simulate.thing import Points

_FINE = 4
_LARGE_PX = 500
_SHIFT_BITS = 4
_STILL_M = 0.03

Box = tuple[slice, slice]


@dataclass(frozen=True, kw_only=True, eq=False)
class Canvas:
    """Pixels and where they lie.

    Parameters
    ----------
    west_m, north_m : float
        Of the upper left corner, in the plan's metres.
    pixel_m : float
    image : float32 (row, col, band)
        Reflectance; painted on in place.
    """

    west_m: float
    north_m: float
    pixel_m: float
    image: FloatArray

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols)."""
        return self.image.shape[0], self.image.shape[1]

    def pixels(self, outline: Points) -> Points:
        """Column and row positions of an outline; whole numbers are pixel corners."""
        return (outline - (self.west_m, self.north_m)) * (1 / self.pixel_m, -1 / self.pixel_m)

    def coverage(self, outlines: Sequence[Points]) -> tuple[Box, FloatArray] | None:
        """How much of each pixel the union of some outlines covers, 0-1, in the box around them; None outside."""
        joined = self.pixels(np.concatenate(outlines))
        low = np.maximum(np.floor(joined.min(0)).astype(int), 0)
        high = np.minimum(np.ceil(joined.max(0)).astype(int) + 1, self.shape[::-1])
        if (high <= low).any():
            return None
        cols, rows = int(high[0] - low[0]), int(high[1] - low[1])
        fine = _FINE if max(cols, rows) < _LARGE_PX else 2
        mask = np.zeros((rows * fine, cols * fine), np.uint8)
        # OpenCV counts from pixel centres, corners lie half a pixel before them.
        corners = np.rint((joined - low) * (fine * 2**_SHIFT_BITS) - 2 ** (_SHIFT_BITS - 1)).astype(np.int32)
        first = 0
        for outline in outlines:
            last = first + len(outline)
            cv2.fillPoly(mask, [corners[first:last]], 255, shift=_SHIFT_BITS)
            first = last
        small = cv2.resize(mask, (cols, rows), interpolation=cv2.INTER_AREA)
        box = slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
        return box, small.astype(np.float32) * np.float32(1 / 255)

    def paint(self, outlines: Sequence[Points], colour: Sequence[float], opacity: float = 1.0) -> None:
        """Cover the union of some outlines with a colour (one value per band)."""
        covered = self.coverage(outlines)
        if covered is not None:
            box, alpha = covered
            window = self.image[box]
            window += (alpha * np.float32(opacity))[..., None] * (np.asarray(colour, np.float32) - window)


def swept(outline: Points, first: Points, last: Points) -> list[Points]:
    """Outlines whose union is what an outline covers as it slides from one offset to another."""
    start, end = outline + first, outline + last
    if abs(first[0] - last[0]) + abs(first[1] - last[1]) < _STILL_M:
        return [start]
    following = [*range(1, len(outline)), 0]
    sides = np.stack([start, start[following], end[following], end], axis=1)
    return [start, end, *sides]
