"""Changes as RFC 7946 GeoJSON: what a GIS opens.

A change that moved is one feature: a MultiPolygon of the place it left and the place it stands now, with both
outlines and the line between them again in its properties. Without georeference geometries are null and the
outlines are in the properties as pixels of the *before* image.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from odc.geo.geobox import GeoBox

from catalog.geometry import lon_lat, polygon
from catalog.layout import jsonable
from models.change import Change
from models.detect import Detection

MEDIA_TYPE = "application/geo+json"


def feature_collection(
    changes: Sequence[Change],
    grid: GeoBox,
    *,
    before: datetime | None,
    after: datetime | None,
    simulated: bool,
) -> dict[str, Any]:
    """The document; without changes an empty FeatureCollection, which means: examined, nothing found."""
    shared = {"before_time": before, "after_time": after, "simulated": simulated}
    features = [_feature(change, grid, shared) for change in changes]
    document: dict[str, Any] = jsonable({"type": "FeatureCollection", "features": features})
    return document


def _feature(change: Change, grid: GeoBox, shared: dict[str, Any]) -> dict[str, Any]:
    placed = grid.crs is not None
    properties = _properties(change) | shared
    properties |= _outlines(change, grid) if placed else _outlines_px(change)
    return {
        "type": "Feature",
        "id": change.id,
        "geometry": _geometry(change, grid) if placed else None,
        "properties": properties,
    }


def _geometry(change: Change, grid: GeoBox) -> dict[str, Any]:
    parts = [polygon(grid, place.outline_px) for place in (change.before, change.after) if place]
    if len(parts) == 1:
        return parts[0]
    return {"type": "MultiPolygon", "coordinates": [part["coordinates"] for part in parts]}


def _outlines(change: Change, grid: GeoBox) -> dict[str, Any]:
    centre = lon_lat(grid, [change.place.centroid_px])[0]
    found: dict[str, Any] = {"lon": centre[0], "lat": centre[1]}
    if change.before and change.after:
        ends = lon_lat(grid, [change.before.centroid_px, change.after.centroid_px])
        found["before_outline"] = polygon(grid, change.before.outline_px)
        found["after_outline"] = polygon(grid, change.after.outline_px)
        found["path"] = {"type": "LineString", "coordinates": [list(end) for end in ends]}
    return found


def _outlines_px(change: Change) -> dict[str, Any]:
    return {
        f"{date}_outline_px": None if place is None else place.outline_px
        for date, place in (("before", change.before), ("after", change.after))
    } | {"outline_px": change.place.outline_px}


def _properties(change: Change) -> dict[str, Any]:
    place = change.place
    return {
        "kind": change.kind,
        "label": change.label,
        "label_probability": change.label_probability,
        "score": round(change.score, 4),
        "zone": change.zone,
        "zone_uncertain": change.zone_uncertain,
        "length_m": round(place.length_m, 1),
        "width_m": round(place.width_m, 1),
        "area_m2": round(place.area_m2, 1),
        "orientation_deg": round(place.orientation_deg, 1),
        "displacement_m": change.displacement_m,
        "link_state": change.link.state,
        "link_margin": change.link.margin,
        "link_partners": change.link.partners,
        "false_alarms_per_km2": change.false_alarms_per_km2,
        "causes": change.causes,
        "reasons": place.reasons,
        "tile": change.tile,
        "before_bbox_px": _bbox(change.before),
        "after_bbox_px": _bbox(change.after),
    }


def _bbox(place: Detection | None) -> list[int] | None:
    return None if place is None else list(place.bbox_px)
