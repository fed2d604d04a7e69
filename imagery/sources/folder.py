"""A folder of images that were bought, given or made: every image becomes a scene, or is named with the reason."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import shapely
from pyproj import CRS
from shapely.geometry import mapping

from imagery.errors import BadSource, MissingMetadata
from imagery.geometry import reprojected
from imagery.listing import LeftOut, Listing
from imagery.raster import gsd_m
from imagery.scene import Asset, Scene
from imagery.select import sift
from imagery.site import Site
from imagery.sources.facts import Facts
from imagery.sources.folder_images import FolderImage, folder_images
from imagery.sources.granule import MAX_BYTES, granule_angles
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
        "(your values) next to it, or one scenes.json for the folder with 'file' in each entry."
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
    made = [
        (scene, group[0].path)
        for group in grouped.values()
        for scene in _group(group, folder, source, left_out)
    ]
    count = Counter(scene.id for scene, _ in made)
    return [
        scene if count[scene.id] == 1 else replace(scene, id=_path_id(path, folder)) for scene, path in made
    ]


def _path_id(path: Path, folder: Path) -> str:
    """A name for one of several images called alike: their folders tell them apart."""
    return "-".join(path.relative_to(folder).parts).removesuffix(path.suffix)


def _group(group: list[FolderImage], folder: Path, source: str, left_out: list[LeftOut]) -> Iterator[Scene]:
    data = [image for image in group if image.name.role == "data"]
    if not data:
        for image in group:
            left_out.append(LeftOut(
                scene_id=image.path.relative_to(folder).as_posix(), acquired=None,
                reason="a quality band without its image",
            ))  # fmt: skip
        return
    best = min(image.name.rank for image in data)
    chosen: dict[str, FolderImage] = {}
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


def _scene(data: list[FolderImage], quality: list[FolderImage], source: str) -> Scene:
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
        gsd_m=facts.gsd_m or min(_size_m(image) for image in data), assets=assets,
        footprint=_footprint(data), cloud_cover_pct=facts.cloud_cover_pct,
        view_off_nadir_deg=facts.view_off_nadir_deg, view_azimuth_deg=facts.view_azimuth_deg,
        sun_azimuth_deg=facts.sun_azimuth_deg, sun_elevation_deg=facts.sun_elevation_deg,
        relative_orbit=facts.relative_orbit, orbit_state=facts.orbit_state,
        processing_baseline=facts.processing_baseline, datatake=facts.datatake, tile=facts.tile,
        offset_applied=facts.offset_applied, licence=facts.licence, attribution=facts.attribution,
    )  # fmt: skip


def _asset(image: FolderImage) -> Asset:
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
    return Asset(href=str(image.path), bands=image.info.bands, role="quality", quality=kind)


def _granule(image: FolderImage) -> Facts:
    """Angles of a Sentinel-2 granule: its metadata lies beside the bands, or at the top of a SAFE's granule."""
    if not (image.facts.collection or "").startswith("sentinel-2"):
        return Facts()
    places = (image.path.parent, *image.path.parents[1:3])
    for path in (place / name for place in places for name in ("MTD_TL.xml", "granule_metadata.xml")):
        if path.is_file() and path.stat().st_size <= MAX_BYTES:
            return granule_angles(path.read_bytes())
    return Facts()


def _footprint(data: list[FolderImage]) -> Mapping[str, object]:
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
