"""The zones of a site: which one a change lies in, what that adds to what may be said, how much of each was seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from shapely import Point
from shapely.geometry.base import BaseGeometry

from imagery.geometry import projected
from imagery.grid import zone_mask, zone_share
from imagery.raster import FloatArray, Sensor, gsd_m
from imagery.site import Site, Zone
from imagery.tile import Tile
from imagery.warp import window_grid
from models.change import Change
from models.detect import Detection
from models.label import likeness


def with_zones(changes: tuple[Change, ...], site: Site, grid: GeoBox, sensor: Sensor) -> tuple[Change, ...]:
    """Changes with the smallest zone that holds each, and labels that use it.

    Watched zones go before others. `zone_uncertain` is set where the zone's own position error could put the change
    outside it, or where it lies just outside but within that error.

    Parameters
    ----------
    changes : tuple of Change
    site : Site
    grid : GeoBox
        The pair's grid; without a CRS there are no zones.
    sensor : {"optical", "sar"}
    """
    if grid.crs is None:
        return changes
    to_site = Transformer.from_crs(str(grid.crs), site.crs, always_xy=True)
    outlines = [
        (zone, projected(zone.geometry, site.crs))
        for zone in site.zones.values()
        if zone.kind != "reference_point"
    ]
    gsd = gsd_m(grid)
    return tuple(
        _in_zone(change, outlines, _place(change.place, grid, to_site), gsd, sensor) for change in changes
    )


def _place(detection: Detection, grid: GeoBox, to_site: Transformer) -> Point:
    x, y = grid.affine * detection.centroid_px
    return Point(*to_site.transform(x, y))


def _in_zone(
    change: Change, outlines: list[tuple[Zone, BaseGeometry]], place: Point, gsd: float, sensor: Sensor
) -> Change:
    holding = [(zone, outline) for zone, outline in outlines if outline.contains(place)]
    near = [(zone, outline) for zone, outline in outlines if outline.distance(place) <= zone.position_error_m]
    chosen = min(holding or near, key=lambda pair: (not pair[0].watch, pair[1].area), default=None)
    if chosen is None:
        return change
    zone, outline = chosen
    uncertain = not holding or outline.boundary.distance(place) < zone.position_error_m

    def relabelled(detection: Detection | None) -> Detection | None:
        if detection is None:
            return None
        like = likeness(
            detection.length_m, detection.width_m, detection.area_m2, gsd_m=gsd, sensor=sensor, zone_kind=zone.kind
        )  # fmt: skip
        return replace(
            detection, label=like.label, label_probability=like.probability, label_others=like.others
        )

    placed = replace(
        change, zone=zone.id, zone_uncertain=uncertain, before=relabelled(change.before),
        after=relabelled(change.after),
    )  # fmt: skip
    return replace(placed, label=placed.place.label, label_probability=placed.place.label_probability)


@dataclass(frozen=True, kw_only=True)
class ZoneSeen:
    """How much of a zone a pair could show.

    Parameters
    ----------
    zone : str
        Its id.
    on_grid : float
        Share of its area that the compared ground covers, 0 to 1.
    seen : float
        Share of that part which could be seen on both dates, 0 to 1.
    """

    zone: str
    on_grid: float
    seen: float


def zones_seen(
    site: Site, grid: GeoBox, tiles: Sequence[Tile], evidence: Callable[[Tile], FloatArray | None]
) -> tuple[ZoneSeen, ...]:
    """What a pair could show of every zone that the compared ground touches; silence means nothing elsewhere.

    Parameters
    ----------
    site : Site
    grid : GeoBox
        The pair's grid; without a CRS there are no zones.
    tiles : sequence of Tile
    evidence : callable
        Tile to evidence over its core, NaN where not usable; None where the tile was not assessed.
    """
    if grid.crs is None:
        return ()
    zones = [zone for zone in site.zones.values() if zone.kind != "reference_point"]
    total = dict.fromkeys((zone.id for zone in zones), 0)
    seen = dict(total)
    for tile in tiles:
        statistic = evidence(tile)
        usable = np.zeros(tile.core.shape, np.bool_) if statistic is None else np.isfinite(statistic)
        for zone in zones:
            inside = zone_mask(zone, window_grid(grid, tile.core))
            total[zone.id] += int(inside.sum())
            seen[zone.id] += int((inside & usable).sum())
    return tuple(
        ZoneSeen(
            zone=zone.id,
            on_grid=round(min(1.0, zone_share(zone, grid)), 4),
            seen=round(seen[zone.id] / total[zone.id], 4),
        )
        for zone in zones
        if total[zone.id]
    )
