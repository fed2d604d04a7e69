"""Prefect flow: ask a source for new scenes of a site, and run only where there are some.

A poll lists and reads no pixels. The scenes of the lookback window that are not in the site's record, or not as they
are now, are *fresh*: new ones, late ones, later processings, files put in the place of others. Only pairs that hold
a fresh scene are compared, each with what lies up to one lookback before it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import deployment, flow_run
from prefect.states import Completed
from pydantic import Field

from catalog import lock
from catalog.errors import RunBusy
from flows import events, tasks
from flows.choice import no_pair_reason
from flows.errors import FlowError
from flows.forms import explained
from flows.poll_record import PollRecord, is_local, load_record, save_record, stamp
from flows.sites import site_named
from flows.watch import (
    MinScore,
    Out,
    SiteName,
    SiteResult,
    SitesFile,
    SourceSpec,
    Workers,
    watching,
)
from imagery.errors import SitewatchError, SourceRefuses, SourceUnreachable
from imagery.scene import Scene

LOOKBACK_DAYS = 30
MOST_SCENES = 5000
"""Above it a record forgets the scenes that the source no longer lists."""

LookbackDays = Annotated[
    int,
    Field(
        ge=1,
        le=3660,
        description="How many days back the source is asked each time, so that late and reprocessed scenes are found",
    ),
]
Again = Annotated[
    Literal["new scenes", "everything"],
    Field(description="Compare only what was not dealt with yet, or the whole lookback once more"),
]


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one look at a source is about.

    Parameters
    ----------
    site, source : str
    out : Path
        Absolute.
    now : datetime
        Nothing later is seen.
    lookback : timedelta
    begins : datetime or None
        Scenes before it are partners only; None for the whole lookback.
    sites_file : Path or None
    min_score : float
    workers : int or None
    announce : bool
    """

    site: str
    source: str
    out: Path
    now: datetime
    lookback: timedelta
    begins: datetime | None = None
    sites_file: Path | None = None
    min_score: float = 0.5
    workers: int | None = None
    announce: bool = True


def _run_name() -> str:
    moment = flow_run.scheduled_start_time or datetime.now(UTC)
    return f"{flow_run.parameters['site']}-poll-{moment:%Y-%m-%d-%H%M}"


@flow(name="poll-site", flow_run_name=_run_name)
@explained
def poll_site(
    site: SiteName,
    source: SourceSpec,
    out: Out = Path("outputs"),
    lookback_days: LookbackDays = LOOKBACK_DAYS,
    sites_file: SitesFile = None,
    min_score: MinScore = 0.5,
    workers: Workers = None,
    again: Again = "new scenes",
) -> State[str]:
    """Look for new scenes of a site, and compare them where there are some."""
    step = Step(
        site=site, source=source, out=lasting(out), now=datetime.now(UTC), lookback=timedelta(days=lookback_days),
        sites_file=sites_file, min_score=min_score, workers=workers,
    )  # fmt: skip
    site_named(site, sites_file)
    try:
        with lock.held(step.out, f"watching-{site}", wait_s=0):
            record = load_record(step.out, site, source)
            if again == "everything":
                record = replace(record, scenes={})
            message = look(step, record).message
    except RunBusy as busy:
        message = f"skipped: {busy}"
    get_run_logger().info("%s: %s", site, message)
    return Completed(message=message, data=message)


