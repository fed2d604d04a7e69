"""Two images given by a person, as readers on one grid: what `sitewatch diff` starts from."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import Polygon, box

from imagery.bands import POLARISATIONS, Mix, match
from imagery.errors import MissingMetadata, UnreadableRaster, UnusablePair
from imagery.open import GSD_RANGE_M, MIN_SIDE_PX, FileImage, ImageInfo, describe
from imagery.raster import Quantity, Reader, Sensor, Window, pixel_size_m
from imagery.raster import gsd_m as grid_gsd_m
from imagery.resample import GridReader, project_px, source_px_per_grid_px, whole_pixel_shift
from imagery.same_geometry import check_geometry

Declared = Literal["reflectance", "dn", "linear", "db"]

MAX_GSD_RATIO = 3.0
"""Beyond this the coarser image cannot show what the finer one does."""

_GSD_TOLERANCE = 0.05
_ORIGINAL_SAMPLE_PX = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class FilePair:
    """Two images on the first one's pixel grid.

    Parameters
    ----------
    before, after : Reader
        Lazy: pixels are read window by window.
    sensor : {"optical", "sar"}
    quantity : Quantity
        Of the values that the readers deliver; radar is linear power.
    gsd_m : float
        Of the grid.
    georeferenced : bool
        Whether both files say where they lie.
    notes : tuple of str
        What a person should know about how the files were read.
    before_time, after_time : datetime or None
        Aware UTC, where the files carry a date.
    simulated : bool
        Whether either file says that it was drawn and not taken.
    """

    before: Reader
    after: Reader
    sensor: Sensor
    quantity: Quantity
    gsd_m: float
    georeferenced: bool
    notes: tuple[str, ...] = ()
    before_time: datetime | None = None
    after_time: datetime | None = None
    simulated: bool = False


def open_pair(
    before: str | Path,
    after: str | Path,
    *,
    gsd_m: float | None = None,
    sensor: Sensor | None = None,
    quantity: Declared | None = None,
) -> FilePair:
    """Open two images for comparison on the first one's pixel grid.

    Parameters
    ----------
    before, after : str or Path
        GeoTIFF, COG, JPEG 2000, PNG or JPEG.
    gsd_m : float or None
        Ground sample distance in metres; needed where neither file has a georeference.
    sensor : {"optical", "sar"} or None
        None means optical, unless the files look like radar.
    quantity : {"reflectance", "dn", "linear", "db"} or None
        What the files' numbers measure. Optical defaults to "dn"; radar has to say.

    Raises
    ------
    UnreadableRaster, SourceUnreachable
        A file is not an image that can be used.
    MissingMetadata
        Ground sample distance or radar quantity is needed.
    UnusablePair
        The images do not overlap, differ too much in resolution, cannot be placed on each other, or are radar of
        different geometry.
    """
    infos = (describe(before), describe(after))
    declared, notes = _quantity(infos, sensor or "optical", quantity, sensor is not None)
    grids, georeferenced, placed = _place(infos, gsd_m)
    bands = match(infos[0].bands, infos[1].bands)
    images = tuple(
        _image(info, grid, bands.bands, mix, declared)
        for info, grid, mix in zip(infos, grids, (bands.before, bands.after), strict=True)
    )
    notes = [*(f"{Path(i.href).name}: {note}" for i in infos for note in i.notes), *notes, *placed]
    notes += [bands.note] if bands.note else []
    notes += check_geometry(*infos) if sensor == "sar" else ()
    notes += [
        f"{Path(i.info.href).name}: states no nodata value, zero in all bands is taken as none"
        for i in images
        if i.zero_is_fill
    ]
    notes += [
        f"{Path(i.info.href).name}: {i.fill.share:.0%} is black padding, taken as not imaged"
        for i in images
        if i.fill
    ]
    return FilePair(
        before=GridReader(source=images[0], grid=grids[0]),
        after=GridReader(source=images[1], grid=grids[0]),
        sensor=sensor or "optical",
        quantity=images[0].quantity,
        gsd_m=grid_gsd_m(grids[0]),
        georeferenced=georeferenced,
        notes=tuple(notes),
        before_time=infos[0].time,
        after_time=infos[1].time,
        simulated=any(info.simulated for info in infos),
    )


def _quantity(
    infos: tuple[ImageInfo, ...], sensor: Sensor, quantity: Declared | None, sensor_given: bool
) -> tuple[Declared, list[str]]:
    names = " and ".join(Path(info.href).name for info in infos)
    if sensor == "sar":
        if quantity is None:
            raise MissingMetadata(
                f"{names}: radar numbers may be decibels, linear power or amplitude; "
                "say which with --quantity db, linear or dn"
            )
        if quantity == "reflectance":
            raise MissingMetadata(f"{names}: reflectance is not a radar quantity; give db, linear or dn")
        note = "linear radar power is recorded as gamma0; the files do not say whether it is gamma0 or sigma0"
        return quantity, [] if quantity == "dn" else [note]
    if quantity in {"db", "linear"}:
        raise MissingMetadata(
            f"{names}: {quantity} is a radar quantity; add --sensor sar, or give reflectance or dn"
        )
    if not sensor_given:
        for info in infos:
            _refuse_radar(info)
    return quantity or "dn", []


def _refuse_radar(info: ImageInfo) -> None:
    """Radar that was not declared would be compared with rules for daylight; notice the obvious cases."""
    if not POLARISATIONS & set(info.bands) and not (len(info.bands) == 1 and _mostly_negative(info)):
        return
    raise MissingMetadata(
        f"{info.href}: looks like radar; say so with --sensor sar and --quantity db, linear or dn "
        "(or --sensor optical if it is not)"
    )


def _mostly_negative(info: ImageInfo) -> bool:
    if not info.dtype.startswith("float"):
        return False
    rows, cols = info.grid.shape
    middle = Window(
        row0=max(0, (rows - _ORIGINAL_SAMPLE_PX) // 2),
        col0=max(0, (cols - _ORIGINAL_SAMPLE_PX) // 2),
        row1=min(rows, (rows + _ORIGINAL_SAMPLE_PX) // 2 + 1),
        col1=min(cols, (cols + _ORIGINAL_SAMPLE_PX) // 2 + 1),
    )
    data, valid = _image(info, info.grid, info.bands, ((1.0,),), "dn").pixels(middle)
    return bool(valid.any()) and float(np.median(data[0][valid])) < 0


def _image(info: ImageInfo, grid: GeoBox, bands: tuple[str, ...], mix: Mix, declared: Declared) -> FileImage:
    image = FileImage(
        info=info, grid=grid, bands=bands, mix=mix, quantity="dn", nodata=info.nodata,
        zero_is_fill=_zero_is_fill(info, declared),
    )  # fmt: skip
    if declared in {"db", "linear"}:
        return replace(image, quantity="gamma0", in_db=declared == "db")
    if declared == "reflectance":
        scale, offset = _reflectance_scale(info)
        return replace(image, quantity="reflectance", scale=scale, offset=offset)
    states_it = info.nodata is not None or info.alpha is not None or info.masked or info.palette is not None
    return image.with_fill() if info.dtype == "uint8" and not states_it else image


def _zero_is_fill(info: ImageInfo, declared: Declared) -> bool:
    says_itself = info.nodata is not None or info.alpha is not None or info.masked
    return not says_itself and info.dtype != "uint8" and info.palette is None and declared != "db"


def _reflectance_scale(info: ImageInfo) -> tuple[float, float]:
    scales, offsets = set(info.scales), set(info.offsets)
    if len(scales) > 1 or len(offsets) > 1:
        raise UnreadableRaster(f"{info.href}: its bands have different scales; export them alike")
    scale, offset = scales.pop(), offsets.pop()
    if scale == 1.0 and not info.dtype.startswith("float"):
        raise MissingMetadata(
            f"{info.href}: whole numbers without a stated scale are not reflectance; "
            "leave --quantity out, or export as float 0-1"
        )
    return scale, offset


def _place(
    infos: tuple[ImageInfo, ImageInfo], gsd_m: float | None
) -> tuple[tuple[GeoBox, GeoBox], bool, list[str]]:
    """Grids of both files in one coordinate system, whether that is the Earth's, and notes."""
    if gsd_m is not None and not GSD_RANGE_M[0] <= gsd_m <= GSD_RANGE_M[1]:
        raise MissingMetadata(
            f"--gsd must be a positive number of metres, {GSD_RANGE_M[0]:g} to {GSD_RANGE_M[1]:g}, got {gsd_m:g}"
        )
    before, after = infos
    if before.georeferenced and after.georeferenced:
        grids = (before.grid, after.grid)
        return grids, True, [*_check_gsd(infos, gsd_m), *_check_overlap(infos)]
    names = f"{before.href} and {after.href}"
    shapes = [tuple(info.grid.shape) for info in infos]
    notes = []
    if before.georeferenced != after.georeferenced:
        located, other = (before, after) if before.georeferenced else (after, before)
        if shapes[0] != shapes[1]:
            raise UnusablePair(
                f"{other.href} has no georeference while {located.href} has one, and they differ in size "
                f"({_size(before)}, {_size(after)}); give both with a georeference, or crops of equal size"
            )
        gsd_m = gsd_m or grid_gsd_m(located.grid)
        notes.append(
            f"{Path(other.href).name} has no georeference: laid on {Path(located.href).name} pixel by pixel"
        )
    elif shapes[0] != shapes[1]:
        notes.append(f"the images differ in size ({_size(before)}, {_size(after)}): laid corner on corner")
    if gsd_m is None:
        raise MissingMetadata(f"{names}: without georeference the pixel size has to be given: --gsd METRES")
    scale = Affine.scale(gsd_m)
    return (GeoBox(shapes[0], scale, None), GeoBox(shapes[1], scale, None)), False, notes


