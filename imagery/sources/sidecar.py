"""Metadata that lies beside images: a sidecar per image, or one list for a folder.

Per image, with the same stem: ``<image>.sitewatch.json`` (what `sitewatch add` writes where the next name is taken),
``<image>.json`` (a STAC Item, or flat fields), ``<image>.toml``, or Planet's ``<scene>_metadata.json``; where there
are several they complete each other in this order. Per folder: ``scenes.json`` or ``scenes.toml``, a list of entries
with ``file`` and the same flat fields. The fields are those of `imagery.sources.facts.Facts`.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagery.errors import MissingMetadata
from imagery.sources.facts import BadFact, Facts, facts_from_mapping
from imagery.sources.planet_metadata import planet_item
from imagery.sources.stac_item import UnusableItem, facts_from_item

LISTS = ("scenes.json", "scenes.toml")
OWN_SUFFIX = ".json"
OWN_SUFFIX_BESIDE_OTHERS = ".sitewatch.json"
_SUFFIXES = (OWN_SUFFIX_BESIDE_OTHERS, OWN_SUFFIX, ".toml", "_metadata.json")
_MAX_BYTES = 20_000_000


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """What lies beside an image.

    Parameters
    ----------
    path : Path
    facts : Facts
    item : mapping or None
        The STAC Item that the facts come from, where it is one.
    outline : GeoJSON geometry or None
        Lon/lat, where a vendor's item draws one.
    document : mapping
        What the file holds.
    notes : tuple of str
        What an analyst should know before using the image.
    """

    path: Path
    facts: Facts
    item: Mapping[str, Any] | None = None
    outline: Mapping[str, Any] | None = None
    document: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RecordedFile:
    """A file as it was when it was added: its length in bytes and its SHA-256."""

    length: int
    sha256: str


def recorded_file(sidecars: Iterable[Sidecar], name: str) -> RecordedFile | None:
    """What sidecars recorded of the file called `name` when it was added; None where they did not."""
    for sidecar in sidecars:
        files = sidecar.document.get("files")
        entry = files.get(name) if isinstance(files, Mapping) else None
        if isinstance(entry, Mapping) and isinstance(entry.get("bytes"), int) and entry.get("sha256"):
            return RecordedFile(length=entry["bytes"], sha256=str(entry["sha256"]))
    return None


def read_sidecar(folder: Path, *stems: str) -> Sidecar | None:
    """The first of `read_sidecars`, None where there is none."""
    return next(iter(read_sidecars(folder, *stems)), None)


def read_sidecars(folder: Path, *stems: str) -> tuple[Sidecar, ...]:
    """The sidecars in `folder` for any of `stems`, the one that counts first, first.

    Raises
    ------
    MissingMetadata
        There is one, and it cannot be understood; the message names it and what is wrong.
    """
    paths = [folder / f"{stem}{suffix}" for stem in dict.fromkeys(stems) for suffix in _SUFFIXES]
    found = [_sidecar(path) for path in paths if path.name not in LISTS and path.is_file()]
    return tuple(sidecar for sidecar in found if sidecar is not None)


def _sidecar(path: Path) -> Sidecar | None:
    document = _document(path)
    if not isinstance(document, Mapping):
        raise MissingMetadata(
            f"{path}: must hold one object with the fields of its image; see the manual's example"
        )
    try:
        # The assets of Planet's own items are a list of names.
        stac = "stac_version" in document or isinstance(document.get("assets"), Mapping)
        if document.get("type") == "Feature" and stac:
            return Sidecar(path=path, facts=facts_from_item(document), item=document, document=document)
        if document.get("type") == "Feature":
            vendor = planet_item(path, document)
            return Sidecar(
                path=path, facts=vendor.facts, outline=vendor.outline, document=document, notes=vendor.notes
            )
        if document.get("type") == "FeatureCollection":
            return None
        return Sidecar(path=path, facts=facts_from_mapping(document), document=document)
    except (BadFact, UnusableItem) as error:
        raise MissingMetadata(f"{path}: {error}; correct it") from error


def read_lists(folder: Path) -> dict[Path, Facts]:
    """The entries of a folder's list by file, empty where it has none.

    Raises
    ------
    MissingMetadata
        The list cannot be understood.
    """
    found: dict[Path, Facts] = {}
    for name in LISTS:
        path = folder / name
        if path.is_file():
            for entry in _entries(path):
                file = entry.get("file")
                if not isinstance(file, str) or not file:
                    raise MissingMetadata(f"{path}: every entry needs 'file', the name of its image")
                try:
                    found.setdefault(folder / file, facts_from_mapping(entry))
                except BadFact as error:
                    raise MissingMetadata(f"{path}: entry {file}: {error}; correct it") from error
    return found


def _entries(path: Path) -> list[Mapping[str, Any]]:
    document = _document(path)
    shared: Mapping[str, Any] = {}
    if isinstance(document, Mapping):
        shared = {name: value for name, value in document.items() if name != "scenes"}
        document = document.get("scenes")
    if not isinstance(document, list) or not all(isinstance(entry, Mapping) for entry in document):
        raise MissingMetadata(
            f"{path}: must be a list of entries, or an object with the list under 'scenes' and fields that hold "
            "for all of them"
        )
    return [{**shared, **entry} for entry in document]


def _document(path: Path) -> Any:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise MissingMetadata(f"{path}: larger than {_MAX_BYTES // 1_000_000} MB, which no sidecar is")
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise MissingMetadata(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    except (ValueError, RecursionError) as error:
        kind = "TOML" if path.suffix == ".toml" else "JSON"
        raise MissingMetadata(f"{path}: not {kind} ({error}); correct it") from error


def example(name: str, missing: Mapping[str, object]) -> str:
    """A sidecar to write for the image `name`, with the missing fields."""
    return f"{Path(name).with_suffix('.json').name} with {json.dumps(missing)}"
