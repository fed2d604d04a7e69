"""The archive on disk: an ordinary static STAC catalogue of COGs, with its ground truth beside it."""

import hashlib
import json
import math
import multiprocessing
import os
import signal
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS
from shapely.geometry import box, mapping

from imagery.geometry import reprojected
from imagery.open import SIMULATED_TAGS
from imagery.simulate import VERSION, sensor
from imagery.simulate.acquisition import Acquisition, acquisitions
from imagery.simulate.exposure import Exposure, expose, grid_of, ground_of
from imagery.simulate.khmeimim import khmeimim_plan
from imagery.simulate.sun import SunPosition, sun_position
from imagery.simulate.tartus import tartus_plan
from imagery.simulate.truth import truth_document
from imagery.site import Site

NOTICE = SIMULATED_TAGS["TIFFTAG_IMAGEDESCRIPTION"]
ATTRIBUTION = "SIMULATED by sitewatch"
PLANS = {"khmeimim": khmeimim_plan, "tartus": tartus_plan}

_COLLECTIONS = {
    "simulated-sentinel-2-like": "SIMULATED 10 m images with scene classification, in the manner of Sentinel-2 L2A",
    "simulated-05m": "SIMULATED 0.5 m colour pictures, in the manner of purchased ones",
}
_NAMES = ("blue", "green", "red", "nir")
_WORKERS = 2


def write_archive(
    folder: Path, sites: Mapping[str, Site], chosen: Iterable[Acquisition] | None = None
) -> None:
    """Draw acquisitions (default: all) and write them as a catalogue into an empty folder.

    Raises
    ------
    OSError
        The folder cannot be written, or the disk is full.
    """
    wanted = tuple(acquisitions() if chosen is None else chosen)
    names = sorted({a.site_id for a in wanted})
    series: dict[tuple[str, str | None], list[Acquisition]] = {}
    for acquisition in wanted:
        series.setdefault((acquisition.site_id, acquisition.crop), []).append(acquisition)
    written = _each_written([(folder, sites[name], crop, series[name, crop]) for name, crop in series])
    for name in names:
        items = [item for key, made in zip(series, written, strict=True) if key[0] == name for item in made]
        _write_site_catalogue(folder / name, sites[name], items)
    _write_root(folder, [sites[name] for name in names])


_Series = tuple[Path, Site, str | None, list[Acquisition]]


def _each_written(series: list[_Series]) -> list[list[dict[str, Any]]]:
    """The items of each series, drawn by processes side by side: threads would wait for each other."""
    workers = min(_WORKERS, len(series), os.cpu_count() or 1)
    if workers == 1 or multiprocessing.current_process().daemon:  # which may have no children
        return [_write_series(*one) for one in series]
    # Neither a thread of this process nor a lock that it holds is taken along.
    with multiprocessing.get_context("spawn").Pool(workers, initializer=_deaf) as pool:
        return pool.starmap(_write_series, series, chunksize=1)


