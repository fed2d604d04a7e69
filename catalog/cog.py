"""Cloud-optimised GeoTIFFs, written window by window."""

import itertools
import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.shutil import copy as copy_raster
from rasterio.windows import Window as BlockWindow

from catalog.errors import CannotWrite, CatalogError
from catalog.layout import AFTER, BEFORE, EVIDENCE
from imagery.open import SIMULATED_TAGS
from imagery.raster import Displacement, FloatArray, Quantity, Raster, Reader, Window
from imagery.tile import Tile

MEDIA_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
BLOCK_PX = 512
CHUNK_PX = 1024
FULL_BYTES = 1 << 20
TIF, PLAIN = ".tif", ".plain.tif"
_COLOURS = {"red": ColorInterp.red, "green": ColorInterp.green, "blue": ColorInterp.blue}


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How values become stored numbers.

    Parameters
    ----------
    dtype : str
        numpy name.
    nodata : float
        Stored where a pixel is not valid.
    scale : float
        value = stored * scale.
    low, high : float
        Stored range of valid pixels.
    slack : float
        Values this far beyond the range are interpolation ringing and are clipped; values further out need a
        wider encoding.
    predictor : int
        TIFF predictor: 2 for integers, 3 for floats.
    """

    dtype: str
    nodata: float
    scale: float = 1.0
    low: float = -np.inf
    high: float = np.inf
    slack: float = 0.0
    predictor: int = 2

    def fits(self, raster: Raster) -> bool:
        """Whether the valid values can be stored without loss beyond rounding and ringing."""
        if self.predictor == 3 or not raster.valid.any():
            return True
        values = raster.data if raster.valid.all() else raster.data[:, raster.valid]
        low, high = float(values.min()) / self.scale, float(values.max()) / self.scale
        return low >= min(self.low, 0.0) - self.slack and high <= self.high + self.slack

    def encode(self, raster: Raster) -> NDArray[np.generic]:
        """Stored numbers (band, row, col)."""
        if self.predictor == 3:
            return np.where(raster.valid, raster.data, np.float32(self.nodata))
        stored = np.rint(raster.data if self.scale == 1.0 else raster.data / np.float32(self.scale))
        np.clip(stored, self.low, self.high, out=stored)
        if not raster.valid.all():
            stored = np.where(raster.valid, stored, self.nodata)
        return stored.astype(self.dtype)


FLOAT = Encoding(dtype="float32", nodata=np.nan, predictor=3)
_BYTE = Encoding(dtype="uint8", nodata=0, low=1, high=255, slack=64)
_WORD = Encoding(dtype="uint16", nodata=0, low=1, high=65535, slack=0)
_REFLECTANCE = Encoding(dtype="int16", nodata=-32768, scale=1e-4, low=-32767, high=32767)


def encodings(quantity: Quantity) -> tuple[Encoding, ...]:
    """Encodings to try, narrowest first: the first one that every pixel of both dates fits is used.

    Digital numbers keep 8 or 16 bits with 0 as nodata (a true 0 is stored as 1), reflectance is stored in
    ten-thousandths, radar as it is.
    """
    if quantity == "dn":
        return _BYTE, _WORD, FLOAT
    return (_REFLECTANCE, FLOAT) if quantity == "reflectance" else (FLOAT,)


class _TooNarrow(Exception):
    """A pixel does not fit the encoding."""


def write_images(
    before: tuple[Path, Reader],
    after: tuple[Path, Reader, Displacement | None],
    quantity: Quantity,
    *,
    simulated: bool = False,
) -> Encoding:
    """Write both dates as COGs on one grid, with one encoding.

    Parameters
    ----------
    before : (path, reader)
    after : (path, reader, displacement)
        Read through the displacement, so that it lies on *before*.
    quantity : Quantity
    simulated : bool
        Say so in the files' tags.

    Returns
    -------
    Encoding
        The one used.

    Raises
    ------
    CatalogError
        The files cannot be written.
    """
    jobs = ((before[0], before[1], None), after)
    with ThreadPoolExecutor(len(jobs)) as pool:  # most of it is GDAL's work, which leaves Python to the other
        for encoding in encodings(quantity):
            writing = [pool.submit(_write_image, *job, encoding, simulated=simulated) for job in jobs]
            wait(writing)
            try:
                for written in writing:
                    written.result()
            except _TooNarrow:
                continue
            return encoding
    raise CatalogError(f"no encoding for {quantity} values")  # the last one takes every number


def _write_image(
    path: Path, reader: Reader, displacement: Displacement | None, encoding: Encoding, *, simulated: bool
) -> None:
    def chunks() -> Iterator[tuple[Window, NDArray[np.generic]]]:
        for window in _windows(tuple(reader.grid.shape)):
            raster = reader.read(window, displacement)
            if not encoding.fits(raster):
                raise _TooNarrow
            yield window, encoding.encode(raster)

    _write(path, reader.grid, bands=reader.bands, encoding=encoding, chunks=chunks(), simulated=simulated)


def write_evidence(
    path: Path,
    grid: GeoBox,
    tiles: Iterable[Tile],
    evidence: Callable[[Tile], FloatArray | None],
    *,
    simulated: bool = False,
) -> None:
    """Write the evidence of all tiles as one float32 COG, NaN where nothing was assessed.

    Raises
    ------
    CatalogError
        The file cannot be written, or a tile's evidence has another shape than its core.
    """

    def chunks() -> Iterator[tuple[Window, NDArray[np.generic]]]:
        for tile in tiles:
            values = evidence(tile)
            if values is None:
                continue
            if values.shape != tile.core.shape:
                raise CatalogError(
                    f"evidence of tile {tile.id} is {values.shape}, its core is {tile.core.shape}"
                )
            yield tile.core, values.astype(np.float32, copy=False)[None]

    _write(path, grid, bands=("evidence",), encoding=FLOAT, chunks=chunks(), simulated=simulated)


def write_floats(
    path: Path,
    grid: GeoBox,
    bands: tuple[str, ...],
    chunks: Iterable[tuple[Window, FloatArray]],
    *,
    simulated: bool = False,
) -> None:
    """Write float32 (band, row, col) pieces of `grid` as one COG, NaN where there is none; overviews pick, not average.

    Raises
    ------
    CatalogError
        The file cannot be written.
    """
    _write(
        path, grid, bands=bands, encoding=FLOAT, chunks=chunks, simulated=simulated, overviews=Resampling.nearest
    )  # fmt: skip


def stac_bands(
    names: Sequence[str], quantity: Quantity, encoding: Encoding
) -> dict[str, list[dict[str, Any]]]:
    """STAC 1.1 ``bands`` of the three rasters, by file name."""
    common: dict[str, Any] = {
        "data_type": encoding.dtype,
        "nodata": "nan" if np.isnan(encoding.nodata) else encoding.nodata,
        "sitewatch:quantity": quantity,
    }
    if encoding.scale != 1.0:
        common |= {"raster:scale": encoding.scale, "raster:offset": 0.0}
    images = [{"name": name, **common} for name in names]
    evidence = {"name": "evidence", "data_type": "float32", "nodata": "nan", "unit": "1"}
    return {BEFORE: images, AFTER: images, EVIDENCE: [evidence]}


def _windows(shape: tuple[int, ...]) -> Iterator[Window]:
    rows, cols = shape
    for row in range(0, rows, CHUNK_PX):
        for col in range(0, cols, CHUNK_PX):
            yield Window(row0=row, col0=col, row1=min(row + CHUNK_PX, rows), col1=min(col + CHUNK_PX, cols))


def _write(
    path: Path,
    grid: GeoBox,
    *,
    bands: tuple[str, ...],
    encoding: Encoding,
    chunks: Iterable[tuple[Window, NDArray[Any]]],
    simulated: bool,
    overviews: Resampling = Resampling.average,
) -> None:
    """Stream into a plain tiled TIFF beside the target, then copy it into the COG layout."""
    plain = path.with_name(path.stem + PLAIN)
    try:
        _write_plain(plain, grid, bands=bands, encoding=encoding, chunks=chunks)
        with _told(path):
            if simulated:
                _say_simulated(plain)
            _add_overviews(plain, tuple(grid.shape), overviews)
            _copy_to_cog(plain, path, encoding)
        with _told(path):
            _force_to_disk(path)
    finally:
        plain.unlink(missing_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what GDAL and the system say about failed writes into one clear error."""
    try:
        yield
    except (RasterioError, CPLE_BaseError, OSError) as error:
        deepest: BaseException = error
        while deepest.__cause__ is not None:
            deepest = deepest.__cause__
        name = path.name.replace(PLAIN, TIF)
        full = shutil.disk_usage(path.parent).free < FULL_BYTES
        raise CannotWrite(
            f"cannot write {name} of the run ({'the disk is full' if full else deepest}); "
            "check free space and write permission"
        ) from error


