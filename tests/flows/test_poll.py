"""Polls and replays on a small archive: what is run, what is not run again, and what is told of it."""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import flow

from flows import events, poll, tasks
from flows.cli import call
from flows.errors import FlowError
from flows.poll import Step, look, poll_site
from flows.poll_record import PollRecord, all_records, load_record, save_record, scene_fingerprint
from flows.replay import days_of, replay
from flows.status import status_document
from flows.watch import SiteResult
from imagery.errors import AccessDenied, SourceUnreachable, UnreadableRaster
from imagery.listing import Listing
from imagery.scene import Asset, Scene

pytestmark = pytest.mark.usefixtures("prefect_server")

NOW = datetime(2025, 2, 5, tzinfo=UTC)
Said = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Said:
    """Events, at the point where they are handed to Prefect."""
    told: Said = []
    monkeypatch.setattr(events, "emit", lambda event, _site, payload: told.append((event, payload)))
    return told


@pytest.fixture
def growing(archive: Path, tmp_path: Path) -> "Growing":
    """The archive, of which only some dates are listed yet."""
    shutil.copytree(archive.parent, tmp_path / "a")
    return Growing(tmp_path / "a" / "items.json")


class Growing:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.all = json.loads(path.read_text())["features"]

    def show(self, *dates: str) -> None:
        shown = [item for item in self.all if item["properties"]["datetime"][:10] in dates]
        self.path.write_text(json.dumps({"type": "FeatureCollection", "features": shown}))


@flow(name="look-once")
def looked(step: Step, purpose: str = "poll") -> PollRecord:
    return look(step, load_record(step.out, step.site, step.source, purpose))


def runs(out: Path) -> set[str]:
    """The pairs that there are, by their days."""
    names = [path.parent.name for path in out.glob("field/*/item.json")]
    return {"-".join(part[6:8] for part in name.split("_")[1:]) for name in names}


def test_late_scene_is_compared_and_nothing_is_done_twice(
    growing: Growing, sites_file: Path, tmp_path: Path, said: Said
) -> None:
    out = tmp_path / "out"
    step = Step(
        site="field", source=str(growing.path), out=out, now=NOW, lookback=timedelta(days=60), sites_file=sites_file
    )  # fmt: skip
    growing.show("2025-01-01", "2025-01-31")
    assert looked(step).outcome == "done"
    assert runs(out) == {"01-31"}
    first = {path: path.stat().st_mtime_ns for path in out.glob("field/*/*") if path.is_file()}
    assert [event for event, _ in said] == [events.CHANGE]
    assert said[0][1]["counts"] == {"appeared": 1, "vanished": 0, "moved": 0}

    assert looked(step).message == "nothing new among 2 scenes"

    growing.show("2025-01-01", "2025-01-11", "2025-01-31")  # the middle one comes late
    assert looked(step).message == "1 new scene, 2 pairs compared, 1 changed"
    assert runs(out) == {"01-31", "01-11", "11-31"}
    assert {path: path.stat().st_mtime_ns for path in first} == first
    assert [event for event, _ in said] == [events.CHANGE] * 2
    assert said[1][1]["after"]["id"] == "scene-2025-01-11"

    os.utime(tmp_path / "a" / "scene-2025-01-11-red.tif")  # put in place anew, with the same content
    assert looked(step).message == "1 new scene, 2 pairs compared, 1 changed"
    assert {path: path.stat().st_mtime_ns for path in first} == first
    assert len(said) == 2, "the same result is no news"


def test_replay_sees_each_day_only_what_was_there_and_is_done_once(
    archive: Path, sites_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, list[str]]] = []

    def watched(workers: int | None) -> Any:
        def run(
            site: str, source: str, start: datetime, end: datetime, *rest: Any, **_announce: bool
        ) -> SiteResult:
            ran.append((f"{end:%m-%d}", [id_[-5:] for id_ in rest[3]]))
            return SiteResult(site=site, source=source, reason="only pretended")

        return run

    monkeypatch.setattr(poll, "watching", watched)
    period = (datetime(2025, 1, 5, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC))
    for _ in range(2):
        replay("field", str(archive), *period, 7, tmp_path, 30, sites_file)
    # Those of 01-05 are partners only: they were acquired before the period.
    assert ran == [("01-12", ["01-11"]), ("01-26", ["01-21"]), ("02-01", ["01-31"])]
    replay("field", str(archive), *period, 7, tmp_path, 30, sites_file, 0.6)
    assert len(ran) == 6, "another limit is another replay"


