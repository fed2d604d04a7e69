"""A second, dearer look at the regions that the first one did not rule out.

What it adds: whether both dates show the same pattern at other brightness, how closed the outline is, whether one
region holds several objects, and how the region stands in a wider neighbourhood. Measures are symmetric in time, as
in `models.features`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.raster import BoolArray, FloatArray
from models.evidence import ChangeEvidence
from models.features import Measured, Surroundings
from models.footprints import Footprints, Pool

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
    """Maps over a window that the second look of every cut shares.

    Parameters
    ----------
    middle, wide : two float32 (row, col)
        Mean of a neighbourhood of `MIDDLE_M` and `WIDE_M`, before and after.
    peaks : bool (row, col)
    spots, near : float32 (row, col)
    """

    middle: tuple[FloatArray, FloatArray]
    wide: tuple[FloatArray, FloatArray]
    peaks: BoolArray
    spots: FloatArray
    near: FloatArray


def views(evidence: ChangeEvidence, around: Surroundings, spots: FloatArray, gsd_m: float) -> Views:
    """Everything the second look needs of a window; `spots` of any kind as in `models.candidates.spot_maps`."""
    one, two = around.means
    even = np.minimum(evidence.strength, np.float32(20.0))
    smooth = cv2.GaussianBlur(even, (0, 0), max(0.7, 0.7 / gsd_m), dst=even)
    return Views(
        middle=(_blurred(one, MIDDLE_M, gsd_m), _blurred(two, MIDDLE_M, gsd_m)),
        wide=(_blurred(one, WIDE_M, gsd_m), _blurred(two, WIDE_M, gsd_m)),
        peaks=(smooth >= cv2.dilate(smooth, np.ones((5, 5), np.uint8))) & (smooth > 2.4), spots=spots,
        near=_blurred(around.changed.astype(np.float32), NEAR_M, gsd_m),
    )  # fmt: skip


def _blurred(image: FloatArray, side_m: float, gsd_m: float) -> FloatArray:
    side = max(3, int(side_m / gsd_m)) | 1
    out: FloatArray = cv2.blur(image, (side, side), borderType=cv2.BORDER_REFLECT)
    return out


def look_again(
    measured: Measured, feet: Footprints, evidence: ChangeEvidence, around: Surroundings, seen: Views, gsd_m: float
) -> Values:  # fmt: skip
    """Further measures of regions, float64 (region, measure) as in `NAMES`.

    Parameters
    ----------
    measured : Measured
    feet : Footprints
        Of the same regions.
    evidence : ChangeEvidence
    around : Surroundings
    seen : Views
    gsd_m : float
    """
    body, close, rim = feet.body, feet.close, feet.rim
    late = measured.kind > 0

    def dates(before: Values, after: Values) -> tuple[Values, Values]:
        return np.where(late, after, before), np.where(late, before, after)

    def stand_out(levels: tuple[FloatArray, FloatArray]) -> tuple[Values, Values]:
        one, two = (body.mean_of(tone - body.take(level)) for tone, level in zip(tones, levels, strict=True))
        return dates(one, two)

    tones = [body.take(mean) for mean in around.means]
    strength = body.mean(evidence.strength)
    peaks = body.mean(seen.peaks) * body.n
    outline = [rim.mean_of(edges > EDGE) for edges in around.edges(rim)]
    inner = [feet.core.mean_of(edges) for edges in around.edges(feet.core)]
    (ax, ay), (bx, by) = ([close.take(slope) for slope in slopes] for slopes in around.slopes)
    both, first, second = (
        close.mean_of(product) for product in (ax * bx + ay * by, ax**2 + ay**2, bx**2 + by**2)
    )
    columns = [
        *dates(*outline),
        _correlation(feet.whole, around.means),
        both / (np.sqrt(first * second) + 2.0),
        _correlation(feet.ring, around.means),
        peaks,
        body.n * gsd_m**2 / np.maximum(peaks, 0.5),
        *stand_out(seen.middle),
        *stand_out(seen.wide),
        *dates(body.mean_of(tones[0]), body.mean_of(tones[1])),
        body.mean(seen.near),
        strength,
        strength / (feet.ring.mean(evidence.strength) + 1.0),
        rim.n / np.sqrt(np.maximum(body.n, 1.0)),
        *dates(*inner),
        body.mean(seen.spots),
    ]
    return np.column_stack(columns)


def _correlation(pool: Pool, dates: tuple[FloatArray, FloatArray]) -> Values:
    """Of both dates over each region: near 1 where the pattern stayed, whatever the light."""
    a, b = (pool.take(date) for date in dates)
    mean_a, mean_b = pool.mean_of(a), pool.mean_of(b)
    cross, square_a, square_b = (pool.mean_of(product) for product in (a * b, a * a, b * b))
    spread = np.maximum(square_a - mean_a**2, 0.0) * np.maximum(square_b - mean_b**2, 0.0)
    out: Values = (cross - mean_a * mean_b) / (np.sqrt(spread) + 4.0)
    return out
