"""Bytes and seconds to fetch both sites out of one pass of Sentinel-2, beside odc-stac on the same server.

sitewatch is measured twice: into memory, which is what odc-stac does, and as a run does it, which leaves lossless
copies with checksums on disk. All have eight connections.
"""

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pystac
from odc.geo.geobox import GeoBox
from odc.stac import configure_rio, load

from benchmarks.range_server import Traffic, serve
from benchmarks.reads import BANDS, SIDE_PX, UPPER_LEFT, fresh_cache, scene, write_tile
from imagery.drivers import open_raster, read_pixels
from imagery.footprint import needed_window
from imagery.grid import site_grid
from imagery.read import block_figures, copy_source
from imagery.scene import Asset
from imagery.site_file import load_sites

UPPER_LEFTS = {"khmeimim": UPPER_LEFT, "tartus": (699960.0, 3900000.0)}
"""Of the Sentinel-2 tiles 36SYE and 36SYD, EPSG:32636."""

REPEATS = 5
DELAY_S = 0.05
"""Every answer comes so much later: to a server on another continent and back."""

THREADS = 8

Fetch = Callable[[str, GeoBox, Path], None]


def measure() -> dict[str, Any]:
    """Medians over `REPEATS`, the two in turn, each time from nothing."""
    grids = {name: site_grid(load_sites()[name], 10.0) for name in UPPER_LEFTS}
    configure_rio(cloud_defaults=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        needed = _write(folder / "served", grids)
        runs: dict[str, list[dict[str, float]]] = {program: [] for program in PROGRAMS}
        with serve(folder / "served", delay_s=DELAY_S) as (url, traffic):
            for repeat in range(REPEATS):
                for program, fetch in PROGRAMS.items():
                    at = folder / f"{program}-{repeat}"
                    with fresh_cache(at / "cache"):
                        runs[program].append(_timed(fetch, f"{url}/{repeat}-{program}", grids, at, traffic))
            again = _again(f"{url}/0-copies", grids, folder, traffic)
    costs = {
        program: {key: median(run[key] for run in found) for key in found[0]}
        for program, found in runs.items()
    }
    costs["copies, a second time"] = again
    for cost in costs.values():
        cost["over_blocks"] = cost["mb"] * 1e6 / needed
    ours, theirs = costs["memory"], costs["odc-stac"]
    ratio = {"bytes": "mb", "requests": "requests", "seconds": "seconds"}
    return {
        "sites": list(grids),
        "bands": len(BANDS),
        "delay_ms": DELAY_S * 1e3,
        "repeats": REPEATS,
        "block_mb": needed / 1e6,
        "costs": costs,
        "ratio": {name: ours[key] / theirs[key] for name, key in ratio.items()},
    }


def _write(served: Path, grids: dict[str, GeoBox]) -> int:
    """Two tiles, under an address for every run, so that nobody's memory helps; bytes of the blocks needed."""
    needed = 0
    for site, grid in grids.items():
        first = served / site / f"{BANDS[0]}.tif"
        first.parent.mkdir(parents=True)
        write_tile(first, UPPER_LEFTS[site])
        for band in BANDS[1:]:
            (first.parent / f"{band}.tif").hardlink_to(first)
        needed += block_figures(scene(str(first.parent)), grid).bytes_needed
        for repeat in range(REPEATS):
            for program in PROGRAMS:
                for band in BANDS:
                    link = served / f"{repeat}-{program}" / site / f"{band}.tif"
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.hardlink_to(first)
    return needed


def _timed(
    fetch: Fetch, base: str, grids: dict[str, GeoBox], folder: Path, traffic: Traffic
) -> dict[str, float]:
    traffic.clear()
    start = time.perf_counter()
    for site, grid in grids.items():
        fetch(f"{base}/{site}", grid, folder / site)
    seconds = time.perf_counter() - start
    return {"mb": traffic.bytes / 1e6, "requests": traffic.requests, "seconds": seconds}


def _again(base: str, grids: dict[str, GeoBox], folder: Path, traffic: Traffic) -> dict[str, float]:
    """The same once more, into other folders, as a later run does."""
    from imagery import remote  # noqa: PLC0415

    remote.forget()
    with fresh_cache(folder / "copies-0" / "cache"):
        return _timed(_copies, base, grids, folder / "again", traffic)


def _memory(base: str, grid: GeoBox, _: Path) -> None:
    def band(asset: Asset) -> np.ndarray:
        with open_raster(asset.href) as dataset:
            window = needed_window(dataset, grid, margin_px=0)
        if window is None:
            raise RuntimeError(f"{asset.href} does not reach the site")
        return read_pixels(asset.href, (1,), window)

    with ThreadPoolExecutor(THREADS) as pool:
        if not all(pixels.any() for pixels in pool.map(band, scene(base).assets.values())):
            raise RuntimeError("nothing was read")


def _copies(base: str, grid: GeoBox, folder: Path) -> None:
    copies = copy_source(scene(base), grid, folder)
    if len(copies) != len(BANDS):
        raise RuntimeError(f"{len(copies)} of {len(BANDS)} bands were copied")


def _theirs(base: str, grid: GeoBox, _: Path) -> None:
    west, north = UPPER_LEFTS[base.rpartition("/")[2]]
    item = pystac.Item(
        id="noise", geometry=None, bbox=None, datetime=datetime(2024, 12, 15, 8, 20, tzinfo=UTC),
        properties={
            "proj:epsg": 32636, "proj:shape": [SIDE_PX, SIDE_PX], "proj:transform": [10, 0, west, 0, -10, north],
        },
        stac_extensions=["https://stac-extensions.github.io/projection/v1.1.0/schema.json"],
    )  # fmt: skip
    for band in BANDS:
        item.add_asset(
            band, pystac.Asset(href=f"{base}/{band}.tif", media_type=pystac.MediaType.COG, roles=["data"])
        )
    pixels = load([item], bands=list(BANDS), geobox=grid, pool=THREADS, dtype="uint16", nodata=0)
    if not all(np.asarray(pixels[band]).any() for band in BANDS):
        raise RuntimeError("odc-stac read nothing")


PROGRAMS: dict[str, Fetch] = {"memory": _memory, "odc-stac": _theirs, "copies": _copies}
