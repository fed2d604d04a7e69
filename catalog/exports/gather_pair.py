"""From a run on disk to the pair of dates that is handed over."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import rasterio
from rasterio.errors import RasterioIOError

from catalog import captions, geometry, layout
from catalog.errors import BrokenRecord
from catalog.exports.pair import HandedPair, HandedScene, HandedZone, Ring, SourceFile, Unseen
from catalog.exports.text import NOTE_CHARS, plain
from catalog.ledger import counts
from catalog.reader import StoredRun
from catalog.report import Report
from catalog.review_outline import grid_of

_PUBLIC = re.compile(r"(?i)^(?:https?|s3)://")
_SECRET = re.compile(r"[?#].*$|(?<=://)[^/@]*@")
"""Queries hold signatures, and user parts passwords."""

_ANGLES = (
    ("view_off_nadir_deg", "off-nadir", "{:.0f}°"), ("view_azimuth_deg", "view azimuth", "{:.0f}°"),
    ("sun_elevation_deg", "sun elevation", "{:.0f}°"), ("sun_azimuth_deg", "sun azimuth", "{:.0f}°"),
    ("relative_orbit", "relative orbit", "{}"), ("processing_baseline", "processing baseline", "{}"),
    ("cloud_cover_pct", "cloud over the scene", "{:.0f} %"), ("gsd_m", "pixel as delivered", "{:.3g} m"),
)  # fmt: skip

_SIDES = {"ascending": "east", "descending": "west"}
"""Where Sentinel-1 looks: always to the right of a path that leads nearly north or south."""


def ledger_of(run: StoredRun) -> dict[str, Any]:
    """The run's ledger of tiles.

    Raises
    ------
    BrokenRecord
    """
    found = layout.read_json(run.paths.tiles)
    if not isinstance(found, dict) or not isinstance(found.get("tiles"), list):
        raise BrokenRecord(f"{run.paths.tiles} is no ledger of tiles; run the pair again to write it anew")
    return found


def pair_of(run: StoredRun, ledger: Mapping[str, Any]) -> HandedPair:
    """The pair of a run, without what the journal says."""
    report = run.report
    alignment = report.alignment or {}
    rows, cols = report.grid["shape"]
    return HandedPair(
        name=plain(report.name), site_id=None if report.site is None else plain(report.site["id"]),
        site=None if report.site is None else plain(report.site["name"]), sensor=report.sensor, gsd_m=report.gsd_m,
        status=report.status, reason=plain(report.reason, NOTE_CHARS) or None, simulated=report.simulated,
        before=_scene(run, "before"), after=_scene(run, "after"),
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


def _scene(run: StoredRun, date: str) -> HandedScene:
    report = run.report
    scene = (report.before if date == "before" else report.after) or {}
    files = tuple(
        SourceFile(name=_address(str(entry["href"])), sha256=entry["sha256"], copy=entry["copy"])
        for entry in report.inputs
        if entry["date"] == date
    )
    stated = [
        (words, shape.format(scene[name])) for name, words, shape in _ANGLES if scene.get(name) is not None
    ]
    if report.sensor == "sar":
        stated = [*_radar_facts(run, date, scene), *stated]
    platform = scene.get("platform")
    return HandedScene(
        date=date, id=plain(scene.get("id") or (files[0].name if files else date)),
        platform=None if platform in {None, "unknown"} else plain(platform), acquired=_acquired(scene),
        facts=tuple((words, plain(value)) for words, value in stated),
        licence=plain(scene.get("licence")) or None, attribution=plain(scene.get("attribution")) or None, files=files,
    )  # fmt: skip


def _radar_facts(run: StoredRun, date: str, scene: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is measured, and from which side: a radar shows its own side of things bright and hides the other."""
    path = run.paths.before if date == "before" else run.paths.after
    try:
        with rasterio.open(path) as image:
            polarisations = ", ".join(str(name).upper() for name in image.descriptions if name)
    except RasterioIOError as error:
        raise BrokenRecord(f"{path} cannot be read ({error}); run the pair again to write it anew") from error
    found = [
        ("backscatter", f"{run.report.quantity} (pictures in dB, one stretch for both dates)"),
        ("polarisation", polarisations or "not stated"),
    ]
    direction = scene.get("orbit_state")
    if direction is not None:
        found.append(("orbit", str(direction)))
    if direction in _SIDES and str(scene.get("platform")).lower().startswith("sentinel-1"):
        found.append(("look direction", f"{_SIDES[direction]} (right of its path)"))
    return found


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
    grid = grid_of(report.grid)
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
