"""Scoring: from what was measured on a region to the probability that it is a real change.

A scorer is data, not code. Two logistic regressions, one for vehicle-sized and one for larger regions, take a first
look at every region. Where pixels are fine enough, boosted trees take a second one at what the first did not rule out.
Both are fitted by ``sitewatch train``. The statistical scorer has nothing that was learned.
"""

import json
import os
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imagery.errors import SitewatchError
from imagery.raster import Sensor
from models import second_look
from models.features import NAMES
from models.statistical import Statistical
from models.trees import Forest

Values = NDArray[np.float64]


ALL_NAMES = (*NAMES, *second_look.NAMES)
"""Columns of the first and the second look."""

PROMISING = 0.005
"""First score from which a second look is taken."""


class ModelError(SitewatchError):
    """Base of the errors of this package."""


class Scorer(Protocol):
    """Anything that turns features into probabilities."""

    @property
    def name(self) -> str:
        """What reports and ``--scorer`` call it."""
        ...

    @property
    def second_look_below_m(self) -> float:
        """Ground sample distance below which `score_again` has the last word; 0 where there is no second look."""
        ...

    def at(self, gsd_m: float) -> "Scorer":
        """The scorer of images of this ground sample distance."""
        ...

    def score(self, features: Values) -> Values:
        """Probability per region, float64 (region,), from float64 (region, feature) as in `models.features.NAMES`."""
        ...

    def promising(self, scores: Values) -> NDArray[np.bool_]:
        """Which regions of these first scores deserve the second look."""
        ...

    def score_again(self, features: Values) -> Values:
        """Probability per region from both looks, float64 (region, feature) as in `ALL_NAMES`."""
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

    @property
    def second_look_below_m(self) -> float:
        """There is none."""
        return 0.0

    def at(self, gsd_m: float) -> Scorer:
        """The same for all."""
        del gsd_m
        return self

    def promising(self, scores: Values) -> NDArray[np.bool_]:
        """See `Scorer.promising`."""
        return scores >= PROMISING

    def score_again(self, features: Values) -> Values:
        """The first look is the only one."""
        return self.score(features[:, : len(NAMES)])

    def false_alarms_per_km2(self, score: float, length_m: float, gsd_m: float) -> float | None:
        """See `Scorer.false_alarms_per_km2`."""
        low, high = self.budget_gsd_m
        table = self.budget.get("small" if length_m < self.split_m else "large")
        if not table or not low <= gsd_m <= high:
            return None
        scores, alarms = np.array(table).T
        return float(np.interp(score, scores[::-1], alarms[::-1]))


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
    """

    first: SizedScorer
    small: SecondLook
    large: SecondLook
    second_look_below_m: float
    coarse: SizedScorer | None = None
    also: SizedScorer | None = None

    @property
    def name(self) -> str:
        """See `Scorer.name`."""
        return self.first.name

    def at(self, gsd_m: float) -> Scorer:
        """See `Scorer.at`."""
        if gsd_m < self.second_look_below_m:
            return self
        coarse = self.coarse or self.first
        return coarse if self.also is None else Higher(one=coarse, other=self.also)

    def score(self, features: Values) -> Values:
        """See `Scorer.score`."""
        return self.first.score(features)

    def promising(self, scores: Values) -> NDArray[np.bool_]:
        """See `Scorer.promising`."""
        return scores >= PROMISING

    def score_again(self, features: Values) -> Values:
        """See `Scorer.score_again`."""
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

    @property
    def second_look_below_m(self) -> float:
        """There is none."""
        return 0.0

    def at(self, gsd_m: float) -> Scorer:
        """The same for all."""
        del gsd_m
        return self

    def score(self, features: Values) -> Values:
        """See `Scorer.score`."""
        return np.maximum(self.one.score(features), self.other.score(features))

    def promising(self, scores: Values) -> NDArray[np.bool_]:
        """See `Scorer.promising`."""
        return scores >= PROMISING

    def score_again(self, features: Values) -> Values:
        """The first look is the only one."""
        return self.score(features[:, : len(NAMES)])

    def false_alarms_per_km2(self, score: float, length_m: float, gsd_m: float) -> float | None:
        """Never measured for such pixels."""
        del score, length_m, gsd_m
        return None


DEFAULTS: dict[Sensor, str] = {"optical": "optical-2", "sar": "sar-1"}
"""What is used where no scorer is named."""

BY_SENSOR: dict[str, Sensor] = {"optical-1": "optical", "optical-2": "optical", "sar-1": "sar"}
"""Which images a scorer that ships is for."""


STATISTICAL = "statistical"
"""The scorer without learned parts."""

VARIABLE = "SITEWATCH_SCORER"
"""Names the scorer of scheduled and repeated comparisons, for this process and those that it starts."""


def chosen_scorer(sensor: Sensor) -> str | None:
    """The scorer that ``--scorer`` named, where it is one for this sensor; None for the default."""
    name = os.environ.get(VARIABLE)
    if name is None or (name in BY_SENSOR and BY_SENSOR[name] != sensor):
        return None
    return name


def scorer_name(name: str | None, sensor: Sensor) -> str:
    """What reports call the scorer that is used where `name` was asked for."""
    return name or DEFAULTS[sensor]


def load_scorer(name: str | None, sensor: Sensor) -> Scorer:
    """The scorer called `name`, the one in a ``.json`` file of that path, or the default for a sensor.

    Raises
    ------
    ModelError
        No such scorer, or one made for other features.
    """
    return _load(name or DEFAULTS[sensor])


def _document(name: str) -> dict[str, Any]:
    """A scorer's numbers, from the package or from a file."""
    folder = resources.files("models") / "data"
    known = sorted(
        entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")
    )
    own = Path(name) if name.endswith(".json") else None
    if own is None and name not in known:
        raise ModelError(
            f"no scorer is called {name!r}; there are {', '.join([*known, STATISTICAL])}, or give a .json file"
        )
    try:
        text = own.read_text() if own else (folder / f"{name}.json").read_text()
        document: dict[str, Any] = json.loads(text)
    except (OSError, ValueError) as error:
        raise ModelError(f"{name}: cannot be read as a scorer: {error}") from error
    missing = {"features", "small", "large", "split_m", "blend", "budget", "budget_gsd_m", "fitted_on"} - set(
        document
    )
    if missing:
        raise ModelError(f"{name}: is no scorer, it lacks {', '.join(sorted(missing))}")
    return document


