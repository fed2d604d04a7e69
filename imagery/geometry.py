"""Small geometry helpers for outlines in lon/lat: rings, distances, projections."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Geod, Transformer
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

_WGS84 = Geod(ellps="WGS84")
_SEGMENT_DEG = 0.01


def rings(geometry: dict[str, Any]) -> Iterator[list[Any]]:
    """Every list of positions of a GeoJSON Point, Polygon or MultiPolygon."""
    coordinates = geometry["coordinates"]
    if geometry["type"] == "Point":
        yield [coordinates]
    elif geometry["type"] == "Polygon":
        yield from coordinates
    else:
        for polygon in coordinates:
            yield from polygon


def swapped(geometry: BaseGeometry) -> BaseGeometry:
    """`geometry` with x and y exchanged."""
    return shapely.transform(geometry, lambda xy: xy[:, ::-1])


def apart_km(a: BaseGeometry, b: BaseGeometry) -> float:
    """Distance between two lon/lat geometries (0 where they touch), on the WGS 84 ellipsoid."""
    if a.intersects(b):
        return 0.0
    p, q = nearest_points(a, b)
    return float(_WGS84.inv(p.x, p.y, q.x, q.y)[2]) / 1000.0


def bearing_deg(start: shapely.Point, end: shapely.Point) -> float:
    """Direction from one lon/lat point to another, degrees clockwise from north, 0 to 360."""
    return float(_WGS84.inv(start.x, start.y, end.x, end.y)[0]) % 360.0


def area_km2(geometry: BaseGeometry) -> float:
    """Area of a lon/lat geometry on the WGS 84 ellipsoid."""
    return abs(float(_WGS84.geometry_area_perimeter(geometry)[0])) / 1e6


def utm_crs(lon: float, lat: float) -> CRS:
    """The WGS 84 UTM zone of a place."""
    zone = int((lon + 180.0) // 6.0) % 60 + 1
    return CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def projected(geometry: BaseGeometry, crs: CRS) -> BaseGeometry:
    """A lon/lat geometry in `crs`; long edges are divided first, since straight lines bend."""
    return reprojected(geometry, CRS.from_epsg(4326), crs, segment=_SEGMENT_DEG)


def reprojected(geometry: BaseGeometry, source: CRS, target: CRS, *, segment: float) -> BaseGeometry:
    """`geometry` from one CRS to another, edges divided at `segment` (units of `source`)."""
    transformer = _transformer(source.to_wkt(), target.to_wkt())

    def convert(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return shapely.transform(geometry.segmentize(segment), convert)


@lru_cache(maxsize=64)
def _transformer(source: str, target: str) -> Transformer:
    # Making one takes as long as projecting ten thousand corners.
    return Transformer.from_crs(source, target, always_xy=True)
