"""Scoring: from what was measured on a region to the probability that it is a real change.

A scorer is data, not code: standardisation and weights of two logistic regressions, one for vehicle-sized and one
for larger regions, fitted on real labelled pairs by ``benchmarks/fit_scorer.py``.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imagery.errors import SitewatchError
from imagery.raster import Sensor
from models.features import NAMES

Values = NDArray[np.float64]


class ModelError(SitewatchError):
    """Base of the errors of this package."""


class Scorer(Protocol):
    """Anything that turns features into probabilities."""

    @property
    def name(self) -> str:
        """What reports and ``--scorer`` call it."""
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

    def score(self, expanded: Values) -> Values:
        """Probability per row of `expanded` (see `expand`)."""
        z = ((expanded - self.mean) / self.scale) @ self.weight + self.intercept
        out: Values = 1.0 / (1.0 + np.exp(-np.clip(z, -40, 40)))
        return out

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "Logistic":
        """From the numbers in a scorer file."""
        arrays = {key: np.array(d[key], np.float64) for key in ("mean", "scale", "weight")}
        return cls(**arrays, intercept=float(d["intercept"]))


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
        share = self.large_share(features)
        expanded = expand(features)
        out: Values = (1 - share) * self.small.score(expanded) + share * self.large.score(expanded)
        return out

    def large_share(self, features: Values) -> Values:
        """How much the regression for larger objects counts, 0-1."""
        log_length = features[:, NAMES.index("log_length_m")]
        low, high = np.log(self.split_m / self.blend), np.log(self.split_m * self.blend)
        share: Values = np.clip((log_length - low) / (high - low), 0.0, 1.0)
        return share

    def false_alarms_per_km2(self, score: float, length_m: float, gsd_m: float) -> float | None:
        """See `Scorer.false_alarms_per_km2`."""
        low, high = self.budget_gsd_m
        table = self.budget.get("small" if length_m < self.split_m else "large")
        if not table or not low <= gsd_m <= high:
            return None
        scores, alarms = np.array(table).T
        return float(np.interp(score, scores[::-1], alarms[::-1]))


def load_scorer(name: str | None, sensor: Sensor) -> Scorer:
    """The scorer called `name`, the one in a ``.json`` file of that path, or the default for a sensor.

    Raises
    ------
    ModelError
        No such scorer, or one made for other features.
    """
    return _load(name or f"{sensor}-1")


def _document(name: str) -> dict[str, Any]:
    """A scorer's numbers, from the package or from a file."""
    folder = resources.files("models") / "data"
    known = sorted(
        entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")
    )
    own = Path(name) if name.endswith(".json") else None
    if own is None and name not in known:
        raise ModelError(f"no scorer is called {name!r}; there are {', '.join(known)}, or give a .json file")
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
    d = _document(name)
    if tuple(d["features"]) != NAMES:
        raise ModelError(
            f"scorer {name!r} was fitted to other features than this version measures; fit it again"
        )
    return SizedScorer(
        name=name, small=Logistic.from_dict(d["small"]), large=Logistic.from_dict(d["large"]), split_m=d["split_m"],
        blend=d["blend"], budget=d["budget"], budget_gsd_m=(d["budget_gsd_m"][0], d["budget_gsd_m"][1]),
    )  # fmt: skip


def fitted_cases(name: str | None, sensor: Sensor) -> frozenset[str]:
    """Names of the labelled cases that a scorer was fitted on: figures on them are no measure of it."""
    scorer = load_scorer(name, sensor)
    return frozenset(_document(scorer.name)["fitted_on"]["cases"])
