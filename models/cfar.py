"""Constant false-alarm rate tests of radar candidates: a target on one date only, and no streak or rim of another?

The two windows are laid around the region itself: a guard around its outline, then a ring of clutter. The clutter's
level and scatter are those of low order statistics, so that quays, other ships and land in the ring count for nothing
as long as two fifths of it are water (an ordered-statistic CFAR: Rohling 1983, doi:10.1109/TAES.1983.309350), and each
date has its own, so that a rough sea beside a calm one raises no alarm.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.raster import BoolArray, FloatArray
from models.candidates import Regions
from models.evidence import ChangeEvidence
from models.features import Measured
from models.radar import speckle_db

Values = NDArray[np.float64]

GUARD_PX = 3
"""Blurred rims of bright targets are no clutter."""

RING_PX = 14
"""Outer edge of the ring beyond the region's box. Guard and ring lie within the halo that every tile is read with."""

LEAST_RING_PX = 40

LEVEL_QUANTILE, LOW_QUANTILE = 0.4, 0.1
_SIGMAS_BETWEEN = 1.0283
"""Between those two quantiles of a normal variable."""

MIXED_DB = 3.0
"""Clutter that scatters more is water and land, or land of two kinds."""

STREAK_TILT_DEG = 20.0
"""Azimuth and range lie within 16 degrees of grid north and east between 60 degrees south and north."""

STREAK_REACH_PX = 4
"""Beyond an end of a thin region: where what it streaks from must be."""

ARM_PX = 10
"""Beyond a region, how far a streak that it is a piece of must go on."""

