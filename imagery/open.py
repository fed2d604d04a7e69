"""What one raster file holds, and its pixels as values with validity."""

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS
from rasterio.enums import ColorInterp, MaskFlags

from imagery.access import Access
from imagery.bands import canonical
from imagery.drivers import crs_name, file_key, open_raster, raster_env, read_mask, read_pixels
from imagery.errors import UnreadableRaster
from imagery.fill import Fill, border_fill
from imagery.raster import BoolArray, FloatArray, Quantity, Window, gsd_m

SIMULATED_TAGS = {
    "SIMULATED": "true",
    "TIFFTAG_IMAGEDESCRIPTION": "SIMULATED by sitewatch: drawn by a computer, not a satellite image; it shows nothing "
    "that happened.",
}
"""In every image of the demo archive and every one made from it, for whoever meets the file alone."""


MIN_SIDE_PX = 16
"""Smaller images cannot be compared with anything."""

GSD_RANGE_M = (0.01, 20_000.0)
"""Pixel sizes outside of this are a mistake in the numbers."""

MAX_DECODED_BYTES = 1_000_000_000
"""PNG and JPEG cannot be read in parts; larger ones have to be converted."""

_WHOLE_DRIVERS = frozenset({"PNG", "JPEG"})
_COLOUR_NAMES = {
    ColorInterp.red: "red", ColorInterp.green: "green", ColorInterp.blue: "blue", ColorInterp.nir: "nir",
    ColorInterp.pan: "pan", ColorInterp.coastal: "coastal", ColorInterp.rededge: "rededge",
}  # fmt: skip
_DATE_TAGS = ("ACQUISITIONDATETIME", "TIFFTAG_DATETIME")
_IMPLAUSIBLE_DB = 100.0


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageInfo:
    """What a raster file says about itself.

    Parameters
    ----------
    href : str
    driver, dtype : str
    grid : GeoBox
        `grid.crs` None where the file has no usable georeference; its affine is then the identity.
    bands : tuple of str
        Names of the data bands, alpha left out and a palette expanded to red, green, blue.
    indexes : tuple of int
        File bands (from 1) that hold them; one for a palette.
    palette : uint8 (256, 4) or None
        Red, green, blue, and 0 where an entry is transparent.
    alpha : int or None
        File band (from 1) with transparency.
    masked : bool
        Whether the file carries a mask of its own.
    nodata : float or None
    scales, offsets : tuple of float
        As stated in the file, per data band.
    time : datetime or None
        Aware UTC, from a date tag.
    notes : tuple of str
        What had to be said about georeference or palette.
    simulated : bool
        Whether the file says that it was drawn and not taken.
    access : Access or None
        Rules of the source that names a remote file.
    """

    href: str
    driver: str
    dtype: str
    grid: GeoBox
    bands: tuple[str, ...]
    indexes: tuple[int, ...]
    palette: NDArray[np.uint8] | None
    alpha: int | None
    masked: bool
    nodata: float | None
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    time: datetime | None
    notes: tuple[str, ...] = ()
    simulated: bool = False
    access: Access | None = None

    @property
    def georeferenced(self) -> bool:
        """Whether the file says where it lies."""
        return self.grid.crs is not None


def describe(href: str | Path, access: Access | None = None) -> ImageInfo:
    """Open a file and check that it is an image that can be compared.

    Parameters
    ----------
    access : Access or None
        Rules of the source that names a remote file; None for an address that a person gave.

    Raises
    ------
    UnreadableRaster, SourceUnreachable
        See `imagery.drivers.open_raster`; also complex numbers, too few pixels, or a CRS that contradicts the
        coordinates.
    """
    name = str(href)
    with open_raster(name, access) as dataset, raster_env():
        _refuse_unusable(name, dataset)
        grid, notes = _grid(name, dataset)
        indexes = tuple(
            i for i, c in zip(dataset.indexes, dataset.colorinterp, strict=True) if c is not ColorInterp.alpha
        )
        alpha = next((i for i in dataset.indexes if i not in indexes), None)
        palette = _palette(dataset) if dataset.colorinterp[0] is ColorInterp.palette else None
        if palette is not None:
            indexes = (1,)
            notes = (*notes, "a palette image: its colours are used")
        nodata = None if palette is not None else dataset.nodatavals[indexes[0] - 1]
        return ImageInfo(
            href=name, driver=dataset.driver, dtype=dataset.dtypes[0], grid=grid, indexes=indexes,
            bands=_band_names(dataset, indexes, palette), palette=palette, alpha=alpha,
            masked=any(MaskFlags.per_dataset in flags for flags in dataset.mask_flag_enums) and alpha is None,
            nodata=None if nodata is None else float(nodata),
            scales=tuple(float(dataset.scales[i - 1]) for i in indexes),
            offsets=tuple(float(dataset.offsets[i - 1]) for i in indexes),
            time=_time(dataset), notes=notes, simulated=dataset.tags().get("SIMULATED") == SIMULATED_TAGS["SIMULATED"],
            access=access,
        )  # fmt: skip


