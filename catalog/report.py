"""The Report: what was compared, how, and what came of it, readable without STAC."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from catalog.layout import digest, jsonable
from models.change import Change, TileOutcome

FORMAT = "sitewatch-report/1"

SELF_DIGEST = "report_sha256"


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
