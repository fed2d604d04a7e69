"""Metadata of Planet deliveries: ``<item>_metadata.json`` of an order, and ``*_metadata.xml`` of older products.

Field names follow Planet's item properties and its imagery product specifications.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imagery.sources.delivered import Delivered
from imagery.sources.facts import BadFact, Facts, facts_from_mapping, number
from imagery.sources.metadata_text import element, read_text

_PROPERTIES = {
    "acquired": "acquired", "view_angle": "view_off_nadir_deg", "satellite_azimuth": "view_azimuth_deg",
    "sun_azimuth": "sun_azimuth_deg", "sun_elevation": "sun_elevation_deg", "cloud_percent": "cloud_cover_pct",
}  # fmt: skip
_ELEMENTS = {
    "acquired": ("acquisitionDateTime", "acquisitionDate"), "view_off_nadir_deg": ("spaceCraftViewAngle",),
    "view_azimuth_deg": ("azimuthAngle",), "sun_azimuth_deg": ("illuminationAzimuthAngle",),
    "sun_elevation_deg": ("illuminationElevationAngle",), "cloud_cover_pct": ("cloudCoverPercentage",),
    "gsd_m": ("resolution",),
}  # fmt: skip


def planet_item(path: Path, document: Mapping[str, Any]) -> Delivered:
    """An item's metadata: a GeoJSON Feature whose properties carry the names of Planet's API.

    Raises
    ------
    BadFact
        A value cannot be understood.
    """
    properties = document.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    stated = {ours: properties.get(theirs) for theirs, ours in _PROPERTIES.items()}
    # The pixel is what the file holds; the ground sample distance is that of the optics before resampling.
    stated["gsd_m"] = properties.get("pixel_resolution") or properties.get("gsd")
    stated["platform"] = _platform(
        str(properties.get("satellite_id") or ""), str(properties.get("item_type") or "")
    )
    geometry = document.get("geometry")
    return Delivered(
        path=path, facts=_facts(stated), outline=geometry if isinstance(geometry, Mapping) else None,
        notes=_notes(properties),
    )  # fmt: skip


def planet_xml(path: Path) -> Delivered | None:
    """An XML metadata file; None where it is something else.

    Raises
    ------
    MissingMetadata
        It cannot be read.
    """
    text = read_text(path)
    if "planet" not in text.lower() or "EarthObservation" not in text:
        return None
    stated: dict[str, Any] = {ours: element(text, *theirs) for ours, theirs in _ELEMENTS.items()}
    stated["platform"] = _platform(element(text, "serialIdentifier") or "", "")
    try:
        return Delivered(path=path, facts=_facts(stated))
    except BadFact:
        return None


def planet_files(key: str, beside: Mapping[str, Path]) -> list[Path]:
    """The XML metadata of a scene.

    Parameters
    ----------
    key : str
        The scene's item id.
    beside : mapping of lower-case name to Path
        The files of its folder.
    """
    named = re.compile(rf"{re.escape(key.lower())}_.*metadata.*\.xml")
    return [path for name, path in sorted(beside.items()) if named.fullmatch(name)]


def _facts(stated: Mapping[str, Any]) -> Facts:
    given = {name: value for name, value in stated.items() if value not in (None, "")}
    if "view_off_nadir_deg" in given:  # the sign, where there is one, tells the side
        given["view_off_nadir_deg"] = abs(number("view_angle", given["view_off_nadir_deg"]))
    return facts_from_mapping(given)


def _platform(satellite: str, item_type: str) -> str | None:
    """As `imagery.sources.names_commercial` names it, so that images and their metadata agree."""
    if not satellite:
        return None
    skysat = re.fullmatch(r"ss?c?(\d{1,2})(?:d\d)?", satellite.lower())
    if skysat is not None or item_type.startswith("SkySat"):
        return f"SkySat ssc{skysat[1]}" if skysat else f"SkySat {satellite.lower()}"
    return f"PlanetScope {satellite.lower()}"


def _notes(properties: Mapping[str, Any]) -> tuple[str, ...]:
    notes = []
    if properties.get("ground_control") is False:
        notes.append("without ground control: it may lie hundreds of metres off")
    if properties.get("publishing_stage") == "preview":
        notes.append("a preview: Planet will publish a better rectified version")
    if properties.get("quality_category") == "test":
        notes.append("of test quality by Planet's own measure")
    return tuple(notes)
