"""Which part of a file a grid needs, and how many bytes that is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from imagery.access import access_of
from imagery.drivers import block_size, crs_name, name_of, open_raster
from imagery.errors import MissingMetadata
from imagery.raster import Window
from imagery.resample import project_px
from imagery.scene import Scene

MARGIN_PX = 32
"""Pixels around the grid that alignment and interpolation may reach."""


def dataset_grid(dataset: Any) -> GeoBox:
    """The grid of an open dataset.

    Raises
    ------
    MissingMetadata
        It has no georeference.
    """
    if dataset.crs is None or dataset.transform.is_identity:
        raise MissingMetadata(
            f"{name_of(dataset)}: has no georeference, which a scene of a site needs; "
            "georeference it, or compare two images with `sitewatch diff`"
        )
    return GeoBox(dataset.shape, dataset.transform, crs_name(dataset))


def needed_window(
    dataset: Any, grid: GeoBox, *, margin_px: int = MARGIN_PX, whole_blocks: bool = False
) -> Window | None:
    """Pixels of `dataset` that `grid` needs; None where it does not reach the grid.

    Parameters
    ----------
    margin_px : int
        File pixels added on every side.
    whole_blocks : bool
        Whether to add what is fetched anyway: the rest of a tiled file's blocks.
    """
    own = dataset_grid(dataset)
    rows, cols = grid.shape
    along = np.linspace(0, 1, 65)
    r, c = np.meshgrid(along * rows, along * cols, indexing="ij")
    r, c = project_px(own, grid, r, c)
    known = np.isfinite(r) & np.isfinite(c)
    if not known.any():
        return None
    low = np.floor([r[known].min() + 0.5, c[known].min() + 0.5]).astype(int)
    high = np.ceil([r[known].max() + 0.5, c[known].max() + 0.5]).astype(int)
    if (high <= 0).any() or (low >= own.shape).any():
        return None
    low, high = low - margin_px, high + margin_px
    block = np.array(dataset.block_shapes[0])
    if whole_blocks and (block < own.shape).all():
        low, high = low // block * block, -(-high // block) * block
    return Window(row0=int(low[0]), col0=int(low[1]), row1=int(high[0]), col1=int(high[1])).clipped(
        (own.shape[0], own.shape[1])
    )


@dataclass(frozen=True, kw_only=True)
class BlockFigures:
    """How much of a scene's files a grid needs.

    Parameters
    ----------
    blocks : int
        Blocks (all bands, all files) that the grid touches.
    bytes_needed : int
        Their compressed size.
    bytes_total : int
        Compressed size of all full-resolution blocks of those files.
    """

    blocks: int
    bytes_needed: int
    bytes_total: int


def block_figures(scene: Scene, grid: GeoBox) -> BlockFigures:
    """Blocks of a scene's GeoTIFFs (siblings included) that `grid` needs, without any margin."""
    blocks = needed = total = 0
    for part in (scene, *scene.siblings):
        for asset in part.assets.values():
            with open_raster(asset.href, access_of(part)) as dataset:
                window = needed_window(dataset, grid, margin_px=0)
                for band, (height, width) in enumerate(dataset.block_shapes, start=1):
                    for (row, col), _ in dataset.block_windows(band):
                        size = block_size(dataset, band, row, col)
                        total += size
                        if window is not None and _touches(window, row * height, col * width, height, width):
                            blocks, needed = blocks + 1, needed + size
                    if dataset.interleaving is not None and dataset.interleaving.value == "PIXEL":
                        break
    return BlockFigures(blocks=blocks, bytes_needed=needed, bytes_total=total)


def _touches(window: Window, row: int, col: int, height: int, width: int) -> bool:
    return (
        row < window.row1 and row + height > window.row0 and col < window.col1 and col + width > window.col0
    )
