"""The facts of a finding as one flat row: the same names and values in GeoJSON, CSV, KML and GeoPackage."""

from collections.abc import Iterable, Mapping
from typing import Literal

from catalog.exports import claims, observation
from catalog.exports.findings import Handed
from catalog.exports.pair import HandedPair, HandedScene

Kind = Literal["text", "number", "integer", "flag", "time"]
Value = str | float | int | bool | None

COLUMNS: Mapping[str, Kind] = {
    "id": "text", "tag": "text", "simulated": "flag", "kind": "text", "label": "text",
    "label_probability": "number", "score": "number", "score_is_probability": "flag",
    "false_alarms_per_km2": "number", "zone_id": "text", "zone": "text", "zone_uncertain": "flag",
    "lon": "number", "lat": "number", "before_time": "time", "after_time": "time", "length_m": "number",
    "length_error_m": "number", "width_m": "number", "area_m2": "number", "orientation_deg": "number",
    "displacement_m": "number", "link_state": "text", "link_partners": "text", "causes": "text",
    "state": "text", "state_reason": "text", "later_dates": "text", "review": "text", "review_label": "text",
    "review_label_beyond_pixels": "flag", "review_reason": "text", "review_notes": "text",
    "reviewers": "text", "reviewed": "time", "added_by_person": "flag", "outline_by_person": "flag",
    "site": "text", "run": "text", "before_scene": "text", "after_scene": "text", "before_sha256": "text",
    "after_sha256": "text", "gsd_m": "number", "sensor": "text", "attribution": "text",
}  # fmt: skip
"""Name and type, in the order in which they are written; docs/handover.md explains each."""


def row(one: Handed, pair: HandedPair) -> dict[str, Value]:
    """The row of a finding, every column of `COLUMNS` in order."""
    place = one.place
    said = observation.claim_of(one, pair)
    error = claims.length_error_m(place.length_m, gsd_m=pair.gsd_m, sensor=pair.sensor)
    probability = one.label_probability if said.label == one.label else None
    found: dict[str, Value] = {
        "id": one.id, "tag": one.tag, "simulated": pair.simulated, "kind": one.kind, "label": said.label,
        "label_probability": probability, "score": None if one.score is None else round(one.score, 4),
        "score_is_probability": one.likelihood_known, "false_alarms_per_km2": one.false_alarms_per_km2,
        "zone_id": one.zone_id, "zone": one.zone, "zone_uncertain": one.zone_uncertain, "lon": place.lon,
        "lat": place.lat, "before_time": pair.before.acquired, "after_time": pair.after.acquired,
        "length_m": round(place.length_m, 1), "length_error_m": round(error, 1), "width_m": round(place.width_m, 1),
        "area_m2": round(place.area_m2, 1), "orientation_deg": round(place.orientation_deg, 1),
        "displacement_m": None if one.displacement_m is None else round(one.displacement_m, 1),
        "link_state": one.link_state, "link_partners": _joined(one.link_partners), "causes": _joined(one.causes),
        "state": None if one.state is None else one.state.state,
        "state_reason": None if one.state is None else one.state.reason,
        "later_dates": None if one.later is None else one.later.reason,
    }  # fmt: skip
    return found | _review(one, pair) | _origin(pair)


def _review(one: Handed, pair: HandedPair) -> dict[str, Value]:
    review, person = one.review, None
    if review.label is not None:
        person = claims.claim(review.label, gsd_m=pair.gsd_m, sensor=pair.sensor, by_person=True)
    people = [
        *(verdict.reviewer for verdict in review.verdicts),
        *(remark.reviewer for remark in review.remarks),
    ]
    return {
        "review": one.answer, "review_label": review.label,
        "review_label_beyond_pixels": None if person is None else person.refused is not None,
        "review_reason": _joined(verdict.reason for verdict in review.verdicts if verdict.reason),
        "review_notes": _joined(remark.text for remark in review.remarks), "reviewers": _joined(people),
        "reviewed": max((verdict.time for verdict in review.verdicts), default=None),
        "added_by_person": one.by_person, "outline_by_person": one.redrawn,
    }  # fmt: skip


def _origin(pair: HandedPair) -> dict[str, Value]:
    return {
        "site": pair.site, "run": pair.name, "before_scene": pair.before.id, "after_scene": pair.after.id,
        "before_sha256": _hashes(pair.before), "after_sha256": _hashes(pair.after), "gsd_m": round(pair.gsd_m, 4),
        "sensor": pair.sensor, "attribution": pair.attribution,
    }  # fmt: skip


def _hashes(scene: HandedScene) -> str | None:
    return _joined(file.sha256 for file in scene.files if file.sha256)


def _joined(values: Iterable[str]) -> str | None:
    """Several values as one, None where there are none."""
    return "; ".join(dict.fromkeys(values)) or None
