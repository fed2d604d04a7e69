"""From a run on disk to what is handed over of it."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from affine import Affine
from odc.geo.geobox import GeoBox

from catalog import captions, geometry, layout
from catalog.database import reading
from catalog.errors import BrokenRecord, CatalogError
from catalog.exports.findings import (
    Handed,
    HandedPair,
    HandedScene,
    HandedZone,
    Handover,
    Place,
    Ring,
    SourceFile,
    State,
    Unseen,
    Verdict,
    Verdicts,
)
from catalog.exports.text import NOTE_CHARS, plain
from catalog.findings import Standing, standing
from catalog.ledger import counts
from catalog.overlay import ranked, tags_of
from catalog.reader import StoredRun
from catalog.report import Report
from models.change import Change
from models.detect import Detection
from models.finding_state import NOTES

_PUBLIC = re.compile(r"(?i)^(?:https?|s3)://")
_SECRET = re.compile(r"[?#].*$|(?<=://)[^/@]*@")
"""Queries hold signatures, and user parts passwords."""

_ANGLES = (
    ("view_off_nadir_deg", "off-nadir", "{:.0f}°"), ("view_azimuth_deg", "view azimuth", "{:.0f}°"),
    ("sun_elevation_deg", "sun elevation", "{:.0f}°"), ("sun_azimuth_deg", "sun azimuth", "{:.0f}°"),
    ("relative_orbit", "relative orbit", "{}"), ("processing_baseline", "processing baseline", "{}"),
    ("cloud_cover_pct", "cloud over the scene", "{:.0f} %"), ("gsd_m", "pixel as delivered", "{:.3g} m"),
)  # fmt: skip


def gather(run: StoredRun, *, verdicts: Verdicts | None = None, journal_head: str | None = None) -> Handover:
    """Everything that is handed over of a run.

    Parameters
    ----------
    run : StoredRun
    verdicts : Verdicts or None
        What reviewers said; None where nobody asked them.
    journal_head : str or None
        Hash of the last event of the journal that `verdicts` come from.

    Raises
    ------
    BrokenRecord
        A file of the run is missing or cannot be read.
    BadDatabase
        The database beside the runs cannot be read.
    """
    report = run.report
    ledger = _ledger(run)
    pair = replace(_pair(run, ledger), journal_head=journal_head)
    tags, states = tags_of(report.changes), _states(run)
    findings = tuple(_handed(change, run, tags, states, verdicts, pair) for change in ranked(report.changes))
    overview = run.paths.overlay if run.paths.overlay.is_file() else None
    return Handover(pair=pair, findings=findings, overview=overview, reviewed=verdicts is not None)


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
        kept = tuple(one for one in kept if one.score >= min_score)
        rules.append(f"a score of {min_score:g} or more")
    if confirmed:
        kept = tuple(one for one in kept if one.answer == "confirmed")
        rules.append("confirmed by reviewers")
    left = len(handover.findings) - len(kept) + handover.held_back
    return replace(handover, findings=kept, held_back=left, rule=" and ".join(rules))


def _handed(
    change: Change,
    run: StoredRun,
    tags: Mapping[str, str],
    states: Mapping[str, Standing],
    verdicts: Verdicts | None,
    pair: HandedPair,
) -> Handed:
    report, place = run.report, change.place
    grid = _grid(report)
    seen = {outcome.tile: outcome.valid_fraction for outcome in report.outcomes}
    smallest = (report.detectability or {}).get("tiles", {}).get(change.tile, {}).get("smallest_object_m")
    return Handed(
        id=plain(change.id, 80), tag=tags[change.id], kind=change.kind, label=plain(change.label),
        label_probability=change.label_probability,
        label_others=tuple((plain(name), share) for name, share in place.label_others), score=change.score,
        likelihood_known=report.sensor == "optical" and change.false_alarms_per_km2 is not None,
        zone_id=None if change.zone is None else plain(change.zone), zone=_zone_name(change.zone, pair),
        zone_uncertain=change.zone_uncertain, before=_place(change.before, grid), after=_place(change.after, grid),
        displacement_m=change.displacement_m, link_state=change.link.state,
        link_partners=tuple(tags[name] for name in change.link.partners if name in tags),
        false_alarms_per_km2=change.false_alarms_per_km2, causes=tuple(map(plain, change.causes)),
        reasons=tuple(map(plain, place.reasons)), tile=plain(change.tile), tile_seen=seen.get(change.tile),
        smallest_seen_m=smallest, state=_state(states.get(change.id)),
        verdicts=() if verdicts is None else tuple(map(_harmless, verdicts(change.id))),
        chip=run.paths.chips.get(change.id),
    )  # fmt: skip


def _harmless(verdict: Verdict) -> Verdict:
    return replace(
        verdict, reviewer=plain(verdict.reviewer, 80) or "unnamed", time=plain(verdict.time, 40),
        reason=plain(verdict.reason) or None, note=plain(verdict.note, NOTE_CHARS),
        label=plain(verdict.label) or None,
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


def _state(found: Standing | None) -> State | None:
    if found is None:
        return None
    note = {str(reason): words for reason, words in NOTES.items()}.get(found.reason, "")
    return State(state=found.state, reason=found.reason, note=note, decided_time=found.decided_time)


def root_of(run: StoredRun) -> Path:
    """The outputs folder that a run lies in, or lay in when it was written."""
    return run.folder.resolve().parents[len(PurePosixPath(run.report.name).parts) - 1]


def _states(run: StoredRun) -> dict[str, Standing]:
    """Standing of the site's findings, from the database beside the runs; none where there is no database."""
    if run.report.site is None:
        return {}
    with reading(root_of(run)) as connection:
        return {} if connection is None else standing(connection, str(run.report.site["id"]))


