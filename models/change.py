"""What a comparison concludes: changes, and one outcome for every tile."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from models.detect import Detection

ChangeKind = Literal["appeared", "vanished", "moved"]
LinkState = Literal["none", "ambiguous", "linked"]
Outcome = Literal["changed", "unchanged", "not_assessable", "failed"]


@dataclass(frozen=True, kw_only=True)
class Link:
    """Whether a vacated and an occupied place may belong to one object that moved.

    Parameters
    ----------
    state : {"none", "ambiguous", "linked"}
    margin : float or None
        How much cheaper the chosen assignment is than the best one without it, in cost units; None for "none".
    partners : tuple of str
        Ids of the changes at the other end: several when ambiguous.
    """

    state: LinkState = "none"
    margin: float | None = None
    partners: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Change:
    """One reported change.

    Parameters
    ----------
    id : str
        Deterministic from pair, kind and place, so that verdicts survive a re-run.
    kind : {"appeared", "vanished", "moved"}
    label : str
    label_probability : float or None
        Of the label; None where size alone decides what may be said.
    score : float
        Estimated probability, 0-1.
    before, after : Detection or None
        Where it stood on each date.
    link : Link
    zone : str or None
        Id of the smallest watched zone that holds it.
    zone_uncertain : bool
        True where the zone's position error could put it outside.
    displacement_m : float or None
        For "moved".
    false_alarms_per_km2 : float or None
        Expected at this score; None where it has not been measured for this kind of image.
    causes : tuple of str
        What could mimic it.
    tile : str
        Tile that owns it.
    """

    id: str
    kind: ChangeKind
    label: str
    score: float
    before: Detection | None
    after: Detection | None
    link: Link
    tile: str
    label_probability: float | None = None
    zone: str | None = None
    zone_uncertain: bool = False
    displacement_m: float | None = None
    false_alarms_per_km2: float | None = None
    causes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        needs = {"appeared": (False, True), "vanished": (True, False), "moved": (True, True)}[self.kind]
        if (self.before is not None, self.after is not None) != needs:
            raise ValueError(f"a change that {self.kind} cannot have before={self.before} after={self.after}")

    @property
    def place(self) -> Detection:
        """The detection to draw and to open first: after where there is one."""
        place = self.after or self.before
        if place is None:  # __post_init__ forbids it
            raise ValueError(f"change {self.id} has no place")
        return place

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with nested detections and link."""
        return {
            **self.__dict__,
            "before": self.before.as_dict() if self.before else None,
            "after": self.after.as_dict() if self.after else None,
            "link": dict(self.link.__dict__),
        }

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "Change":
        """Inverse of `as_dict`, also after a round trip through JSON."""
        return cls(
            **{
                **d,
                "before": Detection.from_dict(d["before"]) if d["before"] else None,
                "after": Detection.from_dict(d["after"]) if d["after"] else None,
                "link": Link(**{**d["link"], "partners": tuple(d["link"]["partners"])}),
                "causes": tuple(d["causes"]),
            }
        )


@dataclass(frozen=True, kw_only=True)
class TileOutcome:
    """What became of one tile; every tile of every run has exactly one.

    Parameters
    ----------
    tile : str
    outcome : {"changed", "unchanged", "not_assessable", "failed"}
    reason : str or None
        Why, for the last two.
    valid_fraction : float
        Share of the tile's pixels usable on both dates.
    changes : int
        Listed changes whose place this tile owns.
    """

    tile: str
    outcome: Outcome
    reason: str | None
    valid_fraction: float
    changes: int = 0


def change_id(pair: str, kind: str, grid_name: str, col: float, row: float, gsd_m: float) -> str:
    """Id that is the same for the same pair, kind and place (to 1 m or one pixel, whichever is coarser)."""
    cell = max(1.0, 1.0 / gsd_m)
    text = f"{pair}|{kind}|{grid_name}|{round(col / cell)}|{round(row / cell)}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]
