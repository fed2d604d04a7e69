"""Findings over planted dates: what confirms, withdraws and replaces them, and that nothing is ever lost."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from catalog import bookkeeping, findings
from catalog.bookkeeping import rebuild, update
from catalog.database import path_of, reading, writing
from catalog.errors import BadDatabase
from catalog.tables import finding_events
from tests.unit.catalog.databases import lift_guards
from tests.unit.catalog.histories import ELSEWHERE, PLACE, SITE, Archive, Day, Said, finding_id, states

EMPTY, THERE = Day(day=1), Day(day=11, objects=[PLACE])
STAYS, GOES = Day(day=21, objects=[PLACE]), Day(day=21)
CLOUDED = Day(day=21, objects=[PLACE], clouds=[(40, 50, 110, 110)])
LATER = Day(day=31, objects=[PLACE])
FIRST = finding_id(EMPTY, THERE)


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    # Pictures are most of what writing a run costs, and nothing here looks at them.
    monkeypatch.setattr("catalog.pictures.draw", lambda *_: None)
    return Archive(root=tmp_path / "out", work=tmp_path / "work")


def judged(archive: Archive) -> dict[str, tuple[str, str]]:
    return states(update(archive.root, SITE))


def events(archive: Archive) -> list[tuple[str, str, str]]:
    with reading(archive.root) as connection:
        assert connection is not None
        rows = connection.execute(select(finding_events).order_by(finding_events.c.seq)).mappings()
        return [(row["finding"], row["state"], row["reason"]) for row in rows]


@pytest.mark.usefixtures("each_database")
def test_what_stays_is_confirmed_by_the_next_date(archive: Archive) -> None:
    archive.compare(EMPTY, THERE, Said())
    assert judged(archive) == {FIRST: ("provisional", "no_later_date")}
    archive.compare(THERE, STAYS)
    assert judged(archive) == {FIRST: ("confirmed", "lasts")}
    assert events(archive) == [(FIRST, "provisional", "no_later_date"), (FIRST, "confirmed", "lasts")]


def test_what_is_known_at_once_still_begins_as_provisional(archive: Archive) -> None:
    archive.compare(EMPTY, THERE, Said())
    archive.compare(THERE, STAYS)
    judged(archive)
    assert events(archive) == [(FIRST, "provisional", "no_later_date"), (FIRST, "confirmed", "lasts")]


@pytest.mark.usefixtures("each_database")
def test_the_same_runs_again_add_no_event(archive: Archive) -> None:
    archive.compare(EMPTY, THERE, Said())
    archive.compare(THERE, CLOUDED)
    before = judged(archive), events(archive)
    archive.compare(EMPTY, THERE, Said())
    assert (judged(archive), events(archive)) == before


@pytest.mark.parametrize(
    ("score", "state", "reason"), [(0.6, "withdrawn", "not_repeated"), (0.9, "provisional", "seen_once")]
)
def test_what_is_gone_at_the_next_date(archive: Archive, score: float, state: str, reason: str) -> None:
    archive.compare(EMPTY, THERE, Said(score=score))
    archive.compare(THERE, GOES, Said(kind="vanished", score=score))
    found = judged(archive)
    assert found[FIRST] == (state, reason)
    assert found[finding_id(THERE, GOES, Said(kind="vanished"))] == ("provisional", "no_later_date")


def test_gone_counts_also_where_the_detector_missed_it(archive: Archive) -> None:
    archive.compare(EMPTY, THERE, Said(score=0.6))
    archive.compare(THERE, GOES)
    assert judged(archive)[FIRST] == ("withdrawn", "not_repeated")


def test_vanished_is_confirmed_where_the_place_stays_empty(archive: Archive) -> None:
    gone, empty = Day(day=21), Day(day=31)
    archive.compare(THERE, gone, Said(kind="vanished"))
    archive.compare(gone, empty)
    assert judged(archive) == {finding_id(THERE, gone, Said(kind="vanished")): ("confirmed", "lasts")}


def test_moved_is_confirmed_only_where_both_ends_last(archive: Archive) -> None:
    said = Said(kind="moved", place=PLACE, to=ELSEWHERE)
    before, after = Day(day=1, objects=[PLACE]), Day(day=11, objects=[ELSEWHERE])
    both, back = Day(day=21, objects=[ELSEWHERE]), Day(day=21, objects=[PLACE, ELSEWHERE])
    archive.compare(before, after, said)
    root = archive.root
    archive.root = root.with_name("other")
    shutil.copytree(root, archive.root)
    archive.compare(after, back, Said(place=PLACE))
    assert judged(archive)[finding_id(before, after, said)] == ("provisional", "seen_once")
    archive.root = root
    archive.compare(after, both)
    assert judged(archive)[finding_id(before, after, said)] == ("confirmed", "lasts")


def test_cloud_is_not_observed_and_the_date_after_it_decides(archive: Archive) -> None:
    """The clouded date breaks the chain of pairs at this place: its neighbours are then compared directly."""
    archive.compare(EMPTY, THERE, Said())
    archive.compare(THERE, CLOUDED)
    assert judged(archive) == {FIRST: ("provisional", "not_observed")}
    archive.compare(CLOUDED, LATER)
    assert judged(archive) == {FIRST: ("confirmed", "lasts")}


def test_places_are_followed_through_the_frames_of_the_dates(archive: Archive) -> None:
    """Every date lies elsewhere on the map, by more than the object is long; only the shifts of the pairs tell."""
    first = Day(day=1, shift=(5, -3))
    second, third = (
        Day(day=11, objects=[PLACE], shift=(-9, 20)),
        Day(day=21, objects=[PLACE], shift=(14, -12)),
    )
    clouded = Day(day=16, objects=[PLACE], clouds=[(40, 50, 110, 110)], shift=(3, 8))
    archive.compare(first, second, Said())
    archive.compare(second, clouded)
    archive.compare(clouded, third)
    assert judged(archive) == {finding_id(first, second): ("confirmed", "lasts")}
    leaves = Day(day=31, shift=(-2, -7))
    archive.compare(third, leaves, Said(kind="vanished"))
    archive.compare(second, leaves, Said(kind="vanished"))
    found = judged(archive)
    assert found[finding_id(second, leaves, Said(kind="vanished"))] == ("withdrawn", "superseded")


def test_a_pair_that_could_not_be_aligned_says_nothing(archive: Archive) -> None:
    archive.compare(EMPTY, THERE, Said())
    archive.compare(THERE, STAYS, refused=True)
    assert judged(archive) == {FIRST: ("provisional", "not_observed")}


def test_late_date_takes_over_the_finding(archive: Archive) -> None:
    archive.compare(EMPTY, STAYS, Said())
    old = finding_id(EMPTY, STAYS)
    assert judged(archive) == {old: ("provisional", "no_later_date")}
    archive.compare(EMPTY, THERE, Said())
    archive.compare(THERE, STAYS)
    assert judged(archive) == {old: ("withdrawn", "superseded"), FIRST: ("confirmed", "lasts")}
    assert update(archive.root, SITE)[old].successor == FIRST


def test_late_date_that_sees_nothing_leaves_the_finding_alone(archive: Archive) -> None:
    late = Day(day=11, objects=[PLACE], clouds=[(40, 50, 110, 110)])
    archive.compare(EMPTY, STAYS, Said())
    archive.compare(EMPTY, late)
    archive.compare(late, STAYS)
    archive.compare(STAYS, LATER)
    assert judged(archive) == {finding_id(EMPTY, STAYS): ("confirmed", "lasts")}


def test_finer_pairs_that_see_the_place_and_list_nothing_withdraw(archive: Archive) -> None:
    archive.compare(EMPTY, STAYS, Said(score=0.6))
    archive.compare(EMPTY, THERE)
    assert judged(archive)[finding_id(EMPTY, STAYS, Said())] == ("provisional", "no_later_date")
    archive.compare(THERE, STAYS)
    assert judged(archive)[finding_id(EMPTY, STAYS, Said())] == ("withdrawn", "no_longer_found")


def test_a_pair_of_another_orbit_does_not_take_over(archive: Archive) -> None:
    archive.compare(EMPTY, STAYS, Said())
    archive.compare(Day(day=11, orbit=121), STAYS, Said())
    assert judged(archive)[finding_id(EMPTY, STAYS)] == ("provisional", "no_later_date")


def test_reprocessed_images_replace_the_run_and_carry_the_finding_over(archive: Archive) -> None:
    archive.compare(EMPTY, THERE, Said(), Said(place=ELSEWHERE))
    newer = Day(day=11, objects=[PLACE], baseline="05.11")
    archive.compare(EMPTY, newer, Said(place=(61, 70, 85, 82)))
    carried = finding_id(EMPTY, newer, Said(place=(61, 70, 85, 82)))
    assert judged(archive) == {
        carried: ("provisional", "no_later_date"),
        FIRST: ("withdrawn", "superseded"),
        finding_id(EMPTY, THERE, Said(place=ELSEWHERE)): ("withdrawn", "no_longer_found"),
    }
    assert update(archive.root, SITE)[FIRST].successor == carried


def test_a_higher_threshold_withdraws_nothing(archive: Archive) -> None:
    archive.compare(EMPTY, THERE, Said(score=0.6))
    archive.compare(EMPTY, THERE, min_score=0.9)
    assert judged(archive) == {FIRST: ("provisional", "no_later_date")}


def test_a_decision_outlives_the_pixels_it_rests_on(archive: Archive) -> None:
    archive.compare(EMPTY, THERE, Said())
    name = archive.compare(THERE, STAYS)
    assert judged(archive) == {FIRST: ("confirmed", "lasts")}
    (archive.root / name / "after.tif").unlink()
    archive.compare(Day(day=2), THERE, Said(place=ELSEWHERE))
    assert judged(archive)[FIRST] == ("confirmed", "lasts")


def test_what_a_crash_left_out_is_made_up_for(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the run in place and the database written, a process may die at any point."""
    archive.compare(EMPTY, THERE, Said())
    archive.compare(THERE, STAYS)

    def die(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(findings, "record", die)
    with pytest.raises(KeyboardInterrupt):
        update(archive.root, SITE)
    monkeypatch.undo()
    assert judged(archive) == {FIRST: ("confirmed", "lasts")}


def test_nothing_new_reads_no_pixels(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.compare(EMPTY, THERE, Said())
    archive.compare(THERE, CLOUDED)
    before = judged(archive)

    def refuse(*_args: object, **_options: object) -> None:
        raise AssertionError("pixels were read again")

    monkeypatch.setattr("catalog.place_pixels.Pixels.look", refuse)
    assert judged(archive) == before


def test_rebuilding_from_the_runs_gives_the_same_states(archive: Archive, each_database: str) -> None:
    archive.compare(EMPTY, THERE, Said(), Said(place=ELSEWHERE, score=0.6))
    archive.compare(THERE, STAYS, Said(kind="vanished", place=ELSEWHERE, score=0.6))
    before = update(archive.root, SITE)
    done = rebuild(archive.root)
    assert (done.runs, done.findings, done.lost) == (2, 3, None)
    assert update(archive.root, SITE) == before
    if each_database == "sqlite":
        assert isinstance(done.kept, Path)
        with closing(sqlite3.connect(done.kept)) as kept:
            assert kept.execute("SELECT count(*) FROM findings").fetchone() == (3,)
    else:
        with reading(archive.root) as connection:
            assert connection is not None
            assert connection.execute(text(f"SELECT count(*) FROM {done.kept}.findings")).scalar() == 3


def test_a_damaged_file_is_made_anew_from_the_runs(archive: Archive) -> None:
    archive.compare(EMPTY, THERE, Said(), Said(place=ELSEWHERE, score=0.6))
    before = update(archive.root, SITE)
    path_of(archive.root).write_bytes(b"nothing that SQLite knows" * 100)
    with pytest.raises(BadDatabase, match="status --rebuild"):
        update(archive.root, SITE)
    assert "is damaged" in (rebuild(archive.root).lost or "")
    assert update(archive.root, SITE) == before


@pytest.mark.usefixtures("each_database")
@pytest.mark.parametrize("table", ["finding_events", "findings", "runs"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {}='x'", "DELETE FROM {}"])
def test_rows_can_be_neither_changed_nor_deleted(archive: Archive, table: str, statement: str) -> None:
    archive.compare(EMPTY, THERE, Said())
    judged(archive)
    column = "state" if table == "finding_events" else "sensor"
    with pytest.raises(BadDatabase, match="append-only"), writing(archive.root) as connection:
        connection.execute(text(statement.format(table, column)))
    assert events(archive) == [(FIRST, "provisional", "no_later_date")]


@pytest.mark.usefixtures("each_database")
@pytest.mark.parametrize(
    "tamper",
    ["UPDATE finding_events SET state='withdrawn' WHERE seq=2", "DELETE FROM finding_events WHERE seq=1",
     "UPDATE finding_events SET at='2024-01-01T00:00:00Z' WHERE seq=1"],
)  # fmt: skip
def test_the_chain_shows_what_was_changed_behind_its_back(archive: Archive, tamper: str) -> None:
    archive.compare(EMPTY, THERE, Said())
    archive.compare(THERE, STAYS)
    judged(archive)
    with reading(archive.root) as connection:
        assert connection is not None
        assert findings.chain_fault(connection) is None
    with writing(archive.root) as connection:
        lift_guards(connection, "finding_events")
        connection.execute(text(tamper))
    with reading(archive.root) as connection:
        assert connection is not None
        assert "is not as it was written" in (findings.chain_fault(connection) or "")


@pytest.mark.usefixtures("each_database")
def test_a_finding_always_has_its_facts(archive: Archive) -> None:
    archive.compare(EMPTY, THERE, Said())
    judged(archive)
    event = dict.fromkeys((c.name for c in finding_events.c), "x") | {
        "seq": 99,
        "finding": "nobody",
        "scenes": [],
    }
    with pytest.raises(BadDatabase) as caught, writing(archive.root) as connection:
        connection.execute(finding_events.insert().values(event))
    assert isinstance(caught.value.__cause__, IntegrityError)


@pytest.mark.usefixtures("each_database")
def test_view_for_other_programs_holds_the_last_state(archive: Archive) -> None:
    archive.compare(EMPTY, THERE, Said())
    archive.compare(THERE, STAYS)
    judged(archive)
    with reading(archive.root) as connection:
        assert connection is not None
        rows = connection.execute(text("SELECT id, state, decided_by FROM current_findings")).all()
    assert [tuple(row) for row in rows] == [(FIRST, "confirmed", list(archive.runs)[1])]


def test_update_of_a_site_without_runs_is_empty(tmp_path: Path) -> None:
    assert bookkeeping.update(tmp_path, SITE) == {}
