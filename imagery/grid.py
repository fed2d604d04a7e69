"""The fixed grid of a site and a resolution, and areas drawn on a grid."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS
from rasterio.features import rasterize
from shapely.geometry.base import BaseGeometry

from imagery.geometry import projected, reprojected, utm_crs
from imagery.raster import BoolArray, Window
from imagery.site import Site, Zone
from imagery.tile import tiles
from imagery.warp import window_grid

_EDGE_TOLERANCE_PX = 1e-6
_MAX_SIDE_PX = 200_000
_SEGMENT_M = 1000.0
_BLOCK_PX = 1024


def site_grid(site: Site, gsd_m: float, *, anchor: Affine | None = None) -> GeoBox:
    """The one grid of a site at one resolution, on which every date is compared.

    Parameters
    ----------
    site : Site
    gsd_m : float
        Pixel size in metres.
    anchor : Affine, optional
        Transform of an image of the sensor, in the site's CRS: pixel edges fall on that image's. Without it they
        are multiples of `gsd_m` in the site's CRS, which are Sentinel-2's own at 10 m and 20 m.

    Returns
    -------
    GeoBox
        North up, in the site's CRS; the smallest that covers the AOI.

    Raises
    ------
    ValueError
        `gsd_m` is not positive, the anchor is rotated, or the grid would be absurdly large.
    """
    if not gsd_m > 0 or not math.isfinite(gsd_m):
        raise ValueError(f"{site.id}: gsd_m must be positive, got {gsd_m}")
    x_phase, y_phase = _phase(anchor, gsd_m) if anchor is not None else (0.0, 0.0)
    west, south, east, north = projected(site.aoi, site.crs).bounds
    col0, col1 = _cover(west - x_phase, east - x_phase, gsd_m)
    row0, row1 = _cover(south - y_phase, north - y_phase, gsd_m)
    shape = row1 - row0, col1 - col0
    if max(shape) > _MAX_SIDE_PX:
        raise ValueError(f"{site.id}: a grid of {shape} pixels at {gsd_m} m; draw a smaller AOI")
    transform = Affine(gsd_m, 0.0, x_phase + col0 * gsd_m, 0.0, -gsd_m, y_phase + row1 * gsd_m)
    return GeoBox(shape, transform, site.crs.to_wkt() if site.crs.to_epsg() is None else site.crs.to_epsg())


def _phase(anchor: Affine, gsd_m: float) -> tuple[float, float]:
    if anchor.b or anchor.d:
        raise ValueError(f"the anchor is rotated: {anchor}")
    return anchor.c % gsd_m, anchor.f % gsd_m


def _cover(low: float, high: float, step: float) -> tuple[int, int]:
    first = math.floor(low / step + _EDGE_TOLERANCE_PX)
    return first, max(first + 1, math.ceil(high / step - _EDGE_TOLERANCE_PX))


def zone_mask(zone: Zone, grid: GeoBox, *, grow_m: float = 0.0) -> BoolArray:
    """The pixels of a zone.

    Parameters
    ----------
    zone : Zone
    grid : GeoBox
        With a CRS.
    grow_m : float
        Widen the outline, for example by ``zone.position_error_m``; negative narrows it.

    Returns
    -------
    bool (row, col)
        True where a pixel's centre lies inside; every touched pixel where the outline is too small to hold a centre.
        All False where the zone lies outside the grid or is a point that was not widened.
    """
    rows, cols = grid.shape
    return zone_area(zone, grid, grow_m=grow_m).mask(Window(row0=0, col0=0, row1=rows, col1=cols))


@dataclass(frozen=True, kw_only=True, eq=False)
class Area:
    """An outline on a grid, drawn window by window: on a large grid its whole mask would be a burden.

    Parameters
    ----------
    outline : shapely geometry
        In the grid's CRS.
    grid : GeoBox
    all_touched : bool
        Whether every touched pixel belongs to it, not only those whose centre lies inside.
    """

    outline: Any
    grid: GeoBox
    all_touched: bool = False

    def mask(self, window: Window) -> BoolArray:
        """The pixels of a window of the grid that belong to the area: bool (row, col)."""
        part = window_grid(self.grid, window)
        if not self.outline.area or not self.outline.intersects(_extent(part)):
            return np.zeros(window.shape, np.bool_)
        drawn = rasterize(
            [(self.outline, 1)], out_shape=window.shape, transform=part.affine, all_touched=self.all_touched,
            dtype="uint8",
        )  # fmt: skip
        return np.asarray(drawn).view(np.bool_)

    def any(self) -> bool:
        """Whether any pixel of the grid belongs to it."""
        return any(self.mask(window).any() for window in _windows(self.grid))


def aoi_area(site: Site, grid: GeoBox) -> Area:
    """A site's AOI on a grid."""
    return Area(outline=projected(site.aoi, CRS.from_user_input(str(grid.crs))), grid=grid)


def zone_area(zone: Zone, grid: GeoBox, *, grow_m: float = 0.0) -> Area:
    """A zone on a grid, with the rules and parameters of `zone_mask`."""
    if grid.crs is None:
        raise ValueError("a grid without a CRS has no zones")
    area = Area(outline=_outline(zone.geometry, grow_m, str(grid.crs)), grid=grid)
    return area if area.any() else replace(area, all_touched=True)


def shares(areas: Mapping[str, Area], what: Callable[[Window], BoolArray]) -> dict[str, float]:
    """Share of each area where something holds, 0 to 1; areas without a pixel are left out.

    Parameters
    ----------
    areas : mapping of name to Area
        All on one grid.
    what : callable
        Window to bool (row, col). It is asked block by block, only where there is an area: a whole Sentinel-2 tile
        at 10 m is 120 million pixels.
    """
    total, found = dict.fromkeys(areas, 0), dict.fromkeys(areas, 0)
    for window in _windows(next(iter(areas.values())).grid) if areas else ():
        masks = {name: area.mask(window) for name, area in areas.items()}
        if not any(mask.any() for mask in masks.values()):
            continue
        holds = what(window)
        for name, mask in masks.items():
            total[name] += int(mask.sum())
            found[name] += int((mask & holds).sum())
    return {name: found[name] / count for name, count in total.items() if count}


def _windows(grid: GeoBox) -> tuple[Window, ...]:
    rows, cols = grid.shape
    return tuple(tile.core for tile in tiles((rows, cols), size_px=_BLOCK_PX, halo_px=0))


@lru_cache(maxsize=512)
def _outline(geometry: BaseGeometry, grow_m: float, crs: str) -> BaseGeometry:
    # Asked for once per tile, and the same for all of them.
    grown = _grown(geometry, grow_m) if grow_m else geometry
    return projected(grown, CRS.from_user_input(crs))


def zone_share(zone: Zone, grid: GeoBox) -> float:
    """How much of a zone's area lies on the grid, 0 to 1."""
    outline = _outline(zone.geometry, 0.0, str(grid.crs))
    return float(outline.intersection(_extent(grid)).area / outline.area) if outline.area else 0.0


def _grown(geometry: Any, grow_m: float) -> Any:
    # Metres hold in the zone's own UTM zone, whatever the grid's CRS.
    local = utm_crs(geometry.centroid.x, geometry.centroid.y)
    wider = projected(geometry, local).buffer(grow_m)
    return reprojected(wider, local, CRS.from_epsg(4326), segment=_SEGMENT_M)


def _extent(grid: GeoBox) -> Any:
    rows, cols = grid.shape
    return shapely.Polygon([grid.affine * corner for corner in ((0, 0), (cols, 0), (cols, rows), (0, rows))])
