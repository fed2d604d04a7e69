"""Whether scores are probabilities: what share of the claims at a score are real."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from models.evaluation.score import CaseScore
from models.evaluation.tally import CONFIDENCE_PCT, MIN_COMPONENTS, Interval

BINS = 10
_Z_90 = 1.6448536269514722

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """Claims of one interval of scores.

    Parameters
    ----------
    low, high : float
    claims : int
        Hits and false alarms; fragments are told apart below.
    hits : int
    fragments : int
        Claims that touch something labelled or don't-care without matching it, or match it with the other kind.
    mean_score : float
        Of hits and false alarms; NaN for an empty bin.
    """

    low: float
    high: float
    claims: int
    hits: int
    fragments: int
    mean_score: float

    @property
    def observed(self) -> float:
        """Share of hits; a lower bound, as labels are incomplete."""
        return self.hits / self.claims if self.claims else math.nan

    @property
    def observed_with_fragments(self) -> float:
        """The same if every fragment were wrong."""
        every = self.claims + self.fragments
        return self.hits / every if every else math.nan

    @property
    def interval(self) -> Interval:
        """90 % of `observed`; see `wilson`."""
        return wilson(self.hits, self.claims)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, rounded; what cannot be known is null."""
        low, high = self.interval
        return {
            "low": self.low,
            "high": self.high,
            "n": self.claims,
            "hits": self.hits,
            "fragments": self.fragments,
            "score": _rounded(self.mean_score),
            "observed": _rounded(self.observed),
            "observed_ci": [_rounded(low), _rounded(high)],
            "observed_with_fragments": _rounded(self.observed_with_fragments),
        }


def reliability(scores: Sequence[CaseScore], *, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Claims of the labelled class by score; claims that the labels say nothing about are left out."""
    judged, real, loose, _ = _claims(scores)
    edges = np.linspace(0.0, 1.0, bins + 1)
    at, loose_at = _bin(judged, bins), _bin(loose, bins)
    return tuple(
        ReliabilityBin(
            low=round(float(edges[i]), 3),
            high=round(float(edges[i + 1]), 3),
            claims=int((at == i).sum()),
            hits=int(real[at == i].sum()),
            fragments=int((loose_at == i).sum()),
            mean_score=float(judged[at == i].mean()) if (at == i).any() else math.nan,
        )
        for i in range(bins)
    )


def calibration_error(
    scores: Sequence[CaseScore], *, bins: int = BINS, resamplings: int = 1000, seed: int = 0
) -> tuple[float, Interval]:
    """Expected calibration error over hits and false alarms, and its 90 % interval over places.

    Mean distance between score and observed share over bins, weighted by claims (Naeini et al. 2015; Guo et al.
    2017). Biased upward where bins hold few claims.
    """
    judged, real, _, place = _claims(scores)
    unknown = Interval(math.nan, math.nan)
    if not len(judged):
        return math.nan, unknown
    at = _bin(judged, bins)
    places = int(place.max()) + 1
    excess = np.zeros((places, bins))
    np.add.at(excess, (place, at), judged - real)
    error = float(np.abs(excess.sum(axis=0)).sum() / len(judged))
    if places < MIN_COMPONENTS:
        return error, unknown
    claims = np.bincount(place, minlength=places).astype(np.float64)
    picks = np.random.default_rng(seed).integers(0, places, (resamplings, places))
    drawn = np.stack([(picks == p).sum(axis=1) for p in range(places)], axis=1).astype(np.float64)
    total = drawn @ claims
    errors = np.abs(drawn @ excess).sum(axis=1)[total > 0] / total[total > 0]
    low, high = np.percentile(errors, CONFIDENCE_PCT)
    return error, Interval(float(low), float(high))


def _claims(scores: Sequence[CaseScore]) -> tuple[Values, Values, Values, NDArray[np.int_]]:
    """Scores and truth (1 or 0) of hits and false alarms, scores of fragments, and the place of each of the former."""
    judged: list[tuple[float, float, int]] = []
    loose: list[float] = []
    places: dict[str | None, int] = {}
    for score in scores:
        for claim, status in score.judged:
            if status in ("hit", "false_alarm"):
                place = places.setdefault(score.case.component, len(places))
                judged.append((claim.score, float(status == "hit"), place))
            elif status in ("fragment", "wrong_kind"):
                loose.append(claim.score)
    table = np.array(judged, np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], np.array(loose, np.float64), table[:, 2].astype(np.int_)


def _bin(values: Values, bins: int) -> NDArray[np.int_]:
    return np.clip((values * bins).astype(np.int_), 0, bins - 1)


def wilson(hits: int, trials: int) -> Interval:
    """90 % Wilson score interval of a share; treats trials as independent, so it is too narrow for claims of one image.

    References
    ----------
    Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    if not trials:
        return Interval(math.nan, math.nan)
    share, z2 = hits / trials, _Z_90**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z_90 * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def poisson_upper(count: int, exposure: float, *, confidence: float = 0.95) -> float:
    """Rate that a count excludes from above: one-sided exact Poisson bound (Garwood 1936); NaN without exposure."""
    return float(gammaincinv(count + 1, confidence)) / exposure if exposure > 0 else math.nan


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 3)
