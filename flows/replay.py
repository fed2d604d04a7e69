"""Prefect flow: a past period once more, as if each scheduled day had come.

At each step only what was acquired until that day is seen, so that the results come in the order in which they would
have come. What a replay with the same settings and the same software has done is not done again.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import Field

from catalog import lock
from flows.forms import explained
from flows.poll import LOOKBACK_DAYS, LookbackDays, Step, check_period, lasting, look
from flows.poll_record import load_record
from flows.sites import site_named
from flows.watch import Announce, End, MinScore, Out, SiteName, SitesFile, SourceSpec, Start, Workers
from models.budget import asked_per_km2
from models.compare import ALGORITHM
from models.score import chosen_scorer

STEP_DAYS = 7
_WAIT_S = 6 * 3600.0
"""A scheduled run of the same site is waited for."""

StepDays = Annotated[int, Field(ge=1, le=366, description="Days from one pretended run to the next")]


@flow(name="replay", flow_run_name="replay-{site}-{start:%Y-%m-%d}-{end:%Y-%m-%d}")
@explained
def replay(
    site: SiteName,
    source: SourceSpec,
    start: Start,
    end: End,
    step_days: StepDays = STEP_DAYS,
    out: Out = Path("outputs"),
    lookback_days: LookbackDays = LOOKBACK_DAYS,
    sites_file: SitesFile = None,
    min_score: MinScore = 0.5,
    workers: Workers = None,
    announce: Announce = False,
) -> State[list[dict[str, str]]]:
    """Run over a past period again, as if each scheduled day had come."""
    check_period(start, end)
    site_named(site, sites_file)
    out = lasting(out)
    lookback_days = max(lookback_days, step_days)  # or scenes would fall between two steps
    days_done: list[dict[str, str]] = []
    scorer = chosen_scorer("optical") or "default"
    asked = asked_per_km2()
    limit = str(min_score) if asked is None else f"{asked}/km2"
    period = f"{start:%Y-%m-%dT%H%M} {end:%Y-%m-%dT%H%M}"
    purpose = f"replay {ALGORITHM} {scorer} {limit} {step_days} {lookback_days} {period}"
    days = list(days_of(start, end, timedelta(days=step_days)))
    with lock.held(out, f"watching-{site}", wait_s=_WAIT_S):
        for day in days:
            step = Step(
                site=site, source=source, out=out, now=day, lookback=timedelta(days=lookback_days),
                begins=start, sites_file=sites_file, min_score=min_score, workers=workers, announce=announce,
            )  # fmt: skip
            record = look(step, load_record(step.out, site, source, purpose))
            days_done.append({"day": f"{day:%Y-%m-%d}", "outcome": record.outcome, "message": record.message})
            get_run_logger().info("%s as of %s: %s", site, days_done[-1]["day"], record.message)
    last = days_done[-1]
    return Completed(
        message=f"{len(days)} days replayed; the last, {last['day']}: {last['message']}", data=days_done
    )


def days_of(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    """The moments at which a scheduled run would have come: one step after the start, and so on, and the end.

    No day comes twice: where the period ends later on a day to which the steps lead, its end is that day's moment.
    """
    day = start + step
    while day.date() < end.date():
        yield day
        day += step
    yield end
