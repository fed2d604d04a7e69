"""A folder of images that were bought, given or made: every image becomes a scene, or is named with the reason."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import shapely
from pyproj import CRS
from shapely.geometry import mapping

from imagery.drivers import open_raster
from imagery.errors import BadSource, MissingMetadata, UnreadableRaster
from imagery.geometry import reprojected
from imagery.listing import LeftOut, Listing
from imagery.open import ImageInfo, describe
from imagery.raster import gsd_m
from imagery.scene import Asset, Scene
from imagery.select import sift
from imagery.site import Site
from imagery.sources.facts import BadFact, Facts, NameFacts, facts_from_mapping, moment
from imagery.sources.filenames import read_name
from imagery.sources.granule import MAX_BYTES, granule_angles
from imagery.sources.sidecar import Sidecar, example, read_lists, read_sidecar
from imagery.sources.stac_assets import facts_of_asset
from imagery.sources.stac_item import UnusableItem, outline_of

IMAGE_SUFFIXES = frozenset({".tif", ".tiff", ".jp2", ".j2k", ".png", ".jpg", ".jpeg"})
NOT_OPENED = frozenset(
    {".vrt", ".ntf", ".nitf", ".img", ".hdf", ".h5", ".nc", ".ecw", ".sid", ".zip", ".tar", ".gz"}
)
_MAX_FILES = 100_000
_NAMED_IN_ERROR = 5
_TAGS = (
    "acquired", "acquisition_datetime", "acquisition_date", "sensor", "platform", "quantity", "bands",
    "collection", "relative_orbit", "orbit_state", "cloud_cover_pct", "licence", "attribution",
)  # fmt: skip
_EXAMPLES: dict[str, object] = {
    "acquired": "2024-12-10T08:20:11Z", "sensor": "optical", "quantity": "dn",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Image:
    """One readable image with what is known of it."""

    path: Path
    info: ImageInfo
    name: NameFacts
    facts: Facts
    sidecar: Sidecar | None


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
        images = list(_images(self.folder, left_out))
        if not images and not left_out:
            raise BadSource(
                f"{self.folder}: holds no image (GeoTIFF, COG, JPEG 2000, PNG or JPEG); give another folder"
            )
        _ask_for_missing(images)
        scenes = _scenes(images, self.folder, self.name, left_out)
        sifted = sift(site, scenes, start, end)
        return Listing(usable=sifted.usable, left_out=(*left_out, *sifted.left_out))


def _images(folder: Path, left_out: list[LeftOut]) -> Iterator[_Image]:
    listed: dict[Path, Facts] = {}
    paths = list(_files(folder))
    for place in sorted({path.parent for path in paths} | {folder}):
        listed |= read_lists(place)
    for path in paths:
        label = path.relative_to(folder).as_posix()
        name = read_name(path.relative_to(folder.parent))
        if path.suffix.lower() in NOT_OPENED:
            left_out.append(LeftOut(
                scene_id=label, acquired=None,
                reason=f"{path.suffix} files are not opened; convert it to GeoTIFF",
            ))  # fmt: skip
            continue
        if name.role == "ignored":
            continue
        try:
            image = _image(path, name, listed.get(path))
        except UnreadableRaster as error:
            left_out.append(LeftOut(scene_id=label, acquired=name.facts.acquired, reason=str(error)))
            continue
        if image.info.georeferenced:
            yield image
        else:
            left_out.append(LeftOut(scene_id=label, acquired=image.facts.acquired, reason=_no_place(image)))
    for path in sorted(set(listed) - set(paths)):
        left_out.append(LeftOut(
            scene_id=str(path.relative_to(folder)), acquired=listed[path].acquired,
            reason="is in the list of scenes, but there is no such image; fetch it or remove the entry",
        ))  # fmt: skip


def _files(folder: Path) -> Iterator[Path]:
    """Images in `folder` and below, sorted, without hidden files and folders."""
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        count += len(names)
        if count > _MAX_FILES:
            raise BadSource(f"{folder}: more than {_MAX_FILES} files; give the folder that holds the images")
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES | NOT_OPENED:
                yield Path(place) / name


def _image(path: Path, name: NameFacts, listed: Facts | None) -> _Image:
    info = describe(path)
    sidecar = read_sidecar(path.parent, path.stem, name.key)
    facts = sidecar.facts if sidecar else Facts()
    if sidecar and sidecar.item:
        facts = facts_of_asset(sidecar.item, path.name).over(facts)
    if listed is not None:
        facts = facts.over(listed)
    own = _tag_facts(path)
    dated = Facts(acquired=info.time, time_known=True if info.time else None)
    return _Image(
        path=path,
        info=info,
        name=name,
        # The standard TIFF date is often that of processing, so that it counts last.
        facts=facts.over(own).over(name.facts).over(dated),
        sidecar=sidecar,
    )


def _tag_facts(path: Path) -> Facts:
    """Facts from tags under their own names; a value that is not understood was not meant for us."""
    with open_raster(path) as dataset:
        tags = {**dataset.tags(), **dataset.tags(ns="IMAGERY")}
    found = Facts()
    for tag, value in tags.items():
        if tag.lower() == "acquisitiondatetime":
            facts = _utc(value)
        elif tag.lower() in _TAGS:
            facts = _understood({tag: value})
        else:
            continue
        found = found.over(facts)
    return found


def _understood(fields: Mapping[str, Any]) -> Facts:
    try:
        return facts_from_mapping(fields)
    except BadFact:
        return Facts()


def _utc(value: str) -> Facts:
    """GDAL's ACQUISITIONDATETIME is UTC without saying so."""
    try:
        return Facts(acquired=moment(datetime.fromisoformat(value).replace(tzinfo=UTC))[0], time_known=True)
    except (ValueError, BadFact):
        return Facts()


