"""What images too coarse for objects can say of a vehicle park or a quay: that the zone as a whole changed, or not.

At 10 m a truck is a quarter of a pixel. What it does to one pixel is lost among what sun and season do to all of them,
but a park that fills or empties changes in many pixels at once. How much change is usual is taken from the same two
images: the outline of the zone is laid everywhere else around it, and only a zone that changed more than nearly all
other places of its form is called changed. Nothing is counted.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from imagery.grid import Area, zone_area
from imagery.raster import BoolArray, FloatArray, Window, gsd_m
from imagery.site import Site, Zone
from imagery.tile import Tile
from models.label import OBJECT_LIMIT_M

State = Literal["changed", "unchanged", "not_observed"]

PARKS = frozenset({
    "apron", "berth", "compound", "container_yard", "equipment_yard", "facility", "helicopter_area", "pier", "quay",
    "vehicle_park", "vehicle_staging",
})  # fmt: skip
"""Kinds of zone on which things are put down and taken away."""

COARSE_M = 5.0
"""Ground sample distance from which on zones are judged as wholes; below it objects are looked for."""

CHANGED_SIGMAS = 3.0
UNUSUAL = 0.02
"""Share of all other places that may have changed as much as a zone that is called changed."""

MIN_SEEN = 0.5
MIN_PIXELS = 4
MIN_PLACES = 50
"""Places that do not overlap, of which the scene must hold so many for a rank among them to mean anything."""

MAX_SIDE_PX = 1024
"""Zones that are longer or wider are not judged: ten kilometres at 10 m are not one quay or park."""

SURROUNDINGS_PX = 1024
"""How far around a zone other places are taken from; around a large one four times as many as `MIN_PLACES` asks for."""

MIN_PLACE_SEEN = 0.8
_BLOCK_PX = 1024

_USABLE, _BRIGHTER, _DARKER, _ZONE = np.uint8(1), np.uint8(2), np.uint8(4), np.uint8(8)
# A whole Sentinel-2 tile has 120 million pixels; what is asked of each fits into four bits.


@dataclass(frozen=True, kw_only=True)
class ZoneState:
    """What two dates say about one zone as a whole.

    Parameters
    ----------
    zone : str
        Its id.
    state : {"changed", "unchanged", "not_observed"}
        "unchanged" says that the zone changed no more than other ground did, not that nothing in it moved.
    reason : str or None
        Why it was not observed.
    seen : float
        Share of the zone on the grid that was usable on both dates, 0 to 1.
    changed_share : float or None
        Share of what was seen that changed by more than `CHANGED_SIGMAS`.
    changed_m2 : float or None
        The same as an area.
    brighter_share : float or None
        Of the changed pixels, those that became brighter.
    unusual : float or None
        Share of places of the same form elsewhere in the images that changed at least as much.
    count : tuple of (int, None)
        Objects that came or went, as an interval: (0, None), since such pixels bound no number from above.
    """

    zone: str
    state: State
    reason: str | None = None
    seen: float = 0.0
    changed_share: float | None = None
    changed_m2: float | None = None
    brighter_share: float | None = None
    unusual: float | None = None
    count: tuple[int, None] = (0, None)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**self.__dict__, "count": list(self.count)}


def zone_states(
    site: Site, grid: GeoBox, tiles: Sequence[Tile], evidence: Callable[[Tile], FloatArray | None]
) -> tuple[ZoneState, ...]:
    """States of the zones in `PARKS` that the grid touches; none where the pixels show objects, or hardly a zone.

    Parameters
    ----------
    site : Site
    grid : GeoBox
        The pair's grid.
    tiles : sequence of Tile
    evidence : callable
        Tile to signed evidence in sigmas over its core, NaN where not usable; None where it was not assessed.
    """
    if grid.crs is None or not COARSE_M <= gsd_m(grid) <= OBJECT_LIMIT_M:
        return ()
    drawn = [(zone, _drawn(zone, grid)) for zone in site.zones.values() if zone.kind in PARKS]
    places = [(zone, place) for zone, place in drawn if place is not None]
    if not places:
        return ()
    codes = _coded(grid, tiles, evidence)
    for _, place in places:
        codes[place.window.slices] |= np.where(place.mask, _ZONE, np.uint8(0))
    return tuple(_state(zone, place, codes, gsd_m(grid)) for zone, place in places)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Place:
    """Where a zone lies on the grid, and its form: bool (row, col) of the window."""

    window: Window
    mask: BoolArray

    def surroundings(self, shape: tuple[int, int]) -> Window:
        """What is looked at around it."""
        w = self.window
        margin = max(SURROUNDINGS_PX, math.isqrt(MIN_PLACES * int(self.mask.sum())))
        return Window(
            row0=max(0, w.row0 - margin), col0=max(0, w.col0 - margin),
            row1=min(shape[0], w.row1 + margin), col1=min(shape[1], w.col1 + margin),
        )  # fmt: skip


def _drawn(zone: Zone, grid: GeoBox) -> _Place | None:
    area = zone_area(zone, grid)
    window = _bounds(area)
    if window is None:
        return None
    mask = area.mask(window)
    if not mask.any():
        return None
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    tight = Window(
        row0=window.row0 + int(rows[0]), col0=window.col0 + int(cols[0]),
        row1=window.row0 + int(rows[-1]) + 1, col1=window.col0 + int(cols[-1]) + 1,
    )  # fmt: skip
    return _Place(window=tight, mask=mask[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1])


def _bounds(area: Area) -> Window | None:
    """The pixels of the grid that an outline's bounds touch."""
    west, south, east, north = area.outline.bounds
    corners = [~area.grid.affine * (x, y) for x in (west, east) for y in (south, north)]
    cols, rows = zip(*corners, strict=True)
    height, width = (int(n) for n in area.grid.shape)
    row0, row1 = max(0, math.floor(min(rows))), min(height, math.ceil(max(rows)))
    col0, col1 = max(0, math.floor(min(cols))), min(width, math.ceil(max(cols)))
    return Window(row0=row0, col0=col0, row1=row1, col1=col1) if row0 < row1 and col0 < col1 else None


