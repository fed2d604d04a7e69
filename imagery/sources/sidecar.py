"""Metadata that lies beside images: a sidecar per image, or one list for a folder.

Per image, with the same stem: ``<image>.json`` (a STAC Item, or flat fields), ``<image>.toml``, or Planet's
``<scene>_metadata.json``. Per folder: ``scenes.json`` or ``scenes.toml``, a list of entries with ``file`` and the
same flat fields. The fields are those of `imagery.sources.facts.Facts`.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagery.errors import MissingMetadata
from imagery.sources.facts import BadFact, Facts, facts_from_mapping
from imagery.sources.stac_item import UnusableItem, facts_from_item

LISTS = ("scenes.json", "scenes.toml")
_MAX_BYTES = 20_000_000
_PLANET = {
    "acquired": "acquired", "satellite_id": "platform", "gsd": "gsd_m", "view_angle": "view_off_nadir_deg",
    "satellite_azimuth": "view_azimuth_deg", "sun_azimuth": "sun_azimuth_deg", "sun_elevation": "sun_elevation_deg",
    "cloud_percent": "cloud_cover_pct",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """What lies beside an image: facts, and the STAC Item they come from where it is one."""

    path: Path
    facts: Facts
    item: Mapping[str, Any] | None = None


def read_sidecar(folder: Path, *stems: str) -> Sidecar | None:
    """The first sidecar found in `folder` for any of `stems`.

    Raises
    ------
    MissingMetadata
        There is one, and it cannot be understood; the message names it and what is wrong.
    """
    for stem in stems:
        for suffix in (".json", ".toml", "_metadata.json"):
            path = folder / f"{stem}{suffix}"
            if path.name not in LISTS and path.is_file():
                found = _sidecar(path)
                if found is not None:
                    return found
    return None


def _sidecar(path: Path) -> Sidecar | None:
    document = _document(path)
    if not isinstance(document, Mapping):
        raise MissingMetadata(
            f"{path}: must hold one object with the fields of its image; see the manual's example"
        )
    try:
        if document.get("type") == "Feature" and ("stac_version" in document or "assets" in document):
            return Sidecar(path=path, facts=facts_from_item(document), item=document)
        if document.get("type") == "Feature":
            return Sidecar(path=path, facts=_planet(document))
        if document.get("type") == "FeatureCollection":
            return None
        return Sidecar(path=path, facts=facts_from_mapping(document))
    except (BadFact, UnusableItem) as error:
        raise MissingMetadata(f"{path}: {error}; correct it") from error


def _planet(document: Mapping[str, Any]) -> Facts:
    """Planet's own item metadata: a GeoJSON Feature whose properties carry its API's names."""
    properties = document.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    return facts_from_mapping(
        {ours: properties[theirs] for theirs, ours in _PLANET.items() if theirs in properties}
    )


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