def _refuse_unusable(name: str, dataset: Any) -> None:
    if min(dataset.shape) < MIN_SIDE_PX:
        raise UnreadableRaster(
            f"{name}: the image is {dataset.width} x {dataset.height} pixels; "
            f"at least {MIN_SIDE_PX} x {MIN_SIDE_PX} are needed"
        )
    if any(dtype.startswith("complex") for dtype in dataset.dtypes):
        raise UnreadableRaster(
            f"{name}: holds complex numbers ({dataset.dtypes[0]}); give detected (amplitude or power) pixels"
        )
    if len(set(dataset.dtypes)) > 1:
        raise UnreadableRaster(f"{name}: its bands have different types {dataset.dtypes}; export them alike")
    if all(colour is ColorInterp.alpha for colour in dataset.colorinterp):
        raise UnreadableRaster(f"{name}: holds nothing but transparency")
    if dataset.driver in _WHOLE_DRIVERS:
        size = dataset.width * dataset.height * dataset.count * np.dtype(dataset.dtypes[0]).itemsize
        if size > MAX_DECODED_BYTES:
            raise UnreadableRaster(
                f"{name}: a {dataset.driver} of {dataset.width} x {dataset.height} pixels is too large to be "
                "read in parts; convert it to a tiled GeoTIFF"
            )


def _grid(name: str, dataset: Any) -> tuple[GeoBox, tuple[str, ...]]:
    plain = GeoBox(dataset.shape, dataset.transform.identity(), None)
    if dataset.crs is None:
        if dataset.transform.is_identity:
            return plain, ()
        return plain, ("has coordinates but no CRS: treated as having no georeference",)
    if dataset.transform.is_identity:
        return plain, ("names a CRS but has no coordinates: treated as having no georeference",)
    crs = CRS.from_user_input(dataset.crs.to_wkt())
    if not (crs.is_projected or crs.is_geographic):
        return plain, (f"has a local CRS ({crs.name}): treated as having no georeference",)
    grid = GeoBox(dataset.shape, dataset.transform, crs_name(dataset))
    _refuse_contradiction(name, crs, grid)
    return grid, ()


def _refuse_contradiction(name: str, crs: CRS, grid: GeoBox) -> None:
    rows, cols = grid.shape
    corners = [grid.affine * corner for corner in ((0, 0), (cols, 0), (0, rows), (cols, rows))]
    wrong = crs.is_geographic and any(abs(x) > 360.5 or abs(y) > 90.5 for x, y in corners)
    size_m = float("nan") if wrong else gsd_m(grid)
    if not GSD_RANGE_M[0] <= size_m <= GSD_RANGE_M[1]:
        x, y = corners[0]
        raise UnreadableRaster(
            f"{name}: its coordinates (corner {x:.6g}, {y:.6g}) do not belong to its CRS ({crs.name}); "
            "assign the right one"
        )


def _band_names(dataset: Any, indexes: tuple[int, ...], palette: NDArray[np.uint8] | None) -> tuple[str, ...]:
    if palette is not None:
        return ("red", "green", "blue")
    described = [canonical(dataset.descriptions[i - 1] or "") for i in indexes]
    coloured = [_COLOUR_NAMES.get(dataset.colorinterp[i - 1]) for i in indexes]
    names = [
        d or c or f"band{i}" for i, d, c in zip(range(1, len(indexes) + 1), described, coloured, strict=True)
    ]
    if len(set(names)) < len(names):
        names = [f"band{i}" for i in range(1, len(indexes) + 1)]
    if names == ["band1"] and dataset.dtypes[0] in {"uint8", "uint16"}:
        return ("pan",)
    return tuple(names)


def _palette(dataset: Any) -> NDArray[np.uint8]:
    table = np.zeros((256, 4), np.uint8)
    for number, colour in dataset.colormap(1).items():
        if 0 <= number < 256:
            table[number] = colour
    nodata = dataset.nodatavals[0]
    if nodata is not None and 0 <= nodata < 256:
        table[int(nodata), 3] = 0
    return table


