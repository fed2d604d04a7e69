"""What holds for a whole pair: how it is aligned, normalised, how noisy it is, and from which score on it is listed."""

from dataclasses import dataclass
from typing import Any

from imagery.align import Alignment
from imagery.radiometry import Radiometry
from imagery.raster import Sensor
from models.budget import Budget
from models.evidence import Noise
from models.label import OBJECT_LIMIT_M

ALGORITHM = "2026.11-5"
"""Version of everything that can change a result; part of every cache key and report."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairModel:
    """What holds for a whole pair; JSON-ready through `as_dict`, so that it can pass between processes.

    Parameters
    ----------
    sensor : {"optical", "sar"}
    gsd_m : float
    alignment : Alignment
    radiometry : Radiometry
    noise : Noise
    scorer : str or None
        Name of the scorer; None for the sensor's default.
    budget : Budget or None
        The lowest score that is listed, where a rate of false alarms was asked for.
    """

    sensor: Sensor
    gsd_m: float
    alignment: Alignment
    radiometry: Radiometry
    noise: Noise
    scorer: str | None = None
    budget: Budget | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "sensor": self.sensor, "gsd_m": self.gsd_m, "alignment": self.alignment.as_dict(),
            "radiometry": self.radiometry.as_dict(), "noise": self.noise.as_dict(), "scorer": self.scorer,
            "budget": None if self.budget is None else self.budget.as_dict(),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "PairModel":
        """Inverse of `as_dict`."""
        return cls(
            sensor=d["sensor"], gsd_m=d["gsd_m"], alignment=Alignment.from_dict(d["alignment"]),
            radiometry=Radiometry.from_dict(d["radiometry"]), noise=Noise.from_dict(d["noise"]), scorer=d["scorer"],
            budget=None if d.get("budget") is None else Budget.from_dict(d["budget"]),
        )  # fmt: skip


def lowest_listed(model: PairModel | None, min_score: float) -> float:
    """The lowest score that is listed: the budget's, where a rate of false alarms was asked for."""
    return min_score if model is None or model.budget is None else model.budget.min_score


def budget_row(model: PairModel | None) -> dict[str, Any] | None:
    """What was asked for and what was found for it, for reports; None where nothing was asked for."""
    return None if model is None or model.budget is None else model.budget.as_dict()


def refusal(model: PairModel) -> str | None:
    """Why no object can be looked for in this pair at all, or None."""
    if model.alignment.verdict == "refused":
        return f"the images could not be laid on each other: {model.alignment.reason}"
    if model.gsd_m > OBJECT_LIMIT_M:
        return f"pixels of {model.gsd_m:.0f} m carry no object of the sizes looked for; evidence only"
    return None
