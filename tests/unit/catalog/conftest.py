"""Runs to be reviewed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.review import ReviewStore
from tests.unit.catalog.reviews import Open, two_changes


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


@pytest.fixture
def opened(each_database: str) -> Iterator[Open]:
    """Opens stores on each database, and closes them."""
    del each_database
    stores: list[ReviewStore] = []

    def open_(root: Path, **options: object) -> ReviewStore:
        stores.append(ReviewStore(root, **options))
        return stores[-1]

    yield open_
    for store in stores:
        store.close()


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs without pictures, which take most of the time of writing them."""
    monkeypatch.setattr("catalog.pictures.draw", lambda *_: None)