def _no_place(image: _Image) -> str:
    if image.name.facts.collection == "sentinel-1-grd":
        return "radar without terrain correction cannot be compared; use its RTC product, or project it"
    said = "; ".join(image.info.notes)
    return (
        f"has no georeference{f' ({said})' if said else ''}; assign one, or compare two such images with diff"
    )


def _ask_for_missing(images: Iterable[_Image]) -> None:
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
        "(your values) next to it, or one scenes.json for the folder with 'file' in each entry."
    )
    raise MissingMetadata("\n".join(lines))


def _missing(image: _Image) -> list[str]:
    if image.name.role == "quality":
        return []
    facts = image.facts
    return [name for name in ("acquired", "sensor", "quantity") if getattr(facts, name) is None]


def _scenes(images: list[_Image], folder: Path, source: str, left_out: list[LeftOut]) -> list[Scene]:
    grouped: dict[tuple[str, str], list[_Image]] = {}
    for image in images:
        # The files of a product share its key wherever they lie in it; other files are scenes of their own.
        place = "" if image.name.known else str(image.path.parent)
        grouped.setdefault((place, image.name.key), []).append(image)
    scenes: dict[str, Scene] = {}
    for group in grouped.values():
        for scene in _group(group, folder, source, left_out):
            name = scene.id if scene.id not in scenes else f"{scene.id}-{len(scenes)}"
            scenes[name] = replace(scene, id=name)
    return list(scenes.values())


def _group(group: list[_Image], folder: Path, source: str, left_out: list[LeftOut]) -> Iterator[Scene]:
    data = [image for image in group if image.name.role == "data"]
    if not data:
        for image in group:
            left_out.append(LeftOut(
                scene_id=image.path.relative_to(folder).as_posix(), acquired=None,
                reason="a quality band without its image",
            ))  # fmt: skip
        return
    best = min(image.name.rank for image in data)
    chosen: dict[str, _Image] = {}
    for image in data:
        if image.name.rank == best and image.name.asset not in chosen:
            chosen[image.name.asset] = image
            continue
        left_out.append(LeftOut(
            scene_id=image.path.relative_to(folder).as_posix(), acquired=image.facts.acquired,
            reason=f"the same scene is used from {next(iter(chosen.values()), data[0]).path.name}",
            platform=image.facts.platform or "unknown",
        ))  # fmt: skip
    quality = [image for image in group if image.name.role == "quality"]
    yield _scene(list(chosen.values()), quality, source)


