"""Tiny real files and scenes for the tests of reading."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from imagery.raster import Raster, Reader, Window
from imagery.scene import Asset, Scene

UTM36 = "EPSG:32636"
NORTH_UP = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 3_900_000.0)


def texture(rows: int, cols: int, *, bands: int = 1, seed: int = 0) -> np.ndarray:
    """Smooth random uint8 pixels (band, row, col), never 0."""
    noise = np.random.default_rng(seed).normal(size=(bands, rows, cols))
    for axis in (1, 2):
        noise = sum(np.roll(noise, k, axis) for k in range(-3, 4))
    noise -= noise.min()
    return (1 + 254 * noise / noise.max()).astype(np.uint8)


def write(
    path: Path,
    pixels: np.ndarray,
    *,
    transform: Affine | None = NORTH_UP,
    crs: str | None = UTM36,
    colours: Sequence[ColorInterp] | None = None,
    names: Sequence[str] | None = None,
    tags: dict[str, str] | None = None,
    **options: Any,
) -> Path:
    """Write (band, row, col) pixels as they are."""
    driver = {".tif": "GTiff", ".png": "PNG", ".jpg": "JPEG", ".jp2": "JP2OpenJPEG"}[path.suffix]
    place = {} if transform is None else {"transform": transform}
    with rasterio.open(
        path, "w", driver=driver, count=len(pixels), height=pixels.shape[1], width=pixels.shape[2],
        dtype=pixels.dtype, crs=crs, **place, **options,
    ) as out:  # fmt: skip
        out.write(pixels)
        if colours:
            out.colorinterp = colours
        if names:
            out.descriptions = tuple(names)
        if tags:
            out.update_tags(**tags)
    return path


def everything(reader: Reader) -> Raster:
    """All pixels of a reader."""
    rows, cols = reader.grid.shape
    return reader.read(Window(row0=0, col0=0, row1=rows, col1=cols))


def scene(files: dict[str, Asset], **facts: Any) -> Scene:
    """A Sentinel-2-like scene over `files`."""
    defaults: dict[str, Any] = {
        "id": "S2A_TEST", "source": "test", "collection": "sentinel-2-l2a", "platform": "sentinel-2a",
        "sensor": "optical", "quantity": "reflectance", "gsd_m": 10.0,
        "acquired": datetime(2024, 12, 10, 8, 30, tzinfo=UTC), "assets": files,
    }  # fmt: skip
    return Scene(**{**defaults, **facts})
