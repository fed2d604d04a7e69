"""Reviewed changes as labelled cases, in the format that ``sitewatch evaluate`` reads (`catalog.cases`).

A case is one tile of a run and one class of object. What reviewers confirmed is its truth, on the date that they or
the run say; what they rejected is ground like any other, so that a claim there is a false alarm; everything that
nobody has decided, or that is another kind of object, may be claimed freely (`ambiguous`). Tiles in which all was
rejected, and blank tiles in which a reviewer missed nothing, are cases without changes.
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from catalog import layout
from catalog.errors import BadReview, CatalogError
from catalog.journal import Head
from catalog.labelled_images import cut_image
from catalog.reader import StoredRun, load_run
from catalog.review_lookup import reviewer_names
from catalog.review_outline import on_grid
from catalog.review_standing import state_of
from catalog.review_tables import review_items, review_outlines, review_runs
from catalog.run_chain import ends
from imagery.raster import Window
from models.evaluation.case import Klass

WORDS: Mapping[Klass, tuple[str, ...]] = {
    "aircraft": ("aircraft", "airplane", "plane", "helicopter", "jet"),
    "ship": ("ship", "boat", "vessel", "tanker", "ferry", "barge", "tug"),
    "vehicle": ("vehicle", "truck", "car", "lorry", "bus"),
}
"""First words of labels that say to which class of the evaluation an object belongs."""

_DATES = ("appeared", "vanished")

Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class LabelledCases:
    """What an export of labelled cases came to.

    Parameters
    ----------
    folder : Path
    cases : tuple of str
    truths : int
        Labelled ends of changes.
    left_out : tuple of (str, str)
        Run or change that could not be used, and why.
    """

    folder: Path
    cases: tuple[str, ...]
    truths: int
    left_out: tuple[tuple[str, str], ...]


_ELSEWHERE = (
    "it was answered on an earlier result of the run and does not lie on the images of the present one"
)
_NO_CLASS = "the evaluation has no class for it; where it lies counts neither for nor against the detector"
_OPEN = "not all of it is decided and nothing of a class is confirmed: neither an object nor a place without change"


@dataclass(kw_only=True)
class _Tile:
    """What is known of one tile, boxes in pixels of the run's grid."""

    run: str
    tile: str
    truths: dict[Klass, dict[str, list[Box]]] = field(default_factory=dict)
    ambiguous: list[Box] = field(default_factory=list)
    blank: bool = False
    decided: int = 0
    reviewers: set[str] = field(default_factory=set)
    no_class: Counter[str] = field(default_factory=Counter)

    def take(self, item: Mapping[Any, Any], boxes: Sequence[tuple[str, Box]]) -> None:
        """Take a change up, by what reviewers say of it."""
        self.reviewers.update(item["reviewers"])
        label = item["given_label"] or item["label"]
        klass = klass_of(label)
        if item["verdict"] == "rejected":
            self.decided += 1
        elif item["verdict"] == "confirmed" and klass is not None:
            self.decided += 1
            dates = self.truths.setdefault(klass, {date: [] for date in _DATES})
            for date, box in boxes:
                dates[date].append(box)
        else:
            self.ambiguous += [box for _, box in boxes]
            if item["verdict"] == "confirmed":
                self.no_class[label] += 1


def klass_of(label: str) -> Klass | None:
    """The class of the evaluation that a label belongs to, None where to none of them."""
    first = re.split(r"[\s(-]", label.strip().lower())[0].rstrip("s,")
    return next((klass for klass, words in WORDS.items() if first in words), None)