def _grid(report: Report) -> GeoBox:
    rows, cols = report.grid["shape"]
    return GeoBox((rows, cols), Affine(*report.grid["transform"]), report.grid["crs"])


def _ledger(run: StoredRun) -> dict[str, Any]:
    found = layout.read_json(run.paths.tiles)
    if not isinstance(found, dict) or not isinstance(found.get("tiles"), list):
        raise BrokenRecord(f"{run.paths.tiles} is no ledger of tiles; run the pair again to write it anew")
    return found


def _pair(run: StoredRun, ledger: Mapping[str, Any]) -> HandedPair:
    report = run.report
    alignment = report.alignment or {}
    rows, cols = report.grid["shape"]
    return HandedPair(
        name=plain(report.name), site_id=None if report.site is None else plain(report.site["id"]),
        site=None if report.site is None else plain(report.site["name"]), sensor=report.sensor, gsd_m=report.gsd_m,
        status=report.status, reason=plain(report.reason, NOTE_CHARS) or None, simulated=report.simulated,
        before=_scene(report, "before"), after=_scene(report, "after"),
        alignment=plain(captions.alignment_words(report), NOTE_CHARS), alignment_ok=alignment.get("verdict") == "ok",
        residual_px=alignment.get("residual_px"), valid_fraction=report.valid_fraction,
        assessed_km2=report.valid_fraction * rows * cols * report.gsd_m**2 / 1e6, tiles=counts(report.outcomes),
        unseen=_unseen(report, ledger), zones=_zones(report),
        detectability=plain(captions.detectability_words(report), NOTE_CHARS),
        notes=tuple(plain(note, NOTE_CHARS) for note in report.notes),
        left_out=tuple((plain(scene["scene_id"]), plain(scene["reason"], NOTE_CHARS)) for scene in report.left_out),
        attribution=plain(captions.source_words(report), NOTE_CHARS), min_score=report.parameters.get("min_score"),
        command=plain(_command(report), NOTE_CHARS),
        software=tuple((plain(name), plain(version)) for name, version in report.software.items()),
        created=report.created, report_sha256=str(layout.read_json(run.paths.report)["report_sha256"]),
        journal_head=None,
    )  # fmt: skip


