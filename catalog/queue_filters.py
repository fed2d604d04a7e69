"""Which part of the queue a person wants to see, and how the database is asked for it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, exists, or_

from catalog.errors import BadReview
from catalog.review_tables import review_answers, review_items
from catalog.standings import Needs

What = Literal["change", "blank", "unseen"]
WHATS: tuple[What, ...] = ("change", "blank", "unseen")


@dataclass(frozen=True, kw_only=True)
class QueueFilters:
    """Which part of the queue; an empty tuple or None does not narrow it down.

    Parameters
    ----------
    what : {"change", "blank", "unseen"}
        Changes; blank tiles of the audit; tiles that could not be assessed.
    sites, zones, runs, tiles, kinds, labels : tuple of str
        ``""`` stands for none: no site, outside every zone.
    min_score, max_score : float or None
        Both included. Changes that a person added have no score and are kept.
    since, until : str or None
        Dates (``2025-01-31``), both included, of the later image, UTC.
    states, verdicts, reasons, seconds : tuple of str
        See `catalog.standings.ReviewState`. ``""`` among verdicts: none yet, or disputed.
    needs : tuple of str
        ``first``, ``second``, ``settle``, ``none``.
    unanswered_by : str or None
        Leave out what this reviewer has answered.
    answered_by : str or None
        Only what this reviewer has answered.
    suppressed : bool or None
        Whether its place is suppressed.
    listed : bool or None
        Whether the run's present result lists it; True by default, None: also what an earlier result listed.
    """

    what: What = "change"
    sites: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    tiles: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    min_score: float | None = None
    max_score: float | None = None
    since: str | None = None
    until: str | None = None
    states: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    seconds: tuple[str, ...] = ()
    needs: tuple[Needs, ...] = ()
    unanswered_by: str | None = None
    answered_by: str | None = None
    suppressed: bool | None = None
    listed: bool | None = True

    def __post_init__(self) -> None:
        if self.what not in WHATS:
            raise BadReview(f"what must be one of {', '.join(WHATS)}, got {self.what!r}")
        for name in ("min_score", "max_score"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and math.isfinite(value)):
                raise BadReview(f"{name} must be a number, got {value!r}")
        for name in ("since", "until"):
            value = getattr(self, name)
            if value is not None:
                _day(name, value)


def conditions(filters: QueueFilters, needs: Needs | None = None) -> list[ColumnElement[bool]]:
    item = review_items.c
    found: list[ColumnElement[bool]] = [item.what == filters.what]
    wanted = (needs,) if needs else filters.needs
    chosen = {
        "site": filters.sites, "zone": filters.zones, "run": filters.runs, "tile": filters.tiles,
        "kind": filters.kinds, "label": filters.labels, "state": filters.states, "verdict": filters.verdicts,
        "verdict_reason": filters.reasons, "second": filters.seconds, "needs": wanted,
    }  # fmt: skip
    found += [_among(item[name], values) for name, values in chosen.items() if values]
    if filters.min_score is not None:
        found.append(or_(item.score >= filters.min_score, item.score.is_(None)))
    if filters.max_score is not None:
        found.append(or_(item.score <= filters.max_score, item.score.is_(None)))
    if filters.since is not None:
        found.append(item.after_time >= filters.since)
    if filters.until is not None:
        found.append(item.after_time < (_day("until", filters.until) + timedelta(days=1)).isoformat())
    for name in ("suppressed", "listed"):
        value = getattr(filters, name)
        if value is not None:
            found.append(item[name].is_(value))
    if filters.unanswered_by is not None:
        found.append(~_answer_of(filters.unanswered_by))
    if filters.answered_by is not None:
        found.append(_answer_of(filters.answered_by))
    return found


def _among(column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    named = [value for value in values if value]
    parts: list[ColumnElement[bool]] = []
    if named:
        parts.append(column == named[0] if len(named) == 1 else column.in_(named))
    if len(named) < len(tuple(values)):
        parts.append(column.is_(None))
    return or_(*parts)


def _answer_of(reviewer: str) -> ColumnElement[bool]:
    answer = review_answers.c
    return exists().where(and_(answer.subject == review_items.c.subject, answer.reviewer == reviewer))


def _day(name: str, value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadReview(f"{name} must be a date such as 2025-01-31, got {value!r:.40}") from None