def _write_plain(
    path: Path,
    grid: GeoBox,
    *,
    bands: tuple[str, ...],
    encoding: Encoding,
    chunks: Iterable[tuple[Window, NDArray[Any]]],
) -> None:
    rows, cols = grid.shape
    with _told(path), warnings.catch_warnings():
        # Pixels of one metre without a georeference are a normal grid here.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        target = rasterio.open(
            path, "w", driver="GTiff", height=rows, width=cols, count=len(bands), dtype=encoding.dtype,
            nodata=encoding.nodata, crs=None if grid.crs is None else str(grid.crs), transform=grid.affine,
            tiled=True, blockxsize=BLOCK_PX, blockysize=BLOCK_PX, sparse_ok=True, bigtiff="IF_SAFER",
            interleave="pixel",
        )  # fmt: skip
    try:
        # Before any pixel: afterwards GDAL cannot say what the bands show.
        for index, band in enumerate(bands, start=1):
            target.set_band_description(index, band)
        if _COLOURS.keys() <= set(bands):
            target.colorinterp = [_COLOURS.get(band, ColorInterp.undefined) for band in bands]
        if encoding.scale != 1.0:
            target.scales = (encoding.scale,) * len(bands)
        for window, values in chunks:  # what fails in reading a chunk is no fault of the output
            height, width = window.shape
            with _told(path):
                target.write(values, window=BlockWindow(window.col0, window.row0, width, height))
    finally:
        with _told(path):
            target.close()


