"""A real STAC API: stac-fastapi.pgstac on PostgreSQL."""

import contextlib
import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.services.nginx import Nginx
from tests.services.postgres import Postgres
from tests.services.processes import await_ready, free_port, stop


@dataclass(frozen=True, kw_only=True)
class StacServer:
    """A running API: its URL, and the database behind it."""

    url: str
    dsn: str

    def add(self, items: Iterable[Mapping[str, Any]], collections: Iterable[Mapping[str, Any]] = ()) -> None:
        """Put items there, with their collections where those are new; items of the same id are replaced."""
        items = [dict(item) for item in items]
        made = {collection["id"]: dict(collection) for collection in collections}
        for item in items:
            made.setdefault(item["collection"], _collection(item["collection"]))
        # By the database's own functions: of a second load through pypgstac's loader nothing arrived.
        with self._connected() as connection:
            for collection in made.values():
                connection.execute("SELECT upsert_collection(%s::jsonb)", (json.dumps(collection),))
            for item in items:
                connection.execute("SELECT upsert_item(%s::jsonb)", (json.dumps(item),))

    def remove(self, ids: Iterable[str]) -> None:
        """Take items away."""
        with self._connected() as connection:
            for identity in ids:
                connection.execute("SELECT delete_item(%s)", (identity,))

    def _connected(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn, autocommit=True, options="-c search_path=pgstac,public")


def _collection(identity: str) -> dict[str, Any]:
    return {
        "type": "Collection", "stac_version": "1.0.0", "id": identity, "description": identity, "license": "other",
        "links": [],
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]},
                   "temporal": {"interval": [["2015-01-01T00:00:00Z", None]]}},
    }  # fmt: skip


@contextlib.contextmanager
def running_server(
    cluster: Postgres, database: str, folder: Path, *, settings: Mapping[str, str] | None = None
) -> Iterator[StacServer]:
    """A server with a database of its own, for as long as the block lasts.

    ``ENABLED_EXTENSIONS`` stays unset: with a list that lacks the paging extension pages repeat silently, which a test
    that wants just that can ask for in `settings`.
    """
    dsn = cluster.create(database)
    with serving_database(cluster, database, folder, settings=settings, migrate=True) as server:
        assert server.dsn == dsn
        yield server


@contextlib.contextmanager
def serving_database(
    cluster: Postgres,
    database: str,
    folder: Path,
    *,
    settings: Mapping[str, str] | None = None,
    migrate: bool = False,
) -> Iterator[StacServer]:
    """A server over a database that is there."""
    dsn = cluster.dsn(database)
    if migrate:
        _migrate(dsn)
    port, log = free_port(), folder / f"{database}.log"
    env = {name: value for name, value in os.environ.items() if name != "ENABLED_EXTENSIONS"}
    env |= {
        "PGHOST": cluster.host, "PGPORT": str(cluster.port), "PGUSER": cluster.user, "PGPASSWORD": "none",
        "PGDATABASE": database, **(settings or {}),
    }  # fmt: skip
    command = [
        sys.executable, "-m", "uvicorn", "stac_fastapi.pgstac.app:create_app", "--factory", "--host", "127.0.0.1",
        "--port", str(port), "--log-level", "warning",
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        await_ready(process, lambda: _answers(url), log)
        yield StacServer(url=url, dsn=dsn)
    finally:
        stop(process)


def _migrate(dsn: str) -> None:
    program = Path(sys.executable).with_name("pypgstac")
    done = subprocess.run(
        [program, "migrate", "--dsn", dsn], check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_mgmt/ping", timeout=10).is_success
    except httpx.TransportError:
        return False


def earth_search_items(files: Nginx) -> list[dict[str, Any]]:
    """The real items; their images lie on a server of ours, everything else is as Earth Search wrote it."""
    found = []
    for path in sorted(files.root.glob("*/*/*.json")):
        item = json.loads(path.read_text())
        folder = path.parent.relative_to(files.root).as_posix()
        for asset in item["assets"].values():
            if "://" not in asset["href"]:
                asset["href"] = f"{files.url}/{folder}/{asset['href'].removeprefix('./')}"
        # Links of a static catalogue are relative to files; an API makes its own.
        item["links"] = [link for link in item["links"] if "://" in link["href"]]
        item["collection"] = "sentinel-2-l2a"
        found.append(item)
    return found


def in_collection(item: Mapping[str, Any], collection: str, **properties: Any) -> dict[str, Any]:
    """A copy of an item as another collection would hold it."""
    made = copy.deepcopy(dict(item))
    made["collection"] = collection
    made["properties"] |= properties
    return made


@pytest.fixture(scope="session")
def pgstac(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StacServer]:
    """One empty server for all tests; use a collection id of your own."""
    with running_server(postgres, "pgstac", tmp_path_factory.mktemp("pgstac")) as server:
        yield server


@pytest.fixture(scope="session")
def earth_search_api(
    postgres: Postgres, earth_search_files: Nginx, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StacServer]:
    """A server with the real Earth Search items; do not change what it holds."""
    with running_server(postgres, "earth_search", tmp_path_factory.mktemp("earth-search")) as server:
        items = earth_search_items(earth_search_files)
        assert len(items) == 10
        server.add(items)
        yield server


@pytest.fixture(scope="session")
def earth_search_toml(earth_search_api: StacServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of providers: that server is ``here``."""
    path = tmp_path_factory.mktemp("providers") / "providers.toml"
    path.write_text(provider_toml("here", earth_search_api.url))
    return path


_OFFERED = '{{ id = "{}", sensor = "optical" }}'


def provider_toml(name: str, url: str, **more: str) -> str:
    """A provider on loopback, as a user would describe it; `more` are further keys with their TOML."""
    keys = {
        "url": f'"{url}"',
        "collections": f"[{', '.join(_OFFERED.format(name) for name in ('sentinel-2-c1-l2a', 'sentinel-2-l2a'))}]",
        "schemes": '["http"]', "hosts": '["127.0.0.1"]', "private": '["127.0.0.0/8"]', "requests_per_second": "50",
        "page_size": "3", **more,
    }  # fmt: skip
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
