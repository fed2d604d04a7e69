"""STAC: one Item per run (1.1), a Collection per site, a Catalog over everything."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odc.geo.geobox import GeoBox

from catalog import cog, geojson
from catalog.geometry import footprint, grid_crs_code
from catalog.layout import (
    AFTER,
    BEFORE,
    CHANGES,
    CHIPS,
    DETECTABILITY,
    EVIDENCE,
    ITEM,
    OVERLAY,
    REPORT,
    SOURCE_LIST,
    TILES,
    digest,
    flat,
    jsonable,
    multihash,
    utc_text,
)
from catalog.ledger import counts
from catalog.report import Report
from catalog.report_rows import kind_counts
from imagery.scene import Scene

if TYPE_CHECKING:  # its import takes longer than most commands need it for
    import pystac

_EXTENSIONS = "https://stac-extensions.github.io"
PROJECTION = f"{_EXTENSIONS}/projection/v2.0.0/schema.json"
PROCESSING = f"{_EXTENSIONS}/processing/v1.2.0/schema.json"
FILE = f"{_EXTENSIONS}/file/v2.1.0/schema.json"
VIEW = f"{_EXTENSIONS}/view/v1.0.0/schema.json"
VERSION = f"{_EXTENSIONS}/version/v1.2.0/schema.json"
RASTER = f"{_EXTENSIONS}/raster/v2.0.0/schema.json"
SELF_DIGEST = "sitewatch:item_sha256"

_JSON, _PNG = "application/json", "image/png"
_KNOWN: Mapping[str, tuple[str, str, tuple[str, ...], str]] = {
    BEFORE: ("before", "Before, on the common grid", ("data", "visual"), cog.MEDIA_TYPE),
    AFTER: ("after", "After, aligned to before", ("data", "visual"), cog.MEDIA_TYPE),
    EVIDENCE: ("evidence", "Signed change in robust sigmas", ("data",), cog.MEDIA_TYPE),
    DETECTABILITY: ("detectability", "What would have been found, place by place", ("data",), cog.MEDIA_TYPE),
    CHANGES: ("changes", "Changes found", ("data",), geojson.MEDIA_TYPE),
    OVERLAY: ("overlay", "Both dates with the changes outlined", ("overview",), _PNG),
    REPORT: ("report", "Report", ("metadata",), _JSON),
    TILES: ("tiles", "Outcome of every tile", ("metadata",), _JSON),
}


def item_document(
    report: Report,
    *,
    grid: GeoBox,
    before: Scene,
    after: Scene,
    bands: Mapping[str, Sequence[Mapping[str, Any]]],
    version: int,
    fields: Mapping[str, Mapping[str, Any]] | None = None,
    predecessor: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The STAC Item of a run; every link and href is relative to the run's folder.

    Parameters
    ----------
    report : Report
        Its manifest must hold every file but ``item.json``.
    grid : GeoBox
    before, after : Scene
    bands : mapping of file name to list of band objects
        STAC 1.1 ``bands`` of the rasters.
    version : int
        1 for the first result of a pair.
    fields : mapping of file name to mapping, or None
        More fields of single assets.
    predecessor : mapping or None
        Link to the result that this one replaces.
    """
    import pystac  # noqa: PLC0415 - see above

    place = footprint(grid)
    item = pystac.Item(
        id=flat(report.name),
        geometry=None if place is None else place[0],
        bbox=None if place is None else place[1],
        datetime=None,
        properties=jsonable(_properties(report, grid, before, after, version)),
        stac_extensions=[PROJECTION, PROCESSING, FILE, VERSION],
    )
    origins = {entry["copy"]: entry for entry in report.inputs}
    for entry in report.files:
        key, asset = _asset(entry, bands)
        asset.extra_fields |= dict((fields or {}).get(entry["path"], {}))
        if origin := origins.get(entry["path"]):
            asset.extra_fields |= {"sitewatch:href": origin["href"], "sitewatch:etag": origin["etag"]}
        item.add_asset(_unused(key, item.assets), asset)
    _add_angles(item, before, after)
    document = item.to_dict(include_self_link=False, transform_hrefs=False)
    document["links"] = _links(report, before, after) + ([dict(predecessor)] if predecessor else [])
    if report.site is not None:
        document["collection"] = report.site["id"]
    if any("raster:scale" in band for entries in bands.values() for band in entries):
        document["stac_extensions"].append(RASTER)
    return sealed(document)


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the digest of everything else in its properties."""
    properties = {name: value for name, value in document["properties"].items() if name != SELF_DIGEST}
    bare = {**document, "properties": properties}
    return {**bare, "properties": {**properties, SELF_DIGEST: digest(bare)}}


def _properties(report: Report, grid: GeoBox, before: Scene, after: Scene, version: int) -> dict[str, Any]:
    first, last = sorted((before.acquired, after.acquired))
    rows, cols = grid.shape
    own = {
        "title": f"Changes {before.acquired:%Y-%m-%d} to {after.acquired:%Y-%m-%d}",
        "created": report.created,
        "datetime": None,
        "start_datetime": first,
        "end_datetime": last,
        "gsd": round(report.gsd_m, 4),
        "proj:code": grid_crs_code(grid),
        "proj:transform": list(report.grid["transform"]),
        "proj:shape": [rows, cols],
        "processing:software": dict(report.software),
        "processing:datetime": report.created,
        "processing:lineage": _lineage(report, before, after),
        "version": str(version),
        "deprecated": False,
    }
    if grid.crs is not None:
        own["proj:bbox"] = [float(value) for value in grid.extent.boundingbox]
        if own["proj:code"] is None:
            own["proj:wkt2"] = str(grid.crs)
    if licence := _shared_licence(before, after):
        own["license"] = licence
    return own | {f"sitewatch:{name}": value for name, value in _own_fields(report).items()}


def _own_fields(report: Report) -> dict[str, Any]:
    alignment = report.alignment
    shown = ("residual_px", "p95_px", "before_px", "tie_points", "verdict", "reason")
    return {
        "name": report.name,
        "pair": report.pair,
        "sensor": report.sensor,
        "status": report.status,
        "reason": report.reason,
        "simulated": report.simulated,
        "outcomes": counts(report.outcomes),
        "changes": kind_counts(report.changes),
        "valid_fraction": report.valid_fraction,
        "alignment": None if alignment is None else {name: alignment[name] for name in shown},
        "quality": report.quality,
        "parameters": report.parameters,
        "fingerprint": report.fingerprint,
        "notes": report.notes,
    }


def _lineage(report: Report, before: Scene, after: Scene) -> str:
    shift = report.alignment
    aligned = "not aligned" if shift is None else f"after aligned to before ({shift['verdict']})"
    made = "SIMULATED scenes, not real images; " if report.simulated else ""
    return (
        f"{made}{before.id} ({before.platform}) and {after.id} ({after.platform}) read onto one grid, {aligned}, "
        "normalised relative to each other and compared; copies of the inputs with their hashes are in source/"
    )


def _shared_licence(before: Scene, after: Scene) -> str | None:
    """The SPDX identifier both dates state; "other" where they state something else; None where unknown."""
    stated = {before.licence, after.licence}
    if None in stated:
        return None
    only = stated.pop() if len(stated) == 1 else None
    plain = only is not None and all(char.isalnum() or char in ".-+" for char in only)
    return only if plain and only not in {"proprietary", "various"} else "other"


def _asset(
    entry: Mapping[str, Any], bands: Mapping[str, Sequence[Mapping[str, Any]]]
) -> "tuple[str, pystac.Asset]":
    import pystac  # noqa: PLC0415 - see above

    path = str(entry["path"])
    key, title, roles, media_type = _KNOWN.get(path) or _other(path)
    extra: dict[str, Any] = {"file:size": entry["size"], "file:checksum": multihash(str(entry["sha256"]))}
    if path in bands:
        extra["bands"] = [dict(band) for band in bands[path]]
    asset = pystac.Asset(
        href=f"./{path}", title=title, media_type=media_type, roles=list(roles), extra_fields=extra
    )
    return key, asset


def _other(path: str) -> tuple[str, str, tuple[str, ...], str | None]:
    name = Path(path)
    if name.parts[0] == CHIPS:
        return f"chip-{name.stem}", f"Before and after of change {name.stem}", ("thumbnail",), _PNG
    if name.name == SOURCE_LIST:
        return "inputs", "Where the inputs came from, with length, ETag and SHA-256", ("metadata",), _JSON
    media_type = {".tif": "image/tiff; application=geotiff", ".jp2": "image/jp2", ".png": _PNG,
                  ".jpg": "image/jpeg", ".json": _JSON}.get(name.suffix.lower())  # fmt: skip
    key = "-".join(name.with_suffix("").parts)
    return key, f"Evidentiary copy of an input of {name.parts[-2]}", ("source",), media_type


def _unused(key: str, taken: Mapping[str, Any]) -> str:
    number = 2
    free = key
    while free in taken:
        free, number = f"{key}-{number}", number + 1
    return free


def _add_angles(item: "pystac.Item", before: Scene, after: Scene) -> None:
    """View and sun angles on the asset of the date they belong to.

    The view extension also wants one of them among the Item's properties: there stand those of *after*, the date
    as of which the Item speaks.
    """
    for key, scene in (("before", before), ("after", after)):
        fields = item.assets[key].extra_fields
        fields |= _angles(scene)
        fields |= {"datetime": utc_text(scene.acquired), "platform": scene.platform, "gsd": scene.gsd_m}
    if overall := _angles(after) or _angles(before):
        item.properties |= overall
        item.stac_extensions.append(VIEW)


def _angles(scene: Scene) -> dict[str, float]:
    stated = {
        "view:off_nadir": scene.view_off_nadir_deg,
        "view:azimuth": scene.view_azimuth_deg,
        "view:sun_azimuth": scene.sun_azimuth_deg,
        "view:sun_elevation": scene.sun_elevation_deg,
    }
    return {name: float(value) for name, value in stated.items() if value is not None}


def _links(report: Report, before: Scene, after: Scene) -> list[dict[str, Any]]:
    up = "../" * len(Path(report.name).parts)
    links = [{"rel": "root", "href": f"{up}catalog.json", "type": _JSON}]
    if report.site is None:
        links.append({"rel": "parent", "href": f"{up}catalog.json", "type": _JSON})
    else:
        links += [
            {"rel": rel, "href": "../collection.json", "type": _JSON} for rel in ("parent", "collection")
        ]
    for date, scene in (("before", before), ("after", after)):
        href = _origin(report, date, scene)
        links.append({"rel": "derived_from", "href": href, "title": f"{date}: {scene.id}"})
    return links


def _origin(report: Report, date: str, scene: Scene) -> str:
    """The address of the first input of one date; all of them are in the report and on the source assets."""
    stated = [str(entry["href"]) for entry in report.inputs if entry["date"] == date]
    return (stated or [asset.href for _, asset in sorted(scene.assets.items())])[0]


def collection_document(site: Mapping[str, Any], items: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The Collection of a site.

    Parameters
    ----------
    site : mapping
        id, name, attribution, aoi of the Report.
    items : mapping of run folder name to Item document
    """
    import pystac  # noqa: PLC0415 - see above

    boxes = [item["bbox"] for item in items.values() if item.get("bbox")]
    times = [(_moment(item, "start_datetime"), _moment(item, "end_datetime")) for item in items.values()]
    collection = pystac.Collection(
        id=site["id"],
        title=site["name"],
        description=f"Changes found at {site['name']} by sitewatch, one Item per compared pair of dates. "
        f"{site['attribution']}".strip(),
        extent=pystac.Extent(
            pystac.SpatialExtent([_union(boxes) if boxes else [-180.0, -90.0, 180.0, 90.0]]),
            pystac.TemporalExtent([[min(t[0] for t in times), max(t[1] for t in times)]]),
        ),
        license="other",
    )
    document = collection.to_dict(include_self_link=False, transform_hrefs=False)
    document["links"] = [
        {"rel": "root", "href": "../catalog.json", "type": _JSON},
        {"rel": "parent", "href": "../catalog.json", "type": _JSON},
        *(_item_link(name, item) for name, item in sorted(items.items())),
    ]
    return document


def catalog_document(collections: Sequence[str], items: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The Catalog over all sites' Collections and the Items that belong to no site."""
    import pystac  # noqa: PLC0415 - see above

    catalog = pystac.Catalog(
        id="sitewatch", title="sitewatch outputs", description="Everything sitewatch compared and kept here."
    )
    document = catalog.to_dict(include_self_link=False, transform_hrefs=False)
    document["links"] = [
        {"rel": "root", "href": "./catalog.json", "type": _JSON},
        *(
            {"rel": "child", "href": f"./{name}/collection.json", "type": _JSON}
            for name in sorted(collections)
        ),
        *(_item_link(name, item) for name, item in sorted(items.items())),
    ]
    return document


def _item_link(name: str, item: Mapping[str, Any]) -> dict[str, Any]:
    title = item["properties"].get("title", item["id"])
    return {"rel": "item", "href": f"./{name}/{ITEM}", "type": geojson.MEDIA_TYPE, "title": title}


def _moment(item: Mapping[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(item["properties"][name].replace("Z", "+00:00"))


def _union(boxes: Sequence[Sequence[float]]) -> list[float]:
    west, south, east, north = zip(*boxes, strict=True)
    return [min(west), min(south), max(east), max(north)]
