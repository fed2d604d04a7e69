"""The figures of an evaluation as one document."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np

from models.evaluation.case import Origin
from models.evaluation.detail import Detail, case_row, detail_of
from models.evaluation.registration import pooled
from models.evaluation.reliability import poisson_upper
from models.evaluation.score import CaseScore
from models.evaluation.tally import (
    RESAMPLINGS,
    Interval,
    OperatingPoint,
    Tally,
    confidence_interval,
    detection_at_false_alarms,
    tally,
)

THRESHOLDS = (0.0, 0.3, 0.5, 0.7, 0.9)
BUDGETS_PER_KM2 = (1, 2, 5, 10, 20, 50, 100, 200, 400, 800)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One class at one threshold.

    Parameters
    ----------
    group : str
        "aircraft", "ship", "sar" (radar cases apart) or "vehicle".
    threshold : float
    tally : Tally
    pd_interval, false_alarm_interval : Interval
        90 %, false alarms per km2.
    null_false_alarms_per_km2 : float or None
        On the controls of all classes; None where there are none.
    """

    group: str
    threshold: float
    tally: Tally
    pd_interval: Interval
    false_alarm_interval: Interval
    null_false_alarms_per_km2: float | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, rounded."""
        t = self.tally
        null = self.null_false_alarms_per_km2
        return {
            "klass": self.group,
            "thr": self.threshold,
            "Pd": _share(t.pd),
            "Pd_app": _share(t.pd_appeared),
            "Pd_van": _share(t.pd_vanished),
            "kind": _share(t.right_kind),
            "FA": _rate(t.false_alarms_per_km2, 3),
            "frag": _rate(t.fragments_per_km2, 3),
            "prec_lb": _share(t.precision_lower_bound),
            "all_km2": _rate(t.claims_per_km2, 3),
            "Pd_ci": [_rate(end, 3) for end in self.pd_interval],
            "FA_ci": [_rate(end, 2) for end in self.false_alarm_interval],
            "n": t.truths,
            "km2": _rate(t.examined_km2, 2),
            "null_FA": None if null is None else _rate(null, 2),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Summary:
    """Figures of cases of one origin; real, implanted and simulated cases never share one.

    Parameters
    ----------
    name : str
        What was evaluated.
    origin : Origin
    scores : tuple of CaseScore
    thresholds : tuple of float
    rows : tuple of Row
        By class, then threshold.
    budgets : mapping of group to mapping of false alarms per km2 to OperatingPoint
    details : mapping of group to Detail
        Fixed budgets with intervals, sizes, curve and reliability.
    failed : mapping of case name to message
        Cases that ended in an error; they count as missed and not assessed.
    in_sample : frozenset of str
        Cases the scorer was fitted on, and cases that show the same places: their figures do not tell how well
        it detects elsewhere.
    others : tuple of Summary
        The same for cases of other origins.
    """

    name: str
    origin: Origin
    scores: tuple[CaseScore, ...]
    thresholds: tuple[float, ...]
    rows: tuple[Row, ...]
    budgets: Mapping[str, Mapping[float, OperatingPoint]]
    details: Mapping[str, Detail] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    in_sample: frozenset[str] = frozenset()
    others: tuple["Summary", ...] = ()

    @property
    def seconds_per_mpx(self) -> float | None:
        """Over the cases whose time is known."""
        timed = [(score.seconds, score.case.mpx) for score in self.scores if score.seconds]
        return sum(s for s, _ in timed) / sum(mpx for _, mpx in timed) if timed else None

    @property
    def nulls(self) -> tuple[CaseScore, ...]:
        """Controls where nothing changed."""
        return tuple(score for score in self.scores if score.case.null)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready and rounded; what cannot be known is null.

        ``null_real`` and ``null_perturbed`` tell controls that are two real images from those made by perturbing
        one; ``null_FA`` in the rows is over both.
        """
        seconds_per_mpx = self.seconds_per_mpx
        return {
            "name": self.name,
            "origin": self.origin,
            "n_cases": len(self.scores),
            "n_na": sum(not score.assessed for score in self.scores),
            "s_per_mpx": None if seconds_per_mpx is None else _share(seconds_per_mpx),
            "rows": [row.as_dict() for row in self.rows],
            "pd_at_fa": {
                group: {str(budget): [_share(p.pd), p.threshold] for budget, p in points.items()}
                for group, points in self.budgets.items()
            },
            "null_n_false_scenes": _false_scenes(self.nulls, self.thresholds),
            "null_n": len(self.nulls),
            "null_real": _controls([s for s in self.nulls if not s.case.perturbed], self.thresholds),
            "null_perturbed": _controls([s for s in self.nulls if s.case.perturbed], self.thresholds),
            "per_case": {score.case.name: _case_figures(score) for score in self.scores},
            "detail": {group: detail.as_dict() for group, detail in self.details.items()},
            "cases": {score.case.name: case_row(score) for score in self.scores},
            "registration": pooled([s.registration for s in self.scores if s.registration is not None]),
            "failed": dict(self.failed),
            "in_sample": sorted(self.in_sample),
            "in_sample_classes": [
                group
                for group, members in _groups(self.scores).items()
                if any(score.case.name in self.in_sample for score in members)
            ],
            "other_origins": {other.origin: other.as_dict() for other in self.others},
        }


