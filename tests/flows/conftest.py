"""One Prefect server for all flow tests, and a small archive to watch."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.testing.utilities import prefect_test_harness

from tests.flows.flow_archive import NEWCOMER, SHIP, write_archive, write_sites


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A server of its own, with a database that is thrown away."""
    with prefect_test_harness(server_startup_timeout=180):
        yield


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clear dates, between which one object appears, a clouded one, and one that is half clouded."""
    folder = tmp_path_factory.mktemp("archive")
    return write_archive(
        folder,
        {
            "2025-01-01": [SHIP],
            "2025-01-11": [SHIP, NEWCOMER],
            "2025-01-21": [NEWCOMER],
            "2025-01-31": [SHIP, NEWCOMER],
        },
        cloud={"2025-01-21": [(0, 0, 700, 1600)], "2025-01-31": [(0, 0, 700, 560)]},
    )


@pytest.fixture(scope="session")
def sites_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One site, "field"."""
    return write_sites(tmp_path_factory.mktemp("sites") / "sites.geojson")
