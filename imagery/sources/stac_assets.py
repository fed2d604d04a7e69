"""Which assets of a STAC Item hold the pixels to compare, and what the item says about their numbers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from imagery.raster import Sensor
from imagery.scene import Asset
from imagery.sources.facts import BadFact, Facts, number
from imagery.sources.providers import Provider

_COLOURS = ("red", "green", "blue", "nir")
_S2_NUMBERS = {"red": "B04", "green": "B03", "blue": "B02", "nir": "B08"}
_POLARISATIONS = ("vv", "vh", "hh", "hv")
_IMAGE_TYPES = (
    "image/tiff",
    "image/jp2",
    "image/x.geotiff",
    "image/png",
    "image/jpeg",
    "application/geotiff",
)
_IMAGE_NAMES = (".tif", ".tiff", ".jp2", ".png", ".jpg", ".jpeg")
_NOT_DATA = frozenset(
    {"thumbnail", "overview", "metadata", "preview", "tiles", "cloud", "snow-ice", "quicklook"}
)


class Forbidden(BadFact):
    """An address that the provider of the item does not allow: the item is not what it should be."""


@dataclass(frozen=True, kw_only=True)
class Picked:
    """The chosen assets and their ground sample distance, where the item states it."""

    assets: dict[str, Asset]
    gsd_m: float | None


def resolve(href: str, base: str, provider: Provider | None = None) -> str:
    """Absolute path or URL of `href` as written in the document at `base`.

    Raises
    ------
    Forbidden
        The provider does not allow it.
    BadFact
        It names something that is neither a file nor an http(s) address, or a remote document names a local file.
    """
    remote = urlsplit(base).scheme in {"http", "https"}
    scheme = urlsplit(href).scheme.lower()
    if provider is not None:
        address = href if len(scheme) > 1 else urljoin(base, href)
        if reason := provider.forbids(address):
            raise Forbidden(f"{address} cannot be used: {reason}")
        return unsigned(address) if provider.signing != "none" else address
    if scheme in {"http", "https"}:
        return href
    if (scheme and len(scheme) > 1) or href.startswith("/vsi"):
        if scheme == "file" and not remote:
            return unquote(urlsplit(href).path)
        raise BadFact(f"{href} cannot be fetched: only files and http(s) addresses are read")
    if remote:
        return urljoin(base, href)
    return str((Path(base).parent / href).resolve())


def unsigned(href: str) -> str:
    """An address without its signature: signed ones expire, and would make one file look like many."""
    return urlsplit(href)._replace(query="", fragment="").geturl()


def pick_assets(
    item: Mapping[str, Any], base: str, *, sensor: Sensor, facts: Facts, provider: Provider | None = None
) -> Picked:
    """The assets to compare.

    Parameters
    ----------
    item : mapping
        A STAC Item's JSON.
    base : str
        Where it comes from.
    sensor : {"optical", "sar"}
    facts : Facts
        Of the item; its bands and scale count where an asset says nothing.
    provider : Provider, optional
        Whose rules the addresses have to keep.

    Raises
    ------
    BadFact
        No asset can be used; the message says why.
    """
    given = item.get("assets")
    if not isinstance(given, Mapping) or not given:
        raise BadFact("has no assets")
    offered = {str(name): asset for name, asset in given.items() if isinstance(asset, Mapping)}
    names = _polarised(offered) if sensor == "sar" else _coloured(offered)
    if not names:
        names = _plain(offered)
    if not names:
        raise BadFact(f"none of its assets holds pixels to compare ({', '.join(sorted(offered)[:12])})")
    assets, sizes, refused = {}, [], []
    for label, name, bands in names:
        try:
            assets[label] = _asset(offered[name], item, base, bands=bands, facts=facts, provider=provider)
        except Forbidden:
            raise
        except BadFact as error:
            refused.append(str(error))
            continue
        sizes.append(_size_m(offered[name], item))
    if not assets:
        raise BadFact(f"its assets cannot be read: {refused[0]}")
    if sensor == "optical":
        assets |= _quality(offered, item, base, provider)
    stated = [size for size in sizes if size is not None]
    return Picked(assets=assets, gsd_m=min(stated) if stated else None)


def granule_href(item: Mapping[str, Any], base: str, provider: Provider | None = None) -> str | None:
    """Where the metadata of a Sentinel-2 granule lies; None where nothing says so, or it may not be read."""
    given = item.get("assets")
    for name in ("granule_metadata", "granule-metadata"):
        asset = given.get(name) if isinstance(given, Mapping) else None
        if isinstance(asset, Mapping):
            try:
                return _href(asset, base, provider)
            except BadFact:
                continue
    return None


def facts_of_asset(item: Mapping[str, Any], filename: str) -> Facts:
    """What an item says about the numbers of its asset that has this file name; nothing where it has none."""
    given = item.get("assets")
    for asset in given.values() if isinstance(given, Mapping) else ():
        if (
            isinstance(asset, Mapping)
            and urlsplit(str(asset.get("href") or "")).path.rsplit("/", 1)[-1] == filename
        ):
            bands = tuple(_band_name(band, i) for i, band in enumerate(_bands(asset), start=1))
            return Facts(
                bands=bands or None,
                scale=_stated(asset, {}, "scale"),
                offset=_stated(asset, {}, "offset"),
                nodata=_stated(asset, {}, "nodata"),
            )
    return Facts()


Choice = tuple[str, str, tuple[str, ...]]
"""Label in the scene, name in the item, band names."""


def _coloured(offered: Mapping[str, Mapping[str, Any]]) -> list[Choice]:
    """One asset per common band, as Sentinel-2 and Landsat archives give them."""
    found: list[Choice] = []
    for colour in _COLOURS:
        named = [name for name in offered if _is_colour(name, offered[name], colour)]
        if named:
            found.append(
                (colour, min(named, key=lambda name: _preference(name, offered[name], colour)), (colour,))
            )
    return found if len(found) > 1 else []


def _is_colour(name: str, asset: Mapping[str, Any], colour: str) -> bool:
    if not _has_pixels(asset):
        return False
    number_ = _S2_NUMBERS[colour]
    bands = _bands(asset)
    if len(bands) == 1:
        return str(bands[0].get("common_name", bands[0].get("eo:common_name"))) == colour
    return not bands and (name == colour or re.fullmatch(rf"{number_}(_10m)?", name) is not None)


def _preference(name: str, asset: Mapping[str, Any], colour: str) -> tuple[bool, bool, float, str]:
    plain = name in {colour, _S2_NUMBERS[colour], f"{_S2_NUMBERS[colour]}_10m"}
    jpeg2000 = "jp2" in str(asset.get("type")) or str(asset.get("href")).endswith(".jp2")
    return not plain, jpeg2000, _number(asset.get("gsd")) or 0.0, name


def _polarised(offered: Mapping[str, Mapping[str, Any]]) -> list[Choice]:
    return [
        (pol, name, (pol,))
        for pol in _POLARISATIONS
        for name in sorted(offered, key=len)
        if name.lower() == pol and _has_pixels(offered[name])
    ]


def _plain(offered: Mapping[str, Mapping[str, Any]]) -> list[Choice]:
    """The one image of an item that is a single image, the sharpest of several renderings."""
    data = [n for n in offered if _has_pixels(offered[n]) and _quality_kind(n, offered[n]) is None]
    stated = [n for n in data if "data" in _roles(offered[n]) or n.lower() in {"data", "image", "visual"}]
    candidates = stated or data
    if not candidates:
        return []
    best = min(candidates, key=lambda n: (_size_m(offered[n], {}) or 0.0, -len(_bands(offered[n])), n))
    names = tuple(_band_name(band, i) for i, band in enumerate(_bands(offered[best]), start=1))
    return [("data", best, names)]


def _band_name(band: Mapping[str, Any], position: int) -> str:
    name = band.get("common_name") or band.get("eo:common_name") or band.get("name") or f"band{position}"
    return str(name).lower()


def _quality(
    offered: Mapping[str, Mapping[str, Any]], item: Mapping[str, Any], base: str, provider: Provider | None
) -> dict[str, Asset]:
    found: dict[str, Asset] = {}
    for name in sorted(offered, key=lambda n: ("jp2" in n, len(n), n)):
        kind = _quality_kind(name, offered[name])
        if kind is None or kind in found:
            continue
        try:
            href = _href(offered[name], base, provider)
        except Forbidden:
            raise
        except BadFact:
            continue
        nodata = _stated(offered[name], item, "nodata")
        quality: Any = kind
        found[kind] = Asset(
            href=href,
            bands=(kind,),
            role="quality",
            quality=quality,
            nodata=nodata,
            sha256=_sha256(offered[name]),
        )
    return found


def _quality_kind(name: str, asset: Mapping[str, Any]) -> str | None:
    if not _has_pixels(asset):
        return None
    plain = name.lower()
    if re.fullmatch(r"scl(_20m)?(-jp2)?", plain):
        return "scl"
    return "udm2" if "udm2" in plain else None


def _asset(
    asset: Mapping[str, Any], item: Mapping[str, Any], base: str, *, bands: tuple[str, ...], facts: Facts,
    provider: Provider | None,
) -> Asset:  # fmt: skip
    scale, offset = _stated(asset, item, "scale"), _stated(asset, item, "offset")
    nodata = _stated(asset, item, "nodata")
    return Asset(
        href=_href(asset, base, provider),
        bands=bands or facts.bands or (),
        scale=facts.scale if scale is None else scale,
        offset=facts.offset if offset is None else offset,
        nodata=facts.nodata if nodata is None else nodata,
        sha256=_sha256(asset),
    )


def _href(asset: Mapping[str, Any], base: str, provider: Provider | None = None) -> str:
    error = None
    addresses = list(_addresses(asset))
    if provider is not None:
        order = {scheme: place for place, scheme in enumerate(provider.schemes)}
        addresses.sort(key=lambda href: order.get(urlsplit(urljoin(base, href)).scheme.lower(), len(order)))
    for href in addresses:
        try:
            return resolve(href, base, provider)
        except BadFact as refused:
            error = error or refused
    raise error or BadFact("an asset has no href")


def _addresses(asset: Mapping[str, Any]) -> Iterator[str]:
    """The asset's own address, then those of the alternate-assets extension."""
    alternates = asset.get("alternate")
    others = list(alternates.values()) if isinstance(alternates, Mapping) else []
    for holder in (asset, *others):
        if isinstance(holder, Mapping) and isinstance(holder.get("href"), str) and holder["href"]:
            yield holder["href"]


