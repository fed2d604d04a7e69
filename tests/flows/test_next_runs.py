"""The next scheduled run, asked of a real Prefect server."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL
from prefect.states import Scheduled

from flows.next_runs import next_runs


@flow
def planned(site: str | None = None, sites: list[str] | None = None) -> None:
    """Never run."""


def test_the_earliest_planned_run_of_each_site(
    prefect_server: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    soon = datetime.now(UTC) + timedelta(hours=3)
    with get_client(sync_client=True) as client:
        for hours, given in (
            (9, {"site": "alpha"}),
            (0, {"site": "alpha"}),
            (6, {"sites": ["beta", "alpha"]}),
        ):
            client.create_flow_run(
                planned, parameters=given, state=Scheduled(scheduled_time=soon + timedelta(hours=hours))
            )
    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
    found = next_runs(["alpha", "beta", "gamma"], tmp_path)
    assert sorted(found) == ["alpha", "beta"]
    assert datetime.fromisoformat(found["alpha"].replace("Z", "+00:00")) == soon
    assert datetime.fromisoformat(found["beta"].replace("Z", "+00:00")) == soon + timedelta(hours=6)


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:9/api", "not an address"])
def test_without_a_server_nothing_is_known(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", address)
    assert next_runs(["alpha"], tmp_path) == {}
