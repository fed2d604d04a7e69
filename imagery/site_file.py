"""Reading and checking of site files.

A site file is a GeoJSON FeatureCollection in lon/lat (WGS 84). Each site has one feature of kind ``aoi`` and any
number of zones; the properties are listed in `imagery/data/sites.geojson`, which ships with sitewatch. A file
that breaks a rule is refused as a whole, by the name of the feature and the rule: watching the wrong place would
be noticed much later, or never.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from imagery.errors import BadSites
from imagery.geometry import rings
from imagery.site import ZONE_KINDS, Site, Zone
from imagery.site_place import check_extent, check_known, check_near, working_crs

CONFIDENCES = ("high", "medium", "low")

_SITE_ID = re.compile(r"\w[\w.-]*")
_MAX_BYTES = 50_000_000
_TYPES = {"aoi": ("Polygon", "MultiPolygon"), "reference_point": ("Point", "Polygon", "MultiPolygon")}
_WATCHED = ("Polygon", "MultiPolygon")
_UNWATCHED = ("Point", "Polygon", "MultiPolygon")


def load_sites(path: Path | None = None) -> Mapping[str, Site]:
    """Read a site file.

    Parameters
    ----------
    path : Path or None
        None reads the sites that ship with sitewatch.

    Returns
    -------
    mapping of site id to Site
        In the order of the file.

    Raises
    ------
    BadSites
        The file breaks a rule; the message names the file, the feature, the rule and what to do.
    """
    if path is None:
        return _shipped()
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BadSites(
                f"{path}: larger than {_MAX_BYTES // 1_000_000} MB; give the outlines of your sites only"
            )
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadSites(f"{path}: not UTF-8 text, so not a GeoJSON; export the sites as GeoJSON") from error
    except OSError as error:
        raise BadSites(
            f"{path}: cannot be read ({error.strerror}); check the path and its permissions"
        ) from error
    return _parse(text, str(path), known=_shipped())


@cache
def _shipped() -> Mapping[str, Site]:
    text = resources.files("imagery").joinpath("data", "sites.geojson").read_text(encoding="utf-8")
    return _parse(text, "sites.geojson", known={})


@dataclass(frozen=True, kw_only=True)
class _Feature:
    """One checked feature."""

    where: str
    site: str
    zone: str
    kind: str
    geometry: BaseGeometry
    properties: Mapping[str, Any]


def _parse(text: str, file: str, *, known: Mapping[str, Site]) -> Mapping[str, Site]:
    document = _document(text, file)
    features = [_feature(raw, number, file) for number, raw in enumerate(document["features"], start=1)]
    grouped: dict[str, list[_Feature]] = {}
    for feature in features:
        grouped.setdefault(feature.site, []).append(feature)
    credit = document.get("attribution")
    sites = {
        name: _site(name, members, file, known=known, credit=credit if isinstance(credit, str) else "")
        for name, members in grouped.items()
    }
    return MappingProxyType(sites)


def _document(text: str, file: str) -> dict[str, Any]:
    if not text.strip():
        raise BadSites(f"{file}: the file is empty; it must be a GeoJSON FeatureCollection with your sites")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadSites(f"{file}: not JSON ({error}); export the sites as GeoJSON") from error
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        found = document.get("type") if isinstance(document, dict) else type(document).__name__
        raise BadSites(
            f"{file}: must be a GeoJSON FeatureCollection, found {found!r}; wrap the features in one"
        )
    if "crs" in document and not _is_wgs84(document["crs"]):
        raise BadSites(
            f"{file}: has a 'crs' member ({_short(document['crs'])}); GeoJSON coordinates are lon/lat WGS 84 "
            "(RFC 7946): reproject to EPSG:4326 and remove the member"
        )
    features = document.get("features")
    if not isinstance(features, list):
        raise BadSites(f"{file}: 'features' must be a list of GeoJSON features")
    if not features:
        raise BadSites(f"{file}: holds no features; add at least one of kind 'aoi'")
    return document


def _is_wgs84(crs: object) -> bool:
    # Common exporters write the default in the old form; it says what RFC 7946 says anyway.
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    return name == "urn:ogc:def:crs:OGC:1.3:CRS84"


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _feature(raw: object, number: int, file: str) -> _Feature:
    where = f"{file}: feature {number}"
    if not isinstance(raw, dict) or raw.get("type") != "Feature":
        raise BadSites(f"{where}: not a GeoJSON Feature")
    properties = raw.get("properties")
    if not isinstance(properties, dict):
        raise BadSites(f"{where}: has no properties; it needs at least site, zone and kind")
    site = _text(properties, "site", where)
    kind = _text(properties, "kind", where)
    zone = "aoi" if kind == "aoi" and "zone" not in properties else _text(properties, "zone", where)
    where = f"{where} ({site}.{zone})"
    if not _SITE_ID.fullmatch(site):
        raise BadSites(f"{where}: site id {site!r} names an output folder; use letters, digits, '-' and '_'")
    if kind not in ZONE_KINDS | {"aoi"}:
        raise BadSites(f"{where}: unknown kind {kind!r}; use one of aoi, {', '.join(sorted(ZONE_KINDS))}")
    if "crs" in raw or (isinstance(raw.get("geometry"), dict) and "crs" in raw["geometry"]):
        raise BadSites(f"{where}: has a 'crs' member; reproject to lon/lat WGS 84 (EPSG:4326) and remove it")
    geometry = _geometry(raw.get("geometry"), where, kind=kind, watch=_watch(properties, kind, where))
    return _Feature(where=where, site=site, zone=zone, kind=kind, geometry=geometry, properties=properties)


def _text(properties: Mapping[str, Any], name: str, where: str) -> str:
    if name not in properties or properties[name] is None:
        raise BadSites(f"{where}: property '{name}' is missing; add it")
    value = properties[name]
    if not isinstance(value, str) or not value.strip():
        raise BadSites(f"{where}: property '{name}' must be a text, found {value!r}")
    return value


def _optional_text(properties: Mapping[str, Any], name: str, where: str) -> str | None:
    return None if properties.get(name) in (None, "") else _text(properties, name, where)


def _watch(properties: Mapping[str, Any], kind: str, where: str) -> bool:
    watch = properties.get("watch")
    if watch is None:
        return kind not in {"aoi", "control", "reference_point"}
    if not isinstance(watch, bool):
        raise BadSites(f"{where}: property 'watch' must be true or false, found {watch!r}")
    return watch


def _geometry(raw: object, where: str, *, kind: str, watch: bool) -> BaseGeometry:
    allowed = _TYPES.get(kind, _WATCHED if watch else _UNWATCHED)
    if not isinstance(raw, dict) or raw.get("type") not in allowed:
        found = raw.get("type") if isinstance(raw, dict) else raw
        raise BadSites(f"{where}: geometry must be {' or '.join(allowed)}, found {found}")
    try:
        for number, ring in enumerate(rings(raw), start=1):
            _check_ring(ring, f"{where}, ring {number}", closed=raw["type"] != "Point")
        geometry = shapely.force_2d(shape(raw))
    except (
        TypeError,
        ValueError,
        KeyError,
        IndexError,
        AttributeError,
        shapely.errors.ShapelyError,
    ) as error:
        raise BadSites(f"{where}: coordinates are not those of a {raw['type']} ({error})") from error
    if geometry.is_empty:
        raise BadSites(f"{where}: the geometry is empty; draw an outline")
    if not geometry.is_valid:
        reason = shapely.is_valid_reason(geometry)
        raise BadSites(
            f"{where}: the outline is not valid ({reason}); redraw it so that it does not cross itself"
        )
    return geometry


def _check_ring(ring: list[Any], where: str, *, closed: bool) -> None:
    for position in ring:
        numbers = position[:2]
        if len(numbers) < 2 or not all(_is_number(n) for n in numbers):
            raise BadSites(f"{where}: position {position!r} is not [longitude, latitude]")
        lon, lat = numbers
        if abs(lat) > 90 and abs(lon) <= 90 and abs(lat) <= 180:
            raise BadSites(
                f"{where}: latitude {lat} is beyond 90, longitude and latitude look swapped; write [lon, lat]"
            )
        if abs(lat) > 90 or abs(lon) > 180:
            raise BadSites(
                f"{where}: [{lon}, {lat}] is not a place in degrees; reproject the file to lon/lat WGS 84 (EPSG:4326)"
            )
    if closed and len(ring) < 4:
        raise BadSites(
            f"{where}: {len(ring)} positions do not make an area; at least four, the last like the first"
        )
    if closed and ring[0][:2] != ring[-1][:2]:
        raise BadSites(f"{where}: the ring is not closed; repeat its first position at the end")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _site(name: str, members: list[_Feature], file: str, *, known: Mapping[str, Site], credit: str) -> Site:
    areas = [member for member in members if member.kind == "aoi"]
    if not areas:
        raise BadSites(f"{file}: site {name!r} has no AOI; add one feature of kind 'aoi'")
    if len(areas) > 1:
        raise BadSites(
            f"{areas[1].where}: site {name!r} has {len(areas)} AOIs; keep one, give others a site of their own"
        )
    area = areas[0]
    check_extent(area.geometry, area.where)
    check_known(area.geometry, known, area.where)
    for member in members:
        check_near(member.geometry, area.geometry, member.where)
    zones: dict[str, Zone] = {}
    for member in members:
        if member.kind == "aoi":
            continue
        if member.zone in zones or member.zone == area.zone:
            raise BadSites(
                f"{member.where}: zone id {member.zone!r} is used twice in site {name!r}; rename one"
            )
        zones[member.zone] = _zone(member)
    _check_parents(name, members)
    return Site(
        id=name,
        name=_optional_text(area.properties, "name", area.where) or name,
        aoi=area.geometry,
        crs=working_crs(area.geometry, area.properties.get("crs"), area.where),
        zones=zones,
        attribution=_optional_text(area.properties, "attribution", area.where) or credit,
    )


def _zone(member: _Feature) -> Zone:
    properties, where = member.properties, member.where
    confidence = _text(properties, "confidence", where)
    if confidence not in CONFIDENCES:
        raise BadSites(f"{where}: confidence {confidence!r} must be one of {', '.join(CONFIDENCES)}")
    error_m = properties.get("position_error_m")
    if error_m is None:
        raise BadSites(
            f"{where}: property 'position_error_m' is missing; say in metres how far the outline may be off"
        )
    if not _is_number(error_m) or error_m < 0:
        raise BadSites(f"{where}: position_error_m must be a number of metres, 0 or more, found {error_m!r}")
    return Zone(
        id=member.zone,
        name=_optional_text(properties, "name", where) or member.zone.replace("_", " "),
        kind=member.kind,
        geometry=member.geometry,
        position_error_m=float(error_m),
        confidence=confidence,
        source=_text(properties, "source", where),
        watch=_watch(properties, member.kind, where),
        parent=_optional_text(properties, "parent", where),
        note=_optional_text(properties, "note", where),
    )


def _check_parents(name: str, members: list[_Feature]) -> None:
    ids = {member.zone for member in members}
    for member in members:
        parent = _optional_text(member.properties, "parent", member.where)
        if parent is not None and parent.removeprefix(f"{name}.") not in ids:
            raise BadSites(
                f"{member.where}: parent {parent!r} is not a zone of site {name!r}; correct or remove it"
            )
