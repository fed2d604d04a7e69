"""Cases added up at a score threshold, how sure the sums are, and what a false-alarm budget buys."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from models.evaluation.score import CaseScore

MAX_TRIED_THRESHOLDS = 400
"""Operating points tried at most when a budget is to be met."""

MIN_COMPONENTS = 3
"""Fewer places than this say nothing about how much places differ."""

RESAMPLINGS = 1000
CONFIDENCE_PCT = (5.0, 95.0)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts over cases at one threshold, and the rates that follow (NaN where nothing could be counted).

    Parameters
    ----------
    truths_appeared, truths_vanished : int
        Labelled changes.
    hits_appeared, hits_vanished : int
        Of those, found with the right kind.
    matched, matched_right_kind : int
        Truths matched by a claim of any kind, and those whose best-scored match has the right kind.
    false_alarms, wrong_kind, fragments, off_class : int
        Claims by what became of them; see `models.evaluation.score.ClaimStatus`.
    hit_claims : int
        Claims that found a truth.
    examined_km2 : float
    """

    truths_appeared: int = 0
    truths_vanished: int = 0
    hits_appeared: int = 0
    hits_vanished: int = 0
    matched: int = 0
    matched_right_kind: int = 0
    false_alarms: int = 0
    wrong_kind: int = 0
    fragments: int = 0
    off_class: int = 0
    hit_claims: int = 0
    examined_km2: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(Tally)})

    @property
    def truths(self) -> int:
        """Labelled changes of both kinds."""
        return self.truths_appeared + self.truths_vanished

    @property
    def hits(self) -> int:
        """Labelled changes found."""
        return self.hits_appeared + self.hits_vanished

    @property
    def pd(self) -> float:
        """Probability of detection: share of labelled changes found with the right kind."""
        return _ratio(self.hits, self.truths)

    @property
    def pd_appeared(self) -> float:
        """The same for what appeared."""
        return _ratio(self.hits_appeared, self.truths_appeared)

    @property
    def pd_vanished(self) -> float:
        """The same for what vanished."""
        return _ratio(self.hits_vanished, self.truths_vanished)

    @property
    def right_kind(self) -> float:
        """Share of matched truths whose best-scored match has the right kind."""
        return _ratio(self.matched_right_kind, self.matched)

    @property
    def false_alarms_per_km2(self) -> float:
        """Upper bound: unlabelled things change too."""
        return _ratio(self.false_alarms, self.examined_km2)

    @property
    def fragments_per_km2(self) -> float:
        """Fragments, repetitions and claims of the wrong kind."""
        return _ratio(self.fragments + self.wrong_kind, self.examined_km2)

    @property
    def precision_lower_bound(self) -> float:
        """Hits over hits and false alarms; lower bound as the false alarms are an upper one."""
        return _ratio(self.hits, self.hits + self.false_alarms)

    @property
    def claims_per_km2(self) -> float:
        """Everything claimed, ignored ground apart."""
        claims = self.hit_claims + self.fragments + self.wrong_kind + self.false_alarms + self.off_class
        return _ratio(claims, self.examined_km2)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def tally(scores: Iterable[CaseScore], threshold: float) -> Tally:
    """Sum over cases of what is claimed with at least this score."""
    return _total([_tally_one(score, threshold) for score in scores])


def _total(tallies: Sequence[Tally]) -> Tally:
    # One after the other, in order: a sum of areas must come out the same to the last digit everywhere.
    total = Tally()
    for one in tallies:
        total += one
    return total


def _tally_one(score: CaseScore, threshold: float) -> Tally:
    kinds = [truth.kind for truth in score.case.truths]
    found = [hit is not None and hit >= threshold for hit in score.hit_scores]
    matches = [match for match in score.matches if match is not None and match.score >= threshold]
    return Tally(
        truths_appeared=kinds.count("appeared"),
        truths_vanished=kinds.count("vanished"),
        hits_appeared=sum(hit for hit, kind in zip(found, kinds, strict=True) if kind == "appeared"),
        hits_vanished=sum(hit for hit, kind in zip(found, kinds, strict=True) if kind == "vanished"),
        matched=len(matches),
        matched_right_kind=sum(match.right_kind for match in matches),
        false_alarms=score.count("false_alarm", threshold),
        wrong_kind=score.count("wrong_kind", threshold),
        fragments=score.count("fragment", threshold),
        off_class=score.count("off_class", threshold),
        hit_claims=score.count("hit", threshold),
        examined_km2=score.case.examined_km2,
    )


class Interval(NamedTuple):
    """Lower and upper end; NaN where it cannot be known."""

    low: float
    high: float


def confidence_interval(
    scores: Sequence[CaseScore], threshold: float, *, resamplings: int = RESAMPLINGS, seed: int = 0
) -> tuple[Interval, Interval]:
    """90 % intervals of Pd and of false alarms per km2, by cluster bootstrap over places.

    Whole components are drawn with replacement, so that several pairs of one place, and many boxes in one pair,
    do not pass for independent evidence.

    Parameters
    ----------
    scores : sequence of CaseScore
    threshold : float
    resamplings : int
    seed : int
        Of numpy's default generator.

    Returns
    -------
    (Interval, Interval)
        NaN where fewer than three places were scored.

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13.
    """
    unknown = Interval(math.nan, math.nan)
    places: dict[str | None, list[Tally]] = {}
    for score in scores:
        places.setdefault(score.case.component, []).append(_tally_one(score, threshold))
    clusters = list(places.values())
    if len(clusters) < MIN_COMPONENTS:
        return unknown, unknown
    generator = np.random.default_rng(seed)
    drawn = [
        _total(
            [one for index in generator.integers(0, len(clusters), len(clusters)) for one in clusters[index]]
        )
        for _ in range(resamplings)
    ]
    return (
        _interval([total.pd for total in drawn]),
        _interval([total.false_alarms_per_km2 for total in drawn]),
    )


def _interval(values: Sequence[float]) -> Interval:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return Interval(math.nan, math.nan)
    low, high = np.percentile(known, CONFIDENCE_PCT)
    return Interval(float(low), float(high))


class OperatingPoint(NamedTuple):
    """What a false-alarm budget buys: Pd, and the score threshold (None where no threshold keeps to it)."""

    pd: float
    threshold: float | None


def detection_at_false_alarms(
    scores: Sequence[CaseScore], budgets_per_km2: Iterable[float]
) -> Mapping[float, OperatingPoint]:
    """Best Pd within each budget of false alarms per km2.

    Every score that occurs is tried as the threshold, or their quantiles where there are very many. Of equally
    good thresholds the highest is given.
    """
    points = [(threshold, tally(scores, threshold)) for threshold in tried_thresholds(scores)]
    reached = {}
    for budget in budgets_per_km2:
        within = [
            OperatingPoint(total.pd, threshold)
            for threshold, total in points
            if total.false_alarms_per_km2 <= budget
        ]
        reached[budget] = max(within, key=lambda point: point.pd) if within else OperatingPoint(0.0, None)
    return reached


def tried_thresholds(scores: Sequence[CaseScore]) -> list[float]:
    """Every score that occurs, falling, or quantiles of them where there are very many."""
    occurring = sorted({judged.claim.score for score in scores for judged in score.judged}, reverse=True)
    if len(occurring) < MAX_TRIED_THRESHOLDS:
        return occurring
    return [float(q) for q in np.quantile(occurring, np.linspace(1, 0, MAX_TRIED_THRESHOLDS))]
