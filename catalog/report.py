"""The Report: what was compared, how, and what came of it, readable without STAC."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odc.geo.geobox import GeoBox
from shapely.geometry import mapping

from catalog import detectability
from catalog.geometry import grid_crs_code, plain
from catalog.layout import digest, jsonable
from catalog.ledger import counts
from catalog.software import versions
from imagery.raster import gsd_m
from imagery.scene import Scene
from imagery.site import Site
from models.change import Change, TileOutcome
from models.compare import PairModel
from models.finding_state import STATES

if TYPE_CHECKING:
    from catalog.findings import Standing
    from catalog.run import InputFile, LeftOutScene, RunPaths, RunRecord
    from catalog.suppression import Suppression

FORMAT = "sitewatch-report/1"
SELF_DIGEST = "report_sha256"
KINDS = ("appeared", "vanished", "moved")


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """What a run leaves in ``report.json``.

    Parameters
    ----------
    name, pair : str
        Folder below the root; the pair id used in change ids.
    site : dict or None
        id, name, attribution, and the zones' outlines as they were used.
    sensor : str
    quantity : str
        What the pixels of before.tif and after.tif measure.
    status : {"changed", "unchanged", "not_assessable"}
    reason : str or None
    simulated : bool
    created : str
        RFC 3339, UTC.
    seconds : float
        Wall time of the comparison.
    grid : dict
        CRS code, transform, shape, gsd_m.
    before, after : dict or None
        The scenes: id, platform, acquired, angles, licence.
    alignment : dict or None
        As `imagery.align.Alignment.as_dict`.
    normalisation : dict or None
        Radiometry and noise of the pair model.
    quality : dict
        Alignment residual, valid share, differences of sun and view between the dates.
    valid_fraction : float
        Of the grid, usable on both dates.
    zones : tuple of dict
        Per zone: id, share of it that the grid covers, share of that which could be seen on both dates.
    zone_states : tuple of dict
        Where pixels are too coarse for objects: whether a zone as a whole changed, as `models.occupancy.ZoneState`.
    detectability : dict or None
        What would have been found, of the pair and by tile (`catalog.detectability.report_entry`).
    outcomes : tuple of TileOutcome
    changes : tuple of Change
    parameters : dict
    software : dict of name to version
    inputs : tuple of dict
        Date, scene, href, etag, length, sha256, copy (path inside the run, or None).
    left_out : tuple of dict
    notes : tuple of str
    fingerprint : str
        Of inputs, grid, site, parameters and software: equal fingerprints mean the same computation.
    files : tuple of dict
        Manifest: path, size and sha256 of every file of the run but this one and ``item.json``.
    """

    name: str
    pair: str
    site: Mapping[str, Any] | None
    sensor: str
    quantity: str
    status: str
    reason: str | None
    simulated: bool
    created: str
    seconds: float
    grid: Mapping[str, Any]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    alignment: Mapping[str, Any] | None
    normalisation: Mapping[str, Any] | None
    quality: Mapping[str, Any]
    valid_fraction: float
    zones: tuple[Mapping[str, Any], ...]
    outcomes: tuple[TileOutcome, ...]
    changes: tuple[Change, ...]
    parameters: Mapping[str, Any]
    software: Mapping[str, str]
    inputs: tuple[Mapping[str, Any], ...]
    left_out: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]
    fingerprint: str
    zone_states: tuple[Mapping[str, Any], ...] = ()
    detectability: Mapping[str, Any] | None = None
    files: tuple[Mapping[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with format and the digest of everything else."""
        body = {field.name: getattr(self, field.name) for field in fields(self)}
        body["outcomes"] = [dict(outcome.__dict__) for outcome in self.outcomes]
        body["changes"] = [change.as_dict() for change in self.changes]
        document: dict[str, Any] = jsonable({"format": FORMAT, **body})
        return document | {SELF_DIGEST: digest(document)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Report":
        """Inverse of `as_dict`, also after a round trip through JSON."""
        body = {name: value for name, value in document.items() if name not in {"format", SELF_DIGEST}}
        for name in ("zones", "zone_states", "inputs", "left_out", "notes", "files"):
            body[name] = tuple(body.get(name, ()))
        body["outcomes"] = tuple(TileOutcome(**outcome) for outcome in body["outcomes"])
        body["changes"] = tuple(Change.from_dict(change) for change in body["changes"])
        return cls(**body)

    def with_files(self, files: tuple[Mapping[str, Any], ...]) -> "Report":
        """The report with its manifest."""
        return replace(self, files=files)

    def result_digest(self) -> str:
        """Digest of what was found, to tell whether a repeated computation agrees."""
        document = self.as_dict()
        return digest(
            {name: document[name] for name in ("status", "reason", "outcomes", "changes", "alignment")}
        )

    @property
    def gsd_m(self) -> float:
        """Ground sample distance of the grid."""
        return float(self.grid["gsd_m"])


def build_report(record: "RunRecord", copies: Mapping[int, str]) -> Report:
    """The report of a run, without its manifest.

    Parameters
    ----------
    record : RunRecord
    copies : mapping of index in `record.inputs` to str
        Where the evidentiary copy lies inside the run.
    """
    model = record.model
    body: dict[str, Any] = {
        "name": record.name,
        "pair": record.pair,
        "site": None if record.site is None else _site(record.site),
        "sensor": record.sensor,
        "quantity": record.before_reader.quantity,
        "grid": _grid(record.grid),
        "before": None if record.before is None else _scene(record.before),
        "after": None if record.after is None else _scene(record.after),
        "parameters": jsonable(record.parameters),
        "software": versions(),
        "inputs": tuple(input_row(entry, copies.get(i)) for i, entry in enumerate(record.inputs)),
    }
    return Report(
        **body,
        fingerprint=_fingerprint(body),
        status=record.status,
        reason=record.reason,
        simulated=record.simulated,
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        seconds=round(record.seconds, 3),
        alignment=None if model is None else jsonable(model.alignment.as_dict()),
        normalisation=None if model is None else _normalisation(model),
        quality=_quality(record),
        valid_fraction=round(record.valid_fraction, 4),
        zones=tuple(dict(zone.__dict__) for zone in record.zones),
        zone_states=tuple(state.as_dict() for state in record.zone_states),
        detectability=jsonable(detectability.report_entry(record)),
        outcomes=record.conclusion.outcomes,
        changes=record.conclusion.changes,
        left_out=tuple(_left_out(entry) for entry in record.left_out),
        notes=tuple(record.notes),
    )


def diff_document(result: "Report | RunRecord", paths: "RunPaths") -> dict[str, Any]:
    """What ``sitewatch diff --json`` prints."""
    report = result if isinstance(result, Report) else build_report(result, {})
    alignment = report.alignment
    return {
        "status": report.status,
        "reason": report.reason,
        "item": None if paths.item is None else str(paths.item),
        "gsd_m": round(report.gsd_m, 4),
        "seconds": report.seconds,
        "alignment": None
        if alignment is None
        else {name: alignment[name] for name in ("residual_px", "p95_px", "verdict")},
        "valid_fraction": report.valid_fraction,
        "detectability": detectability.short(report.detectability),
        "report": str(paths.report),
        "changes": [change_row(change) for change in report.changes],
    }


def run_row(result: "Report | RunRecord", paths: "RunPaths") -> dict[str, Any]:
    """One row of ``sitewatch run --json``."""
    report = result if isinstance(result, Report) else build_report(result, {})
    return {
        "site": None if report.site is None else report.site["id"],
        "before": _when(report.before),
        "after": _when(report.after),
        "status": report.status,
        "reason": report.reason,
        "item": None if paths.item is None else str(paths.item),
        "counts": kind_counts(report.changes),
        "outcomes": counts(report.outcomes),
        "simulated": report.simulated,
    }


def kind_counts(changes: tuple[Change, ...]) -> dict[str, int]:
    """Number of changes by kind; every kind is named."""
    return {kind: sum(change.kind == kind for change in changes) for kind in KINDS}


def _when(scene: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if scene is None else {"id": scene["id"], "time": scene["acquired"]}


def change_row(change: Change) -> dict[str, Any]:
    """One change as ``sitewatch diff --json`` lists it."""

    def place(date: str) -> dict[str, Any] | None:
        found = getattr(change, date)
        if found is None:
            return None
        return {
            "bbox_px": list(found.bbox_px),
            "length_m": round(found.length_m, 2),
            "width_m": round(found.width_m, 2),
            "area_m2": round(found.area_m2, 2),
        }

    row: dict[str, Any] = jsonable(
        {
            "id": change.id,
            "kind": change.kind,
            "label": change.label,
            "label_probability": change.label_probability,
            "score": round(change.score, 6),
            "zone": change.zone,
            "link": change.link.__dict__,
            "false_alarms_per_km2": change.false_alarms_per_km2,
            "causes": change.causes,
            "before": place("before"),
            "after": place("after"),
        }
    )
    return row


def with_states(
    row: Mapping[str, Any],
    changes: Iterable[Mapping[str, Any]],
    states: "Mapping[str, Standing]",
    recurrences: "Mapping[str, Suppression]",
) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """A row of ``sitewatch run --json`` and its change rows, with the state of each finding and whether a reviewer
    has rejected the same at its place before.

    A run's files never say it: it depends on dates and answers that come later.
    """
    until = {id_: found.until for id_, found in recurrences.items()}
    found = tuple(
        {**change, "state": states[change["id"]].state, "suppressed_until": until.get(change["id"])}
        for change in changes
    )
    listed = [
        {name: change[name] for name in ("id", "kind", "state")}
        | {"reason": states[change["id"]].reason, "suppressed_until": change["suppressed_until"]}
        for change in found
    ]
    count = {state: sum(change["state"] == state for change in found) for state in STATES}
    suppressed = sum(change["suppressed_until"] is not None for change in found)
    return {**row, "states": count, "suppressed": suppressed, "findings": listed}, found


def _normalisation(model: PairModel) -> dict[str, Any]:
    """Radiometry and noise; alignment has its own place."""
    stated: dict[str, Any] = jsonable(model.as_dict())
    return {name: stated[name] for name in ("radiometry", "noise")}


def _fingerprint(body: Mapping[str, Any]) -> str:
    inputs = [(entry["date"], entry["scene_id"], entry["sha256"]) for entry in body["inputs"]]
    return digest({**body, "inputs": sorted(inputs)})


def _grid(grid: GeoBox) -> dict[str, Any]:
    return {
        "crs": grid_crs_code(grid) or (None if grid.crs is None else str(grid.crs)),
        "transform": [float(value) for value in tuple(grid.affine)[:6]],
        "shape": [int(size) for size in grid.shape],
        "gsd_m": gsd_m(grid),
    }


def _site(site: Site) -> dict[str, Any]:
    zones = [
        {
            "id": zone.id, "name": zone.name, "kind": zone.kind, "watch": zone.watch,
            "position_error_m": zone.position_error_m, "confidence": zone.confidence, "source": zone.source,
            "geometry": plain(mapping(zone.geometry)),
        }
        for zone in site.zones.values()
    ]  # fmt: skip
    return {
        "id": site.id, "name": site.name, "attribution": site.attribution, "aoi": plain(mapping(site.aoi)),
        "zones": zones,
    }  # fmt: skip


def _scene(scene: Scene) -> dict[str, Any]:
    names = (
        "id", "source", "collection", "platform", "quantity", "acquired", "time_known", "gsd_m", "cloud_cover_pct",
        "view_off_nadir_deg", "view_azimuth_deg", "sun_azimuth_deg", "sun_elevation_deg", "relative_orbit",
        "orbit_state", "processing_baseline", "datatake", "licence", "attribution", "simulated",
    )  # fmt: skip
    found: dict[str, Any] = jsonable({name: getattr(scene, name) for name in names})
    return found | {"merged_with": [sibling.id for sibling in scene.siblings]}


def input_row(entry: "InputFile", copy: str | None) -> dict[str, Any]:
    """An input as the report and ``source/inputs.json`` list it; `copy` is its path inside the run."""
    names = ("date", "scene_id", "href", "etag", "length", "sha256")
    return {name: getattr(entry, name) for name in names} | {"copy": copy}


def _left_out(entry: "LeftOutScene") -> dict[str, Any]:
    found: dict[str, Any] = jsonable(
        {
            "scene_id": entry.scene_id,
            "acquired": entry.acquired,
            "platform": entry.platform,
            "reason": entry.reason,
        }
    )
    return found


def _quality(record: "RunRecord") -> dict[str, Any]:
    alignment = None if record.model is None else record.model.alignment
    before, after = record.before, record.after

    def difference(name: str) -> float | None:
        first, second = getattr(before, name, None), getattr(after, name, None)
        if first is None or second is None:
            return None
        gap = abs(float(second) - float(first))
        return round(min(gap, 360.0 - gap) if "azimuth" in name else gap, 3)

    return {
        "alignment_residual_px": None if alignment is None else alignment.residual_px,
        "alignment_p95_px": None if alignment is None else alignment.p95_px,
        "valid_fraction": round(record.valid_fraction, 4),
        "sun_azimuth_difference_deg": difference("sun_azimuth_deg"),
        "sun_elevation_difference_deg": difference("sun_elevation_deg"),
        "view_azimuth_difference_deg": difference("view_azimuth_deg"),
        "view_off_nadir_difference_deg": difference("view_off_nadir_deg"),
    }


def is_dated(record: "RunRecord") -> bool:
    """Whether both acquisition times are known, so that a STAC Item can be written."""
    return record.before is not None and record.after is not None
