"""From stored pixels to what a screen shows: one stretch for both dates."""

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.windows import Window as BlockWindow

from imagery.raster import BoolArray, FloatArray, Window

ByteImage = NDArray[np.uint8]
SAMPLE_PX = 1024
_RADAR = ("gamma0", "sigma0", "beta0")
_FLOOR = 1e-6
NODATA_GREY = 72
KEPT_PX = 3000
"""Rasters with no longer side than this are kept decoded while pictures are cut from them."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """How values become grey or colour, the same for both dates.

    Parameters
    ----------
    bands : tuple of int
        Band numbers from 1: three for colour, one for grey.
    low, high : float
        Shown black and white; decibels for radar.
    decibels : bool
    gamma : float
        Above 1 brightens the middle.
    """

    bands: tuple[int, ...]
    low: float
    high: float
    decibels: bool
    gamma: float = 1.0

    def shown(self, values: FloatArray, valid: BoolArray) -> ByteImage:
        """uint8 (row, col, 3); a flat grey where not valid."""
        if self.decibels:
            values = _decibels(values)
        part = np.clip((values - self.low) / max(self.high - self.low, 1e-9), 0.0, 1.0) ** (1.0 / self.gamma)
        colour = np.moveaxis(np.broadcast_to(part, (3, *valid.shape)), 0, -1)
        picture: ByteImage = np.where(valid[..., None], np.rint(colour * 255), NODATA_GREY).astype(np.uint8)
        return picture


def shared_stretch(paths: tuple[Path, Path], quantity: str) -> Stretch:
    """The stretch of a pair, from the percentiles of both dates together."""
    with rasterio.open(paths[0]) as before, rasterio.open(paths[1]) as after:
        # A pair that could not be compared may have different bands.
        bands = _display_bands(before.descriptions) if before.descriptions == after.descriptions else (1,)
    decibels = quantity in _RADAR
    samples = []
    for path in paths:
        values, valid = read_pixels(path, bands, None, SAMPLE_PX)
        usable = values[:, valid]
        samples.append((_decibels(usable) if decibels else usable).ravel())
    joined: FloatArray = np.concatenate(samples)
    low, high = (
        (0.0, 1.0) if joined.size == 0 else np.percentile(joined, (2.0, 99.8) if decibels else (0.7, 99.5))
    )
    return Stretch(
        bands=bands, low=float(low), high=float(high), decibels=decibels,
        gamma=1.5 if quantity == "reflectance" else 1.0,
    )  # fmt: skip


def _decibels(values: FloatArray) -> FloatArray:
    return np.float32(10.0) * np.log10(np.maximum(values, np.float32(_FLOOR)))


def _display_bands(names: tuple[str | None, ...]) -> tuple[int, ...]:
    if {"red", "green", "blue"} <= set(names):
        return tuple(names.index(name) + 1 for name in ("red", "green", "blue"))
    if len(names) >= 3 and not {"vv", "hh"} & set(names):
        return 1, 2, 3
    return (1,)


class Views:
    """Pixels of rasters that many small pictures are cut from: a small raster is decoded once and kept.

    Several threads may cut at a time.
    """

    def __init__(self, bands: tuple[int, ...]) -> None:
        self._bands = bands
        self._kept: dict[Path, tuple[FloatArray, BoolArray]] = {}
        self._decoding = threading.Lock()

    def cut(self, path: Path, window: Window, longest_px: int) -> tuple[FloatArray, BoolArray]:
        """As `read_pixels`."""
        if max(window.shape) > longest_px or not self._holds(path):
            return read_pixels(path, self._bands, window, longest_px)
        values, valid = self._kept[path]
        inside = np.s_[window.row0 : window.row1, window.col0 : window.col1]
        return values[(slice(None), *inside)], valid[inside]

    def _holds(self, path: Path) -> bool:
        with self._decoding:
            if path not in self._kept:
                with rasterio.open(path) as dataset:
                    longest = max(dataset.shape)
                if longest > KEPT_PX:
                    return False
                self._kept[path] = read_pixels(path, self._bands, None, longest)
        return True


def read_pixels(
    path: Path, bands: tuple[int, ...], window: Window | None, longest_px: int
) -> tuple[FloatArray, BoolArray]:
    """Values of a COG, shrunk so that no side is longer than `longest_px`, with their validity.

    Returns
    -------
    values : float32 (band, row, col)
        Scale applied.
    valid : bool (row, col)
    """
    with rasterio.open(path, sharing=True) as dataset:  # blocks stay cached while somebody holds it open
        if window is None:
            window = Window(row0=0, col0=0, row1=dataset.height, col1=dataset.width)
        height, width = window.shape
        factor = min(1.0, longest_px / max(height, width))
        shape = (len(bands), max(1, round(height * factor)), max(1, round(width * factor)))
        read = dataset.read(
            bands, window=BlockWindow(window.col0, window.row0, width, height), out_shape=shape, masked=True,
            resampling=Resampling.average if factor < 1 else Resampling.nearest,
        )  # fmt: skip
        scale = np.array([dataset.scales[band - 1] for band in bands], np.float32)[:, None, None]
    values = read.filled(0).astype(np.float32) * scale
    mask = np.ma.getmaskarray(read)
    bad = mask.any(axis=0) | ~np.isfinite(values).all(axis=0)
    return np.where(bad, np.float32(0), values).astype(np.float32), ~bad
