"""How many false alarms a score costs on this very pair, and the score that keeps them within what was asked for.

Two things are asked, and the stricter one counts: what the scorer's claims cost on labelled places that it had not
seen, and what it claims on the pair's own *null*: each date against a twin of itself, displaced by what alignment left
and with the noise that was measured between the dates, where by construction nothing changed. The null knows this
scene's clutter and noise; it does not know another sun or season, which the labelled places do.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from imagery.align import ShiftField
from imagery.lattice import Lattice
from imagery.raster import Raster, Reader, Sensor, Window, gsd_m
from imagery.warp import ArrayReader, window_grid

PLACES = 6
SIDE_PX = 768
"""The null is taken at so many places of this side, spread over the images."""

LOWEST = 0.05
UNMEASURED = 0.5
"""Nothing below it is listed where what claims cost was never measured on labelled places: a null knows no season."""

SCORES = np.round(np.arange(LOWEST, 1.0, 0.01), 2)
VARIABLE = "SITEWATCH_FALSE_ALARMS_PER_KM2"
"""What ``--false-alarms-per-km2`` asked for, for this process and those that it starts."""

_SEED = 20240214
_NODE_PX = 64
_MEDIAN_OF_RAYLEIGH = 1.1774


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The score that keeps false alarms within what was asked for.

    Parameters
    ----------
    asked_per_km2 : float
    min_score : float
        Lowest score that is listed.
    null_claims : int
        Claims from that score on where nothing changed.
    null_km2 : float
        Ground on which that was tried.
    labelled_per_km2 : float or None
        False alarms at that score on labelled places; None where they were never measured for such pixels.
    """

    asked_per_km2: float
    min_score: float
    null_claims: int
    null_km2: float
    labelled_per_km2: float | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return dict(self.__dict__)

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "Budget":
        """Inverse of `as_dict`."""
        return cls(**d)


def asked_per_km2() -> float | None:
    """What was asked for; None where a lowest score is given."""
    text = os.environ.get(VARIABLE)
    return float(text) if text else None


def budget_for(
    asked_per_km2: float,
    null_scores: Sequence[float],
    null_km2: float,
    labelled: Callable[[float], float | None],
) -> Budget:
    """The lowest score at which neither measure exceeds what was asked for; `UNMEASURED` at the least without labels.

    Parameters
    ----------
    asked_per_km2 : float
    null_scores : sequence of float
        Of all claims on the null.
    null_km2 : float
    labelled : callable
        Score to false alarms per km2 on labelled places, None where not measured.
    """
    scores = np.sort(np.asarray(null_scores, np.float64))
    for score in SCORES:
        claims = int(len(scores) - np.searchsorted(scores, score))
        stated = labelled(float(score))
        cheap = score >= UNMEASURED if stated is None else stated <= asked_per_km2
        if cheap and claims <= asked_per_km2 * null_km2:
            break
    return Budget(
        asked_per_km2=asked_per_km2, min_score=float(score), null_claims=claims, null_km2=round(null_km2, 4),
        labelled_per_km2=stated,
    )  # fmt: skip


def own_null(
    before: Reader,
    after: Reader,
    *,
    sensor: Sensor,
    noise: Lattice,
    unit: float,
    residual_px: float,
    claims: Callable[[Reader, Reader], Sequence[float]],
) -> tuple[list[float], float]:
    """Scores of what is claimed where nothing changed, and on how much ground that was tried, in km2.

    Parameters
    ----------
    before, after : Reader
    sensor : {"optical", "sar"}
    noise : Lattice
        Sigma of the difference of the dates, working units.
    unit : float
        Working units per input number; not used for radar, whose noise is in decibels.
    residual_px : float
        Misregistration that is left, median.
    claims : callable
        Compares two readers, gives the score of every claim.
    """
    scores: list[float] = []
    km2 = 0.0
    shape = (int(before.grid.shape[0]), int(before.grid.shape[1]))
    pixel_km2 = gsd_m(before.grid) ** 2 / 1e6
    for number, window in enumerate(_places(shape)):
        reader = (before, after)[number % 2]
        raster = reader.read(window)
        if raster.valid.mean() < 0.5:
            continue
        sigma = noise.at(window) / (1.0 if sensor == "sar" else unit)
        twin = _twin(
            reader, window, raster, sigma, residual_px, sensor, np.random.default_rng(_SEED + number)
        )
        scores += claims(ArrayReader(raster=raster), ArrayReader(raster=twin))
        km2 += float(raster.valid.sum()) * pixel_km2
    return scores, km2


def _places(shape: tuple[int, int]) -> Iterator[Window]:
    """Windows spread over the images; neighbours show different dates."""
    rows, cols = (max(1, min(3, n // SIDE_PX)) for n in shape)
    while rows * cols > PLACES:
        rows, cols = (rows - 1, cols) if rows >= cols else (rows, cols - 1)
    height, width = (min(SIDE_PX, n) for n in shape)
    for i in range(rows):
        for j in range(cols):
            row0 = (2 * i + 1) * shape[0] // (2 * rows) - height // 2
            col0 = (2 * j + 1) * shape[1] // (2 * cols) - width // 2
            yield Window(row0=row0, col0=col0, row1=row0 + height, col1=col0 + width).clipped(shape)


def _twin(
    reader: Reader, window: Window, raster: Raster, sigma: Any, residual_px: float, sensor: Sensor,
    rng: np.random.Generator,
) -> Raster:  # fmt: skip
    rows, cols = (n // _NODE_PX + 2 for n in window.shape)
    offsets = rng.normal(0.0, max(residual_px, 0.05) / _MEDIAN_OF_RAYLEIGH, (2, rows, cols)).astype(
        np.float32
    )
    # Nodes lie on the full grid, so the field is cut from one that begins at its corner.
    field = _Moved(
        ShiftField(d_row=offsets[0], d_col=offsets[1], step_px=float(_NODE_PX)), window.row0, window.col0
    )
    displaced = reader.read(window, field)
    noise = rng.standard_normal(displaced.data.shape).astype(np.float32) * sigma
    data = displaced.data * 10 ** (noise / 10) if sensor == "sar" else displaced.data + noise
    return Raster(
        data=data.astype(np.float32), valid=displaced.valid, bands=raster.bands, quantity=raster.quantity,
        grid=window_grid(reader.grid, window),
    )  # fmt: skip


@dataclass(frozen=True)
class _Moved:
    """A displacement whose lattice begins at a window's corner."""

    field: ShiftField
    row0: int
    col0: int

    def at(self, window: Window) -> tuple[Any, Any]:
        return self.field.at(
            Window(
                row0=window.row0 - self.row0,
                col0=window.col0 - self.col0,
                row1=window.row1 - self.row0,
                col1=window.col1 - self.col0,
            )
        )
