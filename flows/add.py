"""Images that were bought or given, on their way into a folder source: what they are, and what is not known."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from shapely.geometry.base import BaseGeometry

from flows.errors import BadRequest
from imagery.listing import LeftOut
from imagery.raster import gsd_m
from imagery.site import Site
from imagery.sources.facts import Facts
from imagery.sources.filenames import read_name
from imagery.sources.folder_images import IMAGE_SUFFIXES, NOT_OPENED, FolderImage, folder_images
from imagery.sources.maxar_metadata import product_stem
from imagery.sources.origins import Known, Layer, known
from imagery.sources.placement import outline_lonlat, why_wrong_place
from imagery.sources.renderings import one_rendering
from imagery.sources.sidecar import Sidecar

TOLD = "you"
"""Origin of what the user says."""

RETOLD = "told by the user"
"""Origin of what the user said, as sidecars record it."""

_BESIDE = frozenset({
    ".imd", ".xml", ".til", ".rpb", ".json", ".toml", ".txt", ".geo", ".att", ".eph", ".shp", ".shx", ".dbf", ".prj",
    ".cpg", ".pdf", ".html", ".csv", ".md5", ".kml", ".geojson", ".tfw", ".ovr", ".aux",
})  # fmt: skip
"""What comes with images: read with them, or of no use, but no mistake when a wildcard names it."""


@dataclass(frozen=True, kw_only=True)
class Newcomer:
    """One acquisition, or one way of showing it, that is to be added.

    Parameters
    ----------
    name : str
        What a person calls it.
    root : Path
        The folder that was given, or that of the file that was given.
    data : tuple of FolderImage
        Its tiles or bands.
    quality : tuple of FolderImage
    told : Facts
        What the user says of it.
    """

    name: str
    root: Path
    data: tuple[FolderImage, ...]
    quality: tuple[FolderImage, ...]
    told: Facts = field(default_factory=Facts)

    @property
    def known(self) -> Known:
        """What is known of it, the user's word first."""
        return self.known_of(self.data[0])

    def known_of(self, image: FolderImage) -> Known:
        """What is known of one of its images."""
        return known((Layer(origin=TOLD, facts=self.told), *_read_again(image)))

    @property
    def outlines(self) -> list[BaseGeometry]:
        """Extents of its images in lon/lat."""
        return [outline_lonlat(image.info) for image in self.data]

    @property
    def in_bands(self) -> bool:
        """Whether its images are bands of one product, which share a sidecar."""
        return len({image.name.asset for image in self.data}) > 1

    @property
    def gsd_m(self) -> float:
        """Pixel size of its finest image, from the file."""
        return min(gsd_m(image.info.grid) for image in self.data)

    @property
    def simulated(self) -> bool:
        """Whether one of its files says that it was drawn and not taken."""
        return any(image.info.simulated for image in self.data)


def _read_again(image: FolderImage) -> Iterator[Layer]:
    """What is said of an image; of a sidecar that was written here only what a person had told it, first."""
    own = {s.path.name: s for s in image.sidecars if s.document.get("written_by")}
    for sidecar in own.values():
        yield Layer(origin=RETOLD, facts=_retold(sidecar))
    yield from (layer for layer in image.layers if layer.origin not in own)


