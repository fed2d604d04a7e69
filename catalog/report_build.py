"""From a run that is under way to its Report."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odc.geo.geobox import GeoBox
from shapely.geometry import mapping

from catalog import detectability
from catalog.geometry import grid_crs_code, plain
from catalog.layout import digest, jsonable
from catalog.report import Report
from catalog.software import versions
from imagery.raster import gsd_m
from imagery.scene import Scene
from imagery.site import Site
from models.compare import PairModel

if TYPE_CHECKING:
    from catalog.run import InputFile, LeftOutScene, RunRecord


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


def is_dated(record: "RunRecord") -> bool:
    """Whether both acquisition times are known, so that a STAC Item can be written."""
    return record.before is not None and record.after is not None


def input_row(entry: "InputFile", copy: str | None) -> dict[str, Any]:
    """An input as the report and ``source/inputs.json`` list it; `copy` is its path inside the run."""
    names = ("date", "scene_id", "href", "etag", "length", "sha256")
    return {name: getattr(entry, name) for name in names} | {"copy": copy}


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
