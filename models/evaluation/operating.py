"""What a false-alarm budget buys: the whole curve, its spread over places, and the same by size of object."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.score import CaseScore
from models.evaluation.tally import CONFIDENCE_PCT, MIN_COMPONENTS, Interval, tried_thresholds

FIXED_BUDGETS_PER_KM2 = (0.1, 1.0, 10.0, 20.0, 50.0)
"""False alarms per km2 at which detection is quoted."""

LENGTH_CLASSES_M = (0.0, 5.0, 8.0, 12.0, 20.0, 35.0, 50.0, 100.0, 200.0, math.inf)
"""Edges of the size classes; an object is as long as the longer side of its label box."""

SIZE_SCORE = 0.5

Counts = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Hits and false alarms of every place at every threshold.

    Parameters
    ----------
    thresholds : float64 (threshold,)
        Falling.
    hits, false_alarms : float64 (place, threshold)
    truths, km2 : float64 (place,)
    """

    thresholds: Counts
    hits: Counts
    false_alarms: Counts
    truths: Counts
    km2: Counts

    @property
    def pd(self) -> Counts:
        """Detected share at every threshold."""
        out: Counts = self.hits.sum(axis=0) / max(self.truths.sum(), 1.0)
        return out

    @property
    def false_alarms_per_km2(self) -> Counts:
        """At every threshold."""
        out: Counts = self.false_alarms.sum(axis=0) / self.km2.sum()
        return out

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready: what can be plotted."""
        return {
            "score": [round(float(t), 4) for t in self.thresholds],
            "Pd": [round(float(p), 4) for p in self.pd],
            "FA": [round(float(f), 4) for f in self.false_alarms_per_km2],
        }


def curve(scores: Sequence[CaseScore]) -> Curve:
    """Count every place at every score that occurs (their quantiles where there are very many)."""
    thresholds = np.array(tried_thresholds(scores), np.float64)
    places: dict[str | None, list[CaseScore]] = {}
    for score in scores:
        places.setdefault(score.case.component, []).append(score)
    groups = list(places.values())

    def counted(values: list[float]) -> Counts:
        ordered = np.sort(np.array(values, np.float64))
        out: Counts = (len(ordered) - np.searchsorted(ordered, thresholds, side="left")).astype(np.float64)
        return out

    hits = [counted([h for s in group for h in s.hit_scores if h is not None]) for group in groups]
    alarms = [counted([v for s in group for v in s.scores_by_status["false_alarm"]]) for group in groups]
    shape = (len(groups), len(thresholds))
    return Curve(
        thresholds=thresholds,
        hits=np.array(hits, np.float64).reshape(shape),
        false_alarms=np.array(alarms, np.float64).reshape(shape),
        truths=np.array([sum(len(s.case.truths) for s in group) for group in groups], np.float64),
        km2=np.array([sum(s.case.examined_km2 for s in group) for group in groups], np.float64),
    )


@dataclass(frozen=True, kw_only=True)
class Budgeted:
    """Detection within a budget of false alarms.

    Parameters
    ----------
    budget_per_km2 : float
    pd : float
        Best share found at a threshold that keeps to the budget; 0 where none does. The threshold is chosen on the
        cases themselves.
    interval : Interval
        90 %, cluster bootstrap over places with the threshold chosen anew in every resample.
    threshold : float or None
    resolved : bool
        Whether the examined area holds at least one false alarm at this rate; otherwise the budget means "none".
    """

    budget_per_km2: float
    pd: float
    interval: Interval
    threshold: float | None
    resolved: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, rounded; what cannot be known is null."""
        ends = [None if math.isnan(end) else round(end, 3) for end in self.interval]
        return {"Pd": round(self.pd, 3), "ci": ends, "thr": self.threshold, "resolved": self.resolved}


