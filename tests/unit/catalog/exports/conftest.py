"""Runs that several tests read and none changes."""

import pytest

from catalog.exports.findings import Handover
from catalog.reader import StoredRun
from tests.unit.catalog import catalog_runs as made
from tests.unit.catalog.exports import handovers


@pytest.fixture(scope="session")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    """A run with one change of each kind."""
    return handovers.stored(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    """A run of which every word tries something."""
    return handovers.hostile(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def unplaced_run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    """A run without georeference, site or dates."""
    return handovers.stored(
        tmp_path_factory.mktemp("unplaced"), name="before_after_0123", site=None, before=None, after=None,
        grid=made.grid_of(crs=None),
    )  # fmt: skip


@pytest.fixture(scope="session")
def plain(plain_run: StoredRun) -> Handover:
    return handovers.handed(plain_run)


@pytest.fixture(scope="session")
def hostile(hostile_run: StoredRun) -> Handover:
    return handovers.handed(hostile_run)


@pytest.fixture(scope="session")
def unplaced(unplaced_run: StoredRun) -> Handover:
    return handovers.handed(unplaced_run)
