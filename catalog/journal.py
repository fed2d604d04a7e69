"""The review journal: one event for every answer that a person gave, only ever added to.

Each event carries the hash of the one before it. An answer that is sent again, with the same key, counts once. Events
are never taken out: `undo` is an event itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, RowMapping, bindparam, insert, inspect, select

from catalog.errors import BadReview
from catalog.layout import digest, jsonable, utc_text
from catalog.review_acts import ACTS, Act, checked_body, checked_name
from catalog.review_tables import review_events

BEGINNING = "0" * 64
"""What the first event has for the hash of the one before."""

_CONTENT = ("key", "at", "reviewer", "act", "site", "run", "subject", "body")
_SAME = ("reviewer", "act", "run", "subject", "body")
"""Fields in which an answer that is sent again must agree with the first."""

_ADD = insert(review_events)
_WITH_KEY = select(review_events).where(review_events.c.key == bindparam("key_"))
_WITH_KEYS = select(review_events).where(review_events.c.key.in_(bindparam("keys_", expanding=True)))
_LAST = select(review_events.c.seq, review_events.c.hash).order_by(review_events.c.seq.desc()).limit(1)


@dataclass(frozen=True, kw_only=True)
class ReviewDraft:
    """An answer as it is given.

    Parameters
    ----------
    key : str
        Made by whoever sends it, another for each answer; the same when it is sent again.
    reviewer : str
    act : str
        See `catalog.review_acts.Act`.
    subject : str or None
        Id of a change, ``tile:<run>/<tile>``, or ``missed:<id>`` for a change that a person added. None for `missed`
        (it gets one) and for `undo` (it has that of the event).
    run : str or None
        Only for `missed`: the run that missed it.
    body : mapping
        What the act needs; see `catalog.review_acts`.
    """

    key: str
    reviewer: str
    act: Act
    subject: str | None = None
    run: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checked_name("key", self.key, longest=200)
        checked_name("reviewer", self.reviewer, longest=80)
        if self.act not in ACTS:
            raise BadReview(f"act must be one of {', '.join(ACTS)}, got {self.act!r}")
        if self.subject is not None:
            checked_name("subject", self.subject, longest=400)
        elif self.act not in ("missed", "undo"):
            raise BadReview(f"{self.act} needs a subject: the id of a change, or tile:<run>/<tile>")
        if (self.run is not None) != (self.act == "missed"):
            raise BadReview(f"run is given for missed and for nothing else, got {self.run!r} for {self.act}")
        object.__setattr__(self, "body", checked_body(self.act, self.subject, self.body))


@dataclass(frozen=True, kw_only=True)
class ReviewEvent:
    """One event of the journal.

    Parameters
    ----------
    seq : int
        From 1, without gaps.
    key : str
        Of the answer, unique.
    at : str
        When it was taken in: RFC 3339, UTC.
    reviewer : str
    act : str
    site, run : str or None
        What the subject belongs to.
    subject : str
    body : mapping
    previous, hash : str
        SHA-256, hexadecimal; `hash` covers everything but itself.
    """

    seq: int
    key: str
    at: str
    reviewer: str
    act: Act
    site: str | None
    run: str | None
    subject: str
    body: Mapping[str, Any]
    previous: str
    hash: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; as a line of the journal's copy."""
        return {**self.__dict__, "body": dict(self.body)}

    @property
    def content(self) -> str:
        """Digest of what the event says, wherever in the journal it stands."""
        return digest({name: getattr(self, name) for name in _CONTENT})

    @property
    def true_hash(self) -> str:
        """What `hash` must be."""
        return _hash(self.__dict__)


@dataclass(frozen=True, kw_only=True)
class Head:
    """The end of the journal: enough to tell later whether everything up to there is unchanged.

    Parameters
    ----------
    seq : int
        Of the last event, 0 where there is none; as `seq` counts without gaps, also how many there are.
    hash : str
    at : str
        When the head was taken: RFC 3339, UTC.
    """

    seq: int
    hash: str
    at: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"seq": self.seq, "count": self.seq, "hash": self.hash, "at": self.at}


def append(connection: Connection, draft: ReviewDraft, *, site: str | None, run: str | None) -> ReviewEvent:
    """Add an answer to the journal, or find it there.

    Parameters
    ----------
    connection : Connection
        Of `catalog.database.writing`, so that nobody else appends meanwhile.
    draft : ReviewDraft
        With a subject.
    site, run : str or None
        What the subject belongs to.

    Raises
    ------
    BadReview
        Another answer was given under the same key.
    """
    known = with_key(connection, draft.key)
    return (
        agreed(known, draft) if known else add(connection, draft, site=site, run=run, last=head(connection))
    )


def add(
    connection: Connection,
    draft: ReviewDraft,
    *,
    site: str | None,
    run: str | None,
    last: "Head | ReviewEvent",
) -> ReviewEvent:
    """Add an answer whose key is known to be new, after the event that is known to be the last."""
    if draft.subject is None:
        raise BadReview(f"{draft.act} has no subject")
    values: dict[str, Any] = {
        "seq": last.seq + 1, "key": draft.key, "at": _now(), "reviewer": draft.reviewer, "act": draft.act,
        "site": site, "run": run, "subject": draft.subject, "body": jsonable(draft.body), "previous": last.hash,
    }  # fmt: skip
    values["hash"] = _hash(values)
    connection.execute(_ADD, values)
    return ReviewEvent(**values)


