"""Images of labelled cases: a window of a run's raster, in the numbers that cases are read in."""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window as BlockWindow

from catalog.errors import BrokenRecord
from imagery.raster import Window

RADAR_QUANTITIES = ("gamma0", "sigma0", "beta0")
REFLECTANCE_SCALE = 10_000.0
"""Reflectance becomes digital numbers of which this many are 1, as providers deliver it."""


def cut_image(source: Path, target: Path, window: Window, *, quantity: str) -> None:
    """Write a window of `source`: digital numbers (reflectance times 10000), radar in decibels.

    Raises
    ------
    BrokenRecord
        `source` cannot be read.
    """
    rows, cols = window.shape
    block = BlockWindow(window.col0, window.row0, cols, rows)
    try:
        with rasterio.open(source) as dataset:
            stored = dataset.read(window=block, masked=True)
            numbers, nodata = _numbers(stored, float(dataset.scales[0]), quantity)
            profile = {
                "driver": "GTiff", "width": cols, "height": rows, "count": dataset.count, "dtype": numbers.dtype,
                "nodata": nodata, "crs": dataset.crs, "transform": dataset.window_transform(block),
                "compress": "deflate",
            }  # fmt: skip
            names = dataset.descriptions
    except RasterioError as error:
        raise BrokenRecord(
            f"{source} cannot be read ({error}); run the pair again to write it anew"
        ) from error
    with rasterio.open(target, "w", **profile) as out:
        out.write(numbers)
        out.descriptions = names


def _numbers(stored: Any, scale: float, quantity: str) -> tuple[NDArray[Any], float]:
    """What is written, and its nodata."""
    if quantity in RADAR_QUANTITIES:
        power = stored.filled(np.nan).astype(np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            decibels = 10 * np.log10(power)
        return np.where(np.isfinite(decibels), decibels, np.nan).astype(np.float32), float("nan")
    if quantity == "reflectance":
        scaled = np.rint(stored.astype(np.float64) * scale * REFLECTANCE_SCALE).clip(1, 65535)
        return scaled.filled(0).astype(np.uint16), 0.0
    return stored.filled(0), 0.0
