"""From a file's own pixels to a fixed grid, with one interpolation at most."""

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer
from scipy.ndimage import map_coordinates

from imagery.raster import BoolArray, Displacement, FloatArray, Quantity, Raster, Window
from imagery.warp import CUBIC_REACH_PX, sample, window_grid

AVERAGE_ABOVE = 1.5
"""Source pixels per grid pixel beyond which pixels are averaged over their area instead of interpolated."""

SNAP_PX = 0.01
"""Grids that agree to this everywhere are taken as the same pixels and copied."""

_LATTICE_PX = 32
_SPLINE_END = 12
"""Nodes beyond the window on every side. The spline bends at its ends, which each node damps to a quarter: 4 of them
leave 0.01 px, which would make positions depend on where a window ends."""
_MAX_SOURCE_PX = 24_000_000


class NativePixels(Protocol):
    """Pixels of one acquisition in the grid they were delivered in."""

    @property
    def grid(self) -> GeoBox:
        """The file's own grid."""
        ...

    @property
    def bands(self) -> tuple[str, ...]:
        """Band names, in the order of the data."""
        ...

    @property
    def quantity(self) -> Quantity:
        """What the numbers measure."""
        ...

    def pixels(self, window: Window) -> tuple[FloatArray, BoolArray]:
        """Values float32 (band, row, col) and validity bool (row, col) of a window inside the grid."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class GridReader:
    """A `Reader` that puts native pixels on `grid`.

    Parameters
    ----------
    source : NativePixels
    grid : GeoBox
    """

    source: NativePixels
    grid: GeoBox

    @property
    def bands(self) -> tuple[str, ...]:
        """The source's bands."""
        return self.source.bands

    @property
    def quantity(self) -> Quantity:
        """What the numbers measure."""
        return self.source.quantity

    def read(self, window: Window, displacement: Displacement | None = None) -> Raster:
        """See `Reader.read`: a displacement and the change of grid are one interpolation."""
        data, valid = _on_grid(self.source, self.grid, window, displacement)
        return Raster(
            data=data,
            valid=valid,
            bands=self.bands,
            quantity=self.quantity,
            grid=window_grid(self.grid, window),
        )


def _on_grid(
    source: NativePixels, grid: GeoBox, window: Window, displacement: Displacement | None
) -> tuple[FloatArray, BoolArray]:
    offsets = displacement.at(window) if displacement is not None else None
    if offsets is not None and not (offsets[0].any() or offsets[1].any()):
        offsets = None
    shift = whole_pixel_shift(source.grid, grid) if offsets is None else None
    if shift is not None:
        row, col = shift
        return padded(
            source,
            Window(
                row0=window.row0 + row, col0=window.col0 + col,
                row1=window.row1 + row, col1=window.col1 + col,
            ),
        )  # fmt: skip
    rows, cols = positions(source.grid, grid, window, offsets)
    return interpolated(source, rows, cols, source_px_per_grid_px(source.grid, grid))


def whole_pixel_shift(source: GeoBox, grid: GeoBox) -> tuple[int, int] | None:
    """(row, col) to add to a grid pixel to get the source pixel that lies exactly on it; None if none does."""
    if not same_crs(source, grid):
        return None
    to_source = ~source.affine * grid.affine
    rows, cols = grid.shape
    corners = np.array([(0, 0), (0, cols), (rows, 0), (rows, cols)], float)
    moved = np.array([(to_source * (c, r))[::-1] for r, c in corners]) - corners
    whole = np.round(moved[0])
    if not np.all(np.abs(moved - whole) <= SNAP_PX):
        return None
    return int(whole[0]), int(whole[1])


def same_crs(a: GeoBox, b: GeoBox) -> bool:
    """Whether both grids have the same CRS, or both none."""
    if a.crs is None or b.crs is None:
        return a.crs is None and b.crs is None
    return bool(a.crs == b.crs)


