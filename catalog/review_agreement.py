"""How far reviewers agree, from the journal."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from catalog.journal import in_force
from catalog.review_tables import review_answers, review_events
from models.evaluation.tally import Interval
from models.review_statistics import kappa, kappa_interval


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


def first_verdicts(connection: Connection, subjects: set[str]) -> dict[str, tuple[str, str]]:
    """The first verdicts of the first two reviewers of each change: what was said later, having seen the other's,
    does not count.
    """
    column = review_events.c
    given: dict[str, list[Any]] = defaultdict(list)
    query = (
        select(column.subject, column.seq, column.reviewer, column.act, column.body)
        .where(column.act.in_(("verdict", "missed", "undo")))
        .order_by(column.seq)
    )
    for row in connection.execute(query):
        if row.subject in subjects:
            given[row.subject].append(row)
    found: dict[str, tuple[str, str]] = {}
    for subject, rows in given.items():
        first: dict[str, str] = {}
        for row in in_force(rows):
            if not row.body.get("settles"):
                first.setdefault(row.reviewer, str(row.body.get("verdict", "confirmed")))
        if len(first) >= 2:
            one, other, *_ = first.values()
            found[subject] = (one, other)
    return found


def asked_for(connection: Connection) -> set[str]:
    """Changes for which a second reviewer was asked before two had answered."""
    asked = (
        select(review_events.c.subject, func.min(review_events.c.seq).label("seq"))
        .where(review_events.c.act == "assign_second")
        .group_by(review_events.c.subject)
        .subquery()
    )
    last = select(review_answers.c.subject, func.max(review_answers.c.seq).label("seq")).group_by(
        review_answers.c.subject
    )
    final = last.subquery()
    query = (
        select(asked.c.subject)
        .join(final, final.c.subject == asked.c.subject)
        .where(asked.c.seq < final.c.seq)
    )
    return set(connection.execute(query).scalars())


def agreement_of(pairs: Sequence[tuple[str, str]]) -> Agreement:
    return Agreement(
        subjects=len(pairs), agreed=sum(a == b for a, b in pairs), kappa=kappa(pairs),
        interval=kappa_interval(pairs),
    )  # fmt: skip
