"""The evidentiary copy: what was looked at, in its own grid and unscaled numbers, with where it came from."""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import rasterio
from odc.geo.geobox import GeoBox
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.windows import Window as RioWindow

from imagery.access import Access, access_of
from imagery.address import is_remote, public_href
from imagery.drivers import etag_of, fetch_pixels, open_raster, raster_env, read_mask, read_pixels
from imagery.errors import UnusablePair
from imagery.footprint import needed_window
from imagery.raster import Window
from imagery.scene import Asset, Scene

_CHUNK_PX = 1024
_ASSETS_AT_A_TIME = 6
_FULL_BYTES = 1 << 20
_HASH_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class SourceCopy:
    """One file of the evidentiary copy.

    Parameters
    ----------
    scene_id, asset : str
        What it was cut from: the scene (or sibling of it) and the name of its asset.
    href : str
        The original, without signatures.
    etag : str or None
        Of the original, where a server states it.
    path : Path
        The copy: a tiled, lossless GeoTIFF of the window in the original's grid and numbers.
    window : Window
        Pixels of the original that were copied.
    length : int
        Bytes of the copy.
    sha256 : str
        Of the copy.
    """

    scene_id: str
    asset: str
    href: str
    etag: str | None
    path: Path
    window: Window
    length: int
    sha256: str


