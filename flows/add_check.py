"""Images on their way in: what is not known of them, what cannot be true, what to know first, where they lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import shapely
from shapely.geometry.base import BaseGeometry

from flows.add import Newcomer
from imagery.geometry import bearing_deg
from imagery.site import Site
from imagery.sources.folder import asset_of
from imagery.sources.placement import nearest_site

_FIRST_SATELLITE_IMAGE = datetime(1960, 8, 18, tzinfo=UTC)
_GSD_FACTOR = 2.0
_COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


def missing(newcomer: Newcomer) -> tuple[str, ...]:
    """Names of the facts that have to be known before it can be compared, and are not."""
    facts = newcomer.known.facts
    lacking = [name for name in ("acquired", "sensor", "quantity") if getattr(facts, name) is None]
    if facts.sensor == "sar" and facts.relative_orbit is None:
        lacking.append("relative_orbit")
    info = newcomer.data[0].info
    if facts.quantity == "reflectance" and facts.scale is None and info.scales[0] == 1.0:
        lacking += ["scale"] if not info.dtype.startswith("float") else []
    return tuple(lacking)


def faults(newcomer: Newcomer, *, now: datetime | None = None) -> tuple[str, ...]:
    """What cannot be true of what is known."""
    now = now or datetime.now(UTC)
    found, state = [], newcomer.known
    facts = state.facts
    if facts.acquired is not None and facts.acquired > now + timedelta(minutes=5):
        found.append(
            f"taken {facts.acquired:%Y-%m-%d %H:%M} UTC by {state.origins['acquired']}, which lies in the "
            "future; correct it, or give --acquired"
        )
    if facts.acquired is not None and facts.acquired < _FIRST_SATELLITE_IMAGE:
        found.append(
            f"taken {facts.acquired:%Y-%m-%d} by {state.origins['acquired']}, before there were satellite images; "
            "give --acquired"
        )
    told_gsd = newcomer.told.gsd_m
    if told_gsd is not None and not 1 / _GSD_FACTOR <= told_gsd / newcomer.gsd_m <= _GSD_FACTOR:
        found.append(f"--gsd {told_gsd:g} m, but the pixels of the file are {newcomer.gsd_m:.3g} m")
    for image in newcomer.data:
        bands = newcomer.told.bands
        if bands is not None and not newcomer.in_bands and len(bands) != len(image.info.bands):
            found.append(f"--bands names {len(bands)} bands, {image.path.name} has {len(image.info.bands)}")
    return tuple(found)


def notes(newcomer: Newcomer, unused: Mapping[str, str]) -> tuple[str, ...]:
    """What an analyst should know before using it."""
    state = newcomer.known
    facts = state.facts
    found = [note for image in newcomer.data for note in image.notes]
    if facts.gsd_m is not None and not 1 / _GSD_FACTOR <= facts.gsd_m / newcomer.gsd_m <= _GSD_FACTOR:
        found.append(
            f"{state.origins['gsd_m']} says {facts.gsd_m:g} m, the pixels of the file are {newcomer.gsd_m:.3g} m"
        )
    if facts.acquired is not None and facts.time_known is False:
        found.append("only the day is known, not the hour: shadows and tide cannot be judged")
    if state.origins.get("acquired", "").startswith("its TIFF date"):
        found.append(
            "its only date is the TIFF's, which is often that of processing: check it, or give --acquired"
        )
    bands = asset_of(newcomer.data[0]).bands
    if newcomer.told.bands is None and any(name.startswith("band") for name in bands):
        example = "vv" if facts.sensor == "sar" else "red,green,blue,nir"
        found.append(
            f"its bands are not named, so they are compared in their order; --bands {example} names them"
        )
    if newcomer.name in unused:
        found.append(unused[newcomer.name])
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where something lies about a site.

    Parameters
    ----------
    site : Site
    covers : float
        Share of the AOI it covers, 0 to 1.
    inside : float
        Share of it that lies in the AOI.
    zones : tuple of str
        Names of the watched zones in view, those that it shows whole first.
    distance_km : float
        To the AOI, 0 where it reaches it.
    direction : str
        From the AOI, as a person says it.
    """

    site: Site
    covers: float
    inside: float
    zones: tuple[str, ...]
    distance_km: float
    direction: str


def places(newcomer: Newcomer, sites: Mapping[str, Site]) -> tuple[Place, ...]:
    """The sites it overlaps; the nearest one where it overlaps none."""
    area = shapely.union_all(newcomer.outlines)
    found = tuple(_place(area, site, 0.0) for site in sites.values() if area.intersects(site.aoi))
    nearest = nearest_site(area, sites)
    if found or nearest is None:
        return found
    return (_place(area, *nearest),)


def _place(area: BaseGeometry, site: Site, distance_km: float) -> Place:
    common = area.intersection(site.aoi).area
    seen = [z for z in site.zones.values() if z.watch and area.intersects(z.geometry)]
    seen.sort(key=lambda zone: not area.covers(zone.geometry))
    towards = bearing_deg(site.aoi.centroid, area.centroid)
    return Place(
        site=site, covers=min(1.0, common / site.aoi.area), inside=min(1.0, common / area.area),
        zones=tuple(zone.name for zone in seen),
        distance_km=distance_km, direction=_COMPASS[round(towards / 45.0) % 8],
    )  # fmt: skip
