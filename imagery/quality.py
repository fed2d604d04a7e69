"""A scene's quality band on a grid: what is hidden by cloud, and what was not observed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from imagery.access import access_of
from imagery.drivers import open_raster, read_pixels
from imagery.footprint import dataset_grid, needed_window
from imagery.mask import MIN_CLOUD_M2, erode, hidden, large_only
from imagery.raster import BoolArray, Displacement, Window, gsd_m
from imagery.resample import positions
from imagery.scene import Scene
from imagery.warp import CUBIC_REACH_PX

RIM_PX = CUBIC_REACH_PX
"""Grid pixels around hidden ones that are not used either: interpolation mixes them in."""


@dataclass(frozen=True, kw_only=True, eq=False)
class QualityMap:
    """What a quality band says, in its own pixels.

    Parameters
    ----------
    grid : GeoBox
        Of the part that was read.
    cloud, no_data : bool (row, col)
        Hidden by cloud or its shadow; not observed.
    """

    grid: GeoBox
    cloud: BoolArray
    no_data: BoolArray

    def usable(self, grid: GeoBox, window: Window, displacement: Displacement | None = None) -> BoolArray:
        """Whether pixels of `window` of `grid` can be used: bool (row, col), eroded by `RIM_PX`."""
        wide = window.grown(RIM_PX)
        rows, cols, inside = self._pixels(grid, wide, displacement)
        bad = np.zeros(wide.shape, np.bool_)
        bad[inside] = self.cloud[rows, cols] | self.no_data[rows, cols]
        return erode(~bad, RIM_PX)[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX]

    def at(self, grid: GeoBox, window: Window) -> tuple[BoolArray, BoolArray]:
        """What was seen in `window` of `grid`, and what of it is cloud: two bool (row, col), False beyond the band."""
        rows, cols, inside = self._pixels(grid, window)
        seen, cloud = np.zeros(window.shape, np.bool_), np.zeros(window.shape, np.bool_)
        seen[inside] = ~self.no_data[rows, cols]
        cloud[inside] = self.cloud[rows, cols]
        return seen, cloud & seen

    def _pixels(
        self, grid: GeoBox, window: Window, displacement: Displacement | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], BoolArray]:
        """Row and column of the nearest pixel, for the pixels of `window` that lie `inside` (row, col) the band."""
        offsets = displacement.at(window) if displacement is not None else None
        rows, cols = positions(self.grid, grid, window, offsets)
        height, width = self.cloud.shape
        r = np.rint(np.nan_to_num(rows, nan=-1)).astype(np.int64)
        c = np.rint(np.nan_to_num(cols, nan=-1)).astype(np.int64)
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        return r[inside], c[inside], inside


@dataclass(frozen=True, kw_only=True, eq=False)
class PassQuality:
    """What the quality bands of a scene and its siblings say about a grid, window by window.

    Parameters
    ----------
    grid : GeoBox
    maps : tuple of QualityMap
        Of the tiles of the pass that reach the grid.
    """

    grid: GeoBox
    maps: tuple[QualityMap, ...]

    def at(self, window: Window) -> tuple[BoolArray, BoolArray]:
        """Cloud and not-observed in a window: two bool (row, col).

        A pixel that one tile of the pass shows clear is clear. Not observed is where no tile's quality band reaches.
        """
        any_seen, clear = np.zeros(window.shape, np.bool_), np.zeros(window.shape, np.bool_)
        for part in self.maps:
            seen, cloud = part.at(self.grid, window)
            any_seen |= seen
            clear |= seen & ~cloud
        return any_seen & ~clear, ~any_seen


def quality_map(scene: Scene, grid: GeoBox, *, min_cloud_m2: float = MIN_CLOUD_M2) -> QualityMap | None:
    """The quality band of one tile of a scene as far as `grid` needs it; None where it has none there.

    Parameters
    ----------
    min_cloud_m2 : float
        Smaller connected cloud is not believed (see `imagery.mask`).
    """
    maps = []
    access = access_of(scene)
    for asset in scene.assets.values():
        if asset.role != "quality" or asset.quality is None:
            continue
        with open_raster(asset.href, access) as dataset:
            window = needed_window(dataset, grid)
            if window is None:
                continue
            own = dataset_grid(dataset)
            indexes = tuple(dataset.indexes)
        cloud, no_data = hidden(read_pixels(asset.href, indexes, window, access), asset.quality)
        part = own[window.row0 : window.row1, window.col0 : window.col1]
        cloud = large_only(cloud, pixel_m=gsd_m(part), min_area_m2=min_cloud_m2)
        maps.append(QualityMap(grid=part, cloud=cloud, no_data=no_data))
    return maps[0] if maps else None


def pass_quality(scene: Scene, grid: GeoBox, *, min_cloud_m2: float = MIN_CLOUD_M2) -> PassQuality | None:
    """The quality bands of a scene and its siblings as far as `grid` needs them; None where no tile has one."""
    parts = (scene, *scene.siblings)
    if not any(asset.role == "quality" for part in parts for asset in part.assets.values()):
        return None
    maps = (quality_map(part, grid, min_cloud_m2=min_cloud_m2) for part in parts)
    return PassQuality(grid=grid, maps=tuple(found for found in maps if found is not None))
