"""What scorers compute: regressions, trees over both looks, and the higher of two scores. `models.score` loads them."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models import second_look
from models.features import NAMES
from models.trees import Forest

Values = NDArray[np.float64]

ALL_NAMES = (*NAMES, *second_look.NAMES)
"""Columns of the first and the second look."""

PROMISING = 0.005
"""First score from which a second look is taken."""


class Scorer(Protocol):
    """Anything that turns features into probabilities."""

    @property
    def name(self) -> str:
        """What reports and ``--scorer`` call it."""
        ...

    def at(self, gsd_m: float) -> "Scorer":
        """The scorer of images of this ground sample distance; a `TreeScorer` where there is a second look."""
        ...

    def score(self, features: Values) -> Values:
        """Probability per region, float64 (region,), from float64 (region, feature) as in `models.features.NAMES`."""
        ...

    def false_alarms_per_km2(self, score: float, length_m: float, gsd_m: float) -> float | None:
        """Expected false alarms per km2 at this score and size; None where it was never measured."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Logistic:
    """One logistic regression over standardised features and their signed logarithms."""

    mean: Values
    scale: Values
    weight: Values
    intercept: float

    def log_odds(self, expanded: Values) -> Values:
        """Log odds per row of `expanded` (see `expand`)."""
        out: Values = ((expanded - self.mean) / self.scale) @ self.weight + self.intercept
        return out

    def score(self, expanded: Values) -> Values:
        """Probability per row of `expanded` (see `expand`)."""
        return probability(self.log_odds(expanded))

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "Logistic":
        """From the numbers in a scorer file."""
        arrays = {key: np.array(d[key], np.float64) for key in ("mean", "scale", "weight")}
        return cls(**arrays, intercept=float(d["intercept"]))


def probability(log_odds: Values) -> Values:
    """Of log odds."""
    out: Values = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -40, 40)))
    return out


def expand(features: Values) -> Values:
    """Features beside their signed logarithms, so that heavy tails do not rule."""
    finite = np.nan_to_num(features.astype(np.float64))
    return np.hstack([finite, np.sign(finite) * np.log1p(np.abs(finite))])


@dataclass(frozen=True, kw_only=True, eq=False)
class SizedScorer:
    """Two logistic regressions, blended around a length that parts vehicles from larger objects.

    Parameters
    ----------
    name : str
    small, large : Logistic
    split_m : float
        Length at which both count half.
    blend : float
        Ratio on either side of `split_m` over which one hands over to the other.
    budget : dict
        Measured ``[[score, false alarms per km2], ...]`` for "small" and "large", falling score.
    budget_gsd_m : tuple of float
        Ground sample distances for which the budget was measured.
    """

    name: str
    small: Logistic
    large: Logistic
    split_m: float
    blend: float
    budget: dict[str, list[list[float]]]
    budget_gsd_m: tuple[float, float]

    def score(self, features: Values) -> Values:
        """See `Scorer.score`."""
        if not len(features):
            return np.zeros(0)
        share = large_share(features, self.split_m, self.blend)
        expanded = expand(features)
        out: Values = (1 - share) * self.small.score(expanded) + share * self.large.score(expanded)
        return out

    def at(self, gsd_m: float) -> Scorer:
        """The same for all."""
        del gsd_m
        return self

    def false_alarms_per_km2(self, score: float, length_m: float, gsd_m: float) -> float | None:
        """See `Scorer.false_alarms_per_km2`."""
        low, high = self.budget_gsd_m
        table = self.budget.get("small" if length_m < self.split_m else "large")
        if not table or not low <= gsd_m <= high:
            return None
        scores, alarms = np.array(table).T
        return float(np.interp(score, scores[::-1], alarms[::-1]))


def promising(scores: Values) -> NDArray[np.bool_]:
    """Which regions of these first scores deserve a second look."""
    return scores >= PROMISING


def large_share(features: Values, split_m: float, blend: float) -> Values:
    """How much the part for larger objects counts, 0-1, from features as in `NAMES` or `ALL_NAMES`."""
    log_length = features[:, NAMES.index("log_length_m")]
    low, high = np.log(split_m / blend), np.log(split_m * blend)
    share: Values = np.clip((log_length - low) / (high - low), 0.0, 1.0)
    return share


