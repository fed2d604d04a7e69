"""Candidate regions: connected areas of evidence, from several maps and thresholds on purpose overlapping.

A real object seldom falls apart from its surroundings at one threshold: cutting several maps at several heights gives
a region that fits it among many that do not, and the scorer chooses.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.raster import BoolArray, FloatArray, Sensor
from models.evidence import ChangeEvidence
from models.runs import Runs, runs_of

MAPS = ("brighter", "darker", "colour", "both", "closed", "spots brighter", "spots darker", "spots")
"""Evidence maps that are cut, in order."""

SPOT_CEILING = 15.0
"""Sigmas above which evidence counts no more when spots are looked for."""


@dataclass(frozen=True, kw_only=True)
class SearchLimits:
    """What sizes are looked for at one ground sample distance.

    Parameters
    ----------
    thresholds : tuple of float
        Sigmas at which the maps are cut.
    spots : tuple of float
        Heights at which the maps of spots are cut; none where spots are not looked for.
    spot_px : tuple of float
        Standard deviations of the two Gaussians whose difference makes a spot stand out from its neighbours.
    min_area_px, max_area_px : int
    max_side_px : int
        Longest side of a region's bounding box; also the halo that tiles need.
    close_px : int
        Radius of the gap that the "closed" map bridges.
    ring_px : int
        Width of the ring that a region is compared with.
    context_px : int
        Side of the neighbourhood for clutter and shade.
    """

    thresholds: tuple[float, ...]
    spots: tuple[float, ...] = ()
    spot_px: tuple[float, float] = (1.0, 4.0)
    min_area_px: int
    max_area_px: int
    max_side_px: int
    close_px: int
    ring_px: int
    context_px: int


def search_limits(gsd_m: float, sensor: Sensor) -> SearchLimits:
    """Sizes to look for at a ground sample distance: vehicles to 160 m ships below 1 m, ships to 400 m above."""
    longest_m = 160.0 if gsd_m < 1.0 else 400.0
    side = int(np.ceil(longest_m / gsd_m))
    if sensor == "sar":
        return SearchLimits(
            thresholds=(3.0, 4.0, 5.0, 6.5, 10.0), min_area_px=2, max_area_px=side * side // 4, max_side_px=side,
            close_px=1, ring_px=2, context_px=15,
        )  # fmt: skip
    if gsd_m < 1.5:
        return SearchLimits(
            thresholds=(4.0, 5.6, 8.0, 13.0), spots=(1.0, 3.0), spot_px=(0.4 / gsd_m, 1.6 / gsd_m),
            min_area_px=max(4, round(1.5 / gsd_m**2)),
            max_area_px=side * side // 4,
            max_side_px=side, close_px=max(1, round(2.5 / gsd_m)), ring_px=3, context_px=61,
        )  # fmt: skip
    return SearchLimits(
        thresholds=(3.5, 6.0, 11.0), min_area_px=2 if gsd_m > 5 else 4, max_area_px=side * side // 4,
        max_side_px=side, close_px=1, ring_px=2, context_px=31,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Regions:
    """Candidate regions cut from one map at one threshold.

    Parameters
    ----------
    runs : Runs
        Their pixels.
    boxes : int64 (count, 4)
        col0, row0, col1, row1 of each, half-open, in the window.
    shape : tuple of int
        Rows and columns of the window.
    source : int
        Index into `MAPS`.
    threshold : float
    """

    runs: Runs
    boxes: NDArray[np.int64]
    shape: tuple[int, int]
    source: int
    threshold: float

    @property
    def count(self) -> int:
        """Number of regions."""
        return len(self.boxes)

    def painted(self) -> NDArray[Any]:
        """Label map (row, col): 0 = none, 1..count = region; the smallest type that image filters take.

        Made anew for each call: as large as the window, and seldom wanted twice.
        """
        kind = np.uint16 if self.count < np.iinfo(np.uint16).max else np.float32
        # Whole groups of eight bytes, see `models.runs.set_positions`.
        flat = np.zeros(-(-self.shape[0] * self.shape[1] // 8) * 8, kind)
        at, owner = self.runs.pixels()
        flat[at] = owner + 1
        return flat[: self.shape[0] * self.shape[1]].reshape(self.shape)

    def only(self, chosen: NDArray[np.int64]) -> "Regions":
        """The regions at the given positions (ascending), numbered anew."""
        return Regions(
            runs=self.runs.only(chosen), boxes=self.boxes[chosen], shape=self.shape, source=self.source,
            threshold=self.threshold,
        )  # fmt: skip


def cuts(
    evidence: ChangeEvidence, limits: SearchLimits, spotted: tuple[FloatArray, ...]
) -> list[Callable[[], Regions | None]]:
    """Every map at every threshold, as calls that do the cutting, so that few label maps exist at a time.

    Each call returns None where nothing of allowed size is found. Regions that touch the window's border at a side
    where the grid goes on may be cut off; a tile's halo is as wide as the longest region, so such a region is never
    one that the tile owns.

    Parameters
    ----------
    evidence : ChangeEvidence
    limits : SearchLimits
    spotted : tuple of float32 (row, col)
        As `spot_maps` gives them.
    """
    both = evidence.strength
    maps = (evidence.brightness, -evidence.brightness, evidence.colour, both, both)
    single_band = len(evidence.before) == 1
    found: list[Callable[[], Regions | None]] = [
        partial(_cut, values, evidence.valid, source, threshold, limits)
        for source, values in enumerate(maps)
        for threshold in limits.thresholds
        if not (single_band and MAPS[source] in ("colour", "both"))
    ]
    return found + [
        partial(_cut, values, evidence.valid, MAPS.index("spots brighter") + number, threshold, limits)
        for number, values in enumerate(spotted)
        for threshold in limits.spots
    ]


def spot_maps(evidence: ChangeEvidence, limits: SearchLimits) -> tuple[FloatArray, ...]:
    """Spots that became brighter, darker, or different in any way; none where spots are not looked for."""
    if not limits.spots:
        return ()
    maps = (evidence.brightness, -evidence.brightness, evidence.strength)
    return tuple(spots(values, limits) for values in maps)


def spots(values: FloatArray, limits: SearchLimits) -> FloatArray:
    """How far each place stands out from the evidence around it, which parts objects that stand side by side.

    Parameters
    ----------
    values : float32 (row, col)
        Evidence; what is negative does not count.
    limits : SearchLimits

    Returns
    -------
    float32 (row, col)
        Sigmas.
    """
    near, far = limits.spot_px
    # A few very strong pixels must not outshine the rest of their object.
    even = np.clip(values, 0.0, SPOT_CEILING)
    out: FloatArray = cv2.GaussianBlur(even, _kernel(near), near)
    out -= cv2.GaussianBlur(even, _kernel(far), far)
    return out


def _kernel(sigma_px: float) -> tuple[int, int]:
    side = 2 * int(np.ceil(3 * sigma_px)) + 1
    return side, side


def candidate_regions(
    evidence: ChangeEvidence, limits: SearchLimits, spotted: tuple[FloatArray, ...]
) -> Iterator[Regions]:
    """Regions of every cut, one cut after the other."""
    return (regions for cut in cuts(evidence, limits, spotted) if (regions := cut()) is not None)


def _cut(
    values: FloatArray, valid: BoolArray, source: int, threshold: float, limits: SearchLimits
) -> Regions | None:
    mask = np.greater(values, np.float32(threshold))
    mask &= valid
    cleaned = mask.view(np.uint8)
    if not MAPS[source].startswith("spots"):
        cleaned = _cleaned(cleaned, MAPS[source] == "closed", limits)
    runs = runs_of(cleaned)
    area, boxes = runs.measured(mask.shape[1])
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
    allowed = (area >= limits.min_area_px) & (area <= limits.max_area_px) & (sides <= limits.max_side_px)
    if not allowed.any():
        return None
    chosen = np.flatnonzero(allowed)
    return Regions(
        runs=runs.only(chosen), boxes=boxes[chosen], shape=mask.shape, source=source, threshold=threshold
    )


def _cleaned(mask: NDArray[np.uint8], closed: bool, limits: SearchLimits) -> NDArray[np.uint8]:
    """Bridge gaps and drop specks; coarse images keep every pixel."""
    if closed:
        side = 2 * limits.close_px + 1
        mask = cv2.morphologyEx(
            mask, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        )
    if limits.min_area_px >= 4:
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        # An even kernel has no middle: opposite anchors, or every region would move by a pixel.
        square = np.ones((2, 2), np.uint8)
        mask = cv2.dilate(cv2.erode(mask, square, anchor=(0, 0)), square, anchor=(1, 1))
    return mask
