"""How fast the review queue answers with a hundred thousand changes and as many journal events.

    python -m benchmarks.review_queue [--changes N] [--events N] [--keep DIR]

Makes such a database (SQLite, or the one that SITEWATCH_DATABASE names), straight into its tables, and measures what
the desk asks for: pages of the queue under several filters, counts, one change, fifty people deciding at once.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from catalog.database import writing
from catalog.journal import BEGINNING, ReviewDraft, _hash
from catalog.queue import QueueFilters
from catalog.review import ReviewStore
from catalog.review_rows import EMPTY
from catalog.review_standing import refresh
from catalog.review_tables import review_events, review_items, review_outlines, review_runs

SITES, ZONES = (
    ("khmeimim", "tartus", "latakia"),
    ("apron-north", "apron-south", "quay-1", "quay-2", "park", None),
)
LABELS = ("aircraft", "ship", "vehicle", "container", "large object")
REASONS = ("cloud", "shadow", "tide_or_waves", "known_object")
A_RUN, A_TILE = 100, 4
REPEATS, PEOPLE, EACH = 15, 50, 4


def item(number: int, rng: np.random.Generator) -> dict[str, Any]:
    run = number // A_RUN
    day = np.datetime64("2022-01-01") + run
    site = SITES[run % len(SITES)]
    zone = ZONES[int(rng.integers(len(ZONES)))]
    return EMPTY | {
        "subject": f"{number:012x}", "what": "change", "run": run_name(run), "site": site,
        "tile": f"r{number % A_RUN // A_TILE:02d}c00",
        "sensor": "optical", "gsd_m": 0.5, "simulated": False, "before_time": f"{day - 5}T08:20:00Z",
        "after_time": f"{day}T08:20:00Z", "kind": ("appeared", "vanished")[number % 2],
        "label": LABELS[int(rng.integers(len(LABELS)))], "score": round(float(rng.uniform(0.5, 1)), 4), "zone": zone,
        "watched": zone is not None, "length_m": 20.0, "lon": round(35.9 + float(rng.uniform(0, 0.05)), 6),
        "lat": round(35.4 + float(rng.uniform(0, 0.03)), 6), "false_alarms_per_km2": 0.4, "causes": ["shadow"],
    }  # fmt: skip


def run_name(run: int) -> str:
    return f"{SITES[run % len(SITES)]}/optical-0.5m_{run:06d}"


def run_row(run: int) -> dict[str, Any]:
    grid = {
        "crs": "EPSG:32636",
        "transform": [0.5, 0, 765_000, 0, -0.5, 3_923_000],
        "shape": [9000, 9000],
        "gsd_m": 0.5,
    }
    return {
        "name": run_name(run), "report_sha256": "0" * 64, "stamp": "made", "site": SITES[run % len(SITES)],
        "sensor": "optical", "gsd_m": 0.5, "status": "changed", "reason": None, "simulated": False,
        "before_time": None, "after_time": None, "created": "2025-01-01T00:00:00Z", "min_score": 0.5,
        "assessed_km2": 20.0, "grid": grid, "tiles": 300, "flagged": 25, "blank": 275, "audited": 27,
        "audit_share": 0.1, "unseen": 0,
    }  # fmt: skip


def outline(row: dict[str, Any]) -> dict[str, Any]:
    x, y, d = row["lon"], row["lat"], 0.0001
    ring = [[x - d, y - d], [x + d, y - d], [x + d, y + d], [x - d, y + d], [x - d, y - d]]
    return {"subject": row["subject"], "outline": {"type": "Polygon", "coordinates": [ring]}}


def answers(rows: list[dict[str, Any]], number: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Verdicts of seven people on a bit over half of the changes, some twice."""
    found, previous = [], BEGINNING
    for seq in range(1, number + 1):
        row = rows[int(rng.integers(len(rows)))]
        verdict = ("confirmed", "rejected", "unsure")[int(rng.choice(3, p=(0.5, 0.4, 0.1)))]
        body = {"verdict": verdict} | (
            {"reason": REASONS[int(rng.integers(len(REASONS)))]} if verdict == "rejected" else {}
        )
        event = {
            "seq": seq, "key": f"made-{seq}", "at": "2025-02-01T00:00:00Z", "reviewer": f"person {rng.integers(7)}",
            "act": "verdict", "site": row["site"], "run": row["run"], "subject": row["subject"], "body": body,
            "previous": previous,
        }  # fmt: skip
        event["hash"] = previous = _hash(event)
        found.append(event)
    return found


