"""Reading the images of a folder, and what their sidecars, lists, tags and names say about them."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imagery.drivers import open_raster
from imagery.errors import BadSource, UnreadableRaster
from imagery.listing import LeftOut
from imagery.open import ImageInfo, describe
from imagery.sources.facts import BadFact, Facts, NameFacts, facts_from_mapping, moment
from imagery.sources.filenames import read_name
from imagery.sources.sidecar import Sidecar, read_lists, read_sidecar
from imagery.sources.stac_assets import facts_of_asset

IMAGE_SUFFIXES = frozenset({".tif", ".tiff", ".jp2", ".j2k", ".png", ".jpg", ".jpeg"})
NOT_OPENED = frozenset(
    {".vrt", ".ntf", ".nitf", ".img", ".hdf", ".h5", ".nc", ".ecw", ".sid", ".zip", ".tar", ".gz"}
)
_MAX_FILES = 100_000
_TAGS = (
    "acquired", "acquisition_datetime", "acquisition_date", "sensor", "platform", "quantity", "bands",
    "collection", "relative_orbit", "orbit_state", "cloud_cover_pct", "licence", "attribution",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FolderImage:
    """One readable image with what is known of it."""

    path: Path
    info: ImageInfo
    name: NameFacts
    facts: Facts
    sidecar: Sidecar | None


def folder_images(folder: Path, left_out: list[LeftOut]) -> Iterator[FolderImage]:
    """Every georeferenced image in `folder` and below, in order of path; the others go to `left_out`."""
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
            scene_id=path.name, acquired=listed[path].acquired,
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


def _image(path: Path, name: NameFacts, listed: Facts | None) -> FolderImage:
    info = describe(path)
    sidecar = read_sidecar(path.parent, path.stem, name.key)
    facts = sidecar.facts if sidecar else Facts()
    if sidecar and sidecar.item:
        facts = facts_of_asset(sidecar.item, path.name).over(facts)
    if listed is not None:
        facts = facts.over(listed)
    own = _tag_facts(path)
    dated = Facts(acquired=info.time, time_known=True if info.time else None)
    return FolderImage(
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


def _no_place(image: FolderImage) -> str:
    if image.name.facts.collection == "sentinel-1-grd":
        return "radar without terrain correction cannot be compared; use its RTC product, or project it"
    said = "; ".join(image.info.notes)
    return (
        f"has no georeference{f' ({said})' if said else ''}; assign one, or compare two such images with diff"
    )