def _scene(report: Report, date: str) -> HandedScene:
    scene = (report.before if date == "before" else report.after) or {}
    files = tuple(
        SourceFile(name=_address(str(entry["href"])), sha256=entry["sha256"], copy=entry["copy"])
        for entry in report.inputs
        if entry["date"] == date
    )
    stated = [
        (words, shape.format(scene[name])) for name, words, shape in _ANGLES if scene.get(name) is not None
    ]
    platform = scene.get("platform")
    return HandedScene(
        date=date, id=plain(scene.get("id") or (files[0].name if files else date)),
        platform=None if platform in {None, "unknown"} else plain(platform), acquired=_acquired(scene),
        facts=tuple((words, plain(value)) for words, value in stated),
        licence=plain(scene.get("licence")) or None, attribution=plain(scene.get("attribution")) or None, files=files,
    )  # fmt: skip


def _acquired(scene: Mapping[str, Any]) -> str | None:
    if not scene:
        return None
    moment = str(scene["acquired"])
    return moment if scene.get("time_known", True) else moment[:10]


def _address(href: str) -> str:
    """An address without what opens it; of a local file only the name, which says nothing about a machine."""
    if _PUBLIC.match(href):
        return plain(_SECRET.sub("", href), 400)
    return plain(PurePosixPath(href).name)


def _unseen(report: Report, ledger: Mapping[str, Any]) -> tuple[Unseen, ...]:
    grid = _grid(report)
    boxes = {str(row["tile"]): row["bbox_px"] for row in ledger["tiles"]}
    found = []
    for outcome in report.outcomes:
        if outcome.outcome in {"not_assessable", "failed"}:
            ring: Ring | None = None
            if grid.crs is not None and outcome.tile in boxes:
                col0, row0, col1, row1 = boxes[outcome.tile]
                corners = [(col0, row0), (col0, row1), (col1, row1), (col1, row0), (col0, row0)]
                ring = tuple((x, y) for x, y in geometry.polygon(grid, corners)["coordinates"][0])
            reason = plain(outcome.reason, NOTE_CHARS) or "no reason given"
            found.append(Unseen(tile=plain(outcome.tile), outcome=outcome.outcome, reason=reason, ring=ring))
    return tuple(found)


def _zones(report: Report) -> tuple[HandedZone, ...]:
    if report.site is None:
        return ()
    covered = {zone["zone"]: zone for zone in report.zones}
    states = {state["zone"]: state["state"] for state in report.zone_states}
    return tuple(
        HandedZone(
            id=plain(zone["id"]), name=plain(zone["name"]), kind=plain(zone["kind"]), watched=bool(zone["watch"]),
            on_grid=covered.get(zone["id"], {}).get("on_grid"), seen=covered.get(zone["id"], {}).get("seen"),
            geometry=zone["geometry"], state=states.get(zone["id"]),
        )
        for zone in report.site["zones"]
    )  # fmt: skip


def _command(report: Report) -> str:
    """What computes the run again: from its own copies, or from the two files that were given."""
    if "rerun" in report.parameters:
        return f"sitewatch verify {shlex.quote(plain(report.name))} --rerun"
    names = []
    for date in ("before", "after"):
        hrefs = [str(entry["href"]) for entry in report.inputs if entry["date"] == date]
        names.append(shlex.quote(_address(hrefs[0])) if hrefs else date.upper())
    return " ".join(["sitewatch diff", *names, *_options(report)])


def _options(report: Report) -> Sequence[str]:
    given: Mapping[str, Any] = report.parameters.get("given") or {}
    stated = {
        "--gsd": given.get("gsd_m"), "--sensor": given.get("sensor"), "--quantity": given.get("quantity"),
        "--scorer": _scorer(report), "--min-score": report.parameters.get("min_score"),
    }  # fmt: skip
    for option, scene in (("--before-time", report.before), ("--after-time", report.after)):
        stated[option] = None if scene is None else scene["acquired"]
    asked = report.parameters.get("false_alarms")
    if asked is not None:
        stated.pop("--min-score")
        stated["--false-alarms-per-km2"] = f"{asked['asked_per_km2']:g}"
    words = {option: plain(value) for option, value in stated.items() if value is not None}
    return [f"{option} {shlex.quote(value)}" for option, value in words.items()]


def _scorer(report: Report) -> str | None:
    """A scorer's name; of a file only its own name."""
    stated = report.parameters.get("scorer")
    return None if stated is None else PurePosixPath(str(stated)).name


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
