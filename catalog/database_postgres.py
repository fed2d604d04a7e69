"""Records in a PostgreSQL database, in a schema of their own."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    insert,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError

from catalog.database import ADDRESS, SCHEMA, Database, refuse_newer
from catalog.errors import BadDatabase
from catalog.layout import DATABASE
from catalog.layout import DATABASE_ID as ID_FILE
from catalog.migrations import FROM_RUNS, renew, upgrade
from catalog.tables import CURRENT_NAME

DRIVER = "postgresql+psycopg"
DEFAULT_SCHEMA = "sitewatch"
BUSY_S = 60
CONNECT_S = 10
WRITER = 7_350_117_294
"""Advisory lock that makes writers wait for each other; any number that nobody else uses."""

_settings = Table(
    "settings", MetaData(), Column("name", Text, primary_key=True), Column("value", Text, nullable=False)
)
_versions = Table("schema_versions", MetaData(), Column("version", Integer, primary_key=True))


class PostgresDatabase(Database):
    """A schema of a PostgreSQL database; see `catalog.database.Database`.

    Parameters
    ----------
    address : str
        ``postgresql://USER@HOST:PORT/DATABASE``, with ``?schema=NAME`` where it is not to be ``sitewatch``.
    root : Path
        The outputs folder. A schema belongs to one folder, which is checked, so that records do not mix.
    """

    def __init__(self, address: str, root: Path) -> None:
        url, self.schema = _parsed(address)
        self.root = root
        self.name = f"{url.render_as_string(hide_password=True)} (schema {self.schema})"
        self._url = url
        self._lock = Lock()
        self._made: Engine | None = None
        self._owned = False

    @contextmanager
    def writing(self, *, moving: bool = False) -> Iterator[Connection]:
        """See `Database.writing`."""
        with self._explained(), self._engine().begin() as connection:
            self._alone(connection)
            version = self._version(connection)
            if version == 0 and not moving:
                self._refuse_second_records()
            if version < SCHEMA:
                self._upgrade(connection, version)
            self._refuse_strangers(connection)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """See `Database.reading`."""
        with self._explained(), self._engine().connect() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                if self._version(connection) == 0:
                    yield None
                    return
                self._refuse_strangers(connection)
                yield connection

    @contextmanager
    def renewing(self, stamp: str) -> Iterator[Connection]:
        """See `Database.renewing`; the old tables go to a schema of their own."""
        with self.writing() as connection:
            kept = self.aside(stamp)
            connection.execute(text(f"DROP VIEW {CURRENT_NAME}"))
            connection.execute(text(f"CREATE SCHEMA {kept}"))
            for table in FROM_RUNS:
                connection.execute(text(f"ALTER TABLE {table.name} SET SCHEMA {kept}"))
            renew(connection)
            yield connection

    def set_aside(self, stamp: str) -> None:
        """See `Database.set_aside`."""
        del stamp
        raise BadDatabase(
            f"{self.name} cannot be read, and is not moved out of the way by sitewatch: repair it or restore it from a "
            f"backup with PostgreSQL's own tools, or give another schema or database in {ADDRESS}"
        )

    def exists(self) -> bool:
        """See `Database.exists`."""
        with self.reading() as connection:
            return connection is not None

    def aside(self, stamp: str) -> str:
        """See `Database.aside`."""
        return f"{self.schema}_replaced_{re.sub('[^a-z0-9]', '', stamp.lower())}"

    def close(self) -> None:
        """See `Database.close`."""
        with self._lock:
            if self._made is not None:
                self._made.dispose()
                self._made = None

    def _engine(self) -> Engine:
        with self._lock:
            if self._made is None:
                self._made = create_engine(
                    self._url,
                    pool_size=5,
                    max_overflow=25,
                    pool_pre_ping=True,
                    connect_args={
                        "options": f"-c search_path={self.schema}",
                        "connect_timeout": CONNECT_S,
                        "application_name": "sitewatch",
                        "prepare_threshold": None,
                    },
                )
            return self._made

    def _alone(self, connection: Connection) -> None:
        """Wait for other writers of this schema, until the end of the transaction."""
        connection.execute(text(f"SET LOCAL lock_timeout = '{BUSY_S}s'"))
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:key + hashtext(:schema))"),
            {"key": WRITER, "schema": self.schema},
        )

    def _version(self, connection: Connection) -> int:
        there = connection.execute(
            text("SELECT to_regclass(:table)"), {"table": f"{self.schema}.{_versions.name}"}
        ).scalar()
        if there is None:
            return 0
        found = connection.execute(select(_versions.c.version).order_by(_versions.c.version.desc())).scalar()
        return refuse_newer(self.name, int(found or 0))

    def _upgrade(self, connection: Connection, version: int) -> None:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {self.schema}"))
        if version == 0:
            _versions.create(connection)
            _settings.create(connection)
            connection.execute(insert(_settings).values(name=ID_FILE, value=self._own_id(make=True)))
        upgrade(connection, version)
        connection.execute(insert(_versions).values(version=SCHEMA))

    def _refuse_second_records(self) -> None:
        """Begin nothing anew where there are records already, in the file that is used without a server."""
        path = self.root / DATABASE
        if path.exists():
            raise BadDatabase(
                f"{self.name} holds nothing yet, and {path} holds the records of this folder: copy them first with "
                f"`sitewatch status --copy-records-from {path} --out {self.root}`, or move that file away to begin anew"
            )

    def _refuse_strangers(self, connection: Connection) -> None:
        """Hold a schema to the one outputs folder that it was made for."""
        if self._owned:
            return
        belongs = connection.execute(select(_settings.c.value).where(_settings.c.name == ID_FILE)).scalar()
        if belongs != self._own_id():
            raise BadDatabase(
                f"{self.name} holds the records of another outputs folder than {self.root}: give each its own schema, "
                f"{ADDRESS}=postgresql://...?schema=NAME. If it is the same folder, restored or copied, write "
                f"{belongs} into {self.root / ID_FILE}"
            )
        self._owned = True

    def _own_id(self, *, make: bool = False) -> str | None:
        path = self.root / ID_FILE
        if path.is_file():
            return path.read_text(encoding="utf-8").strip()
        if not make:
            return None
        self.root.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{uuid.uuid4().hex}\n", encoding="utf-8")
        return path.read_text(encoding="utf-8").strip()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as problem:
            raise BadDatabase(self._reason(str(problem.orig).strip())) from problem
        except ImportError as problem:
            raise BadDatabase(
                f"{self.name} needs the PostgreSQL driver, which is not installed ({problem}): "
                "pip install 'sitewatch[postgres]'"
            ) from problem

    def _reason(self, fault: str) -> str:
        if "lock timeout" in fault:
            return (
                f"{self.name}: another process has been writing to it for more than {BUSY_S} s; wait for it to finish, "
                "or stop it, and try again"
            )
        return f"{self.name} cannot be used: {fault}; check the server and the address in {ADDRESS}"


def _parsed(address: str) -> tuple[URL, str]:
    """The address for SQLAlchemy, and the schema.

    Raises
    ------
    BadDatabase
    """
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise BadDatabase(
            f"{ADDRESS} is not an address of a database; give postgresql://USER@HOST:PORT/DATABASE, or unset it "
            "to use sitewatch.db in the outputs folder"
        ) from error
    if url.drivername not in ("postgresql", "postgres", DRIVER):
        raise BadDatabase(
            f"{ADDRESS} names a {url.drivername} database; sitewatch knows PostgreSQL "
            "(postgresql://USER@HOST:PORT/DATABASE), and SQLite where nothing is given"
        )
    schema = str(url.query.get("schema", DEFAULT_SCHEMA))
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,30}", schema):
        raise BadDatabase(f"{ADDRESS}: schema {schema!r} must be lowercase letters, digits and _")
    return url.difference_update_query(["schema"]).set(drivername=DRIVER), schema
