"""From pixels of a grid to positions on the ground, and which way north is."""

import math
from collections.abc import Sequence
from typing import Any

from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer
from shapely import make_valid
from shapely.geometry import MultiPolygon, Polygon, mapping
from shapely.geometry.polygon import orient

DECIMALS = 7
"""Of degrees: about 1 cm."""
_NORTH_STEP_DEG = 1e-4


def transformer(grid: GeoBox) -> Transformer:
    """Grid CRS to lon/lat; the grid must have a CRS."""
    return Transformer.from_crs(CRS.from_user_input(str(grid.crs)), 4326, always_xy=True)


def lon_lat(grid: GeoBox, points_px: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Lon/lat of (col, row) points in pixel-edge coordinates, rounded."""
    affine: Any = grid.affine
    xy = [affine @ (col, row) for col, row in points_px]
    lons, lats = transformer(grid).transform([x for x, _ in xy], [y for _, y in xy])
    return [(round(float(x), DECIMALS), round(float(y), DECIMALS)) for x, y in zip(lons, lats, strict=True)]


def polygon(grid: GeoBox, ring_px: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """GeoJSON polygon of a ring in pixels: lon/lat, closed, exterior counter-clockwise (RFC 7946)."""
    return polygon_of(lon_lat(grid, ring_px))


def polygon_of(ring: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """The same of a ring in lon/lat."""
    shape = Polygon(ring)
    if not shape.is_valid:
        shape = _largest(make_valid(shape)) or shape
    return plain(mapping(orient(shape, 1.0)))


def _largest(shape: Any) -> Polygon | None:
    parts = [part for part in getattr(shape, "geoms", [shape]) if isinstance(part, Polygon | MultiPolygon)]
    polygons = [inner for part in parts for inner in getattr(part, "geoms", [part])]
    return max(polygons, key=lambda part: part.area, default=None)


def plain(geometry: Any) -> dict[str, Any]:
    """A GeoJSON geometry with lists instead of tuples."""
    return {"type": geometry["type"], "coordinates": _lists(geometry["coordinates"])}


def _lists(value: Any) -> Any:
    return [_lists(inner) for inner in value] if isinstance(value, list | tuple) else value


def footprint(grid: GeoBox) -> tuple[dict[str, Any], list[float]] | None:
    """Outline of the grid as a GeoJSON polygon and its lon/lat bbox; None without georeference."""
    if grid.crs is None:
        return None
    rows, cols = grid.shape
    outline = polygon(grid, [(0, 0), (0, rows), (cols, rows), (cols, 0), (0, 0)])
    lons, lats = zip(*outline["coordinates"][0], strict=True)
    return outline, [min(lons), min(lats), max(lons), max(lats)]


def grid_crs_code(grid: GeoBox) -> str | None:
    """``EPSG:32636`` style; None where there is no CRS or it has no code."""
    if grid.crs is None:
        return None
    authority = CRS.from_user_input(str(grid.crs)).to_authority()
    return None if authority is None else ":".join(authority)


def to_pixels(grid: GeoBox, lons: Sequence[float], lats: Sequence[float]) -> list[tuple[float, float]]:
    """(col, row) in pixel-edge coordinates of lon/lat points."""
    back = Transformer.from_crs(4326, CRS.from_user_input(str(grid.crs)), always_xy=True)
    inverse: Any = ~grid.affine
    xs, ys = back.transform(list(lons), list(lats))
    return [inverse @ (x, y) for x, y in zip(xs, ys, strict=True)]


def north_deg(grid: GeoBox) -> float | None:
    """True north at the grid's centre, degrees clockwise from the top of the picture; None without CRS."""
    if grid.crs is None:
        return None
    rows, cols = grid.shape
    affine: Any = grid.affine
    lon, lat = transformer(grid).transform(*(affine @ (cols / 2, rows / 2)))
    (col0, row0), (col1, row1) = to_pixels(grid, [lon, lon], [lat, lat + _NORTH_STEP_DEG])
    return math.degrees(math.atan2(col1 - col0, row0 - row1))
