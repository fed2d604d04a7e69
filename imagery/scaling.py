"""Scale and offset of reflectance, decided from metadata and pixels.

Since processing baseline 04.00 (January 2022) Sentinel-2 numbers carry +1000. Some archives take it off again and
say so, some take it off and still state the offset, some say they did and did not. Either mistake shifts surface
reflectance by 0.1, more than most changes, so the darkest pixels are asked as well: water, shadow and dense
vegetation reflect 0-0.05, which reads as 0-500 without and 1000-1500 with the addition.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imagery.scene import Scene

ADDED = 1000
"""What baseline 04.00 adds to every number."""

FIRST_BASELINE_WITH_OFFSET = (4, 0)

Finding = Literal["added", "not_added", "inconclusive"]

_LOW_PERCENTILE = 0.5
_MIN_PIXELS = 2_000
_DARK_BELOW = 700.0
"""With +1000 this would be a reflectance under -0.03 for one pixel in 200, which does not happen."""
_FLOOR = (900.0, 1_500.0)
"""Where the darkest pixels of a scene lie when +1000 was added."""
_MIN_FLOOR_BANDS = 2


@dataclass(frozen=True, kw_only=True)
class OffsetDecision:
    """Whether a scene's numbers still carry the Sentinel-2 addition.

    Parameters
    ----------
    added : bool
        True: 1000 is taken off.
    metadata, pixels : {"added", "not_added", "inconclusive"}
        What either of them says.
    metadata_text, pixels_text : str
        Their evidence in words.
    """

    added: bool
    metadata: Finding
    pixels: Finding
    metadata_text: str
    pixels_text: str

    @property
    def contradiction(self) -> bool:
        """Whether pixels overruled the metadata."""
        return {self.metadata, self.pixels} == {"added", "not_added"}

    @property
    def text(self) -> str:
        """One sentence for notes and reports."""
        decided = "1000 is taken off" if self.added else "nothing is taken off"
        if self.contradiction:
            why = "the pixels are believed"
        elif self.pixels == "inconclusive":
            why = "the metadata is followed"
        else:
            why = "both agree" if self.metadata == self.pixels else "decided from the pixels"
        return f"metadata: {self.metadata_text}; pixels: {self.pixels_text}; {why}: {decided}"


def is_sentinel2(scene: Scene) -> bool:
    """Whether a scene is Sentinel-2 surface reflectance stored as whole numbers."""
    name = f"{scene.collection} {scene.platform}".lower()
    return "sentinel-2" in name and scene.quantity == "reflectance"


def decide_offset(
    numbers: Mapping[str, NDArray[Any]],
    *,
    baseline: str | None,
    offset_applied: bool | None,
    stated_offset: float | None,
) -> OffsetDecision:
    """Decide from what the metadata says and from the darkest pixels; pixels win where they are clear.

    Parameters
    ----------
    numbers : mapping of band name to array
        Unscaled numbers of valid pixels (no nodata), any shape; a sample is enough.
    baseline : str or None
        Processing baseline ("05.09").
    offset_applied : bool or None
        Whether the archive says that it has taken the addition off already.
    stated_offset : float or None
        Offset of the metadata, in reflectance (-0.1).
    """
    metadata, metadata_text = _from_metadata(baseline, offset_applied, stated_offset)
    pixels, pixels_text = _from_pixels(numbers)
    believed = metadata if pixels == "inconclusive" else pixels
    return OffsetDecision(
        added=believed == "added",
        metadata=metadata,
        pixels=pixels,
        metadata_text=metadata_text,
        pixels_text=pixels_text,
    )


def _from_metadata(baseline: str | None, applied: bool | None, stated: float | None) -> tuple[Finding, str]:
    """Precedence: "already applied" > processing baseline > stated offset."""
    says = [
        f"baseline {baseline}" if baseline else "no baseline",
        {True: "offset already applied", False: "offset not applied", None: "nothing on applying"}[applied],
        f"offset {stated:g} stated" if stated is not None else "no offset stated",
    ]
    text = ", ".join(says)
    if applied is True:
        return "not_added", text
    version = _version(baseline)
    if version is not None:
        return ("added" if version >= FIRST_BASELINE_WITH_OFFSET else "not_added"), text
    if stated is not None:
        return ("added" if stated < 0 else "not_added"), text
    return "inconclusive", text


def _version(baseline: str | None) -> tuple[int, ...] | None:
    try:
        return tuple(int(part) for part in baseline.split(".")) if baseline else None
    except ValueError:
        return None


def _from_pixels(numbers: Mapping[str, NDArray[Any]]) -> tuple[Finding, str]:
    lows = {
        band: float(np.percentile(values, _LOW_PERCENTILE))
        for band, values in numbers.items()
        if values.size >= _MIN_PIXELS
    }
    if not lows:
        return "inconclusive", "too few valid pixels to tell"
    darkest = min(lows, key=lambda band: lows[band])
    text = f"darkest {_LOW_PERCENTILE:g} % of {darkest} below {lows[darkest]:.0f}"
    if lows[darkest] < _DARK_BELOW:
        return "not_added", text
    # Desert is this bright in blue alone; shadow and water are in every band.
    on_floor = [band for band, low in lows.items() if _FLOOR[0] <= low <= _FLOOR[1]]
    if lows[darkest] >= _FLOOR[0] and len(on_floor) >= _MIN_FLOOR_BANDS:
        return "added", f"{text}, {len(on_floor)} bands start near {ADDED}"
    return "inconclusive", f"{text}, nothing dark enough to tell"
