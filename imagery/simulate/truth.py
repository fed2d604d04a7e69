"""What really appeared, vanished and moved between two drawn dates."""

import math
from collections.abc import Mapping
from typing import Any, Literal

import shapely
from odc.geo.geobox import GeoBox
from pyproj import CRS
from shapely.affinity import translate
from shapely.geometry import box, mapping
from shapely.geometry.base import BaseGeometry

from imagery.geometry import reprojected
from imagery.simulate.acquisition import Acquisition
from imagery.simulate.placement import Placement
from imagery.simulate.site_plan import SitePlan
from imagery.site import Site

Kind = Literal["appeared", "vanished", "moved"]
_PLACES = 7


def footprint(placement: Placement) -> BaseGeometry:
    """Outline of a thing in plan, in the plan's metres."""
    return shapely.union_all([shapely.Polygon(outline).buffer(0) for outline in placement.outlines()])


def differences(
    plan: SitePlan, before: Acquisition, after: Acquisition
) -> list[tuple[Kind, Placement | None, Placement | None]]:
    """What differs between two dates: kind, placement before, placement after. Passing cars do not count."""
    days = before.acquired.date(), after.acquired.date()
    then, now = ({id(e): e for e in plan.events if e.stands_on(day)} for day in days)
    gone = {e.unit: e for key, e in then.items() if key not in now}
    come = {e.unit: e for key, e in now.items() if key not in then}
    found: list[tuple[Kind, Placement | None, Placement | None]] = []
    for unit in sorted(gone.keys() | come.keys()):
        kind: Kind = "vanished" if unit not in come else "appeared" if unit not in gone else "moved"
        found.append((kind, gone.get(unit), come.get(unit)))
    return found


def truth_document(
    site: Site, plan: SitePlan, grid: GeoBox, before: Acquisition, after: Acquisition
) -> dict[str, Any]:
    """Ground truth of a pair as GeoJSON: one feature per thing that lies wholly in the grid.

    Each feature's outline is that of *after* where the thing is there, else of *before*; a thing that moved
    carries the other outline as well.
    """
    frame = translate(box(*grid.boundingbox.bbox), -plan.corner[0], -plan.corner[1])
    features = []
    for kind, old, new in differences(plan, before, after):
        shown = [p for p in (new, old) if p is not None and frame.contains(footprint(p))]
        if shown:
            seen: Kind = (
                kind
                if len(shown) == (2 if kind == "moved" else 1)
                else "appeared"
                if shown[0] is new
                else "vanished"
            )
            features.append(_feature(site, plan, seen, shown))
    return {
        "type": "FeatureCollection",
        "title": f"SIMULATED: ground truth of {before.id} to {after.id}",
        "simulated": True,
        "site": site.id,
        "series": after.series,
        "before": before.id,
        "after": after.id,
        "before_time": f"{before.acquired:%Y-%m-%dT%H:%M:%SZ}",
        "after_time": f"{after.acquired:%Y-%m-%dT%H:%M:%SZ}",
        "features": features,
    }


def _feature(site: Site, plan: SitePlan, kind: Kind, shown: list[Placement]) -> dict[str, Any]:
    thing = shown[0].thing
    properties: dict[str, Any] = {
        "kind": kind,
        "unit": shown[0].unit,
        "class": thing.category,
        "name": thing.name,
        "length_m": thing.length_m,
        "width_m": thing.width_m,
        "heading_deg": round(float(shown[0].heading_deg) % 360, 1),
        "watched": shown[0].watched,
        "simulated": True,
    }
    if len(shown) > 1:
        new, old = shown
        properties["displacement_m"] = round(math.hypot(new.x - old.x, new.y - old.y), 1)
        properties["before"] = _lonlat(site, plan, old)
    return {"type": "Feature", "geometry": _lonlat(site, plan, shown[0]), "properties": properties}


def _lonlat(site: Site, plan: SitePlan, placement: Placement) -> Mapping[str, Any]:
    # A rectangle around the thing: parts of a shape drawn in detail would only make the file large.
    outline = footprint(placement).minimum_rotated_rectangle
    moved = reprojected(translate(outline, *plan.corner), site.crs, CRS.from_epsg(4326), segment=math.inf)
    rounded: Mapping[str, Any] = mapping(shapely.orient_polygons(shapely.set_precision(moved, 10**-_PLACES)))
    return rounded
