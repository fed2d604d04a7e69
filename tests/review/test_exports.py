"""Files handed over from the desk: those of the command, one order after the other, and nothing left behind."""

import csv
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.exports.export import export
from catalog.exports.told import SILENT
from catalog.exports.wish import Wish
from review import export_jobs
from review.errors import Busy, NotFound
from review.export_jobs import ExportJobs, Order
from tests.review.conftest import PLAIN_RUN, SITE_RUN, Person, RunningDesk

SITE_KEY = SITE_RUN.replace("/", "_")
TYPES = {
    "geojson": "application/geo+json", "csv": "text/csv; charset=utf-8", "gpkg": "application/geopackage+sqlite3",
    "kml": "application/vnd.google-earth.kml+xml", "pdf": "application/pdf", "html": "text/html; charset=utf-8",
}  # fmt: skip


def ask(person: Person, *formats: str, runs: tuple[str, ...] = (SITE_KEY,), **more: Any) -> Any:
    return person.client.post(
        "/api/exports", json={"runs": runs, "formats": formats} | more, headers={"X-CSRF-Token": person.csrf}
    )


def ready(person: Person, name: str) -> dict[str, Any]:
    """Wait as a page does."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        job = dict(person.get(f"/api/exports/{name}").json())
        if job["state"] not in ("waiting", "working"):
            return job
        time.sleep(0.05)
    raise AssertionError("it never ends")


def fetched(person: Person, *formats: str, **more: Any) -> Any:
    begun = ask(person, *formats, **more)
    assert begun.status_code == 202, begun.text
    job = ready(person, begun.json()["id"])
    assert job["state"] == "ready", job
    answer = person.get(f"/exports/{job['id']}")
    assert len(answer.content) == job["bytes"]
    return answer


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("form", TYPES)
def test_each_format_is_the_file_of_the_command(
    desk: RunningDesk, ana: Person, form: str, tmp_path: Path
) -> None:
    answer = fetched(ana, form)
    (written,) = export(desk.root / SITE_RUN, Wish(formats=(form,), to=tmp_path / "to")).written
    assert answer.headers["content-type"] == TYPES[form]
    assert answer.headers["content-disposition"] == f'attachment; filename="{written.path.name}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    if form in ("geojson", "csv", "kml"):
        assert answer.content == written.path.read_bytes()
    else:  # these hold the moment at which they were made
        assert answer.content[:4] == written.path.read_bytes()[:4]
        assert abs(len(answer.content) / written.size - 1) < 0.02


def test_pictures_come_with_the_kml(ana: Person) -> None:
    answer = fetched(ana, "kml", pictures=True)
    assert answer.headers["content-type"] == "application/vnd.google-earth.kmz"
    assert answer.headers["content-disposition"] == f'attachment; filename="{SITE_KEY}.kmz"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist()[0] == "doc.kml"
        assert len(archive.namelist()) > 1


def test_several_formats_and_runs_come_as_one_archive(ana: Person) -> None:
    one = fetched(ana, "geojson", "csv")
    assert one.headers["content-type"] == "application/zip"
    assert one.headers["content-disposition"] == f'attachment; filename="{SITE_KEY}.zip"'
    with zipfile.ZipFile(io.BytesIO(one.content)) as archive:
        assert archive.namelist() == [f"{SITE_KEY}.geojson", f"{SITE_KEY}.csv"]
        assert len(json.loads(archive.read(f"{SITE_KEY}.geojson"))["features"]) == 3
    both = fetched(ana, "csv", runs=(SITE_KEY, PLAIN_RUN, SITE_KEY))
    assert 'filename="sitewatch-2-comparisons.zip"' in both.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(both.content)) as archive:
        assert archive.namelist() == [f"{SITE_KEY}.csv", f"{PLAIN_RUN}.csv"]
    stac = fetched(ana, "stac")
    with zipfile.ZipFile(io.BytesIO(stac.content)) as archive:
        assert archive.testzip() is None
        assert any(name.endswith("before.tif") for name in archive.namelist())


def test_what_reviewers_said_goes_in_as_it_was_asked_for(desk: RunningDesk, ana: Person, change: str) -> None:
    assert ana.answer("verdict", change, {"verdict": "confirmed"}).status_code == 200
    confirmed = rows(fetched(ana, "csv", confirmed=True))
    assert [row["id"] for row in confirmed] == [change]
    assert "Ana" in str(confirmed)
    assert "Ana" not in fetched(ana, "csv", anonymous=True).text
    best = rows(fetched(ana, "csv", min_score=0.8))
    assert len(best) == 2
    assert all(float(row["score"]) >= 0.8 for row in best)
    noted = (desk.root / "journal-heads.jsonl").read_text().splitlines()
    assert json.loads(noted[-1])["why"] == f"export of {SITE_RUN}"
    assert len(noted) == 3, "at each export, as the command does"


def rows(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_nothing_is_left_in_the_outputs_nor_anywhere_once_the_desk_stops(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tests.review.conftest import opened  # noqa: PLC0415 - the desk must open after the folder for files is set

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    with opened(root) as running:
        before = below(root)
        fetched(running.person("Ana"), "geojson", "pdf")
        assert below(root) == before
        assert below(scratch) != set()
    assert below(scratch) == set()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"formats": ("stac",), "confirmed": True}, "a STAC copy is the whole comparison"),
        ({"formats": ("stac", "csv"), "min_score": 0.5}, "a STAC copy is the whole comparison"),
        ({"formats": ("csv",), "confirmed": True}, "nothing has been reviewed yet"),
        ({"formats": ("csv",), "min_score": 2}, "min_score"),
        ({"formats": ("shapefile",)}, "formats"),
        ({"formats": ()}, "formats"),
        ({"formats": ("csv",), "runs": ()}, "runs"),
        ({"formats": ("csv",), "runs": tuple("x" * 51)}, "runs"),
        ({"formats": ("csv",), "to": "/tmp"}, "to"),
    ],
)
def test_orders_that_cannot_be_are_refused_in_words(ana: Person, asked: dict[str, Any], words: str) -> None:
    document = {"runs": (SITE_KEY,)} | asked
    refused = ana.client.post("/api/exports", json=document, headers={"X-CSRF-Token": ana.csrf})
    assert refused.status_code == 422
    assert words in refused.json()["error"]
    assert "--" not in refused.json()["error"], "options of the command mean nothing here"


@pytest.mark.parametrize("key", ["../etc", "nothing", f"{SITE_RUN}/..", "/etc/passwd", "\u0000"])
def test_no_folder_but_a_runs_is_handed_over(ana: Person, key: str) -> None:
    refused = ask(ana, "csv", runs=(key,))
    assert refused.status_code == 404
    assert "no run" in refused.json()["error"]


def test_what_the_command_refuses_is_told_without_where_it_lies(desk: RunningDesk, ana: Person) -> None:
    begun = ask(ana, "kml", runs=(PLAIN_RUN,))
    job = ready(ana, begun.json()["id"])
    assert job["state"] == "failed"
    assert f"{PLAIN_RUN} has no georeference, and KML holds positions" in job["error"]
    (desk.root / SITE_RUN / "evidence.tif").write_bytes(b"not an image")
    job = ready(ana, ask(ana, "csv").json()["id"])
    assert "is not as it was written (evidence.tif" in job["error"]
    assert str(desk.root) not in job["error"]
    assert ana.get(f"/exports/{job['id']}").status_code == 422


def test_only_whoever_asked_is_told(desk: RunningDesk, ana: Person) -> None:
    name = ask(ana, "csv").json()["id"]
    assert ready(ana, name)["state"] == "ready"
    omar = desk.person("Omar", "lead")
    assert omar.get(f"/api/exports/{name}").status_code == 404
    assert omar.get(f"/exports/{name}").status_code == 404
    assert (
        omar.client.post(f"/api/exports/{name}/stop", headers={"X-CSRF-Token": omar.csrf}).status_code == 404
    )
    assert ana.get(f"/exports/{name}").status_code == 200


def test_a_page_elsewhere_cannot_ask(ana: Person) -> None:
    document = {"runs": [SITE_KEY], "formats": ["csv"]}
    assert ana.client.post("/api/exports", json=document).status_code == 403
    elsewhere = {"X-CSRF-Token": ana.csrf, "Origin": "http://evil.example"}
    assert ana.client.post("/api/exports", json=document, headers=elsewhere).status_code == 403


def test_whoever_may_look_may_hand_over(desk: RunningDesk, ana: Person, change: str) -> None:
    reader = desk.person("Rea", "read-only")
    assert ana.answer("verdict", change, {"verdict": "confirmed"}).status_code == 200
    assert change in fetched(reader, "geojson").text


def test_files_do_not_tell_a_second_reviewer_what_the_first_one_said(
    desk: RunningDesk, ana: Person, change: str
) -> None:
    omar, rea, lena = desk.person("Omar"), desk.person("Rea", "read-only"), desk.person("Lena", "lead")
    assert lena.answer("assign_second", change, {"rule": "asked for"}).status_code == 200
    assert change in fetched(omar, "csv").text, "nobody has said anything yet"
    assert ana.answer("verdict", change, {"verdict": "confirmed"}).status_code == 200
    for person in (omar, rea):
        refused = ask(person, "csv", runs=(PLAIN_RUN, SITE_KEY))
        assert refused.status_code == 403
        assert f"{SITE_RUN}: 1 change waits for a blind second review" in refused.json()["error"]
    assert change in fetched(ana, "csv").text, "she knows what she said"
    assert change in fetched(lena, "csv").text
    assert omar.answer("verdict", change, {"verdict": "confirmed"}).status_code == 200
    for person in (omar, rea):
        assert change in fetched(person, "csv").text


def test_runs_of_what_is_shown(desk: RunningDesk, ana: Person) -> None:
    every = ana.get("/api/queue/runs").json()["runs"]
    assert {run["key"] for run in every} == {SITE_KEY, PLAIN_RUN}
    shown = ana.get("/api/queue/runs", params={"site": "testbase"}).json()["runs"]
    assert [(run["key"], run["words"]) for run in shown] == [
        (SITE_KEY, "Test base, 2024-12-04 to 2024-12-20")
    ]
    assert ana.get("/api/queue/runs", params={"zone": "nowhere"}).json()["runs"] == []


@pytest.fixture
def jobs(root: Path) -> Iterator[ExportJobs]:
    found = ExportJobs(root)
    yield found
    found.close()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Exports begin and go on when this is set; they listen meanwhile."""
    go_on = threading.Event()

    def slow(folder: Path, wish: Wish, *, told: Any = SILENT) -> Any:
        told.step("pictures of the findings", total=3)
        while not go_on.wait(0.01):
            told.advance(0)
        return export(folder, wish, told=told)

    monkeypatch.setattr(export_jobs, "export", slow)
    yield go_on
    go_on.set()


