"""Scheduled monitoring, really executed: ``sitewatch serve``, and deployments on a server with PostgreSQL.

A scheduler that silently schedules nothing has been seen with wrong versions, so what counts here are runs that the
schedule itself started and that left something behind.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import yaml

from flows import events
from flows.poll_record import PollRecord, all_records
from flows.status import status_document
from tests.flows.flow_archive import NEWCOMER, SHIP, write_archive, write_sites
from tests.services import prefect_server as service
from tests.services.nginx import Nginx
from tests.services.postgres import Postgres
from tests.services.processes import free_port
from tests.services.provider import IN_BUCKET, KEYS, Provider, running_provider
from tests.services.sinks import smtp, webhook

pytestmark = pytest.mark.system

PATIENCE_S = 420
"""On a busy machine; a minute or so on a free one."""

EVERY_MINUTE = "* * * * *"


class Serving:
    """A ``sitewatch serve`` that was started, and what can be seen of it."""

    def __init__(self, process: subprocess.Popen[str], out: Path, alerts: Path) -> None:
        self.process, self.out, self.alerts = process, out, alerts
        self.lines: list[str] = []
        self.state: dict[str, Any] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def ready(self) -> dict[str, Any]:
        if not self.state:
            assert self.process.stdout is not None
            self.state = json.loads(self.process.stdout.readline() and self._rest())
        return self.state

    def _rest(self) -> str:
        text = "{"
        assert self.process.stdout is not None
        while not text.endswith("\n}\n"):
            line = self.process.stdout.readline()
            assert line, self.lines
            text += line
        return text

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        def alive() -> Any:
            assert self.process.poll() is None, self.lines
            return condition()

        try:
            return service.until(alive, PATIENCE_S, what)
        except AssertionError as problem:
            log = self.out / ".work" / "prefect" / "runner.log"
            tail = log.read_text().splitlines()[-15:] if log.is_file() else []
            raise AssertionError("\n".join([str(problem), *self.lines, *tail])) from problem

    def record(self, site: str) -> PollRecord | None:
        return next((record for record in all_records(self.out) if record.site == site), None)

    def told(self, event: str, site: str = "field") -> list[dict[str, Any]]:
        if not self.alerts.is_file():
            return []
        documents = [json.loads(line) for line in self.alerts.read_text().splitlines()]
        return [d for d in documents if d["event"] == event and d["site"] == site]

    def runs(self, site: str = "field") -> list[Path]:
        return sorted(path.parent for path in self.out.glob(f"{site}/*/item.json"))

    def status(self, site: str) -> dict[str, Any]:
        """What ``sitewatch status --json`` says of a site."""
        found: dict[str, Any] = status_document(self.out, [site])["sites"][0]
        return found


@pytest.fixture(scope="module", autouse=True)
def serving(
    postgres: Postgres, earth_search_files: Nginx, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Serving, Provider, list[Any], list[str]]]:
    """Started first of all, so that it comes up while the other test has its own server come up."""
    folder = tmp_path_factory.mktemp("serve")
    with (
        running_provider(postgres, earth_search_files, folder / "provider") as provider,
        webhook() as (hook, posted),
        smtp() as (mail_server, mails),
    ):
        provider.show_made(0, 1)
        provider.show_real("15", "20")
        env = service.clean_env(PREFECT_RUNNER_POLL_FREQUENCY="2", SITEWATCH_SMTP=mail_server, **KEYS)
        process = subprocess.Popen(
            [
                sys.executable, "-m", "flows.cli", "serve", "field", "border", "--source", "here",
                "--providers", provider.toml, "--sites", provider.sites(), "--lookback", "3650d",
                "--out", folder / "out", "--cron", EVERY_MINUTE, "--port", str(free_port()), "--json",
                "--notify", f"file={folder / 'alerts.jsonl'}", "--notify", f"webhook={hook}",
                "--notify", "email=analyst@example.org",
            ],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            yield Serving(process, folder / "out", folder / "alerts.jsonl"), provider, posted, mails
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()


def test_serve_keeps_prefects_records_in_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    day = (datetime.now(UTC).date() - timedelta(days=5)).isoformat()
    archive = write_archive(tmp_path / "archive", {day: [SHIP]})
    place = write_sites(tmp_path / "sites.geojson")
    address = postgres.create("serve", driver="asyncpg")
    process = subprocess.Popen(
        [
            sys.executable, "-m", "flows.cli", "serve", "field", "--source", archive, "--sites", place,
            "--out", tmp_path / "out", "--database", address, "--port", str(free_port()), "--json",
        ],
        env=service.clean_env(PREFECT_RUNNER_POLL_FREQUENCY="2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip

    def completed() -> Any:
        with psycopg.connect(postgres.dsn("serve")) as connection:
            return connection.execute(
                "SELECT name FROM flow_run WHERE state_type = 'COMPLETED' AND name LIKE 'field-poll-%'"
            ).fetchone()

    here = Serving(process, tmp_path / "out", tmp_path / "alerts")
    try:
        here.ready()
        (name,) = here.until(completed, "a poll is completed, and PostgreSQL knows it")
        assert name.startswith("field-poll-")
        record = here.record("field")
        assert record is not None
        assert record.message.startswith("1 new scene, 0 pairs compared")
        assert not list((tmp_path / "out").rglob("prefect.db*"))
        process.terminate()
        assert process.wait(PATIENCE_S) == 0, here.lines
    finally:
        process.kill()


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


def changes(posted: list[Any]) -> list[dict[str, Any]]:
    """The notices of changes among all that came."""
    return [document for document in posted if document["event"] == events.CHANGE]


def found_by_the_schedule(api: str, site: str, said: str) -> list[dict[str, Any]]:
    """Runs of a site that the schedule started and that said this at their end."""
    return [
        run
        for run in service.flow_runs(api, site, "COMPLETED")
        if run["auto_scheduled"] and run["state"]["message"].startswith(said)
    ]


def has_healed(here: Serving, site: str) -> bool:
    """Whether the last poll of a site ended well."""
    record = here.record(site)
    return record is not None and record.outcome in ("done", "nothing new")


def descendants(out: Path) -> list[str]:
    """Command lines of processes that work for the Prefect of this folder."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"PREFECT_HOME={out / '.work' / 'prefect'}".encode() in environ.read_bytes():
                found.append(environ.with_name("cmdline").read_bytes().decode().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.mark.timeout(1800)  # it waits for whole minutes, many times
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for leftover processes in /proc")
def test_serve_picks_up_what_comes_heals_and_leaves_nothing(
    serving: tuple[Serving, Provider, list[Any], list[str]],
) -> None:
    here, provider, posted, mails = serving
    state = here.ready()
    assert httpx.get(state["ui"], timeout=60, follow_redirects=True).status_code == 200
    assert here.until(lambda: state["next"] or here.record("field"), "it is scheduled")

    # The first poll finds two dates, and everybody is told.
    here.until(lambda: here.told(events.CHANGE), "the first change is told of")
    here.until(lambda: changes(posted) and mails, "the web hook and the mail server have it too")
    assert changes(posted)[0] == here.told(events.CHANGE)[0]
    assert changes(posted)[0]["counts"] == {"appeared": 1, "vanished": 0, "moved": 0}
    assert any("Subject: sitewatch: field," in mail for mail in mails)
    (first,) = here.runs()
    stamps = {path: path.stat().st_mtime_ns for path in first.rglob("*") if path.is_file()}
    here.until(lambda: len(here.runs("border")) == 1, "the real images were read over HTTP")
    # Their pixels are far too coarse for what may be claimed, so that the pair is refused, which is told of as well.
    here.until(lambda: here.told(events.DEGRADED, "border"), "the refused pair is told of")
    here.until(lambda: [d for d in posted if d["event"] == events.DEGRADED], "the web hook has it too")
    (refused,) = here.told(events.DEGRADED, "border")
    assert (refused["status"], Path(refused["folder"])) == ("not_assessable", here.runs("border")[0])
    assert refused["problem"].startswith(f"{refused['run']} could not be assessed: ")
    record = here.record("border")
    assert record is not None
    assert record.outcome in ("degraded", "nothing new")
    assert here.status("border")["health"] == "degraded"

    # Scenes that come while it runs are found by runs that the schedule started; real ones come over S3.
    provider.show_made(2)
    provider.show_real("13", IN_BUCKET)
    here.until(lambda: len(here.runs()) == 2, "the third date was compared")
    here.until(lambda: len(here.runs("border")) == 2, "two more real dates were compared")
    for site, said in (
        ("field", "1 new scene, 1 pair compared"),
        ("border", "4 new scenes, 1 pair compared"),
    ):
        here.until(
            partial(found_by_the_schedule, state["api"], site, said), f"that run of {site} is completed"
        )
    early, late = here.runs("border")
    assert (early.name, late.name) == (
        "optical-120m_20230813T100807Z_20230818T100808Z",
        "optical-120m_20230815T095811Z_20230820T095811Z",
    )
    inputs = json.loads((early / "report.json").read_text())["inputs"]
    assert {urlsplit(entry["href"]).scheme for entry in inputs} == {"http", "s3"}
    assert all(entry["etag"] and entry["sha256"] for entry in inputs)
    assert here.status("field")["polls"][0]["outcome"] == "done"

    # The provider fails at night and then is not there at all: said once, and written down.
    provider.fail(500)
    for site in ("field", "border"):
        here.until(partial(here.told, events.DOWN, site), f"the source of {site} is said to be down")
        down = here.status(site)["polls"][0]
        assert down["outcome"] == "source down"
        assert down["failing_since"]
        assert "500" in down["message"]
    with provider.proxy.down():
        here.until(
            lambda: "500" not in here.status("field")["polls"][0]["message"], "it is seen that nobody answers"
        )
        assert here.status("field")["polls"][0]["failing_since"] == here.told(events.DOWN)[0]["since"]

        # The server is killed, too. It comes back, and so does the provider: the next poll heals.
        os.kill(state["server_pid"], signal.SIGKILL)
        provider.show_made(3)
        provider.reprocess("20")
        provider.proxy.heal()
    here.until(
        lambda: any("Prefect's server ended (signal 9)" in line for line in here.lines), "it is missed"
    )
    for site in ("field", "border"):
        here.until(partial(has_healed, here, site), f"{site} has healed")
    here.until(lambda: len(here.runs()) == 3, "the fourth date was compared")
    here.until(lambda: list(late.glob("versions/*")), "the reprocessed date was compared")
    used = json.loads((late / "report.json").read_text())["inputs"]
    assert {entry["scene_id"].split("_")[-2] for entry in used if "20230820" in entry["scene_id"]} == {"1"}
    here.until(lambda: len(here.told(events.CHANGE)) == 3, "three changes were told of")
    for site in ("field", "border"):
        assert here.status(site)["polls"][0]["failing_since"] is None

    # Nothing was done or told of twice.
    assert len({document["run"] for document in here.told(events.CHANGE)}) == 3
    assert [len(here.told(events.DOWN, site)) for site in ("field", "border")] == [1, 1]
    refusals = [document["run"] for document in here.told(events.DEGRADED, "border") if "run" in document]
    assert sorted(refusals) == sorted({f"border/{path.name}" for path in here.runs("border")})
    assert not [document for document in here.told(events.DEGRADED) if "run" in document]
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert not list(here.out.glob("field/*/versions"))

    assert descendants(here.out)
    here.process.terminate()
    assert here.process.wait(PATIENCE_S) == 0, here.lines
    deadline = time.monotonic() + 30
    while descendants(here.out) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert descendants(here.out) == []
    assert here.lines[-1].endswith("stopped")
