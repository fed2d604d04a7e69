"""Speed and memory of `sitewatch diff` on a pair as large as a granule: 4 bands, 10980 x 10980 px, zstd COGs.

The pixels are made: texture at three scales, 400 bright bars of which some come and some go, and noise.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
from rasterio.shutil import copy
from rasterio.transform import from_origin

from benchmarks.measure import run_process
from imagery.raster import FloatArray

SIDE_PX = 10980
BANDS = {"blue": 1.0, "green": 0.95, "red": 0.9, "nir": 1.3}
TEXTURE = ((2, 900.0), (8, 1800.0), (32, 2600.0))
"""Size in pixels, contrast in digital numbers."""

BARS, BAR_DN, NOISE_DN = 400, 3500.0, 25.0


def ground(side_px: int) -> FloatArray:
    """Texture, float32 (row, col), digital numbers."""
    rng = np.random.default_rng(7)
    whole = np.full((side_px, side_px), 2500, np.float32)
    for size, contrast in TEXTURE:
        grain = cv2.GaussianBlur(rng.standard_normal((side_px // size,) * 2).astype(np.float32), (0, 0), 1.5)
        whole += contrast * cv2.resize(grain, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    return np.clip(whole, 300, 9000)


def write_pair(folder: Path, side_px: int = SIDE_PX) -> tuple[Path, Path]:
    """Both dates as zstd COGs of 512 px tiles."""
    bare, paths = ground(side_px), []
    for date, name in enumerate(("before", "after")):
        image, rng = bare.copy(), np.random.default_rng(100)
        for number in range(BARS):
            (row, col), length = rng.integers(50, side_px - 60, 2), int(rng.integers(3, 12))
            if (number + date) % 2:
                image[row : row + 3, col : col + length] += BAR_DN
        plain, path = folder / f"{name}.plain.tif", folder / f"{name}.tif"
        with rasterio.open(
            plain, "w", driver="GTiff", width=side_px, height=side_px, count=len(BANDS), dtype="uint16",
            crs="EPSG:32636", transform=from_origin(600_000, 4_000_000, 10, 10), tiled=True, blockxsize=512,
            blockysize=512, compress="zstd", nodata=0,
        ) as target:  # fmt: skip
            for band, gain in enumerate(BANDS.values(), start=1):
                noise = np.random.default_rng(10 * date + band).normal(0, NOISE_DN, image.shape)
                target.write(np.clip(image * gain + noise, 1, 10000).astype(np.uint16), band)
            target.descriptions = tuple(BANDS)
        copy(plain, path, driver="COG", compress="ZSTD", blocksize=512, overviews="NONE")
        plain.unlink()
        paths.append(path)
    return paths[0], paths[1]


def measure() -> dict[str, Any]:
    """Seconds and peak memory of the whole command, and the seconds of comparing alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before, after = write_pair(folder)
        command = [sys.executable, "-m", "flows.cli", "diff", before, after, "--sensor", "optical"]
        cost = run_process(
            [*command, "--quantity", "dn", "--out", folder / "out", "--json"], folder=folder, ok=(0,)
        )
        found = json.loads(cost.output)
    megapixels = SIDE_PX**2 / 1e6
    return {
        "megapixels": megapixels, "bands": len(BANDS), "changes": len(found["changes"]),
        "seconds": cost.seconds, "cpu_seconds": cost.cpu_seconds, "compare_seconds": found["seconds"],
        "mpx_per_s": megapixels / cost.seconds, "peak_mb": cost.peak_mb,
    }  # fmt: skip