def _size(info: ImageInfo) -> str:
    rows, cols = info.grid.shape
    return f"{cols} x {rows} px"


def _check_gsd(infos: tuple[ImageInfo, ImageInfo], given_m: float | None) -> list[str]:
    own = [grid_gsd_m(info.grid) for info in infos]
    if max(own) / min(own) > MAX_GSD_RATIO:
        raise UnusablePair(
            f"pixels of {own[0]:.3g} m ({infos[0].href}) and {own[1]:.3g} m ({infos[1].href}) are too "
            f"different to compare (more than {MAX_GSD_RATIO:g} times); give images of similar resolution"
        )
    notes = []
    if max(own) / min(own) > 1 + _GSD_TOLERANCE:
        notes.append(f"before has {own[0]:.3g} m pixels, after {own[1]:.3g} m: compared on those of before")
    if given_m is not None and abs(given_m / own[0] - 1) > _GSD_TOLERANCE:
        notes.append(f"the georeference says {own[0]:.3g} m pixels: --gsd {given_m:g} is not used")
    x_m, y_m = pixel_size_m(infos[0].grid)
    if max(x_m, y_m) / min(x_m, y_m) > 1 + _GSD_TOLERANCE:
        notes.append(f"pixels are not square: {x_m:.3g} m by {y_m:.3g} m")
    return notes