def _say_simulated(plain: Path) -> None:
    """The tag that images of the demo archive carry, for whoever meets the file alone."""
    with rasterio.open(plain, "r+") as target:
        target.update_tags(**SIMULATED_TAGS)


def _add_overviews(plain: Path, shape: tuple[int, ...], resampling: Resampling) -> None:
    """Overviews down to one block; made here, because the COG driver's own take many times the space."""
    factors = list(itertools.takewhile(lambda f: max(shape) * 2 > BLOCK_PX * f, (2**n for n in range(1, 20))))
    if factors:
        with rasterio.open(plain, "r+") as target:
            target.build_overviews(factors, resampling)


def _copy_to_cog(plain: Path, path: Path, encoding: Encoding) -> None:
    copy_raster(
        plain, path, driver="COG", BLOCKSIZE=BLOCK_PX, COMPRESS="DEFLATE", LEVEL=1,
        PREDICTOR="FLOATING_POINT" if encoding.predictor == 3 else "STANDARD",
        OVERVIEWS="AUTO", BIGTIFF="IF_SAFER", NUM_THREADS="2",
    )  # fmt: skip


def _force_to_disk(path: Path) -> None:
    """Late write errors (a full disk) surface here, not after the run is announced."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    with rasterio.open(path) as written:
        rows, cols = written.shape
        written.read(1, window=BlockWindow(cols - 1, rows - 1, 1, 1))
