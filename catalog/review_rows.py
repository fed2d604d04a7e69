"""From a run on disk to the rows that the review index holds of it."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from shapely.geometry import Polygon, mapping

from catalog.errors import BadReview
from catalog.geometry import lon_lat, polygon_of
from catalog.layout import REPORT, TILES, read_json
from catalog.reader import StoredRun
from catalog.report import SELF_DIGEST
from catalog.review_acts import tile_subject
from catalog.review_outline import grid_of, on_grid
from models.change import Change, TileOutcome

Point = tuple[float, float]

UNSEEN = ("not_assessable", "failed")

EMPTY: dict[str, Any] = {
    "kind": None, "label": None, "score": None, "false_alarms_per_km2": None, "zone": None, "watched": False,
    "length_m": None, "lon": None, "lat": None, "causes": [], "reason": None, "valid_fraction": None,
    "rule_state": None, "rule_reason": None, "successor": None, "state": "provisional", "verdict": None,
    "verdict_reason": None, "needs": "first", "second": "none", "given_label": None, "answers": 0,
    "suppressed_by": None, "suppressed_until": None, "suppressed": False, "last_seq": 0, "tile_worth": 0.0,
    "worth": 0.0, "reviewers": [], "changed": 0, "added": False, "listed": True,
}  # fmt: skip


def change_rows(run: StoredRun, name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A row for each change of a run, and where each lies."""
    report = run.report
    shared = EMPTY | _of_run(run, name)
    watched = _watched(report.site)
    rows = [shared | _change(change, watched) for change in report.changes]
    places = _places(report.grid, [(c.place.centroid_px, c.place.outline_px) for c in report.changes])
    for row, (lon, lat, _) in zip(rows, places, strict=True):
        row.update(lon=lon, lat=lat)
    outlines = [
        {"subject": row["subject"], "outline": outline}
        for row, (_, _, outline) in zip(rows, places, strict=True)
    ]
    return rows, outlines


def tile_rows(run: StoredRun, name: str, audited: Callable[[str], bool]) -> list[dict[str, Any]]:
    """A row for each tile that could not be assessed and for the blank tiles that are to be looked at."""
    shared = EMPTY | _of_run(run, name)
    found = []
    for outcome in run.report.outcomes:
        if outcome.outcome in UNSEEN or (outcome.outcome == "unchanged" and audited(outcome.tile)):
            found.append(shared | _tile(name, outcome))
    return found


def tile_row(run: StoredRun, name: str, outcome: TileOutcome) -> dict[str, Any]:
    """The row of one tile, outside the random share."""
    return EMPTY | _of_run(run, name) | _tile(name, outcome) | {"added": True}


