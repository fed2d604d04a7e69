"""How fast the review desk is: a real `sitewatch review`, with a hundred thousand changes in its records, asked over
HTTP and by a real browser.

    python -m benchmarks.desk [--runs DIR] [--keep DIR]

Beside what is measured stand the bars that it is held to. Times are by the clock: what else the machine does adds.
"""

import argparse
import contextlib
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks import desk_views, review_queue
from benchmarks.desk_http import Person, all_at_once, sign_in
from benchmarks.pair import generated_pair
from catalog import journal, layout
from catalog.database import reading
from catalog.reader import list_runs, load_run
from catalog.verify_journal import verify_journal
from review.render import TILE_PX, deepest_zoom

BARS_MS = {
    "first view, from the queue": 300, "next change": 100, "tile": 60, "queue page": 150, "50 at once": 200,
}  # fmt: skip
CHANGES = EVENTS = 100_000
PEOPLE, EACH = 50, 6
BLOCKS = 150
"""Changes in the generated pair, about as many as in a busy one of the demo."""

LAYERS = ("before", "after", "difference", "evidence", "validity")
WAYS = {"50 at once": 0.0, "50 who look for three seconds each": 3.0}
"""How long everybody looks before they answer, seconds."""

TILES, PAGES, VIEWS, STEPS = 60, 30, 12, 20
START_S = 120.0


def measure(*, runs: Path | None = None, keep: Path | None = None) -> dict[str, Any]:
    """Figures of one desk.

    Parameters
    ----------
    runs : Path or None
        Outputs folder whose runs are looked at; None: one run of a generated pair.
    keep : Path or None
        Where the outputs folder is made and kept; used again where it exists.
    """
    with tempfile.TemporaryDirectory() as scratch:
        root = (keep or Path(scratch)).resolve() / "out"
        if not root.exists():
            _make(root, Path(scratch), runs)
        began = time.perf_counter()
        with running_desk(root) as port:
            opened_s = time.perf_counter() - began
            found = _all(root, port)
        checked = verify_journal(root)
        lost = found["asked"] - found["taken"]
        return {
            "changes": CHANGES, "events": EVENTS, "images": "generated pair" if runs is None else str(runs.name),
            "opened_s": opened_s, "bars_ms": BARS_MS, "lost": lost, "journal_intact": checked.intact,
            "figures": found["figures"],
        }  # fmt: skip


def _all(root: Path, port: int) -> dict[str, Any]:
    person = sign_in(root, port, "Ada")
    filters = urlencode({"run": _runs(root)[0].report.name, "show": "all"})
    subjects = json.loads(person.get(f"/api/queue?{filters}&limit=100")[1])["subjects"]
    figures = dict(_views(root, port)) | dict(_tiles(root, person)) | dict(_pages(person, port, subjects))
    people = [sign_in(root, port, f"reviewer {i}") for i in range(PEOPLE)]
    before = _events(root)
    figures |= dict(_together(people, port, subjects))
    return {"figures": figures, "asked": len(WAYS) * PEOPLE * EACH, "taken": _events(root) - before}


def _events(root: Path) -> int:
    with reading(root) as connection:
        return journal.head(connection).seq


def _views(root: Path, port: int) -> Iterator[tuple[str, Any]]:
    """First and next changes in a browser; nothing where there is none."""
    run = _runs(root)[0]
    # All: a store that is kept has been answered before.
    filters = urlencode({"run": run.report.name, "show": "all"})
    subjects = [change.id for change in run.report.changes]
    with desk_views.browser() as chromium:
        if chromium is None:
            return
        person = sign_in(root, port, "Bo")
        shown = _shown(person, filters, subjects)
        for what, by_queue in (("first view, from the queue", True), ("first view, by a link", False)):
            took = desk_views.first_views(chromium, person, shown[:VIEWS], by_queue=by_queue, filters=filters)
            yield what, spread(took)
        for what, key in (("next change", "j"), ("next change, after a verdict", "c")):
            took = desk_views.next_views(
                chromium, person, shown[0], key=key, times=min(STEPS, len(shown) - 1), filters=filters
            )
            yield what, spread(took)


def _shown(person: Person, filters: str, subjects: Sequence[str]) -> list[str]:
    """Those of a run that the first page of the queue shows, in its order."""
    _, page = person.get(f"/?{filters}")
    places = {subject: page.find(f"subject={subject}".encode()) for subject in subjects}
    return sorted((subject for subject in subjects if places[subject] >= 0), key=places.__getitem__)


