"""`sitewatch status`: what it knows, what it says, and how it looks at 80 and at 120 columns."""

import io
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import text, update

from catalog import attempts
from catalog.attempts import AttemptEnd, attempting, conclude
from catalog.bookkeeping import update as update_findings
from catalog.database import ADDRESS, let_go, writing
from catalog.tables import finding_events
from flows.cli import call
from flows.errors import UnknownSite
from flows.poll_record import PollRecord, save_record
from flows.status import status_document
from flows.status_screen import show_status
from tests.services.postgres import Postgres
from tests.unit.catalog.catalog_runs import scene
from tests.unit.catalog.histories import PLACE, SITE, Archive, Day, Said

START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
NOW = datetime(2025, 2, 10, 12, tzinfo=UTC)
DOWN = (
    "earth-search: https://archive.example/v1 does not answer (timed out after 30 s); is there a connection?"
)


def attempt(
    root: Path,
    end: AttemptEnd,
    *,
    monkeypatch: pytest.MonkeyPatch,
    ago: timedelta,
    source: str = "earth-search",
) -> None:
    """An attempt that began and ended some time before `NOW`."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return NOW - ago

    with monkeypatch.context() as patch:
        patch.setattr(attempts, "datetime", Clock)
        with attempting(root, site=SITE, source=source, start=START, end=END) as begun:
            conclude(root, begun, end)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site that was watched well, until its source went down three nights ago; a radar source is fine."""
    monkeypatch.setattr("catalog.pictures.draw", lambda *_: None)
    archive = Archive(root=tmp_path / "out", work=tmp_path / "work")
    empty, there, stays = Day(day=1), Day(day=11, objects=[PLACE]), Day(day=21, objects=[PLACE])
    archive.compare(empty, there, Said())
    archive.compare(there, stays, Said(place=(20, 20, 40, 30), score=0.7))
    update_findings(archive.root, SITE)
    offered = tuple(scene(day.id, day.acquired, gsd_m=0.5) for day in (empty, there, stays, Day(day=31)))
    given = {"monkeypatch": monkeypatch}
    good = AttemptEnd(
        result="degraded", runs=2, scenes=offered, tiles={"unchanged": 1, "not_assessable": 1},
        unseen=[("cloud", 1)], reason="1 of 2 tiles could not be assessed, most often: cloud",
    )  # fmt: skip
    attempt(archive.root, good, ago=timedelta(days=4), **given)
    for days in (3, 2, 1):
        attempt(
            archive.root, AttemptEnd(result="source_down", reason=DOWN), ago=timedelta(days=days), **given
        )
    radar = (
        scene("s1", datetime(2025, 2, 9, 3, 40, tzinfo=UTC), sensor="sar", quantity="gamma0", gsd_m=10.0),
    )
    nothing = AttemptEnd(result="no_pair", reason="no usable pair of scenes", scenes=radar)
    attempt(archive.root, nothing, ago=timedelta(hours=5), source="planetary-computer", **given)
    return archive.root


