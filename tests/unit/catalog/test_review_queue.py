"""The queue over real runs: order, filters, pages, counts, and tiles without changes."""

from dataclasses import replace
from pathlib import Path

import pytest

from catalog.errors import BadReview, CatalogError
from catalog.queue import QueueFilters
from catalog.review import ReviewStore
from catalog.review_acts import tile_subject
from catalog.review_index import SHARE_VARIABLE, is_audited
from catalog.run import write_run
from imagery.tile import tiles
from models.change import TileOutcome
from models.compare import Conclusion
from tests.unit.catalog.catalog_runs import appeared, moved, record, vanished
from tests.unit.catalog.reviews import Open, draft, subjects, verdict

pytestmark = pytest.mark.usefixtures("no_pictures")


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
        assert [entry.kind for entry in store.queue().entries] == ["appeared", "vanished", "moved"]
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
        date = worth["appeared"] - 2.0 - 0.9
        assert worth["vanished"] == pytest.approx(date + 0.55 + 1 - 0.05 / 0.35, abs=1e-3)
        assert worth["moved"] == pytest.approx(date + 0.7 + 1 - 0.2 / 0.35, abs=1e-3)

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
        assert seen == ["appeared", "vanished", "moved"]

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