WORTH_A_LOOK_SIGMAS = 2.0
_TILTS_DEG = np.arange(-15.0, 16.0, 5.0)
_ARMS = np.deg2rad((np.arange(0.0, 360.0, 90.0)[:, None] + _TILTS_DEG).ravel())
_STEPS_PX = np.arange(1.5, ARM_PX + 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Contrasts:
    """What the two-window test finds at each region.

    Parameters
    ----------
    present_sigmas, absent_sigmas : float64 (region,)
        Median of the region above the clutter around it, in sigmas of a single pixel of that clutter, on the date on
        which it stands out more and on the other; NaN where too little clutter can be seen.
    present_db, absent_db : float64 (region,)
        The same in decibels.
    late : bool (region,)
        Whether it stands out more on the second date.
    rim : float64 (region,)
        Share of the pixels just around the region that cannot be seen, 0-1.
    streak : float64 (region,)
        Decibels by which what lies beyond an end of a thin region, in a direction of range or azimuth, is brighter
        than the region itself; minus infinity where it is not thin or lies in no such direction.
    arm : float64 (region,)
        The least change along the brightest straight continuation of the region in a direction of range or azimuth,
        as a share of the region's own contrast: near 0 for an object by itself, near 1 for a piece of a streak.
    mixed : bool (region,)
        Whether the clutter is of two kinds, so that its scatter says little and `MIXED_DB` stands for it.
    """

    present_sigmas: Values
    absent_sigmas: Values
    present_db: Values
    absent_db: Values
    late: BoolArray
    rim: Values
    streak: Values
    arm: Values
    mixed: BoolArray


def contrasts(regions: Regions, measured: Measured, evidence: ChangeEvidence, looks: float) -> Contrasts:
    """Test every region of a cut.

    Parameters
    ----------
    regions : Regions
    measured : Measured
        Of the same regions.
    evidence : ChangeEvidence
    looks : float
        Equivalent number of looks: clutter is never taken to be quieter than speckle.
    """
    dates = evidence.before.mean(axis=0), evidence.after.mean(axis=0)
    quiet = speckle_db(looks * len(evidence.before))
    labels = regions.painted()
    rows = [
        _contrast(i, labels, regions.boxes[i], measured, dates, evidence.valid, quiet)
        for i in range(regions.count)
    ]
    table = np.array(rows, np.float64).reshape(-1, 8)
    db, sigmas = table[:, :2], table[:, 2:4]
    late = db[:, 1] > db[:, 0]
    now, then = late.astype(int), 1 - late.astype(int)
    at = np.arange(len(table))
    return Contrasts(
        present_sigmas=sigmas[at, now], absent_sigmas=sigmas[at, then], present_db=db[at, now], absent_db=db[at, then],
        late=late, rim=table[:, 4], streak=table[:, 5],
        mixed=table[:, 6] > MIXED_DB, arm=table[:, 7],
    )  # fmt: skip


def _contrast(
    i: int,
    labels: NDArray[Any],
    box: NDArray[np.int64],
    measured: Measured,
    dates: tuple[FloatArray, FloatArray],
    valid: BoolArray,
    quiet: float,
) -> tuple[float, ...]:
    col0, row0, col1, row1 = (int(v) for v in box)
    reach = GUARD_PX + RING_PX
    top, left = max(0, row0 - reach), max(0, col0 - reach)
    window = np.s_[top : row1 + reach, left : col1 + reach]
    body = (labels[window] == i + 1).astype(np.uint8)
    seen = valid[window]
    near = cv2.dilate(body, np.ones((3, 3), np.uint8)) > body
    rim = 1.0 - float(seen[near].mean()) if near.any() else 1.0
    ring = (cv2.dilate(body, np.ones((2 * GUARD_PX + 1,) * 2, np.uint8)) == 0) & seen
    inside = body > 0
    db, sigmas, widest = [], [], 0.0
    for date in dates:
        values = date[window]
        if ring.sum() < LEAST_RING_PX:
            db.append(np.nan)
            sigmas.append(np.nan)
            continue
        low, level = np.quantile(values[ring], (LOW_QUANTILE, LEVEL_QUANTILE))
        db.append(float(np.median(values[inside]) - level))
        scatter = float(level - low) / _SIGMAS_BETWEEN
        widest = max(widest, scatter)
        sigmas.append(db[-1] / max(quiet, min(scatter, MIXED_DB)))
    late = int(db[1] > db[0])
    streak, arm = -np.inf, 0.0
    if sigmas[late] > WORTH_A_LOOK_SIGMAS:
        now, then = dates[late][window], dates[1 - late][window]
        streak = _streak(i, measured, (left, top), inside, now, seen)
        # Clutter level differs between dates; what is left is change against it.
        risen = np.where(seen, now - then - float(np.median((now - then)[ring])), 0.0)
        arm = _arm(inside, risen) / max(db[late], 1.0)
    return (*db, *sigmas, rim, streak, widest, arm)


def _streak(
    i: int,
    measured: Measured,
    corner: tuple[int, int],
    inside: BoolArray,
    values: FloatArray,
    seen: BoolArray,
) -> float:
    length, width = float(measured.length_px[i]), float(measured.width_px[i])
    angle = float(measured.orientation_deg[i]) % 90.0
    if length < 2.5 * width or min(angle, 90.0 - angle) > STREAK_TILT_DEG:
        return -np.inf
    direction = np.deg2rad(measured.orientation_deg[i])
    rows, cols = np.indices(inside.shape)
    col, row = measured.centroid[i] - np.array(corner) - 0.5
    along = (cols - col) * np.sin(direction) - (rows - row) * np.cos(direction)
    across = (cols - col) * np.cos(direction) + (rows - row) * np.sin(direction)
    beyond = (np.abs(along) > length / 2) & (np.abs(along) <= length / 2 + STREAK_REACH_PX)
    ends = beyond & (np.abs(across) <= width / 2 + 1) & seen & ~inside
    if not ends.any():
        return -np.inf
    return float(values[ends].max() - np.median(values[inside]))


def _arm(inside: BoolArray, risen: FloatArray) -> float:
    """Along every direction of a streak: the least rise beyond the region; the largest of these."""
    rows, cols = np.nonzero(inside)
    row, col = float(rows.mean()), float(cols.mean())
    direction = np.stack([-np.cos(_ARMS), np.sin(_ARMS)])
    end = (direction.T @ np.stack([rows - row, cols - col])).max(axis=1)
    at = np.array([row, col])[:, None, None] + direction[:, :, None] * (end[:, None] + _STEPS_PX)[None]
    near = np.rint(at).astype(np.int64)
    within = (near >= 0).all(axis=0) & (near[0] < inside.shape[0]) & (near[1] < inside.shape[1])
    values = risen[np.clip(near[0], 0, inside.shape[0] - 1), np.clip(near[1], 0, inside.shape[1] - 1)]
    return float(np.where(within, values, 0.0).min(axis=1).max())
