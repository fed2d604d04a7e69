"""Prefect flows: watch one site, watch several."""

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

from prefect import Flow, flow, get_run_logger, tags
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from pydantic import AfterValidator, Field

from flows import artifacts, events, progress, tasks
from flows.choice import (
    Clouds,
    explained_sizes,
    mistaken_sizes,
    no_pair_reason,
    over_aoi,
    to_measure,
    with_sizes,
    without,
)
from flows.forms import explained
from flows.pair_job import load_job, make_job
from flows.pair_result import PairResult
from flows.recorded import recorded
from flows.runners import AHEAD, task_runner
from flows.scene_store import FetchedScene, fetched
from flows.sites import site_named
from flows.tagged import tag_run
from imagery.errors import SitewatchError, SourceUnreachable
from imagery.listing import LeftOut, Listing
from imagery.scene import Scene
from imagery.select import Plan, choose
from imagery.site import Site
from imagery.tile import blocks
from models.compare import ALGORITHM

SiteName = Annotated[str, Field(description="Id of a site in the site file")]
SitesFile = Annotated[
    Path | None, Field(description="GeoJSON of your own sites; the built-in ones otherwise")
]
SourceSpec = Annotated[
    str,
    Field(
        min_length=1,
        description="Where images come from: a provider's name, demo, a folder, a STAC catalogue or its URL",
    ),
]


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Start = Annotated[datetime, AfterValidator(_in_utc), Field(description="First moment of the period, UTC")]
End = Annotated[datetime, AfterValidator(_in_utc), Field(description="Last moment of the period, UTC")]
Out = Annotated[Path, Field(description="Folder that keeps the results")]
MinScore = Annotated[float, Field(ge=0, le=1, description="Lowest score that is listed")]
Workers = Annotated[
    int | None,
    Field(
        ge=0,
        le=64,
        description="Worker processes (needs the extra 'dask'); 0 for threads, empty for SITEWATCH_WORKERS",
    ),
]
Fresh = Annotated[
    list[str] | None,
    Field(description="Ids of scenes: only pairs that hold one of them are compared; empty for every pair"),
]
Announce = Annotated[bool, Field(description="Send events about what is new, which notifications wait for")]