def within_budgets(
    counts: Curve,
    budgets_per_km2: Sequence[float] = FIXED_BUDGETS_PER_KM2,
    *,
    resamplings: int = 1000,
    seed: int = 0,
) -> tuple[Budgeted, ...]:
    """Best Pd within each budget, with its spread over places."""
    if not len(counts.thresholds) or not counts.truths.sum():
        unknown = Interval(math.nan, math.nan)
        return tuple(
            Budgeted(budget_per_km2=b, pd=0.0, interval=unknown, threshold=None, resolved=False)
            for b in budgets_per_km2
        )
    drawn = _draws(len(counts.km2), resamplings, seed)
    total_km2 = float(counts.km2.sum())
    found = []
    for budget in budgets_per_km2:
        within = counts.false_alarms_per_km2 <= budget
        best = int(np.argmax(np.where(within, counts.pd, -1.0)))
        kept = bool(within.any())
        found.append(
            Budgeted(
                budget_per_km2=budget,
                pd=float(counts.pd[best]) if kept else 0.0,
                interval=_spread(counts, drawn, budget),
                threshold=float(counts.thresholds[best]) if kept else None,
                resolved=budget * total_km2 >= 1.0,
            )
        )
    return tuple(found)


def _draws(places: int, resamplings: int, seed: int) -> Counts | None:
    """How often each place is in each resample, float64 (resample, place); None for too few places."""
    if places < MIN_COMPONENTS:
        return None
    picks = np.random.default_rng(seed).integers(0, places, (resamplings, places))
    return np.stack([(picks == place).sum(axis=1) for place in range(places)], axis=1).astype(np.float64)


def _spread(counts: Curve, drawn: Counts | None, budget: float) -> Interval:
    if drawn is None:
        return Interval(math.nan, math.nan)
    truths = drawn @ counts.truths
    pd = (drawn @ counts.hits)[truths > 0] / truths[truths > 0, None]
    alarms = ((drawn @ counts.false_alarms) / (drawn @ counts.km2)[:, None])[truths > 0]
    best = np.where(alarms <= budget, pd, 0.0).max(axis=1)
    low, high = np.percentile(best, CONFIDENCE_PCT)
    return Interval(float(low), float(high))


def by_size(
    scores: Sequence[CaseScore], budgets: Sequence[Budgeted], *, resamplings: int = 1000
) -> list[dict[str, Any]]:
    """Detection by ground sample distance and length of the labelled object, JSON-ready.

    At `SIZE_SCORE` with a 90 % interval over places, and at the thresholds that keep to `budgets` over all sizes
    together. False alarms have no true size, so they are not split.
    """
    table: dict[tuple[float, int], list[tuple[str | None, float | None]]] = {}
    for score in scores:
        for truth, hit in zip(score.case.truths, score.hit_scores, strict=True):
            length_m = truth.box.longest_px * score.case.gsd_m
            size = int(np.searchsorted(LENGTH_CLASSES_M, length_m, side="right")) - 1
            table.setdefault((score.case.gsd_m, size), []).append((score.case.component, hit))
    rows = []
    for (gsd_m, size), found in sorted(table.items()):
        longest = LENGTH_CLASSES_M[size + 1]
        rows.append(
            {
                "gsd_m": gsd_m,
                "length_m": [LENGTH_CLASSES_M[size], None if math.isinf(longest) else longest],
                "n": len(found),
                "places": len({place for place, _ in found}),
                "Pd": round(_share(found, SIZE_SCORE), 3),
                "Pd_ci": _share_interval(found, SIZE_SCORE, resamplings),
                "Pd_at_fa": {
                    f"{b.budget_per_km2:g}": None
                    if b.threshold is None
                    else round(_share(found, b.threshold), 3)
                    for b in budgets
                },
            }
        )
    return rows


def _share(found: Sequence[tuple[str | None, float | None]], threshold: float) -> float:
    return sum(hit is not None and hit >= threshold for _, hit in found) / len(found)


def _share_interval(
    found: Sequence[tuple[str | None, float | None]], threshold: float, resamplings: int
) -> list[float | None]:
    places: Mapping[str | None, list[bool]] = {place: [] for place, _ in found}
    for place, hit in found:
        places[place].append(hit is not None and hit >= threshold)
    drawn = _draws(len(places), resamplings, 0)
    if drawn is None:
        return [None, None]
    hits = drawn @ np.array([sum(p) for p in places.values()], np.float64)
    truths = drawn @ np.array([len(p) for p in places.values()], np.float64)
    low, high = np.percentile(hits / truths, CONFIDENCE_PCT)
    return [round(float(low), 3), round(float(high), 3)]
