"""What people said of the changes of a run, read from the review journal."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from catalog import journal
from catalog.database import reading
from catalog.exports.gather import root_of
from catalog.exports.people import Missed, Remark, Review, Verdict
from catalog.reader import StoredRun
from catalog.review_acts import MISSED, is_tile
from catalog.review_outline import on_grid
from catalog.review_tables import review_events
from catalog.standings import ReviewState, fold


@dataclass(frozen=True, kw_only=True)
class JournalReviews:
    """Reviews of one run, as they stood when the journal was read.

    Parameters
    ----------
    head : str
        Hash of the last event of the whole journal.
    reviews : mapping of change id to Review
    missed : tuple of Missed
    """

    head: str
    reviews: Mapping[str, Review] = field(default_factory=dict)
    missed: tuple[Missed, ...] = ()

    def of(self, change_id: str) -> Review:
        """What people said of a change."""
        return self.reviews.get(change_id, Review())


def reviews_of(run: StoredRun) -> JournalReviews | None:
    """Reviews of a run; None where there is no journal, or nobody has answered anything yet.

    Raises
    ------
    BadDatabase
        The database beside the runs cannot be read.
    BadReview
        An outline in the journal does not fit the run.
    """
    with reading(root_of(run)) as connection:
        if connection is None or not journal.exists(connection):
            return None
        head = journal.head(connection)
        if head.seq == 0:
            return None
        states = _states(connection, run.report.name)
    grid = run.report.grid
    found = {state.subject: _review(state, grid) for state in states if not state.subject.startswith(MISSED)}
    missed = tuple(_missed(state, grid) for state in states if state.added is not None)
    return JournalReviews(head=head.hash, reviews=found, missed=missed)


def _states(connection: Connection, run: str) -> list[ReviewState]:
    """Of every change of a run that anybody said something about, in the order in which it was first said."""
    rows = connection.execute(
        select(review_events).where(review_events.c.run == run).order_by(review_events.c.seq)
    ).mappings()
    events: defaultdict[str, list[journal.ReviewEvent]] = defaultdict(list)
    for row in rows:
        event = journal.event_of(row)
        if not is_tile(event.subject):
            events[event.subject].append(event)
    return [fold(subject, listed) for subject, listed in events.items()]


def _review(state: ReviewState, grid: Mapping[str, Any]) -> Review:
    return Review(
        verdicts=tuple(
            Verdict(answer=one.verdict, reviewer=one.reviewer, time=one.at, reason=one.reason)
            for one in state.answers
        ),
        agreed=state.verdict, remarks=_remarks(state), label=state.label,
        ring_px=None if state.outline is None else on_grid(state.outline, grid),
    )  # fmt: skip


def _remarks(state: ReviewState) -> tuple[Remark, ...]:
    return tuple(Remark(reviewer=note.reviewer, text=note.text, time=note.at) for note in state.notes)


def _missed(state: ReviewState, grid: Mapping[str, Any]) -> Missed:
    added = dict(state.added or {})
    review = _review(state, grid)
    return Missed(
        id=state.subject, kind=added["kind"], label=state.label or added["label"],
        ring_px=review.ring_px or on_grid(added, grid), review=review,
    )  # fmt: skip
