"""Runs that are taken up, written anew or lost, and what becomes of the answers about them."""

import shutil
from pathlib import Path

import pytest

from catalog.bookkeeping import rebuild, update
from catalog.database import database_of
from catalog.errors import BadReview
from catalog.queue import QueueFilters
from catalog.review_index import rebuild as rebuild_index
from catalog.run import write_run
from tests.unit.catalog.catalog_runs import grid_of, record
from tests.unit.catalog.histories import ELSEWHERE, PLACE, Archive, Day, Said, finding_id
from tests.unit.catalog.reviews import (
    EMPTY,
    FIRST,
    SECOND,
    THERE,
    Open,
    draft,
    place_of,
    ring,
    strip,
    subjects,
    verdict,
    wgs_square,
)

pytestmark = pytest.mark.usefixtures("no_pictures")


class TestTakingUp:
    def test_runs_on_disk_are_there_when_the_desk_opens(self, reviewed: Path, opened: Open) -> None:
        store = opened(reviewed)
        first, second = store.queue().entries
        assert (first.subject, second.subject) == (SECOND, FIRST)  # 0.6 is nearer to the threshold of 0.5
        assert (first.kind, first.label, first.score, first.site, first.tile) == (
            "appeared", "aircraft", 0.6, "testbase", "r00c00",
        )  # fmt: skip
        assert (first.before_time, first.after_time) == ("2025-01-01T08:20:00Z", "2025-01-11T08:20:00Z")
        assert first.lon == pytest.approx(35.92, abs=0.01)
        assert (first.state, first.needs, first.verdict) == ("provisional", "first", None)
        assert store.runs()[0]["tiles"] == 1
        assert store.sync() == 0

    def test_the_rule_is_heard_where_the_bookkeeping_has_judged(self, tmp_path: Path, opened: Open) -> None:
        archive = Archive(root=tmp_path / "out", work=tmp_path / "work")
        archive.compare(EMPTY, THERE, Said(), Said(place=ELSEWHERE, score=0.6))
        store = opened(archive.root)
        update(archive.root, "testbase")
        assert {e.rule_reason for e in store.queue().entries} == {"no_later_date"}
        archive.compare(
            THERE, Day(day=21, objects=[PLACE]), Said(kind="vanished", place=ELSEWHERE, score=0.6)
        )
        update(archive.root, "testbase")
        found = {entry.subject: entry for entry in store.queue().entries}
        assert (found[FIRST].state, found[FIRST].rule_reason) == ("confirmed", "lasts")
        assert (found[SECOND].state, found[SECOND].rule_reason) == ("withdrawn", "not_repeated")
        assert len(found) == 3
        verdict(store, "rejected", FIRST)
        assert store.state(FIRST).state == "withdrawn"
        assert store.state(FIRST).automatic.state == "confirmed"

    def test_a_comparison_of_two_files_has_no_site(self, tmp_path: Path, opened: Open) -> None:
        made = record(tmp_path / "work", name="a_b_0123", site=None, zones=())
        write_run(made, root=tmp_path / "out")
        store = opened(tmp_path / "out")
        assert {entry.site for entry in store.queue().entries} == {None}
        assert len(subjects(store, sites=("",))) == 3
        assert subjects(store, sites=("testbase",)) == []
        verdict(store, subject=subjects(store)[0])
        assert store.events()[0].run == "a_b_0123"

    def test_without_dates_and_georeference(self, tmp_path: Path, opened: Open) -> None:
        made = record(
            tmp_path / "work",
            grid=grid_of(crs=None, gsd=1.0),
            name="a_b",
            site=None,
            zones=(),
            before=None,
            after=None,
        )
        write_run(made, root=tmp_path / "out")
        store = opened(tmp_path / "out")
        entry = store.queue().entries[0]
        assert (entry.lon, entry.lat, entry.after_time) == (None, None, None)
        view = store.change(entry.subject)
        assert view.outline is not None
        assert view.outline.keys() == {"outline_px"}
        store.append(draft("outline", entry.subject, outline_px=ring((10, 10, 20, 20))))
        with pytest.raises(BadReview, match="has no georeference"):
            store.append(draft("outline", entry.subject, geometry=wgs_square()))
        added = store.append(
            draft(
                "missed", None, run="a_b", outline_px=ring((50, 50, 60, 58)), kind="vanished", label="truck"
            )
        )
        assert store.change(added.subject).entry.length_m == 10.0

    def test_a_run_written_anew_keeps_every_answer(self, tmp_path: Path, opened: Open) -> None:
        """The same change again has the same id; what the new result does not list stays known."""
        archive = Archive(root=tmp_path / "out", work=tmp_path / "work")
        archive.compare(EMPTY, THERE, Said(), Said(place=ELSEWHERE, score=0.6))
        store = opened(archive.root)
        for subject in (FIRST, SECOND):
            verdict(store, subject=subject)
        other = Said(place=(20, 100, 44, 112))
        archive.compare(EMPTY, THERE, Said(score=0.7), other, min_score=0.6)
        assert store.sync() == 1
        assert set(subjects(store)) == {finding_id(EMPTY, THERE, other), FIRST}
        assert store.change(FIRST).entry.verdict == "confirmed"
        assert store.change(FIRST).entry.score == 0.7
        gone = store.change(SECOND)
        assert (gone.entry.listed, gone.entry.verdict, gone.change) == (False, "confirmed", None)
        assert len(subjects(store, listed=None)) == 3

    def test_making_the_index_anew_changes_nothing(self, reviewed: Path, opened: Open) -> None:
        store = opened(reviewed)
        verdict(store, "rejected", reason="known_object")
        verdict(store, subject=SECOND, by="bob")
        run = store.runs()[0]["name"]
        store.append(draft("missed", None, run=run, geometry=place_of(store), kind="vanished", label="truck"))
        before, counts = store.queue().entries, store.counts()
        assert rebuild_index(reviewed, database_of(reviewed)) == 1
        after = store.queue().entries
        assert [strip(entry) for entry in after] == [strip(entry) for entry in before]
        assert store.counts() == counts
        assert rebuild(reviewed).lost is None
        assert [strip(entry) for entry in store.queue().entries if entry.rule_state] != []
        assert store.counts().total == 3

    def test_what_is_taken_up_again_is_told_to_those_who_look(self, tmp_path: Path, opened: Open) -> None:
        """Also where all rows there are belong to the one run that is written anew."""
        archive = Archive(root=tmp_path / "out", work=tmp_path / "work")
        archive.compare(EMPTY, THERE, Said(), Said(place=ELSEWHERE, score=0.6))
        store, looking = opened(archive.root), opened(archive.root)
        for turn in range(3):
            verdict(store, by=f"person {turn}")
            assert looking.counts().by["verdict"] == {"confirmed": 1, "": 1}
            archive.compare(EMPTY, THERE, Said(score=0.7 + turn / 10), Said(place=ELSEWHERE, score=0.6))
            store.sync()
            found = {
                entry.subject: entry.score for entry in looking.queue(QueueFilters(min_score=0.65)).entries
            }
            assert found == {FIRST: pytest.approx(0.7 + turn / 10)}
            rebuild_index(archive.root, database_of(archive.root))
            assert looking.counts().total == 2

    def test_a_run_that_is_gone_is_dropped_from_the_index_and_not_from_the_journal(
        self, reviewed: Path, opened: Open
    ) -> None:
        store = opened(reviewed)
        verdict(store)
        shutil.rmtree(reviewed / store.runs()[0]["name"])
        rebuild_index(reviewed, database_of(reviewed))
        assert store.queue().entries == ()
        assert store.counts().total == 0
        assert len(store.events(subject=FIRST)) == 1
        assert store.state(FIRST).verdict == "confirmed"

    def test_a_broken_run_does_not_keep_others_from_review(self, reviewed: Path, opened: Open) -> None:
        made = record(reviewed.parent / "more", name="a_b", site=None, zones=())
        write_run(made, root=reviewed)
        report = reviewed / "a_b" / "report.json"
        report.write_text(report.read_text()[:-200])
        store = opened(reviewed)
        assert len(store.queue().entries) == 2
