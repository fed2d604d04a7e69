"""The fixed grid of a site and a resolution, and zones drawn on a grid."""

import math
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
from imagery.raster import BoolArray
from imagery.site import Site, Zone

_EDGE_TOLERANCE_PX = 1e-6
_MAX_SIDE_PX = 200_000
_SEGMENT_M = 1000.0


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
    if grid.crs is None:
        raise ValueError("a grid without a CRS has no zones")
    outline = _outline(zone.geometry, grow_m, str(grid.crs))
    rows, cols = (int(n) for n in grid.shape)
    if outline.is_empty or outline.area == 0 or not outline.intersects(_extent(grid)):
        return np.zeros((rows, cols), bool)
    mask = _drawn(outline, grid, all_touched=False)
    return mask if mask.any() else _drawn(outline, grid, all_touched=True)


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


def _drawn(outline: Any, grid: GeoBox, *, all_touched: bool) -> BoolArray:
    drawn = rasterize(
        [(outline, 1)],
        out_shape=tuple(grid.shape),
        transform=grid.affine,
        all_touched=all_touched,
        dtype="uint8",
    )
    return np.asarray(drawn, bool)