@dataclass(frozen=True, kw_only=True, eq=False)
class SiteResult:
    """What watching one site came to.

    Parameters
    ----------
    site, source : str
    runs : tuple of PairResult
        Sorted by date.
    left_out : tuple of LeftOut
        Scenes that were not used, with the reason.
    reason : str or None
        Why there is no run.
    error : SitewatchError or None
        What ended it early.
    spoiled : mapping of scene id to reason
        Of the scenes that were not used: those that could not be read, which may be mended one day.
    scenes : tuple of Scene
        What the source offered, before any was left out for cloud.
    """

    site: str
    source: str
    runs: tuple[PairResult, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    reason: str | None = None
    error: SitewatchError | None = None
    spoiled: Mapping[str, str] = field(default_factory=dict)
    scenes: tuple[Scene, ...] = ()


@flow(name="watch-sites", flow_run_name="watch-{start:%Y-%m-%d}-{end:%Y-%m-%d}")
@explained
def watch_sites(
    sites: Annotated[list[str], Field(min_length=1, description="Ids of sites in the site file")],
    source: SourceSpec,
    start: Start,
    end: End,
    out: Out = Path("outputs"),
    sites_file: SitesFile = None,
    min_score: MinScore = 0.5,
    workers: Workers = None,
) -> list[SiteResult]:
    """Watch several sites, one after the other; what ends one of them is kept in its result."""
    results = []
    for site in sites:
        try:
            with tags(site):
                results.append(watching(workers)(site, source, start, end, out, sites_file, min_score))
        except SitewatchError as problem:
            get_run_logger().error("%s: %s", site, problem)
            results.append(SiteResult(site=site, source=source, error=problem))
    return results


@flow(
    name="watch-site",
    flow_run_name="{site}-{start:%Y-%m-%d}-{end:%Y-%m-%d}",
    task_runner=task_runner(0),
)
@events.announced
@recorded
@explained
def watch_site(
    site: SiteName,
    source: SourceSpec,
    start: Start,
    end: End,
    out: Out = Path("outputs"),
    sites_file: SitesFile = None,
    min_score: MinScore = 0.5,
    fresh: Fresh = None,
    announce: Announce = True,
) -> SiteResult:
    """Find the images of a site, compare consecutive dates, keep what changed."""
    del announce  # acted upon once the runs are recorded
    tag_run(site)
    place, out = site_named(site, sites_file), out.resolve()
    spoiled: dict[str, str] = {}
    progress.step(f"{place.name}: finding scenes")
    listing = tasks.find_scenes(site, sites_file, source, start, end)
    offered = listing.usable
    listing, clouds = _measured(place, listing, sites_file, spoiled)
    plan, scenes = _fetched(place, listing, clouds, sites_file, out, fresh=fresh, faults=spoiled)
    folders = [make_job(place, scenes[before.id], scenes[after.id], out) for before, after in plan.pairs]
    futures = _compared(place, folders, plan, sites_file, min_score, out)
    runs = tuple(_published(place, future) for future in futures)
    reason = None if runs else no_pair_reason(plan.left_out)
    if reason:
        get_run_logger().warning("%s: %s", site, reason)
    return SiteResult(
        site=site, source=source, runs=runs, left_out=plan.left_out, reason=reason, spoiled=spoiled, scenes=offered
    )  # fmt: skip


def watching(workers: int | None = None) -> Flow[..., SiteResult]:
    """`watch_site`, computed by `workers` processes of their own; by threads where that is 0."""
    named: Flow[..., SiteResult] = watch_site.with_options(task_runner=task_runner(workers))
    return named


def _measured(
    site: Site, listing: Listing, sites_file: Path | None, faults: dict[str, str]
) -> tuple[Listing, Mapping[str, float]]:
    """Share of the AOI under cloud in every scene that has a quality band, read before anything else is fetched."""
    scenes = to_measure(site, listing)
    progress.step(f"{site.name}: looking for cloud", total=len(scenes))
    futures = {s.id: tasks.measure_cloud.submit(s.id, s, site.id, sites_file) for s in scenes}
    found, spoiled = _collected(futures)
    faults |= spoiled
    clouds: dict[str, Clouds] = {id_: cloud for id_, cloud in found.items() if cloud is not None}
    return without(listing, spoiled), over_aoi(clouds)


def _fetched(
    site: Site,
    listing: Listing,
    clouds: Mapping[str, float],
    sites_file: Path | None,
    out: Path,
    *,
    fresh: Sequence[str] | None,
    faults: dict[str, str],
) -> tuple[Plan, dict[str, FetchedScene]]:
    """Fetch what is to be compared; where a scene turns out useless or of another pixel size, choose anew."""
    scenes: dict[str, FetchedScene] = {}
    sizes: dict[str, float] = {}
    offered = listing.usable
    while True:
        plan = with_fresh(choose(site, listing, aoi_cloud=clouds), fresh)
        wanted = {scene.id: scene for pair in plan.pairs for scene in pair if scene.id not in scenes}
        if not wanted:
            mistaken = mistaken_sizes(plan, {id_: scene.gsd_m for id_, scene in scenes.items()})
            if not mistaken:
                return explained_sizes(plan, offered, sizes), scenes
            sizes |= mistaken
            listing = with_sizes(listing, mistaken)
            continue
        records, spoiled = _collected(_submitted(wanted, site, sites_file, out))
        faults |= spoiled
        for scene_id, record in records.items():
            scene = fetched(record)
            if scene.fault is None:
                scenes[scene_id] = scene
            else:
                spoiled[scene_id] = scene.fault
        listing = without(listing, spoiled)


def with_fresh(plan: Plan, fresh: Sequence[str] | None) -> Plan:
    """The plan with only the pairs that hold one of the `fresh` scenes, or a tile of it; None keeps all."""
    if fresh is None:
        return plan
    ids = set(fresh)
    pairs = (p for p in plan.pairs if any(part.id in ids for s in p for part in (s, *s.siblings)))
    return replace(plan, pairs=tuple(pairs))


def _submitted(
    wanted: Mapping[str, Scene], site: Site, sites_file: Path | None, out: Path
) -> dict[str, PrefectFuture[Path]]:
    progress.step(f"{site.name}: fetching", total=len(wanted))
    return {
        id_: tasks.fetch_scene.submit(id_, scene, site.id, sites_file, out) for id_, scene in wanted.items()
    }


def _collected(futures: Mapping[str, PrefectFuture[Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Results by scene, and reasons for the scenes that cannot be used.

    Raises
    ------
    SourceUnreachable
        A server did not answer; nothing may be concluded from that about a scene.
    """
    results: dict[str, Any] = {}
    spoiled: dict[str, str] = {}
    for scene_id, future in futures.items():
        try:
            results[scene_id] = future.result()
        except SourceUnreachable:
            raise
        except SitewatchError as problem:
            spoiled[scene_id] = str(problem)
        progress.advance()
    return results, spoiled


def _compared(
    site: Site, folders: Sequence[Path], plan: Plan, sites_file: Path | None, min_score: float, out: Path
) -> list[PrefectFuture[PairResult]]:
    """Every pair, from its copies to the run that is being written.

    While the tiles of a pair are compared, the next pairs are prepared and the ones before are written.
    """
    jobs = [load_job(folder) for folder in folders]
    prepared = deque(tasks.prepare_pair.submit(job.folder, job.key) for job in jobs[:AHEAD])
    futures = []
    for job, ahead in zip_longest(jobs, jobs[AHEAD:]):
        begun = time.perf_counter()
        dates = [scene.scene.acquired for scene in (job.before, job.after)]
        progress.step(f"{site.name} {dates[0]:%Y-%m-%d} to {dates[1]:%Y-%m-%d}", total=len(job.tiles) + 1)
        preparing = prepared.popleft()
        preparing.wait()
        state = preparing.state
        progress.advance()
        compared = _submitted_tiles(job.folder, out) if state.is_completed() else []
        if ahead is not None:
            prepared.append(tasks.prepare_pair.submit(ahead.folder, ahead.key))
        unusable, failed = None, _failed_tiles(job.folder, compared)
        if isinstance(state.result(raise_on_failure=False), SitewatchError):
            unusable = _why(state)
        elif not state.is_completed():
            failed = {tile.id: _why(state) for tile in job.tiles}
        futures.append(
            tasks.conclude_pair.submit(
                job.folder, job.key, site.id, sites_file, min_score, failed, unusable, list(plan.left_out),
                time.perf_counter() - begun, out,
            )
        )  # fmt: skip
    return futures


def _published(site: Site, future: PrefectFuture[PairResult]) -> PairResult:
    result = future.result()
    artifacts.publish(site, result)
    return result


def _submitted_tiles(folder: Path, out: Path) -> list[tuple[list[str], PrefectFuture[dict[str, str]]]]:
    """Every tile of a job on its way, block by block."""
    job = load_job(folder)
    task = tasks.compare_tiles.with_options(result_storage=out / ".work" / "results")
    anew = task.with_options(refresh_cache=True)
    groups = [[tile.id for tile in block] for block in blocks(job.tiles)]
    # Prefect's memory is trusted only for tiles that are still there, whole.
    kept = [all(job.store.checksum(tile) is not None for tile in group) for group in groups]
    return [
        (group, (task if there else anew).submit(folder, job.key, group, ALGORITHM))
        for group, there in zip(groups, kept, strict=True)
    ]


def _failed_tiles(
    folder: Path, compared: Sequence[tuple[list[str], PrefectFuture[dict[str, str]]]]
) -> dict[str, str]:
    """Wait for all blocks; the tiles that failed, with the reason."""
    job = load_job(folder)
    failed: dict[str, str] = {}
    for group, future in compared:
        future.wait()
        if not future.state.is_completed():
            reason = _why(future.state)
            failed |= {tile: reason for tile in group if job.store.checksum(tile) is None}
        progress.advance(len(group))
    return failed


def _why(state: State[Any]) -> str:
    problem = state.result(raise_on_failure=False)
    if isinstance(problem, SitewatchError):
        return str(problem)
    return f"{type(problem).__name__}: {problem}" if isinstance(problem, Exception) else str(state)


def exit_code(results: Iterable[SiteResult]) -> int:
    """0 all assessed, 3 something could not be or there was no pair, 4 or 2 where a site ended in an error."""
    results = list(results)
    errors = {result.error.exit_code for result in results if result.error is not None}
    if errors:
        return max(errors)
    assessed = all(
        outcome.outcome in {"changed", "unchanged"}
        for result in results
        for run in result.runs
        for outcome in run.outcomes
    )
    complete = all(result.runs for result in results)
    refused = any(run.row["status"] == "not_assessable" for result in results for run in result.runs)
    return 0 if assessed and complete and not refused else 3
