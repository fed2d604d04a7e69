"""Pairs of images with planted changes, for tests of the comparison: texture, not a model of the world."""

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter, shift

from imagery.raster import Raster
from imagery.warp import ArrayReader

GSD_M = 0.5


def texture(shape: tuple[int, int], seed: int = 1, bands: int = 3) -> NDArray[np.float32]:
    """Smooth random ground with structure at several scales, float32 (band, row, col), about 40-140."""
    rng = np.random.default_rng(seed)
    ground = sum(
        gaussian_filter(rng.standard_normal(shape), sigma) * sigma * weight
        for sigma, weight in ((2, 14.0), (6, 10.0), (20, 8.0))
    )
    tint = np.array([1.0, 0.97, 0.9, 1.1])[:bands]
    return ((90 + ground)[None] * tint[:, None, None]).astype(np.float32)


def block(image: NDArray[np.float32], row: int, col: int, height: int, width: int, value: float) -> None:
    """Paint a sharp-edged object into every band."""
    image[:, row : row + height, col : col + width] = value


def noisy(image: NDArray[np.float32], seed: int, sigma: float = 1.5) -> NDArray[np.float32]:
    """Sensor noise."""
    rng = np.random.default_rng(seed)
    return (image + rng.normal(0, sigma, image.shape)).astype(np.float32)


def shifted(image: NDArray[np.float32], d_row: float, d_col: float) -> NDArray[np.float32]:
    """The image whose content lies (d_row, d_col) pixels further down and right."""
    return np.stack([shift(band, (d_row, d_col), order=3, mode="reflect") for band in image]).astype(
        np.float32
    )


def reader(
    image: NDArray[np.float32],
    *,
    crs: str | None = None,
    valid: NDArray[np.bool_] | None = None,
    gsd_m: float = GSD_M,
) -> ArrayReader:
    """An in-memory reader over planted pixels."""
    shape = image.shape[1:]
    affine = Affine(gsd_m, 0, 770000 if crs else 0, 0, -gsd_m, 3920000 if crs else 0)
    return ArrayReader(
        raster=Raster(
            data=image.copy(), valid=np.ones(shape, np.bool_) if valid is None else valid.copy(),
            bands=("red", "green", "blue", "nir")[: len(image)], quantity="dn", grid=GeoBox(shape, affine, crs),
        )
    )  # fmt: skip
