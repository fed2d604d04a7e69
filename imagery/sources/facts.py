"""What one place (a sidecar, a list, tags, a file name, a STAC item) says about an image: each fact or nothing."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from typing import Any, Literal, get_args

from imagery.raster import Quantity, Sensor

QUANTITIES: tuple[str, ...] = get_args(Quantity)
RADAR = frozenset({"gamma0", "sigma0", "beta0"})


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Facts about one image; None where nothing is said. Fields as in `imagery.scene.Scene` and `Asset`."""

    id: str | None = None
    collection: str | None = None
    platform: str | None = None
    sensor: Sensor | None = None
    quantity: Quantity | None = None
    in_db: bool | None = None
    acquired: datetime | None = None
    time_known: bool | None = None
    gsd_m: float | None = None
    bands: tuple[str, ...] | None = None
    scale: float | None = None
    offset: float | None = None
    nodata: float | None = None
    cloud_cover_pct: float | None = None
    view_off_nadir_deg: float | None = None
    view_azimuth_deg: float | None = None
    sun_azimuth_deg: float | None = None
    sun_elevation_deg: float | None = None
    relative_orbit: int | None = None
    orbit_state: str | None = None
    processing_baseline: str | None = None
    datatake: str | None = None
    tile: str | None = None
    offset_applied: bool | None = None
    licence: str | None = None
    attribution: str | None = None

    def over(self, other: "Facts") -> "Facts":
        """These facts, completed from `other` where they say nothing.

        What only holds together is taken from one place: the time with how well it is known, the quantity with
        whether it is in dB, the scale with its offset.
        """
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        for group in _GROUPS:
            if all(values[name] is None for name in group[:1]):
                values.update({name: getattr(other, name) for name in group})
        grouped = {name for group in _GROUPS for name in group}
        for name, value in values.items():
            if value is None and name not in grouped:
                values[name] = getattr(other, name)
        return Facts(**values)


_GROUPS = (("acquired", "time_known"), ("quantity", "in_db"), ("scale", "offset"))

_ALIASES = {
    "datetime": "acquired", "acquisition_datetime": "acquired", "acquisitiondatetime": "acquired",
    "acquisition_date": "acquired", "date": "acquired", "gsd": "gsd_m", "cloud_cover": "cloud_cover_pct",
    "off_nadir_deg": "view_off_nadir_deg", "satellite": "platform", "satelliteid": "platform",
    "license": "licence", "baseline": "processing_baseline",
}  # fmt: skip
_TEXTS = ("id", "collection", "platform", "orbit_state", "processing_baseline", "datatake", "tile", "licence",
          "attribution")  # fmt: skip
_NUMBERS = ("gsd_m", "scale", "offset", "nodata", "cloud_cover_pct", "view_off_nadir_deg", "view_azimuth_deg",
            "sun_azimuth_deg", "sun_elevation_deg")  # fmt: skip


class BadFact(ValueError):
    """A value that cannot be understood; the message names the field, the value and what to write."""


def facts_from_mapping(given: Mapping[str, Any]) -> Facts:
    """Facts from flat keys, as written in a sidecar, a list of scenes or tags (in any case).

    Raises
    ------
    BadFact
    """
    plain = {_ALIASES.get(str(k).lower(), str(k).lower()): v for k, v in given.items() if v not in (None, "")}
    values: dict[str, Any] = {name: str(plain[name]) for name in _TEXTS if name in plain}
    values |= {name: number(name, plain[name]) for name in _NUMBERS if name in plain}
    if "acquired" in plain:
        values["acquired"], values["time_known"] = moment(plain["acquired"])
    if "quantity" in plain:
        values["quantity"], values["in_db"] = quantity(plain["quantity"])
    if "in_db" in plain and "quantity" in values:
        values["in_db"] = _truth("in_db", plain["in_db"])
    if "relative_orbit" in plain:
        values["relative_orbit"] = int(number("relative_orbit", plain["relative_orbit"]))
    if "offset_applied" in plain:
        values["offset_applied"] = _truth("offset_applied", plain["offset_applied"])
    bands = plain.get(
        "bands", plain.get("polarizations", plain.get("polarization", plain.get("polarisation")))
    )
    if bands is not None:
        values["bands"] = _bands(bands)
    values["sensor"] = _sensor(plain) or implied_sensor(
        values.get("collection"), values.get("platform"), values.get("quantity")
    )
    return Facts(**values)


