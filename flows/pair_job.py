"""One pair of scenes of a site, from fetched copies to a written run, in steps that can stop and go on.

A job is a folder named by everything its result depends on. Its steps are plain functions over that folder; the
flow's tasks call them, and so can anything else.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from odc.geo.geobox import GeoBox

from flows import wire
from flows.scene_store import FetchedScene
from flows.site_grids import is_part, pair_grid
from flows.tile_store import TileStore
from flows.work import read_json, work_folder, write_json
from imagery.errors import UnusablePair
from imagery.raster import Sensor, gsd_m
from imagery.read import SceneReader, scene_reader
from imagery.scene import Scene
from imagery.site import Site
from imagery.tile import Tile, even_side_px, tiles
from models import compare
from models.budget import asked_per_km2
from models.score import chosen_scorer, scorer_name

_JOB = "job.json"
_MODEL = "model.json"

_opening = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class PairJob:
    """What is to be compared.

    Parameters
    ----------
    folder : Path
        Its last part is `key`.
    key : str
        Hash of everything the tiles depend on: input bytes, grid, tiling, algorithm.
    name : str
        Of the run: ``<site>/<sensor>_<before>_<after>``.
    pair : str
        Deterministic pair id for change ids.
    grid_name : str
    before, after : FetchedScene
    grid : GeoBox
    sensor : {"optical", "sar"}
    tile_px, halo_px : int
    scorer : str
        Name, or path of a file.
    false_alarms_per_km2 : float or None
        What was asked for; None where a lowest score is given.
    """

    folder: Path
    key: str
    name: str
    pair: str
    grid_name: str
    before: FetchedScene
    after: FetchedScene
    grid: GeoBox
    sensor: Sensor
    tile_px: int
    halo_px: int
    scorer: str
    false_alarms_per_km2: float | None

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """In reading order."""
        shape = self.grid.shape[0], self.grid.shape[1]
        return tuple(tiles(shape, size_px=self.tile_px, halo_px=self.halo_px))

    @property
    def store(self) -> TileStore:
        """Where finished tiles are."""
        folder = self.folder / "tiles"
        folder.mkdir(exist_ok=True)
        return TileStore(folder=folder)


def make_job(site: Site, before: FetchedScene, after: FetchedScene, out: Path) -> Path:
    """Lay out the job of a pair; the same inputs give the same folder.

    Returns
    -------
    Path
        The job's folder.
    """
    grid = pair_grid(site, before.local, after.local)
    sensor = before.scene.sensor
    pixel_m = gsd_m(grid)
    content = {
        "algorithm": compare.ALGORITHM,
        "scorer": scorer_name(chosen_scorer(sensor), sensor),
        "false_alarms_per_km2": asked_per_km2(),
        "site": site.id,
        "sensor": sensor,
        "grid": wire.grid_to_dict(grid),
        "tile_px": even_side_px((int(grid.shape[0]), int(grid.shape[1]))),
        "halo_px": compare.halo_px(pixel_m, sensor),
        "before": _identity(before),
        "after": _identity(after),
    }
    key = wire.fingerprint(content)
    folder = work_folder(out, "pairs", key)
    document = content | {
        "name": run_name(site, grid, sensor, before.scene, after.scene),
        "pair": f"{site.id}|{before.scene.id}|{after.scene.id}",
        "grid_name": f"{site.id}-{pixel_m:.3g}m",
        "before": before.as_dict(),
        "after": after.as_dict(),
    }
    if read_json(folder / _JOB) != document:
        write_json(folder / _JOB, document)
        load_job.cache_clear()
        _readers.cache_clear()
    return folder


@lru_cache(maxsize=16)
def load_job(folder: Path) -> PairJob:
    """What `make_job` left."""
    document = read_json(folder / _JOB)
    if document is None:
        raise FileNotFoundError(f"{folder}: the working folder was cleared while it was in use; run again")
    return PairJob(
        folder=folder,
        key=folder.name,
        before=FetchedScene.from_dict(document["before"]),
        after=FetchedScene.from_dict(document["after"]),
        grid=wire.grid_from_dict(document["grid"]),
        **{
            name: document[name]
            for name in (
                "name",
                "pair",
                "grid_name",
                "sensor",
                "tile_px",
                "halo_px",
                "scorer",
                "false_alarms_per_km2",
            )
        },
    )


def readers(folder: Path) -> tuple[SceneReader, SceneReader]:
    """Before and after on the job's grid, with the bands that both have, if any; opened once per process."""
    with _opening:
        return _readers(folder)


