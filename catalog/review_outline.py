"""Outlines that a person drew: whether they can be used, before anything is made of them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import Polygon, box

from catalog.errors import BadReview
from catalog.geometry import DECIMALS, plain, to_pixels

MOST_POINTS = 500
SMALLEST_M2 = 0.01
LARGEST_M2 = 25e6
"""25 km2: more than any object, and than most places."""

FURTHEST = 1e7
"""Of a position, in degrees or pixels: what lies further away only breaks computations."""

_DEG_M = 111_320.0


def checked_geometry(value: Any) -> dict[str, Any]:
    """A GeoJSON Polygon of one ring: closed, simple, of a sane size; positions rounded as everywhere in sitewatch.

    Raises
    ------
    BadReview
    """
    if not isinstance(value, Mapping) or value.get("type") != "Polygon":
        raise BadReview("geometry must be a GeoJSON Polygon")
    if value.keys() - {"type", "coordinates"}:
        raise BadReview("geometry must hold type and coordinates and nothing else")
    rings = value.get("coordinates")
    if not isinstance(rings, list | tuple) or len(rings) != 1:
        raise BadReview("geometry must have one ring: outlines have no holes")
    ring = checked_ring("geometry", rings[0], decimals=DECIMALS)
    if any(not (-180 <= lon <= 180 and -90 <= lat <= 90) for lon, lat in ring):
        raise BadReview("geometry must be in degrees: longitude -180 to 180, latitude -90 to 90")
    shape = Polygon(ring)
    east_m = _DEG_M * math.cos(math.radians(ring[0][1]))
    area_m2 = shape.area * _DEG_M * east_m
    if not SMALLEST_M2 <= area_m2 <= LARGEST_M2:
        raise BadReview(f"geometry covers {area_m2:g} m2; {SMALLEST_M2:g} to {LARGEST_M2:g} m2 are taken")
    return plain({"type": "Polygon", "coordinates": [ring if shape.exterior.is_ccw else ring[::-1]]})


def checked_ring(what: str, value: Any, *, decimals: int = 3) -> list[list[float]]:
    """A closed ring that does not cross itself.

    Raises
    ------
    BadReview
    """
    if not isinstance(value, list | tuple) or not 4 <= len(value) <= MOST_POINTS:
        raise BadReview(
            f"{what} must be a ring of 4 to {MOST_POINTS} positions, the last one equal to the first"
        )
    ring = [_position(what, point, decimals) for point in value]
    if ring[0] != ring[-1]:
        raise BadReview(f"{what} is not closed: the last position must be equal to the first")
    shape = Polygon(ring)
    if not shape.is_valid or shape.area == 0:
        raise BadReview(f"{what} crosses itself or has no inside; draw it without crossing lines")
    return ring


def _position(what: str, point: Any, decimals: int) -> list[float]:
    if not isinstance(point, Sequence) or isinstance(point, str) or len(point) != 2:
        raise BadReview(f"{what}: a position is two numbers, got {point!r:.80}")
    if any(isinstance(n, bool) or not isinstance(n, int | float) or not math.isfinite(n) for n in point):
        raise BadReview(f"{what}: a position is two finite numbers, got {point!r:.80}")
    if max(map(abs, point)) > FURTHEST:
        raise BadReview(
            f"{what}: a position lies further away than anything on a picture or on earth: {point!r:.80}"
        )
    return [round(float(number), decimals) for number in point]


def grid_of(stated: Mapping[str, Any]) -> GeoBox:
    """The grid of a run, from its report."""
    rows, cols = stated["shape"]
    return GeoBox((rows, cols), Affine(*stated["transform"]), stated["crs"])


def on_grid(body: Mapping[str, Any], stated: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    """The ring of an outline in pixels (column, row) of a run's grid.

    Parameters
    ----------
    body : mapping
        With `geometry` or `outline_px`.
    stated : mapping
        The grid, as the report has it.

    Raises
    ------
    BadReview
        It is not, or not wholly, on the grid; or it is given in what the run does not have.
    """
    grid = grid_of(stated)
    placed = grid.crs is not None
    if placed != ("geometry" in body):
        raise BadReview(
            "this run has a georeference: give geometry, in longitude and latitude" if placed else
            "this run has no georeference: give outline_px, in pixels of the before image"
        )  # fmt: skip
    if placed:
        lons, lats = zip(*body["geometry"]["coordinates"][0], strict=True)
        ring = to_pixels(grid, lons, lats)
    else:
        ring = [(col, row) for col, row in body["outline_px"]]
    rows, cols = grid.shape
    if not all(map(math.isfinite, (n for point in ring for n in point))) or not Polygon(ring).within(
        box(-0.5, -0.5, cols + 0.5, rows + 0.5)
    ):
        raise BadReview("the outline reaches beyond the images of this run")
    return tuple(ring)
