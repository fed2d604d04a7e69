"""Whatever becomes of an attempt to watch a site, the database says it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.attempts import history
from catalog.database import reading
from catalog.exports.columns import row
from catalog.exports.gather import gather
from catalog.exports.observation import of
from catalog.exports.reviews import reviews_of
from catalog.reader import load_run
from catalog.report_rows import change_row, run_row
from catalog.review import ReviewStore
from flows.cli_runs_table import show_runs
from flows.errors import UnknownSite
from flows.events import run_payload
from flows.notices import message
from flows.pair_result import PairResult
from flows.recorded import recorded
from flows.watch import SiteResult
from imagery.errors import AccessDenied, MissingCredentials, SitewatchError, SourceUnreachable
from tests.unit.catalog.histories import ELSEWHERE, SITE, Archive, Day, Said, finding_id
from tests.unit.catalog.reviews import verdict

START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)


def ends(root: Path) -> list[tuple[str, str | None]]:
    with reading(root) as connection:
        assert connection is not None
        return [(row["result"], row["reason"]) for row in history(connection)]


@pytest.mark.parametrize(
    ("problem", "result", "reason"),
    [
        (SourceUnreachable("archive.example: does not answer"), "source_down", "does not answer"),
        (AccessDenied("archive.example: no permission (403)"), "refused", "no permission"),
        (MissingCredentials("cdse: set CDSE_S3_ACCESS_KEY"), "refused", "CDSE_S3_ACCESS_KEY"),
        (UnknownSite("fields: no such site"), "failed", "no such site"),
        (ZeroDivisionError("planted"), "failed", "ZeroDivisionError: planted"),
        (KeyboardInterrupt(), "interrupted", "takes up where it was"),
    ],
    ids=["unreachable", "denied", "no keys", "bad input", "fault", "interrupt"],
)
def test_failures_are_recorded_and_passed_on(
    tmp_path: Path, problem: BaseException, result: str, reason: str
) -> None:
    @recorded
    def watch(site: str, source: str, start: datetime, end: datetime, out: Path = tmp_path) -> SiteResult:
        raise problem

    with pytest.raises(type(problem)):
        watch("field", "archive", START, end=END)
    ((found, why),) = ends(tmp_path)
    assert found == result
    assert reason in (why or "")


def test_no_pair_is_said(tmp_path: Path) -> None:
    @recorded
    def watch(site: str, source: str, start: datetime, end: datetime, out: Path = tmp_path) -> SiteResult:
        return SiteResult(site=site, source=source, reason="the only usable scene")

    assert watch("field", "archive", START, END).runs == ()
    assert ends(tmp_path) == [("no_pair", "the only usable scene")]


def test_trouble_with_the_database_after_the_runs_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise SitewatchError("planted: the disk is full")

    monkeypatch.setattr("flows.recorded.bookkeeping.update", fail)

    @recorded
    def watch(site: str, source: str, start: datetime, end: datetime, out: Path = tmp_path) -> SiteResult:
        return SiteResult(site=site, source=source, reason="kept")

    result = watch("field", "archive", START, END)
    assert result.reason == "kept"
    assert "disk is full" in str(result.error)
    assert ends(tmp_path) == [("failed", "planted: the disk is full")]


@pytest.fixture
def recurring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Archive, SiteResult]:
    """A place at which the same is reported twice, the first of them rejected; and what watching the second came to."""
    monkeypatch.setattr("catalog.pictures.draw", lambda *_: None)
    archive = Archive(root=tmp_path / "out", work=tmp_path / "work")
    archive.compare(Day(day=1), Day(day=5), Said())
    store = ReviewStore(archive.root)
    verdict(store, "rejected", finding_id(Day(day=1), Day(day=5)), reason="known_object")
    store.close()
    name = archive.compare(Day(day=5), Day(day=9), Said(), Said(place=ELSEWHERE))
    stored = load_run(archive.root / name)
    run = PairResult(
        row=run_row(stored.report, stored.paths), changes=tuple(map(change_row, stored.changes)),
        outcomes=stored.report.outcomes, paths=stored.paths, name=name,
    )  # fmt: skip

    @recorded
    def watch(site: str, source: str, start: datetime, end: datetime, out: Path = archive.root) -> SiteResult:
        return SiteResult(site=site, source=source, runs=(run,))

    return archive, watch(SITE, "archive", START, END)


def test_what_was_rejected_at_its_place_before_is_counted(
    recurring: tuple[Archive, SiteResult], capsys: pytest.CaptureFixture[str]
) -> None:
    archive, result = recurring
    (run,) = result.runs
    again = finding_id(Day(day=5), Day(day=9))
    assert run.row["suppressed"] == 1
    until = {entry["id"]: entry["suppressed_until"] for entry in run.row["findings"]}
    assert until[again] >= "2025-07-01"
    assert [day for id_, day in until.items() if id_ != again] == [None]
    payload = run_payload(SITE, "archive", run)
    assert payload["suppressed"] == 1
    assert payload["text"].endswith("2 appeared (1 where a reviewer rejected the same before)")
    body = message("a@example.org", payload).get_content()
    assert body.count("rejected here before") == 1
    show_runs([result], archive.root)
    shown = " ".join(capsys.readouterr().out.split())
    assert "2 changes: 2 provisional; 1 of them where a reviewer rejected the same before" in shown


def test_exports_say_of_each_what_was_rejected_at_its_place(recurring: tuple[Archive, SiteResult]) -> None:
    _, result = recurring
    run = load_run(result.runs[0].paths.folder)
    handover = gather(run, reviews=reviews_of(run))
    first, again = finding_id(Day(day=1), Day(day=5)), finding_id(Day(day=5), Day(day=9))
    rows = {one.id: row(one, handover.pair) for one in handover.findings}
    assert rows[again]["suppressed_by"] == first
    assert str(rows[again]["suppressed_until"]) >= "2025-07-01"
    other = next(found for id_, found in rows.items() if id_ != again)
    assert (other["suppressed_by"], other["suppressed_until"]) == (None, None)
    words = {one.id: of(one, handover.pair) for one in handover.findings}
    doubt = "the same was rejected at this place before (known object)"
    assert [id_ for id_, found in words.items() if doubt in found.confidence.against_it] == [again]
    assert any(f"as known object (change {first})" in line for line in words[again].alternatives)


def test_damaged_database_stops_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "sitewatch.db").write_bytes(b"not a database\n" * 100)

    @recorded
    def watch(site: str, source: str, start: datetime, end: datetime, out: Path = tmp_path) -> SiteResult:
        raise AssertionError("work was begun")

    with pytest.raises(SitewatchError, match="status --rebuild"):
        watch("field", "archive", START, END)
