"""Runs of a site as chains of dates: which run goes on where another ends, and which replaces another.

A run's grid is the frame of its *before* date; its shift field leads into the frame of its *after* date, which is
where the next run of the chain begins. Places are points of the site's CRS in the frame of one date.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from affine import Affine
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from catalog import layout
from catalog.errors import CatalogError
from catalog.reader import is_run, list_runs
from catalog.report import SELF_DIGEST, Report
from catalog.versions import earlier
from imagery.align import ShiftField
from imagery.raster import Window
from imagery.select import GSD_RATIO
from models.change import Change
from models.detect import Detection, Kind
from models.persistence import outline_of

Offset = tuple[float, float]
"""East and north, metres of the site's CRS."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ChainRun:
    """A dated run of a site.

    Parameters
    ----------
    folder : Path
    report : Report
    digest : str
        The one that the report carries of itself.
    """

    folder: Path
    report: Report
    digest: str

    @property
    def name(self) -> str:
        """Of the run, the same for all its versions."""
        return self.report.name

    @cached_property
    def before(self) -> dict[str, Any]:
        """The scene, as the report has it."""
        return dict(self.report.before or {})

    @cached_property
    def after(self) -> dict[str, Any]:
        """The scene, as the report has it."""
        return dict(self.report.after or {})

    @property
    def before_time(self) -> str:
        """RFC 3339, UTC: sorts as text."""
        return str(self.before["acquired"])

    @property
    def after_time(self) -> str:
        """RFC 3339, UTC: sorts as text."""
        return str(self.after["acquired"])

    @property
    def affine(self) -> Affine:
        """Pixel edges to metres of the site's CRS."""
        return Affine(*self.report.grid["transform"])

    @property
    def orbits(self) -> frozenset[Any]:
        """Relative orbits of its dates."""
        return frozenset((self.before.get("relative_orbit"), self.after.get("relative_orbit")))

    @cached_property
    def shift(self) -> ShiftField | None:
        """From the frame of *before* to that of *after*; None where the pair could not be aligned."""
        alignment = self.report.alignment
        if alignment is None or alignment["verdict"] == "refused":
            return None
        return ShiftField.from_dict(alignment["shift"])

    def is_kind_of(self, other: "ChainRun") -> bool:
        """Whether both compare images of one kind on one map."""
        fine, coarse = sorted((self.report.gsd_m, other.report.gsd_m))
        return (
            self.report.sensor == other.report.sensor
            and self.report.quantity == other.report.quantity
            and self.report.grid["crs"] == other.report.grid["crs"]
            and coarse <= fine * GSD_RATIO
        )

    @cached_property
    def said(self) -> tuple[tuple[Kind, BaseGeometry, Change], ...]:
        """What its changes say of which place, in its frame."""
        return tuple(
            (kind, self.outline(place), change)
            for change in self.report.changes
            for kind, place in ends(change)
        )

    def outline(self, detection: Detection) -> BaseGeometry:
        """Where a detection lies, grown by half a pixel."""
        ring = [self.affine * point for point in detection.outline_px]
        return outline_of(ring, grown_by=self.report.gsd_m / 2)

    def onward(self, place: BaseGeometry) -> Offset | None:
        """How far a place lies from here in the frame of *after*; None where that is not known."""
        if self.shift is None:
            return None
        col, row = ~self.affine * (place.centroid.x, place.centroid.y)
        d_row, d_col = self.shift.at(
            Window(row0=int(row), col0=int(col), row1=int(row) + 1, col1=int(col) + 1)
        )
        return float(d_col[0, 0]) * self.affine.a, float(d_row[0, 0]) * self.affine.e


def ends(change: Change) -> tuple[tuple[Kind, Detection], ...]:
    """What a change says of which place: one entry, or two where it moved."""
    found: list[tuple[Kind, Detection]] = []
    if change.before is not None:
        found.append(("vanished", change.before))
    if change.after is not None:
        found.append(("appeared", change.after))
    return tuple(found)


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """Runs of one site.

    Parameters
    ----------
    runs : tuple of ChainRun
        The present result of each pair, sorted by the date of *after*, then of *before*.
    replaced : mapping of run name to tuple of ChainRun
        Earlier results of the same pairs, the latest first.
    """

    runs: tuple[ChainRun, ...]
    replaced: dict[str, tuple[ChainRun, ...]] = field(default_factory=dict)

    def after(self, run: ChainRun, place: BaseGeometry) -> Iterator[tuple[ChainRun, Offset]]:
        """Runs that show the place of a change of `run` on a later date, with how far it lies from here in
        their frame; in order of that date.
        """
        start = run.onward(place)
        reached = {} if start is None else {run.after_time: start}
        for later in self.runs:
            if later.after_time <= run.after_time or not later.is_kind_of(run):
                continue
            offset = reached.get(later.before_time)
            if offset is None:
                continue
            yield later, offset
            step = later.onward(translate(place, *offset))
            if step is not None:
                reached.setdefault(later.after_time, (offset[0] + step[0], offset[1] + step[1]))

    def finer(self, run: ChainRun) -> tuple[ChainRun, ...]:
        """Runs that lead from the first to the last date of `run` by way of dates between; empty where none do.

        Where the first of these runs is missing the others are still given.
        """
        steps: list[ChainRun] = []
        until = run.after_time
        while until > run.before_time:
            step = max(
                (
                    other
                    for other in self.runs
                    if other.after_time == until
                    and other.before_time >= run.before_time
                    and (other.before_time > run.before_time or steps)
                    and other.is_kind_of(run)
                    and other.orbits <= run.orbits
                ),
                key=lambda other: other.before_time,
                default=None,
            )
            if step is None:
                break
            steps.insert(0, step)
            until = step.before_time
        return tuple(steps)


def history_of(root: Path, site: str) -> History:
    """Every complete dated run of a site; what cannot be read is left out, as it is from the catalogue."""
    runs: list[ChainRun] = []
    replaced: dict[str, tuple[ChainRun, ...]] = {}
    for folder in list_runs(root):
        if folder.parent != root / site:
            continue
        run = _read(folder)
        if run is not None:
            runs.append(run)
            old = (_read(path) for path in reversed(earlier(folder)) if is_run(path))
            replaced[run.name] = tuple(found for found in old if found is not None)
    return History(
        runs=tuple(sorted(runs, key=lambda run: (run.after_time, run.before_time))), replaced=replaced
    )


def sites_with_runs(root: Path) -> Sequence[str]:
    """Sites that have a run."""
    return sorted({folder.parent.name for folder in list_runs(root) if folder.parent != root})


def _read(folder: Path) -> ChainRun | None:
    try:
        document = layout.read_json(folder / layout.REPORT)
        report = Report.from_dict(document)
    except (CatalogError, KeyError, TypeError, ValueError, AttributeError):
        return None
    if report.site is None or report.before is None or report.after is None:
        return None
    return ChainRun(folder=folder, report=report, digest=str(document[SELF_DIGEST]))
