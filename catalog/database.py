"""The database of an outputs folder: which one it is, and the two ways in.

``<out>/sitewatch.db`` (SQLite), or a PostgreSQL database where the environment variable ``SITEWATCH_DATABASE`` holds
its address. On both, readers never wait and one writer at a time writes. What differs between the two is in
`catalog.database_sqlite` and `catalog.database_postgres`; everything else is plain SQLAlchemy Core.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from catalog.errors import BadDatabase
from catalog.layout import DATABASE
from catalog.layout import DATABASE_ADDRESS as ADDRESS
from catalog.migrations import SCHEMA

__all__ = [
    "ADDRESS", "SCHEMA", "Database", "check", "database_of", "insert_rows", "let_go", "path_of", "reading", "writing",
]  # fmt: skip

_SERVED: "dict[tuple[str, Path], Database]" = {}
_SERVING = Lock()


class Database(ABC):
    """Where records of one outputs folder are.

    Parameters
    ----------
    name : str
        For messages; never with a password in it.
    """

    name: str

    @abstractmethod
    def writing(self, *, moving: bool = False) -> AbstractContextManager[Connection]:
        """A transaction that is the only one writing; what it holds is committed when the block ends without error.

        The database is made where there is none, and brought up to date where it is older.

        Parameters
        ----------
        moving : bool
            Whether the records that the outputs folder has elsewhere are being copied here. Otherwise a server does not
            begin new ones beside them.

        Raises
        ------
        BadDatabase
        """

    @abstractmethod
    def reading(self) -> AbstractContextManager[Connection | None]:
        """A view of the database as it is at this moment, None where there is none; writes nothing.

        Raises
        ------
        BadDatabase
        """

    @abstractmethod
    def renewing(self, stamp: str) -> AbstractContextManager[Connection]:
        """As `writing`, with the tables that follow from the runs (`migrations.FROM_RUNS`) empty.

        What they held is kept under a name with `stamp` in it; everything else stays where it is.
        """

    @abstractmethod
    def set_aside(self, stamp: str) -> None:
        """Move a database that cannot be read out of the way, under a name with `stamp` in it.

        Raises
        ------
        BadDatabase
            It is not for sitewatch to move it.
        """

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is a database, also one that is damaged."""

    @abstractmethod
    def aside(self, stamp: str) -> Path | str:
        """Where `renewing` and `set_aside` keep what was there."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections that are kept for the next use."""


def database_of(root: Path, *, kept: bool = False) -> Database:
    """The database of an outputs folder.

    Parameters
    ----------
    root : Path
    kept : bool
        Keep connections open for the next use, for whoever asks often; `Database.close` lets go of them.

    Raises
    ------
    BadDatabase
        The address in ``SITEWATCH_DATABASE`` cannot be used.
    """
    address = os.environ.get(ADDRESS, "").strip()
    if not address:
        from catalog.database_sqlite import SqliteDatabase  # noqa: PLC0415 - it builds on this module

        return SqliteDatabase(path_of(root), kept=kept)
    from catalog.database_postgres import PostgresDatabase  # noqa: PLC0415 - it builds on this module

    with _SERVING:
        # Once for a process: connecting to a server costs.
        if (address, root) not in _SERVED:
            _SERVED[address, root] = PostgresDatabase(address, root)
        return _SERVED[address, root]


def let_go() -> None:
    """Close all connections to servers."""
    with _SERVING:
        for database in _SERVED.values():
            database.close()
        _SERVED.clear()


def path_of(root: Path) -> Path:
    """Where the SQLite database of an outputs folder is."""
    return root / DATABASE


@contextmanager
def writing(root: Path) -> Iterator[Connection]:
    """See `Database.writing`."""
    with database_of(root).writing() as connection:
        yield connection


@contextmanager
def reading(root: Path) -> Iterator[Connection | None]:
    """See `Database.reading`."""
    with database_of(root).reading() as connection:
        yield connection


def check(connection: Connection) -> None:
    """Look at every page of a file; a server does that itself.

    Raises
    ------
    BadDatabase
        Some are damaged.
    """
    if connection.dialect.name == "sqlite":
        from catalog.database_sqlite import SqliteDatabase  # noqa: PLC0415 - it builds on this module

        SqliteDatabase(Path(str(connection.engine.url.database))).check(connection)


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add whole rows, numbers included; rows that are added later are numbered after them."""
    if not rows:
        return
    connection.execute(insert(table), [dict(row) for row in rows])
    number = table.autoincrement_column
    if number is not None and connection.dialect.name == "postgresql":
        # SQLite goes on after the highest number; a server counts apart from what is in the table.
        last = select(func.max(number)).scalar_subquery()
        counter = func.pg_get_serial_sequence(table.name, number.name)
        connection.execute(select(func.setval(counter, last)))


def refuse_newer(name: str, version: int) -> int:
    """The version of a database that this software knows.

    Raises
    ------
    BadDatabase
        It was written by a newer one.
    """
    if version > SCHEMA:
        raise BadDatabase(
            f"{name} was written by a newer sitewatch (its format is {version}, this version knows {SCHEMA}); "
            "install a newer sitewatch"
        )
    return version
