"""Bytes fetched for one site out of large images on a server, over the bytes of the blocks that hold the site."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window as RioWindow
from scipy import ndimage

from benchmarks.range_server import serve
from imagery.cache import FOLDER
from imagery.grid import site_grid
from imagery.raster import Window
from imagery.read import block_figures, copy_source
from imagery.scene import Asset, Scene
from imagery.site_file import load_sites

SITE = "khmeimim"
BANDS = ("red", "green", "blue", "nir")
SIDE_PX = 10980
BLOCK_PX = 1024
UPPER_LEFT = (699960.0, 4000020.0)
"""Of the Sentinel-2 tile 36SYE, EPSG:32636, which holds the site."""


def write_tile(path: Path, upper_left: tuple[float, float] = UPPER_LEFT) -> None:
    """One band of a 110 km tile as archives hold it: COG, 1024 px blocks, deflate, overviews; noise for pixels."""
    rng = np.random.default_rng(20241215)
    patch = 1098
    texture = sum(
        scale * ndimage.gaussian_filter(rng.standard_normal((patch, patch), np.float32), scale, mode="wrap")
        for scale in (1.0, 4.0, 16.0)
    )
    numbers = np.clip(1800 + 500 * texture / np.std(texture), 1, 10000).astype(np.uint16)
    with rasterio.open(
        path, "w", driver="COG", width=SIDE_PX, height=SIDE_PX, count=1, dtype="uint16", crs="EPSG:32636", nodata=0,
        transform=from_origin(*upper_left, 10, 10), blocksize=BLOCK_PX, compress="deflate", predictor="standard",
        overview_resampling="average", num_threads="all_cpus",
    ) as out:  # fmt: skip
        out.write(np.tile(numbers, (SIDE_PX // patch, SIDE_PX // patch)), 1)


def scene(base: str) -> Scene:
    """Four bands of one acquisition below `base`, a folder or an URL."""
    return Scene(
        id="noise", source=base, collection="noise", platform="none", sensor="optical", quantity="dn",
        acquired=datetime(2024, 12, 15, 8, 20, tzinfo=UTC), gsd_m=10.0,
        assets={band: Asset(href=f"{base}/{band}.tif", bands=(band,)) for band in BANDS},
    )  # fmt: skip


@contextmanager
def fresh_cache(folder: Path) -> Iterator[None]:
    """Nothing fetched before counts while the block runs."""
    before = os.environ.get(FOLDER)
    os.environ[FOLDER] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(FOLDER)
        if before is not None:
            os.environ[FOLDER] = before


def measure() -> dict[str, Any]:
    """Bytes and requests of the evidentiary copy of one site, checked against the files on disk."""
    grid = site_grid(load_sites()[SITE], 10.0)
    with tempfile.TemporaryDirectory() as name:
        folder, copies = Path(name) / "served", Path(name) / "copies"
        folder.mkdir()
        write_tile(folder / f"{BANDS[0]}.tif")
        for band in BANDS[1:]:
            (folder / f"{band}.tif").hardlink_to(folder / f"{BANDS[0]}.tif")
        figures = block_figures(scene(str(folder)), grid)
        with serve(folder) as (url, traffic), fresh_cache(Path(name) / "cache"):
            start = time.perf_counter()
            copied = copy_source(scene(url), grid, copies)
            seconds = time.perf_counter() - start
        for copy in copied:
            _check(copy.path, folder / f"{copy.asset}.tif", copy.window)
        if len(copied) != len(BANDS):
            raise RuntimeError(f"{len(copied)} of {len(BANDS)} bands were copied")
        size = len(BANDS) * (folder / f"{BANDS[0]}.tif").stat().st_size
    return {
        "site": SITE,
        "grid_px": [int(n) for n in grid.shape],
        "bands": len(BANDS),
        "files_mb": size / 1e6,
        "blocks": figures.blocks,
        "block_mb": figures.bytes_needed / 1e6,
        "fetched_mb": traffic.bytes / 1e6,
        "requests": traffic.requests,
        "fetched_over_blocks": traffic.bytes / figures.bytes_needed,
        "fetched_over_files": traffic.bytes / size,
        "seconds": seconds,
    }


def _check(copy: Path, original: Path, window: Window) -> None:
    rows, cols = window.shape
    with rasterio.open(copy) as ours, rasterio.open(original) as theirs:
        truth = theirs.read(1, window=RioWindow(window.col0, window.row0, cols, rows))
        if not np.array_equal(ours.read(1), truth):
            raise RuntimeError(f"{copy.name}: the copied pixels are not those of {original.name}")
