"""A folder of images that were bought, given or made: every image becomes a scene, or is named with the reason."""

import math
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from imagery.errors import BadSource, MissingMetadata
from imagery.listing import LeftOut, Listing
from imagery.raster import gsd_m
from imagery.scene import Asset, Scene
from imagery.select import sift
from imagery.site import Site
from imagery.sources.folder_images import FolderImage, folder_images
from imagery.sources.placement import outline_lonlat
from imagery.sources.renderings import one_rendering
from imagery.sources.sidecar import example
from imagery.sources.stac_item import UnusableItem, outline_of

_NAMED_IN_ERROR = 5
_PROJECTION_SCALE = 0.01
_EXAMPLES: dict[str, object] = {
    "acquired": "2024-12-10T08:20:11Z", "sensor": "optical", "quantity": "dn",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FolderSource:
    """A source of scenes.

    Parameters
    ----------
    folder : Path
        Searched with all its folders; hidden ones are not.
    name : str
        What scenes call their source.
    """

    folder: Path
    name: str

    def find(self, site: Site, start: datetime, end: datetime) -> Listing:
        """The images of a site in a period as scenes; every other image with the reason.

        Raises
        ------
        MissingMetadata
            Date, sensor or quantity of an image is not known; names the files, the fields and a sidecar to write.
        BadSource
            The folder holds no image at all.
        """
        left_out: list[LeftOut] = []
        images = list(folder_images(self.folder, left_out))
        if not images and not left_out:
            raise BadSource(
                f"{self.folder}: holds no image (GeoTIFF, COG, JPEG 2000, PNG or JPEG); give another folder"
            )
        _ask_for_missing(images)
        images, spare = one_rendering(images, self.folder)
        left_out += spare
        scenes = _scenes(images, self.folder, self.name, left_out)
        sifted = sift(site, scenes, start, end)
        return Listing(usable=sifted.usable, left_out=(*left_out, *sifted.left_out))


def _ask_for_missing(images: Iterable[FolderImage]) -> None:
    lacking = [(image, fields) for image in images if (fields := _missing(image))]
    if not lacking:
        return
    lines = [f"{image.path}: not known: {', '.join(fields)}" for image, fields in lacking[:_NAMED_IN_ERROR]]
    if len(lacking) > _NAMED_IN_ERROR:
        lines.append(f"and {len(lacking) - _NAMED_IN_ERROR} more images")
    image, fields = lacking[0]
    wanted = {field: _EXAMPLES[field] for field in fields}
    if image.facts.sensor == "sar" and "quantity" in wanted:
        wanted["quantity"] = "gamma0_db"
    lines.append(
        f"Nothing beside the image, in its tags or in its name says so. Write {example(image.path.name, wanted)} "
        "(your values) next to it, or one scenes.json for the folder with 'file' in each entry; "
        f"`sitewatch add {shlex.quote(str(image.path))}` asks for it and writes it."
    )
    raise MissingMetadata("\n".join(lines))


def _missing(image: FolderImage) -> list[str]:
    if image.name.role == "quality":
        return []
    facts = image.facts
    return [name for name in ("acquired", "sensor", "quantity") if getattr(facts, name) is None]


def _scenes(images: list[FolderImage], folder: Path, source: str, left_out: list[LeftOut]) -> list[Scene]:
    grouped: dict[tuple[str, str], list[FolderImage]] = {}
    for image in images:
        # The files of a product share its key wherever they lie in it; other files are scenes of their own.
        place = "" if image.name.known else str(image.path.parent)
        grouped.setdefault((place, image.name.key), []).append(image)
    found = [made for group in grouped.values() for made in _group(group, folder, source, left_out)]
    count = Counter(scene.id for scene, _ in found)
    return [
        scene if count[scene.id] == 1 else replace(scene, id=_path_id(path, folder)) for scene, path in found
    ]


def _path_id(path: Path, folder: Path) -> str:
    """A name for one of several images called alike: their folders tell them apart."""
    return "-".join(path.relative_to(folder).parts).removesuffix(path.suffix)


def _group(
    group: list[FolderImage], folder: Path, source: str, left_out: list[LeftOut]
) -> Iterator[tuple[Scene, Path]]:
    data = [image for image in group if image.name.role == "data"]
    if not data:
        for image in group:
            left_out.append(LeftOut(
                scene_id=image.path.relative_to(folder).as_posix(), acquired=None,
                reason="a quality band without its image",
            ))  # fmt: skip
        return
    chosen: dict[str, FolderImage] = {}
    for image in data:
        if image.name.asset not in chosen:
            chosen[image.name.asset] = image
            continue
        left_out.append(LeftOut(
            scene_id=image.path.relative_to(folder).as_posix(), acquired=image.facts.acquired,
            reason=f"the same scene is used from {next(iter(chosen.values())).path.name}",
            platform=image.facts.platform or "unknown",
        ))  # fmt: skip
    quality = _quality_bands(group, data[0].name.rendering)
    yield _scene(list(chosen.values()), quality, source), data[0].path


def _quality_bands(group: list[FolderImage], rendering: str) -> list[FolderImage]:
    """One quality band per asset: that of the rendering in use where there are several."""
    found: dict[str, FolderImage] = {}
    bands = [image for image in group if image.name.role == "quality"]
    for image in sorted(bands, key=lambda i: (i.name.rendering != rendering, i.name.rendering != "", i.path)):
        found.setdefault(image.name.asset, image)
    return list(found.values())


def _scene(data: list[FolderImage], quality: list[FolderImage], source: str) -> Scene:
    first = data[0]
    facts = first.facts
    for other in data[1:]:
        facts = facts.over(other.facts)
    if facts.acquired is None or facts.sensor is None or facts.quantity is None:
        raise MissingMetadata(f"{first.path}: acquired, sensor or quantity is not known")
    assets = {image.name.asset: asset_of(image) for image in data}
    assets |= {image.name.asset: _quality(image) for image in quality}
    return Scene(
        id=facts.id or first.name.key, source=source, collection=facts.collection or "own images",
        platform=facts.platform or "unknown", sensor=facts.sensor, quantity=facts.quantity,
        in_db=bool(facts.in_db), acquired=facts.acquired, time_known=facts.time_known is not False,
        gsd_m=facts.gsd_m or min(_size_m(image) for image in data), assets=assets,
        footprint=_footprint(data), cloud_cover_pct=facts.cloud_cover_pct,
        view_off_nadir_deg=facts.view_off_nadir_deg, view_azimuth_deg=facts.view_azimuth_deg,
        sun_azimuth_deg=facts.sun_azimuth_deg, sun_elevation_deg=facts.sun_elevation_deg,
        relative_orbit=facts.relative_orbit, orbit_state=facts.orbit_state,
        processing_baseline=facts.processing_baseline, datatake=facts.datatake, tile=facts.tile,
        offset_applied=facts.offset_applied, licence=facts.licence, attribution=facts.attribution,
        simulated=any(image.info.simulated for image in data),
    )  # fmt: skip


def asset_of(image: FolderImage) -> Asset:
    """A data image as an asset of its scene: its bands named by what is said of it, by its kind, or by the file."""
    facts, count = image.facts, len(image.info.bands)
    named = facts.bands if facts.bands and len(facts.bands) == count else None
    by_count = image.name.bands_by_count.get(count)
    return Asset(
        href=str(image.path),
        bands=named or by_count or image.info.bands,
        scale=facts.scale,
        offset=facts.offset,
        nodata=_nodata(image),
        sha256=image.sha256,
    )


def _size_m(image: FolderImage) -> float:
    """Ground size of a pixel; as the file writes it where a projection changes it by less than a percent."""
    grid = image.info.grid
    on_ground, written = gsd_m(grid), math.sqrt(abs(grid.affine.determinant))
    return float(written) if abs(on_ground / written - 1.0) < _PROJECTION_SCALE else round(on_ground, 4)


def _nodata(image: FolderImage) -> float | None:
    stated = image.facts.nodata if image.info.nodata is None else image.info.nodata
    # NaN needs no statement: a pixel that is not a number never counts.
    return None if stated is None or math.isnan(stated) else stated


def _quality(image: FolderImage) -> Asset:
    kind: Any = image.name.quality
    return Asset(
        href=str(image.path), bands=image.info.bands, role="quality", quality=kind, sha256=image.sha256
    )


def _footprint(data: list[FolderImage]) -> Mapping[str, object]:
    """The item's outline where there is one, since a swath may end inside the image; else the image's extent."""
    for sidecar in data[0].sidecars:
        if sidecar.item is not None:
            try:
                return outline_of(sidecar.item)
            except UnusableItem:
                continue
    extent = shapely.intersection_all([outline_lonlat(image.info) for image in data])
    drawn = [sidecar.outline for sidecar in data[0].sidecars if sidecar.outline is not None]
    found: Mapping[str, object] = mapping(_within(extent, drawn[0]) if drawn else extent)
    return found


def _within(extent: BaseGeometry, drawn: Mapping[str, Any]) -> BaseGeometry:
    """What a vendor's outline leaves of an image's extent; the extent where the two have nothing in common."""
    try:
        outline = shape(dict(drawn))
    except (ShapelyError, TypeError, ValueError, KeyError, AttributeError):
        return extent
    part = outline.buffer(0).intersection(extent)
    return extent if part.is_empty else part
