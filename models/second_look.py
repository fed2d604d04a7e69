"""A second, dearer look at the regions that the first one did not rule out.

What it adds: whether both dates show the same pattern at other brightness, how closed the outline is, whether one
region holds several objects, and how the region stands in a wider neighbourhood. Measures are symmetric in time, as
in `models.features`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.raster import FloatArray
from models.candidates import Regions, SearchLimits, spots
from models.evidence import ChangeEvidence
from models.features import Measured, Pool, Surroundings, compact, dilated

Values = NDArray[np.float64]

NAMES = (
    "closed_present", "closed_absent", "sameness", "gradient_sameness", "ring_sameness", "peaks", "area_per_peak",
    "stand_out_present", "stand_out_absent", "wide_stand_out_present", "wide_stand_out_absent",
    "tone_present", "tone_absent", "clutter_near", "strength_mean", "isolation", "compactness",
    "inner_edge_present", "inner_edge_absent", "spot",
)  # fmt: skip
"""Names of the columns, in order."""

NEAR_M, MIDDLE_M, WIDE_M = 10.0, 16.0, 60.0
"""Sides of the neighbourhoods that a region is compared with."""

EDGE = 8.0
"""Working units per pixel from which the rim of a region counts as an outline."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Views:
    """Maps over a window that the second look of every cut shares; float32 (row, col)."""

    outline_before: FloatArray
    outline_after: FloatArray
    middle_before: FloatArray
    middle_after: FloatArray
    wide_before: FloatArray
    wide_after: FloatArray
    slopes: tuple[FloatArray, FloatArray, FloatArray]
    products: tuple[FloatArray, FloatArray, FloatArray]
    strength: FloatArray
    peaks: FloatArray
    spots: FloatArray
    near: FloatArray


def views(evidence: ChangeEvidence, around: Surroundings, limits: SearchLimits, gsd_m: float) -> Views:
    """Everything the second look needs of a window."""
    a, b = around.mean_before, around.mean_after
    strength = np.hypot(evidence.brightness, evidence.colour)
    wide = [_stand_out(image, side, gsd_m) for side in (MIDDLE_M, WIDE_M) for image in (a, b)]
    (ax, ay), (bx, by) = _slopes(a), _slopes(b)
    smooth = cv2.GaussianBlur(np.minimum(strength, 20.0), (0, 0), max(0.7, 0.7 / gsd_m))
    peaks = (smooth >= cv2.dilate(smooth, np.ones((5, 5), np.uint8))) & (smooth > 2.4)
    return Views(
        outline_before=(around.edges_before > EDGE).astype(np.float32),
        outline_after=(around.edges_after > EDGE).astype(np.float32),
        middle_before=wide[0], middle_after=wide[1], wide_before=wide[2], wide_after=wide[3],
        slopes=(ax * bx + ay * by, ax**2 + ay**2, bx**2 + by**2), products=(a * b, a * a, b * b),
        strength=strength, peaks=peaks.astype(np.float32), spots=spots(strength, limits),
        near=cv2.blur(around.changed.astype(np.float32), _odd(NEAR_M / gsd_m), borderType=cv2.BORDER_REFLECT),
    )  # fmt: skip


def _odd(side_px: float) -> tuple[int, int]:
    side = max(3, int(side_px)) | 1
    return side, side


def _stand_out(image: FloatArray, side_m: float, gsd_m: float) -> FloatArray:
    out: FloatArray = image - cv2.blur(image, _odd(side_m / gsd_m), borderType=cv2.BORDER_REFLECT)
    return out


def _slopes(image: FloatArray) -> tuple[FloatArray, FloatArray]:
    return cv2.Sobel(image, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(image, cv2.CV_32F, 0, 1, scale=0.25)


def look_again(
    regions: Regions, measured: Measured, evidence: ChangeEvidence, around: Surroundings, seen: Views,
    limits: SearchLimits, gsd_m: float,
) -> Values:  # fmt: skip
    """Further measures of every region of a cut, float64 (region, measure) as in `NAMES`."""
    count = regions.count
    labels = compact(regions.labels, count)
    gap = dilated(labels, 3)
    wide = dilated(labels, 2 * (limits.ring_px + 1) + 1)
    inside = cv2.erode(labels, np.ones((3, 3), np.uint8)) > 0
    body = Pool(labels, labels > 0, count)
    core = Pool(labels, inside, count)
    close = Pool(gap, gap > 0, count)
    rim = Pool(gap, (gap > 0) & ~inside, count)
    whole = Pool(wide, (wide > 0) & evidence.valid, count)
    ring = Pool(wide, (wide > 0) & (gap == 0) & evidence.valid, count)
    late = measured.kind > 0

    def dates(
        mean: Callable[[FloatArray], Values], before: FloatArray, after: FloatArray
    ) -> tuple[Values, Values]:
        one, two = mean(before), mean(after)
        return np.where(late, two, one), np.where(late, one, two)

    a, b = around.mean_before, around.mean_after
    strength = body.mean(seen.strength)
    peaks = body.mean(seen.peaks) * body.n
    both, first, second = (close.mean(slope) for slope in seen.slopes)
    columns = [
        *dates(rim.mean, seen.outline_before, seen.outline_after),
        _correlation(whole, a, b, seen.products),
        both / (np.sqrt(first * second) + 2.0),
        _correlation(ring, a, b, seen.products),
        peaks,
        body.n * gsd_m**2 / np.maximum(peaks, 0.5),
        *dates(body.mean, seen.middle_before, seen.middle_after),
        *dates(body.mean, seen.wide_before, seen.wide_after),
        *dates(body.mean, a, b),
        body.mean(seen.near),
        strength,
        strength / (ring.mean(seen.strength) + 1.0),
        rim.n / np.sqrt(np.maximum(body.n, 1.0)),
        *dates(core.mean, around.edges_before, around.edges_after),
        body.mean(seen.spots),
    ]
    return np.column_stack(columns)


def _correlation(
    pool: Pool, a: FloatArray, b: FloatArray, products: tuple[FloatArray, FloatArray, FloatArray]
) -> Values:
    """Of both dates over each region: near 1 where the pattern stayed, whatever the light."""
    mean_a, mean_b = pool.mean(a), pool.mean(b)
    cross, square_a, square_b = (pool.mean(product) for product in products)
    spread = np.maximum(square_a - mean_a**2, 0.0) * np.maximum(square_b - mean_b**2, 0.0)
    out: Values = (cross - mean_a * mean_b) / (np.sqrt(spread) + 4.0)
    return out