def order(root: Path, run: str = SITE_RUN, owner: str = "Ana") -> Order:
    return Order(owner=owner, folders=(root / run,), formats=("csv",))


def ended(job: Any) -> None:
    until = time.monotonic() + 30
    while job.state in ("waiting", "working"):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_others_go_on_meanwhile_and_a_run_has_its_turn(
    desk: RunningDesk, ana: Person, held: threading.Event, change: str
) -> None:
    omar = desk.person("Omar")
    name = ask(ana, "csv").json()["id"]
    until = time.monotonic() + 10
    while (job := ana.get(f"/api/exports/{name}").json())["step"] != "pictures of the findings":
        assert time.monotonic() < until
    assert (job["state"], job["done"], job["total"]) == ("working", 0, 3)
    again = ask(omar, "pdf")
    assert again.status_code == 409
    assert "being made already" in again.json()["error"]
    assert ask(omar, "csv", runs=(PLAIN_RUN,)).status_code == 202
    assert omar.answer("verdict", change, {"verdict": "confirmed"}).status_code == 200
    assert omar.get("/").status_code == 200
    held.set()
    assert ready(ana, name)["state"] == "ready"


def test_what_nobody_waits_for_is_stopped(desk: RunningDesk, ana: Person, held: threading.Event) -> None:
    name = ask(ana, "csv").json()["id"]
    stop = ana.client.post(f"/api/exports/{name}/stop", headers={"X-CSRF-Token": ana.csrf})
    assert stop.status_code == 200
    assert (job := ready(ana, name))["state"] == "failed"
    assert job["error"] == "this was stopped"
    held.set()
    fetched(ana, "csv")


