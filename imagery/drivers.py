"""The only place where a raster file is opened: which formats, from where, and what is said when it fails.

A raster format that refers to other files (VRT, WMS, NetCDF subdatasets, ...) would let one downloaded file make
the program read anything on this machine or network, so only self-contained formats are opened and files beside
an image (``.aux.xml``, ``.ovr``, ``.msk``, world files) are never looked at.
"""

import logging
import os
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window as RioWindow

from imagery.access import Access, default_access
from imagery.address import is_remote, local_path, public_href
from imagery.errors import UnreadableRaster
from imagery.raster import Window

DRIVERS = ("GTiff", "JP2OpenJPEG", "PNG", "JPEG")
"""Formats that are opened. A COG is a GeoTIFF: GDAL's COG driver only writes."""

_ENV = {
    # An empty listing also keeps GDAL from picking up sidecars, which may point anywhere.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GTIFF_REPORT_COMPD_CS": "NO",
    # Half a JPEG decodes to grey instead of failing unless warnings count.
    "GDAL_ERROR_ON_LIBJPEG_WARNING": "YES",
    "GDAL_NUM_THREADS": "1",
    # One read gets the header of a COG.
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
}

# In megabytes, for the whole process and before GDAL first asks. Never in a rasterio.Env: a number there counts bytes,
# and setting it throws out blocks that another thread is writing, which are then lost.
os.environ.setdefault("GDAL_CACHEMAX", "128")

