"""What may be said of a detection: never more than its pixels carry."""

from imagery.raster import Sensor

OBJECT_LIMIT_M = 30.0
"""Ground sample distance beyond which nothing that is looked for here is larger than a pixel or two."""


def claimable(length_m: float, *, gsd_m: float, sensor: Sensor) -> bool:
    """Whether a spot is long enough to be listed as an object: five pixels where objects have a form, else any.

    At 10 m a ship or a large aircraft is a few pixels and only its presence is claimed.
    """
    return sensor == "sar" or gsd_m > 1.5 or length_m >= 5 * gsd_m


def label(length_m: float, width_m: float, *, gsd_m: float, sensor: Sensor) -> str:
    """A size class, because change detection sees that something stands there and how large, not what it is.

    Parameters
    ----------
    length_m, width_m : float
    gsd_m : float
    sensor : {"optical", "sar"}
    """
    if sensor == "sar":
        return "bright scatterer"
    if gsd_m > 5.0:
        return "large object"
    if gsd_m > 1.5:
        return "large object" if length_m >= 12 else "changed spot"
    if 3.0 <= length_m < 12.0 and width_m < 8.0:
        return "vehicle-size object"
    if 12.0 <= length_m <= 80.0:
        return "long object" if width_m < 0.2 * length_m else "aircraft-size object"
    return "large object" if length_m > 80.0 else "small object"


WATER_KINDS = frozenset({"anchorage", "basin", "berth", "water"})

AIRCRAFT_KINDS = frozenset({"apron", "helicopter_area", "runway"})


def label_in_zone(current: str, zone_kind: str | None, length_m: float, *, gsd_m: float) -> str:
    """A label that also uses where the detection lies: on water an object of size is ship-like."""
    if zone_kind in WATER_KINDS and length_m >= max(25.0, 3 * gsd_m):
        return "ship-like object"
    if zone_kind in AIRCRAFT_KINDS and gsd_m > 5.0:
        return "large object on apron"
    return current
