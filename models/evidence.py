"""Signed evidence of change at every pixel of a window, in robust sigmas.

Optical: the difference is an interval difference: how far each date's value lies outside the range that the other
date takes within a few pixels. It forgives what is left of misregistration and costs little. Its scale is a low
quantile of the raw difference in each block of the scene, because a variance would let a crowded apron hide its own
changes.

Radar: the test of `models.radar.equality` with the looks that the images have, or fewer where the ratio of the two
dates scatters more than those looks explain (rough sea, texture, what is left of misregistration).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter, minimum_filter

from imagery.align import ShiftField
from imagery.lattice import Lattice
from imagery.radiometry import Radiometry
from imagery.raster import BoolArray, FloatArray, Reader, Sensor, Window, mean_of_bands
from imagery.tile import tiles
from imagery.warp import window_grid
from models.radar import Looks, averaged, equality, looks_of_scatter, measure_looks

QUANTILE = 0.4
"""Share of a block taken to be unchanged at the least."""

# |x| below its 40 % quantile for a unit normal variable, and for the length of a vector of 2 free colour components.
_NORMAL_AT_QUANTILE = 0.5244
_COLOUR_AT_QUANTILE = 1.0108

EASED = (1.0, 0.7, 0.5)
"""What is left of the raw difference's scale in an interval difference of radius 0, 1 and 2 px."""

BLOCK_PX = 64
"""Side of a block on which noise is measured; smaller on small images."""

KERNEL_PX = 4
"""Pixels beyond a window that its evidence depends on."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Noise:
    """Scale of the raw difference where nothing changed, in working units.

    Parameters
    ----------
    brightness, colour : Lattice
        Sigma of the difference in mean brightness and in colour; colour is infinite for a single band.
    radius_px : int
        Radius of the interval difference.
    looks : Looks or None
        Of both dates, for radar; then brightness evidence is a test with these looks.
    """

    brightness: Lattice
    colour: Lattice
    radius_px: int
    looks: Looks | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        looks = {} if self.looks is None else {"looks": self.looks.as_dict()}
        return {
            "brightness": self.brightness.as_dict(), "colour": self.colour.as_dict(), "radius_px": self.radius_px,
            **looks,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "Noise":
        """Inverse of `as_dict`."""
        return cls(
            brightness=Lattice.from_dict(d["brightness"]), colour=Lattice.from_dict(d["colour"]),
            radius_px=d["radius_px"], looks=Looks.from_dict(d["looks"]) if d.get("looks") else None,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class ChangeEvidence:
    """Evidence over a window, with the working values it was made from.

    Parameters
    ----------
    before, after : float32 (band, row, col)
        Working units, after normalisation.
    brightness : float32 (row, col)
        Signed change of mean brightness in sigmas, positive = brighter on the second date.
    colour : float32 (row, col)
        Size of the change of colour in sigmas, never negative.
    sigma : float32 (row, col)
        Modelled sigma of `brightness`, in working units.
    valid : bool (row, col)
    window : Window
        Where this lies on the pair's grid.
    grid : GeoBox
        Of the window.
    looks : Looks or None
        Of both dates, for radar.
    """

    before: FloatArray
    after: FloatArray
    brightness: FloatArray
    colour: FloatArray
    sigma: FloatArray
    valid: BoolArray
    window: Window
    grid: GeoBox
    looks: Looks | None = None

    @cached_property
    def strength(self) -> FloatArray:
        """Length of (brightness, colour), float32 (row, col)."""
        # Not cv2.magnitude, whose last digit depends on where in memory the arrays happen to lie.
        squares = self.brightness * self.brightness
        squares += self.colour * self.colour
        out: FloatArray = np.sqrt(squares, out=squares)
        return out

    @property
    def statistic(self) -> FloatArray:
        """Signed combination: `strength` with the sign of the brightness."""
        out: FloatArray = np.where(self.brightness < 0, -self.strength, self.strength)
        return out


def read_pair(
    before: Reader, after: Reader, shift: ShiftField, radiometry: Radiometry, window: Window
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Working values of both dates over `window` and where both are usable."""

    def first() -> tuple[FloatArray, BoolArray]:
        raster = before.read(window)
        return radiometry.before(raster), raster.valid

    def second() -> tuple[FloatArray, BoolArray]:
        raster = after.read(window, None if shift.is_zero else shift)
        return radiometry.after(raster, window), raster.valid

    with ThreadPoolExecutor(1) as other:
        reading = other.submit(first)
        b, valid_b = second()
        a, valid_a = reading.result()
    return a, b, valid_a & valid_b