def _time(dataset: Any) -> datetime | None:
    tags = {**dataset.tags(), **dataset.tags(ns="IMAGERY")}
    for tag in _DATE_TAGS:
        digits = re.findall(r"\d+", tags.get(tag, ""))
        joined = "".join(digits)[:14]
        if len(joined) == 14:
            try:
                return datetime.strptime(joined, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            except ValueError:
                continue
    return None


@dataclass(frozen=True, kw_only=True, eq=False)
class FileImage:
    """Pixels of one file in its own grid (a `NativePixels`).

    Parameters
    ----------
    info : ImageInfo
    grid : GeoBox
        The file's grid, or the one it is placed on where it has no georeference.
    bands : tuple of str
        Delivered bands.
    mix : tuple of tuple of float
        Weights over the file's data bands, one row per delivered band.
    quantity : Quantity
        Of the delivered values.
    scale, offset : float
        value = number * scale + offset.
    in_db : bool
        Whether values are decibels, to be turned into linear power.
    nodata : float or None
        Number that means no data.
    zero_is_fill : bool
        Whether a pixel that is zero in all bands is no data.
    fill : Fill or None
        Black padding of an image that states no nodata value.
    """

    info: ImageInfo
    grid: GeoBox
    bands: tuple[str, ...]
    mix: tuple[tuple[float, ...], ...]
    quantity: Quantity
    scale: float = 1.0
    offset: float = 0.0
    in_db: bool = False
    nodata: float | None = None
    zero_is_fill: bool = False
    fill: Fill | None = None

    def pixels(self, window: Window) -> tuple[FloatArray, BoolArray]:
        """Values and validity of a window inside the grid."""
        numbers, valid = self._numbers(window)
        data = numbers.astype(np.float32)
        if np.issubdtype(numbers.dtype, np.floating):
            valid &= np.isfinite(data).all(axis=0)
        if self.nodata is not None and not np.isnan(self.nodata):
            valid &= ~_is_nodata(numbers, self.nodata)
        if self.zero_is_fill:
            valid &= _any(numbers)
        if self.fill is not None:
            valid &= ~self.fill.at(window)
        if self.in_db:
            valid &= (np.abs(data) <= _IMPLAUSIBLE_DB).all(axis=0)
        if not valid.all():
            data[:, ~valid] = 0
        if self.scale != 1.0 or self.offset != 0.0:
            data = data * np.float32(self.scale) + np.float32(self.offset)
        if self.in_db:
            data = np.power(np.float32(10), data / np.float32(10))
        return self._mixed(data), valid

    def with_fill(self) -> "FileImage":
        """The same image with the black padding of its border, if any, marked as not valid."""
        rows, cols = self.grid.shape
        return replace(
            self, fill=border_fill(lambda window: self._numbers(window)[0], (int(rows), int(cols)))
        )

    def _mixed(self, data: FloatArray) -> FloatArray:
        weights = np.array(self.mix, np.float32)
        if weights.shape[0] == weights.shape[1] and np.array_equal(weights, np.eye(len(weights))):
            return data
        if np.isin(weights, (0, 1)).all() and (weights.sum(axis=1) == 1).all():
            return np.asarray(data[weights.argmax(axis=1)])
        return np.asarray(np.einsum("ob,brc->orc", weights, data), np.float32)

    def _numbers(self, window: Window) -> tuple[NDArray[Any], BoolArray]:
        info = self.info
        wanted = info.indexes if info.alpha is None else (*info.indexes, info.alpha)
        numbers = _whole(info, wanted, window) if info.driver in _WHOLE_DRIVERS else None
        if numbers is None:
            numbers = read_pixels(info.href, wanted, window, info.access)
        valid = np.ones(window.shape, np.bool_)
        if info.alpha is not None:
            valid &= numbers[-1] > 0
            numbers = numbers[:-1]
        if info.masked:
            valid &= read_mask(info.href, window, info.access) > 0
        if info.palette is not None:
            colours = info.palette[np.clip(numbers[0], 0, 255)]
            numbers = np.moveaxis(colours[..., :3], -1, 0)
            valid &= colours[..., 3] > 0
        return numbers, valid


def _any(numbers: NDArray[Any]) -> BoolArray:
    """Where any band is not zero."""
    if numbers.dtype.kind in "ui":
        return np.asarray(np.bitwise_or.reduce(numbers, axis=0) != 0)
    return np.asarray((numbers != 0).any(axis=0))


def _is_nodata(numbers: NDArray[Any], value: float) -> BoolArray:
    if np.issubdtype(numbers.dtype, np.floating):
        return np.asarray((numbers == numbers.dtype.type(value)).any(axis=0))
    limits = np.iinfo(numbers.dtype)
    if value != int(value) or not limits.min <= value <= limits.max:
        return np.zeros(numbers.shape[1:], np.bool_)
    # A dark pixel may well be 0 in one band of three.
    return np.asarray((numbers == int(value)).all(axis=0))


_decoded: OrderedDict[tuple[Any, ...], NDArray[Any]] = OrderedDict()
_decoding = threading.Lock()
_DECODED_IMAGES = 2


def _whole(info: ImageInfo, indexes: tuple[int, ...], window: Window) -> NDArray[Any]:
    """Window of an image that can only be decoded from its start: decoded once, kept in the file's own type."""
    key = (*file_key(info.href, info.access), indexes)
    with _decoding:
        if key not in _decoded:
            rows, cols = info.grid.shape
            _decoded[key] = read_pixels(
                info.href, indexes, Window(row0=0, col0=0, row1=rows, col1=cols), info.access
            )
            while len(_decoded) > _DECODED_IMAGES:
                _decoded.popitem(last=False)
        _decoded.move_to_end(key)
        pixels = _decoded[key]
    return pixels[:, window.row0 : window.row1, window.col0 : window.col1]
