"""What people said of the changes of a run, read from the review journal."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from catalog import journal
from catalog.database import reading
from catalog.errors import BadReview
from catalog.exports.gather import root_of
from catalog.exports.pair import Ring
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
    not_placed : int
        Changes that people added to an earlier result and that do not lie on the images of the present one.
    """

    head: str
    reviews: Mapping[str, Review] = field(default_factory=dict)
    missed: tuple[Missed, ...] = ()
    not_placed: int = 0

    def of(self, change_id: str) -> Review:
        """What people said of a change."""
        return self.reviews.get(change_id, Review())


def reviews_of(run: StoredRun) -> JournalReviews | None:
    """Reviews of a run; None where there is no journal, or nobody has answered anything yet.

    Raises
    ------
    BadDatabase
        The database beside the runs cannot be read.
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
    added = [_missed(state, grid) for state in states if state.added is not None]
    placed = tuple(missed for missed in added if missed is not None)
    return JournalReviews(
        head=head.hash, reviews=found, missed=placed, not_placed=len(added) - len(placed)
    )  # fmt: skip


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
    ring = _ring(state.outline, grid)
    return Review(
        verdicts=tuple(
            Verdict(answer=one.verdict, reviewer=one.reviewer, time=one.at, reason=one.reason)
            for one in state.answers
        ),
        agreed=state.verdict, remarks=_remarks(state), label=state.label,
        ring_px=ring, outline_off=state.outline is not None and ring is None,
    )  # fmt: skip


def _remarks(state: ReviewState) -> tuple[Remark, ...]:
    return tuple(Remark(reviewer=note.reviewer, text=note.text, time=note.at) for note in state.notes)


def _ring(body: Mapping[str, Any] | None, grid: Mapping[str, Any]) -> Ring | None:
    """An outline on the run's grid; None where it does not lie there: the run may have been written anew since."""
    if body is None:
        return None
    try:
        return on_grid(body, grid)
    except BadReview:
        return None


def _missed(state: ReviewState, grid: Mapping[str, Any]) -> Missed | None:
    added = dict(state.added or {})
    review = _review(state, grid)
    ring = review.ring_px or _ring(added, grid)
    if ring is None:
        return None
    return Missed(
        id=state.subject, kind=added["kind"], label=state.label or added["label"], ring_px=ring, review=review
    )
