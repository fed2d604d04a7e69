"""``sitewatch verify --rerun``: compute a run again from its own ``source/`` and see whether the same comes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.errors import BrokenRecord
from catalog.reader import load_run
from catalog.report import Report
from catalog.report_rows import change_row
from flows import progress, wire
from flows.diff import compare_images
from flows.pair_job import PairJob
from imagery.copies import SourceCopy
from imagery.raster import Window
from imagery.read import local_scene, scene_reader
from imagery.tile import blocks, tiles
from models import compare
from models.change import Change

_COMPARED = ("kind", "label", "score", "before", "after")


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """What computing a run again came to.

    Parameters
    ----------
    changes : int
        Listed changes that were compared.
    differences : tuple of str
        Empty where the same came out.
    """

    changes: int
    differences: tuple[str, ...]


def recipe(job: PairJob) -> dict[str, Any]:
    """What `rerun` needs beside the copies in ``source/``, JSON-ready, for the run's parameters."""
    return {
        "grid": wire.grid_to_dict(job.grid),
        "grid_name": job.grid_name,
        **{
            date: {
                "scene": wire.scene_to_dict(scene.scene),
                "copies": [[c.sha256, c.scene_id, c.asset] for c in scene.copies],
            }
            for date, scene in (("before", job.before), ("after", job.after))
        },
    }


def rerun(folder: Path) -> Rerun:
    """Compute a run again: a site's from the copies in ``source/``, a diff's from its input files.

    Zones are not compared, since a site file may have changed since.

    Raises
    ------
    BrokenRecord
        The run cannot be read, or what it was computed from is not there any more.
    """
    report = load_run(folder).report
    again = _site_run(folder, report) if "rerun" in report.parameters else _diff_run(report)
    differences = [*_versions(report), *_unlike(report.changes, again)]
    return Rerun(changes=len(report.changes), differences=tuple(differences))


def _site_run(folder: Path, report: Report) -> Sequence[Change]:
    known = report.parameters["rerun"]
    grid = wire.grid_from_dict(known["grid"])
    before, after = (
        scene_reader(
            local_scene(wire.scene_from_dict(known[date]["scene"]), _copies(folder, report, known, date)),
            grid,
        )
        for date in ("before", "after")
    )
    sensor = report.parameters["sensor"]
    model = compare.prepare(
        before, after, sensor=sensor, scorer=report.parameters["scorer"], false_alarms_per_km2=_asked(report)
    )
    shape = int(grid.shape[0]), int(grid.shape[1])
    cut = tuple(tiles(shape, size_px=report.parameters["tile_px"], halo_px=report.parameters["halo_px"]))
    failed = {outcome.tile for outcome in report.outcomes if outcome.outcome == "failed"}
    progress.step("Comparing again", total=len(cut))
    results: list[compare.TileResult] = []
    for block in blocks([tile for tile in cut if tile.id not in failed]):
        results += compare.compare_block(before, after, model, block)
        progress.advance(len(block))
    return compare.conclude(
        results,
        model,
        pair=report.pair,
        grid_name=known["grid_name"],
        min_score=report.parameters["min_score"],
    ).changes


def _asked(report: Report) -> float | None:
    """The rate of false alarms that was asked for in place of a lowest score."""
    stated = report.parameters.get("false_alarms")
    return None if stated is None else float(stated["asked_per_km2"])


def _copies(folder: Path, report: Report, known: Mapping[str, Any], date: str) -> tuple[SourceCopy, ...]:
    left = list(known[date]["copies"])
    found = []
    for entry in report.inputs:
        if entry["date"] != date or entry["copy"] is None:
            continue
        named = next(copy for copy in left if copy[0] == entry["sha256"])
        left.remove(named)
        _, scene_id, asset = named
        found.append(
            SourceCopy(
                scene_id=scene_id, asset=asset, href=entry["href"], etag=entry["etag"], path=folder / entry["copy"],
                window=Window(row0=0, col0=0, row1=1, col1=1), length=entry["length"], sha256=entry["sha256"],
            )
        )  # fmt: skip
    return tuple(found)


def _diff_run(report: Report) -> Sequence[Change]:
    paths = {entry["date"]: Path(entry["href"]) for entry in report.inputs}
    missing = [str(path) for path in paths.values() if not path.is_file()]
    if missing:
        raise BrokenRecord(f"{' and '.join(missing)}: the compared image is not there any more")
    given = report.parameters["given"]
    again = compare_images(
        paths["before"], paths["after"], **given, min_score=report.parameters["min_score"],
        scorer=report.parameters["scorer"], false_alarms_per_km2=_asked(report),
    )  # fmt: skip
    stated = {entry["date"]: entry["sha256"] for entry in report.inputs}
    if (stated["before"], stated["after"]) != again.sha256:
        raise BrokenRecord(f"{paths['before']} or {paths['after']}: not the bytes that were compared")
    return again.comparison.conclusion.changes


def _versions(report: Report) -> list[str]:
    made_with = report.parameters["algorithm"]
    if made_with == compare.ALGORITHM:
        return []
    return [f"made with algorithm {made_with}, this is {compare.ALGORITHM}: another result is expected"]


def _unlike(stored: Sequence[Change], again: Sequence[Change]) -> list[str]:
    before, now = ({change.id: change_row(change) for change in changes} for changes in (stored, again))
    return [
        *(f"{id_}: not found again" for id_ in sorted(before.keys() - now.keys())),
        *(f"{id_}: found only now" for id_ in sorted(now.keys() - before.keys())),
        *(
            f"{id_}: {name} was {before[id_][name]}, is {now[id_][name]}"
            for id_ in sorted(before.keys() & now.keys())
            for name in _COMPARED
            if before[id_][name] != now[id_][name]
        ),
    ]
