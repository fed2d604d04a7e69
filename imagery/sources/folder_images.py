"""Reading the images of a folder, and what their sidecars, lists, tags and names say about them."""

import os
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imagery.drivers import open_raster
from imagery.errors import BadSource, UnreadableRaster
from imagery.listing import LeftOut
from imagery.open import ImageInfo, describe
from imagery.sources.delivered import Delivered
from imagery.sources.delivery import delivered_with, missing_tiles, vendor_files
from imagery.sources.facts import BadFact, Facts, NameFacts, facts_from_mapping, moment
from imagery.sources.filenames import read_name
from imagery.sources.granule import MAX_BYTES, granule_angles
from imagery.sources.origins import Layer, known
from imagery.sources.placement import why_no_place
from imagery.sources.sidecar import Sidecar, read_lists, read_sidecars, recorded_file
from imagery.sources.stac_assets import facts_of_asset

IMAGE_SUFFIXES = frozenset({".tif", ".tiff", ".jp2", ".j2k", ".png", ".jpg", ".jpeg"})
_ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"})
NOT_OPENED = _ARCHIVES | {".vrt", ".ntf", ".nitf", ".img", ".hdf", ".h5", ".nc", ".ecw", ".sid"}
_MAX_FILES = 100_000
_TAGS = (
    "acquired", "acquisition_datetime", "acquisition_date", "sensor", "platform", "quantity", "bands",
    "collection", "relative_orbit", "orbit_state", "cloud_cover_pct", "licence", "attribution",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FolderImage:
    """One readable image with what is known of it.

    Parameters
    ----------
    path : Path
    info : ImageInfo
    name : NameFacts
    facts : Facts
    origins : mapping of field name to str
        Where each known fact comes from.
    layers : tuple of Layer
        What each place says, the one that counts first, first.
    sidecars : tuple of Sidecar
    vendor : tuple of Delivered
        What vendors' files beside it say.
    fault : str or None
        Why it cannot be placed; None where it can.
    changed : str or None
        In what it differs from what was added; None where it does not, or nobody recorded it.
    granule : Path or None
        Metadata of a Sentinel-2 granule.
    """

    path: Path
    info: ImageInfo
    name: NameFacts
    facts: Facts
    origins: Mapping[str, str]
    layers: tuple[Layer, ...]
    sidecars: tuple[Sidecar, ...] = ()
    vendor: tuple[Delivered, ...] = ()
    fault: str | None = None
    changed: str | None = None
    granule: Path | None = None

    @property
    def sha256(self) -> str | None:
        """SHA-256 of the file when it was added; None where nobody recorded it."""
        recorded = recorded_file(self.sidecars, self.path.name)
        return None if recorded is None else recorded.sha256

    @property
    def notes(self) -> tuple[str, ...]:
        """What an analyst should know before using it."""
        said = [n for sidecar in self.sidecars for n in sidecar.notes]
        said += [n for found in self.vendor for n in found.notes]
        said += [
            f"{found.path.name} says {found.level}, which is not on a map; the file is: orthorectified since, it seems"
            for found in self.vendor
            if found.projected is False and self.fault is None
        ]
        return tuple(dict.fromkeys((*said, *self.info.notes)))


def folder_images(
    folder: Path,
    left_out: list[LeftOut],
    *,
    only: Collection[Path] | None = None,
    changed_too: bool = False,
) -> Iterator[FolderImage]:
    """Every georeferenced image in `folder` and below, in order of path; the others go to `left_out`.

    Parameters
    ----------
    only : collection of Path or None
        Images to look at; None for all that there are.
    changed_too : bool
        Whether images that have changed since they were added are wanted as well.
    """
    listed: dict[Path, Facts] = {}
    paths = list(_files(folder)) if only is None else sorted(only)
    beside = {place: vendor_files(place) for place in {path.parent for path in paths}}
    for place in sorted({path.parent for path in paths} | {folder}):
        listed |= read_lists(place)
    for path in paths:
        label = path.relative_to(folder).as_posix()
        name = read_name(path.relative_to(folder.parent))
        if path.suffix.lower() in NOT_OPENED:
            left_out.append(LeftOut(scene_id=label, acquired=None, reason=_not_opened(path)))
            continue
        if name.role == "ignored":
            continue
        try:
            image = read_image(path, name, listed=listed.get(path), beside=beside[path.parent])
        except UnreadableRaster as error:
            left_out.append(LeftOut(scene_id=label, acquired=name.facts.acquired, reason=str(error)))
            continue
        fault = image.fault or (None if changed_too else image.changed)
        if fault is None:
            yield image
        else:
            left_out.append(LeftOut(scene_id=label, acquired=image.facts.acquired, reason=fault))
    if only is None:
        left_out += _not_there(listed, paths, beside)


def _not_opened(path: Path) -> str:
    if path.suffix.lower() in _ARCHIVES:
        return f"{path.suffix} archives are not opened; unpack it"
    return f"{path.suffix} files are not opened; convert it to GeoTIFF"


def _not_there(
    listed: Mapping[Path, Facts], paths: list[Path], beside: Mapping[Path, Mapping[str, Path]]
) -> Iterator[LeftOut]:
    """Images that a list or a vendor's metadata names and that do not exist."""
    for path in sorted(set(listed) - set(paths)):
        yield LeftOut(
            scene_id=path.name, acquired=listed[path].acquired,
            reason="is in the list of scenes, but there is no such image; fetch it or remove the entry",
        )  # fmt: skip
    for folder, files in sorted(beside.items()):
        present = {path.name.lower() for path in folder.iterdir()}
        for name, index in missing_tiles(files, present):
            yield LeftOut(
                scene_id=name, acquired=None,
                reason=f"is a tile of the product in {index}, but there is no such image; fetch it",
            )  # fmt: skip


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


def read_image(
    path: Path, name: NameFacts, *, listed: Facts | None = None, beside: Mapping[str, Path] | None = None
) -> FolderImage:
    """One image with all that is said about it.

    Parameters
    ----------
    name : NameFacts
        What its name says.
    listed : Facts or None
        From a list of scenes.
    beside : mapping of lower-case name to Path, optional
        From `imagery.sources.delivery.vendor_files` of its folder.

    Raises
    ------
    UnreadableRaster
        It is not an image that can be used.
    MissingMetadata
        Something beside it cannot be understood.
    """
    info = describe(path)
    beside = vendor_files(path.parent) if beside is None else beside
    sidecars = read_sidecars(path.parent, path.stem, name.key)
    vendor = delivered_with(path, name, beside)
    layers = [layer for sidecar in sidecars for layer in _sidecar_layers(sidecar, path)]
    if listed is not None:
        layers.append(Layer(origin="the list of scenes", facts=listed))
    layers.append(Layer(origin="its TIFF tags", facts=_tag_facts(path)))
    layers += [Layer(origin=found.path.name, facts=found.facts) for found in vendor]
    layers.append(Layer(origin="its file name", facts=name.facts))
    # The standard TIFF date is often that of processing, so that it counts last.
    dated = Facts(acquired=info.time, time_known=True if info.time else None)
    layers.append(Layer(origin="its TIFF date, which may be that of processing", facts=dated))
    granule = _granule_file(path, name)
    if granule is not None:
        layers.append(Layer(origin=granule.name, facts=granule_angles(granule.read_bytes())))
    merged = known(layers)
    return FolderImage(
        path=path, info=info, name=name, facts=merged.facts, origins=merged.origins, layers=tuple(layers),
        sidecars=sidecars, vendor=vendor, fault=_fault(path, info, name, vendor, beside),
        changed=_changed(path, sidecars), granule=granule,
    )  # fmt: skip


def _sidecar_layers(sidecar: Sidecar, image: Path) -> Iterator[Layer]:
    if sidecar.item:
        yield Layer(origin=sidecar.path.name, facts=facts_of_asset(sidecar.item, image.name))
    yield Layer(origin=sidecar.path.name, facts=sidecar.facts)


def _fault(
    path: Path,
    info: ImageInfo,
    name: NameFacts,
    vendor: tuple[Delivered, ...],
    beside: Mapping[str, Path],
) -> str | None:
    if name.facts.collection == "sentinel-1-grd" and not info.georeferenced:
        return "radar without terrain correction cannot be compared; use its RTC product, or project it"
    return why_no_place(path, info, vendor, beside)


def _granule_file(image: Path, name: NameFacts) -> Path | None:
    """Metadata of a Sentinel-2 granule: it lies beside the bands, or at the top of a SAFE's granule."""
    if not (name.facts.collection or "").startswith("sentinel-2"):
        return None
    places = (image.parent, *image.parents[1:3])
    for path in (place / file for place in places for file in ("MTD_TL.xml", "granule_metadata.xml")):
        if path.is_file() and path.stat().st_size <= MAX_BYTES:
            return path
    return None


def _changed(path: Path, sidecars: tuple[Sidecar, ...]) -> str | None:
    """Whether the file is another than the one that was added; its length gives it away without reading it."""
    recorded = recorded_file(sidecars, path.name)
    size = path.stat().st_size
    if recorded is None or recorded.length == size:
        return None
    return (
        f"has {size} bytes, and had {recorded.length} when it was added: it has changed since; put the original "
        f"back, or run `sitewatch add --replace {shlex.quote(str(path))}`"
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
