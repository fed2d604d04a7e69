"""What may be said of a detection: what it is most like by size, form and place, never more than its pixels carry.

Change detection sees that something stands there, how large it is and where. Each class below says what lengths, widths
and forms its objects have; the form is *fill*, the share of the smallest rectangle around a region that the region
covers (on real pairs aircraft fill .30 of it, vehicles .65). The zone that holds the place moves the odds.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from imagery.raster import Sensor

OBJECT_LIMIT_M = 30.0
"""Ground sample distance beyond which nothing that is looked for here is larger than a pixel or two."""

FINE_M, MEDIUM_M = 1.5, 5.0
"""Ground sample distances up to which vehicles, and up to which aircraft and rows of vehicles, have a form."""

WATER_KINDS = frozenset({"anchorage", "basin", "berth", "water"})
AIRCRAFT_KINDS = frozenset({"apron", "helicopter_area", "runway"})
VEHICLE_KINDS = frozenset({"compound", "equipment_yard", "facility", "vehicle_park", "vehicle_staging"})

UNKNOWN = "unknown"
LIKELY = 0.5
"""Probability below which the best class is not named."""

_SIZE_SIGMA = 0.12
"""Of measured log sizes where pixels do not limit them: shadows and neighbours lengthen and widen regions."""

_SHIP_LENGTHS_M = ((50.0, "ship (under 50 m)"), (100.0, "ship (50-100 m)"), (200.0, "ship (100-200 m)"))
_LONGEST_SHIP = "ship (over 200 m)"


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """What a detection is most like.

    Parameters
    ----------
    label : str
    probability : float or None
        Of `label` among the classes of this resolution, 0 to 1; None where size alone decides what may be said.
    others : tuple of (str, float)
        Other classes of at least a tenth, likeliest first.
    """

    label: str
    probability: float | None = None
    others: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Class:
    """Lengths and widths in metres, fill as mean and sigma, and the odds where nothing is known of the place."""

    length_m: tuple[float, float]
    width_m: tuple[float, float]
    fill: tuple[float, float]
    prior: float
    elongated: bool = False


_FINE: Mapping[str, _Class] = {
    "vehicle": _Class(length_m=(3, 7.5), width_m=(1.7, 3.3), fill=(0.65, 0.10), prior=0.25),
    "truck": _Class(length_m=(7.5, 20), width_m=(2.2, 4), fill=(0.65, 0.10), prior=0.12, elongated=True),
    "container row": _Class(length_m=(12, 80), width_m=(2.4, 15), fill=(0.75, 0.12), prior=0.03, elongated=True),
    "aircraft (fighter size)": _Class(length_m=(12, 25), width_m=(9, 20), fill=(0.32, 0.08), prior=0.06),
    "aircraft (medium)": _Class(length_m=(25, 42), width_m=(17, 42), fill=(0.31, 0.07), prior=0.06),
    "aircraft (large)": _Class(length_m=(42, 90), width_m=(28, 80), fill=(0.31, 0.07), prior=0.06),
    "ship": _Class(length_m=(12, 400), width_m=(3, 60), fill=(0.70, 0.12), prior=0.02, elongated=True),
    "building or ground work": _Class(length_m=(4, 250), width_m=(3, 250), fill=(0.55, 0.20), prior=0.15),
}  # fmt: skip
_MEDIUM: Mapping[str, _Class] = {
    "aircraft (fighter size)": _Class(length_m=(12, 25), width_m=(9, 20), fill=(0.45, 0.15), prior=0.1),
    "aircraft (large)": _Class(length_m=(25, 90), width_m=(17, 80), fill=(0.38, 0.12), prior=0.1),
    "row of vehicles or containers": _Class(
        length_m=(12, 120), width_m=(5, 25), fill=(0.75, 0.12), prior=0.1, elongated=True
    ),
    "ship": _Class(length_m=(20, 400), width_m=(6, 60), fill=(0.70, 0.12), prior=0.05, elongated=True),
    "building or ground work": _Class(length_m=(12, 250), width_m=(8, 250), fill=(0.55, 0.20), prior=0.25),
}  # fmt: skip
_AT_HOME = (
    (("aircraft",), AIRCRAFT_KINDS),
    (("vehicle", "truck", "row of vehicles or containers"), VEHICLE_KINDS),
    (("container row",), frozenset({"container_yard"})),
)
"""Kinds of zone in which classes are three times as likely as elsewhere."""

_SAYS_LITTLE = frozenset({"aoi", "breakwater", "pier", "port", "quay"})
"""Kinds of zone that hold land and water, or ships alongside."""

_UNKNOWN = _Class(length_m=(1, 400), width_m=(0.5, 400), fill=(0.5, 0.3), prior=0.25)


def claimable(length_m: float, *, gsd_m: float, sensor: Sensor) -> bool:
    """Whether a spot is long enough to be listed as an object: five pixels where objects have a form, else any.

    At 10 m a ship or a large aircraft is a few pixels and only its presence is claimed.
    """
    return sensor == "sar" or gsd_m > FINE_M or length_m >= 5 * gsd_m


def names(*, gsd_m: float, sensor: Sensor) -> tuple[str, ...]:
    """Every label that may be given at this ground sample distance."""
    if sensor == "sar":
        return "ship-like object", "bright scatterer"
    if gsd_m > MEDIUM_M:
        return "ship-like object", "large object on apron", "large object"
    ships = (*(label for _, label in _SHIP_LENGTHS_M), _LONGEST_SHIP)
    classes = _FINE if gsd_m <= FINE_M else _MEDIUM
    named = (ships if name == "ship" else (name,) for name in classes)
    return *itertools.chain.from_iterable(named), UNKNOWN


def likeness(
    length_m: float,
    width_m: float,
    area_m2: float,
    *,
    gsd_m: float,
    sensor: Sensor,
    zone_kind: str | None = None,
) -> Likeness:
    """What a region of this size and form, at such a place, is most like.

    Parameters
    ----------
    length_m, width_m : float
        Sides of the smallest rectangle around the region.
    area_m2 : float
        Of the region.
    gsd_m : float
    sensor : {"optical", "sar"}
    zone_kind : str or None
        Kind of the zone that holds it, one of `imagery.site.ZONE_KINDS`.
    """
    if sensor == "sar" or gsd_m > MEDIUM_M:
        return Likeness(label=_coarse(length_m, gsd_m=gsd_m, sensor=sensor, zone_kind=zone_kind))
    if gsd_m > FINE_M and length_m < 12.0:
        return Likeness(label="changed spot")
    classes = _FINE if gsd_m <= FINE_M else _MEDIUM
    fill = float(np.clip(area_m2 / (length_m * width_m), 0.0, 1.0))
    weights = {
        name: kind.prior * _odds(name, zone_kind) * _density(kind, length_m, width_m, fill, gsd_m)
        for name, kind in classes.items()
    }
    weights[UNKNOWN] = _UNKNOWN.prior * _density(_UNKNOWN, length_m, width_m, fill, gsd_m)
    total = sum(weights.values())
    if total <= 0:
        return Likeness(label=UNKNOWN, probability=1.0)
    shares = {_named(name, length_m): weight / total for name, weight in weights.items()}
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    best = ranked[0][0] if ranked[0][1] >= LIKELY else UNKNOWN
    return Likeness(
        label=best, probability=round(shares[best], 2),
        others=tuple((name, round(share, 2)) for name, share in ranked if name != best and share >= 0.1),
    )  # fmt: skip


def _coarse(length_m: float, *, gsd_m: float, sensor: Sensor, zone_kind: str | None) -> str:
    """At 5 m and more, and for radar, what a bright or dark spot may be called."""
    if zone_kind in WATER_KINDS and length_m >= max(25.0, 3 * gsd_m):
        return "ship-like object"
    if zone_kind in AIRCRAFT_KINDS and gsd_m > MEDIUM_M:
        return "large object on apron"
    return "bright scatterer" if sensor == "sar" else "large object"


def _named(name: str, length_m: float) -> str:
    if name != "ship":
        return name
    return next((label for limit, label in _SHIP_LENGTHS_M if length_m < limit), _LONGEST_SHIP)


def _odds(name: str, zone_kind: str | None) -> float:
    """How much likelier a class is in a zone of this kind than where nothing is known of the place."""
    if zone_kind in WATER_KINDS:
        return 20.0 if name == "ship" else 0.1
    if zone_kind is None or zone_kind in _SAYS_LITTLE:
        return 1.0
    family = name.split(" (", maxsplit=1)[0]
    wanted = next((kinds for names, kinds in _AT_HOME if family in names), None)
    if wanted is None:
        return 0.1 if family == "ship" else 1.0
    return 3.0 if zone_kind in wanted else 0.3 if family == "aircraft" else 1.0


def _density(kind: _Class, length_m: float, width_m: float, fill: float, gsd_m: float) -> float:
    """Likelihood of log length, log width and fill: even over a class's sizes, blurred by the error of measurement."""
    if kind.elongated and width_m > 0.6 * length_m:
        return 0.0
    size = 1.0
    for value, (low, high) in ((length_m, kind.length_m), (width_m, kind.width_m)):
        sigma = float(np.hypot(_SIZE_SIGMA, gsd_m / (2 * value)))
        above, below = np.log(value / low) / sigma, np.log(value / high) / sigma
        size *= float(ndtr(above) - ndtr(below)) / float(np.log(high / low))
    mean, sigma = kind.fill
    return float(size * np.exp(-0.5 * ((fill - mean) / sigma) ** 2) / sigma)