def moment(value: object) -> tuple[datetime, bool]:
    """Aware UTC time of `value`, and whether it says more than the day (a day alone is given as its midnight)."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC), False
    if isinstance(value, datetime):
        found = value
    else:
        text = str(value).strip()
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return _parsed(text).replace(tzinfo=UTC), False
        found = _parsed(text)
    if found.tzinfo is None:
        raise BadFact(f"acquired {value!s} has no time zone; write UTC as 2024-12-10T08:20:11Z")
    return found.astimezone(UTC), True


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise BadFact(f"acquired {text!r} is not a time; write UTC as 2024-12-10T08:20:11Z") from error


def quantity(value: object) -> tuple[Quantity, bool]:
    """What the numbers measure, and whether they are decibels ("gamma0_db" and the like)."""
    words = [word for word in re.split(r"[^a-z0-9]+", str(value).lower()) if word]
    known = [word for word in words if word in QUANTITIES]
    strange = set(words) - set(QUANTITIES) - {"db", "linear", "power", "approximate", "approx"}
    if len(known) != 1 or strange or ("db" in words and known[0] not in RADAR):
        raise BadFact(
            f"quantity {value!r} is not known; write one of {', '.join(QUANTITIES)}; radar in dB: gamma0_db"
        )
    found: Any = known[0]
    return found, "db" in words


def number(name: str, value: object) -> float:
    """`value` as a finite number."""
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise BadFact(f"{name} {value!r} is not a number") from error
    if isinstance(value, bool) or not (math.isfinite(found) or (name == "nodata" and math.isnan(found))):
        raise BadFact(f"{name} {value!r} is not a finite number")
    if name == "gsd_m" and not found > 0:
        raise BadFact(f"gsd_m {value!r} must be positive")
    return found


def _truth(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in {"true", "false"}:
        return str(value).lower() == "true"
    raise BadFact(f"{name} {value!r} must be true or false")


def _bands(value: object) -> tuple[str, ...]:
    names = re.split(r"[,;\s]+", value) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or not all(isinstance(n, str) and n for n in names):
        raise BadFact(f"bands {value!r} must be a list of names, for example ['red', 'green', 'blue']")
    return tuple(name.lower() for name in names)


def _sensor(plain: Mapping[str, Any]) -> Sensor | None:
    given = plain.get("sensor")
    if given is None:
        return None
    text = str(given).lower()
    if text in {"sar", "radar"}:
        return "sar"
    if text in {"optical", "multispectral", "pan", "rgb"}:
        return "optical"
    implied = implied_sensor(None, text, None)
    if implied is None:
        raise BadFact(f"sensor {given!r} is not known; write 'optical' or 'sar'")
    return implied


def implied_sensor(collection: str | None, platform: str | None, measured: str | None) -> Sensor | None:
    """Optical or radar, where the quantity or the mission leaves no doubt."""
    if measured in RADAR:
        return "sar"
    mission = f"{collection or ''} {platform or ''}".lower()
    if re.search(r"sentinel-?_?1|\bs1[abcd]\b|umbra|capella|iceye|terrasar|radarsat", mission):
        return "sar"
    if measured == "reflectance" or re.search(_OPTICAL, mission):
        return "optical"
    return None


_OPTICAL = (
    r"sentinel-?_?2|\bs2[abc]\b|landsat|planetscope|psscene|skysat|worldview|geoeye|maxar|pleiades|spot|"
    r"\b(wv|ge|qb|lg)0\d\b"
)


Role = Literal["data", "quality", "ignored"]


@dataclass(frozen=True, kw_only=True)
class NameFacts:
    """What a file name says.

    Parameters
    ----------
    key : str
        Names the scene; files of one scene share it.
    facts : Facts
    role : {"data", "quality", "ignored"}
        "ignored" is known not to hold pixels to compare.
    quality : str or None
        "scl" or "udm2" for quality files.
    asset : str
        Name of the file within the scene.
    rank : int
        Where a scene comes in several renderings only the lowest is used; equal ranks are used together.
    bands_by_count : mapping of int to tuple of str
        Band names where they depend on how many the file holds.
    known : bool
        Whether the name is one of a known delivery.
    acquisition : str or None
        Names the acquisition where several scenes (tiles, or a sharper and a more colourful product) come of one;
        None where that is `key`.
    rendering : str
        What this file shows of the acquisition, for people; "" where there is only one way.
    """

    key: str
    facts: Facts = Facts()
    role: Role = "data"
    quality: str | None = None
    asset: str = "data"
    rank: int = 0
    bands_by_count: dict[int, tuple[str, ...]] = field(default_factory=dict)
    known: bool = True
    acquisition: str | None = None
    rendering: str = ""


def compact_time(digits: str) -> datetime | None:
    """UTC time of ``YYYYMMDD`` or ``YYYYMMDDHHMMSS``; None where that is no time."""
    layout = "%Y%m%d%H%M%S" if len(digits) == 14 else "%Y%m%d"
    try:
        return datetime.strptime(digits, layout).replace(tzinfo=UTC)
    except ValueError:
        return None
