"""The deployments of prefect.yaml, really executed by a worker on a server with PostgreSQL.

A scheduler that silently schedules nothing has been seen with wrong versions, so what counts here are runs that the
schedule itself started and that left something behind.
"""

import json
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from flows import events
from tests.flows.flow_archive import NEWCOMER, SHIP, write_archive, write_sites
from tests.services import prefect_server as service
from tests.services.postgres import Postgres
from tests.services.serving import EVERY_MINUTE, PATIENCE_S

pytestmark = pytest.mark.system


def project_in(repository: Path, folder: Path, place: Path, source: Path) -> Path:
    """prefect.yaml as it stands in the repository, for a site and an archive of the test, each minute."""
    project = yaml.safe_load((repository / "prefect.yaml").read_text())
    for deployment in project["deployments"]:
        given = deployment.setdefault("parameters", {})
        if "source" in given:
            given |= {"source": str(source), "out": str(folder / "out"), "sites_file": str(place)}
        if deployment["name"] == "khmeimim":
            given["site"] = "field"
            deployment["schedules"] = [{"cron": EVERY_MINUTE, "timezone": "Asia/Damascus"}]
        elif "schedules" in deployment:
            deployment["schedules"] = []
    (folder / "prefect.yaml").write_text(yaml.safe_dump(project))
    return folder


def test_cron_run_executes_on_a_worker_with_postgresql(
    repository: Path, tmp_path: Path, postgres: Postgres
) -> None:
    days = [(datetime.now(UTC).date() - timedelta(days=n)).isoformat() for n in (20, 15)]
    archive = write_archive(tmp_path / "archive", {days[0]: [SHIP], days[1]: [SHIP, NEWCOMER]})
    place = write_sites(tmp_path / "sites.geojson")
    project = project_in(repository, tmp_path, place, archive)
    with ExitStack() as up:
        env = up.enter_context(
            service.prefect_server(tmp_path / "prefect", postgres.create("prefect", driver="asyncpg"))
        )
        api = env["PREFECT_API_URL"]
        service.cli(env, "work-pool", "create", "sitewatch", "--type", "process")
        service.cli(env, "--no-prompt", "deploy", "--all", cwd=project)
        form = service.post(api, "deployments/filter", {"deployments": {"name": {"any_": ["khmeimim"]}}})[0]
        assert form["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
        assert form["global_concurrency_limit"]["limit"] == 1
        assert all(p["description"] for p in form["parameter_openapi_schema"]["properties"].values())

        notified = [
            sys.executable,
            "-m",
            "flows.cli",
            "automations",
            "--notify",
            f"file={tmp_path / 'alerts'}",
        ]
        done = subprocess.run(
            notified, env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == 0, done.stderr
        worker = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "sitewatch"]
        up.enter_context(
            service.program(worker, {**env, "PREFECT_WORKER_QUERY_SECONDS": "2"}, tmp_path / "worker.log")
        )

        def completed() -> list[dict[str, Any]]:
            return [r for r in service.flow_runs(api, "khmeimim", "COMPLETED") if r["auto_scheduled"]]

        try:
            run = service.until(completed, PATIENCE_S, "a scheduled run is completed")[0]
            service.until((tmp_path / "alerts").is_file, PATIENCE_S, "the automation told of it")
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{(tmp_path / 'worker.log').read_text()[-3000:]}") from problem
        assert run["state"]["message"] == "2 new scenes, 1 pair compared, 1 changed"
        assert len(list((tmp_path / "out" / "field").glob("*/item.json"))) == 1
        (event,) = service.events(api, events.CHANGE)
        assert event["resource"]["prefect.resource.id"] == "sitewatch.site.field"
        assert {"flow-run", "deployment", "tag"} <= {r["prefect.resource.role"] for r in event["related"]}
        assert json.loads((tmp_path / "alerts").read_text())["text"].endswith("1 appeared")
        collide(api, archive, place, tmp_path / "out")
        versions = httpx.get(f"{api}/admin/version", timeout=30)
        assert versions.status_code == 200


def collide(api: str, archive: Path, place: Path, out: Path) -> None:
    """Start two runs of a deployment at a time: of a poll one is cancelled, of a replay one has to wait."""

    def start_twice(name: str, flow: str, **parameters: str) -> list[str]:
        (deployment,) = service.post(api, "deployments/filter", {"deployments": {"name": {"any_": [name]}}})
        assert deployment["entrypoint"].endswith(flow)
        path, body = f"deployments/{deployment['id']}/create_flow_run", {"parameters": parameters}
        return [service.post(api, path, body)["id"] for _ in range(2)]

    def states(ids: list[str]) -> list[tuple[str, str]]:
        found = service.post(api, "flow_runs/filter", {"flow_runs": {"id": {"any_": ids}}})
        return [(run["state"]["name"], run["state"]["message"] or "") for run in found]

    def seen(ids: list[str], name: str) -> list[str]:
        return [message for state, message in states(ids) if state == name]

    here = {"source": str(archive), "out": str(out), "sites_file": str(place), "site": "field"}
    polls = start_twice("khmeimim", "poll_site", **here)
    replays = start_twice("replay", "replay", **here, start="2025-01-01", end="2025-01-02")
    said = service.until(partial(seen, polls, "Cancelled"), PATIENCE_S, "a poll is cancelled")
    assert said[0] == "Deployment concurrency limit reached."
    service.until(partial(seen, replays, "AwaitingConcurrencySlot"), PATIENCE_S, "a replay waits")
