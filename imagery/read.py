"""The pixels of a scene on a site's grid: its files, its other tiles and its quality band as one `Reader`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from imagery.access import access_of
from imagery.address import public_href
from imagery.copies import SourceCopy, copy_source, local_scene
from imagery.drivers import open_raster
from imagery.errors import MissingMetadata, UnreadableRaster
from imagery.footprint import BlockFigures, block_figures, needed_window
from imagery.mask import MIN_CLOUD_M2
from imagery.open import FileImage, ImageInfo, describe
from imagery.quality import QualityMap, quality_map
from imagery.raster import BoolArray, Displacement, FloatArray, Quantity, Raster, Window, gsd_m
from imagery.resample import GridReader, NativePixels
from imagery.scaling import OffsetDecision, decide_offset, is_sentinel2
from imagery.scene import Asset, Scene
from imagery.warp import window_grid

__all__ = [
    "BlockFigures",
    "SceneReader",
    "SourceCopy",
    "block_figures",
    "check_files",
    "copy_source",
    "local_scene",
    "native_gsd_m",
    "scene_reader",
]

_ORDER = ("red", "green", "blue", "nir", "pan", "vv", "vh", "hh", "hv")
_SENTINEL2_SCALE = 1e-4
_SENTINEL2_OFFSET = -0.1
_GSD_TOLERANCE = 0.05
_SAMPLE_BLOCK_PX = 256
_SAMPLE_BLOCKS = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stack:
    """Files that share one native grid (a `NativePixels`)."""

    images: tuple[FileImage, ...]

    @property
    def grid(self) -> GeoBox:
        return self.images[0].grid

    @property
    def bands(self) -> tuple[str, ...]:
        return tuple(band for image in self.images for band in image.bands)

    @property
    def quantity(self) -> Quantity:
        return self.images[0].quantity

    def pixels(self, window: Window) -> tuple[FloatArray, BoolArray]:
        data, valid = zip(*(image.pixels(window) for image in self.images), strict=True)
        return np.concatenate(data), np.logical_and.reduce(valid)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """One tile of a pass."""

    readers: tuple[GridReader, ...]
    order: tuple[int, ...]
    quality: QualityMap | None

    def read(self, window: Window, displacement: Displacement | None) -> tuple[FloatArray, BoolArray]:
        rasters = [reader.read(window, displacement) for reader in self.readers]
        bands = [band for raster in rasters for band in raster.data]
        valid = np.logical_and.reduce([raster.valid for raster in rasters])
        if self.quality is not None and valid.any():
            valid &= self.quality.usable(self.readers[0].grid, window, displacement)
        return np.stack([bands[i] for i in self.order]), valid


@dataclass(frozen=True, kw_only=True, eq=False)
class SceneReader:
    """One acquisition on one grid (a `Reader`); tiles of the same pass fill each other's gaps.

    Parameters
    ----------
    scene_id : str
    grid : GeoBox
    bands : tuple of str
    quantity : Quantity
        Radar is linear power, also where the files hold decibels.
    native_gsd_m : float
        Of the finest file, as the file itself says.
    offsets : tuple of OffsetDecision
        One per tile of Sentinel-2 reflectance: whether 1000 is taken off, and why.
    notes : tuple of str
        What differs from the metadata, and those decisions in words.
    """

    scene_id: str
    grid: GeoBox
    bands: tuple[str, ...]
    quantity: Quantity
    native_gsd_m: float
    parts: tuple[_Part, ...]
    offsets: tuple[OffsetDecision, ...] = ()
    notes: tuple[str, ...] = ()

    def read(self, window: Window, displacement: Displacement | None = None) -> Raster:
        """See `Reader.read`."""
        data = np.zeros((len(self.bands), *window.shape), np.float32)
        valid = np.zeros(window.shape, np.bool_)
        for part in self.parts:
            if valid.all():
                break
            more, usable = part.read(window, displacement)
            np.copyto(data, more, where=usable & ~valid)
            valid |= usable
        return Raster(
            data=data,
            valid=valid,
            bands=self.bands,
            quantity=self.quantity,
            grid=window_grid(self.grid, window),
        )


def scene_reader(
    scene: Scene,
    grid: GeoBox,
    *,
    bands: Sequence[str] | None = None,
    min_cloud_m2: float = MIN_CLOUD_M2,
) -> SceneReader:
    """Open a scene's files for reading on `grid`.

    Parameters
    ----------
    bands : sequence of str or None
        Wanted bands in order; None for all data bands that every tile of the pass has.
    min_cloud_m2 : float
        Smaller connected cloud of the quality band is not believed (see `imagery.mask`); 0 believes everything.

    Raises
    ------
    MissingMetadata
        A wanted band, a georeference or the scale of reflectance is missing.
    UnreadableRaster, SourceUnreachable
        A file cannot be opened.
    """
    tiles = (scene, *scene.siblings)
    described = [_data_files(tile) for tile in tiles]
    names = _wanted(scene, bands, described)
    opened = [
        _open_part(tile, files, names, grid, min_cloud_m2)
        for tile, files in zip(tiles, described, strict=True)
    ]
    decided = [(tile.id, d) for tile, (_, d) in zip(tiles, opened, strict=True) if d is not None]
    finest_m = min(gsd_m(info.grid) for files in described for info, _ in files)
    notes = [f"{tile}: {decision.text}" for tile, decision in decided]
    if abs(finest_m / scene.gsd_m - 1) > _GSD_TOLERANCE:
        notes.insert(
            0, f"{scene.id}: pixels are {finest_m:.3g} m although the metadata says {scene.gsd_m:.3g} m"
        )
    return SceneReader(
        scene_id=scene.id,
        grid=grid,
        bands=names,
        quantity=scene.quantity,
        native_gsd_m=finest_m,
        parts=tuple(part for part, _ in opened),
        offsets=tuple(decision for _, decision in decided),
        notes=tuple(notes),
    )


def native_gsd_m(scene: Scene) -> float:
    """Ground sample distance of a scene's finest data file, from the file (metadata may be wrong)."""
    return min(gsd_m(info.grid) for info, _ in _data_files(scene))