def test_days_of_a_replay_end_with_the_period() -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    days = list(days_of(start, start + timedelta(days=20), timedelta(days=7)))
    assert [(day - start).days for day in days] == [7, 14, 20]
    assert list(days_of(start, start, timedelta(days=7))) == [start]
    last = start + timedelta(days=14, hours=23, minutes=59)
    assert list(days_of(start, last, timedelta(days=7))) == [start + timedelta(days=7), last]


def test_the_command_replays_and_says_each_day_once(
    archive: Path, sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "replay", "field", "--source", str(archive), "--from", "2025-01-01", "--to", "2025-01-15", "--step", "7d",
        "--sites", str(sites_file), "--out", str(tmp_path), "--json",
    ]  # fmt: skip
    assert call(command) == 0
    said = json.loads(capsys.readouterr().out)
    assert [(day["day"], day["outcome"]) for day in said["days"]] == [
        ("2025-01-08", "no pair"),
        ("2025-01-15", "done"),
    ]
    assert said["days"][1]["message"] == "1 new scene, 1 pair compared, 1 changed"
    (folder,) = (path.parent for path in tmp_path.glob("field/*/item.json"))
    document = json.loads((folder / "changes.geojson").read_text())
    assert [feature["properties"]["kind"] for feature in document["features"]] == ["appeared"]
    stamp = (folder / "item.json").stat().st_mtime_ns
    # Once more: nothing is left to do.
    assert call(command) == 0
    again = json.loads(capsys.readouterr().out)["days"]
    assert [day["message"] for day in again] == ["nothing new among 1 scene", "nothing new among 2 scenes"]
    assert (folder / "item.json").stat().st_mtime_ns == stamp


def test_period_that_ends_before_it_begins_is_refused(
    archive: Path, sites_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(FlowError, match="exchange the two"):
        replay("field", str(archive), NOW, NOW - timedelta(days=1), 7, tmp_path, 30, sites_file)


def test_a_deployment_needs_a_whole_path(monkeypatch: pytest.MonkeyPatch) -> None:
    assert poll.lasting(Path("outputs")).is_absolute()
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "4711")
    with pytest.raises(FlowError, match="a deployment needs a whole path"):
        poll.lasting(Path("outputs"))
    assert poll.lasting(Path("/somewhere")) == Path("/somewhere")


# What follows needs no pixels: a source and a run that are told what to do.


