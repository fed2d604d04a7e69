"""Outlines that people drew, as the detections and changes that pictures and measures are made of."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

from shapely.geometry import Polygon

from catalog.exports.pair import Ring
from catalog.exports.people import Missed
from models.change import Change, Link
from models.detect import Detection, Kind


def redrawn(change: Change, ring_px: Ring, gsd_m: float) -> Change:
    """A change with a person's outline at the place that it is opened at, measured anew."""
    place = replace(change.place, **_measures(ring_px, gsd_m))
    return replace(change, before=place) if change.after is None else replace(change, after=place)


def new_change(missed: Missed, gsd_m: float, *, tile: str) -> Change:
    """A change that a person added. Its score is not to be shown: nothing scored it."""
    kind: Kind = "appeared" if missed.kind == "appeared" else "vanished"
    place = Detection(
        **_measures(missed.ring_px, gsd_m), polarity="brighter", kind=kind, kind_margin=1.0, score=1.0, tile=tile,
        label=missed.label,
    )  # fmt: skip
    return Change(
        id=missed.id, kind=kind, label=missed.label, score=1.0, before=place if kind == "vanished" else None,
        after=place if kind == "appeared" else None, link=Link(), tile=tile,
    )  # fmt: skip


def _measures(ring_px: Ring, gsd_m: float) -> dict[str, Any]:
    """Outline, box, centre, sides of the smallest rectangle, area and direction, as a detection has them."""
    shape = Polygon(ring_px)
    col0, row0, col1, row1 = shape.bounds
    rectangle: Any = shape.minimum_rotated_rectangle
    corners = list(rectangle.exterior.coords)[:3]
    sides = [
        (math.dist(one, other), other[0] - one[0], other[1] - one[1]) for one, other in pairwise(corners)
    ]
    (width, _, _), (length, right, down) = sorted(sides)
    return {
        "outline_px": ring_px,
        "bbox_px": (
            math.floor(col0), math.floor(row0), max(math.ceil(col1), math.floor(col0) + 1),
            max(math.ceil(row1), math.floor(row0) + 1),
        ),
        "centroid_px": (shape.centroid.x, shape.centroid.y), "length_m": length * gsd_m, "width_m": width * gsd_m,
        "area_m2": shape.area * gsd_m**2, "orientation_deg": math.degrees(math.atan2(right, -down)) % 180.0,
    }  # fmt: skip
