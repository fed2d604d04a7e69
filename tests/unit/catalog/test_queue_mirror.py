"""The queue in memory against going through all rows one by one, and against itself after changes."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, select, update

from catalog.database import reading, writing
from catalog.queue_filters import QueueFilters
from catalog.queue_mirror import FACETS, ORDER, QueueMirror
from catalog.review_rows import EMPTY
from catalog.review_standing import next_change
from catalog.review_tables import review_items

Row = dict[str, Any]
CHOICES: dict[str, list[Any]] = {
    "what": ["change", "change", "blank", "unseen"], "site": ["a", "b", None], "run": ["a/1", "a/2", "b/1"],
    "tile": ["r00c00", "r00c01"], "zone": ["z", "y", None], "kind": ["appeared", "vanished"],
    "label": ["ship", "aircraft", "Ünïcode"], "state": ["provisional", "confirmed"],
    "verdict": [None, "confirmed", "rejected"], "verdict_reason": [None, "cloud"], "needs": ["first", "second", "none"],
    "second": ["none", "waiting", "needed", "agreed"],
    "rule_state": [None, "confirmed", "withdrawn"], "suppressed": [True, False], "listed": [True, True, False],
    "score": [None, 0.5, 0.6, 0.75, 0.9], "reviewers": [[], ["ann"], ["bob", "ann"]],
    "after_time": [None, "2025-01-01T00:00:00Z", "2025-01-31T23:59:59.9Z", "2025-02-01T00:00:00Z"],
    "worth": [1.0, 2.5, -3.0], "tile_worth": [0.5, 4.0],
}  # fmt: skip
PLURAL = {
    "sites": "site", "zones": "zone", "runs": "run", "tiles": "tile", "kinds": "kind", "labels": "label",
    "states": "state", "verdicts": "verdict", "reasons": "verdict_reason", "seconds": "second", "needs": "needs",
}  # fmt: skip


def row(number: int, rng: np.random.Generator) -> Row:
    drawn = {name: values[int(rng.integers(len(values)))] for name, values in CHOICES.items()}
    fixed = {
        "subject": f"s{number:05d}",
        "sensor": "optical",
        "gsd_m": 1.0,
        "simulated": False,
        "before_time": None,
    }
    return EMPTY | fixed | drawn


def filters(rng: np.random.Generator) -> QueueFilters:
    chosen: dict[str, Any] = {"what": ("change", "change", "blank")[int(rng.integers(3))]}
    for plural, name in PLURAL.items():
        if rng.random() < 0.2:
            values = [value or "" for value in CHOICES[name]]
            chosen[plural] = tuple(rng.choice(values, size=int(rng.integers(1, 3))).tolist())
    optional = {
        "min_score": 0.6, "max_score": 0.75, "since": "2025-01-31", "until": "2025-01-31", "unanswered_by": "ann",
        "answered_by": "bob", "suppressed": bool(rng.integers(2)),
    }  # fmt: skip
    chosen |= {name: value for name, value in optional.items() if rng.random() < 0.15}
    return QueueFilters(**chosen, listed=(True, None)[int(rng.integers(2))])


def fits(one: Row, f: QueueFilters) -> bool:
    """Word by word what `QueueFilters` says."""
    if one["what"] != f.what or any(
        getattr(f, plural) and (one[name] or "") not in getattr(f, plural) for plural, name in PLURAL.items()
    ):
        return False
    score, day = one["score"], None if one["after_time"] is None else one["after_time"][:10]
    return (
        (f.min_score is None or score is None or score >= f.min_score)
        and (f.max_score is None or score is None or score <= f.max_score)
        and (f.since is None or (day is not None and day >= f.since))
        and (f.until is None or (day is not None and day <= f.until))
        and (f.suppressed is None or one["suppressed"] == f.suppressed)
        and (f.listed is None or one["listed"] == f.listed)
        and (f.unanswered_by is None or f.unanswered_by not in one["reviewers"])
        and (f.answered_by is None or f.answered_by in one["reviewers"])
    )


def seen_by(one: Row, viewer: str | None) -> Row:
    """What somebody may know of an entry that they are to answer blind."""
    if viewer is None or one["second"] not in ("needed", "waiting") or viewer in one["reviewers"]:
        return one
    return one | {
        "state": one["rule_state"] or "provisional", "verdict": None, "verdict_reason": None, "suppressed": False,
    }  # fmt: skip


def position(one: Row) -> tuple[Any, ...]:
    return tuple(one[name] for name in ORDER)


def check(
    root: Path, mirror: QueueMirror, rows: list[Row], rng: np.random.Generator, times: int = 60
) -> None:
    with reading(root) as connection:
        assert connection is not None
        for _ in range(times):
            asked, viewer = filters(rng), (None, "ann", "bob", "eve")[int(rng.integers(4))]
            seen = [seen_by(one, viewer) for one in rows]
            expected = sorted((one for one in seen if fits(one, asked)), key=position, reverse=True)
            found = mirror.find(connection, asked, limit=10_000, viewer=viewer)
            assert found == [one["subject"] for one in expected]
            total, tiles, by = mirror.count(connection, asked, viewer=viewer)
            assert (total, tiles) == (len(expected), len({(one["run"], one["tile"]) for one in expected}))
            for name in FACETS:
                shown = Counter(
                    {True: "yes", False: "no", None: ""}.get(one[name], one[name]) for one in expected
                )
                assert by[name] == dict(shown)
            if len(expected) > 3:
                middle = position(expected[2])
                after = mirror.find(connection, asked, before=middle, limit=2, viewer=viewer)
                assert after == [one["subject"] for one in expected[3:5]]


def put(root: Path, rows: list[Row]) -> None:
    with writing(root) as connection:
        number = next_change(connection)
        connection.execute(insert(review_items), [one | {"changed": number} for one in rows])


@pytest.mark.usefixtures("each_database")
def test_it_finds_what_going_through_all_rows_finds(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = [row(number, rng) for number in range(600)]
    put(tmp_path, rows)
    check(tmp_path, QueueMirror(), rows, rng)


@pytest.mark.parametrize("at_once", [3, 900])
def test_it_keeps_up_with_rows_that_are_new_or_changed(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("catalog.queue_mirror._SORT_ANEW", 500)
    rows = [row(number, rng) for number in range(1000)]
    put(tmp_path, rows)
    mirror = QueueMirror()
    check(tmp_path, mirror, rows, rng, times=3)
    for turn in range(4):
        fresh = [row(2000 + 10 * turn + i, rng) for i in range(3)]
        put(tmp_path, fresh)
        with writing(tmp_path) as connection:
            number = next_change(connection)
            for which in rng.choice(len(rows), size=at_once, replace=False):
                new = row(0, rng) | {"subject": rows[which]["subject"]}
                connection.execute(
                    update(review_items)
                    .where(review_items.c.subject == new["subject"])
                    .values(new | {"changed": number})
                )
                rows[which] = new
        rows += fresh
        check(tmp_path, mirror, rows, rng, times=8)


def test_it_notices_that_the_index_was_made_anew(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = [row(number, rng) for number in range(50)]
    put(tmp_path, rows)
    mirror = QueueMirror()
    check(tmp_path, mirror, rows, rng, times=3)
    with writing(tmp_path) as connection:
        connection.execute(review_items.delete().where(review_items.c.subject < "s00030"))
        connection.execute(update(review_items).values(changed=next_change(connection)))
    check(tmp_path, mirror, rows[30:], rng, times=10)
    for path in tmp_path.glob("sitewatch.db*"):
        path.unlink()
    put(tmp_path, rows[:5])
    check(tmp_path, mirror, rows[:5], rng, times=10)


@pytest.mark.usefixtures("each_database")
def test_many_ask_while_others_write(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = [row(number, rng) | {"what": "change", "listed": True} for number in range(200)]
    put(tmp_path, rows)
    mirror = QueueMirror()
    stop = threading.Event()

    def write() -> None:
        for turn in range(20):
            with writing(tmp_path) as connection:
                connection.execute(
                    update(review_items)
                    .where(review_items.c.subject == f"s{turn:05d}")
                    .values(worth=float(turn), changed=next_change(connection))
                )
        stop.set()

    def ask() -> int:
        asked = 0
        while not stop.is_set():
            with reading(tmp_path) as connection:
                assert connection is not None
                assert mirror.count(connection, QueueFilters())[0] == 200
                assert len(set(mirror.find(connection, QueueFilters(), limit=500))) == 200
            asked += 1
        return asked

    with ThreadPoolExecutor(5) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        pool.submit(write).result()
        assert sum(future.result() for future in asking) > 4
    with reading(tmp_path) as connection:
        assert connection is not None
        stored = [dict(one) for one in connection.execute(select(review_items)).mappings()]
    check(tmp_path, mirror, stored, rng, times=5)