def summarise(
    scores: Sequence[CaseScore],
    *,
    name: str,
    failed: Mapping[str, str] | None = None,
    fitted_on: Collection[str] = (),
    thresholds: Sequence[float] = THRESHOLDS,
    resamplings: int = RESAMPLINGS,
) -> Summary:
    """All figures of an evaluation; those of the real cases on top, other origins in `Summary.others`.

    Parameters
    ----------
    scores : sequence of CaseScore
        In the order in which places are to be resampled.
    name : str
    failed : mapping of case name to message, optional
    fitted_on : collection of str
        Names of cases that what is evaluated was fitted on.
    thresholds : sequence of float
    resamplings : int
        Of the bootstrap.
    """
    in_sample = _in_sample(scores, fitted_on)
    summaries = {}
    for origin in get_args(Origin):
        of_origin = tuple(score for score in scores if score.case.origin == origin)
        groups = _groups(of_origin)
        nulls = [score for score in of_origin if score.case.null]
        summaries[origin] = Summary(
            name=name,
            origin=origin,
            scores=of_origin,
            thresholds=tuple(thresholds),
            rows=tuple(
                _row(group, members, nulls, threshold=threshold, resamplings=resamplings)
                for group, members in groups.items()
                for threshold in thresholds
            ),
            budgets={
                group: detection_at_false_alarms(members, BUDGETS_PER_KM2)
                for group, members in groups.items()
            },
            details={group: detail_of(members, resamplings=resamplings) for group, members in groups.items()},
            in_sample=in_sample & {score.case.name for score in of_origin},
            failed={s.case.name: failed[s.case.name] for s in of_origin if failed and s.case.name in failed},
        )
    real = summaries.pop("real")
    others = tuple(summary for summary in summaries.values() if summary.scores)
    return Summary(**{**real.__dict__, "others": others})


def _in_sample(scores: Sequence[CaseScore], fitted_on: Collection[str]) -> frozenset[str]:
    """Fitted cases, and those of the same places: a crop of a fitted pair is no independent test either."""
    places = {s.case.component for s in scores if s.case.name in fitted_on or s.case.parent in fitted_on}
    return frozenset(s.case.name for s in scores if s.case.component in places)


def _groups(scores: Iterable[CaseScore]) -> dict[str, list[CaseScore]]:
    """Cases whose figures go together; radar ships apart from optical ones, controls in none."""
    groups: dict[str, list[CaseScore]] = {"aircraft": [], "ship": [], "sar": [], "vehicle": []}
    for score in scores:
        case = score.case
        if case.radar:
            groups["sar"].append(score)
        if case.klass in groups and not (case.klass == "ship" and case.radar):
            groups[case.klass].append(score)
    return {group: members for group, members in groups.items() if members}


def _row(
    group: str,
    members: Sequence[CaseScore],
    nulls: Sequence[CaseScore],
    *,
    threshold: float,
    resamplings: int,
) -> Row:
    pd_interval, false_alarm_interval = confidence_interval(members, threshold, resamplings=resamplings)
    return Row(
        group=group,
        threshold=threshold,
        tally=tally(members, threshold),
        pd_interval=pd_interval,
        false_alarm_interval=false_alarm_interval,
        null_false_alarms_per_km2=tally(nulls, threshold).false_alarms_per_km2 if nulls else None,
    )


def _false_scenes(nulls: Iterable[CaseScore], thresholds: Sequence[float]) -> dict[str, int]:
    nulls = list(nulls)
    return {str(t): sum(score.count("false_alarm", t) > 0 for score in nulls) for t in thresholds}


def _controls(nulls: Sequence[CaseScore], thresholds: Sequence[float]) -> dict[str, Any]:
    totals = {str(threshold): tally(nulls, threshold) for threshold in thresholds}
    return {
        "n": len(nulls),
        "km2": _rate(sum(score.case.examined_km2 for score in nulls), 2),
        "FA": {threshold: _rate(total.false_alarms_per_km2, 2) for threshold, total in totals.items()},
        "n_false": {threshold: total.false_alarms for threshold, total in totals.items()},
        "FA_upper_95": {
            threshold: _rate(poisson_upper(total.false_alarms, total.examined_km2), 2)
            for threshold, total in totals.items()
        },
        "n_false_scenes": _false_scenes(nulls, thresholds),
    }


def _case_figures(score: CaseScore) -> dict[str, float | int | None]:
    found = sum(hit is not None for hit in score.hit_scores)
    truths = len(score.case.truths)
    return {
        "Pd": round(found / truths, 2) if truths else None,
        "FA": score.count("false_alarm", -math.inf),
    }


# The two roundings below differ in the last digit at exact ties (1/80 is .013 or .012): built-in for shares of
# counts, numpy's for figures per area and for intervals, as published figures of these cases were rounded.


def _share(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 3)


def _rate(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else float(np.round(value, digits))
