"""Relative radiometric normalisation: the after image in the before image's numbers.

Gain and offset come from an orthogonal regression over pixels that an iteratively re-weighted multivariate alteration
detection calls unchanged (Nielsen 2007, doi:10.1109/TIP.2006.888195; Canty and Nielsen 2008,
doi:10.1016/j.rse.2007.07.013), so that no haze model or calibration is needed. A coarse lattice of local medians
then takes up what varies slowly over the scene: haze, illumination, moisture.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, median_filter
from scipy.special import erfc, gamma

from imagery.align import ShiftField
from imagery.lattice import Lattice
from imagery.raster import BoolArray, FloatArray, Raster, Reader, Sensor, Window
from imagery.tile import tiles
from imagery.warp import block_means

SAMPLE_PX = 800
"""The fit works on a block-averaged pair of about this size."""

MAX_SAMPLES = 60_000
"""Pixels that gain and offset are fitted to."""

WORKING_WHITE = 200.0
"""Working units: 99th percentile of the before image's brightness, about that of a stretched 8-bit image."""

DB_FLOOR = -35.0
"""Backscatter below this is noise."""

LOCAL_PX = 96
"""Side of the block behind a local median: larger than vehicles and most aircraft, smaller than haze."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Radiometry:
    """How numbers of both dates become comparable working units.

    Optical: ``before * unit`` and ``(after * gain + offset) * unit + local``. Radar: decibels above `DB_FLOOR`, the
    after image with offset and local lattice.

    Parameters
    ----------
    sensor : {"optical", "sar"}
    unit : float
        Working units per input number.
    gain, offset : float64 (band,)
    local : tuple of Lattice
        One per band, added to the after image, in working units.
    """

    sensor: Sensor
    unit: float
    gain: NDArray[np.float64]
    offset: NDArray[np.float64]
    local: tuple[Lattice, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "sensor": self.sensor, "unit": self.unit, "gain": self.gain.tolist(), "offset": self.offset.tolist(),
            "local": [lattice.as_dict() for lattice in self.local],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "Radiometry":
        """Inverse of `as_dict`."""
        return cls(
            sensor=d["sensor"], unit=d["unit"], gain=np.array(d["gain"]), offset=np.array(d["offset"]),
            local=tuple(Lattice.from_dict(lattice) for lattice in d["local"]),
        )  # fmt: skip

    def before(self, raster: Raster) -> FloatArray:
        """Working values of the before image, float32 (band, row, col)."""
        if self.sensor == "sar":
            return decibels(raster.data)
        return raster.data * np.float32(self.unit)

    def after(self, raster: Raster, window: Window) -> FloatArray:
        """Working values of the after image, of which `raster` is `window` of the full grid."""
        values = decibels(raster.data) if self.sensor == "sar" else raster.data
        out = values * (self.gain * self.unit).astype(np.float32)[:, None, None]
        for band, (lattice, offset) in enumerate(zip(self.local, self.offset, strict=True)):
            out[band] += np.float32(offset * self.unit)
            out[band] += lattice.at(window)
        return out


def decibels(linear: FloatArray) -> FloatArray:
    """Backscatter in decibels above `DB_FLOOR`, never below zero."""
    power = np.maximum(linear, np.float32(10 ** (DB_FLOOR / 10)))
    out: FloatArray = (10.0 * np.log10(power) - DB_FLOOR).astype(np.float32)
    return out


def normalise(before: Reader, after: Reader, shift: ShiftField, *, sensor: Sensor) -> Radiometry:
    """Fit the after image to the before image.

    Parameters
    ----------
    before, after : Reader
        On one grid, the same bands.
    shift : ShiftField
        Lays `after` on `before`.
    sensor : {"optical", "sar"}

    Returns
    -------
    Radiometry
        Gain 1 and offset 0 where too few pixels are common to fit anything.
    """
    factor = max(1, int(np.ceil(max(before.grid.shape) / SAMPLE_PX)))
    a, b, valid = _sample(before, after, shift, sensor, factor)
    bands = len(a)
    unit = 1.0
    gain, offset = np.ones(bands), np.zeros(bands)
    if valid.sum() >= 64 * bands:
        every = max(1, int(valid.sum()) // MAX_SAMPLES)
        x, y = (values[:, valid].T[::every].astype(np.float64) for values in (a, b))
        if sensor == "sar":
            offset = np.median(x - y, axis=0)
        else:
            white = float(np.percentile(x[:, : min(3, bands)].mean(axis=1), 99))
            unit = WORKING_WHITE / white if white > 0 else 1.0
            gain, offset = _regress(x, y, unchanged(x, y))
    fitted = (b * gain[:, None, None] + offset[:, None, None]).astype(np.float32)
    block = max(4, round(LOCAL_PX / factor))
    local = _local_medians((a - fitted) * np.float32(unit), valid, block)
    step = float(block * factor)
    return Radiometry(
        sensor=sensor, unit=unit, gain=gain, offset=offset,
        local=tuple(Lattice(nodes=nodes, step_px=step, origin_px=(step - 1) / 2) for nodes in local),
    )  # fmt: skip


def _sample(
    before: Reader, after: Reader, shift: ShiftField, sensor: Sensor, factor: int
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Both images averaged over `factor` x `factor` pixels; valid where every pixel of a block is."""
    shape = tuple(int(n) // factor for n in before.grid.shape)
    a = np.zeros((len(before.bands), *shape), np.float32)
    b = np.zeros_like(a)
    valid = np.zeros(shape, np.bool_)
    size = max(factor, 1024 // factor * factor)
    for tile in tiles((shape[0] * factor, shape[1] * factor), size_px=size, halo_px=0):
        one = before.read(tile.core)
        two = after.read(tile.core, None if shift.is_zero else shift)
        at = np.s_[
            tile.core.row0 // factor : tile.core.row1 // factor,
            tile.core.col0 // factor : tile.core.col1 // factor,
        ]
        for out, raster in ((a, one), (b, two)):
            values = decibels(raster.data) if sensor == "sar" else raster.data
            for target, band in zip(out, values, strict=True):
                target[at] = block_means(band, factor)
        both = (one.valid & two.valid).view(np.uint8)
        rows, cols = (side // factor for side in both.shape)
        valid[at] = both.reshape(rows, factor, cols, factor).min(axis=3).min(axis=1) > 0
    return a, b, valid


def unchanged(x: NDArray[np.float64], y: NDArray[np.float64], *, iterations: int = 12) -> NDArray[np.float64]:
    """Probability that each pixel did not change, by iteratively re-weighted multivariate alteration detection.

    Parameters
    ----------
    x, y : float64 (pixel, band)
        Both dates.
    iterations : int
        Re-weightings; a dozen settle it.

    Returns
    -------
    float64 (pixel,)
        Weights in 1e-6..1.
    """
    bands = x.shape[1]
    both = np.ascontiguousarray(np.hstack([x, y]).T)  # one row per band: three or four columns would be slow
    weight = np.ones(len(x))
    for _ in range(iterations):
        total = weight.sum()
        centred = both - (both @ weight / total)[:, None]
        cov = (centred * weight) @ centred.T / total
        if not (np.any(cov[:bands, :bands]) and np.any(cov[bands:, bands:])):
            return weight  # one value everywhere: nothing to tell pixels apart by
        cov[np.diag_indices_from(cov)] *= 1 + 1e-6
        cov[np.diag_indices_from(cov)] += 1e-9 * np.trace(cov)
        sxx, syy, sxy = cov[:bands, :bands], cov[bands:, bands:], cov[:bands, bands:]
        rho2, left = scipy.linalg.eigh(sxy @ np.linalg.solve(syy, sxy.T), sxx)
        right = np.linalg.solve(syy, sxy.T @ left)
        right /= np.sqrt((right * (syy @ right)).sum(axis=0)) + 1e-30
        right *= np.where((left * (sxy @ right)).sum(axis=0) < 0, -1.0, 1.0)
        rho = np.sqrt(np.clip(rho2, 0.0, 0.99999))
        variates = left.T @ centred[:bands] - right.T @ centred[bands:]
        statistic = (1 / (2 * (1 - rho))) @ np.square(variates, out=variates)
        weight = np.maximum(chi_square_tail(bands, statistic), 1e-6)
    return weight


def chi_square_tail(degrees: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of more than `x` under a chi-square law of so many degrees of freedom.

    By the recurrence of the incomplete gamma function over whole and half orders (Abramowitz and Stegun 26.4.8), which
    is ten times as fast as a call for any order.
    """
    half = x / 2
    decay = np.exp(-half)
    tail = decay.copy() if degrees % 2 == 0 else erfc(np.sqrt(half))
    order = 1.0 if degrees % 2 == 0 else 0.5
    term = decay * half**order / gamma(order + 1)
    while order < degrees / 2:
        tail += term
        order += 1
        term *= half / order
    return tail


def _regress(
    x: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted orthogonal regression of `x` on `y`, band by band: gain and offset for `y`."""
    mx, my = np.average(x, axis=0, weights=weight), np.average(y, axis=0, weights=weight)
    sxx = np.average((x - mx) ** 2, axis=0, weights=weight)
    syy = np.average((y - my) ** 2, axis=0, weights=weight)
    sxy = np.average((x - mx) * (y - my), axis=0, weights=weight)
    gain = (sxx - syy + np.sqrt((sxx - syy) ** 2 + 4 * sxy**2)) / np.where(
        np.abs(sxy) < 1e-12, 1e-12, 2 * sxy
    )
    spread = np.sqrt((sxx + 1e-12) / (syy + 1e-12))
    gain = np.where((gain > 0.25) & (gain < 4.0), gain, np.clip(spread, 0.25, 4.0))
    return gain, mx - gain * my


def _local_medians(difference: FloatArray, valid: BoolArray, side: int) -> FloatArray:
    """Smoothed block medians of a difference, float32 (band, lattice row, lattice col); zero where unknown."""
    rows, cols = (max(1, n // side) for n in valid.shape)
    out = np.zeros((len(difference), rows, cols), np.float32)
    known = np.zeros((rows, cols), np.bool_)
    for i in range(rows):
        for j in range(cols):
            block = np.s_[i * side : (i + 1) * side, j * side : (j + 1) * side]
            usable = valid[block]
            if usable.size and usable.mean() >= 0.25:
                known[i, j] = True
                out[:, i, j] = np.median(difference[(slice(None), *block)][:, usable], axis=1)
    if not known.any():
        return out
    for band in out:
        band[~known] = np.median(band[known])
        band[:] = gaussian_filter(median_filter(band, 3, mode="nearest"), 0.7, mode="nearest")
    return out
