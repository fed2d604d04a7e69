"""Findings and attempts through the real flow, on an archive that grows: first a clouded date, then a late one."""

import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from catalog.database import reading
from catalog.findings import chain_fault, current
from catalog.tables import finding_events
from flows.cli import call
from flows.status import status_document
from flows.watch import SiteResult, exit_code, watch_site, watch_sites
from imagery.errors import SourceUnreachable
from tests.flows.flow_archive import NEWCOMER, SHIP, write_archive

pytestmark = pytest.mark.usefixtures("prefect_server")

START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
LATE = "scene-2025-01-11"


def watch(archive: Path, sites_file: Path, out: Path) -> SiteResult:
    result: SiteResult = watch_site("field", str(archive), START, END, out, sites_file)
    return result


def without_scene(items: Path, scene: str) -> Path:
    """The archive as it is before a scene is delivered."""
    document = json.loads(items.read_text())
    document["features"] = [item for item in document["features"] if item["id"] != scene]
    path = items.with_name("before-it-came.json")
    path.write_text(json.dumps(document))
    return path


def journal(out: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Present state of each finding, and every event."""
    with reading(out) as connection:
        assert connection is not None
        assert chain_fault(connection) is None
        events = connection.execute(select(finding_events).order_by(finding_events.c.seq)).mappings()
        return [dict(row) for row in current(connection)], [dict(row) for row in events]


@pytest.fixture(scope="module")
def growing(
    prefect_server: None, sites_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[SiteResult], list[tuple[list[dict[str, Any]], list[dict[str, Any]]]]]:
    """Watched three times: without the late date, with it, and again. On the last date cloud hides the newcomer."""
    folder = tmp_path_factory.mktemp("growing")
    out = folder / "outputs"
    items = write_archive(
        folder / "a",
        {
            "2025-01-01": [SHIP],
            "2025-01-11": [SHIP, NEWCOMER],
            "2025-01-21": [SHIP, NEWCOMER],
            "2025-01-31": [SHIP, NEWCOMER],
        },
        cloud={"2025-01-31": [(400, 640, 520, 800)]},
    )
    results, journals = [], []
    early = without_scene(items, LATE)
    whole = items.read_text()
    for content in (early.read_text(), whole, whole):
        items.write_text(content)
        results.append(watch(items, sites_file, out))
        journals.append(journal(out))
    return out, results, journals


def test_what_cloud_hides_on_the_next_date_stays_provisional(growing: Any) -> None:
    _, results, journals = growing
    states, events = journals[0]
    (finding,) = states
    assert (finding["state"], finding["reason"]) == ("provisional", "not_observed")
    assert finding["after_scene"] == "scene-2025-01-21"
    assert [event["state"] for event in events] == ["provisional", "provisional"]
    first, second = results[0].runs
    assert first.row["states"] == {"provisional": 1, "confirmed": 0, "withdrawn": 0}
    assert first.row["findings"] == [
        {
            "id": finding["id"],
            "kind": "appeared",
            "state": "provisional",
            "reason": "not_observed",
            "suppressed_until": None,
        }
    ]
    assert first.changes[0]["state"] == "provisional"
    assert second.row["states"] == {"provisional": 0, "confirmed": 0, "withdrawn": 0}


def test_late_date_takes_the_finding_over_and_the_next_confirms_it(growing: Any) -> None:
    _, results, journals = growing
    states = {row["after_scene"]: row for row in journals[1][0]}
    old, new = states["scene-2025-01-21"], states[LATE]
    assert (old["state"], old["reason"], old["successor"]) == ("withdrawn", "superseded", new["id"])
    assert (new["state"], new["reason"]) == ("confirmed", "lasts")
    assert new["scenes"] == ["scene-2025-01-01", LATE, "scene-2025-01-21"]
    assert [run.row["states"]["confirmed"] for run in results[1].runs] == [1, 0, 0]


def test_events_are_only_added_and_none_by_the_same_period_again(growing: Any) -> None:
    _, _, journals = growing
    first, second, third = (events for _, events in journals)
    assert second[: len(first)] == first
    assert len(second) > len(first)
    assert third == second


def test_files_of_a_run_do_not_say_a_state(growing: Any) -> None:
    _, results, _ = growing
    for run in results[1].runs:
        assert '"state": "confirmed"' not in run.paths.report.read_text()
        assert "confirmed" not in run.paths.changes.read_text()


def test_status_knows_newest_images_attempts_and_findings(
    growing: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    out, results, _ = growing
    assert call(["status", "--out", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (site,) = document["sites"]
    (sensor,) = site["sensors"]
    assert sensor["newest"]["scene"] == sensor["compared"]["scene"] == "scene-2025-01-31"
    assert sensor["tiles_unseen"]["of"] == 6
    (source,) = site["sources"]
    assert source["last"]["new_scenes"] == 0
    assert source["last"]["runs"] == 3
    assert source["last"]["result"] == ("done" if exit_code([results[2]]) == 0 else "degraded")
    assert source["trouble"] is None
    assert site["findings"]["states"] == {"provisional": 0, "confirmed": 1, "withdrawn": 1}
    assert [row["state"] for row in site["findings"]["newest"]] == ["confirmed"]
    assert document["unrecorded_runs"] == []
    assert document["journal"]["fault"] is None


def test_run_prints_states(growing: Any, sites_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, results, _ = growing
    args = ["run", "field", "--source", results[0].source, "--sites", str(sites_file), "--out", str(out)]
    call([*args, "--from", "2025-01-01", "--to", "2025-01-31"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "field: 1 changes: 1 confirmed" in shown


def test_source_that_is_down_is_recorded_and_the_next_good_run_ends_the_trouble(
    growing: Any, sites_file: Path
) -> None:
    out, results, _ = growing
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else answers there either
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/catalog.json"
        (down,) = watch_sites(["field"], address, START, END, out, sites_file)
    assert isinstance(down.error, SourceUnreachable)
    (site,) = status_document(out)["sites"]
    sources = {source["source"]: source for source in site["sources"]}
    assert site["health"] == "source_down"
    assert sources[address]["last"]["result"] == "source_down"
    assert address in sources[address]["trouble"]["reason"]
    assert sources[address]["trouble"]["attempts"] == 1
    assert sources[address]["last_good"] is None
    assert sources[results[0].source]["trouble"] is None
    assert site["findings"]["states"]["confirmed"] == 1
