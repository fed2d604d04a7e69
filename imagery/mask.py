"""Which pixels can be used: quality bands of providers to validity, and how much of a place is hidden.

Scene classifications call bright concrete, parked aircraft and containers cloud, and dark water cloud shadow: the
very places that are watched. So a class that hides pixels is believed by default only where it covers a large
connected area; real clouds do, aircraft do not.
"""

from collections.abc import Mapping
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.raster import BoolArray

QualityKind = Literal["scl", "udm2", "cloud"]

MIN_CLOUD_M2 = 100_000.0
"""Smaller connected "clouds" are more likely roofs, aprons or containers (a 600 m row of them is 12 m wide)."""

SCL_NO_DATA = frozenset({0, 1})
SCL_HIDDEN = frozenset({3, 8, 9, 10})
"""Cloud shadow, cloud of medium and high probability, cirrus (Sentinel-2 scene classification)."""

_UDM2_BANDS = 8
_UDM2_HIDDEN = (2, 4, 5)
"""Planes (from 0) of shadow, heavy haze, cloud in Planet's usable data mask 2."""
_UDM2_UNUSABLE = 7
_BLACKFILL = 1


def hidden(numbers: NDArray[Any], kind: QualityKind) -> tuple[BoolArray, BoolArray]:
    """What a quality band says, pixel by pixel.

    Parameters
    ----------
    numbers : integer (band, row, col)
        As stored. "scl": Sentinel-2 classes. "udm2": Planet's eight planes, or one plane with 1 = usable.
        "cloud": one plane, 0 = clear, anything else = cloud.
    kind : {"scl", "udm2", "cloud"}

    Returns
    -------
    cloud : bool (row, col)
        Cloud, cirrus or cloud shadow.
    no_data : bool (row, col)
        Not observed for another reason (outside the swath, saturated).
    """
    first = numbers[0]
    none = np.zeros(first.shape, np.bool_)
    if kind == "scl":
        return np.isin(first, list(SCL_HIDDEN)), np.isin(first, list(SCL_NO_DATA))
    if kind == "cloud":
        return first != 0, none
    if len(numbers) < _UDM2_BANDS:
        return first != 1, none
    cloud = (numbers[list(_UDM2_HIDDEN)] != 0).any(axis=0)
    return cloud, (numbers[_UDM2_UNUSABLE] & _BLACKFILL) != 0


def large_only(mask: BoolArray, *, pixel_m: float, min_area_m2: float = MIN_CLOUD_M2) -> BoolArray:
    """Connected parts (8 neighbours) of `mask` of at least `min_area_m2`; those at the rim stay.

    A part that the rim cuts off may be large outside, so it is believed.
    """
    if min_area_m2 <= 0 or not mask.any():
        return mask.copy()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] * pixel_m**2 >= min_area_m2
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    keep[np.unique(rim)] = True
    keep[0] = False
    return np.asarray(keep[:count][labels], np.bool_)


def erode(valid: BoolArray, radius_px: int) -> BoolArray:
    """`valid` without a rim of `radius_px` around what is invalid; beyond the array counts as valid."""
    if radius_px <= 0 or valid.all():
        return valid.copy()
    kernel = np.ones((2 * radius_px + 1, 2 * radius_px + 1), np.uint8)
    out = cv2.erode(valid.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    return np.asarray(out, np.bool_)


def fraction(mask: BoolArray, area: BoolArray | None = None) -> float:
    """Share of `area` (default: everything) where `mask` is True; NaN where the area is empty."""
    chosen = mask if area is None else mask[area]
    return float(chosen.mean()) if chosen.size else float("nan")


def fraction_by_zone(mask: BoolArray, zones: Mapping[str, BoolArray]) -> dict[str, float]:
    """`fraction` of each zone, given as bool (row, col) by zone id."""
    return {zone: fraction(mask, area) for zone, area in zones.items()}
