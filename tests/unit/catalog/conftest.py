"""The databases that records can be kept in."""

import itertools

import pytest

from catalog.database import ADDRESS

_NUMBER = itertools.count()


@pytest.fixture(params=["sqlite", "postgres"])
def each_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Once with the file in the outputs folder, once with a PostgreSQL database of its own; which of them."""
    if request.param == "sqlite":
        monkeypatch.delenv(ADDRESS, raising=False)
    else:
        postgres = request.getfixturevalue("postgres")
        monkeypatch.setenv(ADDRESS, postgres.create(f"records{next(_NUMBER)}"))
    return str(request.param)
