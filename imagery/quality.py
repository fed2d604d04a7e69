"""A scene's quality band on a grid: what is hidden by cloud, and what was not observed."""

from dataclasses import dataclass

import numpy as np
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
        bad = self._nearest(self.cloud | self.no_data, grid, wide, displacement)
        return erode(~bad, RIM_PX)[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX]

    def on_grid(self, grid: GeoBox) -> tuple[BoolArray, BoolArray]:
        """Cloud and no-data over a whole grid; both False beyond the quality band."""
        rows, cols = grid.shape
        full = Window(row0=0, col0=0, row1=rows, col1=cols)
        return self._nearest(self.cloud, grid, full), self._nearest(self.no_data, grid, full)

    def _nearest(
        self, mask: BoolArray, grid: GeoBox, window: Window, displacement: Displacement | None = None
    ) -> BoolArray:
        offsets = displacement.at(window) if displacement is not None else None
        rows, cols = positions(self.grid, grid, window, offsets)
        height, width = mask.shape
        r = np.rint(np.nan_to_num(rows, nan=-1)).astype(np.int64)
        c = np.rint(np.nan_to_num(cols, nan=-1)).astype(np.int64)
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        out = np.zeros(window.shape, np.bool_)
        out[inside] = mask[r[inside], c[inside]]
        return out


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


def cloud_on_grid(
    scene: Scene, grid: GeoBox, *, min_cloud_m2: float = MIN_CLOUD_M2
) -> tuple[BoolArray, BoolArray] | None:
    """Cloud and not-observed over `grid` from the quality bands of a scene and its siblings.

    Returns
    -------
    (cloud, no_data) : two bool (row, col), or None
        A pixel that one tile of the pass shows clear is clear. `no_data` is True where no tile's quality band
        reaches. None where no tile has a quality band.
    """
    shape = (grid.shape[0], grid.shape[1])
    seen = np.zeros(shape, np.bool_)
    clear = np.zeros(shape, np.bool_)
    found = False
    for part in (scene, *scene.siblings):
        quality = quality_map(part, grid, min_cloud_m2=min_cloud_m2)
        found |= quality is not None or any(a.role == "quality" for a in part.assets.values())
        if quality is None:
            continue
        whole = np.ones(quality.cloud.shape, np.bool_)
        inside, _ = QualityMap(grid=quality.grid, cloud=whole, no_data=whole).on_grid(grid)
        cloud, no_data = quality.on_grid(grid)
        seen |= inside & ~no_data
        clear |= inside & ~no_data & ~cloud
    return (seen & ~clear, ~seen) if found else None
