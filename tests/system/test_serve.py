"""``sitewatch serve``, really executed: polls, faults, notices and what is left when it ends.

A scheduler that silently schedules nothing has been seen with wrong versions, so what counts here are runs that the
schedule itself started and that left something behind.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from flows import events
from tests.flows.flow_archive import SHIP, write_archive, write_sites
from tests.services import prefect_server as service
from tests.services.nginx import Nginx
from tests.services.postgres import Postgres
from tests.services.processes import free_port
from tests.services.provider import IN_BUCKET, KEYS, Provider, running_provider
from tests.services.serving import EVERY_MINUTE, PATIENCE_S, Serving
from tests.services.sinks import smtp, webhook

pytestmark = pytest.mark.system


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