def _has_pixels(asset: Mapping[str, Any]) -> bool:
    kind = str(asset.get("type") or "").lower()
    if _NOT_DATA & set(_roles(asset)):
        return False
    if kind:
        return kind.startswith(_IMAGE_TYPES)
    return urlsplit(str(asset.get("href") or "")).path.lower().endswith(_IMAGE_NAMES)


def _roles(asset: Mapping[str, Any]) -> list[str]:
    roles = asset.get("roles")
    return [str(role) for role in roles] if isinstance(roles, list) else []


def _bands(asset: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    for name in ("bands", "eo:bands"):
        found = asset.get(name)
        if isinstance(found, list) and found and all(isinstance(band, Mapping) for band in found):
            return found
    return ()


def _stated(asset: Mapping[str, Any], item: Mapping[str, Any], name: str) -> float | None:
    """A number of the raster extension, from the asset's first band, the asset, or the item."""
    places: list[Any] = []
    for bands in (asset.get("raster:bands"), asset.get("bands")):
        if isinstance(bands, list) and bands:
            places.append(bands[0])
    properties = item.get("properties")
    places += [asset, properties if isinstance(properties, Mapping) else {}]
    for place in places:
        if not isinstance(place, Mapping):
            continue
        for key in (name, f"raster:{name}"):
            if place.get(key) is not None:
                return number(name, place[key])
    return None


def _size_m(asset: Mapping[str, Any], item: Mapping[str, Any]) -> float | None:
    if _number(asset.get("gsd")) is not None:
        return _number(asset.get("gsd"))
    size = _stated(asset, {}, "spatial_resolution")
    if size is not None:
        return size
    properties = item.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    transform = asset.get("proj:transform") or properties.get("proj:transform")
    # A geographic CRS would give degrees here; pixels of less than a centimetre are not metres.
    if isinstance(transform, list) and len(transform) >= 6 and (_number(transform[0]) or 0.0) > 0.01:
        return _number(transform[0])
    return None


def _number(value: object) -> float | None:
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
    )


def _sha256(asset: Mapping[str, Any]) -> str | None:
    """From the file extension's multihash (12 20 = SHA-256 of 32 bytes)."""
    stated = str(asset.get("file:checksum") or "")
    return stated[4:] if re.fullmatch(r"1220[0-9a-f]{64}", stated) else None