def _check_overlap(infos: tuple[ImageInfo, ImageInfo]) -> list[str]:
    before, after = infos
    shared = _shared_area_px(before.grid, after.grid)
    if shared < MIN_SIDE_PX**2:
        raise UnusablePair(
            f"{before.href} and {after.href} do not show the same place: their outlines share "
            f"{shared:.0f} pixels; check the files and their CRS"
        )
    if whole_pixel_shift(after.grid, before.grid) is None:
        averaged = source_px_per_grid_px(after.grid, before.grid) > 1.5
        how = "averaged" if averaged else "interpolated"
        return [f"after lies on another grid: {how} onto the pixels of before"]
    return []


def _shared_area_px(before: GeoBox, after: GeoBox) -> float:
    rows, cols = after.shape
    along = np.linspace(0, 1, 21)
    edge = np.array([(a, 0) for a in along] + [(1, a) for a in along])
    edge = np.concatenate([edge, 1 - edge])
    r, c = project_px(before, after, edge[:, 1] * rows, edge[:, 0] * cols)
    if not (np.isfinite(r).all() and np.isfinite(c).all()):
        return 0.0
    outline = Polygon(np.column_stack([c + 0.5, r + 0.5])).buffer(0)
    return float(outline.intersection(box(0, 0, before.shape[1], before.shape[0])).area)
