"""The queue in memory: a hundred thousand entries filtered, counted and in order within milliseconds.

What is held here is never older than the connection that it is asked with: each question first takes over the rows of
`review_items` that were written since.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from datetime import date
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from catalog.queue_filters import QueueFilters, day_of
from catalog.queue_rows import Mask, QueueRows
from catalog.review_tables import review_items

Position = tuple[float, str, str, float, str]
"""Where an entry stands in the queue; the highest comes first."""

ORDER = ("tile_worth", "run", "tile", "worth", "subject")

FACETS = (
    "what", "site", "zone", "kind", "label", "state", "verdict", "verdict_reason", "needs", "second", "suppressed",
)  # fmt: skip
"""What counts are split by."""

_CODED = (*FACETS, "listed", "run", "tile", "added", "sensor", "simulated", "given_label", "answers")
_TO_BE_ANSWERED = ("needed", "waiting")
_CHOSEN = {
    "sites": "site", "zones": "zone", "runs": "run", "tiles": "tile", "kinds": "kind", "labels": "label",
    "states": "state", "verdicts": "verdict", "reasons": "verdict_reason", "seconds": "second", "needs": "needs",
}  # fmt: skip
_COLUMNS = tuple(
    dict.fromkeys((*_CODED, *ORDER, "score", "after_time", "reviewers", "rule_state", "changed"))
)
_SORT_ANEW = 2000
"""From so many changed rows on sorting all is quicker than moving each."""

_NO_DAY = -1
_LAST = select(func.max(review_items.c.changed))

Codes = Mapping[str, NDArray[np.int32]]


class QueueMirror:
    """Entries of one database. May be used from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._clear()

    def find(
        self,
        connection: Connection,
        filters: QueueFilters,
        *,
        before: Position | None = None,
        limit: int,
        viewer: str | None = None,
    ) -> list[str]:
        """Subjects that a filter finds, in the order that it asks for, from the one after `before` on.

        For a viewer an entry that they are to answer blind is found by what they may know of it alone.
        """
        with self._lock:
            self._catch_up(connection)
            mask = self._mask(filters, self._seen_by(viewer))
            if filters.order == "surest":
                return self._surest(mask, before, limit)
            end = len(self._keys) if before is None else bisect_left(self._keys, before)
            found = np.flatnonzero(mask[self._in_order()[:end]])[-limit:]
            return [self._keys[place][-1] for place in found[::-1]]

    def count(
        self, connection: Connection, filters: QueueFilters, *, viewer: str | None = None
    ) -> tuple[int, int, dict[str, dict[str, int]]]:
        """Entries and tiles that a filter finds, and the entries split by `FACETS`; for a viewer as in `find`."""
        with self._lock:
            self._catch_up(connection)
            codes = self._seen_by(viewer)
            rows = np.flatnonzero(self._mask(filters, codes))
            runs, tiles = codes["run"][rows].astype(np.int64), codes["tile"][rows]
            by = {name: self._split(name, codes[name][rows]) for name in FACETS}
            return len(rows), len(np.unique((runs << 32) | tiles)), by

    def runs(
        self, connection: Connection, filters: QueueFilters, *, viewer: str | None = None
    ) -> frozenset[str]:
        """Runs of the entries that a filter finds; for a viewer as in `find`."""
        with self._lock:
            self._catch_up(connection)
            codes = self._seen_by(viewer)
            found = set(np.unique(codes["run"][self._mask(filters, codes)]).tolist())
            return frozenset(run for run, code in self._known["run"].items() if code in found)

    def rows(self, connection: Connection, *, viewer: str | None = None) -> QueueRows:
        """Everything that is there; for a viewer without what they are not to know before they answer."""
        with self._lock:
            self._catch_up(connection)
            return QueueRows(
                subjects=list(self._rows), scores=self._scores.copy(),
                codes={name: codes.copy() for name, codes in self._seen_by(viewer).items()},
                known={name: list(known) for name, known in self._known.items()},
            )  # fmt: skip

    def _clear(self) -> None:
        self._changed = 0
        self._rows: dict[str, int] = {}
        self._known: dict[str, dict[Any, int]] = {name: {} for name in _CODED}
        self._codes: dict[str, NDArray[np.int32]] = {name: np.empty(0, np.int32) for name in _CODED}
        self._rule_states = np.empty(0, np.int32)
        self._scores = np.empty(0)
        self._days = np.empty(0, np.int32)
        self._answered: dict[str, Mask] = {}
        self._positions: list[Position] = []
        self._keys: list[Position] = []
        self._order: NDArray[np.int32] | None = None

    def _catch_up(self, connection: Connection) -> None:
        last = connection.execute(_LAST).scalar() or 0
        if last < self._changed and connection.dialect.name == "sqlite":
            self._clear()  # another file has taken the place of the one that was read
        if last <= self._changed:  # on a server, a view from before somebody else's question
            return
        self._take_over(connection)
        if connection.execute(select(func.count()).select_from(review_items)).scalar_one() != len(self._rows):
            # The index was made anew since, and something is not in it any more.
            self._clear()
            self._take_over(connection)

    def _take_over(self, connection: Connection) -> None:
        query = select(*(review_items.c[name] for name in _COLUMNS)).where(
            review_items.c.changed > self._changed
        )
        fresh = [row._asdict() for row in connection.execute(query)]
        numbers = [self._rows.setdefault(row["subject"], len(self._rows)) for row in fresh]
        self._grow()
        for row, number in zip(fresh, numbers, strict=True):
            self._store(row, number)
            self._changed = max(self._changed, row["changed"])
        self._sort(fresh, numbers)

    def _grow(self) -> None:
        """Room for rows that are new."""
        missing = len(self._rows) - len(self._scores)
        if missing:
            self._codes = {
                n: np.append(codes, np.zeros(missing, np.int32)) for n, codes in self._codes.items()
            }
            self._rule_states = np.append(self._rule_states, np.zeros(missing, np.int32))
            self._scores = np.append(self._scores, np.full(missing, np.nan))
            self._days = np.append(self._days, np.full(missing, _NO_DAY, np.int32))
            self._answered = {n: np.append(m, np.zeros(missing, np.bool_)) for n, m in self._answered.items()}

    def _store(self, row: Mapping[str, Any], number: int) -> None:
        for name in _CODED:
            self._codes[name][number] = self._code(name, row[name])
        self._rule_states[number] = self._code("state", row["rule_state"] or "provisional")
        self._scores[number] = np.nan if row["score"] is None else row["score"]
        self._days[number] = _day_number(row["after_time"])
        for reviewer in row["reviewers"]:
            if reviewer not in self._answered:
                self._answered[reviewer] = np.zeros(len(self._scores), np.bool_)
        for reviewer, mask in self._answered.items():
            mask[number] = reviewer in row["reviewers"]

    def _sort(self, fresh: Sequence[Mapping[str, Any]], numbers: Sequence[int]) -> None:
        positions = [
            (row["tile_worth"], row["run"], row["tile"], row["worth"], row["subject"]) for row in fresh
        ]
        self._order = None
        if len(fresh) >= _SORT_ANEW or not self._keys:
            self._positions += [(0.0, "", "", 0.0, "")] * (len(self._rows) - len(self._positions))
            for position, number in zip(positions, numbers, strict=True):
                self._positions[number] = position
            self._keys = sorted(self._positions)
            return
        for position, number in zip(positions, numbers, strict=True):
            if number < len(self._positions):
                if self._positions[number] == position:
                    continue
                del self._keys[bisect_left(self._keys, self._positions[number])]
                self._positions[number] = position
            else:
                self._positions.append(position)
            insort(self._keys, position)

    def _in_order(self) -> NDArray[np.int32]:
        """Row numbers in rising order of their positions."""
        if self._order is None:
            self._order = np.fromiter((self._rows[key[-1]] for key in self._keys), np.int32, len(self._keys))
        return self._order

    def _surest(self, mask: Mask, before: Position | None, limit: int) -> list[str]:
        """Subjects by falling score; those of one score in the queue's order."""
        last = None if before is None else self._rows.get(before[-1])
        if last is not None:
            mask[last] = True  # what was answered meanwhile still says where to go on
        order = self._in_order()[::-1]
        rows = order[mask[order]]
        rows = rows[np.argsort(-self._scores[rows], kind="stable")]
        if last is not None:
            rows = rows[int(np.flatnonzero(rows == last)[0]) + 1 :]
        return [self._positions[row][-1] for row in rows[:limit].tolist()]

    def _seen_by(self, viewer: str | None) -> Codes:
        """Codes as somebody may know them: without what `catalog.queue.QueueEntry.blinded` hides."""
        if viewer is None:
            return self._codes
        hidden = self._among("second", _TO_BE_ANSWERED, self._codes)
        if viewer in self._answered:
            hidden &= ~self._answered[viewer]
        if not hidden.any():
            return self._codes
        blind: dict[str, NDArray[np.int32]] = {
            "state": self._rule_states, "verdict": self._one("verdict", None),
            "verdict_reason": self._one("verdict_reason", None), "suppressed": self._one("suppressed", False),
            "given_label": self._one("given_label", None), "answers": self._one("answers", 0),
        }  # fmt: skip
        shown = {name: np.where(hidden, codes, self._codes[name]) for name, codes in blind.items()}
        return {**self._codes, **shown}

    def _one(self, column: str, value: Any) -> NDArray[np.int32]:
        return np.asarray(self._code(column, value), np.int32)

    def _code(self, column: str, value: Any) -> int:
        known = self._known[column]
        return known.setdefault(value, len(known))

    def _mask(self, filters: QueueFilters, codes: Codes) -> Mask:
        found = self._among("what", (filters.what,), codes)
        for name, column in _CHOSEN.items():
            if getattr(filters, name):
                found &= self._among(column, [value or None for value in getattr(filters, name)], codes)
        for name in ("suppressed", "listed"):
            if getattr(filters, name) is not None:
                found &= self._among(name, (getattr(filters, name),), codes)
        unscored = np.isnan(self._scores)
        if filters.min_score is not None:
            found &= unscored | (self._scores >= filters.min_score)
        if filters.max_score is not None:
            found &= unscored | (self._scores <= filters.max_score)
        if filters.since is not None:
            found &= self._days >= day_of("since", filters.since).toordinal()
        if filters.until is not None:
            found &= (self._days != _NO_DAY) & (self._days <= day_of("until", filters.until).toordinal())
        nobody = np.zeros(len(self._scores), np.bool_)
        if filters.unanswered_by is not None:
            found &= ~self._answered.get(filters.unanswered_by, nobody)
        if filters.answered_by is not None:
            found &= self._answered.get(filters.answered_by, nobody)
        return found

    def _among(self, column: str, values: Sequence[Any], codes: Codes) -> Mask:
        known = self._known[column]
        wanted = [known[value] for value in values if value in known]
        found: Mask = np.isin(codes[column], wanted) if len(wanted) != 1 else codes[column] == wanted[0]
        return found

    def _split(self, column: str, codes: NDArray[np.int32]) -> dict[str, int]:
        numbers = np.bincount(codes, minlength=len(self._known[column]))
        return {
            _named(value): int(numbers[code]) for value, code in self._known[column].items() if numbers[code]
        }


def _day_number(time: str | None) -> int:
    return _NO_DAY if time is None else date.fromisoformat(time[:10]).toordinal()


def _named(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