def _tiles(root: Path, person: Person) -> Iterator[tuple[str, Any]]:
    """Tiles of every layer in random order, so that none finds what another one has read."""
    rng = random.Random(8)
    asked = []
    for layer in LAYERS:
        for _ in range(TILES):
            run = rng.choice(_runs(root))
            rows, cols = (int(size) for size in run.report.grid["shape"])
            deepest = deepest_zoom((rows, cols))
            zoom = rng.choice((deepest, deepest, max(0, deepest - 1)))
            side = TILE_PX << (deepest - zoom)
            x, y = rng.randrange(math.ceil(cols / side)), rng.randrange(math.ceil(rows / side))
            asked.append((layer, f"/runs/{layout.flat(run.report.name)}/tiles/{layer}/{zoom}/{x}/{y}.png"))
    rng.shuffle(asked)
    took: dict[str, list[float]] = {layer: [] for layer in LAYERS}
    for layer, target in asked:
        took[layer].append(person.get(target)[0])
    for layer, found in took.items():
        yield f"tile: {layer}", spread(found)
    yield "tile", spread([ms for found in took.values() for ms in found])


def _pages(person: Person, port: int, subjects: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """The queue and the figures, each right after somebody has answered: what is kept must not be old."""
    asked = {
        "queue page": "/", "queue page, filtered": "/?site=tartus&label=ship&min_score=0.6&show=all",
        "figures page": "/figures",
    }  # fmt: skip
    for what, target in asked.items():
        took = []
        for i in range(PAGES):
            answer = person.answer(subjects[i % len(subjects)], "verdict", {"verdict": "unsure"})
            all_at_once(port, [[answer]])
            took.append(person.get(target)[0])
        yield what, spread(took)


def _together(people: Sequence[Person], port: int, subjects: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Everybody at the same moment, and again as soon as they have their answer; then as people work."""
    for what, pause_s in WAYS.items():
        asked = [
            [
                person.answer(
                    subjects[(i * EACH + j) % len(subjects)], "verdict",
                    {"verdict": "rejected", "reason": "known_object"} if j % 2 else {"verdict": "confirmed"},
                )
                for j in range(EACH)
            ]
            for i, person in enumerate(people)
        ]  # fmt: skip
        yield what, spread(all_at_once(port, asked, pause_s))


def spread(took: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile (nearest rank) and worst of milliseconds."""
    ranked = sorted(took)
    return {
        "n": len(ranked), "median_ms": round(statistics.median(ranked), 1),
        "p95_ms": round(ranked[math.ceil(0.95 * len(ranked)) - 1], 1), "worst_ms": round(ranked[-1], 1),
    }  # fmt: skip


def _runs(root: Path) -> list[Any]:
    """Runs with the most pixels and changes first; those that were made up have no folder."""
    found = [load_run(folder) for folder in list_runs(root)]
    found = [run for run in found if run.report.changes]
    return sorted(found, key=lambda run: (-max(run.report.grid["shape"]), -len(run.report.changes)))


def _make(root: Path, scratch: Path, runs: Path | None) -> None:
    """An outputs folder with images to look at, and made-up records beside them."""
    if runs is None:
        pair = generated_pair(scratch, blocks=BLOCKS)
        command = [
            sys.executable, "-m", "flows.cli", "diff", pair.before, pair.after, "--gsd", str(pair.gsd_m), "--out",
            root, "--json",
        ]  # fmt: skip
        comparing = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
        review_queue.make(scratch / "records", CHANGES, EVENTS)
        if comparing.wait() not in (0, 3):
            raise RuntimeError(f"`sitewatch diff` of the generated pair ended with {comparing.returncode}")
    else:
        shutil.copytree(runs, root)
        review_queue.make(scratch / "records", CHANGES, EVENTS)
    for made in (scratch / "records").glob("sitewatch.db*"):
        shutil.move(made, root / made.name)


@contextlib.contextmanager
def running_desk(root: Path, *options: str, who: str | None = None) -> Iterator[int]:
    """A desk for as long as the block lasts, started by `who` in place of this system's user; its port."""
    command = [sys.executable, "-m", "flows.cli", "review", "--no-browser", "--out", str(root), *options]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env=os.environ | ({"LOGNAME": who} if who else {}),
        )
        try:
            line = process.stdout.readline()
            if "http" not in line:
                said.seek(0)
                raise RuntimeError(f"the desk did not start: {line}{said.read()}")
            yield int(line.split("http://127.0.0.1:")[1].split("/")[0])
        finally:
            process.terminate()
            process.wait(timeout=START_S)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument(
        "--runs", type=Path, help="outputs folder whose runs are looked at, such as the demo's"
    )
    options.add_argument(
        "--keep", type=Path, help="make the records there and keep them; used again where they exist"
    )
    given = options.parse_args()
    print(json.dumps(measure(runs=given.runs, keep=given.keep), indent=1))


if __name__ == "__main__":
    main()
