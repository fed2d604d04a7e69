"""Where the sun stands."""

import math
from datetime import UTC, datetime
from typing import NamedTuple

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)


class SunPosition(NamedTuple):
    """Azimuth clockwise from north and elevation above the horizon, degrees."""

    azimuth_deg: float
    elevation_deg: float


def sun_position(lon: float, lat: float, when: datetime) -> SunPosition:
    """The sun's direction, good to about 0.05 degrees (low-precision formulas of the Astronomical Almanac).

    Parameters
    ----------
    lon, lat : float
        Degrees, east and north positive.
    when : datetime
        Aware.
    """
    days = (when - _J2000).total_seconds() / 86400.0
    anomaly = math.radians((357.528 + 0.9856003 * days) % 360.0)
    mean = 280.460 + 0.9856474 * days
    ecliptic = math.radians((mean + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly)) % 360.0)
    obliquity = math.radians(23.439 - 0.0000004 * days)
    ascension = math.atan2(math.cos(obliquity) * math.sin(ecliptic), math.cos(ecliptic))
    declination = math.asin(math.sin(obliquity) * math.sin(ecliptic))
    sidereal = math.radians((280.46061837 + 360.98564736629 * days + lon) % 360.0)
    hour, north = sidereal - ascension, math.radians(lat)
    elevation = math.asin(
        math.sin(north) * math.sin(declination) + math.cos(north) * math.cos(declination) * math.cos(hour)
    )
    azimuth = math.atan2(
        -math.cos(declination) * math.sin(hour),
        math.sin(declination) * math.cos(north) - math.cos(declination) * math.cos(hour) * math.sin(north),
    )
    return SunPosition(math.degrees(azimuth) % 360.0, math.degrees(elevation))
