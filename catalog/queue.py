"""The queue of the review desk: what is there to be looked at, in which order, and how much of it.

**Order.** Tiles first, then the changes in them, so that a person goes through one place before the next. A tile is
worth as much as its best change. A change is worth more

- the newer its later date is: a point for every 30 days;
- in a zone that is watched: 2 points;
- the likelier it is real: its score, up to 1 point;
- the nearer its score lies to the threshold of the run, where a person's word teaches most: up to 1 point;
- where a later date looked and only a person can tell (`seen_once`, `unclear`): 1 point;
- where a later date confirmed it, so that something is there to be described: half a point;

and less where the rule has withdrawn it (3 points) or where its place is suppressed (6 points). What was looked at
already does not wait any more: `needs` says so, and `QueueFilters.needs` asks for it.

Who asks for the *surest* first (`QueueFilters.order`) gets changes by falling score, whatever their tile.

**Tiles without changes.** A share of the *blank* tiles, drawn once and for ever from the run's name and the tile's,
is put before people, because otherwise nobody would know what is missed. Tiles that could *not be assessed* are
listed with their reasons, so that silence is never taken for calm.
"""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, select

from catalog.errors import BadReview
from catalog.queue_filters import WHATS, QueueFilters, What
from catalog.queue_mirror import ORDER, Position, QueueMirror
from catalog.review_tables import review_items

__all__ = [
    "WHATS",
    "Counts",
    "QueueEntry",
    "QueueFilters",
    "QueuePage",
    "What",
    "counts",
    "entries",
    "entry",
    "page",
]

MOST_ENTRIES = 500
_ENTRY = select(review_items).where(review_items.c.subject == bindparam("subject_"))


