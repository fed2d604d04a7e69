"""A scene at a glance: all its files shrunk onto one small north-up grid."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.warp import reproject
from shapely.geometry.base import BaseGeometry

from imagery.drivers import open_raster, raster_env
from imagery.errors import UnreadableRaster
from imagery.geometry import reprojected
from imagery.open import ImageInfo
from imagery.raster import BoolArray, FloatArray

_COLOURS = ("red", "green", "blue")
_POLARISED = frozenset({"vv", "vh", "hh", "hv"})


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One file of a scene.

    Parameters
    ----------
    path : Path
    info : ImageInfo
    bands : tuple of str
        Names of its data bands in order.
    nodata : float or None
        Number that means no data where the file itself does not say.
    """

    path: Path
    info: ImageInfo
    bands: tuple[str, ...]
    nodata: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Thumbnail:
    """A shrunk scene.

    Parameters
    ----------
    values : float32 (band, row, col)
        One band, or red, green, blue; the files' own numbers.
    valid : bool (row, col)
        True where there is a picture.
    grid : GeoBox
        North up.
    """

    values: FloatArray
    valid: BoolArray
    grid: GeoBox


def small_grid(outline: BaseGeometry, crs: CRS, longest_px: int, *, margin: float = 0.0) -> GeoBox:
    """A north-up grid around an outline in lon/lat, its longest side `longest_px` pixels.

    Parameters
    ----------
    margin : float
        Added on every side, as a share of the longest side of the outline.
    """
    west, south, east, north = reprojected(outline, CRS.from_epsg(4326), crs, segment=0.01).bounds
    room = margin * max(east - west, north - south)
    west, south, east, north = west - room, south - room, east + room, north + room
    size = max(east - west, north - south) / longest_px
    rows, cols = math.ceil((north - south) / size), math.ceil((east - west) / size)
    return GeoBox((max(rows, 1), max(cols, 1)), Affine(size, 0.0, west, 0.0, -size, north), str(crs))


def thumbnail(files: Sequence[Shown], grid: GeoBox) -> Thumbnail:
    """Draw the files of a scene onto a small grid, the first one on top.

    Raises
    ------
    UnreadableRaster
        A file cannot be read.
    """
    shape = (int(grid.shape[0]), int(grid.shape[1]))
    count = max(_count(file) for file in files)
    values, valid = np.zeros((count, *shape), np.float32), np.zeros(shape, np.bool_)
    if all(len(file.bands) == 1 for file in files) and set(_COLOURS) <= {f.bands[0] for f in files}:
        parts = [_warped(next(f for f in files if f.bands[0] == name), grid) for name in _COLOURS]
        return Thumbnail(
            values=np.concatenate([part[0] for part in parts]),
            valid=np.logical_and.reduce([part[1] for part in parts]), grid=grid,
        )  # fmt: skip
    for file in files:
        more, seen = _warped(file, grid)
        fill = seen & ~valid
        values[:, fill] = np.broadcast_to(more, (count, *shape))[:, fill]
        valid |= fill
    return Thumbnail(values=values, valid=valid, grid=grid)


def _count(file: Shown) -> int:
    return len(_shown_bands(file))


def _shown_bands(file: Shown) -> tuple[int, ...]:
    """Positions of the bands to show: red, green, blue where there are three, else the first."""
    if set(_COLOURS) <= set(file.bands):
        return tuple(file.bands.index(name) for name in _COLOURS)
    if len(file.bands) >= len(_COLOURS) and not _POLARISED & set(file.bands):
        return 0, 1, 2
    return (0,)


def _warped(file: Shown, grid: GeoBox) -> tuple[FloatArray, BoolArray]:
    numbers, valid, transform = _shrunk(file, grid)
    values = np.zeros((len(numbers), *grid.shape), np.float32)
    seen = np.zeros(tuple(grid.shape), np.uint8)
    place = {"src_transform": transform, "src_crs": CRS.from_user_input(str(file.info.grid.crs)).to_wkt()}
    target = {"dst_transform": grid.affine, "dst_crs": CRS.from_user_input(str(grid.crs)).to_wkt()}
    with raster_env():
        reproject(numbers, values, **place, **target, resampling=Resampling.nearest)
        reproject(valid.astype(np.uint8), seen, **place, **target, resampling=Resampling.nearest)
    return values, seen > 0


def _shrunk(file: Shown, grid: GeoBox) -> tuple[FloatArray, BoolArray, Affine]:
    """Numbers and validity of a file at about the grid's pixel size, and their transform."""
    info = file.info
    rows, cols = (int(n) for n in info.grid.shape)
    factor = min(1.0, _pixels_across(info, grid) / max(rows, cols))
    shape = max(1, round(rows * factor)), max(1, round(cols * factor))
    indexes = [info.indexes[i] for i in _shown_bands(file)] if info.palette is None else [1]
    # The average of two entries of a palette is a third one.
    how = Resampling.average if factor < 1 and info.palette is None else Resampling.nearest
    try:
        with raster_env(), open_raster(file.path) as dataset:
            read = dataset.read(indexes, out_shape=(len(indexes), *shape), masked=True, resampling=how)
    except (RasterioError, OSError) as error:
        raise UnreadableRaster(f"{file.path}: the image is damaged or cut short; fetch it again") from error
    valid = ~np.ma.getmaskarray(read).any(axis=0)
    numbers: NDArray[Any] = read.filled(0)
    if info.palette is not None:
        colours = info.palette[np.clip(numbers[0], 0, 255)]
        numbers, valid = np.moveaxis(colours[..., :3], -1, 0), valid & (colours[..., 3] > 0)
    values = numbers.astype(np.float32)
    valid = np.asarray(valid & np.isfinite(values).all(axis=0), np.bool_)
    if file.nodata is not None and not math.isnan(file.nodata):
        valid &= np.asarray((values != np.float32(file.nodata)).any(axis=0))
    scale = Affine.scale(cols / shape[1], rows / shape[0])
    return np.asarray(np.where(valid, values, 0), np.float32), valid, info.grid.affine * scale


def _pixels_across(info: ImageInfo, grid: GeoBox) -> float:
    """How many pixels of a small grid the longest side of a file takes."""
    extent = info.grid.extent.to_crs(grid.crs).boundingbox
    size = abs(float(grid.affine.a))
    return float(max(extent.right - extent.left, extent.top - extent.bottom)) / size