def _scene(data: list[_Image], quality: list[_Image], source: str) -> Scene:
    first = data[0]
    facts = first.facts
    for other in data[1:]:
        facts = facts.over(other.facts)
    facts = facts.over(_granule(first))
    if facts.acquired is None or facts.sensor is None or facts.quantity is None:
        raise MissingMetadata(f"{first.path}: acquired, sensor or quantity is not known")
    assets = {image.name.asset: _asset(image) for image in data}
    assets |= {image.name.asset: _quality(image) for image in quality}
    return Scene(
        id=facts.id or first.name.key, source=source, collection=facts.collection or "own images",
        platform=facts.platform or "unknown", sensor=facts.sensor, quantity=facts.quantity,
        in_db=bool(facts.in_db), acquired=facts.acquired, time_known=facts.time_known is not False,
        gsd_m=facts.gsd_m or round(min(gsd_m(image.info.grid) for image in data), 4), assets=assets,
        footprint=_footprint(data), cloud_cover_pct=facts.cloud_cover_pct,
        view_off_nadir_deg=facts.view_off_nadir_deg, view_azimuth_deg=facts.view_azimuth_deg,
        sun_azimuth_deg=facts.sun_azimuth_deg, sun_elevation_deg=facts.sun_elevation_deg,
        relative_orbit=facts.relative_orbit, orbit_state=facts.orbit_state,
        processing_baseline=facts.processing_baseline, datatake=facts.datatake, tile=facts.tile,
        offset_applied=facts.offset_applied, licence=facts.licence, attribution=facts.attribution,
    )  # fmt: skip


def _asset(image: _Image) -> Asset:
    facts, count = image.facts, len(image.info.bands)
    named = facts.bands if facts.bands and len(facts.bands) == count else None
    by_count = image.name.bands_by_count.get(count)
    return Asset(
        href=str(image.path),
        bands=named or by_count or image.info.bands,
        scale=facts.scale,
        offset=facts.offset,
        nodata=_nodata(image),
    )


def _nodata(image: _Image) -> float | None:
    stated = image.facts.nodata if image.info.nodata is None else image.info.nodata
    # NaN needs no statement: a pixel that is not a number never counts.
    return None if stated is None or math.isnan(stated) else stated


def _quality(image: _Image) -> Asset:
    kind: Any = image.name.quality
    return Asset(href=str(image.path), bands=image.info.bands, role="quality", quality=kind)


def _granule(image: _Image) -> Facts:
    """Angles of a Sentinel-2 granule: its metadata lies beside the bands, or at the top of a SAFE's granule."""
    if not (image.facts.collection or "").startswith("sentinel-2"):
        return Facts()
    places = (image.path.parent, *image.path.parents[1:3])
    for path in (place / name for place in places for name in ("MTD_TL.xml", "granule_metadata.xml")):
        if path.is_file() and path.stat().st_size <= MAX_BYTES:
            return granule_angles(path.read_bytes())
    return Facts()


def _footprint(data: list[_Image]) -> Mapping[str, object]:
    """The item's outline where there is one, since a swath may end inside the image; else the image's extent."""
    item = data[0].sidecar.item if data[0].sidecar else None
    if item is not None:
        try:
            return outline_of(item)
        except UnusableItem:
            pass
    outlines = []
    for image in data:
        grid = image.info.grid
        rows, cols = grid.shape
        corners = shapely.Polygon([grid.affine * c for c in ((0, 0), (cols, 0), (cols, rows), (0, rows))])
        crs = CRS.from_user_input(str(grid.crs))
        segment = max(corners.length / 80.0, 1e-9)
        outlines.append(reprojected(corners, crs, CRS.from_epsg(4326), segment=segment))
    found: Mapping[str, object] = mapping(shapely.intersection_all(outlines))
    return found
