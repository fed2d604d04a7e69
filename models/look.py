"""A look at one place on three dates: does the latest resemble the middle one or the first?

A change was found between *before* and *after*. What *later* shows there is measured by its distance from either, in
units of the distance between them: near 0 from *after* means that what was found still holds, near 0 from *before*
that it does not. Anything between, or far from both, says nothing.
"""

from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from scipy.ndimage import binary_dilation

from imagery.raster import BoolArray, FloatArray, Sensor

Sight = Literal["as_after", "as_before", "unclear", "not_observed"]

MIN_SEEN = 0.8
"""Share of the place that must be usable on the later date; less of an object may be another object."""

NEAR = 0.6
"""Largest distance from a date that still counts as resembling it, in units of the change itself."""

CLEARLY = 1.5
"""How much further away the other date must be."""

SLACK_PX = 1
"""Misregistration between dates of several pairs: the nearest fit within so many pixels counts, for both dates."""

_MIN_GROUND_PX = 30
_DARKEST = 1e-5


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a later date shows at the place of a change.

    Parameters
    ----------
    sight : {"as_after", "as_before", "unclear", "not_observed"}
    seen : float
        Share of the place usable on the later date, 0-1.
    from_after, from_before : float or None
        Root-mean-square distance of the later date from each, in units of that between them; None where nothing
        could be measured.
    """

    sight: Sight
    seen: float
    from_after: float | None = None
    from_before: float | None = None


NOT_OBSERVED = Look(sight="not_observed", seen=0.0)


def look(
    before: FloatArray,
    after: FloatArray,
    later: FloatArray,
    *,
    valid: BoolArray,
    later_valid: BoolArray,
    place: BoolArray,
    sensor: Sensor,
) -> Look:
    """Compare three dates at one place.

    Parameters
    ----------
    before, after, later : float32 (band, row, col)
        The same bands on the same grid, with some ground around the place.
    valid : bool (row, col)
        Usable on both dates of the change.
    later_valid : bool (row, col)
        Usable on the later date.
    place : bool (row, col)
        The pixels of the object.
    sensor : {"optical", "sar"}

    Returns
    -------
    Look
    """
    inside = place & valid
    seen = float((inside & later_valid).sum() / max(1, inside.sum()))
    if seen < MIN_SEEN or not inside.any():
        return Look(sight="not_observed", seen=seen)
    ground = valid & later_valid & ~binary_dilation(place, iterations=2)
    if ground.sum() < _MIN_GROUND_PX:
        return Look(sight="unclear", seen=seen)
    first, second, third = (_working(image, sensor) for image in (before, after, later))
    first, third = (_levelled(image, second, ground, sensor) for image in (first, third))
    pixels = inside & later_valid
    change = _distance(second, first, pixels)
    if change <= 0:
        return Look(sight="unclear", seen=seen)
    from_after = _nearest(third, second, pixels, later_valid) / change
    from_before = _nearest(third, first, pixels, later_valid) / change
    return Look(
        sight=_sight(from_after, from_before), seen=seen, from_after=from_after, from_before=from_before
    )


def _sight(from_after: float, from_before: float) -> Sight:
    if from_after <= NEAR and from_before >= CLEARLY * from_after:
        return "as_after"
    if from_before <= NEAR and from_after >= CLEARLY * from_before:
        return "as_before"
    return "unclear"


def _working(image: FloatArray, sensor: Sensor) -> FloatArray:
    """Numbers whose differences mean the same everywhere: decibels for radar."""
    if sensor == "optical":
        return image
    decibels: FloatArray = (10.0 * np.log10(np.maximum(image, _DARKEST))).astype(np.float32)
    return decibels


def _levelled(image: FloatArray, reference: FloatArray, ground: BoolArray, sensor: Sensor) -> FloatArray:
    """The image with the brightness that the reference has on the ground around the place, band by band."""
    mine, theirs = (np.median(pixels[:, ground], axis=1) for pixels in (image, reference))
    if sensor == "sar":
        shifted: FloatArray = image + (theirs - mine).astype(np.float32)[:, None, None]
        return shifted
    gain = np.where((mine > 0) & (theirs > 0), theirs / np.where(mine > 0, mine, 1.0), 1.0)
    scaled: FloatArray = image * gain.clip(0.5, 2.0).astype(np.float32)[:, None, None]
    return scaled


def _distance(one: FloatArray, other: FloatArray, pixels: BoolArray) -> float:
    return float(np.sqrt(np.mean((one[:, pixels] - other[:, pixels]) ** 2)))


def _nearest(later: FloatArray, date: FloatArray, pixels: BoolArray, later_valid: BoolArray) -> float:
    """Least distance over small shifts of the later date; shifts that bring in unusable pixels do not count."""
    found = []
    for offset in product(range(-SLACK_PX, SLACK_PX + 1), repeat=2):
        if np.roll(later_valid, offset, axis=(0, 1))[pixels].all():
            found.append(_distance(np.roll(later, offset, axis=(1, 2)), date, pixels))
    return min(found, default=_distance(later, date, pixels))