def _deaf() -> None:
    """Ctrl-C is for the process that waits; it ends those that draw."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_series(
    folder: Path, site: Site, crop: str | None, members: list[Acquisition]
) -> list[dict[str, Any]]:
    plan = PLANS[site.id](site)
    ground = ground_of(site, plan, crop)
    centre = site.aoi.centroid
    items = []
    for acquisition in members:
        sun = sun_position(centre.x, centre.y, acquisition.acquired)
        exposure = expose(site, plan, ground, acquisition, sun)
        items.append(_write_item(folder, site, acquisition, exposure, sun))
    grid = grid_of(site, plan, crop)
    for before, after in pairwise(members):
        path = (
            folder
            / "truth"
            / site.id
            / f"{after.series}_{before.acquired:%Y%m%d}_{after.acquired:%Y%m%d}.geojson"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_json(path, truth_document(site, plan, grid, before, after))
    return items


def _write_item(
    folder: Path, site: Site, acquisition: Acquisition, exposure: Exposure, sun: SunPosition
) -> dict[str, Any]:
    home = folder / site.id / _collection(acquisition) / acquisition.id
    home.mkdir(parents=True)
    assets: dict[str, Any] = {}
    if acquisition.crop is None:
        for number, name in enumerate(_NAMES):
            path = home / f"{name}.tif"
            _write_cog(path, exposure.numbers[None, ..., number], exposure.grid)
            assets[name] = _asset(path, exposure.grid, [name], roles=["data", "reflectance"], gsd_m=10.0)
            assets[name]["raster:bands"] = [
                {
                    "data_type": "uint16",
                    "nodata": 0,
                    "scale": sensor.SERIES_SCALE,
                    "offset": sensor.SERIES_OFFSET,
                }
            ]
        if exposure.classes is not None and exposure.class_grid is not None:
            path = home / "scl.tif"
            _write_cog(path, exposure.classes[None], exposure.class_grid)
            assets["scl"] = _asset(path, exposure.class_grid, [], roles=["data"], gsd_m=20.0)
    else:
        path = home / "image.tif"
        _write_cog(path, np.moveaxis(exposure.numbers, 2, 0), exposure.grid)
        assets["data"] = _asset(path, exposure.grid, ["red", "green", "blue"], roles=["data"], gsd_m=0.5)
        assets["data"]["raster:bands"] = [{"data_type": "uint8", "nodata": 0}] * 3
    item = _item(site, acquisition, exposure, sun, assets)
    _write_json(home / f"{acquisition.id}.json", item)
    return item


def _collection(acquisition: Acquisition) -> str:
    return "simulated-sentinel-2-like" if acquisition.crop is None else "simulated-05m"


def _write_cog(path: Path, numbers: NDArray[Any], grid: GeoBox) -> None:
    count, rows, cols = numbers.shape
    profile = {
        "driver": "COG",
        "count": count,
        "height": rows,
        "width": cols,
        "dtype": numbers.dtype.name,
        "crs": str(grid.crs),
        "transform": grid.affine,
        "nodata": 0,
        "compress": "DEFLATE",
        "predictor": 2,
        "level": 6,
        "blocksize": 512,
        "overviews": "NONE",
        "num_threads": 2,
    }
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(numbers)
        dataset.update_tags(TIFFTAG_COPYRIGHT=ATTRIBUTION, **SIMULATED_TAGS)


def _asset(path: Path, grid: GeoBox, bands: list[str], *, roles: list[str], gsd_m: float) -> dict[str, Any]:
    asset: dict[str, Any] = {
        "href": f"./{path.name}",
        "title": f"SIMULATED {path.stem}",
        "roles": roles,
        "gsd": gsd_m,
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.affine)[:6],
        "file:checksum": "1220" + hashlib.sha256(path.read_bytes()).hexdigest(),
        "file:size": path.stat().st_size,
    }
    if bands:
        asset["eo:bands"] = [{"name": name, "common_name": name} for name in bands]
    return asset


def _item(
    site: Site, acquisition: Acquisition, exposure: Exposure, sun: SunPosition, assets: dict[str, Any]
) -> dict[str, Any]:
    outline = reprojected(
        box(*exposure.grid.boundingbox.bbox), site.crs, CRS.from_epsg(4326), segment=math.inf
    )
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": acquisition.id,
        "collection": _collection(acquisition),
        "stac_extensions": [
            f"https://stac-extensions.github.io/{name}/schema.json"
            for name in (
                "eo/v1.1.0",
                "projection/v2.0.0",
                "raster/v1.1.0",
                "view/v1.0.0",
                "file/v2.1.0",
                "sat/v1.0.0",
            )
        ],
        "geometry": mapping(outline),
        "bbox": list(outline.bounds),
        "properties": _properties(site, acquisition, exposure, sun),
        "links": [
            {"rel": "root", "href": "../../../catalog.json", "type": "application/json"},
            {"rel": "parent", "href": "../collection.json", "type": "application/json"},
            {"rel": "collection", "href": "../collection.json", "type": "application/json"},
        ],
        "assets": assets,
    }


def _properties(site: Site, acquisition: Acquisition, exposure: Exposure, sun: SunPosition) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "title": f"SIMULATED {acquisition.gsd_m:g} m image of {site.name}",
        "description": NOTICE,
        "datetime": f"{acquisition.acquired:%Y-%m-%dT%H:%M:%SZ}",
        "platform": acquisition.platform,
        "gsd": acquisition.gsd_m,
        "eo:cloud_cover": exposure.cloud_pct,
        "proj:code": f"EPSG:{site.crs.to_epsg()}",
        "license": "Apache-2.0",
        "providers": [{"name": ATTRIBUTION, "roles": ["producer", "licensor"]}],
        "view:off_nadir": round(acquisition.off_nadir_deg, 2),
        "view:azimuth": round(acquisition.view_azimuth_deg, 2),
        "view:sun_azimuth": round(sun.azimuth_deg, 2),
        "view:sun_elevation": round(sun.elevation_deg, 2),
        "sitewatch:simulated": True,
        "sitewatch:simulator": VERSION,
        "sitewatch:sensor": "optical",
        "sitewatch:quantity": "reflectance" if acquisition.crop is None else "dn",
        "sitewatch:drawn_shift_px": list(acquisition.shift_px),
    }
    if acquisition.crop is None:
        properties |= {
            "sat:relative_orbit": 121,
            "sat:orbit_state": "descending",
            "s2:processing_baseline": "05.11",
        }
    return properties


def _write_site_catalogue(folder: Path, site: Site, items: list[dict[str, Any]]) -> None:
    names = [name for name in _COLLECTIONS if any(item["collection"] == name for item in items)]
    for name in names:
        members = [item for item in items if item["collection"] == name]
        _write_json(
            folder / name / "collection.json", _collection_document(name, _COLLECTIONS[name], members)
        )
    _write_json(
        folder / "catalog.json",
        _catalogue(
            f"sitewatch-demo-{site.id}",
            f"SIMULATED images of {site.name}",
            [
                {"rel": "root", "href": "../catalog.json", "type": "application/json"},
                {"rel": "parent", "href": "../catalog.json", "type": "application/json"},
                *(
                    {"rel": "child", "href": f"./{name}/collection.json", "type": "application/json"}
                    for name in names
                ),
            ],
        ),
    )


def _write_root(folder: Path, sites: list[Site]) -> None:
    _write_json(
        folder / "catalog.json",
        _catalogue(
            "sitewatch-demo",
            "SIMULATED archive of sitewatch",
            [
                {"rel": "root", "href": "./catalog.json", "type": "application/json"},
                *(
                    {"rel": "child", "href": f"./{site.id}/catalog.json", "type": "application/json"}
                    for site in sites
                ),
            ],
        ),
    )
    (folder / "README.txt").write_text(
        f"{NOTICE}\n\ncatalog.json is a static STAC catalogue. truth/ holds, as GeoJSON per pair of dates, what was "
        "drawn to appear, vanish or move.\n",
        encoding="utf-8",
    )


def _catalogue(name: str, title: str, links: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": name,
        "title": title,
        "description": NOTICE,
        "sitewatch:simulator": VERSION,
        "links": links,
    }


def _collection_document(name: str, title: str, members: list[dict[str, Any]]) -> dict[str, Any]:
    bounds = np.array([item["bbox"] for item in members])
    times = sorted(item["properties"]["datetime"] for item in members)
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": name,
        "title": title,
        "description": f"{title}. {NOTICE}",
        "license": "Apache-2.0",
        "providers": [{"name": ATTRIBUTION, "roles": ["producer", "licensor"]}],
        "extent": {
            "spatial": {"bbox": [[*map(float, bounds[:, :2].min(0)), *map(float, bounds[:, 2:].max(0))]]},
            "temporal": {"interval": [[times[0], times[-1]]]},
        },
        "links": [
            {"rel": "root", "href": "../../catalog.json", "type": "application/json"},
            {"rel": "parent", "href": "../catalog.json", "type": "application/json"},
            *(
                {"rel": "item", "href": f"./{item['id']}/{item['id']}.json", "type": "application/geo+json"}
                for item in members
            ),
        ],
    }


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
