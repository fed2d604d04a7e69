"""GeoJSON (RFC 7946): one feature for each finding, the pair in the member ``sitewatch``.

A change that moved is a MultiPolygon of the place it left and the place it stands now. Without georeference geometries
are null and the outlines are in the properties, as pixels of the *before* image.
"""

from typing import Any

from catalog import layout
from catalog.exports.about import about
from catalog.exports.columns import row
from catalog.exports.findings import Handed, Handover
from catalog.exports.pair import HandedPair


def geojson(handover: Handover) -> bytes:
    """The document."""
    document = {
        "type": "FeatureCollection",
        "features": [_feature(one, handover.pair) for one in handover.findings],
        "sitewatch": about(handover),
    }
    return layout.json_bytes(layout.jsonable(document))


def _feature(one: Handed, pair: HandedPair) -> dict[str, Any]:
    properties: dict[str, Any] = dict(row(one, pair))
    del properties["id"]
    properties["causes"], properties["link_partners"] = list(one.causes), list(one.link_partners)
    properties["reasons"] = list(one.reasons)
    properties["verdicts"] = [dict(verdict.__dict__) for verdict in one.review.verdicts]
    properties["remarks"] = [dict(remark.__dict__) for remark in one.review.remarks]
    geometry = multi_polygon(one)
    if geometry is None:
        for date, place in (("before", one.before), ("after", one.after)):
            properties[f"{date}_outline_px"] = None if place is None else place.ring_px
    elif len(one.places) == 1:
        geometry = {"type": "Polygon", "coordinates": geometry["coordinates"][0]}
    return {"type": "Feature", "id": one.id, "geometry": geometry, "properties": properties}


def multi_polygon(one: Handed) -> dict[str, Any] | None:
    """The places of a finding as a GeoJSON MultiPolygon, None without georeference."""
    rings = [place.ring for place in one.places]
    if any(ring is None for ring in rings):
        return None
    return {"type": "MultiPolygon", "coordinates": [[[list(p) for p in ring or ()]] for ring in rings]}