@lru_cache(maxsize=8)
def _readers(folder: Path) -> tuple[SceneReader, SceneReader]:
    job = load_job(folder)
    scenes = job.before.local, job.after.local
    before, after = (scene_reader(scene, job.grid) for scene in scenes)
    if before.bands == after.bands:
        return before, after
    common = tuple(band for band in before.bands if band in after.bands)
    if not common:
        return before, after
    note = f"only the bands that both dates have are compared: {', '.join(common)}"
    before, after = (scene_reader(scene, job.grid, bands=common) for scene in scenes)
    return replace(before, notes=(*before.notes, note)), replace(after, notes=(*after.notes, note))


def prepare(folder: Path) -> None:
    """Align and normalise a pair once; what is found is kept in the job."""
    if load_model(folder) is None:
        job = load_job(folder)
        before, after = readers(folder)
        if before.bands != after.bands:
            raise UnusablePair(
                f"{before.scene_id} ({', '.join(before.bands)}) and {after.scene_id} ({', '.join(after.bands)}) have "
                "no band in common; leave out one of them"
            )
        model = compare.prepare(
            before, after, sensor=job.sensor, scorer=job.scorer, false_alarms_per_km2=job.false_alarms_per_km2,
        )  # fmt: skip
        write_json(folder / _MODEL, model.as_dict())


def load_model(folder: Path) -> compare.PairModel | None:
    """What `prepare` found; None before that."""
    document = read_json(folder / _MODEL)
    return None if document is None else compare.PairModel.from_dict(document)


def compare_tiles(folder: Path, tile_ids: Sequence[str]) -> dict[str, str]:
    """Compare tiles that are best computed together and keep the results; finished ones are left alone.

    Returns
    -------
    dict
        SHA-256 of the evidence by tile, "" where it could not be assessed.
    """
    job = load_job(folder)
    done = {tile_id: job.store.checksum(tile_id) for tile_id in tile_ids}
    open_ = [tile for tile in job.tiles if tile.id in done and done[tile.id] is None]
    sums = {tile_id: checksum for tile_id, checksum in done.items() if checksum is not None}
    if open_:
        model = load_model(folder)
        if model is None:
            raise FileNotFoundError(f"{folder}: the pair was not prepared")
        for result in _block(folder, model, open_):
            sums[result.tile] = job.store.save(result)
    return sums


def _block(folder: Path, model: compare.PairModel, cut: Sequence[Tile]) -> Iterator[compare.TileResult]:
    """Results of neighbouring tiles; where they fail together each is tried alone, so that one does not cost the rest.

    Raises
    ------
    Exception
        What the last failing tile died of, once the others are done.
    """
    before, after = readers(folder)
    try:
        yield from compare.compare_block(before, after, model, cut)
    except Exception:
        if len(cut) == 1:
            raise
    else:
        return
    failure: Exception | None = None
    for tile in cut:
        try:
            yield from compare.compare_block(before, after, model, (tile,))
        except Exception as problem:  # noted and raised below, when the other tiles are safe
            failure = problem
    if failure is not None:
        raise failure


def run_name(site: Site, grid: GeoBox, sensor: Sensor, before: Scene, after: Scene) -> str:
    """``<site>/<sensor>_<before>_<after>``; the sensor part tells resolutions and crops of one date apart."""
    kind = f"{sensor}-{gsd_m(grid):.3g}m"
    if is_part(site, grid):
        kind += f"-{wire.fingerprint(wire.grid_to_dict(grid))[:6]}"
    return f"{site.id}/{kind}_{_stamp(before)}_{_stamp(after)}"


def _stamp(scene: Scene) -> str:
    moment: datetime = scene.acquired
    return moment.strftime("%Y%m%dT%H%M%SZ" if scene.time_known else "%Y%m%d")


def _identity(scene: FetchedScene) -> dict[str, Any]:
    """What of a scene can change a result: its bytes and how they are to be read."""
    document = wire.scene_to_dict(scene.local)

    def without_places(part: dict[str, Any]) -> dict[str, Any]:
        assets = {
            name: {k: v for k, v in asset.items() if k not in {"href", "etag"}}
            for name, asset in part["assets"].items()
        }
        siblings = [without_places(sibling) for sibling in part["siblings"]]
        return {**part, "assets": assets, "siblings": siblings}

    return without_places(document)