def screen(document: dict[str, Any], width: int) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, force_terminal=False)
    show_status(document, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_document(root: Path) -> None:
    document = status_document(root, now=NOW)
    assert document["format"] == "sitewatch-status/1"
    (site,) = document["sites"]
    assert (site["site"], site["health"], site["simulated"]) == (SITE, "source_down", True)
    optical, radar = site["sensors"]
    assert optical["newest"] == {
        "scene": "scene-31-05.10",
        "acquired": "2025-01-31T08:20:00Z",
        "age_days": 10.2,
    }
    assert optical["compared"]["scene"] == "scene-21-05.10"
    assert (radar["newest"]["scene"], radar["compared"]) == ("s1", None)
    down, fine = (
        next(source for source in site["sources"] if source["source"] == name)
        for name in ("earth-search", "planetary-computer")
    )
    assert down["trouble"] == {
        "result": "source_down", "reason": DOWN, "since": "2025-02-07T12:00:00Z", "attempts": 3
    }  # fmt: skip
    assert (down["last_good"]["runs"], down["last_good"]["new_scenes"]) == (2, 4)
    assert down["last"]["age_hours"] == 24.0
    assert fine["trouble"] is None
    assert site["findings"]["states"] == {"provisional": 1, "confirmed": 1, "withdrawn": 0}
    assert site["findings"]["reasons"] == {"lasts": 1, "no_later_date": 1}
    assert [row["state"] for row in site["findings"]["newest"]] == ["provisional", "confirmed"]
    assert document["journal"] == {"events": 3, "fault": None}
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@pytest.mark.parametrize("width", [80, 120])
def test_screen_fits_and_says_it_all(root: Path, width: int) -> None:
    shown = screen(status_document(root, now=NOW), width)
    lines = shown.splitlines()
    assert lines[-1].startswith(str(root))  # a path stays whole, so that it can be copied
    assert max(map(len, lines[:-1])) <= width
    assert len(lines) <= 24, shown
    for words in ("SIMULATED", "SOURCE DOWN", "since 2025-02-07 12:00, 3 attempts", "last good 2025-02-06 12:00",
                  "nothing to compare", "10 d old", "compared up to 2025-01-21", "1 provisional", "1 confirmed",
                  "not compared yet"):  # fmt: skip
        assert words in " ".join(shown.split()), f"{words}\n{shown}"
    assert ("a later date shows the same" in shown) is (width == 120)


def test_running_and_killed_attempts_are_told_apart(root: Path) -> None:
    with attempting(root, site=SITE, source="earth-search", start=START, end=END):
        (site,) = status_document(root)["sites"]
        source = site["sources"][0]
        assert source["last"]["result"] == "running"
        assert source["trouble"]["attempts"] == 3
        shown = " ".join(screen(status_document(root), 80).split())
        assert "running now" in shown
        assert "before that SOURCE DOWN" in shown
    (site,) = status_document(root)["sites"]  # left without an end, as when killed
    assert site["sources"][0]["last"]["result"] == "interrupted"
    assert site["sources"][0]["trouble"]["attempts"] == 4
    assert "killed" in site["sources"][0]["trouble"]["reason"]


def test_good_run_ends_the_trouble(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt(root, AttemptEnd(result="done", runs=2), monkeypatch=monkeypatch, ago=timedelta(minutes=12))
    (site,) = status_document(root, now=NOW)["sites"]
    source = next(source for source in site["sources"] if source["source"] == "earth-search")
    assert source["trouble"] is None
    assert "done 12 min ago: 2 pairs" in " ".join(screen(status_document(root, now=NOW), 80).split())


def test_runs_on_disk_that_are_not_recorded_are_said(root: Path, tmp_path: Path) -> None:
    archive = Archive(root=root, work=tmp_path / "more")
    name = archive.compare(Day(day=21, objects=[PLACE]), Day(day=30, objects=[PLACE]))
    document = status_document(root, now=NOW)
    assert document["unrecorded_runs"] == [name]
    assert "1 runs are not recorded" in screen(document, 80)


def test_nothing_is_written(root: Path) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    status_document(root)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["status", "--out", str(tmp_path / "none")]) == 0
    assert "sitewatch demo" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()
    assert call(["status", "--out", str(tmp_path / "none"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sites"] == []


def test_unknown_site_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnknownSite, match=SITE):
        status_document(root, ["elsewhere"])
    assert call(["status", "elsewhere", "--out", str(root)]) == 2
    assert "elsewhere" in capsys.readouterr().err


def test_damaged_database_is_named_and_can_be_made_anew(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = root / "sitewatch.db"
    path.write_bytes(b"not a database\n" * 100)
    assert call(["status", "--out", str(root)]) == 2
    error = capsys.readouterr().err
    assert "is damaged" in error
    assert f"status --rebuild --out {root}" in error.replace("\n", "")
    assert call(["status", "--out", str(root), "--rebuild"]) == 0
    captured = capsys.readouterr()
    assert "2 runs, 2 findings, 0 attempts" in captured.err
    assert "1 confirmed" in captured.out
    assert len(list(root.glob("sitewatch.db.replaced-*"))) == 1


def test_rebuilding_keeps_attempts(root: Path) -> None:
    before = status_document(root, now=NOW)
    assert call(["status", "--out", str(root), "--rebuild", "--json"]) == 0
    after = status_document(root, now=NOW)
    for document in (before, after):
        for row in document["sites"][0]["findings"]["newest"]:
            del row["since"]
    assert after == before


def test_records_are_copied_to_a_server_and_back(
    root: Path, postgres: Postgres, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = postgres.create("status_copies")
    before = status_document(root, now=NOW)
    file = root / "sitewatch.db"
    monkeypatch.setenv(ADDRESS, server)
    assert call(["status", "--rebuild", "--out", str(root)]) == 2  # attempts and states would be lost
    said = capsys.readouterr().err.replace("\n", "")
    assert f"sitewatch status --copy-records-from {file} --out {root}" in said
    assert call(["status", "--copy-records-from", str(file), "--out", str(root), "--json"]) == 0
    printed = capsys.readouterr()
    assert "2 runs, 2 findings, 5 attempts, 0 review events, 0 reviewers" in " ".join(printed.err.split())
    assert json.loads(printed.out)["journal"] == before["journal"]
    assert status_document(root, now=NOW) == before
    assert call(["status", "--rebuild", "--out", str(root)]) == 0
    # The journal of states is another one now.
    assert call(["status", "--copy-records-from", str(file), "--out", str(root)]) == 2
    assert "holds other records" in capsys.readouterr().err
    monkeypatch.delenv(ADDRESS)
    file.rename(root / "moved.db")
    assert call(["status", "--copy-records-from", server, "--out", str(root)]) == 0
    rebuilt = status_document(root, now=NOW)
    assert rebuilt["sites"][0]["sources"] == before["sites"][0]["sources"]
    assert "Copied: " in capsys.readouterr().err
    let_go()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--copy-records-from", "no.db"], "no.db: no such file"),
        (["--copy-records-from", "no.db", "--rebuild"], "exclude each other"),
        (["--copy-records-from", "no.db", "--out", "no-such-folder"], "there is no such folder"),
    ],
)
def test_copying_that_cannot_be_is_refused(
    root: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["status", "--out", str(root), *options]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not Path("no-such-folder").exists()


def test_status_loads_neither_prefect_nor_rasters(root: Path) -> None:
    program = (
        "import sys; from flows.cli import call; code = call(['status', '--out', sys.argv[1]]);"
        "print([m for m in ('prefect', 'rasterio', 'cv2', 'scipy') if m in sys.modules], code)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True, timeout=300
    )
    assert answer.stdout.strip().endswith("[] 0")


def test_tampering_shows(root: Path) -> None:
    with writing(root) as connection:
        connection.execute(text("DROP TRIGGER finding_events_no_update"))
        connection.execute(update(finding_events).where(finding_events.c.seq == 1).values(state="confirmed"))
    document = status_document(root)
    assert "event 1" in document["journal"]["fault"]
    assert "tampered" in screen(document, 80)


def test_polls_that_never_came_to_a_run_are_told(tmp_path: Path) -> None:
    night = datetime(2025, 2, 9, 22, tzinfo=UTC)
    down = PollRecord(site=SITE, source="earth-search").unanswered(night, DOWN).unanswered(NOW, DOWN)
    save_record(tmp_path, down)
    quiet = PollRecord(site="elsewhere", source="demo").polled(NOW, "nothing new", "3 images, all known")
    save_record(tmp_path, quiet)
    document = status_document(tmp_path, now=NOW)
    here, there = sorted(document["sites"], key=lambda entry: entry["site"] != SITE)
    assert here["health"] == "source_down"
    assert here["polls"][0]["failing_since"] == "2025-02-09T22:00:00Z"
    assert there["health"] == "never_tried"
    shown = " ".join(screen(document, 120).split())
    assert "earth-search SOURCE DOWN since 2025-02-09 22:00, looked 02-10 12:00" in shown
    assert "demo nothing new" in shown


def worst(root: Path, monkeypatch: pytest.MonkeyPatch, source: str = "earth-search") -> dict[str, Any]:
    """Both built-in sites with two sensors, a source that is down for runs and polls, and five findings each."""
    for days in (2, 1):
        attempt(
            root, AttemptEnd(result="source_down", reason=DOWN), ago=timedelta(days=days), monkeypatch=monkeypatch
        )  # fmt: skip
    document = status_document(root, now=NOW)
    (entry,) = document["sites"]
    message = (
        "earth-search (https://earth-search.aws.element84.com/v1): the server answers 503 (4 times); check the "
        "connection, try again later, or use another source (planetary-computer, cdse)"
    )
    poll = {
        "source": source, "checked": "2025-02-10T11:00:00Z", "outcome": "source down", "message": message,
        "newest": None, "failing_since": "2025-02-09T22:00:00Z",
    }  # fmt: skip
    entry["polls"] = [poll]
    entry["sources"] = [
        {**one, "source": source} for one in entry["sources"] if one["source"] == "earth-search"
    ]
    entry["findings"]["newest"] = [
        {**row, "id": n} for n in range(5) for row in entry["findings"]["newest"][:1]
    ]
    entry["findings"]["reasons"]["not_observed"] = 2
    document["sites"] = [{**entry, "site": name} for name in ("khmeimim", "tartus")]
    return document


@pytest.mark.parametrize("source", ["earth-search", "planetary-computer"])
@pytest.mark.parametrize("width", [80, 120])
def test_two_sites_at_their_worst_fit_one_screen(
    root: Path, width: int, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = worst(root, monkeypatch, source)
    shown = screen(document, width)
    lines = shown.splitlines()
    assert len(lines) <= 24, shown
    for title in ("khmeimim", "tartus"):
        assert sum(title in line for line in lines) == 1
    said = " ".join(shown.split())
    assert said.count("the server answers 503 (4 times)") == 2, "each site's fault once"
    assert "timed out after 30 s" not in said, "an older one not besides"
    assert said.count("SOURCE DOWN since 2025-02-09 22:00, looked 02-10 11:00") == 2
    assert said.count("last good 2025-02-06 12:00") == 2
    listed = shown.count(" appeared ") // 2
    assert 1 <= listed < 5
    # One of them alone has room for everything.
    one = screen(document | {"sites": document["sites"][:1]}, width)
    assert len(one.splitlines()) <= 24
    assert one.count(" appeared ") == 5
    assert "or use another source (planetary-computer, cdse)" in " ".join(one.split())


def test_a_taller_screen_shows_more(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), width=80, height=60, force_terminal=True, color_system=None)
    show_status(worst(root, monkeypatch), console)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count(" appeared ") == 10
