"""Room for objects: even ground, free of what is labelled, not too close to each other."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.raster import BoolArray, FloatArray

Box = tuple[float, float, float, float]


def free_ground(shape: tuple[int, int], taken: Sequence[Box], *, margin_px: float) -> BoolArray:
    """Pixels farther than a margin from every box and from the edge, bool (row, col)."""
    free = np.ones(shape, np.uint8)
    free[0, :] = free[-1, :] = free[:, 0] = free[:, -1] = 0
    for col0, row0, col1, row1 in taken:
        rows = slice(max(0, int(np.floor(row0))), max(0, int(np.ceil(row1))))
        free[rows, max(0, int(np.floor(col0))) : max(0, int(np.ceil(col1)))] = 0
    out: BoolArray = cv2.distanceTransform(free, cv2.DIST_L2, 5) > margin_px
    return out


def even_ground(images: Sequence[FloatArray], *, side_px: int, share: float = 0.5) -> BoolArray:
    """Pixels whose neighbourhood is among the more even ones on every date, and neither shadow nor glare.

    Parameters
    ----------
    images : sequence of float32 (row, col, band)
        Dates, on one grid.
    side_px : int
        Of the neighbourhood.
    share : float
        Share of the image that counts as even on one date.
    """
    even = np.ones(images[0].shape[:2], np.bool_)
    for image in images:
        grey = image.mean(axis=2)
        mean = cv2.blur(grey, (side_px, side_px))
        spread = np.sqrt(np.maximum(cv2.blur(grey * grey, (side_px, side_px)) - mean * mean, 0))
        low, high = np.percentile(mean, (10, 97))
        even &= (spread <= np.quantile(spread, share)) & (mean > low) & (mean < high)
    return even


def scattered(
    allowed: BoolArray, count: int, *, apart_px: float, rng: np.random.Generator
) -> NDArray[np.int_]:
    """At most `count` pixels (col, row) drawn from `allowed`, at least `apart_px` from each other, int (n, 2)."""
    rows, cols = np.nonzero(allowed)
    chosen: list[tuple[int, int]] = []
    for index in rng.permutation(len(rows))[: 400 * max(count, 1)]:
        col, row = int(cols[index]), int(rows[index])
        if all((col - c) ** 2 + (row - r) ** 2 >= apart_px**2 for c, r in chosen):
            chosen.append((col, row))
            if len(chosen) == count:
                break
    return np.array(chosen, np.int_).reshape(-1, 2)
