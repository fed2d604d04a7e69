"""Metadata of Maxar (DigitalGlobe) deliveries: the .IMD and .TIL text files, and the .XML that holds both.

Field names follow Maxar's Image Support Data documentation. In a product of several tiles one set of these files,
named without the tile, describes all of them.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from imagery.sources.delivered import Delivered
from imagery.sources.facts import BadFact, Facts, moment, number
from imagery.sources.metadata_text import element, elements, pairs, read_text

SATELLITES = {
    "WV01": "WorldView-1", "WV02": "WorldView-2", "WV03": "WorldView-3", "WV04": "WorldView-4",
    "GE01": "GeoEye-1", "QB02": "QuickBird-2", "IK01": "Ikonos-2",
}  # fmt: skip
"""Names behind the vendor's codes; those of the Legion satellites (LG01 ...) are kept as they are."""

_BANDS = {
    "BAND_P": "pan", "BAND_C": "coastal", "BAND_B": "blue", "BAND_G": "green", "BAND_Y": "yellow", "BAND_R": "red",
    "BAND_RE": "rededge", "BAND_N": "nir", "BAND_N2": "nir2",
}  # fmt: skip
_TILE = re.compile(r"_R\d+C\d+(?=-)", re.IGNORECASE)
_SUFFIXES = (".imd", ".xml", ".til")
_UNKNOWN = -990.0
"""The vendor writes -999 where it does not know."""

_Values = Mapping[str, str]


def maxar_files(image: Path, beside: Mapping[str, Path]) -> list[Path]:
    """The metadata files of an image: named like it, with or without its tile.

    Parameters
    ----------
    beside : mapping of lower-case name to Path
        The files of its folder.
    """
    stems = dict.fromkeys((image.stem, product_stem(image)))
    names = [f"{stem}{suffix}".lower() for stem in stems for suffix in _SUFFIXES]
    return [beside[name] for name in names if name in beside]


def product_stem(image: Path) -> str:
    """Name of the product that a tile belongs to, as its metadata files have it."""
    return _TILE.sub("", image.stem)


def maxar_metadata(path: Path) -> Delivered | None:
    """Read one file; None where it is something else.

    Raises
    ------
    MissingMetadata
        It cannot be read.
    """
    text = read_text(path)
    if path.suffix.lower() == ".til":
        files = tuple(value for _, name, value in pairs(text) if name == "filename")
        return Delivered(path=path, facts=Facts(), files=files) if files else None
    values, bands = _from_xml(text) if path.suffix.lower() == ".xml" else _from_text(text)
    if "satid" not in values and "productlevel" not in values:
        return None
    level = values.get("productlevel")
    projected = _projected(values)
    return Delivered(
        path=path, facts=_facts(values, bands, projected=projected), projected=projected, level=level,
        files=tuple(elements(text, "FILENAME")), notes=_notes(values),
    )  # fmt: skip


def _from_text(text: str) -> tuple[_Values, tuple[str, ...]]:
    values: dict[str, str] = {}
    groups: list[str] = []
    for group, name, value in pairs(text):
        if group in _BANDS:
            groups += [group] if group not in groups else []
        else:
            # A mosaic has several images; the first one speaks for it.
            values.setdefault(name.lower(), value)
        if group == "MAP_PROJECTED_PRODUCT":
            values.setdefault("map", group)
    return values, tuple(_BANDS[group] for group in groups)


def _from_xml(text: str) -> tuple[_Values, tuple[str, ...]]:
    if "<isd>" not in text and "<IMD>" not in text:
        return {}, ()
    names = (
        "SATID", "PRODUCTLEVEL", "IMAGEDESCRIPTOR", "CATID", "FIRSTLINETIME", "TLCTIME", "EARLIESTACQTIME",
        "CLOUDCOVER", "MEANOFFNADIRVIEWANGLE", "OFFNADIRVIEWANGLE", "MEANSATAZ", "SATAZ", "MEANSUNAZ", "SUNAZ",
        "MEANSUNEL", "SUNEL", "PRODUCTGSD", "MEANPRODUCTGSD", "RADIOMETRICENHANCEMENT", "DEMCORRECTION",
    )  # fmt: skip
    values = {name.lower(): found for name in names if (found := element(text, name)) is not None}
    if "<MAP_PROJECTED_PRODUCT>" in text:
        values["map"] = "MAP_PROJECTED_PRODUCT"
    groups = dict.fromkeys(re.findall(r"<(BAND_[A-Z0-9]+)>", text))
    return values, tuple(_BANDS[group] for group in groups if group in _BANDS)


def _projected(values: _Values) -> bool | None:
    if "map" in values:
        return True
    words = f"{values.get('productlevel', '')} {values.get('imagedescriptor', '')}".upper()
    return False if re.search(r"1B|1A|BASIC|STEREO1", words) else None


def _facts(values: _Values, bands: tuple[str, ...], *, projected: bool | None) -> Facts:
    acquired = _time(values, "earliestacqtime", "firstlinetime", "tlctime")
    cloud = _number(values, "cloudcover")
    code = values.get("satid", "").upper()
    return Facts(
        collection="maxar",
        platform=SATELLITES.get(code, code or None),
        sensor="optical",
        quantity="dn",
        in_db=False,
        acquired=acquired,
        time_known=None if acquired is None else True,
        gsd_m=_number(values, "productgsd") if projected else _number(values, "meanproductgsd"),
        bands=bands or None,
        cloud_cover_pct=None if cloud is None else 100.0 * cloud,
        view_off_nadir_deg=_number(values, "meanoffnadirviewangle", "offnadirviewangle"),
        view_azimuth_deg=_number(values, "meansataz", "sataz"),
        sun_azimuth_deg=_number(values, "meansunaz", "sunaz"),
        sun_elevation_deg=_number(values, "meansunel", "sunel"),
        datatake=values.get("catid"),
        nodata=0.0,
        attribution=None if acquired is None else f"Image © {acquired.year} Maxar Technologies",
    )


def _time(values: _Values, *names: str) -> datetime | None:
    for name in names:
        try:
            return moment(values[name])[0]
        except (KeyError, BadFact):
            continue
    return None


def _number(values: _Values, *names: str) -> float | None:
    for name in names:
        try:
            found = number(name, values[name])
        except (KeyError, BadFact):
            continue
        if found > _UNKNOWN:
            return found
    return None


def _notes(values: _Values) -> tuple[str, ...]:
    described = values.get("imagedescriptor", "")
    notes = []
    if re.search(r"standard", described, re.IGNORECASE):
        notes.append(
            f"{described}: laid onto flat ground, not orthorectified; slopes and high ground are displaced, "
            "differently on every date"
        )
    enhanced = values.get("radiometricenhancement", "Off")
    if enhanced.lower() not in {"off", "none"}:
        notes.append(f"its radiometry was enhanced ({enhanced}); compare it with images treated alike")
    return tuple(notes)