_File = tuple[ImageInfo, Asset]


def _data_files(scene: Scene) -> list[_File]:
    access = access_of(scene)
    files = [(describe(asset.href, access), asset) for asset in scene.assets.values() if asset.role == "data"]
    if not files:
        raise MissingMetadata(f"{scene.id}: has no file with pixels to compare")
    for info, asset in files:
        if not info.georeferenced:
            raise MissingMetadata(
                f"{public_href(info.href)}: has no usable georeference, which a scene of a site needs; "
                "georeference it, or compare two images with `sitewatch diff`"
            )
        if len(asset.bands) != len(info.bands):
            raise UnreadableRaster(f"{public_href(info.href)}: {_other_bands(info, asset)}")
    return files


def _other_bands(info: ImageInfo, asset: Asset) -> str:
    named = f"{len(asset.bands)} ({', '.join(asset.bands)})"
    if info.palette is not None:
        return (
            f"has a palette, so that it holds colours (red, green, blue), although its metadata names {named}; "
            "store the numbers themselves, or name the three colours as its bands"
        )
    return f"has {len(info.bands)} bands although its metadata names {named}; correct the metadata"


def check_files(scene: Scene) -> None:
    """Refuse what the headers of a scene's data files, and of its siblings', say against them.

    Copies would do as well, but a person knows the files by the names that the source gave them.

    Raises
    ------
    MissingMetadata, UnreadableRaster
        A file has no georeference, or other bands than the metadata names.
    """
    for part in (scene, *scene.siblings):
        _data_files(part)


def _wanted(
    scene: Scene, bands: Sequence[str] | None, described: Sequence[Sequence[_File]]
) -> tuple[str, ...]:
    own = [list(dict.fromkeys(b for _, asset in files for b in asset.bands)) for files in described]
    common = [band for band in own[0] if all(band in names for names in own)]
    if bands is None:
        if not common:
            raise MissingMetadata(f"{scene.id}: its tiles have no band in common")
        return tuple(sorted(common, key=lambda b: _ORDER.index(b) if b in _ORDER else len(_ORDER)))
    missing = [band for band in bands if band not in common]
    if missing:
        raise MissingMetadata(
            f"{scene.id}: band {', '.join(missing)} is missing (it has {', '.join(common)}); "
            "choose other bands or another scene"
        )
    return tuple(bands)


def _open_part(
    scene: Scene, files: Sequence[_File], bands: tuple[str, ...], grid: GeoBox, min_cloud_m2: float
) -> tuple[_Part, OffsetDecision | None]:
    chosen = _files_by_band(files, bands)
    decision = _decide(scene, chosen, grid) if is_sentinel2(scene) else None
    images = [_image(scene, info, asset, names, decision) for info, asset, names in chosen]
    groups: dict[Any, list[FileImage]] = {}
    for image in images:
        groups.setdefault(
            (str(image.grid.crs), tuple(image.grid.affine), tuple(image.grid.shape)), []
        ).append(image)
    sources: list[NativePixels] = [_Stack(images=tuple(group)) for group in groups.values()]
    delivered = [band for source in sources for band in source.bands]
    part = _Part(
        readers=tuple(GridReader(source=source, grid=grid) for source in sources),
        order=tuple(delivered.index(band) for band in bands),
        quality=quality_map(scene, grid, min_cloud_m2=min_cloud_m2),
    )
    return part, decision


