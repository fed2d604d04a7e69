"""Radar statistics: equivalent number of looks, and a test for the equality of two intensities with those looks.

Multilooked intensity over even ground is gamma distributed about its mean, with the number of looks for its shape, so
that the *ratio* of two dates tells change from speckle, be the ground bright or dark.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.special import fdtrc, fdtri, polygamma

from imagery.raster import BoolArray, FloatArray, Window

Values = NDArray[np.float64]

NEPER_PER_DB = float(np.log(10.0) / 10.0)

LOOKS_RANGE = (0.5, 1000.0)
"""Beyond the upper end an image is so smooth that quantisation and texture say more than speckle."""

SIDE_PX = 7
"""Side of the squares over which looks are measured: 49 values estimate a variance, and fit into harbours."""

FEW_LOOKS, VERY_FEW_LOOKS = 15.0, 3.0

_BIN = 0.05
_EDGES = np.arange(np.log(0.1), np.log(1e4) + _BIN, _BIN)
_LEAST_SQUARES_COUNTED = 200
_TABLE_LOG_LOOKS = np.linspace(np.log(LOOKS_RANGE[0]), np.log(LOOKS_RANGE[1]), 120)


def _table_log_scatter(quantile: float) -> Values:
    looks = np.exp(_TABLE_LOG_LOOKS)
    out: Values = np.log(np.log(fdtri(2 * looks, 2 * looks, 0.5 + quantile / 2)))
    return out


@dataclass(kw_only=True, eq=False)
class LooksCount:
    """Histogram of local ``mean^2 / variance``, filled window by window, so that a whole scene needs no memory.

    Parameters
    ----------
    counts : int64 (bin,)
        Over the logarithm of the local number of looks.
    """

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(_EDGES) - 1, np.int64))

    def add(self, intensity: FloatArray, valid: BoolArray) -> None:
        """Count the even-sided squares of a window.

        Parameters
        ----------
        intensity : float32 (row, col)
            Linear.
        valid : bool (row, col)
        """
        found = local_looks(intensity, valid)
        self.counts += np.histogram(np.log(found[np.isfinite(found)]), _EDGES)[0]

    def mode(self) -> float | None:
        """The equivalent number of looks: where most squares agree; None where too few squares could be seen.

        Texture and edges lower the local number and never raise it, so the most common one is that of even ground
        (the mode of local estimates, as Anfinsen, Doulgeris and Eltoft 2009, doi:10.1109/TGRS.2009.2019269).
        """
        if self.counts.sum() < _LEAST_SQUARES_COUNTED:
            return None
        smooth = gaussian_filter1d(self.counts.astype(np.float64), 0.2 / _BIN, mode="constant")
        peak = int(smooth.argmax())
        return float(np.clip(np.exp(_EDGES[peak] + _BIN / 2), *LOOKS_RANGE))


def local_looks(intensity: FloatArray, valid: BoolArray) -> FloatArray:
    """``mean^2 / variance`` over squares of `SIDE_PX`, every other pixel.

    Parameters
    ----------
    intensity : float32 (row, col)
        Linear.
    valid : bool (row, col)

    Returns
    -------
    float32 (row, col)
        NaN where the square is not whole or holds one value only.
    """
    side = (SIDE_PX, SIDE_PX)
    values = np.where(valid, intensity, 0.0).astype(np.float64)
    mean = cv2.blur(values, side, borderType=cv2.BORDER_CONSTANT)[::2, ::2]
    square = cv2.blur(values * values, side, borderType=cv2.BORDER_CONSTANT)[::2, ::2]
    inside = cv2.copyMakeBorder(valid.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    whole = cv2.erode(inside, np.ones(side, np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)[
        1:-1, 1:-1
    ]
    number = SIDE_PX * SIDE_PX
    variance = (square - mean * mean) * number / (number - 1)
    usable = (whole[::2, ::2] > 0) & (variance > 1e-8 * mean * mean) & (mean > 0)
    out: FloatArray = np.where(usable, mean * mean / np.where(usable, variance, 1.0), np.nan).astype(
        np.float32
    )
    return out


def looks_of_scatter(scatter_db: FloatArray | float, *, quantile: float) -> FloatArray:
    """Number of looks whose unchanged ratio of two dates scatters so much.

    The ratio of two gamma variates of one mean and `looks` looks follows F(2 looks, 2 looks).

    Parameters
    ----------
    scatter_db : float32 (...)
        `quantile` of the absolute difference of two dates in decibels where nothing changed.
    quantile : float
        0 to 1.

    Returns
    -------
    float32 (...)
        Within `LOOKS_RANGE`.
    """
    log_scatter = np.log(np.maximum(np.asarray(scatter_db, np.float64) * NEPER_PER_DB, 1e-9))
    table = _table_log_scatter(quantile)
    out: FloatArray = np.exp(np.interp(-log_scatter, -table, _TABLE_LOG_LOOKS)).astype(np.float32)
    return out


def speckle_db(looks: float) -> float:
    """Standard deviation of the decibels of even ground: ``10 / ln 10 * sqrt(psi_1(looks))``."""
    return float(np.sqrt(polygamma(1, looks)) / NEPER_PER_DB)


def equality(difference_db: FloatArray, looks: FloatArray | float) -> FloatArray:
    """Likelihood-ratio test for the equality of two gamma distributed intensities, as signed sigmas.

    For one channel and the same number of looks L on both dates, with d the logarithm of the ratio, the test of
    Conradsen, Nielsen, Schou and Skriver (2003, doi:10.1109/TGRS.2002.808066, with p = 1 and n = m = L) is
    ``-2 ln Q = 4 L ln cosh(d / 2)``; ``rho = 1 - 1 / (4 L)`` times it is chi-squared with one degree of freedom up to
    terms in 1 / L^2. Its root with the sign of the difference is standard normal where nothing changed.

    Parameters
    ----------
    difference_db : float32 (row, col)
        Second date less first.
    looks : float32 (row, col) or float
        At least 0.5.

    Returns
    -------
    float32 (row, col)
        Positive where the second date is brighter.
    """
    d = np.abs(difference_db).astype(np.float64) * NEPER_PER_DB
    looks = np.maximum(looks, LOOKS_RANGE[0])
    # ln cosh(d / 2), which overflows as written.
    log_cosh = d / 2 + np.log1p(np.exp(-d)) - np.log(2.0)
    root = np.sqrt(np.maximum((4.0 * looks - 1.0) * log_cosh, 0.0))
    out: FloatArray = np.where(difference_db < 0, -root, root).astype(np.float32)
    return out


def equality_exceeds(sigmas: float, looks: float) -> float:
    """Exact share of unchanged pixels whose `equality` lies beyond +-`sigmas`: the ratio follows F(2 L, 2 L)."""
    log_cosh = sigmas**2 / (4.0 * looks - 1.0)
    d = 2.0 * float(np.arccosh(np.exp(min(log_cosh, 700.0))))
    return 2.0 * float(fdtrc(2 * looks, 2 * looks, np.exp(min(d, 700.0))))


def averaging_side_px(looks: float | None) -> int:
    """Side of the square over which intensities of so many looks are averaged before they are compared.

    One pixel of few looks cannot tell a ship from speckle; about 25 looks can. What has been filtered already, or is
    not known to be noisy, is left as it is.
    """
    if looks is None or looks >= FEW_LOOKS:
        return 1
    return 3 if looks >= VERY_FEW_LOOKS else 5


def averaged(working_db: FloatArray, valid: BoolArray, side_px: int) -> FloatArray:
    """Mean intensity of the usable pixels of a square around each pixel.

    Parameters
    ----------
    working_db : float32 (band, row, col)
        Decibels.
    valid : bool (row, col)
    side_px : int
        Odd; 1 returns the pixels as they are.

    Returns
    -------
    float32 (band, row, col)
        Decibels; unchanged where a pixel itself is not usable.
    """
    if side_px == 1:
        return working_db
    side = (side_px, side_px)
    share = cv2.blur(valid.astype(np.float64), side, borderType=cv2.BORDER_REFLECT)
    out = working_db.copy()
    for band, values in zip(out, linear(working_db), strict=True):
        mean = cv2.blur(np.where(valid, values, 0.0).astype(np.float64), side, borderType=cv2.BORDER_REFLECT)
        band[valid] = 10.0 * np.log10(mean[valid] / share[valid])
    return out


def linear(working_db: FloatArray) -> FloatArray:
    """Intensity of decibels above any floor."""
    out: FloatArray = np.power(np.float32(10), working_db / np.float32(10))
    return out


@dataclass(frozen=True, kw_only=True)
class Looks:
    """Equivalent numbers of looks of a pair.

    Parameters
    ----------
    before, after : float or None
        Of even ground on each date as delivered; None where too little was even. Filtering raises it: it is what
        the pixels have, not what the sensor took.
    side_px : int
        Side of the squares over which both are averaged before they are compared; 1 where they are not.
    compared : float or None
        The smaller number of looks of what is compared.
    """

    before: float | None
    after: float | None
    side_px: int = 1
    compared: float | None = None

    @property
    def least(self) -> float:
        """Looks that limit what a ratio can show; the upper limit where they are not known."""
        return self.compared or LOOKS_RANGE[1]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return dict(self.__dict__)

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "Looks":
        """Inverse of `as_dict`."""
        return cls(**d)


ReadPair = Callable[[Window], tuple[FloatArray, FloatArray, BoolArray]]
"""Working values (decibels) of both dates over a window, and where both are usable."""


def measure_looks(read: ReadPair, windows: Sequence[Window]) -> Looks:
    """Number of looks of both dates, and how far to average.

    Parameters
    ----------
    read : callable
        Window to decibels (band, row, col) of both dates and validity (row, col).
    windows : sequence of Window
        That cover the grid.
    """
    before, after = _count(read, windows, 1)
    known = [value for value in (before, after) if value is not None]
    side = averaging_side_px(min(known, default=None))
    used = known if side == 1 else [value for value in _count(read, windows, side) if value is not None]
    return Looks(before=before, after=after, side_px=side, compared=min(used, default=None))


def _count(read: ReadPair, windows: Sequence[Window], side_px: int) -> tuple[float | None, float | None]:
    """Looks of both dates averaged over squares; of an average only every `side_px`-th pixel is independent."""
    counts = LooksCount(), LooksCount()
    for window in windows:
        *dates, valid = read(window)
        for count, values in zip(counts, dates, strict=True):
            for band in linear(averaged(values, valid, side_px)):
                count.add(
                    np.ascontiguousarray(band[::side_px, ::side_px]), valid[::side_px, ::side_px].copy()
                )
    return counts[0].mode(), counts[1].mode()