@cache
def _load(name: str) -> Scorer:
    if name == STATISTICAL:
        return Statistical()
    d = _document(name)
    again = d.get("second_look")
    if tuple(d["features"]) != NAMES or (again and tuple(again["features"]) != ALL_NAMES):
        raise ModelError(
            f"scorer {name!r} was fitted to other features than this version measures; fit it again"
        )
    try:
        return scorer_of(d, name)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelError(f"{name}: its numbers do not make a scorer: {error}") from error


def scorer_of(d: dict[str, Any], name: str) -> Scorer:
    """The scorer that the numbers of a file make."""
    first = SizedScorer(
        name=name, small=Logistic.from_dict(d["small"]), large=Logistic.from_dict(d["large"]), split_m=d["split_m"],
        blend=d["blend"], budget=d["budget"], budget_gsd_m=(d["budget_gsd_m"][0], d["budget_gsd_m"][1]),
    )  # fmt: skip
    coarse = None
    if "coarse" in d:
        small, large = (Logistic.from_dict(d["coarse"][size]) for size in ("small", "large"))
        coarse = replace(first, small=small, large=large, budget={}, budget_gsd_m=(0.0, 0.0))
    again = d.get("second_look")
    if again is None:
        return first
    return TreeScorer(
        first=first, small=SecondLook.from_dict(again["small"]), large=SecondLook.from_dict(again["large"]),
        second_look_below_m=float(again["below_m"]), coarse=coarse, also=_also(d),
    )  # fmt: skip


def _also(d: dict[str, Any]) -> SizedScorer | None:
    """The scorer that is named for coarse pixels besides the file's own."""
    name = d.get("coarse", {}).get("also")
    if name is None:
        return None
    other = _load(name)
    if not isinstance(other, SizedScorer):
        raise ModelError(f"{name}: has a second look, so that it cannot stand beside another scorer")
    return other


def fitted_cases(name: str | None, sensor: Sensor) -> frozenset[str]:
    """Names of the labelled cases that a scorer was fitted on: figures on them are no measure of it."""
    used = scorer_name(name, sensor)
    load_scorer(used, sensor)
    return frozenset() if used == STATISTICAL else frozenset(_document(used)["fitted_on"]["cases"])
