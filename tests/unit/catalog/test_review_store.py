"""The records of the review desk from end to end: runs on disk, the queue over them, and what answers do to it."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.bookkeeping import rebuild, update
from catalog.database import database_of
from catalog.errors import BadReview, CatalogError
from catalog.geometry import polygon
from catalog.queue import QueueEntry, QueueFilters
from catalog.review import ReviewStore
from catalog.review_acts import tile_subject
from catalog.review_index import SHARE_VARIABLE, is_audited
from catalog.review_index import rebuild as rebuild_index
from catalog.review_tables import DERIVED
from catalog.run import write_run
from catalog.second_review import SecondRule
from imagery.tile import tiles
from models.change import TileOutcome
from models.compare import Conclusion
from tests.unit.catalog.catalog_runs import appeared, grid_of, moved, record, vanished
from tests.unit.catalog.histories import ELSEWHERE, PLACE, Archive, Day, Said, finding_id
from tests.unit.catalog.reviews import EMPTY, FIRST, SECOND, THERE, draft, ring, verdict

Open = Callable[..., ReviewStore]


@pytest.fixture
def opened(each_database: str) -> Iterator[Open]:
    """Opens stores, and closes them."""
    del each_database
    stores: list[ReviewStore] = []

    def open_(root: Path, **options: object) -> ReviewStore:
        stores.append(ReviewStore(root, **options))
        return stores[-1]

    yield open_
    for store in stores:
        store.close()


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.pictures.draw", lambda *_: None)


def subjects(store: ReviewStore, **filters: object) -> list[str]:
    return [entry.subject for entry in store.queue(QueueFilters(**filters)).entries]


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


class TestQueue:
    @pytest.fixture
    def store(self, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch) -> ReviewStore:
        """A site with three changes in one tile, a blank tile, one that failed and one not assessed."""
        monkeypatch.setenv(SHARE_VARIABLE, "1")
        cut = tuple(tiles((600, 700), size_px=512, halo_px=64))
        outcomes = (
            TileOutcome(tile="r00c00", outcome="changed", reason=None, valid_fraction=1.0, changes=3),
            TileOutcome(tile="r00c01", outcome="unchanged", reason=None, valid_fraction=0.9),
            TileOutcome(tile="r01c00", outcome="not_assessable", reason="cloud on after", valid_fraction=0.1),
            TileOutcome(tile="r01c01", outcome="failed", reason="read error", valid_fraction=0.0),
        )
        changes = (appeared(score=0.9), vanished(score=0.55, label="ship"), moved())
        made = record(tmp_path / "work", tiles=cut)
        write_run(
            replace(made, conclusion=Conclusion(changes=changes, outcomes=outcomes)), root=tmp_path / "out"
        )
        return opened(tmp_path / "out")

    def test_changes_come_before_tiles_without_any(self, store: ReviewStore) -> None:
        assert [entry.kind for entry in store.queue().entries] == ["vanished", "appeared", "moved"]
        (blank,) = store.queue(QueueFilters(what="blank")).entries
        assert (blank.tile, blank.needs, blank.kind) == ("r00c01", "first", None)
        unseen = store.queue(QueueFilters(what="unseen")).entries
        assert {(entry.tile, entry.reason) for entry in unseen} == {
            ("r01c00", "cloud on after"),
            ("r01c01", "read error"),
        }

    def test_the_order_follows_what_is_worth_a_look(self, store: ReviewStore) -> None:
        """`appeared` lies in a watched zone, `vanished` near the threshold, `moved` (0.7) in between."""
        worth = {entry.kind: entry.worth for entry in store.queue().entries}
        date = (worth["vanished"] - 2 * (1 - 0.05 / 0.35), worth["appeared"] - 1.0)
        assert date[0] == pytest.approx(date[1], abs=1e-3)
        assert worth["moved"] == pytest.approx(date[0] + 2 * (1 - 0.2 / 0.35), abs=1e-3)

    @pytest.mark.parametrize(
        ("filters", "kinds"),
        [
            ({"kinds": ("moved",)}, {"moved"}),
            ({"labels": ("ship", "vehicle")}, {"vanished", "moved"}),
            ({"zones": ("apron-1",)}, {"appeared"}),
            ({"zones": ("",)}, {"vanished", "moved"}),
            ({"min_score": 0.55, "max_score": 0.7}, {"vanished", "moved"}),
            ({"since": "2024-12-20"}, {"appeared", "vanished", "moved"}),
            ({"since": "2024-12-21"}, set()),
            ({"until": "2024-12-20"}, {"appeared", "vanished", "moved"}),
            ({"until": "2024-12-19"}, set()),
            ({"states": ("confirmed",)}, set()),
            ({"tiles": ("r00c00",), "needs": ("first",)}, {"appeared", "vanished", "moved"}),
        ],
    )
    def test_filters(self, store: ReviewStore, filters: dict[str, object], kinds: set[str]) -> None:
        found = store.queue(QueueFilters(**filters)).entries
        assert {entry.kind for entry in found} == kinds
        assert store.counts(QueueFilters(**filters)).total == len(found)

    def test_pages_follow_each_other_without_gap_or_repeat(self, store: ReviewStore) -> None:
        seen, after = [], None
        while True:
            page = store.queue(after=after, limit=1)
            seen += [entry.kind for entry in page.entries]
            after = page.next
            if after is None:
                break
        assert seen == ["vanished", "appeared", "moved"]

    @pytest.mark.parametrize(
        "cursor", ["", "x", "W10", "WzEsMiwzLDQsNV0", "é", "W05hTiwiIiwiIiwxLjAsIiJd", "A" * 9999]
    )
    def test_a_cursor_that_is_none_is_refused(self, store: ReviewStore, cursor: str) -> None:
        with pytest.raises(BadReview, match="begin at the first page"):
            store.queue(after=cursor)

    def test_counts_are_true(self, store: ReviewStore) -> None:
        counts = store.counts()
        assert (counts.total, counts.tiles) == (3, 1)
        assert counts.by["kind"] == {"appeared": 1, "vanished": 1, "moved": 1}
        assert counts.by["zone"] == {"apron-1": 1, "": 2}
        assert counts.by["needs"] == {"first": 3}
        verdict(store, "rejected", subjects(store)[0])
        counts = store.counts()
        assert counts.by["needs"] == {"first": 2, "none": 1}
        assert counts.by["verdict_reason"] == {"": 2, "shadow": 1}
        assert store.counts(QueueFilters(what="unseen")).total == 2

    def test_a_blank_tile_is_answered_and_leaves_the_queue(self, store: ReviewStore) -> None:
        (subject,) = subjects(store, what="blank", needs=("first",))
        verdict(store, "nothing_missed", subject)
        assert subjects(store, what="blank", needs=("first",)) == []
        assert store.queue(QueueFilters(what="blank")).entries[0].verdict == "nothing_missed"

    def test_what_could_not_be_seen_gets_notes_and_no_verdict(self, store: ReviewStore) -> None:
        subject = subjects(store, what="unseen")[0]
        with pytest.raises(BadReview, match="could not be assessed"):
            verdict(store, "nothing_missed", subject)
        store.append(draft("note", subject, text="cloud indeed"))
        assert store.state(subject).notes[0].text == "cloud indeed"
        assert store.queue(QueueFilters(what="unseen")).entries[0].needs == "none"

    def test_a_flagged_tile_has_no_verdict_of_its_own(self, store: ReviewStore) -> None:
        run = store.runs()[0]["name"]
        with pytest.raises(BadReview, match="give a verdict on each"):
            verdict(store, "missed", tile_subject(run, "r00c00"))
        for odd in (tile_subject(run, "r99c99"), tile_subject("no/run", "r00c00"), "tile:x"):
            with pytest.raises(BadReview):
                verdict(store, "missed", odd)
        assert store.events() == []

    def test_a_tile_with_everything_in_it(self, store: ReviewStore) -> None:
        run = store.runs()[0]["name"]
        view = store.tile(run, "r00c00")
        assert view.outcome.changes == len(view.entries) == 3
        assert view.subject == tile_subject(run, "r00c00")
        with pytest.raises(BadReview, match="has no tile r07c07"):
            store.tile(run, "r07c07")
        with pytest.raises(BadReview, match="no run of this name"):
            store.tile("../../etc", "r00c00")


class TestBlankTiles:
    def test_the_share_is_drawn_once_and_a_larger_one_holds_a_smaller(self) -> None:
        drawn = {
            share: {i for i in range(4000) if is_audited("run", f"r{i}", share)} for share in (0.05, 0.2)
        }
        assert drawn[0.05] < drawn[0.2]
        assert len(drawn[0.05]) == pytest.approx(200, abs=45)
        assert len(drawn[0.2]) == pytest.approx(800, abs=90)
        assert {i for i in range(400) if is_audited("other", f"r{i}", 0.2)} != {
            i for i in drawn[0.2] if i < 400
        }

    def test_another_share_counts_from_the_next_opening(
        self, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_run(record(tmp_path / "work", changes=()), root=tmp_path / "out")
        monkeypatch.setenv(SHARE_VARIABLE, "0")
        store = opened(tmp_path / "out")
        assert subjects(store, what="blank") == []
        subject = tile_subject(store.runs()[0]["name"], "r00c00")
        verdict(store, "nothing_missed", subject)  # unasked
        (entry,) = store.queue(QueueFilters(what="blank")).entries
        assert (entry.subject, entry.added, entry.verdict) == (subject, True, "nothing_missed")
        monkeypatch.setenv(SHARE_VARIABLE, "1")
        assert store.sync() == 1
        found = store.queue(QueueFilters(what="blank")).entries
        assert len(found) == 4
        assert [entry.added for entry in found] == [False] * 4
        assert store.runs()[0]["audited"] == 4

    @pytest.mark.parametrize("share", ["1.5", "-1", "many", "nan"])
    def test_a_share_that_is_none_is_refused(
        self, reviewed: Path, opened: Open, monkeypatch: pytest.MonkeyPatch, share: str
    ) -> None:
        monkeypatch.setenv(SHARE_VARIABLE, share)
        with pytest.raises(CatalogError, match=SHARE_VARIABLE):
            opened(reviewed)


class TestAdded:
    def test_a_missed_change_stands_in_its_tile_and_can_be_judged(self, reviewed: Path, opened: Open) -> None:
        store = opened(reviewed)
        run = store.runs()[0]["name"]
        event = store.append(
            draft("missed", None, run=run, geometry=place_of(store), kind="vanished", label="truck")
        )
        assert event.subject.startswith("missed:")
        view = store.change(event.subject)
        assert (view.entry.added, view.entry.kind, view.entry.label, view.entry.score) == (
            True,
            "vanished",
            "truck",
            None,
        )
        assert (view.entry.verdict, view.entry.state, view.entry.tile) == ("confirmed", "confirmed", "r00c00")
        assert view.change is None
        assert event.subject in {entry.subject for entry in store.tile(run, "r00c00").entries}
        verdict(store, "rejected", event.subject, by="bob")
        assert store.change(event.subject).entry.needs == "settle"

    def test_taking_it_back_withdraws_it(self, reviewed: Path, opened: Open) -> None:
        store = opened(reviewed)
        run = store.runs()[0]["name"]
        event = store.append(
            draft("missed", None, run=run, geometry=place_of(store), kind="appeared", label="truck")
        )
        store.append(draft("undo", None, event=event.seq))
        assert store.change(event.subject).entry.state == "withdrawn"
        assert event.subject not in subjects(store, needs=("first",))

    def test_one_that_the_run_does_not_show_any_more_is_known_and_keeps_nothing_from_opening(
        self, tmp_path: Path, opened: Open
    ) -> None:
        root, grid = tmp_path / "out", grid_of()
        far = polygon(grid, [(500, 500), (520, 500), (520, 510), (500, 510), (500, 500)])
        write_run(record(tmp_path / "work", changes=(appeared(),)), root=root)
        store = opened(root)
        run = store.runs()[0]["name"]
        event = store.append(draft("missed", None, run=run, geometry=far, kind="vanished", label="truck"))
        write_run(record(tmp_path / "again", grid=grid_of((300, 400)), changes=(appeared(),)), root=root)
        store.sync()
        for _ in range(2):
            entry = store.change(event.subject).entry
            assert (entry.listed, entry.tile, entry.verdict, entry.label) == (False, "", "confirmed", "truck")
            assert event.subject not in subjects(store)
            assert store.counts(QueueFilters(listed=None)).total == 2
            with database_of(root).writing() as connection:
                for table in DERIVED:
                    connection.execute(table.delete())
            assert rebuild_index(root, database_of(root)) == 1
        write_run(record(tmp_path / "third", changes=(appeared(),)), root=root)
        store.sync()
        assert store.change(event.subject).entry.listed

    def test_it_must_lie_on_the_images(self, reviewed: Path, opened: Open) -> None:
        store = opened(reviewed)
        for run, said in ((store.runs()[0]["name"], "beyond the images"), ("no/run", "no run of this name")):
            with pytest.raises(BadReview, match=said):
                store.append(
                    draft("missed", None, run=run, geometry=wgs_square(), kind="appeared", label="x")
                )
        assert store.events() == []


class TestSecondReview:
    def test_a_rule_sends_changes_to_a_second_reviewer_who_does_not_see_the_first(
        self, reviewed: Path, opened: Open
    ) -> None:
        store = opened(reviewed, second=SecondRule(score_band=(0.5, 0.7)))
        verdict(store, "rejected", SECOND)
        verdict(store, "confirmed", FIRST)
        assert [event.act for event in store.events()] == ["verdict", "assign_second", "verdict"]
        waiting = QueueFilters(needs=("second",), unanswered_by="bob")
        (entry,) = store.queue(waiting, viewer="bob").entries
        assert (entry.subject, entry.second, entry.verdict, entry.answers) == (SECOND, "waiting", None, 0)
        assert entry.state == "provisional"
        assert store.change(SECOND, viewer="bob").state.answers == ()
        assert store.tile(entry.run, entry.tile, viewer="bob").entries[0].verdict is None
        assert store.queue(QueueFilters(needs=("second",), unanswered_by="ann")).entries == ()
        assert store.queue(QueueFilters(needs=("second",)), viewer="ann").entries[0].verdict == "rejected"
        verdict(store, "confirmed", SECOND, by="bob")
        (disputed,) = store.queue(QueueFilters(needs=("settle",)), viewer="bob").entries
        assert (disputed.subject, disputed.answers) == (SECOND, 2)
        with pytest.raises(BadReview, match="is not disputed"):
            verdict(store, "confirmed", FIRST, by="lea", settles=True)
        verdict(store, "confirmed", SECOND, by="lea", settles=True)
        assert store.change(SECOND).entry.second == "settled"
        assert store.change(SECOND).entry.verdict == "confirmed"
        assert [event.act for event in store.events()].count("assign_second") == 1

    def test_rules(self, reviewed: Path, opened: Open) -> None:
        first = opened(reviewed).change(FIRST).entry
        assert SecondRule().wants(first) is None
        assert SecondRule(share=1).wants(first) == "a random 100%"
        assert SecondRule(labels=("aircraft",)).wants(first) == "label aircraft"
        assert SecondRule(zones=("apron",)).wants(replace(first, zone="apron")) == "zone apron"
        with pytest.raises(BadReview, match="share of second reviews"):
            SecondRule(share=2)
        with pytest.raises(BadReview, match="two rising scores"):
            SecondRule(score_band=(0.7, 0.5))


class TestRecurrence:
    def archive(self, tmp_path: Path, *days: int) -> Archive:
        """The same place reported again and again, and another one once."""
        archive = Archive(root=tmp_path / "out", work=tmp_path / "work")
        for number, (before, after) in enumerate(itertools.pairwise(days)):
            more = (Said(place=ELSEWHERE),) if number == 0 else ()
            archive.compare(Day(day=before), Day(day=after), Said(), *more)
        return archive

    def test_what_was_rejected_there_is_marked_when_it_comes_again(
        self, tmp_path: Path, opened: Open
    ) -> None:
        archive = self.archive(tmp_path, 1, 5, 9)
        store = opened(archive.root)
        first, later = finding_id(Day(day=1), Day(day=5)), finding_id(Day(day=5), Day(day=9))
        event = verdict(store, "rejected", first, reason="known_object")
        marked = {entry.subject: entry for entry in store.queue().entries if entry.suppressed}
        assert marked.keys() == {later}
        assert marked[later].suppressed_by == first
        assert store.queue().entries[-1].subject == later
        assert store.counts(QueueFilters(suppressed=True)).total == 1
        archive.compare(Day(day=9), Day(day=13), Said())
        store.sync()
        assert len(subjects(store, suppressed=True)) == 2  # also what is written later
        store.append(draft("undo", None, event=event.seq))
        store.settle()
        assert subjects(store, suppressed=True) == []

    def test_marks_do_not_tell_a_second_reviewer_what_the_first_one_said(
        self, tmp_path: Path, opened: Open
    ) -> None:
        store = opened(self.archive(tmp_path, 1, 5, 9).root)
        first, later = finding_id(Day(day=1), Day(day=5)), finding_id(Day(day=5), Day(day=9))
        store.append(draft("assign_second", first, rule="asked for"))
        verdict(store, "rejected", first, reason="known_object")
        assert subjects(store, suppressed=True) == []
        verdict(store, "rejected", first, reason="known_object", by="bob")
        assert subjects(store, suppressed=True) == [later]

    @pytest.mark.parametrize("reason", ["cloud", "misregistration", "bad_imagery"])
    def test_reasons_of_one_pair_mark_nothing_by_themselves(
        self, tmp_path: Path, opened: Open, reason: str
    ) -> None:
        store = opened(self.archive(tmp_path, 1, 5, 9).root)
        first = finding_id(Day(day=1), Day(day=5))
        verdict(store, "rejected", first, reason=reason)
        store.settle()
        assert subjects(store, suppressed=True) == []
        store.append(draft("suppress", first, until="2025-01-09", reason=reason))
        store.settle()
        assert len(subjects(store, suppressed=True)) == 1
        store.append(draft("unsuppress", first))
        store.settle()
        assert subjects(store, suppressed=True) == []

    def test_it_expires(self, tmp_path: Path, opened: Open) -> None:
        store = opened(self.archive(tmp_path, 1, 5, 9, 13).root)
        first = finding_id(Day(day=1), Day(day=5))
        store.append(draft("suppress", first, until="2025-01-09", reason="seasonal"))
        store.settle()
        assert subjects(store, suppressed=True) == [finding_id(Day(day=5), Day(day=9))]
        place = store.change(first).outline
        assert place is not None
        asked = {"site": "testbase", "sensor": "optical", "place": place}
        assert store.suppressed(**asked, day="2025-01-09T08:20:00Z") is not None
        assert store.suppressed(**asked, day="2025-01-10") is None
        assert store.suppressed(**asked | {"sensor": "sar"}, day=None) is None
        assert store.suppressed(**asked | {"site": None}, day=None) is None

    def test_a_person_who_confirms_it_lifts_the_mark(self, tmp_path: Path, opened: Open) -> None:
        store = opened(self.archive(tmp_path, 1, 5, 9).root)
        verdict(store, "rejected", finding_id(Day(day=1), Day(day=5)), reason="known_object")
        later = subjects(store, suppressed=True)[0]
        verdict(store, "confirmed", later)
        store.settle()
        assert subjects(store, suppressed=True) == []

    def test_something_of_another_size_is_not_the_same(self, tmp_path: Path, opened: Open) -> None:
        archive = self.archive(tmp_path, 1, 5)
        archive.compare(Day(day=5), Day(day=9), Said(place=(40, 50, 130, 110)))
        store = opened(archive.root)
        verdict(store, "rejected", finding_id(Day(day=1), Day(day=5)), reason="known_object")
        store.settle()
        assert subjects(store, suppressed=True) == []


def strip(entry: QueueEntry) -> dict[str, object]:
    return {name: value for name, value in entry.as_dict().items() if not name.startswith("rule_")}


def place_of(store: ReviewStore) -> dict[str, object]:
    outline = store.change(SECOND).outline
    assert outline is not None
    return dict(outline)


def wgs_square() -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [ring((10.0, 10.0, 10.001, 10.001))]}
