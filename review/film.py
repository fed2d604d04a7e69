"""Every date on which a place was seen, in the order of time."""

from collections.abc import Mapping
from typing import Any

from affine import Affine

from catalog.review import ReviewStore
from imagery.select import GSD_RATIO
from review.runs import OpenRun, RunShelf


def dates(
    store: ReviewStore, shelf: RunShelf, run: OpenRun, place: tuple[float, float]
) -> list[dict[str, Any]]:
    """Dates of the runs of the same site and kind of image that reach over a place; those of `run` have a role.

    Parameters
    ----------
    store : ReviewStore
    shelf : RunShelf
    run : OpenRun
    place : (float, float)
        Column and row on the grid of `run`.

    Returns
    -------
    list of dict
        ``key`` and ``date`` name the picture, ``acquired`` is RFC 3339 or None, ``role`` before, after or None.
    """
    report = run.stored.report
    own: list[dict[str, Any]] = [
        {
            "key": run.key,
            "version": run.version,
            "date": date,
            "acquired": scene and scene["acquired"],
            "role": date,
        }
        for date, scene in (("before", report.before), ("after", report.after))
    ]
    if report.site is None or report.before is None or report.after is None:
        return own
    found: dict[str, dict[str, Any]] = {str(entry["acquired"]): entry for entry in own}
    x, y = run.grid.affine * place
    for row in store.runs():
        if row["site"] == report.site["id"] and _is_alike(row, run) and _holds(row["grid"], x, y):
            key = shelf.key_of(row["name"])
            for date in ("before", "after"):
                entry = {
                    "key": key,
                    "version": row["stamp"],
                    "date": date,
                    "acquired": row[f"{date}_time"],
                    "role": None,
                }
                found.setdefault(str(entry["acquired"]), entry)
    return [found[acquired] for acquired in sorted(found)]


def _is_alike(row: Mapping[str, Any], run: OpenRun) -> bool:
    """Whether a run's images show the ground as those of `run` do."""
    mine = run.stored.report
    fine, coarse = sorted((row["gsd_m"], mine.gsd_m))
    same_map: bool = row["grid"]["crs"] == mine.grid["crs"]
    return same_map and row["sensor"] == mine.sensor and coarse <= fine * GSD_RATIO


def _holds(grid: Mapping[str, Any], x: float, y: float) -> bool:
    """Whether a place of the map lies on a grid."""
    col, row = ~Affine(*grid["transform"]) * (x, y)
    rows, cols = grid["shape"]
    return bool(0 <= col < cols and 0 <= row < rows)