@dataclass(frozen=True, kw_only=True)
class QueueEntry:
    """One change or tile of the queue.

    Parameters
    ----------
    subject : str
        What an answer names: id of the change, or ``tile:<run>/<tile>``, or ``missed:<id>``.
    what : {"change", "blank", "unseen"}
    added : bool
        Whether a person brought it in: a change that the run had missed, or a blank tile outside the random share.
    listed : bool
        Whether the run's present result lists it.
    run, tile : str
    site : str or None
    sensor : str
    gsd_m : float
    simulated : bool
    before_time, after_time : str or None
        RFC 3339, UTC; None where the images have no dates.
    kind, label : str or None
        As the run has them; `given_label` is a person's.
    score : float or None
    false_alarms_per_km2 : float or None
    zone : str or None
    watched : bool
    length_m : float or None
    lon, lat : float or None
        Of its centroid.
    causes : tuple of str
    reason : str or None
        Why a tile could not be assessed.
    valid_fraction : float or None
        Of a tile.
    rule_state, rule_reason : str or None
        What the rule says of a change by later dates.
    successor : str or None
        Change that replaces it.
    state : str
        Of person and rule together.
    verdict, verdict_reason : str or None
    needs, second : str
        See `catalog.standings.ReviewState`.
    given_label : str or None
    answers : int
        Reviewers who stand by a verdict.
    suppressed : bool
    suppressed_by, suppressed_until : str or None
        Change whose rejection suppresses this place; last day of it.
    last_seq : int
        Number of the last event about it.
    tile_worth, worth : float
        See the module.
    """

    subject: str
    what: What
    added: bool
    listed: bool
    run: str
    tile: str
    site: str | None
    sensor: str
    gsd_m: float
    simulated: bool
    before_time: str | None
    after_time: str | None
    kind: str | None
    label: str | None
    score: float | None
    false_alarms_per_km2: float | None
    zone: str | None
    watched: bool
    length_m: float | None
    lon: float | None
    lat: float | None
    causes: tuple[str, ...]
    reason: str | None
    valid_fraction: float | None
    rule_state: str | None
    rule_reason: str | None
    successor: str | None
    state: str
    verdict: str | None
    verdict_reason: str | None
    needs: str
    second: str
    given_label: str | None
    answers: int
    suppressed: bool
    suppressed_by: str | None
    suppressed_until: str | None
    last_seq: int
    tile_worth: float
    worth: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**self.__dict__, "causes": list(self.causes)}

    def blinded(self) -> "QueueEntry":
        """The entry for somebody who is to answer without knowing what others said."""
        return replace(
            self, state=self.rule_state or "provisional", verdict=None, verdict_reason=None, given_label=None,
            answers=0, suppressed=False, suppressed_by=None, suppressed_until=None,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class QueuePage:
    """A page of the queue.

    Parameters
    ----------
    entries : tuple of QueueEntry
        Those of one tile follow each other, unless the surest are to come first.
    next : str or None
        To be given as `after` for the page that follows; None on the last one.
    """

    entries: tuple[QueueEntry, ...]
    next: str | None


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How much there is.

    Parameters
    ----------
    total : int
    tiles : int
        Different tiles.
    by : mapping of field to mapping of value to int
        Split by site, zone, kind, label, state, verdict, verdict_reason, needs, second, suppressed; ``""`` for none.
    """

    total: int
    tiles: int
    by: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"total": self.total, "tiles": self.tiles, "by": {k: dict(v) for k, v in self.by.items()}}


def page(
    connection: Connection,
    mirror: QueueMirror,
    filters: QueueFilters,
    *,
    after: str | None = None,
    limit: int = 50,
    viewer: str | None = None,
) -> QueuePage:
    """A page of the queue.

    Parameters
    ----------
    connection : Connection
    mirror : QueueMirror
        Of the same database.
    filters : QueueFilters
    after : str or None
        `QueuePage.next` of the page before.
    limit : int
        Entries, at most `MOST_ENTRIES`.
    viewer : str or None
        Reviewer to whom verdicts are not shown that they are to give anew without knowing them; nor do filters
        find a change by them.

    Raises
    ------
    BadReview
        `after` is not what a page gave.
    """
    limit = max(1, min(limit, MOST_ENTRIES))
    subjects = mirror.find(
        connection,
        filters,
        before=None if after is None else _position(after),
        limit=limit + 1,
        viewer=viewer,
    )
    found = entries(connection, review_items.c.subject.in_(subjects[:limit]), viewer=viewer)
    places = {subject: place for place, subject in enumerate(subjects)}
    found.sort(key=lambda entry: places[entry.subject])
    return QueuePage(entries=tuple(found), next=position_of(found[-1]) if len(subjects) > limit else None)


def entry(connection: Connection, subject: str) -> QueueEntry | None:
    """The entry of a change or tile, None where it is not in the queue."""
    row = connection.execute(_ENTRY, {"subject_": subject}).mappings().first()
    return None if row is None else _entry(row, None)


def entries(
    connection: Connection, *conditions: ColumnElement[bool], viewer: str | None = None
) -> list[QueueEntry]:
    """Entries that fulfil conditions on `review_items`, in the queue's order."""
    query = select(review_items).where(*conditions).order_by(*(review_items.c[name].desc() for name in ORDER))
    return [_entry(row, viewer) for row in connection.execute(query).mappings()]


def counts(
    connection: Connection, mirror: QueueMirror, filters: QueueFilters, *, viewer: str | None = None
) -> Counts:
    """How much a filter finds, split by what can be filtered further; for a viewer as `page` shows it."""
    total, tiles, by = mirror.count(connection, filters, viewer=viewer)
    return Counts(total=total, tiles=tiles, by=by)


def _entry(row: RowMapping, viewer: str | None) -> QueueEntry:
    values = {name: row[name] for name in QueueEntry.__dataclass_fields__}
    entry = QueueEntry(**{**values, "causes": tuple(row["causes"])})
    hidden = viewer is not None and entry.second in ("needed", "waiting") and viewer not in row["reviewers"]
    return entry.blinded() if hidden else entry


def position_of(entry: QueueEntry) -> str:
    """What `page` takes as `after` to go on behind an entry."""
    text = json.dumps([getattr(entry, name) for name in ORDER], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(cursor: str) -> Position:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found = json.loads(text)
        types = [type(value) for value in found]
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadReview("after is not the end of a page; begin at the first page") from error
    if types != [float, str, str, float, str] or not all(map(math.isfinite, (found[0], found[3]))):
        raise BadReview("after is not the end of a page; begin at the first page")
    return found[0], found[1], found[2], found[3], found[4]
