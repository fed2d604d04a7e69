"""Pixels of one date on one grid: the noun, its reader protocol and how large a pixel is on the ground."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS, Geod, Transformer

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

Quantity = Literal["reflectance", "dn", "gamma0", "sigma0", "beta0"]
"""Surface reflectance 0-1, plain digital numbers, or linear (never dB) radar backscatter."""

Sensor = Literal["optical", "sar"]

_WGS84 = Geod(ellps="WGS84")


@dataclass(frozen=True, kw_only=True, eq=False)
class Raster:
    """Pixels of one acquisition on one grid.

    Parameters
    ----------
    data : float32 (band, row, col)
        Values in `quantity`; undefined where `valid` is False. Read-only.
    valid : bool (row, col)
        True = usable in every band. Read-only.
    bands : tuple of str
        One name per band, in order ("red", "green", "blue", "nir", "vv", "pan", "band1", ...).
    quantity : Quantity
        What the numbers measure; radar is linear power.
    grid : GeoBox
        Grid of the pixels. `grid.crs` is None for images without georeference; its affine then still
        carries the ground sample distance in metres.
    """

    data: FloatArray
    valid: BoolArray
    bands: tuple[str, ...]
    quantity: Quantity
    grid: GeoBox

    def __post_init__(self) -> None:
        if self.data.ndim != 3 or self.data.dtype != np.float32:
            raise ValueError(
                f"data must be float32 (band, row, col), got {self.data.dtype} {self.data.shape}"
            )
        if self.valid.shape != self.data.shape[1:] or self.valid.dtype != np.bool_:
            raise ValueError(
                f"valid must be bool {self.data.shape[1:]}, got {self.valid.dtype} {self.valid.shape}"
            )
        if len(self.bands) != len(self.data):
            raise ValueError(f"{len(self.bands)} band names for {len(self.data)} bands")
        if tuple(self.grid.shape) != self.valid.shape:
            raise ValueError(f"grid is {tuple(self.grid.shape)}, pixels are {self.valid.shape}")
        self.data.flags.writeable = False
        self.valid.flags.writeable = False


@dataclass(frozen=True, kw_only=True)
class Window:
    """Half-open block of pixels on a grid, which may reach beyond the grid's edges.

    Parameters
    ----------
    row0, col0, row1, col1 : int
        Pixel rows [row0, row1) and columns [col0, col1) of the full grid.
    """

    row0: int
    col0: int
    row1: int
    col1: int

    def __post_init__(self) -> None:
        if self.row1 <= self.row0 or self.col1 <= self.col0:
            raise ValueError(f"empty window {self}")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.row1 - self.row0, self.col1 - self.col0

    @property
    def slices(self) -> tuple[slice, slice]:
        """The same as an index of an array."""
        return slice(self.row0, self.row1), slice(self.col0, self.col1)

    def grown(self, px: int) -> "Window":
        """The window with `px` more pixels on every side."""
        return Window(row0=self.row0 - px, col0=self.col0 - px, row1=self.row1 + px, col1=self.col1 + px)

    def clipped(self, shape: tuple[int, int]) -> "Window":
        """The part inside a grid of `shape` (rows, cols)."""
        return Window(
            row0=max(0, self.row0),
            col0=max(0, self.col0),
            row1=min(shape[0], self.row1),
            col1=min(shape[1], self.col1),
        )


class Displacement(Protocol):
    """Where a grid pixel of one image lies in another, as an offset in grid pixels."""

    def at(self, window: Window) -> tuple[FloatArray, FloatArray]:
        """Offsets (d_row, d_col), float32 (row, col) over `window`: the content of grid pixel (r, c)
        is found at (r + d_row, c + d_col) of the displaced image.
        """
        ...


class Reader(Protocol):
    """Something that delivers one acquisition's pixels on one fixed grid, window by window."""

    @property
    def grid(self) -> GeoBox:
        """The full grid."""
        ...

    @property
    def bands(self) -> tuple[str, ...]:
        """Band names, in the order of `Raster.data`."""
        ...

    @property
    def quantity(self) -> Quantity:
        """What the numbers measure."""
        ...

    def read(self, window: Window, displacement: Displacement | None = None) -> Raster:
        """Pixels of `window` (which may reach beyond the grid: those are invalid), interpolated at most
        once, at the displaced positions where a displacement is given.
        """
        ...


def pixel_size_m(grid: GeoBox) -> tuple[float, float]:
    """Ground size of a pixel at the grid's centre.

    Parameters
    ----------
    grid : GeoBox
        Any CRS: projected, geographic (degrees), or none (then the affine is taken as metres).

    Returns
    -------
    tuple of float
        (x, y) in metres: along a row, along a column. Measured on the WGS 84 ellipsoid where there is a CRS,
        so that degrees and Web Mercator come out right.
    """
    affine: Any = grid.affine
    if grid.crs is None:
        return float(np.hypot(affine.a, affine.d)), float(np.hypot(affine.b, affine.e))
    to_geographic = Transformer.from_crs(CRS.from_user_input(str(grid.crs)), 4326, always_xy=True)
    rows, cols = grid.shape
    centre = np.array([cols / 2.0, rows / 2.0])
    points = [affine * tuple(centre + offset) for offset in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))]
    (lon0, lat0), (lon1, lat1), (lon2, lat2) = (to_geographic.transform(x, y) for x, y in points)
    x_m = _WGS84.inv(lon0, lat0, lon1, lat1)[2]
    y_m = _WGS84.inv(lon0, lat0, lon2, lat2)[2]
    return float(x_m), float(y_m)


def gsd_m(grid: GeoBox) -> float:
    """Ground sample distance in metres: the geometric mean of `pixel_size_m`."""
    x_m, y_m = pixel_size_m(grid)
    return float(np.sqrt(x_m * y_m))


def mean_of_bands(image: FloatArray) -> FloatArray:
    """Mean over the bands, float32 (row, col)."""
    out: FloatArray = image[0].copy()
    for band in image[1:]:
        out += band
    out /= np.float32(len(image))
    return out
