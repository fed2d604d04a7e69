"""Keeping ``sitewatch.db`` in step with the runs on disk: after a run, and anew from nothing."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert, select

from catalog import findings
from catalog.database import path_of, reading, set_aside, writing
from catalog.errors import BadDatabase
from catalog.findings import Standing, standing
from catalog.judging import judge_site
from catalog.layout import DATABASE, PARTIAL, utc_text
from catalog.ledger import counts
from catalog.lock import held
from catalog.recorded_runs import recorded_results
from catalog.run_chain import ChainRun, history_of, sites_with_runs
from catalog.tables import attempt_ends, attempts, runs, scenes
from models.persistence import RULE

_CARRIED = (attempts, attempt_ends, scenes)
"""What the runs on disk do not tell."""


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What making the database anew came to.

    Parameters
    ----------
    runs, findings, attempts : int
        In the new database.
    kept : Path or None
        Where the old one is now.
    lost : str or None
        Why the attempts of the old one could not be taken over.
    """

    runs: int
    findings: int
    attempts: int
    kept: Path | None
    lost: str | None


def update(root: Path, site: str) -> dict[str, Standing]:
    """Record the runs of a site that are not recorded yet and what they say about its findings.

    Everything follows from the runs on disk, so that whatever a run could not record any more because it was
    killed is made up for here.

    Returns
    -------
    dict
        Present state of every finding of the site, by id.

    Raises
    ------
    CatalogError
        The database cannot be read or written.
    """
    # One at a time: whoever looked at the runs earlier must not have the last word.
    with held(root, f"findings-{site}"):
        return _update(root, site, root)


def rebuild(root: Path) -> Rebuilt:
    """Make the database anew from the runs on disk.

    Attempts and the scenes that they saw are taken over from the old one where it can be read. The old one is kept
    beside the new one, under a name that says so.

    Raises
    ------
    CatalogError
        The new database cannot be written; the old one is then untouched.
    """
    home = root / PARTIAL / f"database-{os.getpid()}"
    shutil.rmtree(home, ignore_errors=True)
    try:
        with held(root, "rebuild"):
            carried, lost = _carried(root)
            with writing(home) as connection:
                for table, rows in carried.items():
                    if rows:
                        connection.execute(insert(table), rows)
            found = [_update(root, site, home) for site in sites_with_runs(root)]
            with writing(home) as connection:
                recorded = len(connection.execute(select(runs.c.seq)).all())
            kept = set_aside(root, f"{DATABASE}.replaced-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
            path_of(home).rename(path_of(root))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return Rebuilt(
        runs=recorded, findings=sum(map(len, found)), attempts=len(carried.get(attempts, ())), kept=kept, lost=lost
    )  # fmt: skip


def _update(root: Path, site: str, home: Path) -> dict[str, Standing]:
    """Judge the runs below `root` and record that in the database of `home`."""
    history = history_of(root, site)
    with reading(home) as connection:
        known = set() if connection is None else recorded_results(connection, site)
        before = {} if connection is None else standing(connection, site)
    fresh = [run for run in history.runs if (run.name, run.digest) not in known]
    judged = list(judge_site(history, settled=lambda id_: _is_settled(before.get(id_), fresh)))
    # Runs count as recorded only together with what they say, so that nothing is lost between the two.
    with writing(home) as connection:
        if fresh:
            connection.execute(insert(runs), [_run_row(run, site) for run in fresh])
        findings.record(connection, judged, rule=RULE)
        return standing(connection, site)


def _is_settled(finding: Standing | None, fresh: Sequence[ChainRun]) -> bool:
    """Whether no new run can change a finding: there is none, or all lie after the date that decided it."""
    if finding is None:
        return False
    decided = finding.decided and finding.decided_time
    return not fresh or bool(decided and all(run.after_time > str(decided) for run in fresh))


def _run_row(run: ChainRun, site: str) -> dict[str, Any]:
    report = run.report
    return {
        "name": run.name, "report_sha256": run.digest, "site": site, "sensor": report.sensor,
        "gsd_m": round(report.gsd_m, 4), "before_scene": run.before["id"], "before_time": run.before_time,
        "after_scene": run.after["id"], "after_time": run.after_time, "status": report.status,
        "reason": report.reason, "simulated": report.simulated, "outcomes": counts(report.outcomes),
        "created": report.created, "recorded": utc_text(datetime.now(UTC)),
    }  # fmt: skip


def _carried(root: Path) -> tuple[dict[Table, list[dict[str, Any]]], str | None]:
    """Rows of the old database that cannot be made anew, or why there are none."""
    try:
        with reading(root) as connection:
            if connection is None:
                return {}, None
            rows = {table: connection.execute(select(table)).mappings().all() for table in _CARRIED}
    except BadDatabase as problem:
        return {}, str(problem)
    return {table: [dict(row) for row in found] for table, found in rows.items()}, None