def with_key(connection: Connection, key: str) -> ReviewEvent | None:
    """The event of an answer, None where there is none."""
    row = connection.execute(_WITH_KEY, {"key_": key}).mappings().first()
    return None if row is None else event_of(row)


def with_keys(connection: Connection, keys: Sequence[str]) -> dict[str, ReviewEvent]:
    """Those of some answers that are there, by key."""
    rows = connection.execute(_WITH_KEYS, {"keys_": list(keys)})
    return {row.key: ReviewEvent(**row._asdict()) for row in rows}


def with_seq(connection: Connection, seq: int) -> ReviewEvent | None:
    """The event of that number, None where there is none."""
    row = connection.execute(select(review_events).where(review_events.c.seq == seq)).mappings().first()
    return None if row is None else event_of(row)


def events(
    connection: Connection, *, subject: str | None = None, after: int = 0, limit: int | None = None
) -> list[ReviewEvent]:
    """Events in order, those after number `after`; only of one subject where one is given."""
    query = select(review_events).where(review_events.c.seq > after).order_by(review_events.c.seq)
    if subject is not None:
        query = query.where(review_events.c.subject == subject)
    return [event_of(row) for row in connection.execute(query.limit(limit)).mappings()]


def head(connection: Connection) -> Head:
    """The end of the journal as it is now."""
    last = connection.execute(_LAST).first()
    return Head(seq=last.seq if last else 0, hash=last.hash if last else BEGINNING, at=_now())


def exists(connection: Connection) -> bool:
    """Whether a database, perhaps of an older version, has a journal at all."""
    return inspect(connection).has_table(review_events.name)


def event_of(row: RowMapping | Mapping[str, Any]) -> ReviewEvent:
    """An event from a row of the table or a line of the copy."""
    return ReviewEvent(**{name: row[name] for name in ReviewEvent.__dataclass_fields__})


class Said(Protocol):
    """What `in_force` asks of an event."""

    @property
    def seq(self) -> int: ...
    @property
    def act(self) -> str: ...
    @property
    def body(self) -> Mapping[str, Any]: ...


SaidT = TypeVar("SaidT", bound=Said)


def in_force(events_: Sequence[SaidT]) -> list[SaidT]:
    """Events of one subject that nobody took back, in order; `undo` itself is not among them.

    An `undo` that was undone takes nothing back.
    """
    taken_back: set[int] = set()
    for event in reversed(events_):
        if event.act == "undo" and event.seq not in taken_back:
            taken_back.add(int(event.body["event"]))
    return [event for event in events_ if event.act != "undo" and event.seq not in taken_back]


def check_undo(target: ReviewEvent | None, draft: ReviewDraft, of_subject: Sequence[ReviewEvent]) -> None:
    """Whether an `undo` may be given.

    Parameters
    ----------
    target : ReviewEvent or None
        The event that it names.
    draft : ReviewDraft
    of_subject : sequence of ReviewEvent
        All events of that event's subject.

    Raises
    ------
    BadReview
        There is no such event, it is another reviewer's, or it has been taken back already.
    """
    number = draft.body["event"]
    if target is None:
        raise BadReview(f"event {number} is not in the journal")
    if target.reviewer != draft.reviewer:
        raise BadReview(f"event {number} is {target.reviewer}'s: only one's own answers can be taken back")
    taken_back: dict[int, int] = {}
    for event in reversed(of_subject):
        if event.act == "undo" and event.seq not in taken_back:
            taken_back[int(event.body["event"])] = event.seq
    if number in taken_back:
        raise BadReview(
            f"event {number} was taken back already, by event {taken_back[number]}", conflict=True
        )


def resolved(draft: ReviewDraft, target: ReviewEvent) -> ReviewDraft:
    """An `undo` with the subject of what it takes back."""
    if draft.subject not in (None, target.subject):
        raise BadReview(f"event {target.seq} is about {target.subject}, not about {draft.subject}")
    return replace(draft, subject=target.subject)


def agreed(known: ReviewEvent, draft: ReviewDraft) -> ReviewEvent:
    """The event of an answer that is sent again.

    Raises
    ------
    BadReview
        It is another answer under the same key.
    """
    asked = draft.__dict__ | {
        "subject": draft.subject or known.subject, "run": draft.run or known.run, "body": jsonable(draft.body),
    }  # fmt: skip
    for name in _SAME:
        if getattr(known, name) != asked[name]:
            raise BadReview(
                f"key {draft.key!r} was used for another answer (event {known.seq}; {name} differs): "
                "make a new key for each answer",
                conflict=True,
            )
    return known


def _hash(values: Mapping[str, Any]) -> str:
    return digest({name: values[name] for name in ("seq", *_CONTENT, "previous")})


def _now() -> str:
    return utc_text(datetime.now(UTC))