def run_row(
    run: StoredRun, name: str, stamp: str, share: float, tiles: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the index holds of a run."""
    report = run.report
    outcomes = [outcome.outcome for outcome in report.outcomes]
    rows, cols = report.grid["shape"]
    area_km2 = rows * cols * float(report.grid["gsd_m"]) ** 2 / 1e6
    return {
        **_of_run(run, name, key="name"), "report_sha256": _digest(run), "stamp": stamp, "status": report.status,
        "reason": report.reason, "created": report.created, "min_score": report.parameters.get("min_score"),
        "assessed_km2": round(area_km2 * report.valid_fraction, 6), "grid": dict(report.grid),
        "tiles": len(outcomes), "flagged": outcomes.count("changed"), "blank": outcomes.count("unchanged"),
        "audited": sum(row["what"] == "blank" for row in tiles), "audit_share": share,
        "unseen": sum(outcome in UNSEEN for outcome in outcomes),
    }  # fmt: skip


def missed_row(
    root: Path, run: Mapping[Any, Any], subject: str, body: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row of a change that a person added to a run, and where it lies.

    Raises
    ------
    BadReview
        The outline is not on the run's grid.
    """
    ring = on_grid(body, run["grid"])
    shape = Polygon(ring)
    centre = (shape.centroid.x, shape.centroid.y)
    ((lon, lat, outline),) = _places(run["grid"], [(centre, ring)])
    row = _added(run, subject, body) | {
        "tile": tile_at(root / str(run["name"]), centre), "length_m": round(_longest(shape) * float(run["gsd_m"]), 1),
        "lon": lon, "lat": lat,
    }  # fmt: skip
    return row, {"subject": subject, "outline": outline}


def unplaced_row(
    run: Mapping[Any, Any], subject: str, body: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same for one that does not lie on the images of the run's present result: known, and not listed."""
    outline = body["geometry"] if "geometry" in body else {"outline_px": body["outline_px"]}
    row = _added(run, subject, body) | {"tile": "", "listed": False}
    return row, {"subject": subject, "outline": outline}


def _added(run: Mapping[Any, Any], subject: str, body: Mapping[str, Any]) -> dict[str, Any]:
    names = ("site", "sensor", "gsd_m", "simulated", "before_time", "after_time")
    return EMPTY | {name: run[name] for name in names} | {
        "subject": subject, "what": "change", "added": True, "run": run["name"], "kind": body["kind"],
        "label": body["label"],
    }  # fmt: skip


def tile_at(folder: Path, point: tuple[float, float]) -> str:
    """The tile of a run that owns a point (column, row).

    Raises
    ------
    BadReview
        None does.
    """
    col, row = point
    for tile in read_json(folder / TILES)["tiles"]:
        col0, row0, col1, row1 = tile["bbox_px"]
        if col0 <= col < col1 and row0 <= row < row1:
            return str(tile["tile"])
    raise BadReview(f"column {col:.1f}, row {row:.1f} lies in no tile of this run")


def _of_run(run: StoredRun, name: str, key: str = "run") -> dict[str, Any]:
    report = run.report
    return {
        key: name, "site": None if report.site is None else str(report.site["id"]), "sensor": report.sensor,
        "gsd_m": round(report.gsd_m, 4), "simulated": report.simulated,
        "before_time": None if report.before is None else str(report.before["acquired"]),
        "after_time": None if report.after is None else str(report.after["acquired"]),
    }  # fmt: skip


def _change(change: Change, watched: Mapping[str, bool]) -> dict[str, Any]:
    return {
        "subject": change.id, "what": "change", "tile": change.tile, "kind": change.kind, "label": change.label,
        "score": round(change.score, 6), "false_alarms_per_km2": change.false_alarms_per_km2, "zone": change.zone,
        "watched": bool(change.zone and watched.get(change.zone)), "length_m": round(change.place.length_m, 1),
        "causes": list(change.causes),
    }  # fmt: skip


def _tile(run: str, outcome: TileOutcome) -> dict[str, Any]:
    unseen = outcome.outcome in UNSEEN
    return {
        "subject": tile_subject(run, outcome.tile), "what": "unseen" if unseen else "blank", "tile": outcome.tile,
        "reason": outcome.reason, "valid_fraction": round(outcome.valid_fraction, 4),
        "needs": "none" if unseen else "first",
    }  # fmt: skip


def _watched(site: Mapping[str, Any] | None) -> dict[str, bool]:
    return {} if site is None else {str(zone["id"]): bool(zone["watch"]) for zone in site["zones"]}


def _places(
    stated: Mapping[str, Any], places: Sequence[tuple[Point, Sequence[Point]]]
) -> list[tuple[float | None, float | None, dict[str, Any]]]:
    """Longitude, latitude and outline of centres and rings in pixels; None and pixels without georeference."""
    grid = grid_of(stated)
    if grid.crs is None:
        return [(None, None, {"outline_px": [list(point) for point in ring]}) for _, ring in places]
    # All points at once: setting up a transformation costs more than using it.
    points = iter(lon_lat(grid, [point for centre, ring in places for point in (centre, *ring)]))
    return [(*next(points), polygon_of(list(islice(points, len(ring))))) for _, ring in places]


def _longest(shape: Polygon) -> float:
    around = mapping(shape.minimum_rotated_rectangle)["coordinates"][0]
    sides = [((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 for (x0, y0), (x1, y1) in pairwise(around)]
    return float(max(sides))


def _digest(run: StoredRun) -> str:
    return str(read_json(run.folder / REPORT)[SELF_DIGEST])
