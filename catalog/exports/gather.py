"""From a run on disk to what is handed over of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from odc.geo.geobox import GeoBox
from shapely.geometry import Point, Polygon, shape

from catalog import geometry, layout
from catalog.database import reading
from catalog.errors import CatalogError
from catalog.exports.findings import Handed, Handover, Place, State
from catalog.exports.gather_pair import ledger_of, pair_of
from catalog.exports.outlines import new_change, redrawn
from catalog.exports.pair import HandedPair, Ring
from catalog.exports.people import Missed, Review, Reviews
from catalog.exports.text import NOTE_CHARS, plain
from catalog.findings import Standing, standing
from catalog.overlay import ranked, tags_of
from catalog.reader import StoredRun
from catalog.review_outline import grid_of
from catalog.standings import BY_PERSON
from models.change import Change
from models.detect import Detection
from models.finding_state import NOTES

_DEG_M = 111_320.0


def gather(run: StoredRun, *, reviews: Reviews | None = None) -> Handover:
    """Everything that is handed over of a run.

    Parameters
    ----------
    run : StoredRun
    reviews : Reviews or None
        What people said; None where nobody was asked.

    Raises
    ------
    BrokenRecord
        A file of the run is missing or cannot be read.
    BadDatabase
        The database beside the runs cannot be read.
    """
    report = run.report
    pair = replace(pair_of(run, ledger_of(run)), journal_head=None if reviews is None else reviews.head)
    context = _Context(
        run=run, pair=pair, grid=grid_of(report.grid), tags=tags_of(report.changes), states=_states(run),
        seen={outcome.tile: outcome.valid_fraction for outcome in report.outcomes},
    )  # fmt: skip
    listed = tuple(
        _listed(change, context, harmless(reviews.of(change.id)) if reviews else Review())
        for change in ranked(report.changes)
    )
    added = tuple(_added(i, missed, context) for i, missed in enumerate(reviews.missed if reviews else (), 1))
    overview = run.paths.overlay if run.paths.overlay.is_file() else None
    return Handover(
        pair=pair, findings=listed + added, overview=overview, reviewed=reviews is not None,
        not_placed=reviews.not_placed if reviews else 0,
    )  # fmt: skip


def chosen(handover: Handover, *, min_score: float | None = None, confirmed: bool = False) -> Handover:
    """Only the findings that were asked for, with the rule and the number of others.

    Parameters
    ----------
    min_score : float or None
    confirmed : bool
        Only what reviewers confirmed.
    """
    rules = []
    kept = handover.findings
    if min_score is not None:
        kept = tuple(one for one in kept if one.score is None or one.score >= min_score)
        rules.append(f"a score of {min_score:g} or more")
    if confirmed:
        kept = tuple(one for one in kept if one.answer == "confirmed")
        rules.append("confirmed by reviewers")
    left = len(handover.findings) - len(kept) + handover.held_back
    return replace(handover, findings=kept, held_back=left, rule=" and ".join(rules))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Context:
    """What all findings of a run share."""

    run: StoredRun
    pair: HandedPair
    grid: GeoBox
    tags: Mapping[str, str]
    states: Mapping[str, Standing]
    seen: Mapping[str, float]

    def smallest_m(self, tile: str) -> float | None:
        """Length of the smallest reference object found on half of a tile."""
        entry = self.run.report.detectability or {}
        length: float | None = entry.get("tiles", {}).get(tile, {}).get("smallest_object_m")
        return length


def _listed(change: Change, context: _Context, review: Review) -> Handed:
    """A change that the run lists; a person's outline takes the place of its own."""
    run, pair = context.run, context.pair
    shown = change if review.ring_px is None else redrawn(change, review.ring_px, run.report.gsd_m)
    return Handed(
        id=plain(change.id, 80), tag=context.tags[change.id], kind=change.kind, label=plain(change.label),
        label_probability=change.label_probability,
        label_others=tuple((plain(name), share) for name, share in change.place.label_others), score=change.score,
        likelihood_known=run.report.sensor == "optical" and change.false_alarms_per_km2 is not None,
        zone_id=None if change.zone is None else plain(change.zone), zone=_zone_name(change.zone, pair),
        zone_uncertain=change.zone_uncertain, before=_place(shown.before, context.grid),
        after=_place(shown.after, context.grid), displacement_m=change.displacement_m, link_state=change.link.state,
        link_partners=tuple(context.tags[name] for name in change.link.partners if name in context.tags),
        false_alarms_per_km2=change.false_alarms_per_km2, causes=tuple(map(plain, change.causes)),
        reasons=tuple(map(plain, change.place.reasons)), tile=plain(change.tile),
        tile_seen=context.seen.get(change.tile), smallest_seen_m=context.smallest_m(change.tile),
        state=_state(context.states.get(change.id), review), review=review, by_person=False,
        redrawn=shown is not change, chip=run.paths.chips.get(change.id), shown=None if shown is change else shown,
    )  # fmt: skip


