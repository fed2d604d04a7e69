"""The databases that records can be kept in."""

import itertools
from collections.abc import Iterator

import pytest

from catalog.database import ADDRESS, let_go
from tests.services.postgres import Postgres

_NUMBER = itertools.count()


@pytest.fixture(params=["sqlite", "postgres"])
def each_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Once with the file in the outputs folder, once with a PostgreSQL schema of its own; which of them."""
    if request.param == "sqlite":
        monkeypatch.delenv(ADDRESS, raising=False)
    else:
        address = request.getfixturevalue("records_server")
        monkeypatch.setenv(ADDRESS, f"{address}?schema=test{next(_NUMBER)}")
    yield str(request.param)
    let_go()


@pytest.fixture(scope="session")
def records_server(postgres: Postgres) -> str:
    """Address of a PostgreSQL database for records."""
    return postgres.create("records")