def test_what_takes_too_long_is_given_up(
    root: Path, jobs: ExportJobs, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_jobs, "DEADLINE_S", 0.05)
    job = jobs.begin(order(root))
    ended(job)
    assert "was given up" in str(job.error)


def test_what_is_too_large_is_refused(root: Path, jobs: ExportJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_jobs, "MOST_BYTES", 10)
    job = jobs.begin(order(root))
    ended(job)
    assert "more than the desk hands over" in str(job.error)
    assert job.file is None


def test_too_many_at_once_are_refused(root: Path, jobs: ExportJobs, held: threading.Event) -> None:
    for number in range(export_jobs.MOST_WAITING):
        jobs.begin(order(root, run=f"{SITE_RUN}/{number}"))
    with pytest.raises(Busy, match="too many"):
        jobs.begin(order(root))


def test_one_order_of_a_person_is_kept(root: Path, jobs: ExportJobs) -> None:
    first = jobs.begin(order(root))
    ended(first)
    other = jobs.begin(order(root, run=PLAIN_RUN, owner="Omar"))
    ended(other)
    ended(jobs.begin(order(root, run=PLAIN_RUN)))
    assert first.file is not None
    assert not first.file.exists(), "nobody fills the disk"
    assert other.file is not None
    assert other.file.exists()
    with pytest.raises(NotFound):
        jobs.get(first.id, "Ana")


def test_files_are_forgotten_after_a_while(
    root: Path, jobs: ExportJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_jobs, "KEPT_S", 0.2)
    job = jobs.begin(order(root))
    ended(job)
    assert job.file is not None
    until = time.monotonic() + 10
    while job.file.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    with pytest.raises(NotFound, match="not kept any more"):
        jobs.get(job.id, "Ana")
