"""A scorer with no learned part: how far a region lies outside what noise and misregistration would give."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features import NAMES

Values = NDArray[np.float64]

_HALF = {"evidence": 6.0, "contrast_ratio": 0.7, "edge_ratio": 0.5, "ring_changed": 0.5, "fill": 0.55}
"""Where each measure speaks for neither side; set by hand and never fitted."""

_SPAN = {"evidence": 0.5, "contrast_ratio": 0.5, "edge_ratio": 0.4, "ring_changed": -0.25, "fill": 0.2}
"""How far from there it counts one unit; negative where less speaks for an object."""


@dataclass(frozen=True, kw_only=True)
class Statistical:
    """Strength in sigmas, object-likeness on one date only, and form, each counted alike.

    The scores order regions; they are no calibrated probabilities, and no false-alarm rate is stated.
    """

    name: str = "statistical"

    def at(self, gsd_m: float) -> "Statistical":
        """The same for all."""
        del gsd_m
        return self

    def score(self, features: Values) -> Values:
        """Between 0 and 1 per region, from float64 (region, feature) as in `models.features.NAMES`."""
        column = {name: np.nan_to_num(features[:, i]) for i, name in enumerate(NAMES)}
        evidence = np.hypot(column["brightness"], column["colour"])
        total = np.clip(np.log(np.maximum(evidence, 0.1) / _HALF["evidence"]) / _SPAN["evidence"], -3, 3)
        for name in ("contrast_ratio", "edge_ratio", "ring_changed", "fill"):
            total = total + np.clip((column[name] - _HALF[name]) / _SPAN[name], -2, 2)
        out: Values = 1.0 / (1.0 + np.exp(-total))
        return out

    def false_alarms_per_km2(self, score: float, length_m: float, gsd_m: float) -> float | None:
        """Never measured."""
        del score, length_m, gsd_m
        return None