def _coded(
    grid: GeoBox, tiles: Sequence[Tile], evidence: Callable[[Tile], FloatArray | None]
) -> NDArray[np.uint8]:
    """What is known of each pixel of the grid."""
    height, width = (int(n) for n in grid.shape)
    codes = np.zeros((height, width), np.uint8)
    for tile in tiles:
        part = evidence(tile)
        if part is not None:
            usable = np.isfinite(part)
            brighter, darker = usable & (part > CHANGED_SIGMAS), usable & (part < -CHANGED_SIGMAS)
            codes[tile.core.slices] = _USABLE * usable + _BRIGHTER * brighter + _DARKER * darker
    return codes


def _state(zone: Zone, place: _Place, codes: NDArray[np.uint8], gsd: float) -> ZoneState:
    pixels = int(place.mask.sum())
    here = codes[place.window.slices][place.mask]
    inside = int(np.count_nonzero(here & _USABLE))
    brighter, darker = (int(np.count_nonzero(here & bit)) for bit in (_BRIGHTER, _DARKER))
    changed, seen = brighter + darker, round(inside / pixels, 4)

    def not_observed(reason: str) -> ZoneState:
        return ZoneState(zone=zone.id, state="not_observed", reason=reason, seen=seen)

    if pixels < MIN_PIXELS:
        return not_observed(f"the zone is {pixels} pixels of {gsd:.3g} m, too few to be judged")
    if inside / pixels < MIN_SEEN:
        return not_observed(f"{inside / pixels:.0%} of the zone could be seen on both dates")
    if max(place.mask.shape) > MAX_SIDE_PX:
        length = max(place.mask.shape) * gsd / 1000
        most = MAX_SIDE_PX * gsd / 1000
        return not_observed(
            f"the zone is {length:.0f} km long, too large to be judged as one; draw zones of up to {most:.0f} km"
        )
    around = codes[place.surroundings((codes.shape[0], codes.shape[1])).slices]
    elsewhere = as_much = 0
    for usable, differs in _elsewhere(around, place.mask):
        elsewhere += usable.size
        as_much += int(np.count_nonzero(differs * inside >= changed * usable))
    if elsewhere / pixels < MIN_PLACES:
        return not_observed(
            f"the images hold {elsewhere / pixels:.0f} other places of the zone's size to compare it with, "
            f"not {MIN_PLACES}"
        )
    unusual = as_much / elsewhere
    return ZoneState(
        zone=zone.id, state="changed" if unusual <= UNUSUAL and changed >= MIN_PIXELS else "unchanged",
        seen=seen, changed_share=round(changed / inside, 4), changed_m2=round(changed * gsd**2, 1),
        brighter_share=round(brighter / changed, 4) if changed else None, unusual=round(unusual, 4),
    )  # fmt: skip


def _elsewhere(
    codes: NDArray[np.uint8], form: BoolArray
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Usable and changed pixels under the form, wherever it can be laid off all zones and mostly seen, by blocks."""
    from scipy.signal import fftconvolve  # noqa: PLC0415 - only sites at coarse pixels need it

    height, width = form.shape
    rows, cols = (side - n + 1 for side, n in zip(codes.shape, form.shape, strict=True))
    flipped = form[::-1, ::-1].astype(np.float64)
    for row in range(0, rows, _BLOCK_PX):
        for col in range(0, cols, _BLOCK_PX):
            part = codes[row : row + _BLOCK_PX + height - 1, col : col + _BLOCK_PX + width - 1]
            free = (part & _USABLE).astype(bool) & ~(part & _ZONE).astype(bool)
            both = free + 1j * (free & (part & (_BRIGHTER | _DARKER)).astype(bool))
            sums = fftconvolve(both, flipped, mode="valid")
            usable, changed = np.rint(sums.real).astype(np.int64), np.rint(sums.imag).astype(np.int64)
            enough = usable >= MIN_PLACE_SEEN * form.sum()
            yield usable[enough], changed[enough]
