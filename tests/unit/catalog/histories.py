"""Runs of one site over several planted dates, written for real."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.run import RunPaths, write_run
from imagery.raster import Raster
from imagery.tile import Tile, tiles
from imagery.warp import ArrayReader
from models.change import Change, Link, TileOutcome, change_id
from models.compare import Conclusion
from tests.unit.catalog.catalog_runs import alignment, detection, grid_of, record, scene, site
from tests.unit.models.planted import block, noisy, texture

SIDE = 180
GSD_M = 0.5
PLACE = (60, 70, 84, 82)
"""col0, row0, col1, row1: 12 m long."""

ELSEWHERE = (120, 30, 140, 44)
SITE = "testbase"
GRID = grid_of((SIDE, SIDE), GSD_M)

Box = tuple[int, int, int, int]
Image = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Day:
    """One date.

    Parameters
    ----------
    day : int
        Of January 2025.
    objects : sequence of boxes
    clouds : sequence of boxes
    shift : (rows, cols)
        How far all its content lies from where the map has it, whole pixels.
    orbit, baseline
        As the scene states them.
    """

    day: int
    objects: Sequence[Box] = ()
    clouds: Sequence[Box] = ()
    shift: tuple[int, int] = (0, 0)
    orbit: int = 21
    baseline: str = "05.10"
    value: float = 170.0

    @property
    def acquired(self) -> datetime:
        return datetime(2025, 1, self.day, 8, 20, tzinfo=UTC)

    @property
    def id(self) -> str:
        return f"scene-{self.day:02d}-{self.baseline}"

    def raster(self) -> Raster:
        image = texture((SIDE, SIDE))
        for col0, row0, col1, row1 in self.objects:
            block(image, row0, col0, row1 - row0, col1 - col0, self.value)
        image = noisy(image, seed=self.day).clip(1, 255)
        valid = np.ones((SIDE, SIDE), np.bool_)
        for col0, row0, col1, row1 in self.clouds:
            valid[row0:row1, col0:col1] = False
        image, valid = (np.roll(array, self.shift, axis=(-2, -1)) for array in (image, valid))
        return Raster(data=image, valid=valid, bands=("red", "green", "blue"), quantity="dn", grid=GRID)


@dataclass(frozen=True, kw_only=True)
class Said:
    """A change that a run is to list."""

    kind: str = "appeared"
    place: Box = PLACE
    score: float = 0.9
    to: Box | None = None
    """Where it stands now, of one that moved."""


@dataclass
class Archive:
    """A root with the runs of planted dates."""

    root: Path
    work: Path
    runs: dict[str, RunPaths] = field(default_factory=dict)

    def compare(
        self, before: Day, after: Day, *said: Said, min_score: float = 0.5, refused: bool = False
    ) -> str:
        """Write the run of a pair; its name."""
        changes = tuple(self.change(before, after, one) for one in said)
        cut = tuple(tiles((SIDE, SIDE), size_px=SIDE, halo_px=16))
        rasters = before.raster(), after.raster()
        offset = [new - old for old, new in zip(before.shift, after.shift, strict=True)]
        scenes = [
            scene(day.id, day.acquired, relative_orbit=day.orbit, processing_baseline=day.baseline)
            for day in (before, after)
        ]
        seen = rasters[0].valid & np.roll(rasters[1].valid, [-d for d in offset], axis=(0, 1))

        def evidence(tile: Tile) -> Image:
            part = np.s_[tile.core.row0 : tile.core.row1, tile.core.col0 : tile.core.col1]
            return np.where(seen[part], 0, np.nan).astype(np.float32)

        made = record(self.work / f"{before.id}-{after.id}", grid=GRID, changes=changes)
        name = f"{SITE}/optical-0.5m_{before.acquired:%Y%m%dT%H%M%SZ}_{after.acquired:%Y%m%dT%H%M%SZ}"
        outcome = TileOutcome(
            tile=cut[0].id, outcome="changed" if changes else "unchanged", reason=None,
            valid_fraction=float(seen.mean()), changes=len(changes),
        )  # fmt: skip
        made = replace(
            made, name=name, pair=pair_of(before, after), before=scenes[0], after=scenes[1], tiles=cut,
            before_reader=ArrayReader(raster=rasters[0]), after_reader=ArrayReader(raster=rasters[1]),
            evidence=evidence, parameters={"min_score": min_score}, inputs=(),
            conclusion=Conclusion(changes=changes, outcomes=(outcome,)), status=outcome.outcome,
        )  # fmt: skip
        assert made.model is not None
        aligned = alignment(*map(float, offset), verdict="refused" if refused else "ok")
        made = replace(made, model=replace(made.model, alignment=aligned))
        self.runs[name] = write_run(made, root=self.root)
        return name

    def change(self, before: Day, after: Day, said: Said) -> Change:
        """As the comparison of a pair would list it, on the grid of *before*."""
        places = {
            "appeared": (None, said.place),
            "vanished": (said.place, None),
            "moved": (said.place, said.to),
        }
        ends = [
            None if box is None else detection(moved_box(box, before.shift), kind, score=said.score)
            for box, kind in zip(places[said.kind], ("vanished", "appeared"), strict=True)
        ]
        return Change(
            id=finding_id(before, after, said), kind=said.kind, label="aircraft", score=said.score,
            before=ends[0], after=ends[1], link=Link(), tile="r00c00",
        )  # fmt: skip


def moved_box(box: Box, shift: tuple[int, int]) -> Box:
    rows, cols = shift
    return box[0] + cols, box[1] + rows, box[2] + cols, box[3] + rows


def pair_of(before: Day, after: Day) -> str:
    return f"{SITE}|{before.id}|{after.id}"


def finding_id(before: Day, after: Day, said: Said | None = None) -> str:
    """Id of a change as a pair lists it."""
    said = said or Said()
    col0, row0, col1, row1 = moved_box(said.to or said.place, before.shift)
    return change_id(pair_of(before, after), said.kind, "g", (col0 + col1) / 2, (row0 + row1) / 2, GSD_M)


def states(found: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """State and reason by finding."""
    return {name: (one.state, one.reason) for name, one in found.items()}


__all__ = ["ELSEWHERE", "GRID", "PLACE", "SITE", "Archive", "Day", "Said", "finding_id", "site", "states"]
