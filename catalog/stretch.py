"""From stored pixels to what a screen shows: one stretch for both dates."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
KEPT_PX = 6000
"""Rasters with no longer side than this are kept as shown, 3 bytes a pixel, while pictures are cut from them."""

_STRIP_PX = 512


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
        part = values - self.low
        part /= max(self.high - self.low, 1e-9)
        np.clip(part, 0.0, 1.0, out=part)
        if self.gamma != 1.0:
            part **= 1.0 / self.gamma
        part *= 255
        levels = np.rint(part, out=part).astype(np.uint8)
        picture: ByteImage = np.empty((*valid.shape, 3), np.uint8)
        picture[:] = np.moveaxis(np.broadcast_to(levels, (3, *valid.shape)), 0, -1)
        picture[~valid] = NODATA_GREY
        return picture


def shared_stretch(paths: tuple[Path, Path], quantity: str, *, sample_px: int = SAMPLE_PX) -> Stretch:
    """The stretch of a pair, from the percentiles of both dates together, each shrunk to `sample_px` a side at most."""
    with rasterio.open(paths[0]) as before, rasterio.open(paths[1]) as after:
        # A pair that could not be compared may have different bands.
        bands = _display_bands(before.descriptions) if before.descriptions == after.descriptions else (1,)
    decibels = quantity in _RADAR
    samples = []
    for path in paths:
        values, valid = read_pixels(path, bands, None, sample_px)
        usable = values if valid.all() else values[:, valid]
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
    """Rasters as shown, for many small pictures to be cut from: a small raster is decoded once and kept.

    Several threads may cut at a time.
    """

    def __init__(self, stretch: Stretch) -> None:
        self._stretch = stretch
        self._kept: dict[Path, ByteImage] = {}
        self._decoding = threading.Lock()

    def cut(self, path: Path, window: Window, longest_px: int) -> ByteImage:
        """uint8 (row, col, 3) of a window, shrunk so that no side is longer than `longest_px`."""
        if max(window.shape) > longest_px or not self._holds(path):
            return self._stretch.shown(*read_pixels(path, self._stretch.bands, window, longest_px))
        return self._kept[path][window.row0 : window.row1, window.col0 : window.col1]

    def _holds(self, path: Path) -> bool:
        with self._decoding:
            if path not in self._kept:
                with rasterio.open(path) as dataset:
                    if max(dataset.shape) > KEPT_PX:
                        return False
                    self._kept[path] = self._whole(dataset)
        return True

    def _whole(self, dataset: Any) -> ByteImage:
        """All of a raster, strip by strip: its numbers take four times the memory of what is shown."""
        shown = np.empty((*dataset.shape, 3), np.uint8)
        rows, cols = dataset.shape
        for row in range(0, rows, _STRIP_PX):
            strip = Window(row0=row, col0=0, row1=min(row + _STRIP_PX, rows), col1=cols)
            shown[strip.row0 : strip.row1] = self._stretch.shown(
                *_read(dataset, self._stretch.bands, strip, max(rows, cols))
            )
        return shown


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
        return _read(dataset, bands, window, longest_px)


def _read(
    dataset: Any, bands: tuple[int, ...], window: Window, longest_px: int
) -> tuple[FloatArray, BoolArray]:
    height, width = window.shape
    factor = min(1.0, longest_px / max(height, width))
    shape = (len(bands), max(1, round(height * factor)), max(1, round(width * factor)))
    read = dataset.read(
        bands, window=BlockWindow(window.col0, window.row0, width, height), out_shape=shape, masked=True,
        resampling=Resampling.average if factor < 1 else Resampling.nearest,
    )  # fmt: skip
    scale = np.array([dataset.scales[band - 1] for band in bands], np.float32)[:, None, None]
    values = read.filled(0).astype(np.float32)
    values *= scale
    bad: BoolArray = np.asarray(np.ma.getmaskarray(read).any(axis=0), np.bool_)
    if not np.issubdtype(read.dtype, np.integer):
        bad |= ~np.isfinite(values).all(axis=0)
    if bad.any():
        values[:, bad] = 0
    return values, ~bad
