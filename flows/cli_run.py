"""``sitewatch run`` and ``sitewatch demo``: the flows, from the command line."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows import prefect_home
from flows.cli_common import (
    false_alarms_option,
    min_score_option,
    out_option,
    print_json,
    scorer_option,
    screen_options,
    sites_option,
    source_options,
)
from flows.cli_runs_table import runs_document, show_runs
from flows.demo import DEMO_SITES, demo_period, draw_archive
from flows.errors import BadRequest
from flows.screen import progress_bars
from flows.sites import site_named
from imagery.source import open_source

if TYPE_CHECKING:
    from flows.watch import SiteResult


@click.command()
@click.argument("site", nargs=-1, required=True)
@source_options
@sites_option
@out_option
@min_score_option()
@scorer_option
@false_alarms_option
@screen_options
def run(
    site: tuple[str, ...],
    source: str,
    start: datetime,
    end: datetime,
    sites: Path | None,
    out: Path,
    min_score: float,
    as_json: bool,
    debug: bool,
) -> int:
    """Watch each SITE: find its images in a period, compare consecutive dates, keep what changed."""
    results = _watch(
        list(dict.fromkeys(site)), source, start, end, out=out, sites_file=sites, min_score=min_score,
        as_json=as_json, debug=debug,
    )  # fmt: skip
    from flows.watch import exit_code  # noqa: PLC0415 - imports Prefect, which must be configured first

    return exit_code(results)


@click.command()
@sites_option
@out_option
@min_score_option()
@scorer_option
@false_alarms_option
@screen_options
def demo(sites: Path | None, out: Path, min_score: float, as_json: bool, debug: bool) -> int:
    """Watch both sites on the built-in SIMULATED archive. No network, no server."""
    start, end = demo_period()
    results = _watch(
        list(DEMO_SITES), "demo", start, end, out=out, sites_file=sites, min_score=min_score,
        as_json=as_json, debug=debug,
    )  # fmt: skip
    errors = [result.error.exit_code for result in results if result.error is not None]
    if errors:
        return max(errors)
    failed = any(o.outcome == "failed" for result in results for r in result.runs for o in r.outcomes)
    return 3 if failed or not all(result.runs for result in results) else 0


def _watch(
    site_ids: Sequence[str],
    source: str,
    start: datetime,
    end: datetime,
    *,
    out: Path,
    sites_file: Path | None,
    min_score: float,
    as_json: bool,
    debug: bool,
) -> "list[SiteResult]":
    """Run the flow and show what came of it."""
    if start > end:
        raise BadRequest(f"--from {start:%Y-%m-%d} lies after --to {end:%Y-%m-%d}")
    # Wrong names are found out before anything is started.
    for name in site_ids:
        site_named(name, sites_file)
    open_source(source)
    prefect_home.configure(out, quiet=not debug)
    from flows.watch import watch_sites  # noqa: PLC0415 - imports Prefect, which must be configured first

    def work() -> "list[SiteResult]":
        drawing = draw_archive() if source == "demo" else None
        with prefect_home.server(out):
            if drawing is not None:
                drawing.join()
            results: list[SiteResult] = watch_sites(
                list(site_ids), source, start, end, out, sites_file, min_score
            )
            return results

    if as_json:
        results = work()
        print_json(runs_document(results))
        return results
    with progress_bars():
        results = work()
    show_runs(results, out)
    return results