_OPEN_DATASETS = 32
_MAGIC_BYTES = 4096
_DAMAGED = "the image is damaged or cut short; fetch or export it again"
_MAGIC = {
    "GTiff": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "JP2OpenJPEG": (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
}
_local = threading.local()


def raster_env() -> Any:
    """Context in which rasters are opened and read."""
    # rasterio logs every GDAL error that is raised to the caller anyway.
    logging.getLogger("rasterio._err").setLevel(logging.CRITICAL)
    logging.getLogger("rasterio._env").setLevel(logging.CRITICAL)
    return rasterio.Env(**_ENV)


def open_raster(href: str | Path, access: Access | None = None) -> Any:
    """Open an image.

    Parameters
    ----------
    href : str or Path
        Local path, ``file://``, ``http(s)://`` or ``s3://`` URL.
    access : Access or None
        Rules of the source that names a remote image; None for an address that a person gave.

    Returns
    -------
    rasterio.DatasetReader
        Read it inside `raster_env`, or through `read_pixels`.

    Raises
    ------
    UnreadableRaster
        Missing, empty, truncated, not an image, or of a format that is not opened.
    RefusedAddress
        The source may not read from there.
    SourceUnreachable
        The server does not answer, or refuses.
    """
    name = str(href)
    if is_remote(name):
        return _open_remote(name, access)
    address = _address(name)
    with raster_env():
        dataset = _open_as_one_of(name, address, _candidates(_head(local_path(name))))
        _refuse_references(name, dataset)
        _refuse_truncated(name, dataset)
    return dataset


def _remote_file(href: str, access: Access | None) -> Any:
    # HTTP takes as long to load as a small comparison of two local files.
    from imagery.remote import remote_file  # noqa: PLC0415

    return remote_file(href, access or default_access(href))


def _open_remote(href: str, access: Access | None) -> Any:
    from imagery.remote_dataset import RemoteDataset  # noqa: PLC0415 - see _remote_file

    file, name = _remote_file(href, access), public_href(href)
    drivers = _candidates(file.head())
    if not drivers:
        raise UnreadableRaster(
            f"{name}: the server sent something that is not an image in a supported format "
            f"({', '.join(DRIVERS)})"
        )
    with raster_env(), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            dataset = RemoteDataset(file, drivers[0])
        except (RasterioError, ValueError) as error:
            raise UnreadableRaster(f"{name}: {_DAMAGED}") from error
        _refuse_references(name, dataset)
        cut = dataset.driver == "GTiff" and _last_byte(dataset) > file.version.length
        dataset.raise_trouble()
        if cut:
            dataset.close()
            raise UnreadableRaster(f"{name}: {_DAMAGED}")
    return dataset


def _candidates(head: bytes) -> tuple[str, ...]:
    """Drivers that a file's first bytes call for."""
    return tuple(driver for driver, magics in _MAGIC.items() if head.startswith(magics))


def _open_as_one_of(name: str, address: str, drivers: tuple[str, ...]) -> Any:
    error: Exception | None = None
    for driver in drivers:
        try:
            with warnings.catch_warnings():
                # A photograph without georeference is a normal input here.
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                return rasterio.open(address, driver=driver)
        except (RasterioError, OSError, ValueError) as reason:
            error = reason
            if "not recognized" not in _chain(reason):
                break
    raise UnreadableRaster(f"{name}: {_what_is_it(local_path(name))}") from error


def _address(name: str) -> str:
    scheme = urlsplit(name).scheme.lower()
    if "://" in name and scheme != "file":
        raise UnreadableRaster(
            f"{name}: images are read from files, http(s) and S3 addresses only, not from {scheme}://"
        )
    path = local_path(name)
    if name.startswith("/vsi"):
        raise UnreadableRaster(f"{name}: GDAL virtual file systems are not read; give a file or an URL")
    try:
        path.stat()
    except FileNotFoundError as error:
        raise UnreadableRaster(f"{name}: there is no such file; check the path") from error
    except OSError as error:
        raise UnreadableRaster(f"{name}: cannot be read ({error.strerror}); check the path") from error
    if not path.is_file():
        raise UnreadableRaster(f"{name}: this is not a file; give one image")
    if path.stat().st_size == 0:
        raise UnreadableRaster(f"{name}: the file is empty; fetch or export it again")
    return str(path.absolute())


def _chain(error: BaseException | None) -> str:
    texts = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return " | ".join(texts)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAGIC_BYTES)
    except OSError as error:
        raise UnreadableRaster(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def _what_is_it(path: Path) -> str:
    head = _head(path)
    if head.startswith(tuple(magic for magics in _MAGIC.values() for magic in magics)):
        return _DAMAGED
    formats = "give a GeoTIFF, COG, JPEG 2000, PNG or JPEG"
    if b"<VRTDataset" in head:
        return "a VRT only points to other files and is not opened; give the images themselves"
    if b"\0" not in head:
        return f"the file holds text, not an image, whatever its name says; {formats}"
    return f"not an image in a supported format; {formats}"


def _refuse_references(name: str, dataset: Any) -> None:
    if dataset.tags(ns="OVERVIEWS"):
        dataset.close()
        raise UnreadableRaster(
            f"{name}: names another file as its overviews, which is not followed; export it without"
        )
    if dataset.count == 0:
        dataset.close()
        raise UnreadableRaster(
            f"{name}: holds no bands of its own, only subdatasets; export the one to use as a GeoTIFF"
        )


def _refuse_truncated(name: str, dataset: Any) -> None:
    """A file's head may be whole while its pixels are cut off; notice before minutes of work."""
    path = local_path(name)
    whole = True
    if dataset.driver == "PNG":
        # GDAL reads what is missing at the end of a PNG as zeros.
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _MAGIC_BYTES))
            whole = b"IEND" in file.read()
    elif dataset.driver == "GTiff":
        whole = _last_byte(dataset) <= path.stat().st_size
    if not whole:
        dataset.close()
        raise UnreadableRaster(f"{name}: {_DAMAGED}")


def _last_byte(dataset: Any) -> int:
    """Position after a GeoTIFF's corner blocks: its file has to reach there."""
    return max(_block_end(dataset, *last) for last in _last_blocks(dataset))


def _last_blocks(dataset: Any) -> list[tuple[int, int, int]]:
    height, width = dataset.block_shapes[0]
    last_row, last_col = (dataset.height - 1) // height, (dataset.width - 1) // width
    return [(band, row, col) for band in {1, dataset.count} for row in {0, last_row} for col in {0, last_col}]


def block_size(dataset: Any, band: int, row: int, col: int) -> int:
    """Compressed bytes of one block of a GeoTIFF; 0 where it is not stored (sparse) or not known."""
    return int(dataset.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=band) or 0)


def _block_end(dataset: Any, band: int, row: int, col: int) -> int:
    """Byte position where a GeoTIFF's block ends in its file."""
    offset = dataset.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=band)
    return int(offset or 0) + block_size(dataset, band, row, col)


