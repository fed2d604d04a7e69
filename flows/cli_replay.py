"""``sitewatch replay``: a past period once more, as if each scheduled day had come."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from flows import prefect_home
from flows.cli_common import (
    Moment,
    false_alarms_option,
    min_score_option,
    out_option,
    print_json,
    providers_option,
    scorer_option,
    screen_options,
    sites_option,
)
from flows.cli_period import Duration, source_option, workers_option
from flows.errors import BadRequest
from flows.screen import progress_bars
from flows.sites import site_named
from imagery.source import open_source


@click.command()
@click.argument("site")
@source_option
@click.option(
    "--from", "start", type=Moment(), required=True, metavar="D", help="First day, or a time (UTC)."
)
@click.option(
    "--to", "end", type=Moment(day_end=True), required=True, metavar="D", help="Last day, or a time (UTC)."
)
@click.option(
    "--step",
    type=Duration(),
    default="7d",
    show_default=True,
    metavar="T",
    help="From one pretended run to the next, in whole days.",
)
@click.option(
    "--lookback",
    type=Duration(),
    default="30d",
    show_default=True,
    metavar="T",
    help="How far back each of them looks.",
)
@click.option("--announce", is_flag=True, help="Send events, and so notifications, of what is new.")
@sites_option
@providers_option
@out_option
@min_score_option()
@scorer_option
@false_alarms_option
@workers_option
@screen_options
def replay(
    site: str,
    source: str,
    start: datetime,
    end: datetime,
    step: timedelta,
    lookback: timedelta,
    announce: bool,
    sites: Path | None,
    out: Path,
    min_score: float,
    workers: int | None,
    as_json: bool,
    debug: bool,
) -> int:
    """Run over a past period of SITE again; each pretended day sees only what was acquired until then."""
    if start > end:
        raise BadRequest(f"--from {start:%Y-%m-%d} lies after --to {end:%Y-%m-%d}")
    if step % timedelta(days=1):
        raise BadRequest(f"--step {step}: give whole days, such as 7d")
    site_named(site, sites)
    open_source(source)
    prefect_home.configure(out, quiet=not debug)
    from flows.replay import replay as flow  # noqa: PLC0415 - imports Prefect, which must be configured first

    def work() -> list[dict[str, str]]:
        with prefect_home.server(out):
            days: Any = flow(
                site,
                source,
                start,
                end,
                step.days,
                out,
                max(1, lookback.days),
                sites,
                min_score,
                workers,
                announce,
            )
            return list(days)

    if as_json:
        days = work()
        print_json({"site": site, "source": source, "days": days})
        return exit_code(days)
    with progress_bars():
        days = work()
    console = Console(highlight=False, soft_wrap=True)
    for day in days:
        console.print(f"{day['day']}: {day['message']}", markup=False)
    console.print(f"Results: {out / site}", markup=False)
    return exit_code(days)


def exit_code(days: Sequence[Mapping[str, str]]) -> int:
    """0 where every day came out well, 3 where tiles failed or no day had a pair to compare."""
    outcomes = {day["outcome"] for day in days}
    unpaired = "no pair" in outcomes and "done" not in outcomes
    return 3 if "degraded" in outcomes or unpaired else 0