def _added(number: int, missed: Missed, context: _Context) -> Handed:
    """A change that a person added to the run."""
    review, label = harmless(missed.review), plain(missed.label)
    tile = _tile_at(context.run, missed.ring_px)
    shown = new_change(missed, context.run.report.gsd_m, tile=tile)
    zone, uncertain = _zone_at(shown.place, context)
    return Handed(
        id=plain(missed.id, 80), tag=f"R{number}", kind=missed.kind, label=label, label_probability=None,
        label_others=(), score=None, likelihood_known=False, zone_id=zone, zone=_zone_name(zone, context.pair),
        zone_uncertain=uncertain, before=_place(shown.before, context.grid), after=_place(shown.after, context.grid),
        displacement_m=None, link_state="none", link_partners=(), false_alarms_per_km2=None, causes=(), reasons=(),
        tile=plain(tile), tile_seen=context.seen.get(tile), smallest_seen_m=context.smallest_m(tile),
        state=_state(None, review), review=review, by_person=True, redrawn=True, chip=None, shown=shown,
    )  # fmt: skip


def _tile_at(run: StoredRun, ring_px: Ring) -> str:
    """The tile that holds the centre of an outline; "" where the ledger has none there."""
    centre = Polygon(ring_px).centroid
    for row in layout.read_json(run.paths.tiles)["tiles"]:
        col0, row0, col1, row1 = row["bbox_px"]
        if col0 <= centre.x < col1 and row0 <= centre.y < row1:
            return str(row["tile"])
    return ""


def _zone_at(place: Detection, context: _Context) -> tuple[str | None, bool]:
    """The smallest watched zone that holds a place; whether the zone's own error leaves that open."""
    if context.grid.crs is None or context.run.report.site is None:
        return None, False
    point = Point(geometry.lon_lat(context.grid, [place.centroid_px])[0])
    zones = [(shape(zone["geometry"]), zone) for zone in context.run.report.site["zones"] if zone["watch"]]
    holding = [(found.area, zone["id"], found, zone) for found, zone in zones if found.contains(point)]
    if not holding:
        return None, False
    _, name, found, zone = min(holding, key=lambda entry: entry[:2])
    margin_m = found.boundary.distance(point) * _DEG_M
    return plain(name), margin_m < float(zone["position_error_m"])


def harmless(review: Review) -> Review:
    """What people said, every word of it plain."""
    return replace(
        review, label=plain(review.label) or None,
        verdicts=tuple(
            replace(one, reviewer=plain(one.reviewer, 80) or "unnamed", reason=plain(one.reason) or None)
            for one in review.verdicts
        ),
        remarks=tuple(
            replace(one, reviewer=plain(one.reviewer, 80) or "unnamed", text=plain(one.text, NOTE_CHARS))
            for one in review.remarks
        ),
    )  # fmt: skip


def _zone_name(zone: str | None, pair: HandedPair) -> str | None:
    if zone is None:
        return None
    names = {entry.id: entry.name for entry in pair.zones}
    return names.get(plain(zone), plain(zone))


def _place(found: Detection | None, grid: GeoBox) -> Place | None:
    if found is None:
        return None
    ring, centre = None, None
    if grid.crs is not None:
        ring = tuple((x, y) for x, y in geometry.polygon(grid, found.outline_px)["coordinates"][0])
        centre = geometry.lon_lat(grid, [found.centroid_px])[0]
    return Place(
        ring=ring, ring_px=found.outline_px, lon=None if centre is None else centre[0],
        lat=None if centre is None else centre[1], centroid_px=found.centroid_px, length_m=found.length_m,
        width_m=found.width_m, area_m2=found.area_m2, orientation_deg=found.orientation_deg,
    )  # fmt: skip


def _state(found: Standing | None, review: Review) -> State | None:
    """A person's verdict outranks the rule, as it does in `catalog.standings`."""
    rule = None
    if found is not None:
        note = {str(reason): words for reason, words in NOTES.items()}.get(found.reason, "")
        rule = State(state=found.state, reason=found.reason, note=note, decided_time=found.decided_time)
    if review.agreed not in {"confirmed", "rejected"}:
        return rule
    last = max(verdict.time for verdict in review.verdicts)
    state = "confirmed" if review.agreed == "confirmed" else "withdrawn"
    return State(
        state=state, reason=BY_PERSON, note="by a reviewer\u2019s verdict", decided_time=last, by_rule=rule
    )


def root_of(run: StoredRun) -> Path:
    """The outputs folder that a run lies in, or lay in when it was written."""
    return run.folder.resolve().parents[len(PurePosixPath(run.report.name).parts) - 1]


def _states(run: StoredRun) -> dict[str, Standing]:
    """Standing of the site's findings, from the database beside the runs; none where there is no database."""
    if run.report.site is None:
        return {}
    with reading(root_of(run)) as connection:
        return {} if connection is None else standing(connection, str(run.report.site["id"]))


def check_placed(handover: Handover, form: str) -> None:
    """Raise where a format needs positions and the run has none.

    Raises
    ------
    CatalogError
    """
    if any(place.ring is None for one in handover.findings for place in one.places):
        raise CatalogError(
            f"{handover.pair.name} has no georeference, and {form} holds positions; choose csv, geojson, gpkg, html or "
            "pdf, or compare georeferenced files"
        )