def positions(
    source: GeoBox, grid: GeoBox, window: Window, offsets: tuple[FloatArray, FloatArray] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Source positions of the pixel centres of `window` of `grid`.

    Parameters
    ----------
    offsets : two float32 (row, col) or None
        Displacement in grid pixels, applied before the change of grid.

    Returns
    -------
    rows, cols : float64 (row, col)
        In pixels of `source`; integers are pixel centres. NaN where a projection has no answer.
    """
    rows = np.arange(window.row0, window.row1, dtype=np.float64)[:, None] + 0.5
    cols = np.arange(window.col0, window.col1, dtype=np.float64)[None, :] + 0.5
    to_source = ~source.affine * grid.affine
    if same_crs(source, grid) and to_source.b == 0 and to_source.d == 0:
        d_row, d_col = (0.0, 0.0) if offsets is None else offsets
        rows = to_source.e * rows + (to_source.f - 0.5) + to_source.e * d_row
        cols = to_source.a * cols + (to_source.c - 0.5) + to_source.a * d_col
        out_rows, out_cols = np.broadcast_arrays(rows, cols)
        return out_rows, out_cols
    if offsets is None:
        rows, cols = np.broadcast_arrays(rows, cols)
    else:
        rows, cols = rows + offsets[0], cols + offsets[1]
    if same_crs(source, grid):
        x, y = to_source * (cols, rows)
        return y - 0.5, x - 0.5
    return _through_lattice(source, grid, rows, cols)


def _through_lattice(
    source: GeoBox, grid: GeoBox, rows: NDArray[np.float64], cols: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exact projection on a coarse lattice, cubic in between: projections are smooth over 32 pixels."""
    row_nodes = _nodes(rows)
    col_nodes = _nodes(cols)
    node_rows, node_cols = np.meshgrid(row_nodes, col_nodes, indexing="ij")
    source_rows, source_cols = project_px(source, grid, node_rows, node_cols)
    at = np.stack([(rows - row_nodes[0]) / _LATTICE_PX, (cols - col_nodes[0]) / _LATTICE_PX])
    if not (np.isfinite(source_rows).all() and np.isfinite(source_cols).all()):
        return project_px(source, grid, rows, cols)
    out = [map_coordinates(nodes, at, order=3, mode="nearest") for nodes in (source_rows, source_cols)]
    return out[0], out[1]


def _nodes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.floor(values.min()) - _SPLINE_END * _LATTICE_PX
    count = int(np.ceil((values.max() - low) / _LATTICE_PX)) + _SPLINE_END + 1
    nodes: NDArray[np.float64] = low + _LATTICE_PX * np.arange(count)
    return nodes


def project_px(
    source: GeoBox, grid: GeoBox, rows: NDArray[np.float64], cols: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixel-edge coordinates of `grid` to pixel-index coordinates of `source`, exactly."""
    x, y = grid.affine * (cols, rows)
    if not same_crs(source, grid):
        transformer = Transformer.from_crs(
            CRS.from_user_input(str(grid.crs)), CRS.from_user_input(str(source.crs)), always_xy=True
        )
        x, y = transformer.transform(x, y)
    x, y = np.where(np.isfinite(x), x, np.nan), np.where(np.isfinite(y), y, np.nan)
    cols_out, rows_out = ~source.affine * (x, y)
    return rows_out - 0.5, cols_out - 0.5


def source_px_per_grid_px(source: GeoBox, grid: GeoBox) -> float:
    """How many source pixels lie along one grid pixel, at the grid's centre."""
    rows, cols = grid.shape
    r = np.array([rows / 2, rows / 2, rows / 2 + 1])
    c = np.array([cols / 2, cols / 2 + 1, cols / 2])
    y, x = project_px(source, grid, r, c)
    jacobian = np.array([[x[1] - x[0], x[2] - x[0]], [y[1] - y[0], y[2] - y[0]]])
    return float(np.sqrt(abs(np.linalg.det(jacobian))))


def padded(source: NativePixels, window: Window) -> tuple[FloatArray, BoolArray]:
    """Native pixels of a window that may reach beyond the source: zero and invalid there."""
    rows, cols = source.grid.shape
    if window.row0 >= 0 and window.row1 <= rows and window.col0 >= 0 and window.col1 <= cols:
        return source.pixels(window)
    data = np.zeros((len(source.bands), *window.shape), np.float32)
    valid = np.zeros(window.shape, np.bool_)
    if window.row0 < rows and window.row1 > 0 and window.col0 < cols and window.col1 > 0:
        inner = window.clipped((rows, cols))
        target = np.s_[
            inner.row0 - window.row0 : inner.row1 - window.row0,
            inner.col0 - window.col0 : inner.col1 - window.col0,
        ]
        data[(slice(None), *target)], valid[target] = source.pixels(inner)
    return data, valid


def interpolated(
    source: NativePixels, rows: NDArray[np.float64], cols: NDArray[np.float64], px_per_px: float
) -> tuple[FloatArray, BoolArray]:
    """Source values at fractional positions: bicubic, or averaged where the source is much finer.

    Only the part of the source that the positions touch is read; a large request is cut up, so that memory stays
    small however fine the source is.
    """
    shape = rows.shape
    data = np.zeros((len(source.bands), *shape), np.float32)
    valid = np.zeros(shape, np.bool_)
    reach = CUBIC_REACH_PX + 1 + int(np.ceil(px_per_px))
    around = _around(rows, cols, source.grid.shape, reach)
    if around is None:
        return data, valid
    if around.shape[0] * around.shape[1] > _MAX_SOURCE_PX and max(shape) > 32:
        axis = int(shape[1] > shape[0])
        half = shape[axis] // 2
        for part in (slice(0, half), slice(half, None)):
            at = (part, slice(None)) if axis == 0 else (slice(None), part)
            data[(slice(None), *at)], valid[at] = interpolated(source, rows[at], cols[at], px_per_px)
        return data, valid
    pixels, usable = padded(source, around)
    if not usable.any():
        return data, valid
    at_rows, at_cols = _within(rows, around.row0), _within(cols, around.col0)
    if px_per_px > AVERAGE_ABOVE:
        return _averaged(pixels, usable, at_rows, at_cols, px_per_px)
    return sample(pixels, usable, at_rows, at_cols)


def _within(positions: NDArray[np.float64], start: int) -> FloatArray:
    """Positions counted from `start`, float32; far outside where there are none."""
    out = np.subtract(positions, start, dtype=np.float32, casting="same_kind")
    np.copyto(out, np.float32(-1e4), where=np.isnan(out))
    return out


def _around(
    rows: NDArray[np.float64], cols: NDArray[np.float64], shape: tuple[int, int], reach: int
) -> Window | None:
    """The part of the source that the positions need, a rim beyond its edge included."""
    (low_row, high_row), (low_col, high_col) = (
        (max(np.fmin.reduce(at, axis=None), -1.0), min(np.fmax.reduce(at, axis=None), float(size)))
        for at, size in ((rows, shape[0]), (cols, shape[1]))
    )
    if not (low_row < shape[0] and high_row > -1 and low_col < shape[1] and high_col > -1):
        return None
    return Window(
        row0=int(np.floor(low_row)) - reach,
        col0=int(np.floor(low_col)) - reach,
        row1=int(np.ceil(high_row)) + reach + 1,
        col1=int(np.ceil(high_col)) + reach + 1,
    )


def _averaged(
    data: FloatArray, valid: BoolArray, rows: FloatArray, cols: FloatArray, size_px: float
) -> tuple[FloatArray, BoolArray]:
    """Mean over a box as large as a grid pixel, looked up between source pixels."""
    kernel = _box(size_px)
    filled = np.where(valid, data, np.float32(0)).astype(np.float32)
    out = np.stack(
        [
            cv2.remap(
                cv2.sepFilter2D(band, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REPLICATE),
                cols, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
            )
            for band in filled
        ]
    )  # fmt: skip
    # The look-up between pixels touches one more.
    reach = np.ones((len(kernel) + 2, len(kernel) + 2), np.uint8)
    solid = cv2.erode(valid.astype(np.uint8), reach, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    kept = cv2.remap(solid, cols, rows, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return out, kept.astype(np.bool_)


def _box(size_px: float) -> NDArray[Any]:
    half = int(np.ceil((size_px - 1) / 2))
    kernel = np.ones(2 * half + 1)
    kernel[[0, -1]] = (size_px - (2 * half - 1)) / 2
    kernel /= kernel.sum()
    return kernel