def _parts(difference: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean brightness (signed) and colour (length) of a difference (band, row, col)."""
    brightness = mean_of_bands(difference)
    squares = np.zeros_like(brightness)
    for band in difference:
        rest = band - brightness
        rest *= rest
        squares += rest
    return brightness, np.sqrt(squares, out=squares)


def measure_noise(
    before: Reader,
    after: Reader,
    shift: ShiftField,
    radiometry: Radiometry,
    *,
    sensor: Sensor,
    residual_px: float,
) -> Noise:
    """Block-wise scale of the raw difference over the whole grid.

    Parameters
    ----------
    before, after : Reader
    shift, radiometry
        What lays and scales `after` on `before`.
    sensor : {"optical", "sar"}
    residual_px : float
        Misregistration that is left; sets the radius of the interval difference.
    """
    shape = (int(before.grid.shape[0]), int(before.grid.shape[1]))
    side = BLOCK_PX
    while side > 16 and min(shape) // side < 6:
        side //= 2
    rows, cols = max(1, shape[0] // side), max(1, shape[1] // side)
    brightness = np.full((rows, cols), np.nan, np.float32)
    colour = np.full((rows, cols), np.nan, np.float32)
    cores = [
        tile.core.clipped(shape)
        for tile in tiles((rows * side, cols * side), size_px=side * max(1, 1024 // side), halo_px=0)
    ]

    def read(window: Window) -> tuple[FloatArray, FloatArray, BoolArray]:
        return read_pair(before, after, shift, radiometry, window)

    looks = measure_looks(read, cores) if sensor == "sar" else None
    for core in cores:
        a, b, valid = _averaged(*read(core), looks)
        here_rows, here_cols = (
            slice(start // side, max(start // side + 1, stop // side))
            for start, stop in ((core.row0, core.row1), (core.col0, core.col1))
        )
        for out, part in zip((brightness, colour), _parts(b - a), strict=True):
            out[here_rows, here_cols] = _quantiles(np.abs(part), valid, side)
    single = len(before.bands) == 1
    return Noise(
        brightness=_lattice(brightness / _NORMAL_AT_QUANTILE, side),
        colour=Lattice(nodes=np.full((1, 1), np.inf, np.float32), step_px=float(side))
        if single
        else _lattice(colour / _COLOUR_AT_QUANTILE, side),
        radius_px=_radius(residual_px, sensor),
        looks=looks,
    )


def _averaged(
    a: FloatArray, b: FloatArray, valid: BoolArray, looks: Looks | None
) -> tuple[FloatArray, FloatArray, BoolArray]:
    if looks is None:
        return a, b, valid
    return averaged(a, valid, looks.side_px), averaged(b, valid, looks.side_px), valid


def _radius(residual_px: float, sensor: Sensor) -> int:
    if sensor == "sar" or residual_px < 0.2:
        return 0
    return 1 if residual_px < 1.0 else 2


def _quantiles(values: FloatArray, valid: BoolArray, side: int) -> NDArray[np.float64]:
    """`QUANTILE` of every block of `side` px, from a quarter of its pixels; NaN where few of them are usable."""
    step = 2
    rows, cols = (max(1, n // side) for n in values.shape)
    shape = tuple(min(side, n) for n in values.shape)

    def blocks(image: NDArray[Any]) -> NDArray[Any]:
        cut = image[: rows * shape[0], : cols * shape[1]].reshape(rows, shape[0], cols, shape[1])
        out: NDArray[Any] = cut[:, ::step, :, ::step].swapaxes(1, 2).reshape(rows * cols, -1)
        return out

    sample = np.where(blocks(valid), blocks(values).astype(np.float64), np.inf)
    sample.sort(axis=1)
    usable = np.isfinite(sample).sum(axis=1)
    sample[usable == 0] = 0.0
    at = QUANTILE * np.maximum(usable - 1, 0)
    low = at.astype(np.int64)
    each = np.arange(len(sample))
    one, two = sample[each, low], sample[each, np.minimum(low + 1, np.maximum(usable - 1, 0))]
    found = one + (at - low) * (two - one)
    return np.where(usable >= 0.25 * shape[0] * shape[1] / step**2, found, np.nan).reshape(rows, cols)


def _lattice(blocks: FloatArray, side: int) -> Lattice:
    """Noise at nodes: no block may be much noisier than its quietest neighbours or quieter than the scene."""
    known = np.isfinite(blocks)
    if not known.any():
        nodes = np.ones(blocks.shape, np.float32)
    else:
        typical = float(np.median(blocks[known]))
        filled = np.where(known, blocks, typical)
        nodes = np.minimum(filled, 1.6 * _low_neighbour(filled))
        nodes = gaussian_filter(np.maximum(nodes, max(0.6 * typical, 1e-3)), 0.5, mode="nearest").astype(
            np.float32
        )
    return Lattice(nodes=nodes, step_px=float(side), origin_px=(side - 1) / 2)


def _low_neighbour(blocks: FloatArray) -> FloatArray:
    """Fourth smallest of the nine blocks around each."""
    padded = np.pad(blocks, 1, mode="reflect" if min(blocks.shape) > 1 else "edge")
    rows, cols = blocks.shape
    around = np.stack([padded[i : i + rows, j : j + cols] for i in range(3) for j in range(3)])
    out: FloatArray = np.sort(around, axis=0)[3]
    return out


def interval_difference(a: FloatArray, b: FloatArray, radius_px: int) -> FloatArray:
    """How far `b` lies outside the range of `a` around a pixel, or `a` outside that of `b`, whichever is more.

    Parameters
    ----------
    a, b : float32 (band, row, col)
    radius_px : int
        0 gives the plain difference ``b - a``.

    Returns
    -------
    float32 (band, row, col)
        Signed: positive where `b` is higher.
    """
    if radius_px == 0:
        return b - a
    side = 2 * radius_px + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE if radius_px > 1 else cv2.MORPH_RECT, (side, side))
    out = np.empty_like(a)
    for band in range(len(a)):
        low_a, high_a = cv2.erode(a[band], kernel), cv2.dilate(a[band], kernel)
        low_b, high_b = cv2.erode(b[band], kernel), cv2.dilate(b[band], kernel)
        up = np.maximum(b[band] - high_a, low_b - a[band])
        down = np.maximum(low_a - b[band], a[band] - high_b)
        # Where one is above zero the other is not.
        np.subtract(np.maximum(up, 0, out=up), np.maximum(down, 0, out=down), out=out[band])
    return out


def evidence(
    before: Reader, after: Reader, shift: ShiftField, radiometry: Radiometry, noise: Noise, window: Window
) -> ChangeEvidence:
    """Evidence over `window` of the pair's grid; see `ChangeEvidence`."""
    wide = window.grown(KERNEL_PX)
    a, b, valid = _averaged(*read_pair(before, after, shift, radiometry, wide), noise.looks)
    filled_a, filled_b = (image if valid.all() else np.where(valid, image, np.float32(0)) for image in (a, b))
    brightness, colour = _parts(interval_difference(filled_a, filled_b, noise.radius_px))
    inner = np.s_[KERNEL_PX:-KERNEL_PX, KERNEL_PX:-KERNEL_PX]
    # The interval difference looks around a pixel, so pixels next to invalid ones are not usable either.
    usable = (
        minimum_filter(valid, 2 * noise.radius_px + 1, mode="constant", cval=False)
        if noise.radius_px
        else valid
    )
    eased = np.float32(EASED[noise.radius_px])
    sigma = noise.brightness.at(window) * eased
    ok = usable[inner]
    return ChangeEvidence(
        before=np.ascontiguousarray(filled_a[(slice(None), *inner)]),
        after=np.ascontiguousarray(filled_b[(slice(None), *inner)]),
        brightness=np.where(ok, _in_sigmas(brightness[inner], sigma, noise, len(a)), 0).astype(np.float32),
        colour=np.where(ok, colour[inner] / (noise.colour.at(window) * eased), 0).astype(np.float32),
        sigma=sigma, valid=ok, window=window, grid=window_grid(before.grid, window),
        looks=noise.looks,
    )  # fmt: skip


def _in_sigmas(difference: FloatArray, sigma: FloatArray, noise: Noise, bands: int) -> FloatArray:
    if noise.looks is None:
        return difference / sigma
    # The mean over polarisations has as many looks as they have together.
    looks = looks_of_scatter(sigma * np.float32(_NORMAL_AT_QUANTILE), quantile=QUANTILE)
    return equality(difference, np.minimum(looks, np.float32(bands * noise.looks.least)))
