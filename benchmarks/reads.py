"""Bytes fetched for one site out of a large image on a server, over the bytes of the blocks that hold the site."""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window as RioWindow
from scipy import ndimage

from benchmarks.range_server import serve
from imagery.drivers import read_pixels
from imagery.raster import Window

SIDE_PX = 10980
BLOCK_PX = 1024
AREA = Window(row0=4300, col0=6100, row1=4830, col1=6610)
"""5.3 x 5.1 km at 10 m, the size of an air base, across block edges as a real one lies."""


def write_tile(path: Path) -> None:
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
        transform=from_origin(699960, 4000020, 10, 10), blocksize=BLOCK_PX, compress="deflate", predictor="standard",
        overview_resampling="average", num_threads="all_cpus",
    ) as out:  # fmt: skip
        out.write(np.tile(numbers, (SIDE_PX // patch, SIDE_PX // patch)), 1)


def block_bytes(path: Path, area: Window) -> tuple[int, int]:
    """Stored bytes and number of the full-resolution blocks that `area` touches."""
    with rasterio.open(path) as image:
        sizes = [
            int(image.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1))
            for row in range(area.row0 // BLOCK_PX, (area.row1 - 1) // BLOCK_PX + 1)
            for col in range(area.col0 // BLOCK_PX, (area.col1 - 1) // BLOCK_PX + 1)
        ]
    return sum(sizes), len(sizes)


def measure() -> dict[str, Any]:
    """Bytes and requests of one windowed read through `imagery.drivers`, checked against the file on disk."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "band.tif"
        write_tile(path)
        needed, blocks = block_bytes(path, AREA)
        with rasterio.open(path) as image:
            rows, cols = AREA.shape
            truth = image.read(1, window=RioWindow(AREA.col0, AREA.row0, cols, rows))
        with serve(Path(name)) as (url, traffic):
            start = time.perf_counter()
            pixels = read_pixels(f"{url}/band.tif", (1,), AREA)
            seconds = time.perf_counter() - start
        if not np.array_equal(pixels[0], truth):
            raise RuntimeError("the pixels read over HTTP are not those of the file")
        return {
            "file_mb": path.stat().st_size / 1e6,
            "window_px": list(AREA.shape),
            "blocks": blocks,
            "block_mb": needed / 1e6,
            "fetched_mb": traffic.bytes / 1e6,
            "requests": traffic.requests,
            "fetched_over_blocks": traffic.bytes / needed,
            "fetched_over_file": traffic.bytes / path.stat().st_size,
            "seconds": seconds,
        }
