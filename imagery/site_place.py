"""Whether the outlines of a site lie where they can: extent, order of lon and lat, working CRS."""

from collections.abc import Mapping

import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError
from shapely.geometry.base import BaseGeometry

from imagery.errors import BadSites
from imagery.geometry import apart_km, swapped, utm_crs
from imagery.site import Site

MAX_AOI_KM = 400.0
"""Beyond this a single UTM zone distorts distances noticeably."""

MAX_ZONE_KM = 100.0
"""How far from its AOI a zone may lie; anchorages lie tens of kilometres off."""

_SWAP_KM = 20.0
_CRS_MARGIN_DEG = 6.0


def check_extent(aoi: BaseGeometry, where: str) -> None:
    """Refuse an AOI that is no place to watch."""
    west, south, east, north = aoi.bounds
    if east - west > 180 or apart_km(shapely.Point(west, south), shapely.Point(east, north)) > MAX_AOI_KM:
        raise BadSites(
            f"{where}: the AOI spans from [{west}, {south}] to [{east}, {north}], more than "
            f"{MAX_AOI_KM:.0f} km; draw the place to watch, and split it at the date line"
        )


def check_known(aoi: BaseGeometry, known: Mapping[str, Site], where: str) -> None:
    """Both orders of a pair of numbers may be places on Earth; a place that is known tells them apart."""
    for site in known.values():
        if swapped(aoi).intersects(site.aoi) and apart_km(aoi, site.aoi) > _SWAP_KM:
            raise BadSites(
                f"{where}: longitude and latitude look swapped: exchanged, the AOI lies on {site.name}; "
                "write [lon, lat]"
            )


def check_near(zone: BaseGeometry, aoi: BaseGeometry, where: str) -> None:
    """Refuse a zone that is not about its site."""
    away_km = apart_km(zone, aoi)
    if away_km <= _SWAP_KM:
        return
    if apart_km(swapped(zone), aoi) < away_km / 4:
        raise BadSites(
            f"{where}: longitude and latitude look swapped, here or in the AOI: it lies {away_km:.0f} km from "
            "its AOI, and beside it when they are exchanged; write [lon, lat]"
        )
    if away_km > MAX_ZONE_KM:
        raise BadSites(
            f"{where}: lies {away_km:.0f} km from its AOI, more than {MAX_ZONE_KM:.0f} km; correct its "
            "coordinates or give it a site of its own"
        )


def working_crs(aoi: BaseGeometry, stated: object, where: str) -> CRS:
    """The CRS to work in: the one `stated` (metres), or the UTM zone of the AOI's centre."""
    if stated is None:
        return utm_crs(aoi.centroid.x, aoi.centroid.y)
    try:
        crs = CRS.from_user_input(stated)
    except CRSError as error:
        raise BadSites(f"{where}: crs {stated!r} is not known; write for example 'EPSG:32636'") from error
    if not crs.is_projected or any(axis.unit_conversion_factor != 1.0 for axis in crs.axis_info[:2]):
        raise BadSites(
            f"{where}: working crs {stated!r} is not in metres; name a projected one (a UTM zone), "
            "coordinates stay lon/lat"
        )
    _check_crs_place(aoi, crs, stated, where)
    return crs


def _check_crs_place(aoi: BaseGeometry, crs: CRS, stated: object, where: str) -> None:
    use = crs.area_of_use
    if use is None or use.west > use.east:
        return
    # Neighbouring zones are commonly used a little beyond their edges.
    margin = _CRS_MARGIN_DEG
    place = shapely.box(use.west - margin, use.south - margin, use.east + margin, use.north + margin)
    if place.intersects(aoi):
        return
    if place.intersects(swapped(aoi)):
        raise BadSites(f"{where}: longitude and latitude look swapped for crs {stated!r}; write [lon, lat]")
    raise BadSites(f"{where}: crs {stated!r} is meant for {use.name}, not for this place; leave it out")