def export_labelled(
    connection: Connection,
    root: Path,
    out: Path,
    *,
    head: Head,
    sites: Sequence[str] = (),
    anonymous: bool = False,
) -> LabelledCases:
    """Write a folder of labelled cases, whole or not at all.

    Parameters
    ----------
    connection : Connection
    root : Path
        The outputs folder.
    out : Path
        Must not exist yet.
    head : Head
        The end of the journal, written into each case.
    sites : sequence of str
        Only these; all where empty.
    anonymous : bool
        Reviewers by number in place of their names.

    Raises
    ------
    BadReview
        Nothing has been decided that could be a case.
    CatalogError
        `out` exists, or cannot be written.
    """
    if out.exists():
        raise CatalogError(
            f"{out} is there already; give a folder that is not, so that no case is lost or mixed"
        )
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        called = reviewer_names(connection, anonymous=anonymous)
        found = _written(connection, root, partial, head, sites, called)
        if not found.cases:
            raise BadReview(
                "nothing has been decided yet that could be a labelled case; review some changes first"
            )
        partial.rename(out)
    except OSError as error:
        raise CatalogError(
            f"{out} cannot be written ({error.strerror or error}); give another folder"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return replace(found, folder=out)


def _written(
    connection: Connection,
    root: Path,
    out: Path,
    head: Head,
    sites: Sequence[str],
    called: Mapping[str, str],
) -> LabelledCases:
    left_out: list[tuple[str, str]] = []
    names: list[str] = []
    truths, no_class = 0, Counter[str]()
    for row in _runs(connection, sites):
        try:
            run = load_run(root / str(row["name"]))
        except CatalogError as error:
            left_out.append((str(row["name"]), str(error)))
            continue
        for tile in _tiles(connection, run, row, left_out):
            no_class += tile.no_class
            for name, truth, window in _cases(run, tile, left_out):
                meta = _meta(run, tile, truth, window, head)
                meta["reviewers"] = sorted(called[one] for one in tile.reviewers)
                _write(out / name, run, truth, meta, window)
                names.append(name)
                truths += len(truth["appeared"]) + len(truth["vanished"])
    left_out += [(f"{count} confirmed as {label!r}", _NO_CLASS) for label, count in sorted(no_class.items())]
    return LabelledCases(folder=out, cases=tuple(sorted(names)), truths=truths, left_out=tuple(left_out))


def _runs(connection: Connection, sites: Sequence[str]) -> list[Mapping[Any, Any]]:
    query = select(review_runs).order_by(review_runs.c.name)
    if sites:
        query = query.where(review_runs.c.site.in_(sites))
    return [dict(row) for row in connection.execute(query).mappings()]


def _tiles(
    connection: Connection, run: StoredRun, row: Mapping[Any, Any], left_out: list[tuple[str, str]]
) -> Iterable[_Tile]:
    """Tiles of a run in which anything was decided."""
    every = connection.execute(select(review_items).where(review_items.c.run == row["name"])).mappings().all()
    there = {outcome.tile for outcome in run.report.outcomes}
    items = [item for item in every if item["tile"] in there]
    left_out += [
        (item["subject"], _ELSEWHERE) for item in every if item["verdict"] and item["tile"] not in there
    ]
    found = {item["tile"]: _Tile(run=str(row["name"]), tile=item["tile"]) for item in items}
    everything: list[tuple[str, Box]] = []
    for item in items:
        tile = found[item["tile"]]
        if item["what"] == "blank":
            tile.blank = item["verdict"] == "nothing_missed"
        taken_back = item["added"] and item["verdict"] is None
        if item["what"] == "change" and not taken_back:
            boxes = _boxes(connection, run, dict(item), row, left_out)
            everything += [(item["tile"], box) for _, box in boxes]
            tile.take(item, boxes)
    for tile in found.values():
        # What a neighbour owns may reach into this tile.
        tile.ambiguous += [box for other, box in everything if other != tile.tile]
        if tile.decided or tile.blank:
            yield tile


def _boxes(
    connection: Connection,
    run: StoredRun,
    item: Mapping[str, Any],
    row: Mapping[Any, Any],
    left_out: list[tuple[str, str]],
) -> list[tuple[str, Box]]:
    """On which date an object stands where: two places of one that moved."""
    change = next((change for change in run.report.changes if change.id == item["subject"]), None)
    drawn = state_of(connection, item["subject"]).outline
    if change is not None and (drawn is None or change.kind == "moved"):
        return [(kind, tuple(map(float, place.bbox_px))) for kind, place in ends(change)]  # type: ignore[misc]
    stored = connection.execute(
        select(review_outlines.c.outline).where(review_outlines.c.subject == item["subject"])
    ).scalar()
    body = drawn or ({"geometry": stored} if stored and "type" in stored else stored)
    if body is None or item["kind"] not in _DATES:
        left_out.append((item["subject"], "where its two ends lie is not known any more"))
        return []
    try:
        cols, rows = zip(*on_grid(body, row["grid"]), strict=True)
    except BadReview:
        left_out.append((item["subject"], _ELSEWHERE))
        return []
    return [(item["kind"], (min(cols), min(rows), max(cols), max(rows)))]


def _cases(
    run: StoredRun, tile: _Tile, left_out: list[tuple[str, str]]
) -> Iterable[tuple[str, dict[str, Any], Window]]:
    """Name, truth and window of each case that a tile makes."""
    window = _window(run, tile.tile)
    start = "sar_" if run.report.sensor == "sar" else ""
    name = f"{start}{layout.flat(tile.run)}_{tile.tile}"
    for klass, dates in sorted(tile.truths.items()):
        others = [
            box
            for other, places in tile.truths.items()
            if other != klass
            for date in _DATES
            for box in places[date]
        ]
        yield f"{name}_{klass}", _truth(klass, dates, [*tile.ambiguous, *others], window), window
    if tile.truths:
        return
    control = _truth("none", {date: [] for date in _DATES}, tile.ambiguous, window)
    # The evaluation counts every claim in a control, also one where something was confirmed or is undecided.
    if control["ambiguous"]:
        left_out.append((f"tile {tile.tile} of {tile.run}", _OPEN))
    else:
        yield f"{name}_none", control, window


def _truth(
    klass: Klass, dates: Mapping[str, Sequence[Box]], ambiguous: Sequence[Box], window: Window
) -> dict[str, Any]:
    inside = {date: [cut for box in dates[date] if (cut := _cut(box, window))] for date in _DATES}
    return {
        "klass": klass, "null": not any(inside.values()), **inside, "occupied_both": [],
        "ambiguous": [cut for box in ambiguous if (cut := _cut(box, window))], "ignore": [],
    }  # fmt: skip


def _cut(box: Box, window: Window) -> list[float] | None:
    """A box in pixels of the case's images; None where it lies outside."""
    rows, cols = window.shape
    col0, row0 = max(0.0, box[0] - window.col0), max(0.0, box[1] - window.row0)
    col1, row1 = min(float(cols), box[2] - window.col0), min(float(rows), box[3] - window.row0)
    return [round(n, 2) for n in (col0, row0, col1, row1)] if col1 > col0 and row1 > row0 else None


def _window(run: StoredRun, tile: str) -> Window:
    for row in layout.read_json(run.folder / layout.TILES)["tiles"]:
        if row["tile"] == tile:
            col0, row0, col1, row1 = row["bbox_px"]
            return Window(row0=row0, col0=col0, row1=row1, col1=col1)
    raise CatalogError(f"{run.folder / layout.TILES} does not list tile {tile}; run the pair again")


def _meta(
    run: StoredRun, tile: _Tile, truth: Mapping[str, Any], window: Window, head: Head
) -> dict[str, Any]:
    report = run.report
    rows, cols = window.shape
    site = None if report.site is None else str(report.site["id"])
    scenes = {
        date: None
        if scene is None
        else {name: scene.get(name) for name in ("id", "acquired", "licence", "attribution")}
        for date, scene in (("before", report.before), ("after", report.after))
    }
    return {
        "width": cols, "height": rows, "gsd": report.gsd_m, "klass": truth["klass"],
        "component": f"{site}/{tile.tile}" if site else tile.run, "origin": "simulated" if report.simulated else "real",
        "source": "reviewed", "sensor": report.sensor, "run": tile.run, "tile": tile.tile, "scenes": scenes,
        "journal": head.as_dict(),
    }  # fmt: skip


def _write(
    folder: Path, run: StoredRun, truth: Mapping[str, Any], meta: Mapping[str, Any], window: Window
) -> None:
    folder.mkdir(parents=True)
    for name in (layout.BEFORE, layout.AFTER):
        cut_image(run.folder / name, folder / name, window, quantity=run.report.quantity)
    layout.write_json(folder / "truth.json", dict(truth))
    layout.write_json(folder / "meta.json", dict(meta))
