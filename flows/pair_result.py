"""The end of a pair: what its tiles say together, written as a run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from catalog.report_rows import change_row, run_row
from catalog.run import InputFile, RunPaths, RunRecord, write_run
from flows.pair_job import PairJob, load_job, load_model, readers
from flows.rerun import recipe
from flows.scene_store import FetchedScene
from imagery.listing import LeftOut
from imagery.raster import FloatArray, gsd_m
from imagery.read import SceneReader
from imagery.site import Site
from imagery.tile import Tile
from imagery.versions import mixed
from models import compare
from models.change import TileOutcome
from models.compare import Conclusion, PairModel, TileResult
from models.occupancy import zone_states
from models.zones import with_zones, zones_seen


@dataclass(frozen=True, kw_only=True, eq=False)
class PairResult:
    """A written run.

    Parameters
    ----------
    row : dict
        As ``sitewatch run --json`` lists it.
    changes : tuple of dict
        As ``sitewatch diff --json`` lists them.
    outcomes : tuple of TileOutcome
    paths : RunPaths
    name : str
    """

    row: dict[str, Any]
    changes: tuple[dict[str, Any], ...]
    outcomes: tuple[TileOutcome, ...]
    paths: RunPaths
    name: str


def conclude(
    folder: Path,
    site: Site,
    *,
    min_score: float,
    failed: Mapping[str, str],
    unusable: str | None,
    left_out: Sequence[LeftOut],
    seconds: float,
    out: Path,
) -> PairResult:
    """Put a pair's tiles together and write the run.

    Parameters
    ----------
    folder : Path
        The job; every tile is finished, or named in `failed`, or the pair is `unusable`.
    failed : mapping of tile id to reason
    unusable : str or None
        Why the pair could not even be prepared.
    left_out : sequence of LeftOut
        For the report.
    seconds : float
        Wall time so far.
    out : Path
        Root of all results.
    """
    job, model = load_job(folder), load_model(folder)
    conclusion, valid_fraction = _concluded(job, model, min_score=min_score, failed=failed, unusable=unusable)
    conclusion = replace(conclusion, changes=with_zones(conclusion.changes, site, job.grid, job.sensor))
    status: compare.Status = "not_assessable"
    reason = unusable or next(iter(failed.values()), None)
    if model is not None:
        status, reason = compare.verdict(model, conclusion)
    before, after = readers(folder)
    evidence = _kept(job.store.evidence, failed, unusable)
    record = RunRecord(
        name=job.name,
        pair=job.pair,
        site=site,
        sensor=job.sensor,
        before=job.before.scene,
        after=job.after.scene,
        grid=job.grid,
        before_reader=before,
        after_reader=after,
        model=model,
        status=status,
        reason=reason,
        tiles=job.tiles,
        evidence=evidence,
        detectability=_kept(job.store.detectability, failed, unusable),
        conclusion=conclusion,
        valid_fraction=valid_fraction,
        zones=zones_seen(site, job.grid, job.tiles, evidence),
        zone_states=zone_states(site, job.grid, job.tiles, evidence),
        inputs=(*_inputs("before", job.before), *_inputs("after", job.after)),
        parameters={
            "algorithm": compare.ALGORITHM, "min_score": compare.lowest_listed(model, min_score),
            "false_alarms": compare.budget_row(model), "scorer": job.scorer, "tile_px": job.tile_px,
            "halo_px": job.halo_px, "gsd_m": gsd_m(job.grid), "sensor": job.sensor,
            "rerun": recipe(job),
        },
        left_out=tuple(left_out),
        notes=_notes(job, before, after),
        simulated=job.before.scene.simulated or job.after.scene.simulated,
        seconds=seconds,
    )  # fmt: skip
    paths = write_run(record, root=out)
    return PairResult(
        row=run_row(record, paths),
        changes=tuple(change_row(change) for change in conclusion.changes),
        outcomes=conclusion.outcomes,
        paths=paths,
        name=job.name,
    )


def _notes(job: PairJob, before: SceneReader, after: SceneReader) -> tuple[str, ...]:
    """Remarks for a person, each once."""
    differs = mixed(job.before.scene, job.after.scene)
    return tuple(
        dict.fromkeys((
            *job.before.notes, *job.after.notes, *before.notes, *after.notes,
            *([f"the two dates were processed differently: {differs}"] if differs else []),
        ))
    )  # fmt: skip


def _concluded(
    job: PairJob,
    model: PairModel | None,
    *,
    min_score: float,
    failed: Mapping[str, str],
    unusable: str | None,
) -> tuple[Conclusion, float]:
    """Changes and outcomes, and the share of the grid seen on both dates; failed tiles count as not seen."""
    results = [_result(job, tile, failed, unusable) for tile in job.tiles]
    share = compare.valid_share(job.tiles, results)
    finished = [result for result in results if result.tile not in failed]
    if model is None:
        outcomes = tuple(
            TileOutcome(tile=r.tile, outcome="not_assessable", reason=r.reason, valid_fraction=0.0)
            for r in finished
        )
        conclusion = Conclusion(changes=(), outcomes=outcomes)
    else:
        conclusion = compare.conclude(
            finished, model, pair=job.pair, grid_name=job.grid_name, min_score=min_score
        )
    by_tile = {outcome.tile: outcome for outcome in conclusion.outcomes} | {
        tile: TileOutcome(tile=tile, outcome="failed", reason=reason, valid_fraction=0.0)
        for tile, reason in failed.items()
    }
    return replace(conclusion, outcomes=tuple(by_tile[tile.id] for tile in job.tiles)), share


def _result(job: PairJob, tile: Tile, failed: Mapping[str, str], unusable: str | None) -> TileResult:
    reason = failed.get(tile.id, unusable)
    if reason is None:
        return job.store.load(tile.id)
    return TileResult(tile=tile.id, valid_fraction=0.0, reason=reason, evidence=None, detections=())


def _kept(
    stored: Callable[[Tile], FloatArray | None], failed: Mapping[str, str], unusable: str | None
) -> Callable[[Tile], FloatArray | None]:
    """What the store holds, but for tiles that failed."""
    return lambda tile: None if unusable is not None or tile.id in failed else stored(tile)


def _inputs(date: Literal["before", "after"], scene: FetchedScene) -> tuple[InputFile, ...]:
    return tuple(
        InputFile(
            date=date, scene_id=copy.scene_id, href=copy.href, etag=copy.etag, length=copy.length,
            sha256=copy.sha256, path=copy.path,
        )
        for copy in scene.copies
    )  # fmt: skip