@dataclass(frozen=True, kw_only=True, eq=False)
class SecondLook:
    """Trees and a logistic regression over both looks, for regions of one size.

    Parameters
    ----------
    forest : Forest
    line : Logistic
        Over the expanded columns of `ALL_NAMES`; carries on where the few labels end and trees would be flat.
    slope, offset : float
        From the mean of both log odds to those of a calibrated probability, fitted on places left out.
    """

    forest: Forest
    line: Logistic
    slope: float
    offset: float

    def raw(self, features: Values) -> Values:
        """Log odds before calibration."""
        out: Values = 0.5 * (self.forest.log_odds(features) + self.line.log_odds(expand(features)))
        return out

    def score(self, features: Values) -> Values:
        """Calibrated probability per region."""
        return probability(self.slope * self.raw(features) + self.offset)

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "SecondLook":
        """From the numbers in a scorer file."""
        return cls(
            forest=Forest.from_dict(d["forest"]), line=Logistic.from_dict(d["line"]), slope=float(d["slope"]),
            offset=float(d["offset"]),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class TreeScorer:
    """A first look by logistic regressions, a second one by trees.

    Parameters
    ----------
    first : SizedScorer
        Also keeper of the false-alarm budget.
    small, large : SecondLook
    second_look_below_m : float
    coarse : SizedScorer or None
        For pixels that are too coarse for the second look; None: the first look.
    also : SizedScorer or None
        For such pixels too: the higher score counts, since the one knows aircraft and the other any bright object.
    fine : TreeScorer or None
        For pixels below `fine_below_m`: many measures are per pixel.
    ships : SizedScorer or None
        For pixels from `ships_from_m` on, through which only ships and their like are objects.
    """

    first: SizedScorer
    small: SecondLook
    large: SecondLook
    second_look_below_m: float
    coarse: SizedScorer | None = None
    also: SizedScorer | None = None
    fine: "TreeScorer | None" = None
    fine_below_m: float = 0.0
    ships: SizedScorer | None = None
    ships_from_m: float = np.inf

    @property
    def name(self) -> str:
        """See `Scorer.name`."""
        return self.first.name

    def with_fine(self, first: Logistic, small: SecondLook, below_m: float) -> "TreeScorer":
        """With looks of their own at small objects in pixels below `below_m`; large ones are scored as elsewhere."""
        plain = replace(self.first, small=first, budget={}, budget_gsd_m=(0.0, 0.0))
        return replace(self, fine=replace(self, first=plain, small=small, fine=None), fine_below_m=below_m)

    def with_ships(self, small: Logistic, large: Logistic, from_m: float) -> "TreeScorer":
        """With regressions of their own for pixels from `from_m` on."""
        plain = replace(self.first, small=small, large=large, budget={}, budget_gsd_m=(0.0, 0.0))
        return replace(self, ships=plain, ships_from_m=from_m)

    def at(self, gsd_m: float) -> Scorer:
        """See `Scorer.at`."""
        if self.fine is not None and gsd_m < self.fine_below_m:
            return self.fine
        if gsd_m < self.second_look_below_m:
            return self
        if self.ships is not None and gsd_m >= self.ships_from_m:
            return self.ships
        coarse = self.coarse or self.first
        return coarse if self.also is None else Higher(one=coarse, other=self.also)

    def score(self, features: Values) -> Values:
        """See `Scorer.score`."""
        return self.first.score(features)

    def score_again(self, features: Values) -> Values:
        """Probability per region from both looks: float64 (region,) from (region, feature) as in `ALL_NAMES`."""
        if not len(features):
            return np.zeros(0)
        finite = np.nan_to_num(features.astype(np.float64))
        share = large_share(finite, self.first.split_m, self.first.blend)
        out = np.zeros(len(finite))
        for part, weight in ((self.small, 1 - share), (self.large, share)):
            here = weight > 0
            out[here] += weight[here] * part.score(finite[here])
        return out

    def false_alarms_per_km2(self, score: float, length_m: float, gsd_m: float) -> float | None:
        """See `Scorer.false_alarms_per_km2`."""
        if self.fine is not None and gsd_m < self.fine_below_m:
            return None  # never measured for the part that scores such pixels
        return self.first.false_alarms_per_km2(score, length_m, gsd_m)


@dataclass(frozen=True, kw_only=True, eq=False)
class Higher:
    """The higher of two scores, for pixels that are too coarse for a second look."""

    one: SizedScorer
    other: SizedScorer

    @property
    def name(self) -> str:
        """See `Scorer.name`."""
        return self.one.name

    def at(self, gsd_m: float) -> Scorer:
        """The same for all."""
        del gsd_m
        return self

    def score(self, features: Values) -> Values:
        """See `Scorer.score`."""
        return np.maximum(self.one.score(features), self.other.score(features))

    def false_alarms_per_km2(self, score: float, length_m: float, gsd_m: float) -> float | None:
        """Never measured for such pixels."""
        del score, length_m, gsd_m
        return None
