"""The databases that records can be kept in, and runs to be reviewed."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.database import ADDRESS, let_go
from tests.services.postgres import Postgres
from tests.unit.catalog.reviews import two_changes

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


@pytest.fixture(scope="session")
def _two_changes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written once: that is most of what a test of reviews would take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("catalog.pictures.draw", lambda *_: None)
        return two_changes(tmp_path_factory.mktemp("two-changes")).root


@pytest.fixture
def reviewed(_two_changes: Path, tmp_path: Path) -> Path:
    """An outputs folder with one run of a site and two changes in it (`tests.unit.catalog.reviews`)."""
    return Path(shutil.copytree(_two_changes, tmp_path / "out"))
