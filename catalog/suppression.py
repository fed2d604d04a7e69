"""Recurrences: what comes up again where a person has rejected it before is marked, never hidden from any file.

A rejection for a reason that comes again (`RECURRING`) marks its place by itself for `DAYS`; `suppress` does so for
any reason and as long as it says, `unsuppress` ends it, and so does taking the rejection back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, delete, insert, select

from catalog.review_tables import review_suppressions
from catalog.standings import ReviewState
from models.persistence import same_place

RECURRING = frozenset(("shadow", "tide_or_waves", "seasonal", "known_object", "not_of_interest"))
"""Reasons that lie in the place; cloud, misregistration and bad imagery lie in one pair of images."""

DAYS = 180
SIMILAR_AREA = 3.0
"""Larger over smaller area, up to which two outlines may be the same: a rejected spot says nothing of a ship on it."""

REACH_DEG = 0.02
"""Half of the longitude searched for the same place: more than any object is long."""

_DEG_M = 111_320.0


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
    column = review_suppressions.c
    query = (
        select(review_suppressions)
        .where(
            column.site.is_(None) if site is None else column.site == site,
            column.lon.between(here.centroid.x - REACH_DEG, here.centroid.x + REACH_DEG),
            column.sensor == sensor,
        )
        .order_by(column.seq.desc())
    )
    if day is not None:
        query = query.where(column.until >= day[:10])
    for row in connection.execute(query).mappings():
        if row["subject"] != but and _alike(here, shape(row["outline"]), gsd_m):
            return Suppression(subject=row["subject"], reason=row["reason"], until=row["until"])
    return None


def source_of(state: ReviewState, item: Mapping[Any, Any]) -> tuple[str, str] | None:
    """Reason and last day for which a change suppresses its place; None where it does not."""
    if state.suppressed is not None:
        return str(state.suppressed["reason"]), str(state.suppressed["until"])
    if state.unsuppressed or state.verdict != "rejected" or state.reason not in RECURRING:
        return None
    decided = max(answer.at for answer in state.answers)
    last = max(decided[:10], str(item["after_time"] or "")[:10])
    return str(state.reason), (date.fromisoformat(last) + timedelta(days=DAYS)).isoformat()


def keep(
    connection: Connection, state: ReviewState, item: Mapping[Any, Any], outline: Mapping[str, Any] | None
) -> bool:
    """Note or drop what a change suppresses; whether that is another than before."""
    column = review_suppressions.c
    known = connection.execute(
        select(column.reason, column.until).where(column.subject == state.subject)
    ).first()
    source = source_of(state, item) if item["lon"] is not None and outline else None
    if (tuple(known) if known else None) == source:
        return False
    connection.execute(delete(review_suppressions).where(column.subject == state.subject))
    if source is not None:
        connection.execute(
            insert(review_suppressions).values(
                subject=state.subject, site=item["site"], sensor=item["sensor"], lon=item["lon"], lat=item["lat"],
                outline=outline, reason=source[0], until=source[1], seq=state.version,
            )
        )  # fmt: skip
    return True


def _alike(one: BaseGeometry, other: BaseGeometry, gsd_m: float) -> bool:
    small, large = sorted((one.area, other.area))
    if not small or large > SIMILAR_AREA * small:
        return False
    return same_place(one.buffer(gsd_m / _DEG_M), other)
