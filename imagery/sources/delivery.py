"""Metadata files that vendors deliver beside images, found by the image's name."""

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from imagery.sources.delivered import Delivered
from imagery.sources.facts import NameFacts
from imagery.sources.maxar_metadata import maxar_files, maxar_metadata
from imagery.sources.planet_metadata import planet_files, planet_xml

_KINDS = frozenset({".imd", ".xml", ".til", ".rpb"})


def vendor_files(folder: Path) -> dict[str, Path]:
    """Files of a folder that may be a vendor's metadata, by lower-case name: vendors write .IMD and .imd."""
    return {
        path.name.lower(): path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in _KINDS and path.is_file() and not path.name.startswith(".")
    }


def delivered_with(image: Path, name: NameFacts, beside: Mapping[str, Path]) -> tuple[Delivered, ...]:
    """What vendors' files say about an image, those that say most first.

    Parameters
    ----------
    beside : mapping of lower-case name to Path
        From `vendor_files` of its folder.

    Raises
    ------
    MissingMetadata
        A file cannot be read.
    """
    read = [_maxar(path, _stamp(path)) for path in maxar_files(image, beside)]
    if name.facts.collection in {"planetscope", "skysat"}:
        read += [_planet(path, _stamp(path)) for path in planet_files(name.key, beside)]
    return tuple(found for found in read if found is not None)


def missing_tiles(beside: Mapping[str, Path], present: Collection[str]) -> Iterator[tuple[str, str]]:
    """(image, index file) of every tile that a product's index names and that is not there.

    Parameters
    ----------
    beside : mapping of lower-case name to Path
        From `vendor_files` of a folder.
    present : collection of str
        Lower-case names of all files of the folder.
    """
    told: set[str] = set()
    for path in beside.values():
        if path.suffix.lower() not in {".til", ".xml"}:
            continue
        found = _maxar(path, _stamp(path))
        files = found.files if found is not None else ()
        # Of a product of which nothing is here its index alone was kept.
        if not any(name.lower() in present for name in files):
            continue
        for name in files:
            if name.lower() not in told and name.lower() not in present:
                told.add(name.lower())
                yield name, path.name


def has_sensor_model(image: Path, beside: Mapping[str, Path]) -> bool:
    """Whether a file with rational polynomial coefficients (RPC) lies beside an image."""
    stems = {image.stem.lower(), image.stem.lower().removesuffix("_clip")}
    names = {f"{stem}{ending}" for stem in stems for ending in (".rpb", "_rpc.txt", ".rpc")}
    folder = {path.name.lower() for path in image.parent.iterdir()} if image.parent.is_dir() else set()
    return bool(names & (folder | set(beside)))


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


# One file speaks for all tiles of a product.
@lru_cache(maxsize=256)
def _maxar(path: Path, _changed: tuple[int, int]) -> Delivered | None:
    return maxar_metadata(path)


@lru_cache(maxsize=256)
def _planet(path: Path, _changed: tuple[int, int]) -> Delivered | None:
    return planet_xml(path)
