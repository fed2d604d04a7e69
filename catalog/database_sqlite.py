"""``sitewatch.db``: SQLite in write-ahead mode, and what a user is told when it cannot be used."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import RLock

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from catalog.database import SCHEMA, Database, refuse_newer
from catalog.errors import BadDatabase
from catalog.lock import held
from catalog.migrations import renew, upgrade

BUSY_S = 60.0
"""Longer than any one writer takes."""

LOCK = "database"
KEPT_CONNECTIONS = 40
"""As many as the desk answers requests at a time: a connection made anew reads the whole schema first."""

_WRITING = "writing"
_DAMAGED = ("malformed", "not a database", "disk image", "no such table", "no such column", "corrupt")
_BUSY = ("locked", "busy")


class SqliteDatabase(Database):
    """A file; see `catalog.database.Database`.

    Parameters
    ----------
    path : Path
    kept : bool
        Keep connections open. Without one that stays open, every writer that ends copies its log into the file.
    """

    def __init__(self, path: Path, *, kept: bool = False) -> None:
        self.path = path
        self.name = str(path)
        self._kept = kept
        self._engines: dict[str, tuple[int, Engine]] = {}
        self._lock = RLock()
        self._readable: Engine | None = None

    @contextmanager
    def writing(self, *, moving: bool = False) -> Iterator[Connection]:
        """See `Database.writing`."""
        del moving  # a file says nothing of servers
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            engine = self._engine(_WRITING)
            if self._version(engine) < SCHEMA:
                self._migrate(engine)
            with engine.begin() as connection:
                yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """See `Database.reading`."""
        if not self.path.exists():
            yield None
            return
        with self._explained():
            engine = self._engine(_reading_mode(self.path))
            if (
                engine is not self._readable
            ):  # looked up once where connections are kept: nobody takes tables away
                if self._version(engine) == 0:
                    yield None
                    return
                self._readable = engine if self._kept else None
            with engine.begin() as connection:
                yield connection

    @contextmanager
    def renewing(self, stamp: str) -> Iterator[Connection]:
        """See `Database.renewing`."""
        with self._explained():
            if self.path.exists():
                with closing(sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)) as old:
                    old.execute("VACUUM INTO ?", (str(self.aside(stamp)),))
            with self.writing() as connection:
                renew(connection)
                yield connection

    def set_aside(self, stamp: str) -> None:
        """See `Database.set_aside`; whole with its log."""
        target = self.aside(stamp)
        with self._explained():
            self.close()
            for suffix in ("-wal", "-shm", ""):
                part = self.path.with_name(self.path.name + suffix)
                if part.exists():
                    part.rename(target.with_name(target.name + suffix))

    def exists(self) -> bool:
        """See `Database.exists`."""
        return self.path.exists()

    def aside(self, stamp: str) -> Path:
        """See `Database.aside`."""
        return self.path.with_name(f"{self.path.name}.replaced-{stamp}")

    def check(self, connection: Connection) -> None:
        """See `catalog.database.check`."""
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if found != "ok":
            raise BadDatabase(self._damaged(str(found)))

    def close(self) -> None:
        """See `Database.close`."""
        with self._lock:
            for _, engine in self._engines.values():
                engine.dispose()
            self._engines.clear()

    def _engine(self, mode: str) -> Engine:
        """How connections are made; the one made earlier for as long as the file is the same one."""
        with self._lock:
            identity, engine = self._engines.get(mode, (0, None))
            present = _identity(self.path)
            if engine is None or identity != present:
                if engine is not None:
                    engine.dispose()
                engine = _engine(self.path, mode, kept=self._kept)
                self._engines[mode] = (present, engine)
            return engine

    def _version(self, engine: Engine) -> int:
        with engine.connect() as connection:
            return refuse_newer(
                self.name, int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
            )

    def _migrate(self, engine: Engine) -> None:
        """Bring the tables up to date, one process at a time."""
        with held(self.path.parent, LOCK), engine.begin() as connection:
            version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
            upgrade(connection, version)
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as problem:
            raise BadDatabase(self._reason(str(problem.orig))) from problem
        except (sqlite3.Error, OSError) as problem:
            raise BadDatabase(self._reason(str(problem))) from problem

    def _reason(self, fault: str) -> str:
        if any(word in fault for word in _DAMAGED):
            return self._damaged(fault)
        if any(word in fault for word in _BUSY):
            return (
                f"{self.path}: another process has been writing to it for more than {BUSY_S:.0f} s ({fault}); "
                "wait for it to finish, or stop it, and try again"
            )
        return (
            f"{self.path} cannot be used: {fault}; check free space and write permission, or give another folder "
            "with --out"
        )

    def _damaged(self, fault: str) -> str:
        return (
            f"{self.path} is damaged ({fault}). The runs themselves are not touched by that: make it anew from them "
            f"with `sitewatch status --rebuild --out {self.path.parent}`; the damaged file is kept beside it"
        )


def _engine(path: Path, mode: str, *, kept: bool) -> Engine:
    writable = mode == _WRITING
    uri = f"file:{_quoted(path)}?{'mode=rwc' if writable else mode}"
    pool = {"poolclass": QueuePool, "pool_size": KEPT_CONNECTIONS, "max_overflow": -1}
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        creator=lambda: sqlite3.connect(
            uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        ),
        **(pool if kept else {"poolclass": NullPool}),
    )

    @event.listens_for(engine, "connect")
    def _settle(connection: sqlite3.Connection, _record: object) -> None:
        if writable:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        else:
            connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writable else "BEGIN")

    return engine


def _identity(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_ino
    return 0


def _reading_mode(path: Path) -> str:
    """How SQLite takes part in the write-ahead log: cleaning up after itself where it may; not at all on read-only
    media, where it must not try.
    """
    if os.access(path.parent, os.W_OK):
        return "mode=rw" if os.access(path, os.W_OK) else "mode=ro"
    return "mode=ro" if path.with_name(path.name + "-shm").exists() else "immutable=1"


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
