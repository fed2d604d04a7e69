"""What the pages are told of a run, of a change and of a tile, as JSON."""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from catalog.chips import window_of
from imagery.raster import Sensor
from models.change import Change
from models.detect import Detection
from models.label import names
from review import palettes
from review.render import TILE_PX, deepest_zoom
from review.runs import RUNS_KEPT, OpenRun
from review.views import data

MOST_OUTLINES = 3000
"""Best first; a page with more would draw nothing else."""

LEAST_FOCUS_M = 60.0
"""Side of what a change opens with, on the ground: a vehicle without its street says nothing."""


@lru_cache(maxsize=RUNS_KEPT)
def run_json(run: OpenRun) -> Markup:
    """`run_document` as text that may stand in a page: made once for a result of a run."""
    return data(run_document(run))


def run_document(run: OpenRun) -> dict[str, Any]:
    """What a page needs to show any place of a run: the grid, bands, contrast, outlines and zones.

    Parameters
    ----------
    run : OpenRun
    """
    report = run.stored.report
    rows, cols = (int(size) for size in run.grid.shape)
    return {
        "key": run.key, "name": report.name, "version": run.version, "site": _site(report.site),
        "size": [cols, rows], "tile_px": TILE_PX, "deepest_zoom": deepest_zoom((rows, cols)),
        "gsd_m": report.gsd_m, "north_deg": run.north_deg, "placed": run.grid.crs is not None,
        "simulated": report.simulated, "sensor": report.sensor, "quantity": report.quantity,
        "dates": {"before": _date(report.before), "after": _date(report.after)},
        "bands": bands(run), "stretch": stretch(run),
        "labels": list(names(gsd_m=report.gsd_m, sensor=_sensor(report.sensor))),
        "outlines": [outline for change in run.stored.changes[:MOST_OUTLINES] for outline in outlines(change)],
        "outlines_left_out": max(0, len(run.changes) - MOST_OUTLINES),
        "zones": list(run.zones), "tiles": [tile_row(row) for row in run.tiles.values()],
        "detectability": detectability_legend(report.detectability),
        "evidence_full": palettes.EVIDENCE_FULL_SIGMAS,
    }  # fmt: skip


def outlines(change: Change) -> Iterable[dict[str, Any]]:
    """Each place of a change, with the date on which something stands there."""
    for date, place in (("before", change.before), ("after", change.after)):
        if place is not None:
            yield {
                "change": change.id, "kind": change.kind, "date": date, "label": change.label,
                "score": round(change.score, 3), "tile": change.tile, "ring": _ring(place),
            }  # fmt: skip


def focus(run: OpenRun, change: Change) -> list[float]:
    """The part of the grid that shows a change with its surroundings: [col0, row0, col1, row1]."""
    window = window_of(change)
    return surroundings(run, (window.col0, window.row0, window.col1, window.row1))


def surroundings(run: OpenRun, box: Sequence[float]) -> list[float]:
    """A square about a box that is wide enough to recognise where one is, moved into the grid where it fits.

    Parameters
    ----------
    run : OpenRun
    box : sequence of float
        Columns and rows: col0, row0, col1, row1.

    Returns
    -------
    list of float
        The same of the square; where the grid is smaller than it, the grid's own edges.
    """
    rows, cols = (int(size) for size in run.grid.shape)
    side = max(box[2] - box[0], box[3] - box[1], LEAST_FOCUS_M / run.stored.report.gsd_m)
    (col0, col1), (row0, row1) = (
        _span((box[axis] + box[axis + 2]) / 2, side, size) for axis, size in enumerate((cols, rows))
    )
    return [col0, row0, col1, row1]


def stretch(run: OpenRun) -> dict[str, Any]:
    """The shared contrast and how far it can be turned."""
    usual = run.stretch
    width = usual.high - usual.low
    return {
        "low": usual.low, "high": usual.high, "gamma": usual.gamma, "bands": list(usual.bands),
        "decibels": usual.decibels, "least": usual.low - width / 2, "most": usual.high + width,
    }  # fmt: skip


def bands(run: OpenRun) -> dict[str, Any]:
    """Names of the bands, and sets of them that are worth a look."""
    found = list(run.band_names)
    usual = list(run.stretch.bands)
    sets = [{"name": "as usual", "bands": usual}]
    if {"nir", "red", "green"} <= set(found):
        wanted = [found.index(name) + 1 for name in ("nir", "red", "green")]
        sets.append({"name": "false colour (nir, red, green)", "bands": wanted})
    sets += [{"name": name, "bands": [i]} for i, name in enumerate(found, start=1) if [i] != usual]
    return {"names": found, "sets": sets if len(found) > 1 else sets[:1]}


def tile_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A tile as a page draws it."""
    return {name: row[name] for name in ("tile", "bbox_px", "outcome", "reason", "valid_fraction")}


def detectability_legend(entry: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Sizes of the detectability layer and its colours in words; None where nothing was assessed."""
    if entry is None:
        return None
    sizes = entry["sizes"]
    colours = [palettes.STEPS[min(i, len(palettes.STEPS) - 2)] for i in range(len(sizes))]
    classes = [{"words": f"{s['words']} found", "colour": c} for s, c in zip(sizes, colours, strict=True)]
    return {
        "unit": entry["unit"], "ordinary": entry["ordinary_contrast"],
        "sizes": [{name: size[name] for name in ("name", "words", "found_share")} for size in sizes],
        "classes": [*classes, {"words": "none of these found", "colour": palettes.STEPS[-1]}],
    }  # fmt: skip


def _span(middle: float, side: float, size: int) -> tuple[float, float]:
    """Where a length about a middle begins and ends, moved to lie between 0 and `size`."""
    if side >= size:
        return 0.0, float(size)
    begin = min(max(middle - side / 2, 0.0), size - side)
    return round(begin, 2), round(begin + side, 2)


def _ring(place: Detection) -> list[list[float]]:
    return [[round(col, 2), round(row, 2)] for col, row in place.outline_px]


def _site(site: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return (
        None if site is None else {"id": site["id"], "name": site["name"], "attribution": site["attribution"]}
    )


def _date(scene: Mapping[str, Any] | None) -> dict[str, Any]:
    """A scene in a few words; what is not known is None."""
    names_ = ("id", "acquired", "time_known", "platform", "gsd_m", "attribution")
    found = {name: None if scene is None else scene.get(name) for name in names_}
    for name, value in found.items():
        if isinstance(value, float) and not math.isfinite(value):
            found[name] = None
    return found


def _sensor(text: str) -> Sensor:
    return "sar" if text.startswith("sar") else "optical"
