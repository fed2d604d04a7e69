"""Every date on which a place was seen, in the order of time."""

from collections.abc import Mapping
from typing import Any

from catalog.review import ReviewStore
from imagery.select import GSD_RATIO
from review.runs import OpenRun, RunShelf


def dates(store: ReviewStore, shelf: RunShelf, run: OpenRun) -> list[dict[str, Any]]:
    """Dates of the runs of the same site and kind of image; those of `run` have a role.

    Parameters
    ----------
    store : ReviewStore
    shelf : RunShelf
    run : OpenRun

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
    for row in store.runs():
        if row["site"] == report.site["id"] and _is_alike(row, run):
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
    """Whether a run's images show the place as those of `run` do, and where."""
    mine = run.stored.report
    fine, coarse = sorted((row["gsd_m"], mine.gsd_m))
    if row["sensor"] != mine.sensor or coarse > fine * GSD_RATIO or row["grid"]["crs"] != mine.grid["crs"]:
        return False
    return _overlap(row["grid"], mine.grid)


def _overlap(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    one, other = _bounds(first), _bounds(second)
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _bounds(grid: Mapping[str, Any]) -> tuple[float, float, float, float]:
    a, _, x, _, e, y = map(float, grid["transform"])
    rows, cols = grid["shape"]
    return min(x, x + a * cols), min(y, y + e * rows), max(x, x + a * cols), max(y, y + e * rows)
