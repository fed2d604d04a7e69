"""What pixels of one size can carry: which words may be used for what was found, and what may be counted.

The table is the one in docs/guide.md under "What you may say". A label that a run or a reviewer gives is only taken
over where pixels of that size can carry it.
"""

from dataclasses import dataclass
from typing import Literal

from imagery.raster import Sensor
from models.label import FINE_M, MEDIUM_M

Tier = Literal["coarse", "medium", "fine", "finest"]

FINEST_M = 0.4
"""Below, a person may tell types apart."""

_ANY = {
    "unknown": "an object of unknown kind",
    "changed spot": "a changed spot",
    "building or ground work": "building or ground work",
}
_SHIPS = {
    "ship (under 50 m)": "a ship-like object under 50 m long",
    "ship (50-100 m)": "a ship-like object 50-100 m long",
    "ship (100-200 m)": "a ship-like object 100-200 m long",
    "ship (over 200 m)": "a ship-like object over 200 m long",
}
_COARSE = {
    "ship-like object": "a ship-like object",
    "large object on apron": "a large object on an apron",
    "large object": "a large object",
    "bright scatterer": "a bright radar scatterer",
    "changed spot": "a changed spot",
    "unknown": "an object of unknown kind",
}
_MEDIUM = _ANY | _SHIPS | {
    "aircraft (fighter size)": "an aircraft-like object of fighter size",
    "aircraft (large)": "a large aircraft-like object",
    "row of vehicles or containers": "a row of vehicles or containers",
}  # fmt: skip
_FINE = _ANY | _SHIPS | {
    "vehicle": "a vehicle-size object",
    "truck": "a truck-size object",
    "container row": "a row of containers or objects like them",
    "aircraft": "an aircraft-like object",
    "aircraft (fighter size)": "an aircraft-like object of fighter size",
    "aircraft (medium)": "an aircraft-like object of medium size",
    "aircraft (large)": "a large aircraft-like object",
}  # fmt: skip
_WORDS: dict[Tier, dict[str, str]] = {"coarse": _COARSE, "medium": _MEDIUM, "fine": _FINE, "finest": _FINE}
_INSTEAD: dict[Tier, str] = {
    "coarse": "large object", "medium": "unknown", "fine": "unknown", "finest": "unknown",
}  # fmt: skip

MAY: dict[Tier, str] = {
    "coarse": (
        "Such pixels carry a ship-like object at a berth, its length within 20 m; a large object on an apron; that a "
        "zone changed as a whole. They carry no number of objects, no kind or type, no class and no name."
    ),
    "medium": (
        "Such pixels carry aircraft-size objects as a range of counts, large or of fighter size; ships by length; that "
        "a row of vehicles changed. They carry no exact number, no model and no name."
    ),
    "fine": (
        "Such pixels carry objects of the size of aircraft, vehicles and containers. They carry no model, no cargo and "
        "no unit."
    ),
    "finest": (
        "Such pixels carry most aircraft and many kinds of vehicle where a person judges them. They carry no contents, "
        "no ownership, no intent and no destination."
    ),
}
"""What may and may not be said, in two sentences."""

SINGLE = frozenset({
    "vehicle", "truck", "aircraft", "aircraft (fighter size)", "aircraft (medium)", "aircraft (large)", *_SHIPS,
})  # fmt: skip
"""Labels of one object each, where the pixels show its form."""

_SHORTEST_M = {"aircraft (fighter size)": 12.0, "aircraft (large)": 25.0}
"""At 1.5-5 m, where neighbours run into each other."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What may be said of one object.

    Parameters
    ----------
    label : str
        The label to use.
    words : str
        The same in a sentence, with its article.
    refused : str or None
        The label that was given, where the pixels cannot carry it.
    """

    label: str
    words: str
    refused: str | None = None


def tier(gsd_m: float, sensor: Sensor | str) -> Tier:
    """Which row of the table holds; radar is coarse whatever its pixels."""
    if sensor == "sar" or gsd_m > MEDIUM_M:
        return "coarse"
    if gsd_m > FINE_M:
        return "medium"
    return "fine" if gsd_m >= FINEST_M else "finest"


def claim(label: str, *, gsd_m: float, sensor: Sensor | str, by_person: bool = False) -> Claim:
    """What may be said of an object with this label.

    Parameters
    ----------
    label : str
    gsd_m : float
    sensor : {"optical", "sar"}
    by_person : bool
        Whether a person gave the label: below `FINEST_M` a person may tell types apart.
    """
    row = tier(gsd_m, sensor)
    if label in _WORDS[row]:
        return Claim(label=label, words=_WORDS[row][label])
    if by_person and row == "finest" and label:
        return Claim(label=label, words=f"an object that a person calls \u201c{label}\u201d")
    instead = _INSTEAD[row]
    return Claim(label=instead, words=_WORDS[row][instead], refused=label or None)


def vocabulary(gsd_m: float, sensor: Sensor | str) -> tuple[str, ...]:
    """Labels that pixels of this size can carry."""
    return tuple(_WORDS[tier(gsd_m, sensor)])


def length_error_m(length_m: float, *, gsd_m: float, sensor: Sensor | str) -> float:
    """How far a stated length may be off: 20 m where pixels are coarse, else two pixels or an eighth of it."""
    return 20.0 if tier(gsd_m, sensor) == "coarse" else max(2.0 * gsd_m, 0.12 * length_m)


def objects_in(label: str, length_m: float, *, gsd_m: float, sensor: Sensor | str) -> tuple[int, int] | None:
    """Fewest and most objects that one finding stands for if it is real; None where they cannot be counted.

    Between 1.5 and 5 m aircraft that stand close run into each other: as many as fit its length.
    """
    row = tier(gsd_m, sensor)
    if row == "coarse" or label not in SINGLE:
        return None
    if row == "medium":
        return (1, max(1, int(length_m // _SHORTEST_M[label]))) if label in _SHORTEST_M else None
    return (1, 1)
