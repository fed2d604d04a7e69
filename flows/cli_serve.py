"""``sitewatch serve``: scheduled runs from one command, until it is stopped."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from rich.console import Console
from rich.table import Table

from flows import prefect_home
from flows.cli_common import (
    false_alarms_option,
    min_score_option,
    out_option,
    print_json,
    providers_option,
    scorer_option,
    screen_options,
    sites_option,
)
from flows.cli_period import Duration, notify_option, source_option, workers_option
from flows.errors import BadRequest
from flows.notices import checked_target
from flows.serve import Serving, local_time, new_serving, next_runs, sole_server, supervise
from flows.serve_state import STATE, serve_folder
from flows.sites import site_named
from flows.work import write_json
from imagery.site_file import load_sites
from imagery.source import open_source

SHORTEST = timedelta(minutes=1)


@click.command()
@click.argument("site", nargs=-1)
@source_option
@click.option(
    "--every", type=Duration(), metavar="T", help="Time between polls, such as 90m, 6h or 1d.  [default: 6h]"
)
@click.option("--cron", metavar="C", help='When to poll instead, as cron says it: "15 6,18 * * *".')
@click.option(
    "--timezone",
    default="UTC",
    show_default=True,
    metavar="Z",
    help="What the hours of --cron mean: Asia/Damascus.",
)
@click.option(
    "--lookback",
    type=Duration(),
    default="30d",
    show_default=True,
    metavar="T",
    help="How far back each poll looks for late and reprocessed scenes.",
)
@notify_option
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="P",
    help="Port of Prefect's pages on 127.0.0.1.  [default: the first free one from 4200]",
)
@click.option(
    "--database",
    metavar="URL",
    help="Keep Prefect's records there: postgresql+asyncpg://USER:PASSWORD@HOST/NAME. SQLite below --out otherwise.",
)
@sites_option
@providers_option
@out_option
@min_score_option()
@scorer_option
@false_alarms_option
@workers_option
@screen_options
def serve(
    site: tuple[str, ...],
    source: str,
    every: timedelta | None,
    cron: str | None,
    timezone: str,
    lookback: timedelta,
    targets: tuple[str, ...],
    port: int | None,
    database: str | None,
    sites: Path | None,
    out: Path,
    min_score: float,
    workers: int | None,
    as_json: bool,
    debug: bool,
) -> int:
    """Watch each SITE (every site of the site file where none is named) on a schedule, until stopped.

    Starts a Prefect server of its own on this machine, or uses that of PREFECT_API_URL.
    """
    del debug  # acted upon by the entry point
    when = _schedule(every, cron, timezone)
    names = list(dict.fromkeys(site)) or sorted(load_sites(sites))
    for name in names:
        site_named(name, sites)
    open_source(source)
    plan = {
        "sites": names,
        "source": _absolute(source),
        "out": str(out.resolve()),
        "lookback_days": max(1, round(lookback / timedelta(days=1))),
        "sites_file": None if sites is None else str(sites.resolve()),
        "min_score": min_score,
        "workers": workers,
        "targets": [checked_target(target) for target in targets],
        **when,
    }
    prefect_home.refuse_full(out)
    with sole_server(out):
        return _serve(plan, out, port=port, database=database, as_json=as_json)


def _serve(plan: dict[str, Any], out: Path, *, port: int | None, database: str | None, as_json: bool) -> int:
    console = Console(stderr=as_json, highlight=False, soft_wrap=True)

    def say(line: str) -> None:
        console.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}  {line}", markup=False)

    serving = new_serving(out, plan, port=port, database=database, say=say)
    serving.stop.install()
    try:
        say("starting")
        serving.start()
        if not serving.stop.wanted:
            document = _state(serving, plan)
            write_json(serve_folder(out) / STATE, document)
            print_json(document) if as_json else _show(console, document)
            supervise(serving, out, say)
    finally:
        say("stopping")
        serving.end()
        (serve_folder(out) / STATE).unlink(missing_ok=True)
        say("stopped")
    return 0


def _state(serving: Serving, plan: dict[str, Any]) -> dict[str, Any]:
    """What ``--json`` prints, and other commands find."""
    return {
        "pid": os.getpid(),
        "api": serving.api,
        "ui": serving.api.removesuffix("/api"),
        "sites": plan["sites"],
        "source": plan["source"],
        "next": next_runs(serving.api, serving.folder),
        "server_pid": None
        if serving.server is None or serving.server.process is None
        else serving.server.process.pid,
        "logs": str(serving.folder),
    }


def _show(console: Console, document: dict[str, Any]) -> None:
    console.print(f"Prefect's pages: {document['ui']}   logs: {document['logs']}", markup=False)
    table = Table("Site", "First run", "Next run", box=None, padding=(0, 2, 0, 0))
    for site in document["sites"]:
        following = document["next"].get(site)
        table.add_row(site, "now", "" if following is None else local_time(following))
    console.print(table)
    console.print("Stop with Ctrl-C.")


def _schedule(every: timedelta | None, cron: str | None, timezone: str) -> dict[str, Any]:
    if every is not None and cron is not None:
        raise BadRequest("--every and --cron both say when; give one of them")
    try:
        ZoneInfo(timezone)
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        raise BadRequest(
            f"--timezone {timezone}: no such zone; give a name such as Asia/Damascus or UTC"
        ) from error
    if cron is not None:
        _check_cron(cron)
        return {"every_s": None, "cron": cron, "timezone": timezone}
    every = timedelta(hours=6) if every is None else every
    if every < SHORTEST:
        raise BadRequest(f"--every {every}: at least a minute")
    return {"every_s": every.total_seconds(), "cron": None, "timezone": timezone}


def _check_cron(cron: str) -> None:
    from prefect.client.schemas.schedules import CronSchedule  # noqa: PLC0415 - only where it is needed

    try:
        CronSchedule(cron=cron)
    except ValueError as error:
        raise BadRequest(
            f'--cron "{cron}": give minute, hour, day, month and weekday, such as "15 6,18 * * *"'
        ) from error


def _absolute(source: str) -> str:
    """A path holds wherever the flows are run; names and addresses stay as they are."""
    path = Path(source).expanduser()
    return str(path.resolve()) if "://" not in source and path.exists() else source
