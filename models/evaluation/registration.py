"""What an alignment left against a transform that was measured by other means."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagery.align import Alignment, ShiftField, Verdict
from imagery.raster import Window
from models.evaluation.case import Case

FAILURE_PX = 3.0
"""True median residual above which images do not lie on each other; the same limit as for the held-out one."""

_LEAST_PLACES = 10
_LATTICE = 12

Points = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Registration:
    """How well one pair was registered, judged by a measured transform.

    Parameters
    ----------
    verdict : {"ok", "georeference", "refused"}
    residual_px : tuple of float
        Distance between where the alignment and where the measured transform puts a point, per point checked.
    reported_px : float or None
        What the alignment itself said is left (held-out median).
    """

    verdict: Verdict
    residual_px: tuple[float, ...]
    reported_px: float | None

    @property
    def median_px(self) -> float:
        """NaN without points."""
        return float(np.median(self.residual_px)) if self.residual_px else math.nan

    @property
    def p95_px(self) -> float:
        """NaN without points."""
        return float(np.percentile(self.residual_px, 95)) if self.residual_px else math.nan

    @property
    def silent_failure(self) -> bool:
        """Whether a wrong alignment was passed off as a good one."""
        return self.verdict == "ok" and self.median_px > FAILURE_PX

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "verdict": self.verdict,
            "reported_px": self.reported_px,
            "residual_px": [round(r, 3) for r in self.residual_px],
        }

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> "Registration":
        """Inverse of `as_dict`."""
        return cls(
            verdict=d["verdict"],
            residual_px=tuple(float(r) for r in d["residual_px"]),
            reported_px=d["reported_px"],
        )


def registration_of(case: Case, alignment: Alignment, to_after: NDArray[np.float64]) -> Registration | None:
    """Judge an alignment by the case's measured transform.

    Parameters
    ----------
    case : Case
    alignment : Alignment
    to_after : float64 (3, 3)
        Measured homography from *before* to *after* pixels (col, row, 1); identity = none was measured.

    Returns
    -------
    Registration or None
        None where no transform was measured.
    """
    if np.array_equal(to_after, np.eye(3)):
        return None
    left = residuals_px(alignment.shift, to_after, check_points(case))
    return Registration(
        verdict=alignment.verdict,
        residual_px=tuple(float(r) for r in left),
        reported_px=alignment.residual_px,
    )


def check_points(case: Case) -> Points:
    """Where a measured transform holds, float64 (n, 2) as (col, row).

    Centres of the labelled objects: transforms of cases are measured on the ground that these stand on, and say
    nothing about roofs and hills elsewhere. A lattice over the examined ground where too little is labelled.
    """
    labelled = [truth.box.centre for truth in case.truths] + [box.centre for box in case.dont_care]
    if len(labelled) >= _LEAST_PLACES:
        return np.array(labelled, np.float64)
    rows, cols = case.shape
    lattice = [
        ((i + 0.5) * cols / _LATTICE, (j + 0.5) * rows / _LATTICE)
        for i in range(_LATTICE)
        for j in range(_LATTICE)
    ]
    return np.array([p for p in lattice if not any(box.holds(p) for box in case.ignore)], np.float64)


def residuals_px(shift: ShiftField, to_after: NDArray[np.float64], points: Points) -> NDArray[np.float64]:
    """Distance between where a shift field and a transform put each (col, row), float64 (n,), pixels."""
    true = np.column_stack([points, np.ones(len(points))]) @ to_after.T
    true = true[:, :2] / true[:, 2:] - points
    estimated = np.array([_at(shift, col, row) for col, row in points]).reshape(-1, 2)
    out: NDArray[np.float64] = np.hypot(*(estimated - true).T)
    return out


def _at(shift: ShiftField, col: float, row: float) -> tuple[float, float]:
    at_row, at_col = max(0, int(row)), max(0, int(col))
    d_row, d_col = shift.at(Window(row0=at_row, col0=at_col, row1=at_row + 1, col1=at_col + 1))
    return float(d_col[0, 0]), float(d_row[0, 0])


def pooled(registrations: Sequence[Registration]) -> dict[str, Any]:
    """Over all pairs: median and 95th percentile over all points, verdicts, silent failures."""
    every = [r for one in registrations for r in one.residual_px]
    return {
        "n": len(registrations),
        "points": len(every),
        "median_px": round(float(np.median(every)), 3) if every else None,
        "p95_px": round(float(np.percentile(every, 95)), 3) if every else None,
        "not_ok": sum(one.verdict != "ok" for one in registrations),
        "silent_failures": sum(one.silent_failure for one in registrations),
    }
