"""Prefect tasks: one-line shells around the steps, with how each is retried, timed out and cached.

Tasks hand each other file names and hashes, never pixels. What they leave on disk is complete or absent and is
checked by the step itself, so a result that Prefect remembers only spares the checking.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from prefect import task
from prefect.cache_policies import INPUTS, NO_CACHE, TASK_SOURCE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from flows import choice, pair_job, pair_result, scene_store
from flows.pair_result import PairResult
from flows.sites import site_named
from imagery.errors import SitewatchError, SourceRefuses, SourceUnreachable
from imagery.listing import LeftOut, Listing
from imagery.scene import Scene
from imagery.source import open_source, with_angles

_FINAL_STATUS = re.compile(r"(?<![\w.:/-])(400|401|403|404|410)(?![\w.:/-])")


def worth_retrying(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether a failure may go away by itself: a server that does not answer, never a refusal or bad data."""
    problem = state.result(raise_on_failure=False)
    if isinstance(problem, SourceRefuses):
        return False
    if isinstance(problem, SourceUnreachable):
        return not problem.retried and not _FINAL_STATUS.search(str(problem))
    if isinstance(problem, SitewatchError):
        return False
    return isinstance(problem, TimeoutError | ConnectionError | httpx.TransportError)


_PATIENT: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(backoff_factor=1),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": worth_retrying,
}


@task(
    name="find scenes",
    task_run_name="find-{site}",
    tags=["source"],
    timeout_seconds=1800,
    cache_policy=NO_CACHE,
    **_PATIENT,
)
def find_scenes(site: str, sites_file: Path | None, source: str, start: datetime, end: datetime) -> Listing:
    """What the source has for a site in a period; an archive grows, so this is never cached."""
    return open_source(source).find(site_named(site, sites_file), start, end)


@task(
    name="measure cloud",
    task_run_name="cloud-{label}",
    tags=["source"],
    timeout_seconds=600,
    cache_policy=NO_CACHE,
    **_PATIENT,
)
def measure_cloud(label: str, scene: Scene, site: str, sites_file: Path | None) -> choice.Clouds | None:
    """Cloud over the AOI and its zones, from the quality band alone."""
    del label
    return choice.measure_cloud(scene, site_named(site, sites_file))


@task(
    name="fetch scene",
    task_run_name="fetch-{label}",
    tags=["source"],
    timeout_seconds=3600,
    cache_policy=NO_CACHE,
    **_PATIENT,
)
def fetch_scene(label: str, scene: Scene, site: str, sites_file: Path | None, out: Path) -> Path:
    """Evidentiary copy of what the site needs; whole copies on disk are kept, so this needs no other cache."""
    del label
    return scene_store.fetch(with_angles(scene), site_named(site, sites_file), out)


@task(
    name="prepare pair",
    task_run_name="prepare-{key}",
    timeout_seconds=3600,
    cache_policy=NO_CACHE,
    retries=1,
    retry_condition_fn=worth_retrying,
)
def prepare_pair(folder: Path, key: str) -> None:
    """Alignment and normalisation."""
    del key
    pair_job.prepare(folder)


@task(
    name="compare tiles",
    task_run_name="compare-from-{tiles[0]}",
    tags=["compare"],
    timeout_seconds=3600,
    persist_result=True,
    cache_policy=INPUTS + TASK_SOURCE,
    retries=1,
    retry_condition_fn=worth_retrying,
)
def compare_tiles(folder: Path, key: str, tiles: list[str], algorithm: str) -> dict[str, str]:
    """Evidence and detections of neighbouring tiles, on disk; returns their checksums."""
    del key, algorithm  # part of the cache key
    return pair_job.compare_tiles(folder, tiles)


@task(
    name="conclude pair",
    task_run_name="conclude-{key}",
    timeout_seconds=3600,
    cache_policy=NO_CACHE,
)
def conclude_pair(
    folder: Path,
    key: str,
    site: str,
    sites_file: Path | None,
    min_score: float,
    failed: dict[str, str],
    unusable: str | None,
    left_out: list[LeftOut],
    seconds: float,
    out: Path,
) -> PairResult:
    """The run, written."""
    del key
    return pair_result.conclude(
        folder,
        site_named(site, sites_file),
        min_score=min_score,
        failed=failed,
        unusable=unusable,
        left_out=left_out,
        seconds=seconds,
        out=out,
    )