class Told:
    """A source whose scenes, and a run whose end, the test decides."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.down: str | None = None
        self.refuses: str | None = None
        self.error: Exception | None = None
        self.spoiled: dict[str, str] = {}
        self.ran: list[list[str]] = []

    def find(self, *_args: Any) -> Listing:
        if self.refuses:
            raise AccessDenied(self.refuses)
        if self.down:
            raise SourceUnreachable(self.down)
        return Listing(usable=tuple(self.scenes))

    def watching(self, _workers: int | None) -> Any:
        def run(site: str, source: str, *rest: Any, announce: bool) -> SiteResult:
            self.ran.append(rest[5])
            if self.error:
                raise self.error
            return SiteResult(site=site, source=source, spoiled=self.spoiled, reason="pretended")

        return run


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    world = Told()
    monkeypatch.setattr(tasks, "find_scenes", world.find)
    monkeypatch.setattr(poll, "watching", world.watching)
    return world


def scene(name: str, *, baseline: str = "05.11", href: str = "https://host/a.tif") -> Scene:
    return Scene(
        id=name, source="s", collection="c", platform="p", sensor="optical", quantity="dn", acquired=NOW,
        gsd_m=10.0, assets={"red": Asset(href=href, bands=("red",))}, processing_baseline=baseline,
    )  # fmt: skip


def step_in(out: Path, sites_file: Path) -> Step:
    return Step(
        site="field", source="earth", out=out, now=NOW, lookback=timedelta(days=30), sites_file=sites_file
    )


def test_source_that_is_down_is_said_once_and_the_next_poll_heals(
    told: Told, said: Said, sites_file: Path, tmp_path: Path
) -> None:
    step = step_in(tmp_path, sites_file)
    told.scenes, told.down = [scene("a")], "earth: https://host does not answer; try again later"
    for hours in (0, 6):
        with pytest.raises(SourceUnreachable):
            looked(Step(**{**vars(step), "now": NOW + timedelta(hours=hours)}))
    record = load_record(tmp_path, "field", "earth")
    assert record.outcome == "source down"
    assert record.failing_since == "2025-02-05T00:00:00Z"
    assert record.checked == "2025-02-05T06:00:00Z"
    assert [event for event, _ in said] == [events.DOWN]
    assert "does not answer" in said[0][1]["text"]

    told.down = None
    healed = looked(step)
    assert healed.failing_since is None
    assert told.ran == [["a"]]
    told.down = "down again"
    with pytest.raises(SourceUnreachable):
        looked(step)
    assert [event for event, _ in said] == [events.DOWN] * 2


def test_source_that_refuses_is_not_called_down(
    told: Told, said: Said, sites_file: Path, tmp_path: Path
) -> None:
    step = step_in(tmp_path, sites_file)
    told.scenes = [scene("a")]
    for number in (1, 2):
        told.refuses = f"earth: https://host refuses (403: request {number}); it needs an account"
        with pytest.raises(AccessDenied):
            looked(step)
    record = load_record(tmp_path, "field", "earth")
    assert (record.outcome, record.failing_since) == ("refused", None)
    assert [event for event, _ in said] == [events.DEGRADED], "in other words it is no news"
    assert "earth refuses: " in said[0][1]["text"]
    site = status_document(tmp_path, ["field"])["sites"][0]
    assert site["health"] == "refused"
    told.refuses, told.down = None, "earth: does not answer"
    with pytest.raises(SourceUnreachable):
        looked(step)
    told.down = None
    assert looked(step).outcome == "no pair"
    told.refuses = "earth: refuses again"
    with pytest.raises(AccessDenied):
        looked(step)
    assert [event for event, _ in said] == [events.DEGRADED, events.DOWN, events.DEGRADED]


def test_run_that_ends_in_an_error_is_tried_again_and_said_once(
    told: Told, said: Said, sites_file: Path, tmp_path: Path
) -> None:
    step = step_in(tmp_path, sites_file)
    told.scenes, told.error = [scene("a")], UnreadableRaster("a: not an image")
    for _ in range(2):
        with pytest.raises(UnreadableRaster):
            looked(step)
    assert [event for event, _ in said] == [events.DEGRADED]
    told.error = None
    looked(step)
    looked(step)
    assert told.ran == [["a"]] * 3
    told.scenes, told.error = [scene("b")], UnreadableRaster("a: not an image")
    with pytest.raises(UnreadableRaster):
        looked(step)
    assert len(said) == 2, "after it had been well, the same error is news"


def test_only_what_may_be_mended_is_tried_again(
    told: Told, said: Said, sites_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "b.tif").write_bytes(b"half a file")
    remote, local = scene("remote"), scene("local", href=str(tmp_path / "b.tif"))
    told.scenes, told.spoiled = [remote, local], {"remote": "answered 404", "local": "not an image"}
    step = step_in(tmp_path / "out", sites_file)
    looked(step)
    looked(step)
    assert told.ran == [["remote", "local"], ["remote"]]
    (tmp_path / "b.tif").write_bytes(b"the whole of the file")
    looked(step)
    assert told.ran[-1] == ["remote", "local"]
    assert said == []


def test_a_later_processing_is_fresh(told: Told, said: Said, sites_file: Path, tmp_path: Path) -> None:
    step = step_in(tmp_path, sites_file)
    for baseline in ("05.10", "05.10", "05.11"):
        told.scenes = [scene("a", baseline=baseline)]
        looked(step)
    assert told.ran == [["a"], ["a"]]


def test_a_listing_that_was_short_once_forgets_nothing(
    told: Told, said: Said, sites_file: Path, tmp_path: Path
) -> None:
    step = step_in(tmp_path, sites_file)
    for scenes in ([scene("a"), scene("b")], [scene("a")], [scene("a"), scene("b")]):
        told.scenes = scenes
        looked(step)
    assert told.ran == [["a", "b"]]


def test_records_survive_damage_and_know_their_source(tmp_path: Path) -> None:
    record = PollRecord(site="field", source="earth").polled(NOW, "done", "1 new scene", [scene("a")])
    save_record(tmp_path, record)
    save_record(tmp_path, PollRecord(site="field", source="other", purpose="replay x"))
    assert all_records(tmp_path) == [record]
    assert record.scenes == {"a": scene_fingerprint(scene("a"))}
    (path,) = (p for p in tmp_path.glob(".work/polls/*.json") if '"earth"' in p.read_text())
    path.write_text('{"site": "field", "scen')
    assert load_record(tmp_path, "field", "earth") == PollRecord(site="field", source="earth")


def test_polls_of_one_site_never_overlap(
    told: Told, sites_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner: list[Any] = []
    told.scenes = [scene("a")]
    real = told.watching

    def nested(workers: int | None) -> Any:
        inner.append(poll_site("field", "earth", tmp_path, 30, sites_file))
        return real(workers)

    monkeypatch.setattr(poll, "watching", nested)
    poll_site("field", "earth", tmp_path, 30, sites_file)
    assert len(told.ran) == 1
    assert inner[0].startswith("skipped: watching-field is being written by process")
