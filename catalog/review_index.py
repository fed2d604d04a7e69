"""The index of what can be reviewed: filled when runs are written, made anew from the run folders, kept in step with
the journal. Everything in it follows from the runs, the findings and the journal.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from catalog.database import Database
from catalog.errors import BadReview, CatalogError
from catalog.layout import REPORT
from catalog.reader import StoredRun, list_runs, load_run
from catalog.review_acts import MISSED
from catalog.review_rows import change_rows, missed_row, run_row, tile_rows, unplaced_row
from catalog.review_standing import next_change, refresh, weigh_tiles
from catalog.review_tables import review_events, review_items, review_outlines, review_runs

AUDIT_SHARE = 0.1
"""Of the blank tiles, put before people unless ``SITEWATCH_AUDIT_SHARE`` says otherwise."""

SHARE_VARIABLE = "SITEWATCH_AUDIT_SHARE"
_AT_ONCE = 500
_SCALE = float(1 << 64)


def audit_share() -> float:
    """Share of the blank tiles that people are to look at.

    Raises
    ------
    CatalogError
        ``SITEWATCH_AUDIT_SHARE`` is not a number from 0 to 1.
    """
    stated = os.environ.get(SHARE_VARIABLE, "").strip()
    try:
        share = float(stated) if stated else AUDIT_SHARE
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise CatalogError(f"{SHARE_VARIABLE} must be a share of the blank tiles, 0 to 1, got {stated!r}")
    return share


def is_audited(run: str, tile: str, share: float) -> bool:
    """Whether a tile belongs to the random share, should it be blank: the same for ever, and a larger share holds a
    smaller one.
    """
    drawn = int.from_bytes(hashlib.sha256(f"audit|{run}|{tile}".encode()).digest()[:8], "big")
    return drawn / _SCALE < share


def sync(root: Path, database: Database) -> int:
    """Take up runs on disk that are new or were written anew; how many.

    Raises
    ------
    CatalogError
    """
    share = audit_share()
    with database.reading() as connection:
        known = {} if connection is None else _stamps(connection)
    fresh = [
        folder
        for folder in list_runs(root)
        if known.get(folder.relative_to(root).as_posix()) != (stamp_of(folder), share)
    ]
    done = 0
    for folder in fresh:
        run = _readable(folder)
        if run is not None:
            with database.writing() as connection:
                add_run(connection, root, run, share)
            done += 1
    return done


def add_run(connection: Connection, root: Path, run: StoredRun, share: float | None = None) -> None:
    """Take up the present result of a run, in place of an earlier one.

    What a person answered about stays, also where the present result does not list it any more.
    """
    share = audit_share() if share is None else share
    name = run.folder.relative_to(root).as_posix()
    rows, outlines = change_rows(run, name)
    tiles = tile_rows(run, name, lambda tile: is_audited(name, tile, share))
    number = next_change(connection)  # before rows are taken out: it must never go back
    found = {row["subject"]: row | {"changed": number} for row in (*rows, *tiles)}
    _retire(connection, name, found.keys())
    for part in _parts(list(found)):
        connection.execute(delete(review_items).where(review_items.c.subject.in_(part)))
        connection.execute(delete(review_outlines).where(review_outlines.c.subject.in_(part)))
    _insert(connection, review_items, list(found.values()))
    _insert(connection, review_outlines, outlines)
    connection.execute(delete(review_runs).where(review_runs.c.name == name))
    connection.execute(insert(review_runs).values(run_row(run, name, stamp_of(run.folder), share, tiles)))
    _add_missed(connection, root, name, number)
    here = connection.execute(
        select(review_items.c.subject, review_items.c.tile).where(review_items.c.run == name)
    ).all()
    refresh(connection, [row.subject for row in here])
    weigh_tiles(connection, {(name, row.tile) for row in here})


def rebuild(root: Path, database: Database) -> int:
    """Make the whole index anew from the run folders and the journal; how many runs.

    What is known of a run that is not there any more is dropped; the journal stays as it is.

    Raises
    ------
    CatalogError
    """
    with database.writing() as connection:
        old = next_change(connection)
        connection.execute(delete(review_runs))
    done = sync(root, database)
    with database.writing() as connection:
        gone = select(review_items.c.subject).where(review_items.c.changed < old)
        connection.execute(delete(review_outlines).where(review_outlines.c.subject.in_(gone)))
        connection.execute(delete(review_items).where(review_items.c.changed < old))
        # Whoever holds the rows in memory counts them when one has changed.
        connection.execute(review_items.update().values(changed=next_change(connection)))
    return done


def stamp_of(folder: Path) -> str:
    """Tells whether a report was written anew since, without reading it."""
    stat = (folder / REPORT).stat()
    return f"{stat.st_mtime_ns}-{stat.st_size}-{stat.st_ino}"


def _stamps(connection: Connection) -> dict[str, tuple[str, float]]:
    rows = connection.execute(select(review_runs.c.name, review_runs.c.stamp, review_runs.c.audit_share))
    return {row.name: (row.stamp, row.audit_share) for row in rows}


def _readable(folder: Path) -> StoredRun | None:
    """A run that cannot be read must not keep the others from being reviewed."""
    try:
        return load_run(folder)
    except CatalogError:
        return None


def _retire(connection: Connection, run: str, present: Iterable[str]) -> None:
    """What the present result of a run does not list: kept where a person answered, out of the way otherwise."""
    gone = set(_of_run(connection, run)) - set(present)
    for part in _parts(sorted(gone)):
        answered = set(
            connection.execute(
                select(review_events.c.subject).where(review_events.c.subject.in_(part)).distinct()
            ).scalars()
        )
        kept = [subject for subject in answered if not subject.startswith(MISSED)]
        dropped = [subject for subject in part if subject not in answered]
        connection.execute(review_items.update().where(review_items.c.subject.in_(kept)).values(listed=False))
        connection.execute(delete(review_items).where(review_items.c.subject.in_(dropped)))
        connection.execute(delete(review_outlines).where(review_outlines.c.subject.in_(dropped)))


def _add_missed(connection: Connection, root: Path, run: str, number: int) -> None:
    """Changes that people added to a run, from the journal: where they lie now, should the run have another grid."""
    event = review_events.c
    query = select(event.subject, event.body).where(event.run == run, event.act == "missed")
    added = {row.subject: row.body for row in connection.execute(query.order_by(event.seq.desc()))}
    for part in _parts(list(added)):
        connection.execute(delete(review_items).where(review_items.c.subject.in_(part)))
        connection.execute(delete(review_outlines).where(review_outlines.c.subject.in_(part)))
    for subject, body in added.items():
        _add_one(connection, root, subject, run, body, number)


def add_missed(connection: Connection, root: Path, subject: str, run: str, body: Mapping[str, Any]) -> None:
    """Take up a change that a person added."""
    _add_one(connection, root, subject, run, body, next_change(connection))


def _add_one(
    connection: Connection, root: Path, subject: str, run: str, body: Mapping[str, Any], number: int
) -> None:
    stored = connection.execute(select(review_runs).where(review_runs.c.name == run)).mappings().one()
    try:
        item, outline = missed_row(root, stored, subject, body)
    except BadReview:  # the run was written anew since, and does not show the place any more
        item, outline = unplaced_row(stored, subject, body)
    connection.execute(insert(review_items).values({**item, "changed": number}))
    connection.execute(insert(review_outlines).values(outline))


def add_tile(connection: Connection, item: Mapping[str, Any]) -> None:
    """Take up a blank tile outside the random share, because a person answered about it."""
    connection.execute(insert(review_items).values({**item, "changed": next_change(connection)}))


def _of_run(connection: Connection, run: str) -> list[str]:
    return list(connection.execute(select(review_items.c.subject).where(review_items.c.run == run)).scalars())


def _insert(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    for part in _parts(rows):
        connection.execute(insert(table), part)


def _parts(rows: Sequence[Any]) -> Iterator[list[Any]]:
    """A statement takes so many at once."""
    for start in range(0, len(rows), _AT_ONCE):
        yield list(rows[start : start + _AT_ONCE])
