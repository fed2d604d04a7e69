"""One acquisition from plan to numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from imagery.grid import site_grid
from imagery.simulate import sensor
from imagery.simulate.acquisition import CROP_GSD_M, CROP_M, CROPS, SERIES_GSD_M, Acquisition
from imagery.simulate.cloud import Clouds, clouds
from imagery.simulate.material import MATERIALS
from imagery.simulate.render import Ground, View, lay_ground, render
from imagery.simulate.site_plan import SitePlan
from imagery.simulate.sun import SunPosition
from imagery.site import Site

SERIES_BANDS = (0, 1, 2, 3)
PICTURE_BANDS = (2, 1, 0)
_FINE = 4
_SCL_M = 20.0
_SCL_SHADOW, _SCL_MEDIUM, _SCL_HIGH = 3, 8, 9


@dataclass(frozen=True, kw_only=True, eq=False)
class Exposure:
    """The numbers of one acquisition.

    Parameters
    ----------
    numbers : uint16 or uint8 (row, col, band)
    grid : GeoBox
    classes : uint8 (row, col) or None
        Scene classification (10 m scenes only), on `class_grid`.
    class_grid : GeoBox or None
    """

    numbers: NDArray[Any]
    grid: GeoBox
    classes: NDArray[np.uint8] | None = None
    class_grid: GeoBox | None = None

    @property
    def cloud_pct(self) -> float:
        """Share of cloud (not its shadow)."""
        if self.classes is None:
            return 0.0
        return round(100 * float(np.isin(self.classes, (_SCL_MEDIUM, _SCL_HIGH)).mean()), 1)


def grid_of(site: Site, plan: SitePlan, crop: str | None) -> GeoBox:
    """Where a series lies: the whole AOI on multiples of 20 m, or a crop on multiples of its pixel size."""
    if crop is None:
        coarse = site_grid(site, _SCL_M)
        rows, cols = coarse.shape
        a = coarse.affine
        return GeoBox(
            (rows * 2, cols * 2), Affine(SERIES_GSD_M, 0, a.c, 0, -SERIES_GSD_M, a.f), site.crs.to_epsg()
        )
    west, south = (
        round((c + o) / 10) * 10 for c, o in zip(plan.corner, CROPS[plan.site_id][crop], strict=True)
    )
    side = round(CROP_M / CROP_GSD_M)
    return GeoBox(
        (side, side), Affine(CROP_GSD_M, 0, west, 0, -CROP_GSD_M, south + CROP_M), site.crs.to_epsg()
    )


def view_of(grid: GeoBox, plan: SitePlan, crop: str | None) -> View:
    """How a grid is drawn: 10 m scenes four times finer than their pixels."""
    fine = _FINE if crop is None else 1
    rows, cols = grid.shape
    return View(
        west_m=grid.affine.c - plan.corner[0],
        north_m=grid.affine.f - plan.corner[1],
        pixel_m=float(grid.affine.a) / fine,
        shape=(rows * fine, cols * fine),
        bands=SERIES_BANDS if crop is None else PICTURE_BANDS,
    )


def ground_of(site: Site, plan: SitePlan, crop: str | None) -> Ground:
    """The ground of a series, to be used for each of its dates."""
    return lay_ground(plan, view_of(grid_of(site, plan, crop), plan, crop))


def expose(
    site: Site, plan: SitePlan, ground: Ground, acquisition: Acquisition, sun: SunPosition
) -> Exposure:
    """Draw one acquisition."""
    grid = grid_of(site, plan, acquisition.crop)
    view = view_of(grid, plan, acquisition.crop)
    image = render(plan, ground, view, acquisition, sun)
    fine = _FINE if acquisition.crop is None else 1
    image = sensor.blur(sensor.displace(image, acquisition, fine), fine)
    rows, cols = grid.shape
    sky = clouds(acquisition, (rows, cols), acquisition.gsd_m, sun)
    image = sensor.through_air(image, acquisition, view.bands, sky)
    if acquisition.crop is not None:
        return Exposure(numbers=sensor.picture_numbers(image, acquisition), grid=grid)
    a = grid.affine
    return Exposure(
        numbers=sensor.series_numbers(image, acquisition),
        grid=grid,
        classes=_classes(ground, sky),
        class_grid=GeoBox((rows // 2, cols // 2), Affine(_SCL_M, 0, a.c, 0, -_SCL_M, a.f), grid.crs),
    )


def _classes(ground: Ground, sky: Clouds | None) -> NDArray[np.uint8]:
    """Scene classification at 20 m."""
    step = 2 * _FINE
    middle = slice(step // 2, None, step)
    classes = np.array([m.scl for m in MATERIALS.values()], np.uint8)[ground.labels[middle, middle]]
    if sky is not None:
        for number, where in ((_SCL_SHADOW, sky.shaded), (_SCL_MEDIUM, sky.thin), (_SCL_HIGH, sky.thick)):
            classes[where[1::2, 1::2]] = number
    return classes
