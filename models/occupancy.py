"""What images too coarse for objects can say of a vehicle park or a quay: that the zone as a whole changed, or not.

At 10 m a truck is a quarter of a pixel. What it does to one pixel is lost among what sun and season do to all of them,
but a park that fills or empties changes in many pixels at once. How much change is usual is taken from the same two
images: the outline of the zone is laid everywhere else, and only a zone that changed more than nearly all other
places of its form is called changed. Nothing is counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from imagery.grid import zone_mask
from imagery.raster import BoolArray, FloatArray, gsd_m
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
    zones = [zone for zone in site.zones.values() if zone.kind in PARKS]
    masks = [(zone, zone_mask(zone, grid)) for zone in zones]
    masks = [(zone, mask) for zone, mask in masks if mask.any()]
    if not masks:
        return ()
    statistic = np.full(tuple(int(n) for n in grid.shape), np.nan, np.float32)
    for tile in tiles:
        part = evidence(tile)
        if part is not None:
            core = tile.core
            statistic[core.row0 : core.row1, core.col0 : core.col1] = part
    every_zone = np.logical_or.reduce([mask for _, mask in masks])
    return tuple(_state(zone, mask, statistic, every_zone, gsd_m(grid)) for zone, mask in masks)


def _state(zone: Zone, mask: BoolArray, statistic: FloatArray, zones: BoolArray, gsd: float) -> ZoneState:
    usable = np.isfinite(statistic)
    inside = mask & usable
    seen = float(inside.sum() / mask.sum())
    pixels = int(mask.sum())
    if pixels < MIN_PIXELS:
        reason = f"the zone is {pixels} pixels of {gsd:.3g} m, too few to be judged"
        return ZoneState(zone=zone.id, state="not_observed", reason=reason, seen=round(seen, 4))
    if seen < MIN_SEEN:
        reason = f"{seen:.0%} of the zone could be seen on both dates"
        return ZoneState(zone=zone.id, state="not_observed", reason=reason, seen=round(seen, 4))
    changed = usable & (np.abs(np.where(usable, statistic, 0)) > CHANGED_SIGMAS)
    here = changed & inside
    share = float(here.sum() / inside.sum())
    elsewhere = _shares_elsewhere(mask, changed & ~zones, usable & ~zones)
    places = len(elsewhere) / pixels
    if places < MIN_PLACES:
        reason = f"the images hold {places:.0f} other places of the zone's size to compare it with, not {MIN_PLACES}"
        return ZoneState(zone=zone.id, state="not_observed", reason=reason, seen=round(seen, 4))
    unusual = float((elsewhere >= share - 1e-6).mean()) if share > 0 else 1.0
    return ZoneState(
        zone=zone.id, state="changed" if unusual <= UNUSUAL and here.sum() >= MIN_PIXELS else "unchanged",
        seen=round(seen, 4), changed_share=round(share, 4), changed_m2=round(float(here.sum()) * gsd**2, 1),
        brighter_share=round(float((statistic[here] > 0).mean()), 4) if here.any() else None,
        unusual=round(unusual, 4),
    )  # fmt: skip


def _shares_elsewhere(mask: BoolArray, changed: BoolArray, usable: BoolArray) -> NDArray[np.float64]:
    """Share of changed pixels under the zone's outline at every other place where it can be laid."""
    from scipy.signal import fftconvolve  # noqa: PLC0415 - only sites at coarse pixels need it

    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    form = mask[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1].astype(np.float32)[::-1, ::-1]
    seen = fftconvolve(usable.astype(np.float32), form, mode="valid")
    found = fftconvolve(changed.astype(np.float32), form, mode="valid")
    enough = seen >= 0.8 * form.sum()
    out: NDArray[np.float64] = np.clip(np.rint(found[enough]) / seen[enough], 0, 1).astype(np.float64)
    return out