def look(step: Step, record: PollRecord) -> PollRecord:
    """List, and run where something is fresh; the record is saved whatever happens.

    Raises
    ------
    SourceUnreachable
        The source does not answer, or refuses; what was fresh stays fresh for the next time.
    SitewatchError
        The run ended in an error; likewise.
    """
    try:
        scenes = _listed(step)
        fresh = _wanted(step, record.fresh(scenes))
        if fresh:
            get_run_logger().info("%s: %d new: %s", step.site, len(fresh), ", ".join(s.id for s in fresh))
            result = _run(step, fresh)
            record = _after(step, record, fresh, result)
        else:
            record = record.polled(step.now, "nothing new", f"nothing new among {_number(scenes, 'scene')}")
    except SourceRefuses as problem:
        if step.announce:
            events.announce_refusal(step.site, step.source, str(problem), step.out)
        save_record(step.out, record.polled(step.now, "refused", str(problem)))
        raise
    except SourceUnreachable as problem:
        if step.announce and record.failing_since is None:
            events.announce_down(step.site, step.source, str(problem), stamp(step.now))
        save_record(step.out, record.unanswered(step.now, str(problem)))
        raise
    except (SitewatchError, OSError) as problem:
        if step.announce:
            events.announce_failure(step.site, step.source, str(problem), step.out)
        save_record(step.out, record.polled(step.now, "failed", str(problem)))
        raise
    events.forget_failure(step.site, step.source, step.out)
    if len(record.scenes) > MOST_SCENES:
        record = record.only(scenes)
    if scenes:
        record = replace(record, newest=stamp(max(scene.acquired for scene in scenes)))
    save_record(step.out, record)
    return record


def _listed(step: Step) -> tuple[Scene, ...]:
    start = step.now - step.lookback
    return tasks.find_scenes(step.site, step.sites_file, step.source, start, step.now).usable


def _wanted(step: Step, fresh: Iterable[Scene]) -> tuple[Scene, ...]:
    return tuple(scene for scene in fresh if step.begins is None or scene.acquired >= step.begins)


def _run(step: Step, fresh: Collection[Scene]) -> SiteResult:
    """Compare the fresh scenes; told of from here, so that events name the run of the deployment."""
    start = min(scene.acquired for scene in fresh) - step.lookback
    result = watching(step.workers)(
        step.site, step.source, start, step.now, step.out, step.sites_file, step.min_score,
        [scene.id for scene in fresh], announce=False,
    )  # fmt: skip
    for run in result.runs if step.announce else ():
        events.announce_run(step.site, step.source, run, step.out)
    return result


def _after(step: Step, record: PollRecord, fresh: Collection[Scene], result: SiteResult) -> PollRecord:
    """What is known after a run: scenes with tiles that failed, and remote ones that could not be read, stay fresh."""
    open_ = _unfinished(fresh, result)
    dealt_with = [scene for scene in fresh if scene.id not in open_]
    faults = [fault for run in result.runs if (fault := events.fault_of(run)) is not None]
    changed = sum(run.row["status"] == "changed" for run in result.runs)
    message = f"{_number(fresh, 'new scene')}, {_number(result.runs, 'pair')} compared, {changed} changed"
    if faults:
        return record.polled(step.now, "degraded", f"{message}; {faults[0]}", dealt_with)
    if not result.runs:
        why = no_pair_reason(e for e in result.left_out if not e.reason.startswith("outside the period"))
        return record.polled(step.now, "no pair", f"{message}; {why}", dealt_with)
    return record.polled(step.now, "done", message, dealt_with)


def _unfinished(fresh: Iterable[Scene], result: SiteResult) -> set[str]:
    open_ = {scene.id for scene in fresh if scene.id in result.spoiled and not is_local(scene)}
    for run in result.runs:
        if any(outcome.outcome == "failed" for outcome in run.outcomes):
            open_ |= {run.row[date]["id"] for date in ("before", "after")}
    return open_


def _number(things: Collection[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def lasting(out: Path) -> Path:
    """The output folder, absolute.

    Raises
    ------
    FlowError
        It is relative, and this is a run of a deployment: a worker starts those in a folder that it throws away.
    """
    if deployment.id and not out.is_absolute():
        raise FlowError(f"out = {out}: a deployment needs a whole path, such as /var/lib/sitewatch/outputs")
    return out.resolve()


def check_period(start: datetime, end: datetime) -> None:
    """Refuse a period that ends before it begins.

    Raises
    ------
    FlowError
        It does.
    """
    if start > end:
        raise FlowError(
            f"the period ends {end:%Y-%m-%d}, before it begins {start:%Y-%m-%d}; exchange the two"
        )