def _retold(sidecar: Sidecar) -> Facts:
    origins = sidecar.document.get("origins")
    told = (
        {name for name, origin in origins.items() if origin == RETOLD}
        if isinstance(origins, Mapping)
        else set()
    )
    told |= {"time_known"} if "acquired" in told else set()
    told |= {"in_db"} if "quantity" in told else set()
    return Facts(**{f.name: getattr(sidecar.facts, f.name) for f in fields(Facts) if f.name in told})


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What was found in what was given.

    Parameters
    ----------
    newcomers : tuple of Newcomer
        Sorted by time where it is known.
    refused : tuple of LeftOut
        What cannot be used of the folders that were given, with the reason and what to do.
    refused_named : tuple of LeftOut
        The same of the files that were named one by one: those the user surely meant.
    unused : mapping of scene name to str
        Why an acquisition that is added will not be compared as it stands: a sharper one of the same moment is.
    """

    newcomers: tuple[Newcomer, ...]
    refused: tuple[LeftOut, ...]
    refused_named: tuple[LeftOut, ...]
    unused: Mapping[str, str]


def gather(paths: Sequence[Path], sites: Mapping[str, Site]) -> Gathered:
    """Find the images in files and folders, and group them into acquisitions.

    Raises
    ------
    BadRequest
        A path does not exist, or nothing that was given is an image.
    MissingMetadata
        A sidecar cannot be understood.
    """
    in_folders: list[LeftOut] = []
    named: list[LeftOut] = []
    newcomers: list[Newcomer] = []
    unused: dict[str, str] = {}
    seen: set[Path] = set()
    for root, only in _roots(paths, named):
        refused = in_folders if only is None else named
        images = [
            image
            for image in folder_images(root, refused, only=only, changed_too=True)
            if image.path.resolve() not in seen
        ]
        seen |= {image.path.resolve() for image in images}
        placed = [image for image in images if not _misplaced(image, root, sites, refused)]
        found = _grouped(placed, root, refused)
        newcomers += found
        unused |= _unused(found, placed, root)
    if not newcomers and not in_folders and not named:
        raise BadRequest(
            f"{', '.join(map(str, paths))}: no image among these (GeoTIFF, COG, JPEG 2000); give images, or the "
            "folder of a delivery"
        )
    count = Counter(newcomer.name for newcomer in newcomers)
    newcomers = [n if count[n.name] == 1 else replace(n, name=_longer_name(n)) for n in newcomers]
    newcomers.sort(key=lambda n: (str(n.known.facts.acquired or ""), n.name))
    return Gathered(
        newcomers=tuple(newcomers), refused=tuple(in_folders), refused_named=tuple(named), unused=unused
    )


def _roots(paths: Sequence[Path], refused: list[LeftOut]) -> list[tuple[Path, set[Path] | None]]:
    """Folders to search, each with the files to look at; None for all of them."""
    whole: list[Path] = []
    files: dict[Path, set[Path]] = {}
    for given in paths:
        path = given.expanduser().absolute()
        if path.is_dir():
            whole.append(path)
        elif not path.exists():
            raise BadRequest(f"{given}: there is no such file or folder; check the path")
        elif path.suffix.lower() in IMAGE_SUFFIXES | NOT_OPENED:
            files.setdefault(path.parent, set()).update(_with_quality(path))
        elif path.suffix.lower() not in _BESIDE:
            refused.append(LeftOut(
                scene_id=str(given), acquired=None,
                reason="not an image in a supported format; give a GeoTIFF, COG or JPEG 2000",
            ))  # fmt: skip
    return [*((folder, None) for folder in whole), *files.items()]


def _with_quality(path: Path) -> set[Path]:
    """An image and the quality bands of its scene beside it."""
    key = read_name(path.relative_to(path.parent.parent)).key
    beside = (p for p in path.parent.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
    names = {p: read_name(p.relative_to(p.parent.parent)) for p in beside}
    return {path} | {p for p, name in names.items() if name.role == "quality" and name.key == key}


def _misplaced(image: FolderImage, root: Path, sites: Mapping[str, Site], refused: list[LeftOut]) -> bool:
    reason = why_wrong_place(image.info, sites)
    if reason is None:
        return False
    refused.append(LeftOut(
        scene_id=image.path.relative_to(root).as_posix(), acquired=image.facts.acquired, reason=reason
    ))  # fmt: skip
    return True


def _grouped(images: Iterable[FolderImage], root: Path, refused: list[LeftOut]) -> list[Newcomer]:
    data: dict[tuple[str, int], list[FolderImage]] = {}
    quality: dict[str, list[FolderImage]] = {}
    for image in images:
        if image.name.role == "quality":
            quality.setdefault(image.name.key, []).append(image)
            continue
        place = "" if image.name.known else str(image.path.parent)
        own = f"{place}{image.name.acquisition or image.name.key}"
        data.setdefault((own, image.name.rank), []).append(image)
    keys = {image.name.key for group in data.values() for image in group}
    for key in set(quality) - keys:
        refused += [
            LeftOut(scene_id=image.path.relative_to(root).as_posix(), acquired=None, reason="a quality band "
                    "without its image; give the image as well")
            for image in quality[key]
        ]  # fmt: skip
    return [
        Newcomer(
            name=_name(group), root=root, data=tuple(group),
            quality=tuple(q for key in dict.fromkeys(i.name.key for i in group) for q in quality.get(key, ())),
        )
        for group in data.values()
    ]  # fmt: skip


def _name(group: Sequence[FolderImage]) -> str:
    """The product's name for tiles of one, the scene's for others that are known, else the file's."""
    first = group[0]
    if first.name.acquisition is not None and len(group) > 1:
        return product_stem(first.path)
    return first.name.key if first.name.known else first.path.stem


def _longer_name(newcomer: Newcomer) -> str:
    """A name for one of several that are called alike: their folders tell them apart."""
    first = newcomer.data[0]
    rendering = f" ({first.name.rendering})" if first.name.rendering else ""
    inner = first.path.parent.relative_to(newcomer.root.parent).as_posix()
    return f"{inner}/{newcomer.name}{rendering}"


def _unused(newcomers: Iterable[Newcomer], images: Iterable[FolderImage], root: Path) -> dict[str, str]:
    kept, left = one_rendering(images, root)
    used = {image.path for image in kept}
    reasons = {entry.scene_id: entry.reason for entry in left}
    return {
        newcomer.name: reasons[newcomer.data[0].path.relative_to(root).as_posix()]
        for newcomer in newcomers
        if newcomer.data[0].path not in used
    }
