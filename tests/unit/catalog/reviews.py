"""Runs to be reviewed, small and real, and answers about them."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catalog.journal import ReviewDraft, ReviewEvent
from catalog.queue import QueueEntry, QueueFilters
from catalog.review import ReviewStore
from tests.unit.catalog.histories import ELSEWHERE, PLACE, Archive, Day, Said, finding_id

EMPTY, THERE = Day(day=1), Day(day=11, objects=[PLACE, ELSEWHERE])
FIRST, SECOND = finding_id(EMPTY, THERE, Said()), finding_id(EMPTY, THERE, Said(place=ELSEWHERE))
_KEYS = itertools.count()

Open = Callable[..., ReviewStore]


def two_changes(folder: Path) -> Archive:
    """One run of a site with two changes, `FIRST` (score 0.9) and `SECOND` (0.6)."""
    archive = Archive(root=folder / "out", work=folder / "work")
    archive.compare(EMPTY, THERE, Said(), Said(place=ELSEWHERE, score=0.6))
    return archive


def draft(act: str, subject: str | None = FIRST, *, by: str = "ann", **body: Any) -> ReviewDraft:
    """An answer with a key of its own."""
    run = body.pop("run", None)
    key = body.pop("key", None) or f"key-{next(_KEYS)}"
    return ReviewDraft(key=key, reviewer=by, act=act, subject=subject, run=run, body=body)


def verdict(
    store: ReviewStore, said: str = "confirmed", subject: str = FIRST, *, by: str = "ann", **more: Any
) -> ReviewEvent:
    """Give a verdict."""
    if said == "rejected":
        more.setdefault("reason", "shadow")
    event = store.append(draft("verdict", subject, by=by, verdict=said, **more))
    store.settle()
    return event


def ring(box: tuple[float, float, float, float]) -> list[list[float]]:
    """Closed ring of a box."""
    x0, y0, x1, y1 = box
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]


def subjects(store: ReviewStore, **filters: object) -> list[str]:
    """What a filter finds, in the queue's order."""
    return [entry.subject for entry in store.queue(QueueFilters(**filters)).entries]


def strip(entry: QueueEntry) -> dict[str, object]:
    return {name: value for name, value in entry.as_dict().items() if not name.startswith("rule_")}


def place_of(store: ReviewStore) -> dict[str, object]:
    outline = store.change(SECOND).outline
    assert outline is not None
    return dict(outline)


def wgs_square() -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [ring((10.0, 10.0, 10.001, 10.001))]}
