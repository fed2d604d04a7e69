"""How far reviewers agree, from the journal."""

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, select

from catalog.journal import BEGINNING, head, in_force
from catalog.review_tables import review_events
from models.evaluation.tally import Interval
from models.review_statistics import kappa, kappa_interval

_event = review_events.c
_HASH_AT = select(_event.hash).where(_event.seq == bindparam("seq_"))
_SAID = (
    select(_event.subject, _event.seq, _event.reviewer, _event.act, _event.body)
    .where(_event.seq > bindparam("after"), _event.seq <= bindparam("last"))
    .where(_event.act.in_(("verdict", "missed", "undo", "assign_second")))
    .order_by(_event.seq)
)


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far two reviewers of one change agree, by the first verdict of each.

    Parameters
    ----------
    subjects : int
        Reviewed twice.
    agreed : int
    kappa : float
        Cohen's; NaN where it cannot be known.
    interval : Interval
        Bootstrap over subjects.
    """

    subjects: int
    agreed: int
    kappa: float
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """The first verdicts of the first two reviewers of each change: what was said later, having seen the other's,
    does not count.

    Parameters
    ----------
    first : mapping of change to (str, str)
        Only of those with two reviewers.
    asked_for : set of str
        Changes for which a second reviewer was asked before two had answered.
    """

    first: Mapping[str, tuple[str, str]]
    asked_for: set[str]


class FirstVerdicts:
    """`Pairs` of one database.

    Kept in memory; each question first takes over the events that were written since. May be used from many threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._clear()

    def pairs(self, connection: Connection) -> Pairs:
        """As they are now."""
        with self._lock:
            self._catch_up(connection)
            return Pairs(first=dict(self._first), asked_for=set(self._asked_for))

    def _clear(self) -> None:
        self._seq, self._hash = 0, BEGINNING
        self._said: dict[str, list[_Said]] = defaultdict(list)
        self._first: dict[str, tuple[str, str]] = {}
        self._asked_for: set[str] = set()

    def _catch_up(self, connection: Connection) -> None:
        here = connection.execute(_HASH_AT, {"seq_": self._seq}).scalar()
        if self._seq and here != self._hash:
            self._clear()  # another journal has taken the place of the one that was read
        last = head(connection)
        touched = set()
        for row in connection.execute(_SAID, {"after": self._seq, "last": last.seq}):
            self._said[row.subject].append(_said(row))
            touched.add(row.subject)
        for subject in touched:
            self._judge(subject, self._said[subject])
        self._seq, self._hash = last.seq, last.hash

    def _judge(self, subject: str, said: "Sequence[_Said]") -> None:
        self._first.pop(subject, None)
        self._asked_for.discard(subject)
        standing = [one for one in in_force(said) if one.act != "assign_second"]
        pair = _first_two(standing)
        if pair is not None:
            self._first[subject] = pair
        asked = next((one.seq for one in said if one.act == "assign_second"), None)
        if asked is not None and standing and asked < standing[-1].seq:
            self._asked_for.add(subject)


class _Said(NamedTuple):
    """As much of an event as counts here."""

    seq: int
    reviewer: str
    act: str
    body: Mapping[str, Any]


def _said(row: Row[Any]) -> _Said:
    """Of a hundred thousand events most say one of a few things: bodies are shared, to be small."""
    body = {name: row.body[name] for name in ("verdict", "settles", "event") if name in row.body}
    return _Said(row.seq, sys.intern(row.reviewer), sys.intern(row.act), _shared(tuple(body.items())))


@lru_cache(maxsize=64)
def _shared(body: tuple[tuple[str, Any], ...]) -> Mapping[str, Any]:
    return dict(body)


def _first_two(standing: Sequence[_Said]) -> tuple[str, str] | None:
    first: dict[str, str] = {}
    for one in standing:
        if not one.body.get("settles"):
            first.setdefault(one.reviewer, str(one.body.get("verdict", "confirmed")))
    if len(first) < 2:
        return None
    one_, other, *_ = first.values()
    return one_, other


def agreement_of(pairs: Sequence[tuple[str, str]]) -> Agreement:
    return Agreement(
        subjects=len(pairs), agreed=sum(a == b for a, b in pairs), kappa=kappa(pairs),
        interval=kappa_interval(pairs),
    )  # fmt: skip
