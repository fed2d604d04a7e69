"""What a page asks of the journal besides where one subject stands."""

from datetime import datetime

from sqlalchemy import Connection, select

from catalog.journal import ReviewEvent, event_of, in_force
from catalog.layout import utc_text
from catalog.review_tables import review_events


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
