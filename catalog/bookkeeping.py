"""Keeping ``sitewatch.db`` in step with the runs on disk: after a run, and anew from nothing."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from catalog import findings, journal, journal_copy, review_index
from catalog.database import Database, check, database_of, insert_rows, path_of
from catalog.database_sqlite import SqliteDatabase
from catalog.errors import BadDatabase, BrokenJournal
from catalog.findings import Standing, standing
from catalog.judging import judge_site
from catalog.layout import PARTIAL, utc_text
from catalog.ledger import counts
from catalog.lock import held
from catalog.migrations import FROM_RUNS
from catalog.recorded_runs import recorded_results
from catalog.review_standing import refresh_site
from catalog.review_tables import review_events
from catalog.run_chain import ChainRun, history_of, sites_with_runs
from catalog.suppression import Suppression, marked
from catalog.tables import attempts, growing, runs
from models.persistence import RULE

_CARRIED = tuple(table for table in growing() if table not in FROM_RUNS)
"""What the runs on disk do not tell."""

Carried = dict[Table, list[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What making the database anew came to.

    Parameters
    ----------
    runs, findings, attempts, answers : int
        In the new database; answers are the events of the review journal.
    kept : Path or str or None
        Where the old one is now; of a server, the name of a schema.
    lost : str or None
        What was wrong with the old one, so that not everything could be taken over.
    """

    runs: int
    findings: int
    attempts: int
    answers: int
    kept: Path | str | None
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
    database = database_of(root)
    with held(root, f"findings-{site}"):
        found = _update(root, site, database)
    _index(root, database, [site])
    journal_copy.note_head(root, database, f"run of {site}")
    return found


def recurrences(root: Path, site: str) -> dict[str, Suppression]:
    """Changes of a site at places where a reviewer has rejected the same before, by id.

    Raises
    ------
    CatalogError
        The database cannot be read.
    """
    with database_of(root).reading() as connection:
        return {} if connection is None else marked(connection, site=site)


def index_runs(root: Path) -> None:
    """Take up runs that no site's `update` does, so that they come before a reviewer.

    Raises
    ------
    CatalogError
        The database cannot be read or written.
    """
    database = database_of(root)
    review_index.sync(root, database)
    journal_copy.note_head(root, database, "comparison of two files")


def rebuild(root: Path) -> Rebuilt:
    """Make the database anew from the runs on disk.

    What they do not tell stays as it is: attempts, the scenes that they saw, and the review journal. Where the old
    database cannot be read, as much of that as can be is taken over, and the journal from its copy beside the database.
    The old one is kept under a name that says so.

    Raises
    ------
    CatalogError
        The database cannot be written; the old one is then untouched.
    """
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    with held(root, "rebuild"), _scratch(root) as fresh:
        database = database_of(root)
        found = [_update(root, site, fresh) for site in sites_with_runs(root)]
        fault, there = _fault(database), database.exists()
        carried: Carried = {}
        if fault is not None:
            carried = _salvaged(database, root)
            database.set_aside(stamp)
        kept = database.aside(stamp) if there else None
        with database.renewing(stamp) as connection, fresh.reading() as made:
            for table, rows in carried.items():
                insert_rows(connection, table, rows)
            recorded = 0 if made is None else _copied(made, connection)
            lost = fault or _journal_restored(connection, root)
            answers = journal.head(connection).seq
            attempted = connection.execute(select(func.count()).select_from(attempts)).scalar_one()
        review_index.rebuild(root, database)
    return Rebuilt(
        runs=recorded, findings=sum(map(len, found)), attempts=attempted, answers=answers, kept=kept, lost=lost
    )  # fmt: skip


@contextmanager
def _scratch(root: Path) -> Iterator[Database]:
    """A database to work in, gone afterwards."""
    home = root / PARTIAL / f"database-{os.getpid()}"
    shutil.rmtree(home, ignore_errors=True)
    try:
        yield SqliteDatabase(path_of(home))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _fault(database: Database) -> str | None:
    """Why the present database cannot be used; None where it can, or where there is none."""
    try:
        with database.reading() as connection:
            if connection is not None:
                check(connection)
    except BadDatabase as problem:
        return str(problem)
    return None


def _salvaged(database: Database, root: Path) -> Carried:
    """What can still be read of that which cannot be made anew, table by table."""
    found: Carried = {}
    for table in _CARRIED:
        try:
            with database.reading() as connection:
                rows = [] if connection is None else connection.execute(select(table)).mappings().all()
        except BadDatabase:
            continue
        found[table] = [dict(row) for row in rows]
    found[review_events] = journal_copy.restored(root, found.get(review_events, []))
    return found


def _journal_restored(connection: Connection, root: Path) -> str | None:
    """Take over from the journal's copy what a database lacks that was lost or put back; why that cannot be done."""
    try:
        rows = journal_copy.lacking(root, journal.head(connection))
    except BrokenJournal as problem:
        return str(problem)
    insert_rows(connection, review_events, rows)
    return None


def _copied(source: Connection, target: Connection) -> int:
    """Copy what was made from the runs; how many runs."""
    for table in FROM_RUNS:
        insert_rows(target, table, [dict(row) for row in source.execute(select(table)).mappings()])
    return int(target.execute(select(func.count()).select_from(runs)).scalar_one())


def _index(root: Path, database: Database, sites: Iterable[str]) -> None:
    """Bring what reviewers are shown up to date with the runs and their findings."""
    review_index.sync(root, database)
    for site in sites:
        with database.writing() as connection:
            refresh_site(connection, site)


def _update(root: Path, site: str, database: Database) -> dict[str, Standing]:
    """Judge the runs below `root` and record that in `database`."""
    history = history_of(root, site)
    with database.reading() as connection:
        known = set() if connection is None else recorded_results(connection, site)
        before = {} if connection is None else standing(connection, site)
    fresh = [run for run in history.runs if (run.name, run.digest) not in known]
    judged = list(judge_site(history, settled=lambda id_: _is_settled(before.get(id_), fresh)))
    # Runs count as recorded only together with what they say, so that nothing is lost between the two.
    with database.writing() as connection:
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
