"""Whether an image can be put on a map: which ones cannot, why, and what to do about it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import shapely
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from imagery.drivers import open_raster
from imagery.geometry import apart_km, reprojected, swapped
from imagery.open import ImageInfo
from imagery.raster import gsd_m
from imagery.site import Site
from imagery.sources.delivered import Delivered
from imagery.sources.delivery import has_sensor_model

PIXEL_RANGE_M = (0.05, 250.0)
"""Pixel sizes outside of this are not of a satellite image that could show anything of a site."""

_NULL_ISLAND_DEG = 0.05
_ORTHORECTIFY = (
    "orthorectify it first (gdalwarp -rpc -to RPC_DEM=dem.tif, or otbcli_OrthoRectification of Orfeo ToolBox), or "
    "order it map-projected"
)


def outline_lonlat(info: ImageInfo) -> BaseGeometry:
    """The extent of a georeferenced image as a polygon in lon/lat."""
    grid = info.grid
    rows, cols = grid.shape
    corners = shapely.Polygon([grid.affine * c for c in ((0, 0), (cols, 0), (cols, rows), (0, rows))])
    crs = CRS.from_user_input(str(grid.crs))
    segment = max(corners.length / 80.0, 1e-9)
    return reprojected(corners, crs, CRS.from_epsg(4326), segment=segment)


def why_no_place(
    path: Path, info: ImageInfo, vendor: Iterable[Delivered], beside: Mapping[str, Path]
) -> str | None:
    """Why an image cannot be placed, and what to do; None where it says where it lies.

    Parameters
    ----------
    vendor : iterable of Delivered
        The vendor's metadata about it.
    beside : mapping of lower-case name to Path
        From `imagery.sources.delivery.vendor_files` of its folder.
    """
    rpcs, gcps = _models(path)
    unprojected = next((found for found in vendor if found.projected is False), None)
    if unprojected is not None and (rpcs or not _on_map(info)):
        level = unprojected.level or "an unprojected product"
        return f"is {level} by {unprojected.path.name}, not laid onto a map: {_ORTHORECTIFY}"
    if info.georeferenced:
        return None
    if rpcs or has_sensor_model(path, beside):
        return f"has a sensor model (RPC) but is not laid onto a map: {_ORTHORECTIFY}"
    if gcps:
        return (
            "has ground control points but is not laid onto a map: warp it first (gdalwarp -t_srs EPSG:32636)"
        )
    said = "; ".join(info.notes)
    if "no CRS" in said:
        return (
            "has coordinates but no CRS, so its place is not known; assign the one it was made in "
            "(gdal_edit.py -a_srs EPSG:32636 FILE)"
        )
    return (
        f"has no georeference{f' ({said})' if said else ''}; assign one, or compare two such images with diff"
    )


def why_wrong_place(info: ImageInfo, sites: Mapping[str, Site]) -> str | None:
    """Why the place that a georeferenced image states cannot be its place; None where nothing speaks against it."""
    pixel_m = gsd_m(info.grid)
    if not PIXEL_RANGE_M[0] <= pixel_m <= PIXEL_RANGE_M[1]:
        return (
            f"its pixels would be {pixel_m:.4g} m; between {PIXEL_RANGE_M[0]:g} and {PIXEL_RANGE_M[1]:g} m is "
            f"possible: check its CRS ({_crs_name(info)}) and transform, or export it again"
        )
    outline = outline_lonlat(info)
    if not outline.is_valid or not all(map(_finite, outline.bounds)):
        return f"its corners do not lie in its CRS ({_crs_name(info)}); assign the right one"
    corner_x, corner_y = info.grid.affine * (0, 0)
    at_origin = abs(corner_x) + abs(corner_y) < 2 * abs(info.grid.affine.a)
    if at_origin or outline.distance(shapely.Point(0, 0)) < _NULL_ISLAND_DEG:
        return (
            "is placed at 0, 0, which is what software writes when it does not know: georeference it, or export "
            "it again with its coordinates"
        )
    for site in sites.values():
        if not outline.intersects(site.aoi) and swapped(outline).intersects(site.aoi):
            x, y = outline.centroid.coords[0]
            return (
                f"longitude and latitude look swapped: it lies at {x:.4f}, {y:.4f}, and on {site.name} when they "
                "are exchanged; export it again with the axes in order"
            )
    return None


def nearest_site(outline: BaseGeometry, sites: Mapping[str, Site]) -> tuple[Site, float] | None:
    """The site nearest to an outline in lon/lat, and how far its AOI is in km."""
    found = [(apart_km(outline, site.aoi), site.id) for site in sites.values()]
    return (sites[min(found)[1]], min(found)[0]) if found else None


def _models(path: Path) -> tuple[bool, bool]:
    """Whether the file itself holds rational polynomial coefficients, and ground control points."""
    with open_raster(path) as dataset:
        return dataset.rpcs is not None, bool(dataset.gcps[0])


def _on_map(info: ImageInfo) -> bool:
    """Whether the file was projected, by whomever; corners in degrees alone may be a rough guess."""
    return info.georeferenced and not CRS.from_user_input(str(info.grid.crs)).is_geographic


def _crs_name(info: ImageInfo) -> str:
    return CRS.from_user_input(str(info.grid.crs)).name


def _finite(value: float) -> bool:
    return abs(value) < 1e6
