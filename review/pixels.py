"""Pixels of a run's rasters as arrays, any part at any size, through rio-tiler."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rio_tiler.errors import NoOverviewWarning, RioTilerError
from rio_tiler.io import ImageReader
from rio_tiler.io import Reader as MapReader
from rio_tiler.models import ImageData

from imagery.raster import BoolArray, FloatArray
from review.errors import NotFound
from review.rasters import OpenRasters

warnings.filterwarnings("ignore", category=NoOverviewWarning)  # small rasters need none

RASTERS = OpenRasters()
"""Of all desks in this process."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A part of a grid in pixel-edge coordinates; may reach beyond the grid.

    Parameters
    ----------
    col0, row0, col1, row1 : float
    """

    col0: float
    row0: float
    col1: float
    row1: float

    def __post_init__(self) -> None:
        if not (self.col1 > self.col0 and self.row1 > self.row0):
            raise ValueError(f"empty {self}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Pixels:
    """What was read.

    Parameters
    ----------
    values : float32 (band, row, col)
        Scale applied; 0 where not valid. Infinity is a value: detectability uses it.
    valid : bool (row, col)
    inside : bool (row, col)
        False beyond the raster's edge.
    """

    values: FloatArray
    valid: BoolArray
    inside: BoolArray


def read_box(
    path: Path, box: Box, size: tuple[int, int], bands: tuple[int, ...], *, average: bool = True
) -> Pixels:
    """A part of a raster by its own pixels, whatever georeference it has.

    Parameters
    ----------
    path : Path
    box : Box
        In the raster's pixels.
    size : (int, int)
        Rows and columns of the result.
    bands : tuple of int
        From 1.
    average : bool
        Average where the result is smaller than what is read; else pick.

    Raises
    ------
    NotFound
        The raster is not there or cannot be read, or lacks a band.
    """
    out = _empty(len(bands), size)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with RASTERS.reading(path) as raster, ImageReader(str(path), dataset=raster) as reader:
                _check_bands(path, bands, reader.dataset.count)
                part = _inside(box, size, (reader.height, reader.width))
                if part is None:
                    return out
                inner, rows, cols = part
                shrunk = (inner.row1 - inner.row0) > rows.stop - rows.start
                read = reader.part(
                    (inner.col0, inner.row1, inner.col1, inner.row0),
                    indexes=bands, height=rows.stop - rows.start, width=cols.stop - cols.start, unscale=True,
                    resampling_method="average" if average and shrunk else "nearest",
                )  # fmt: skip
    except (RasterioError, RioTilerError, OSError) as problem:
        raise NotFound(f"{path.name} of this run cannot be read: {problem}") from problem
    _place(out, read, rows, cols)
    return out


def read_place(path: Path, grid: GeoBox, box: Box, size: tuple[int, int], bands: tuple[int, ...]) -> Pixels:
    """A part of another run's raster, by the place that `box` has on `grid`.

    Raises
    ------
    NotFound
        `grid` has no georeference, or the raster cannot be read.
    """
    if grid.crs is None:
        raise NotFound("images without georeference have no place on other dates")
    corners = [grid.affine * point for point in ((box.col0, box.row0), (box.col1, box.row1))]
    (x0, y0), (x1, y1) = corners
    crs = CRS.from_user_input(str(grid.crs))
    out = _empty(len(bands), size)
    try:
        with RASTERS.reading(path) as raster, MapReader(str(path), dataset=raster) as reader:
            _check_bands(path, bands, reader.dataset.count)
            read = reader.part(
                (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), bounds_crs=crs, dst_crs=crs,
                indexes=bands, height=size[0], width=size[1], unscale=True,
                resampling_method="average" if box.col1 - box.col0 > size[1] else "nearest",
            )  # fmt: skip
    except (RasterioError, RioTilerError, OSError) as problem:
        raise NotFound(f"{path.name} of another date cannot be read: {problem}") from problem
    _place(out, read, slice(0, size[0]), slice(0, size[1]))
    return out


def _check_bands(path: Path, bands: tuple[int, ...], count: int) -> None:
    if not bands or min(bands) < 1 or max(bands) > count:
        raise NotFound(f"{path.name} has bands 1 to {count}, not {', '.join(map(str, bands))}")


def _empty(bands: int, size: tuple[int, int]) -> Pixels:
    return Pixels(
        values=np.zeros((bands, *size), np.float32),
        valid=np.zeros(size, np.bool_),
        inside=np.zeros(size, np.bool_),
    )


def _inside(box: Box, size: tuple[int, int], shape: tuple[int, int]) -> tuple[Box, slice, slice] | None:
    """The part of `box` inside a raster of `shape`, and the rows and columns of the result that it fills."""
    rows, cols = _span(box.row0, box.row1, size[0], shape[0]), _span(box.col0, box.col1, size[1], shape[1])
    if rows is None or cols is None:
        return None
    inner = Box(col0=cols[0], row0=rows[0], col1=cols[1], row1=rows[1])
    return inner, slice(rows[2], rows[3]), slice(cols[2], cols[3])


def _span(start: float, stop: float, out: int, length: int) -> tuple[float, float, int, int] | None:
    """Along one axis: source range inside [0, length] that falls on whole output pixels, and those pixels."""
    step = (stop - start) / out
    first = max(0, round((max(start, 0.0) - start) / step))
    last = min(out, round((min(stop, float(length)) - start) / step))
    if last <= first:
        return None
    return max(0.0, start + first * step), min(float(length), start + last * step), first, last


def _place(out: Pixels, read: ImageData, rows: slice, cols: slice) -> None:
    masked = read.array
    values: NDArray[np.float32] = masked.filled(0).astype(np.float32)
    valid = ~np.ma.getmaskarray(masked).any(axis=0) & ~np.isnan(values).any(axis=0)
    values[:, ~valid] = 0
    out.values[:, rows, cols] = values
    out.valid[rows, cols] = valid
    out.inside[rows, cols] = True
