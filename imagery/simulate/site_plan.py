"""All that is drawn of a site, in metres east and north of the south-west corner of its AOI."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from imagery.geometry import projected
from imagery.simulate.material import Colour
from imagery.simulate.placement import Placement
from imagery.simulate.thing import Points
from imagery.site import Site


@dataclass(frozen=True, kw_only=True, eq=False)
class Patch:
    """Ground of one material; `tone` brightens it, in hundredths."""

    material: str
    geometry: BaseGeometry
    tone: int = 100


@dataclass(frozen=True, kw_only=True, eq=False)
class Stripe:
    """Paint on the ground, or dirt (`opacity` 0-1)."""

    outline: Points
    colour: Colour
    opacity: float = 0.85


@dataclass(frozen=True, kw_only=True, eq=False)
class SitePlan:
    """What a site consists of.

    Parameters
    ----------
    site_id : str
    corner : (float, float)
        Easting and northing of the origin.
    patches : tuple of Patch
        Later ones cover earlier ones.
    stripes : tuple of Stripe
    structures : tuple of Placement
        Always there.
    events : tuple of Placement
        What comes and goes.
    roads : tuple of shapely LineString
        Where cars drive.
    """

    site_id: str
    corner: tuple[float, float]
    patches: tuple[Patch, ...]
    stripes: tuple[Stripe, ...]
    structures: tuple[Placement, ...]
    events: tuple[Placement, ...]
    roads: tuple[shapely.LineString, ...]


def corner_of(site: Site) -> tuple[float, float]:
    """South-west corner of the AOI's bounds in the site's CRS."""
    west, south, _, _ = projected(site.aoi, site.crs).bounds
    return west, south


def local_zones(site: Site) -> Callable[[str], BaseGeometry]:
    """Look up zones by id in the plan's metres."""
    west, south = corner_of(site)

    def zone(name: str) -> BaseGeometry:
        return translate(projected(site.zones[name].geometry, site.crs), -west, -south)

    return zone


def line(*corners: tuple[float, float]) -> shapely.LineString:
    """A line through corners."""
    return shapely.LineString(corners)


def polygon(*corners: tuple[float, float]) -> shapely.Polygon:
    """A polygon of corners."""
    return shapely.Polygon(corners)


def outline_of(geometry: BaseGeometry) -> Points:
    """Corners of a polygon without holes."""
    return np.asarray(shapely.get_coordinates(shapely.get_exterior_ring(geometry))[:-1], np.float64)


def short_sides(area: BaseGeometry) -> tuple[Points, Points]:
    """Middles of the southern and northern sides of the rectangle around an area: two points (x, y)."""
    corners = outline_of(area.minimum_rotated_rectangle)
    order = corners[np.argsort(corners[:, 1])]
    return order[:2].mean(0), order[2:].mean(0)


def sides(ring: BaseGeometry) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """The straight sides of a polygon or line."""
    outer = shapely.get_exterior_ring(ring) if ring.geom_type == "Polygon" else ring
    corners = [(float(x), float(y)) for x, y in shapely.get_coordinates(outer)]
    return list(pairwise(corners))


def strip(start: tuple[float, float], end: tuple[float, float], width_m: float) -> Points:
    """A straight strip with square ends."""
    return outline_of(line(start, end).buffer(width_m / 2, cap_style="flat"))