def copy_source(scene: Scene, grid: GeoBox, folder: Path) -> tuple[SourceCopy, ...]:
    """Copy what `grid` needs of every asset of `scene` and its siblings.

    A copy that is already there, whole and of the same original, is kept, so an interrupted copy goes on where it
    stopped. Assets that do not reach the grid are left out.

    Raises
    ------
    UnusablePair
        No image of the scene reaches the grid, whatever its quality band does.
    UnreadableRaster, SourceUnreachable
        See `imagery.drivers.open_raster`.
    OSError
        `folder` cannot be written, or is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(part, name, asset) for part in (scene, *scene.siblings) for name, asset in part.assets.items()]
    found: Sequence[SourceCopy | None]
    if any(is_remote(asset.href) for _, _, asset in wanted):
        # Files of a server are fetched side by side; how many connections that makes, their source says.
        with ThreadPoolExecutor(min(len(wanted), _ASSETS_AT_A_TIME)) as pool:
            found = list(pool.map(lambda one: _copy_asset(*one, grid=grid, folder=folder), wanted))
    else:
        found = [_copy_asset(*one, grid=grid, folder=folder) for one in wanted]
    copied = [(asset, copy) for (_, _, asset), copy in zip(wanted, found, strict=True) if copy is not None]
    if not any(asset.role == "data" for asset, _ in copied):
        raise UnusablePair(
            f"{scene.id}: none of its images reaches the site; check the site's outline and where the images lie"
        )
    return tuple(copy for _, copy in copied)


def local_scene(scene: Scene, copies: tuple[SourceCopy, ...]) -> Scene:
    """The same scene with its assets read from `copies`; tiles of it that were not copied are left out."""
    parts = [
        part for s in (scene, *scene.siblings) if (part := _with_copies(replace(s, siblings=()), copies))
    ]
    if not parts:
        raise UnusablePair(f"{scene.id}: no copy of it was made")
    return replace(parts[0], siblings=tuple(parts[1:]))


def _with_copies(scene: Scene, copies: tuple[SourceCopy, ...]) -> Scene | None:
    own = {copy.asset: copy for copy in copies if copy.scene_id == scene.id}
    assets = {
        name: replace(asset, href=str(own[name].path), sha256=own[name].sha256, etag=own[name].etag)
        for name, asset in scene.assets.items()
        if name in own
    }
    if not any(asset.role == "data" for asset in assets.values()):
        return None
    return replace(scene, assets=assets)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_HASH_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _copy_asset(scene: Scene, name: str, asset: Asset, *, grid: GeoBox, folder: Path) -> SourceCopy | None:
    access = access_of(scene)
    stem = re.sub(r"[^A-Za-z0-9_.-]", "_", f"{scene.id}_{name}")
    path, record = folder / f"{stem}.tif", folder / f"{stem}.copy.json"
    with open_raster(asset.href, access) as dataset:
        window = needed_window(dataset, grid, whole_blocks=True)
        if window is None:
            return None
        copy = SourceCopy(
            scene_id=scene.id,
            asset=name,
            href=public_href(asset.href),
            etag=etag_of(asset.href, access) if is_remote(asset.href) else asset.etag,
            path=path,
            window=window,
            length=0,
            sha256="",
        )
        done = _finished(copy, record)
        if done is not None:
            return done
        partial = path.with_suffix(".part")
        try:
            fetch_pixels(asset.href, tuple(dataset.indexes), window, access)
            _write(dataset, asset.href, window, partial, access)
        except (RasterioError, CPLE_BaseError) as error:  # what fails in reading is an ImageryError
            full = shutil.disk_usage(folder).free < _FULL_BYTES
            number = errno.ENOSPC if full else errno.EIO
            what = f"{os.strerror(number)} while {public_href(asset.href)} was copied"
            partial.unlink(missing_ok=True)
            raise OSError(number, what, str(folder)) from error
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    copy = replace(copy, length=partial.stat().st_size, sha256=sha256_of(partial))
    partial.replace(path)
    _write_record(copy, record)
    return copy


def _write_record(copy: SourceCopy, record: Path) -> None:
    partial = record.with_suffix(".part")
    partial.write_text(json.dumps({**asdict(copy), "path": copy.path.name}, indent=1), encoding="utf-8")
    partial.replace(record)


def _finished(wanted: SourceCopy, record: Path) -> SourceCopy | None:
    """The earlier copy, if it is of the same original and window and not a byte has changed."""
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
        found = replace(wanted, length=int(known["length"]), sha256=str(known["sha256"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    same = {**asdict(found), "path": found.path.name} == known
    whole = same and found.path.is_file() and found.path.stat().st_size == found.length
    return found if whole and sha256_of(found.path) == found.sha256 else None


def _write(dataset: Any, href: str, window: Window, path: Path, access: Access) -> None:
    rows, cols = window.shape
    masked = any(MaskFlags.per_dataset in flags for flags in dataset.mask_flag_enums)
    alpha = ColorInterp.alpha in dataset.colorinterp
    rio_window = RioWindow(window.col0, window.row0, cols, rows)
    profile = {
        "driver": "GTiff", "width": cols, "height": rows, "count": dataset.count, "dtype": dataset.dtypes[0],
        "crs": dataset.crs, "transform": dataset.window_transform(rio_window), "nodata": dataset.nodata,
        "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "zlevel": 1,
        "BIGTIFF": "IF_SAFER",
        "predictor": 3 if dataset.dtypes[0].startswith("float") else 2,
    }  # fmt: skip
    with raster_env(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **profile) as out:
        out.colorinterp = dataset.colorinterp
        out.scales, out.offsets = dataset.scales, dataset.offsets
        # Whether a pixel is an area or a point is in the georeference already.
        out.update_tags(**{name: value for name, value in dataset.tags().items() if name != "AREA_OR_POINT"})
        for i, description in enumerate(dataset.descriptions, start=1):
            if description:
                out.set_band_description(i, description)
        if dataset.colorinterp[0] is ColorInterp.palette:
            out.write_colormap(1, dataset.colormap(1))
        for chunk in _chunks(window):
            at = RioWindow(chunk.col0 - window.col0, chunk.row0 - window.row0, chunk.shape[1], chunk.shape[0])
            out.write(read_pixels(href, tuple(dataset.indexes), chunk, access), window=at)
            if masked and not alpha:
                out.write_mask(read_mask(href, chunk, access), window=at)


def _chunks(window: Window) -> list[Window]:
    return [
        Window(row0=r, col0=c, row1=min(r + _CHUNK_PX, window.row1), col1=min(c + _CHUNK_PX, window.col1))
        for r in range(window.row0, window.row1, _CHUNK_PX)
        for c in range(window.col0, window.col1, _CHUNK_PX)
    ]
