"""Records that go from one database to another: everything that was ever recorded, as it was, or nothing at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, inspect, select

from catalog import review_index
from catalog.database import Database, database_of, insert_rows
from catalog.errors import BadDatabase, BrokenJournal
from catalog.journal import Head
from catalog.journal_copy import note_head
from catalog.lock import held
from catalog.tables import growing
from catalog.verify_journal import verified

COPIED = growing()
"""Every table but those that are derived, in an order in which each row's references are there before it."""

Rows = dict[tuple[Any, ...], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class CopiedRecords:
    """What copying records came to.

    Parameters
    ----------
    source, target : str
        The databases, without passwords.
    rows : mapping of str to int
        Rows of each table that are in both now.
    added : int
        How many of them were not in the target before.
    head : Head or None
        The end of the review journal in both; None where nobody has answered anything.
    """

    source: str
    target: str
    rows: Mapping[str, int]
    added: int
    head: Head | None


def copy_records(root: Path, address: str) -> CopiedRecords:
    """Copy the records of an outputs folder into the database that it uses now (`catalog.database.database_of`).

    The source is only read. Rows that the target has already stay; nothing is copied where it has others, or where the
    journals in the source are not what was written.

    Parameters
    ----------
    root : Path
        The outputs folder.
    address : str
        Where the records are: a SQLite file, or ``postgresql://...`` as in ``SITEWATCH_DATABASE``.

    Raises
    ------
    BadDatabase
        There are no records, either database cannot be used, or the target holds others.
    BrokenJournal
        The journals of the source do not hang together, or are not those of this folder.
    """
    source, target = source_of(root, address), database_of(root)
    if source.name == target.name:
        raise BadDatabase(
            f"{source.name} is the database that {root} uses now: set SITEWATCH_DATABASE to the one that the records "
            "are to go to (unset it for sitewatch.db)"
        )
    with held(root, "rebuild"):
        rows, added = _copied(root, source, target)
        review_index.rebuild(root, target)
        head = note_head(root, target, f"records copied from {source.name}")
    return CopiedRecords(source=source.name, target=target.name, rows=rows, added=added, head=head)


def source_of(root: Path, address: str) -> Database:
    """The database at an address.

    Raises
    ------
    BadDatabase
        There is no such file, or it is no address.
    """
    # Loaded here since both build on `catalog.database`, and one of them is enough.
    if "://" in address:
        from catalog.database_postgres import PostgresDatabase  # noqa: PLC0415

        return PostgresDatabase(address, root)
    from catalog.database_sqlite import SqliteDatabase  # noqa: PLC0415

    path = Path(address).resolve()
    if not path.is_file():
        raise BadDatabase(
            f"{path}: no such file; name a sitewatch.db, or give postgresql://USER@HOST:PORT/DATABASE"
        )
    return SqliteDatabase(path)


def _copied(root: Path, source: Database, target: Database) -> tuple[dict[str, int], int]:
    """Copy in one transaction, and look at the result before it counts: rows by table, and how many are new."""
    rows, added = {}, 0
    try:
        with source.reading() as old:
            if old is None:
                raise BadDatabase(f"{source.name} holds no records; nothing was copied")
            _check(root, source, old)
            with target.writing(moving=True) as new:
                for table in COPIED:
                    wanted = _rows(old, table)
                    added += _add(new, table, wanted, names=(source.name, target.name))
                    rows[table.name] = len(wanted)
                _check(root, target, new)
    finally:
        source.close()
    return rows, added


def _check(root: Path, database: Database, connection: Connection) -> None:
    """Hold both journals to their chains, and that of reviews to what lies outside the database."""
    problems: Sequence[Any] = verified(root, connection).problems
    if problems:
        said = "; ".join(f"{problem.fault}: {problem.detail}" for problem in problems[:3])
        raise BrokenJournal(
            f"{database.name} does not hold the records of {root} as they were written ({said}). Nothing was copied"
        )


def _add(connection: Connection, table: Table, wanted: Rows, *, names: tuple[str, str]) -> int:
    """Add the rows that a table lacks, and see that it has these and no others; how many were added."""
    there = _rows(connection, table)
    others = [key for key, row in there.items() if wanted.get(key) != row]
    if others:
        raise BadDatabase(
            f"{names[1]} holds other records than {names[0]}: {len(others)} rows of {table.name} are not in it, such "
            f"as {', '.join(map(str, others[0]))}. Nothing was copied: give an empty schema (?schema=NAME), or move "
            "that sitewatch.db away"
        )
    missing = [row for key, row in wanted.items() if key not in there]
    insert_rows(connection, table, missing)
    if _rows(connection, table) != wanted:
        raise BadDatabase(
            f"{names[1]} does not give rows of {table.name} back as they were. Nothing was copied"
        )
    return len(missing)


def _rows(connection: Connection, table: Table) -> Rows:
    """Every row by its key; none where an older database has no such table."""
    if not inspect(connection).has_table(table.name):
        return {}
    ordered = select(table).order_by(*table.primary_key)
    key = [column.name for column in table.primary_key]
    return {
        tuple(row[name] for name in key): dict(row) for row in connection.execute(ordered).mappings()
    }  # fmt: skip