def shared_dataset(href: str, access: Access | None = None) -> Any:
    """An open dataset of `href` for this thread (GDAL datasets must not be shared between threads).

    The last few stay open, so that reading tile by tile does not parse headers again; a file that has changed
    since is opened anew.
    """
    datasets: OrderedDict[tuple[Any, ...], Any] = _local.__dict__.setdefault("datasets", OrderedDict())
    key = file_key(href, access)
    if key not in datasets:
        datasets[key] = open_raster(href, access)
        while len(datasets) > _OPEN_DATASETS:
            datasets.popitem(last=False)[1].close()
    datasets.move_to_end(key)
    return datasets[key]


def file_key(href: str, access: Access | None = None) -> tuple[Any, ...]:
    """What identifies the bytes behind `href` within this process."""
    if is_remote(href):
        return (href, _remote_file(href, access).version)
    try:
        stat = local_path(href).stat()
    except OSError:
        return (href,)
    return (href, stat.st_mtime_ns, stat.st_size, stat.st_ino)


def etag_of(href: str, access: Access | None = None) -> str | None:
    """The ETag of a remote file, where its server states one."""
    etag: str | None = _remote_file(href, access).version.etag
    return etag


def read_pixels(
    href: str, indexes: tuple[int, ...], window: Window, access: Access | None = None
) -> NDArray[Any]:
    """Unscaled numbers of a window that lies inside the file.

    Parameters
    ----------
    indexes : tuple of int
        Bands, from 1.
    access : Access or None
        See `open_raster`.

    Returns
    -------
    array (band, row, col)
        In the file's own type.
    """
    dataset = shared_dataset(href, access)
    return _read(href, dataset, lambda at: dataset.read(list(indexes), window=at), indexes, window)


def read_mask(href: str, window: Window, access: Access | None = None) -> NDArray[np.uint8]:
    """The file's own mask band (0 = no data) over a window that lies inside the file."""
    dataset = shared_dataset(href, access)
    return _read(href, dataset, lambda at: dataset.read_masks(1, window=at), (), window)


def fetch_pixels(href: str, indexes: tuple[int, ...], window: Window, access: Access | None = None) -> None:
    """Have the blocks of a window of a remote file on this machine, fetched several at a time."""
    dataset = shared_dataset(href, access)
    if is_remote(href) and dataset.driver == "GTiff":
        with raster_env():
            dataset.file.fetch(list(_block_ranges(dataset, indexes, window)))


def _read(
    href: str, dataset: Any, read: Callable[[RioWindow], Any], indexes: tuple[int, ...], window: Window
) -> NDArray[Any]:
    rows, cols = window.shape
    remote = is_remote(href)
    with raster_env():
        try:
            if remote and dataset.driver == "GTiff":
                dataset.file.fetch(list(_block_ranges(dataset, indexes, window)))
            pixels = read(RioWindow(window.col0, window.row0, cols, rows))
        except (RasterioError, OSError) as error:
            if remote:
                dataset.raise_trouble()
            if remote and not isinstance(error, RasterioError):
                raise  # what was fetched cannot be kept
            raise UnreadableRaster(f"{public_href(href)}: {_DAMAGED}") from error
    return np.asarray(pixels)


def _block_ranges(dataset: Any, indexes: tuple[int, ...], window: Window) -> Iterator[tuple[int, int]]:
    """Positions of a GeoTIFF's blocks that hold a window."""
    together = dataset.interleaving is not None and dataset.interleaving.value == "PIXEL"
    for band in indexes[:1] if together else indexes:
        height, width = dataset.block_shapes[band - 1]
        for row in range(window.row0 // height, -(-window.row1 // height)):
            for col in range(window.col0 // width, -(-window.col1 // width)):
                end, size = _block_end(dataset, band, row, col), block_size(dataset, band, row, col)
                if size:
                    yield end - size, end


def name_of(dataset: Any) -> str:
    """Where an open dataset comes from, for messages."""
    file = getattr(dataset, "file", None)
    return str(dataset.name) if file is None else public_href(file.href)


def crs_name(dataset: Any) -> str:
    """The dataset's CRS as an EPSG code where it is one, else as WKT."""
    code = dataset.crs.to_epsg(confidence_threshold=100)
    return f"EPSG:{code}" if code is not None else str(dataset.crs.to_wkt())
