"""Everything about one class of labelled objects beyond the table of thresholds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.evaluation.operating import Budgeted, Curve, by_size, curve, within_budgets
from models.evaluation.reliability import ReliabilityBin, calibration_error, reliability
from models.evaluation.score import CaseScore
from models.evaluation.tally import RESAMPLINGS, Interval, tally

CASE_SCORE = 0.5
"""Score at which the table of cases counts."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Detail:
    """Figures of one class of one origin.

    Parameters
    ----------
    budgets : tuple of Budgeted
    right_kind : tuple of float
        Per budget, at its threshold: share of matched truths whose best match has the right kind; NaN where none.
    sizes : list of dict
        See `models.evaluation.operating.by_size`.
    curve : Curve
    reliability : tuple of ReliabilityBin
    calibration_error : float
    calibration_interval : Interval
    """

    budgets: tuple[Budgeted, ...]
    right_kind: tuple[float, ...]
    sizes: list[dict[str, Any]]
    curve: Curve
    reliability: tuple[ReliabilityBin, ...]
    calibration_error: float
    calibration_interval: Interval

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, rounded; what cannot be known is null."""
        return {
            "budgets": {
                f"{b.budget_per_km2:g}": {**b.as_dict(), "kind": _rounded(kind)}
                for b, kind in zip(self.budgets, self.right_kind, strict=True)
            },
            "sizes": self.sizes,
            "curve": self.curve.as_dict(),
            "reliability": [b.as_dict() for b in self.reliability],
            "calibration_error": _rounded(self.calibration_error),
            "calibration_error_ci": [_rounded(end) for end in self.calibration_interval],
        }


def detail_of(scores: Sequence[CaseScore], *, resamplings: int = RESAMPLINGS) -> Detail:
    """All figures of cases of one class and origin."""
    counts = curve(scores)
    budgets = within_budgets(counts, resamplings=resamplings)
    error, interval = calibration_error(scores, resamplings=resamplings)
    return Detail(
        budgets=budgets,
        right_kind=tuple(
            math.nan if b.threshold is None else tally(scores, b.threshold).right_kind for b in budgets
        ),
        sizes=by_size(scores, budgets, resamplings=resamplings),
        curve=counts,
        reliability=reliability(scores),
        calibration_error=error,
        calibration_interval=interval,
    )


def case_row(score: CaseScore) -> dict[str, Any]:
    """One line of the table of cases, JSON-ready, at `CASE_SCORE`."""
    total = tally([score], CASE_SCORE)
    registration = score.registration
    return {
        "place": score.case.component,
        "gsd_m": score.case.gsd_m,
        "km2": _rounded(total.examined_km2),
        "n": total.truths,
        "Pd": _rounded(total.pd),
        "kind": _rounded(total.right_kind),
        "false_alarms": total.false_alarms,
        "fragments": total.fragments + total.wrong_kind,
        "assessed": score.assessed,
        "registration": None
        if registration is None
        else {
            "verdict": registration.verdict,
            "reported_px": _rounded(registration.reported_px),
            "median_px": _rounded(registration.median_px),
            "p95_px": _rounded(registration.p95_px),
            "silent_failure": registration.silent_failure,
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 3)
