"""From one STAC Item to a scene: Sentinel-2 and Sentinel-1 as the public archives write them, and plain images.

Item and asset fields follow STAC 1.0 and 1.1 with the eo, raster, proj, view, sat, sar, file and grid extensions.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape

from imagery.listing import LeftOut
from imagery.scene import Scene
from imagery.sources.facts import BadFact, Facts, facts_from_mapping, implied_sensor, moment, number, quantity
from imagery.sources.names_sentinel import datatake_key, off_nadir_deg, product_scaling
from imagery.sources.providers import Provider
from imagery.sources.stac_assets import granule_href, pick_assets

Item = Mapping[str, Any]


class UnusableItem(ValueError):
    """An item that cannot become a scene; the message says why and what to do."""


def scene_from_item(item: Item, base: str, *, source: str, provider: Provider | None = None) -> Scene:
    """Read one STAC Item.

    Parameters
    ----------
    item : mapping
        The Item's JSON.
    base : str
        Address of the document it comes from; relative hrefs start there.
    source : str
        Name of the source.
    provider : Provider, optional
        Whose item it is: its addresses have to keep the provider's rules, and what the provider says of the
        collection counts where the item says nothing.

    Raises
    ------
    UnusableItem
    """
    facts = _completed(facts_from_item(item), provider)
    if facts.acquired is None:
        raise UnusableItem("states no acquisition time ('datetime')")
    if facts.sensor is None:
        raise UnusableItem("does not say whether it is optical or radar; add 'sitewatch:sensor'")
    _refuse_uncorrected(item, facts)
    measured = facts.quantity or ("dn" if facts.sensor == "optical" else None)
    if measured is None:
        raise UnusableItem(
            "does not say which radar quantity its pixels hold; add 'sitewatch:quantity', for example 'gamma0'"
        )
    try:
        picked = pick_assets(item, base, sensor=facts.sensor, facts=facts, provider=provider)
    except BadFact as error:
        raise UnusableItem(str(error)) from error
    gsd_m = picked.gsd_m or facts.gsd_m
    if gsd_m is None:
        raise UnusableItem("states no ground sample distance ('gsd')")
    return Scene(
        id=facts.id or "unnamed", source=source, collection=facts.collection or "unknown",
        platform=facts.platform or "unknown", sensor=facts.sensor, quantity=measured, in_db=bool(facts.in_db),
        acquired=facts.acquired, time_known=facts.time_known is not False, gsd_m=gsd_m, assets=picked.assets,
        footprint=outline_of(item), cloud_cover_pct=facts.cloud_cover_pct,
        view_off_nadir_deg=facts.view_off_nadir_deg, view_azimuth_deg=facts.view_azimuth_deg,
        sun_azimuth_deg=facts.sun_azimuth_deg, sun_elevation_deg=facts.sun_elevation_deg,
        relative_orbit=facts.relative_orbit, orbit_state=facts.orbit_state,
        processing_baseline=facts.processing_baseline, datatake=facts.datatake, tile=facts.tile,
        offset_applied=facts.offset_applied, licence=facts.licence, attribution=facts.attribution,
        simulated=_is_simulated(item), granule=granule_href(item, base, provider),
    )  # fmt: skip


def _completed(facts: Facts, provider: Provider | None) -> Facts:
    offered = provider.offered(facts.collection or "") if provider is not None else None
    if provider is None:
        return facts
    said = Facts(licence=provider.licence, attribution=provider.attribution)
    if offered is not None:
        said = replace(said, sensor=offered.sensor)
        if offered.quantity is not None:
            said = replace(said, quantity=offered.quantity, in_db=offered.in_db)
    return facts.over(said)


def _is_simulated(item: Item) -> bool:
    """Whether the item says that it was drawn, as those of the demo archive do wherever they are copied to."""
    return item["properties"].get("sitewatch:simulated") is True


def offered_scene(
    item: Item, address: str, *, source: str, provider: Provider | None = None
) -> Scene | LeftOut:
    """The scene of an item, or the item with the reason why there is none; whatever the item holds."""
    try:
        return scene_from_item(item, address, source=source, provider=provider)
    except UnusableItem as error:
        reason = str(error)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        reason = f"is malformed: {error}"
    properties = item.get("properties")
    stated = properties if isinstance(properties, Mapping) else {}
    return LeftOut(
        scene_id=str(item.get("id") or address),
        acquired=_when(stated.get("datetime")),
        reason=reason,
        platform=str(stated.get("platform") or "unknown").lower(),
    )


def _when(value: object) -> datetime | None:
    try:
        return moment(value)[0]
    except BadFact:
        return None


def facts_from_item(item: Item) -> Facts:
    """The facts in an Item's properties.

    Raises
    ------
    UnusableItem
        It is not an Item, or a value in it cannot be understood.
    """
    properties = item.get("properties")
    if item.get("type") != "Feature" or not isinstance(properties, Mapping):
        raise UnusableItem("is not a STAC Item (a GeoJSON Feature with properties)")
    identity = item.get("id")
    if not isinstance(identity, str) or not identity:
        raise UnusableItem("has no id")
    try:
        return _facts(item, identity, properties)
    except (BadFact, TypeError, AttributeError, KeyError) as error:
        raise UnusableItem(f"has a value that cannot be understood: {error}") from error


def _facts(item: Item, identity: str, properties: Mapping[str, Any]) -> Facts:
    collection = item.get("collection") or ""
    platform = str(properties.get("platform") or properties.get("constellation") or "unknown").lower()
    stated_time = _first(properties, "datetime", "start_datetime")
    if stated_time is None:
        raise BadFact("no 'datetime'")
    acquired, known = moment(stated_time)
    product = f"{properties.get('s2:product_uri') or ''} {identity}"
    measured, in_db = _quantity(properties, f"{collection} {identity}")
    sensor = _sensor(properties, collection, platform, measured)
    shared = facts_from_mapping({
        "gsd_m": properties.get("gsd"), "cloud_cover_pct": properties.get("eo:cloud_cover"),
        "view_azimuth_deg": properties.get("view:azimuth"),
        "view_off_nadir_deg": _off_nadir(properties, platform),
        "sun_azimuth_deg": _first(properties, "view:sun_azimuth", "s2:mean_solar_azimuth"),
        "sun_elevation_deg": _sun_elevation(properties), "orbit_state": properties.get("sat:orbit_state"),
        "relative_orbit": _first(properties, "sat:relative_orbit") or _matched(r"_R(\d{3})(?:_|$)", product),
        "processing_baseline": _first(properties, "s2:processing_baseline", "processing:version")
        or _baseline(product),
        "offset_applied": properties.get("earthsearch:boa_offset_applied"),
        "licence": _licence(item, properties),
    })  # fmt: skip
    sentinel = "sentinel" in f"{collection} {platform}".lower() and not _is_simulated(item)
    credit = f"Contains modified Copernicus Sentinel data {acquired.year}" if sentinel else _credit(item)
    stated = Facts(
        id=identity, collection=str(collection) or "unknown", platform=platform, sensor=sensor, quantity=measured,
        in_db=in_db, acquired=acquired, time_known=known, datatake=_datatake(properties, platform, product),
        tile=_tile(properties, product), attribution=credit,
    )  # fmt: skip
    stated = stated.over(shared)
    if measured == "reflectance" and "sentinel" in platform:
        # What the product's definition says counts where an asset states nothing itself.
        stated = product_scaling(stated.processing_baseline).over(stated)
    return stated


def _first(properties: Mapping[str, Any], *names: str) -> Any:
    return next((properties[name] for name in names if properties.get(name) is not None), None)


def _matched(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text)
    return found[1] if found else None


def _quantity(properties: Mapping[str, Any], name: str) -> tuple[Any, bool | None]:
    stated = _first(properties, "sitewatch:quantity", "quantity")
    if stated is not None:
        return quantity(stated)
    if re.search(r"sentinel-?2.*l2a|_l2a|msil2a", name, re.IGNORECASE):
        return "reflectance", False
    if re.search(r"sentinel-?1-rtc|_rtc\b", name, re.IGNORECASE):
        # Planetary Computer: radiometrically terrain corrected gamma nought, linear power.
        return "gamma0", False
    return None, None


def _sensor(properties: Mapping[str, Any], collection: str, platform: str, measured: str | None) -> Any:
    stated = _first(properties, "sitewatch:sensor", "sensor")
    if stated in {"optical", "sar"}:
        return stated
    if any(name.startswith("sar:") for name in properties):
        return "sar"
    implied = implied_sensor(collection, platform, measured)
    return implied or ("optical" if any(name.startswith(("eo:", "pl:")) for name in properties) else None)


def _off_nadir(properties: Mapping[str, Any], platform: str) -> float | None:
    stated = properties.get("view:off_nadir")
    incidence = properties.get("view:incidence_angle")
    if stated is None and incidence is not None and "sentinel-2" in platform:
        return off_nadir_deg(number("view:incidence_angle", incidence))
    return None if stated is None else number("view:off_nadir", stated)


def _sun_elevation(properties: Mapping[str, Any]) -> float | None:
    stated = properties.get("view:sun_elevation")
    zenith = properties.get("s2:mean_solar_zenith")
    if stated is None and zenith is not None:
        return 90.0 - number("s2:mean_solar_zenith", zenith)
    return None if stated is None else number("view:sun_elevation", stated)


def _datatake(properties: Mapping[str, Any], platform: str, product: str) -> str | None:
    stated = str(_first(properties, "s2:datatake_id", "eopf:datatake_id") or "")
    optical = re.fullmatch(r"G(S2[A-D])_(\d{8}T\d{6})_.*", stated)
    if optical:
        return datatake_key(optical[1], datetime.strptime(optical[2], "%Y%m%dT%H%M%S").replace(tzinfo=UTC))
    radar = properties.get("s1:datatake_id")
    if radar:
        return f"{platform}_{radar}"
    # The product's full name gives the start of its datatake; archives that keep ESA's files name items by it.
    named = re.search(r"\b(S2[A-D])_MSIL2A_(\d{8}T\d{6})_N\d{4}_R\d{3}_", product)
    return (
        datatake_key(named[1], datetime.strptime(named[2], "%Y%m%dT%H%M%S").replace(tzinfo=UTC))
        if named
        else None
    )


def _baseline(product: str) -> str | None:
    digits = _matched(r"_MSIL2A_\d{8}T\d{6}_N(\d{4})_", product)
    return f"{digits[:2]}.{digits[2:]}" if digits else None


def _tile(properties: Mapping[str, Any], product: str) -> str | None:
    parts = [properties.get(f"mgrs:{name}") for name in ("utm_zone", "latitude_band", "grid_square")]
    if None not in parts:
        return f"{int(str(parts[0])):02d}{parts[1]}{parts[2]}"
    stated = str(_first(properties, "grid:code", "s2:mgrs_tile", "s2:tile_id", "s2:granule_id") or "")
    return _matched(r"(?:^|MGRS-|_T)(\d{2}[A-Z]{3})(?:_|$)", stated) or _matched(
        r"_T(\d{2}[A-Z]{3})(?:_|$)", product
    )


def _licence(item: Item, properties: Mapping[str, Any]) -> str | None:
    stated = properties.get("license")
    if isinstance(stated, str) and stated not in {"", "proprietary", "other", "various"}:
        return stated
    links = item.get("links")
    found = [link for link in links if link.get("rel") == "license"] if isinstance(links, list) else []
    return str(found[0]["href"]) if found and found[0].get("href") else stated


def _credit(item: Item) -> str | None:
    providers = item["properties"].get("providers")
    names = (
        [p.get("name") for p in providers if isinstance(p, Mapping)] if isinstance(providers, list) else []
    )
    credit = ", ".join(str(name) for name in names if name)
    if not credit or _is_simulated(item):
        return credit or None
    return f"© {credit}"


def _refuse_uncorrected(item: Item, facts: Facts) -> None:
    """Ground-range radar in the satellite's own geometry shifts by terrain: two dates would not match."""
    properties = item["properties"]
    if facts.sensor != "sar" or facts.quantity is not None:
        return
    name = f"{facts.collection} {facts.id} {properties.get('sar:product_type')}".lower()
    if re.search(r"grd|slc|sgf|ssc", name):
        raise UnusableItem(
            "radar without terrain correction cannot be compared; use its RTC product, or project it and say "
            "what it measures with 'sitewatch:quantity'"
        )


def outline_of(item: Item) -> Mapping[str, object]:
    """The item's geometry, repaired where it crosses itself.

    Raises
    ------
    UnusableItem
        It has none in lon/lat.
    """
    try:
        outline = shape(item["geometry"])
        if not outline.is_valid:
            outline = outline.buffer(0)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ShapelyError) as error:
        raise UnusableItem(f"has no usable geometry ({error})") from error
    west, south, east, north = outline.bounds if not outline.is_empty else (0.0, 99.0, 0.0, 99.0)
    if outline.area == 0 or south < -90 or north > 90 or west < -360 or east > 360:
        raise UnusableItem("has no usable geometry (empty, or not in lon/lat)")
    found: Mapping[str, object] = mapping(outline)
    return found