def make(root: Path, changes: int, events: int) -> None:
    rng = np.random.default_rng(5)
    rows = [item(number, rng) for number in range(changes)]
    with writing(root) as connection:
        connection.execute(insert(review_runs), [run_row(run) for run in range(-(-changes // A_RUN))])
        for start in range(0, changes, 5000):
            part = rows[start : start + 5000]
            connection.execute(insert(review_items), part)
            connection.execute(insert(review_outlines), [outline(row) for row in part])
        made = answers(rows, events, rng)
        for start in range(0, events, 5000):
            connection.execute(insert(review_events), made[start : start + 5000])
        refresh(connection, [row["subject"] for row in rows])


def timed(what: str, call: Callable[[], Any]) -> None:
    call()
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - start))
    print(f"{what:54s} median {statistics.median(found):7.1f} ms   worst {max(found):7.1f} ms")


def pages(store: ReviewStore) -> None:
    asked = {
        "first page": QueueFilters(),
        "waiting for a verdict": QueueFilters(needs=("first",)),
        "waiting for one or a second, not answered by me": QueueFilters(
            needs=("first", "second"), unanswered_by="person 3"
        ),
        "disputed": QueueFilters(needs=("settle",)),
        "one site, one zone, two labels, scores 0.6-0.7": QueueFilters(
            sites=("tartus",), zones=("quay-1",), labels=("ship", "container"), min_score=0.6, max_score=0.7
        ),
        "a label and a week": QueueFilters(labels=("ship",), since="2023-03-01", until="2023-03-07"),
        "suppressed": QueueFilters(suppressed=True),
        "nothing (a zone that is not there)": QueueFilters(zones=("nowhere",)),
        "tiles not assessed": QueueFilters(what="unseen"),
    }  # fmt: skip
    for name, filters in asked.items():
        timed(f"page: {name}", lambda filters=filters: store.queue(filters, viewer="person 3"))
        timed(
            f"  and its counts: {store.counts(filters).total}", lambda filters=filters: store.counts(filters)
        )
    page = store.queue()
    for _ in range(40):
        page = store.queue(after=page.next)
    timed("page: the 42nd", lambda: store.queue(after=page.next))
    subject = page.entries[0].subject
    timed("state of one change", lambda: store.state(subject))


def everybody(store: ReviewStore) -> None:
    """Fifty people, each with four answers after another, all at once."""
    subjects = [
        entry.subject for entry in store.queue(QueueFilters(needs=("first",)), limit=PEOPLE * EACH).entries
    ]
    took: list[float] = []
    start = threading.Barrier(PEOPLE)

    def person(number: int) -> None:
        start.wait()
        for i in range(EACH):
            began = time.perf_counter()
            store.append(
                ReviewDraft(
                    key=f"bench-{time.time_ns()}-{number}-{i}", reviewer=f"somebody {number}", act="verdict",
                    subject=subjects[number * EACH + i], body={"verdict": "rejected", "reason": "known_object"},
                )
            )  # fmt: skip
            took.append(1000 * (time.perf_counter() - began))

    before = len(store.events())
    with ThreadPoolExecutor(PEOPLE) as pool:
        list(pool.map(person, range(PEOPLE)))
    assert len(store.events()) == before + PEOPLE * EACH
    worst = sorted(took)
    print(
        f"{PEOPLE} people at once, {PEOPLE * EACH} answers, none lost: median {statistics.median(took):.0f} ms, "
        f"p95 {worst[int(0.95 * len(worst))]:.0f} ms, worst {worst[-1]:.0f} ms"
    )

    def one() -> None:
        key = f"one-{time.time_ns()}"
        store.append(
            ReviewDraft(key=key, reviewer="somebody", act="note", subject=subjects[0], body={"text": "x"})
        )

    timed("one answer", one)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--changes", type=int, default=100_000)
    options.add_argument("--events", type=int, default=100_000)
    options.add_argument(
        "--keep", type=Path, help="make the database there and keep it; used again where it exists"
    )
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = given.keep or Path(scratch)
        if not (root / "sitewatch.db").exists():
            start = time.perf_counter()
            make(root, given.changes, given.events)
            print(f"made in {time.perf_counter() - start:.0f} s")
        start = time.perf_counter()
        store = ReviewStore(root)
        print(f"opened in {time.perf_counter() - start:.1f} s")
        pages(store)
        everybody(store)
        store.close()


if __name__ == "__main__":
    main()
