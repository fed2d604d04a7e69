"""Whatever becomes of an attempt to watch a site, the database says it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.attempts import history
from catalog.database import reading
from flows.errors import UnknownSite
from flows.recorded import recorded
from flows.watch import SiteResult
from imagery.errors import SitewatchError, SourceUnreachable

START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)


def ends(root: Path) -> list[tuple[str, str | None]]:
    with reading(root) as connection:
        assert connection is not None
        return [(row["result"], row["reason"]) for row in history(connection)]


@pytest.mark.parametrize(
    ("problem", "result", "reason"),
    [
        (SourceUnreachable("archive.example: does not answer"), "source_down", "does not answer"),
        (UnknownSite("fields: no such site"), "failed", "no such site"),
        (ZeroDivisionError("planted"), "failed", "ZeroDivisionError: planted"),
        (KeyboardInterrupt(), "interrupted", "takes up where it was"),
    ],
    ids=["unreachable", "refused", "fault", "interrupt"],
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


def test_damaged_database_stops_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "sitewatch.db").write_bytes(b"not a database\n" * 100)

    @recorded
    def watch(site: str, source: str, start: datetime, end: datetime, out: Path = tmp_path) -> SiteResult:
        raise AssertionError("work was begun")

    with pytest.raises(SitewatchError, match="status --rebuild"):
        watch("field", "archive", START, END)
