"""The grid on which a pair of scenes of a site is compared."""

import math

from odc.geo.geobox import GeoBox
from pyproj import CRS
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from imagery.access import Access, access_of
from imagery.address import public_href
from imagery.errors import MissingMetadata
from imagery.geometry import projected
from imagery.grid import site_grid
from imagery.open import describe
from imagery.raster import gsd_m
from imagery.scene import Scene
from imagery.site import Site

CROP_BELOW = 0.5
"""A pair that covers less of the AOI's frame than this is compared on its own part of the site's grid alone: it was
never meant to show the whole site. Above it, what is missing counts as not assessed."""

_SIGNIFICANT = 3


def scene_grid(site: Site, scene: Scene) -> GeoBox:
    """The site's grid at a scene's own resolution, on the scene's own pixel edges where it is in the site's CRS.

    Parameters
    ----------
    site : Site
    scene : Scene
        Its files are opened for their headers: they, not the metadata, say how large a pixel is.

    Raises
    ------
    MissingMetadata
        A file has no georeference.
    """
    access = access_of(scene)
    grids = [_placed(asset.href, access) for asset in scene.assets.values() if asset.role == "data"]
    finest = min(grids, key=gsd_m)
    if CRS.from_user_input(str(finest.crs)) == site.crs and not finest.affine.b:
        return site_grid(site, float(finest.affine.a), anchor=finest.affine)
    return site_grid(site, _rounded(gsd_m(finest)))


def pair_grid(site: Site, before: Scene, after: Scene) -> GeoBox:
    """The part of the site's grid on which two scenes are compared, at the coarser one's resolution."""
    grid = max(scene_grid(site, before), scene_grid(site, after), key=gsd_m)
    common = _outline(before, grid).intersection(_outline(after, grid))
    rows, cols = grid.shape
    common = common.intersection(box(0, 0, cols, rows))
    if common.is_empty or common.area >= CROP_BELOW * rows * cols:
        return grid
    col0, row0, col1, row1 = common.bounds
    return grid[
        math.floor(row0) : min(rows, math.ceil(row1)),
        math.floor(col0) : min(cols, math.ceil(col1)),
    ]


def is_part(site: Site, grid: GeoBox) -> bool:
    """Whether a grid shows less than the whole AOI."""
    frame = grid.boundingbox
    pixel = abs(float(grid.affine.a))
    return not box(*frame.bbox).buffer(pixel).covers(projected(site.aoi, site.crs))


def _outline(scene: Scene, grid: GeoBox) -> BaseGeometry:
    """What the files of a scene and its siblings cover, in pixels of `grid` (x along a row)."""
    covered: BaseGeometry = box(0, 0, 0, 0)
    to_pixels = ~grid.affine
    for part in (scene, *scene.siblings):
        for asset in part.assets.values():
            if asset.role != "data":
                continue
            extent = _placed(asset.href, access_of(part)).extent.to_crs(grid.crs).geom
            corners = [to_pixels * point for point in extent.exterior.coords]
            xs, ys = zip(*corners, strict=True)
            covered = covered.union(box(min(xs), min(ys), max(xs), max(ys)))
    return covered


def _placed(href: str, access: Access) -> GeoBox:
    info = describe(href, access)
    if info.georeferenced:
        return info.grid
    raise MissingMetadata(
        f"{public_href(href)}: {', '.join(info.notes) or 'has no georeference'}; a scene of a site needs one: "
        "georeference it, or compare two images with `sitewatch diff`"
    )


def _rounded(value: float) -> float:
    return round(value, _SIGNIFICANT - 1 - math.floor(math.log10(value)))
