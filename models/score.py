"""Scoring: from what was measured on a region to the probability that it is a real change.

A scorer is data, not code. Two logistic regressions, one for vehicle-sized and one for larger regions, take a first
look at every region. Where pixels are fine enough, boosted trees take a second one at what the first did not rule out.
Both are fitted by ``sitewatch train``. The statistical scorer has nothing that was learned.
"""

import json
import os
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imagery.errors import SitewatchError
from imagery.raster import Sensor
from models.features import NAMES
from models.scorers import (
    ALL_NAMES,
    Logistic,
    Scorer,
    SecondLook,
    SizedScorer,
    TreeScorer,
)
from models.statistical import Statistical

Values = NDArray[np.float64]


class ModelError(SitewatchError):
    """Base of the errors of this package."""


DEFAULTS: dict[Sensor, str] = {"optical": "optical-4", "sar": "sar-1"}
"""What is used where no scorer is named."""

BY_SENSOR: dict[str, Sensor] = {
    "optical-1": "optical", "optical-4": "optical", "optical-free-1": "optical", "sar-1": "sar",
}  # fmt: skip
"""Which images a scorer that ships is for."""


STATISTICAL = "statistical"
"""The scorer without learned parts."""

VARIABLE = "SITEWATCH_SCORER"
"""Names the scorer of scheduled and repeated comparisons, for this process and those that it starts."""


def chosen_scorer(sensor: Sensor) -> str | None:
    """The scorer that ``--scorer`` named, where it is one for this sensor; None for the default."""
    name = os.environ.get(VARIABLE)
    return None if name is None or scorer_name(name, sensor) != name else name


def scorer_name(name: str | None, sensor: Sensor) -> str:
    """What reports call the scorer that is used where `name` was asked for: the default, where that is for others."""
    if name is None or _sensor_of(name) not in (None, sensor):
        return DEFAULTS[sensor]
    return name


def _sensor_of(name: str) -> Sensor | None:
    """Which images a scorer is for; None for any, and where nothing says."""
    if name == STATISTICAL:
        return None
    if name in BY_SENSOR:
        return BY_SENSOR[name]
    said = _document(name).get("sensor")
    return said if said in ("optical", "sar") else None


def load_scorer(name: str | None, sensor: Sensor) -> Scorer:
    """The scorer called `name`, the one in a ``.json`` file of that path, or the default for a sensor.

    A scorer that is made for the other sensor gives way to the default.

    Raises
    ------
    ModelError
        No such scorer, or one made for other features.
    """
    return _load(scorer_name(name, sensor))


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
    scorer = TreeScorer(
        first=first, small=SecondLook.from_dict(again["small"]), large=SecondLook.from_dict(again["large"]),
        second_look_below_m=float(again["below_m"]), coarse=coarse, also=_also(d),
    )  # fmt: skip
    if "fine" in d:
        scorer = scorer.with_fine(
            Logistic.from_dict(d["fine"]["first"]),
            SecondLook.from_dict(d["fine"]["small"]),
            float(d["fine"]["below_m"]),
        )
    if "ships" in d:
        small, large = (Logistic.from_dict(d["ships"][size]) for size in ("small", "large"))
        scorer = scorer.with_ships(small, large, float(d["ships"]["from_m"]))
    return scorer


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
