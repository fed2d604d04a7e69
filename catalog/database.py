"""``sitewatch.db``: opening it, and what a user is told when that cannot be done.

SQLite in write-ahead mode: readers never wait, one writer at a time. Nothing but this module knows which database
it is; everything else is plain SQLAlchemy Core.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from catalog.errors import BadDatabase
from catalog.layout import DATABASE
from catalog.lock import held
from catalog.tables import metadata

BUSY_S = 60.0
"""Longer than any one writer takes."""

SCHEMA = 1
LOCK = "database"

_DAMAGED = ("malformed", "not a database", "disk image", "no such table", "no such column", "corrupt")
_BUSY = ("locked", "busy")


def path_of(root: Path) -> Path:
    """Where the database of an outputs folder is."""
    return root / DATABASE


@contextmanager
def writing(root: Path) -> Iterator[Connection]:
    """A transaction that is the only one writing; what it holds is committed when the block ends without error.

    The database is made where there is none, and brought up to date where it is older.

    Raises
    ------
    BadDatabase
    """
    path = path_of(root)
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = _engine(path, "mode=rwc", begin="BEGIN IMMEDIATE")
        if _version(engine, path) < SCHEMA:
            _migrate(root, engine)
        with engine.begin() as connection:
            yield connection


@contextmanager
def reading(root: Path) -> Iterator[Connection | None]:
    """A view of the database as it is at this moment, None where there is none; writes nothing.

    Raises
    ------
    BadDatabase
    """
    path = path_of(root)
    if not path.exists():
        yield None
        return
    with _explained(path):
        mode = _reading_mode(path)
        engine = _engine(path, mode, begin="BEGIN")
        if _version(engine, path) == 0:
            yield None
            return
        with engine.begin() as connection:
            yield connection


def check(connection: Connection) -> None:
    """Look at every page.

    Raises
    ------
    BadDatabase
        Some are damaged.
    """
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found != "ok":
        raise BadDatabase(_damaged(Path(str(connection.engine.url.database)), str(found)))


def set_aside(root: Path, name: str) -> Path | None:
    """Move a database out of the way, whole with its log; None where there is none."""
    path = path_of(root)
    if not path.exists():
        return None
    target = path.with_name(name)
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(target.with_name(target.name + suffix))
    return target


def _engine(path: Path, mode: str, *, begin: str) -> Engine:
    uri = f"file:{_quoted(path)}?{mode}"
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        creator=lambda: sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None),
        poolclass=NullPool,
    )

    @event.listens_for(engine, "connect")
    def _settle(connection: sqlite3.Connection, _record: object) -> None:
        if mode == "mode=rwc":
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        else:
            connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _version(engine: Engine, path: Path) -> int:
    with engine.connect() as connection:
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if version > SCHEMA:
        raise BadDatabase(
            f"{path} was written by a newer sitewatch (its format is {version}, this version knows {SCHEMA}); "
            "install a newer sitewatch"
        )
    return version


def _migrate(root: Path, engine: Engine) -> None:
    """Bring the tables up to date, one process at a time."""
    with held(root, LOCK):
        if _version(engine, path_of(root)) < SCHEMA:
            with engine.begin() as connection:
                metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA}")


def _reading_mode(path: Path) -> str:
    """How SQLite takes part in the write-ahead log: cleaning up after itself where it may; not at all on read-only
    media, where it must not try.
    """
    if os.access(path.parent, os.W_OK):
        return "mode=rw" if os.access(path, os.W_OK) else "mode=ro"
    return "mode=ro" if path.with_name(path.name + "-shm").exists() else "immutable=1"


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except DBAPIError as problem:
        raise BadDatabase(_reason(path, str(problem.orig))) from problem
    except (sqlite3.Error, OSError) as problem:
        raise BadDatabase(_reason(path, str(problem))) from problem


def _reason(path: Path, fault: str) -> str:
    if any(word in fault for word in _DAMAGED):
        return _damaged(path, fault)
    if any(word in fault for word in _BUSY):
        return (
            f"{path}: another process has been writing to it for more than {BUSY_S:.0f} s ({fault}); wait for it "
            "to finish, or stop it, and try again"
        )
    return f"{path} cannot be used: {fault}; check free space and write permission, or give another folder with --out"


def _damaged(path: Path, fault: str) -> str:
    return (
        f"{path} is damaged ({fault}). The runs themselves are not touched by that: make it anew from them with "
        f"`sitewatch status --rebuild --out {path.parent}`; the damaged file is kept beside it"
    )
