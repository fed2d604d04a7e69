"""What a page asks of the journal besides where one subject stands."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, func, select

from catalog.journal import ReviewEvent, event_of, in_force
from catalog.layout import utc_text
from catalog.review_tables import review_events, review_items
from catalog.second_review import RULE_REVIEWER
from catalog.standings import ReviewState, fold


def last_of(connection: Connection, reviewer: str, *, since: datetime) -> ReviewEvent | None:
    """The last answer of a reviewer that they have not taken back.

    Parameters
    ----------
    connection : Connection
    reviewer : str
    since : datetime
        Aware; nothing older is looked at.
    """
    column = review_events.c
    own = select(review_events).where(column.reviewer == reviewer, column.at >= utc_text(since))
    rows = connection.execute(own.order_by(column.seq)).mappings()
    standing = in_force([event_of(row) for row in rows])
    return standing[-1] if standing else None


def drawn_in(connection: Connection, run: str) -> list[ReviewState]:
    """Where the changes of a run stand that people added or whose outlines they drew; what the rule says left out."""
    event, item = review_events.c, review_items.c
    drawn = (
        select(event.subject)
        .join_from(review_items, review_events, event.subject == item.subject)
        .where(item.run == run, event.act.in_(("outline", "missed")))
    )
    events = defaultdict(list)
    rows = select(review_events).where(event.subject.in_(drawn)).order_by(event.seq)
    for row in connection.execute(rows).mappings():
        events[row["subject"]].append(event_of(row))
    return [fold(subject, of_it) for subject, of_it in events.items()]


def reviewer_names(connection: Connection, *, anonymous: bool) -> dict[str, str]:
    """What each reviewer is to be called: by name, or ``reviewer 1``, ``reviewer 2`` ... in the order of their first
    answers, so that later answers change no number.
    """
    event = review_events.c
    first = select(event.reviewer).where(event.reviewer != RULE_REVIEWER).group_by(event.reviewer)
    names = connection.execute(first.order_by(func.min(event.seq))).scalars()
    return {name: f"reviewer {place}" if anonymous else name for place, name in enumerate(names, 1)}


def kept_from(connection: Connection, viewer: str, run: str) -> int:
    """Number of changes of a run about which others said something, and that a second reviewer is to answer without
    knowing it; those that the viewer has answered do not count.
    """
    event, item = review_events.c, review_items.c
    said = select(event.seq).where(
        event.subject == item.subject,
        event.reviewer.not_in((viewer, RULE_REVIEWER)),
        event.act != "assign_second",
    )
    spoken = select(item.reviewers).where(
        item.run == run, item.second.in_(("needed", "waiting")), said.exists()
    )
    return sum(viewer not in row.reviewers for row in connection.execute(spoken))