def _files_by_band(
    files: Sequence[_File], bands: tuple[str, ...]
) -> list[tuple[ImageInfo, Asset, tuple[str, ...]]]:
    """Each file with the wanted bands it delivers; a band that two files have comes from the first."""
    left = list(bands)
    chosen = []
    for info, asset in files:
        names = tuple(band for band in asset.bands if band in left)
        if names:
            chosen.append((info, asset, names))
            left = [band for band in left if band not in names]
    return chosen


def _image(
    scene: Scene, info: ImageInfo, asset: Asset, names: tuple[str, ...], decision: OffsetDecision | None
) -> FileImage:
    scale, offset = _scale(scene, info, asset, decision)
    nodata = info.nodata if info.nodata is not None else asset.nodata
    says_itself = nodata is not None or info.alpha is not None or info.masked
    return FileImage(
        info=info,
        grid=info.grid,
        bands=names,
        mix=tuple(tuple(float(b == name) for b in asset.bands) for name in names),
        quantity=scene.quantity,
        scale=scale,
        offset=offset,
        in_db=scene.in_db,
        nodata=nodata,
        zero_is_fill=not says_itself and info.dtype != "uint8" and not scene.in_db,
    )


def _scale(
    scene: Scene, info: ImageInfo, asset: Asset, decision: OffsetDecision | None
) -> tuple[float, float]:
    stated = asset.scale if asset.scale is not None else info.scales[0]
    whole_numbers = not info.dtype.startswith("float")
    if decision is not None and whole_numbers:
        scale = stated if stated != 1.0 else _SENTINEL2_SCALE
        return scale, _SENTINEL2_OFFSET if decision.added else 0.0
    if scene.quantity == "reflectance" and whole_numbers and stated == 1.0:
        raise MissingMetadata(
            f"{public_href(info.href)}: holds whole numbers, and neither file nor metadata says how they become "
            "reflectance; state the scale, or the quantity dn"
        )
    return stated, asset.offset if asset.offset is not None else info.offsets[0]


def _decide(
    scene: Scene, chosen: Sequence[tuple[ImageInfo, Asset, tuple[str, ...]]], grid: GeoBox
) -> OffsetDecision | None:
    numbers: dict[str, NDArray[Any]] = {}
    stated: list[float] = []
    for info, asset, names in chosen:
        if info.dtype.startswith("float"):
            return None
        if asset.offset is not None:
            stated.append(asset.offset)
        image = FileImage(
            info=info, grid=info.grid, bands=names, quantity="dn",
            mix=tuple(tuple(float(b == name) for b in asset.bands) for name in names),
            nodata=info.nodata if info.nodata is not None else asset.nodata, zero_is_fill=True,
        )  # fmt: skip
        sample = _sample(image, grid)
        numbers |= {name: sample[i] for i, name in enumerate(names)}
    return decide_offset(
        numbers,
        baseline=scene.processing_baseline,
        offset_applied=scene.offset_applied,
        stated_offset=min(stated) if stated else None,
    )


def _sample(image: FileImage, grid: GeoBox) -> FloatArray:
    """Numbers of valid pixels, (band, pixel): everything the grid needs, or a lattice of blocks of it."""
    with open_raster(image.info.href, image.info.access) as dataset:
        window = needed_window(dataset, grid, margin_px=0)
    if window is None:
        return np.zeros((len(image.bands), 0), np.float32)
    size = _SAMPLE_BLOCK_PX
    starts = [
        np.unique(np.linspace(low, max(low, high - size), _SAMPLE_BLOCKS).astype(int))
        for low, high in ((window.row0, window.row1), (window.col0, window.col1))
    ]
    taken = []
    for row in starts[0]:
        for col in starts[1]:
            block = Window(
                row0=int(row), col0=int(col),
                row1=min(int(row) + size, window.row1), col1=min(int(col) + size, window.col1),
            )  # fmt: skip
            data, valid = image.pixels(block)
            taken.append(data[:, valid])
    return np.concatenate(taken, axis=1)
