"""A PostgreSQL cluster of its own, with PostGIS."""

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.services.processes import await_ready, free_port, stop, unprivileged_folder

PACKAGE = "postgresql-15 postgresql-15-postgis-3"


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A running cluster on 127.0.0.1; its superuser needs no password."""

    port: int
    user: str = "postgres"
    host: str = "127.0.0.1"

    def dsn(self, database: str = "postgres", *, driver: str | None = None) -> str:
        """Address of a database; with a driver as SQLAlchemy wants it."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        return f"{scheme}://{self.user}@{self.host}:{self.port}/{database}"

    def create(self, database: str, *, driver: str | None = None) -> str:
        """Make an empty database, in place of one of that name; its address."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{database}"')
        return self.dsn(database, driver=driver)


@contextlib.contextmanager
def running_postgres(bin_folder: Path) -> Iterator[Postgres]:
    """A cluster for as long as the block lasts; nothing of it is kept."""
    with unprivileged_folder("sitewatch-pg-") as (folder, as_owner):
        data, log = folder / "data", folder / "log"
        subprocess.run(
            [bin_folder / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
            check=True, capture_output=True, timeout=300, **as_owner,
        )  # fmt: skip
        port = free_port()
        options = {
            "listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off",
            "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "64MB", "max_connections": "200",
        }  # fmt: skip
        command = [bin_folder / "postgres", "-D", data, "-p", str(port)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with log.open("wb") as output:
            server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **as_owner)
        cluster = Postgres(port=port)
        try:
            await_ready(server, lambda: _answers(cluster), log)
            yield cluster
        finally:
            # Fast shutdown: it does not wait for clients to leave.
            stop(server, signal=signal.SIGINT)


def _answers(cluster: Postgres) -> bool:
    try:
        psycopg.connect(cluster.dsn(), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="session")
def postgres(requires: Callable[..., Path]) -> Iterator[Postgres]:
    """One cluster for all tests."""
    program = requires("postgres", package=PACKAGE)
    if not list(Path("/usr/share/postgresql").glob("*/extension/postgis.control")):
        requires("postgis", package=PACKAGE)
    with running_postgres(program.parent) as cluster:
        yield cluster
