"""Recurrences: what comes up again where a person has rejected it before is marked, never hidden from any file.

A rejection for a reason that comes again (`RECURRING`) marks its place by itself for `DAYS`; `suppress` does so for
any reason and as long as it says, `unsuppress` ends it, and so does taking the rejection back. While a second reviewer
is still to answer a change blind, nothing that is said of it marks anything: the marks would tell them what the first
one said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, bindparam, delete, insert, select

from catalog.review_tables import review_items, review_suppressions
from catalog.standings import ReviewState
from models.persistence import same_place

RECURRING = frozenset(("shadow", "tide_or_waves", "seasonal", "known_object", "not_of_interest"))
"""Reasons that lie in the place; cloud, misregistration and bad imagery lie in one pair of images."""

DAYS = 180
SIMILAR_AREA = 3.0
"""Larger over smaller area, up to which two outlines may be the same: a rejected spot says nothing of a ship on it."""

REACH = 2.0
"""How far from its centre, in sizes of an outline, the centre of another may be that is the same place."""

_DEG_M = 111_320.0

_table = review_suppressions.c
_SITES = select(_table.site).distinct()
_HERE = (
    select(review_suppressions)
    .where(
        _table.lon.between(bindparam("west"), bindparam("east")),
        _table.lat.between(bindparam("south"), bindparam("north")),
        _table.sensor == bindparam("sensor_"),
        _table.until >= bindparam("day_"),
    )
    .order_by(_table.seq.desc())
)
_NEAR = _HERE.where(_table.site == bindparam("site_"))
_NEAR_NOWHERE = _HERE.where(_table.site.is_(None))


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """Why a place is suppressed.

    Parameters
    ----------
    subject : str
        Change that was rejected there.
    reason : str
    until : str
        Last day, compared with the date of the later image.
    """

    subject: str
    reason: str
    until: str


def suppressed(
    connection: Connection,
    *,
    site: str | None,
    sensor: str,
    place: Mapping[str, Any],
    day: str | None,
    gsd_m: float = 0.0,
    but: str | None = None,
) -> Suppression | None:
    """Whether what is found at a place has been rejected there before.

    Parameters
    ----------
    connection : Connection
    site : str or None
    sensor : str
    place : mapping
        GeoJSON polygon, longitude and latitude.
    day : str or None
        Date of the later image (any RFC 3339 text); None: it is not known, and nothing has expired.
    gsd_m : float
        Both outlines may be off by so much.
    but : str or None
        A change that does not suppress itself.
    """
    here = shape(dict(place))
    east, north, reach = around(here, gsd_m)
    asked = {
        "site_": site, "sensor_": sensor, "west": east - reach, "east": east + reach, "south": north - reach,
        "north": north + reach, "day_": "" if day is None else day[:10],
    }  # fmt: skip
    for row in connection.execute(_NEAR if site is not None else _NEAR_NOWHERE, asked).mappings():
        if row["subject"] != but and _alike(here, shape(row["outline"]), gsd_m):
            return Suppression(subject=row["subject"], reason=row["reason"], until=row["until"])
    return None


def marked(
    connection: Connection, *, site: str | None = None, run: str | None = None
) -> dict[str, Suppression]:
    """Changes of a site or of a run that are marked as recurrences, each with what marks it."""
    item = review_items.c
    query = (
        select(item.subject, item.suppressed_by, item.suppressed_until, _table.reason)
        .join_from(review_items, review_suppressions, _table.subject == item.suppressed_by, isouter=True)
        .where(item.suppressed.is_(True), item.site == site if run is None else item.run == run)
    )
    return {
        row.subject: Suppression(
            subject=row.suppressed_by, reason=row.reason or "rejected", until=row.suppressed_until
        )
        for row in connection.execute(query)
    }


def sites_with_any(connection: Connection) -> set[str | None]:
    """Sites (None: runs without one) at which anything is suppressed."""
    return set(connection.execute(_SITES).scalars())


def source_of(state: ReviewState, item: Mapping[Any, Any]) -> tuple[str, str] | None:
    """Reason and last day for which a change suppresses its place; None where it does not."""
    if state.second in ("needed", "waiting"):
        return None
    if state.suppressed is not None:
        return str(state.suppressed["reason"]), str(state.suppressed["until"])
    if state.unsuppressed or state.verdict != "rejected" or state.reason not in RECURRING:
        return None
    decided = max(answer.at for answer in state.answers)
    last = max(decided[:10], str(item["after_time"] or "")[:10])
    return str(state.reason), (date.fromisoformat(last) + timedelta(days=DAYS)).isoformat()


def keep(
    connection: Connection,
    stated: Sequence[tuple[ReviewState, Mapping[Any, Any], Mapping[str, Any] | None]],
) -> set[str]:
    """Note or drop what changes suppress; those for which that is another than before.

    Parameters
    ----------
    connection : Connection
    stated : sequence of (ReviewState, row of `review_items`, outline)
    """
    subjects = [state.subject for state, _, _ in stated]
    known = {
        row.subject: (row.reason, row.until)
        for row in connection.execute(
            select(_table.subject, _table.reason, _table.until).where(_table.subject.in_(subjects))
        )
    }
    turned, rows = set(), []
    for state, item, outline in stated:
        source = source_of(state, item) if item["lon"] is not None and outline else None
        if source == known.get(state.subject):
            continue
        turned.add(state.subject)
        if source is not None:
            rows.append(
                {
                    "subject": state.subject, "site": item["site"], "sensor": item["sensor"], "lon": item["lon"],
                    "lat": item["lat"], "outline": outline, "reason": source[0], "until": source[1],
                    "seq": state.version,
                }
            )  # fmt: skip
    if turned:
        connection.execute(delete(review_suppressions).where(_table.subject.in_(sorted(turned))))
    if rows:
        connection.execute(insert(review_suppressions), rows)
    return turned


def around(place: BaseGeometry, gsd_m: float) -> tuple[float, float, float]:
    """Longitude and latitude of a place, and how many degrees off the centre of the same place may be."""
    west, south, east, north = place.bounds
    return (
        place.centroid.x,
        place.centroid.y,
        REACH * (max(east - west, north - south) + gsd_m / _DEG_M),
    )


def _alike(one: BaseGeometry, other: BaseGeometry, gsd_m: float) -> bool:
    small, large = sorted((one.area, other.area))
    if not small or large > SIMILAR_AREA * small:
        return False
    return same_place(one.buffer(gsd_m / _DEG_M), other)
