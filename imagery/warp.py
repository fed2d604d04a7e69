"""Cutting windows and resampling once, with validity that never invents pixels."""

from dataclasses import dataclass

import cv2
import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from imagery.raster import BoolArray, Displacement, FloatArray, Quantity, Raster, Window

CUBIC_REACH_PX = 2
"""Pixels on each side that bicubic interpolation touches."""


def window_grid(grid: GeoBox, window: Window) -> GeoBox:
    """The grid of `window`, which may reach beyond `grid`."""
    return GeoBox(window.shape, grid.affine * Affine.translation(window.col0, window.row0), grid.crs)


def cut(raster: Raster, window: Window) -> Raster:
    """Copy of a window of `raster`; pixels beyond its edges are zero and invalid."""
    data = np.zeros((len(raster.bands), *window.shape), np.float32)
    valid = np.zeros(window.shape, np.bool_)
    rows, cols = raster.valid.shape
    if window.row0 < rows and window.row1 > 0 and window.col0 < cols and window.col1 > 0:
        inner = window.clipped((rows, cols))
        source = np.s_[inner.row0 : inner.row1, inner.col0 : inner.col1]
        target = np.s_[
            inner.row0 - window.row0 : inner.row1 - window.row0,
            inner.col0 - window.col0 : inner.col1 - window.col0,
        ]
        data[(slice(None), *target)] = raster.data[(slice(None), *source)]
        valid[target] = raster.valid[source]
    return Raster(
        data=data,
        valid=valid,
        bands=raster.bands,
        quantity=raster.quantity,
        grid=window_grid(raster.grid, window),
    )


def sample(
    data: FloatArray, valid: BoolArray, rows: FloatArray, cols: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Bicubic samples of `data` at fractional positions.

    Parameters
    ----------
    data : float32 (band, row, col)
    valid : bool (row, col)
    rows, cols : float32 (row, col)
        Positions in pixels of `data`; integers are pixel centres.

    Returns
    -------
    data : float32 (band, row, col)
    valid : bool (row, col)
        True only where every pixel that the interpolation touched was valid.
    """
    whole = bool(valid.all())
    filled = data if whole else np.where(valid, data, np.float32(0))
    out = np.empty((len(data), *rows.shape), np.float32)
    for band, target in zip(filled, out, strict=True):
        cv2.remap(band, cols, rows, cv2.INTER_CUBIC, dst=target, borderMode=cv2.BORDER_REPLICATE)
    if whole:
        height, width = valid.shape
        inside = (rows >= 0) & (rows <= height - 1) & (cols >= 0) & (cols <= width - 1)
        return out, inside
    reach = np.ones((2 * CUBIC_REACH_PX + 1, 2 * CUBIC_REACH_PX + 1), np.uint8)
    solid = cv2.erode(valid.astype(np.uint8), reach, borderType=cv2.BORDER_REPLICATE)
    kept = cv2.remap(solid, cols, rows, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return out, kept.astype(np.bool_)


def block_means(image: FloatArray, factor: int) -> FloatArray:
    """Means over blocks of `factor` x `factor` pixels, float32 (row, col); both sides are whole blocks."""
    if factor == 1:
        return image
    rows, cols = image.shape
    out: FloatArray = cv2.resize(image, (cols // factor, rows // factor), interpolation=cv2.INTER_AREA)
    return out


def displaced(raster: Raster, window: Window, displacement: Displacement) -> Raster:
    """Pixels of `window` taken from displaced positions of `raster` (see `Displacement`)."""
    d_row, d_col = displacement.at(window)
    margin = int(np.ceil(max(np.abs(d_row).max(), np.abs(d_col).max()))) + CUBIC_REACH_PX
    around = cut(raster, window.grown(margin))
    height, width = window.shape
    rows = np.arange(height, dtype=np.float32)[:, None] + np.float32(margin) + d_row
    cols = np.arange(width, dtype=np.float32)[None, :] + np.float32(margin) + d_col
    data, valid = sample(around.data, around.valid, rows, cols)
    return Raster(
        data=data,
        valid=valid,
        bands=raster.bands,
        quantity=raster.quantity,
        grid=window_grid(raster.grid, window),
    )


@dataclass(frozen=True, kw_only=True)
class ArrayReader:
    """A `Reader` over pixels already in memory; the one to use in tests and for small images."""

    raster: Raster

    @property
    def grid(self) -> GeoBox:
        """The raster's grid."""
        return self.raster.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """The raster's band names."""
        return self.raster.bands

    @property
    def quantity(self) -> Quantity:
        """What the numbers measure."""
        return self.raster.quantity

    def read(self, window: Window, displacement: Displacement | None = None) -> Raster:
        """See `Reader.read`."""
        if displacement is None:
            return cut(self.raster, window)
        return displaced(self.raster, window, displacement)
