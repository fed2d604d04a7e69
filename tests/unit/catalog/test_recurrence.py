"""What was rejected is marked where it comes up again, for as long as that holds."""

import itertools
from pathlib import Path

import pytest

from catalog.queue import QueueFilters
from tests.unit.catalog.histories import ELSEWHERE, Archive, Day, Said, finding_id
from tests.unit.catalog.reviews import Open, draft, subjects, verdict

pytestmark = pytest.mark.usefixtures("no_pictures")


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

    def test_nor_do_words_that_suppress_the_place(self, tmp_path: Path, opened: Open) -> None:
        store = opened(self.archive(tmp_path, 1, 5, 9).root)
        first, later = finding_id(Day(day=1), Day(day=5)), finding_id(Day(day=5), Day(day=9))
        store.append(draft("assign_second", first, rule="asked for"))
        verdict(store, "rejected", first, reason="cloud")
        store.append(draft("suppress", first, until="2026-01-09", reason="cloud"))
        store.settle()
        assert subjects(store, suppressed=True) == []
        verdict(store, "rejected", first, reason="cloud", by="bob")
        assert subjects(store, suppressed=True) == [later]

    def test_each_word_about_a_place_can_be_taken_back(self, tmp_path: Path, opened: Open) -> None:
        store = opened(self.archive(tmp_path, 1, 5, 9).root)
        first, later = finding_id(Day(day=1), Day(day=5)), finding_id(Day(day=5), Day(day=9))
        said = [
            store.append(draft("suppress", first, until="2025-06-30", reason="seasonal")),
            store.append(draft("suppress", first, until="2027-06-30", reason="seasonal")),
            store.append(draft("unsuppress", first, by="bob")),
        ]
        found = []
        for event in reversed(said):
            store.settle()
            entry = store.entry(later)
            assert entry is not None
            found.append(entry.suppressed_until)
            store.append(draft("undo", first, by=event.reviewer, event=event.seq))
        store.settle()
        assert found == [None, "2027-06-30", "2025-06-30"]
        assert subjects(store, suppressed=True) == []
        assert [event.act for event in store.events()] == ["suppress"] * 2 + ["unsuppress"] + ["undo"] * 3

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
