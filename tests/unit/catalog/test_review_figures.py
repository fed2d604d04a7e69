"""Figures from real records: planted verdicts, and the numbers that follow from them."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.geometry import polygon
from catalog.journal import ReviewDraft
from catalog.queue import QueueFilters
from catalog.review import ReviewStore
from catalog.review_index import SHARE_VARIABLE
from catalog.review_precision import band_of
from catalog.run import write_run
from catalog.second_review import SecondRule
from imagery.tile import tiles
from models.change import TileOutcome
from models.compare import Conclusion
from models.evaluation.reliability import wilson
from tests.unit.catalog.catalog_runs import appeared, grid_of, record
from tests.unit.catalog.reviews import draft, verdict

SCORES = (0.95, 0.9, 0.85, 0.8, 0.7, 0.65, 0.6, 0.55)
REAL = (0.95, 0.9, 0.85, 0.7)
"""What reviewers confirm; all else is rejected."""


@pytest.fixture
def store(tmp_path: Path, each_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReviewStore]:
    """A run with eight changes, half of them in a zone, in one tile; eight blank tiles, all to be audited."""
    del each_database
    monkeypatch.setattr("catalog.pictures.draw", lambda *_: None)
    monkeypatch.setenv(SHARE_VARIABLE, "1")
    grid = grid_of((600, 600))
    cut = tuple(tiles((600, 600), size_px=200, halo_px=16))
    changes = tuple(
        replace(
            appeared((10 + 22 * i, 10, 26 + 22 * i, 26), score=score),
            id=f"change{i}", tile="r00c00", zone="apron-1" if i % 2 else None, label="ship" if i < 4 else "aircraft",
        )
        for i, score in enumerate(SCORES)
    )  # fmt: skip
    outcomes = tuple(
        TileOutcome(
            tile=tile.id, outcome="unchanged" if number else "changed", reason=None, valid_fraction=1.0,
            changes=0 if number else len(changes),
        )
        for number, tile in enumerate(cut)
    )  # fmt: skip
    made = record(tmp_path / "work", grid=grid, tiles=cut, changes=())
    write_run(replace(made, conclusion=Conclusion(changes=changes, outcomes=outcomes)), root=tmp_path / "out")
    opened = ReviewStore(tmp_path / "out", second=SecondRule(labels=("ship",)))
    yield opened
    opened.close()


def decide_all(store: ReviewStore) -> None:
    for entry in store.queue(QueueFilters(needs=("first",))).entries:
        if entry.score in REAL:
            verdict(store, "confirmed", entry.subject)
        else:
            verdict(store, "rejected", entry.subject, reason="cloud")


def test_nothing_decided_gives_no_figures_and_no_errors(store: ReviewStore) -> None:
    found = store.figures()
    assert (found.precision.listed, found.precision.confirmed) == (8, 0)
    assert math.isnan(found.precision.share)
    assert math.isnan(found.recall.share)
    assert found.dry_run.rows == ()
    assert found.as_dict()["precision"]["share"] is None
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))


def test_precision_and_where(store: ReviewStore) -> None:
    decide_all(store)
    found = store.figures()
    assert (found.precision.confirmed, found.precision.rejected, found.precision.share) == (4, 4, 0.5)
    assert found.precision.interval == wilson(4, 8)
    zones = {one.of: (one.confirmed, one.rejected) for one in found.by["zone"]}
    assert zones == {"": (3, 1), "apron-1": (1, 3)}
    bands = {one.of: (one.confirmed, one.rejected) for one in found.by["band"]}
    assert bands == {
        "0.9-1": (2, 0),
        "0.8-0.9": (1, 1),
        "0.7-0.8": (1, 0),
        "0.6-0.7": (0, 2),
        "0.5-0.6": (0, 1),
    }
    assert {one.of for one in found.by["label"]} == {"ship", "aircraft"}
    assert [one.of for one in found.by["site"]] == ["testbase"]
    assert store.figures(sites=("elsewhere",)).precision.listed == 0
    assert store.figures(simulated=False).precision.listed == 0
    assert store.figures(sensor="optical", simulated=True).precision == found.precision


def test_unsure_and_disputed_are_left_out_of_shares(store: ReviewStore) -> None:
    verdict(store, "confirmed", "change0")
    verdict(store, "unsure", "change1")
    verdict(store, "confirmed", "change2")
    verdict(store, "rejected", "change2", by="bob")
    found = store.figures().precision
    assert (found.confirmed, found.rejected, found.unsure, found.share) == (1, 0, 1, 1.0)


def test_labels_that_people_corrected_are_counted(store: ReviewStore) -> None:
    verdict(store, "confirmed", "change0")
    store.append(draft("relabel", "change0", label="tanker"))
    assert store.figures().precision.relabelled == 1


class TestRecall:
    def test_from_the_blank_tiles(self, store: ReviewStore) -> None:
        decide_all(store)
        blank = [entry.subject for entry in store.queue(QueueFilters(what="blank")).entries]
        assert len(blank) == 8
        for subject in blank[:6]:
            verdict(store, "nothing_missed", subject)
        verdict(store, "missed", blank[6])
        found = store.figures().recall
        assert (found.real, found.blank.tiles, found.blank.audited, found.blank.found) == (4, 8, 7, 1)
        assert found.blank.estimate == pytest.approx(1 + 1 / 7)
        assert found.share == pytest.approx(4 / (4 + 1 + 1 / 7))
        assert found.interval.low < found.share < found.interval.high <= 4 / 5

    def test_what_was_added_in_such_a_tile_is_counted_once(self, store: ReviewStore) -> None:
        decide_all(store)
        blank = store.queue(QueueFilters(what="blank")).entries
        for entry in blank:
            verdict(store, "missed" if entry.tile == "r01c01" else "nothing_missed", entry.subject)
        run = blank[0].run
        for corner in (250, 300):
            store.append(missed(run, corner))
        found = store.figures().recall
        assert (found.blank.found, found.blank.estimate, found.added) == (2, 2, 0)
        assert found.share == 4 / 6
        assert found.interval == (4 / 6, 4 / 6)

    def test_what_was_added_beside_listed_changes_counts_and_is_not_extrapolated(
        self, store: ReviewStore
    ) -> None:
        decide_all(store)
        for entry in store.queue(QueueFilters(what="blank")).entries:
            verdict(store, "nothing_missed", entry.subject)
        event = store.append(missed(store.runs()[0]["name"], 100))
        assert store.figures().recall.added == 1
        assert store.figures().recall.share == 4 / 5
        store.append(draft("undo", None, event=event.seq))
        assert store.figures().recall.share == 1.0

    def test_undecided_changes_count_as_often_as_decided_ones_are_real(self, store: ReviewStore) -> None:
        verdict(store, "confirmed", "change0")
        verdict(store, "rejected", "change3", reason="cloud")
        for entry in store.queue(QueueFilters(what="blank")).entries:
            verdict(store, "nothing_missed", entry.subject)
        found = store.figures().recall
        assert found.real == 1 + 6 * 0.5
        low, high = wilson(1, 2)
        assert found.real_interval == pytest.approx((1 + 6 * low, 1 + 6 * high))

    def test_without_an_audit_it_is_not_known(self, store: ReviewStore) -> None:
        decide_all(store)
        assert math.isnan(store.figures().recall.share)


class TestAgreement:
    def test_by_the_first_word_of_each(self, store: ReviewStore) -> None:
        """Who changes their mind after seeing the other's verdict has not agreed."""
        for subject, one, other in (
            ("change0", "confirmed", "confirmed"), ("change1", "confirmed", "rejected"),
            ("change2", "rejected", "rejected"), ("change6", "confirmed", "confirmed"),
        ):  # fmt: skip
            verdict(store, one, subject, by="ann")
            verdict(store, other, subject, by="bob")
        verdict(store, "confirmed", "change1", by="bob")
        found = store.figures()
        assert (found.agreement.subjects, found.agreement.agreed) == (4, 3)
        assert found.agreement.kappa == pytest.approx(0.5)
        assert (found.blind.subjects, found.blind.agreed) == (3, 2)  # change6 is no ship: nobody was blind
        assert found.agreement.interval.low < found.agreement.kappa

    def test_slips_that_were_taken_back_and_settlements_do_not_count(self, store: ReviewStore) -> None:
        slip = verdict(store, "rejected", "change0", by="ann")
        store.append(draft("undo", None, by="ann", event=slip.seq))
        verdict(store, "confirmed", "change0", by="ann")
        verdict(store, "rejected", "change0", by="bob")
        verdict(store, "rejected", "change0", by="lea", settles=True)
        found = store.figures().agreement
        assert (found.subjects, found.agreed) == (1, 0)


class TestDryRun:
    def test_what_a_stricter_threshold_would_have_let_through(self, store: ReviewStore) -> None:
        decide_all(store)
        found = store.figures(budgets_per_km2=(0, 12, 1000)).dry_run
        assert (found.runs, found.of_runs) == (1, 1)
        assert found.km2 == pytest.approx(0.09, abs=1e-3)
        rows = [(row.threshold, row.seen, row.confirmed, row.false_alarms) for row in found.rows]
        assert rows == [(0.85, 3, 4, 0), (0.7, 4, 4, 1), (0.55, 4, 4, 4)]

    def test_a_run_that_is_not_decided_says_nothing(self, store: ReviewStore) -> None:
        decide_all(store)
        last = [event for event in store.events() if event.act == "verdict"][-1]
        store.append(draft("undo", None, event=last.seq))
        found = store.figures().dry_run
        assert (found.runs, found.rows, found.km2) == (0, (), 0.0)


def test_bands() -> None:
    assert [band_of(score) for score in (0.0, 0.49, 0.5, 0.6999, 0.7, 0.9, 1.0)] == [
        "0-0.5", "0-0.5", "0.5-0.6", "0.6-0.7", "0.7-0.8", "0.9-1", "0.9-1",
    ]  # fmt: skip


def missed(run: str, corner: int) -> ReviewDraft:
    box = [
        (corner, corner),
        (corner + 20, corner),
        (corner + 20, corner + 12),
        (corner, corner + 12),
        (corner, corner),
    ]
    return draft(
        "missed", None, run=run, geometry=polygon(grid_of((600, 600)), box), kind="appeared", label="truck"
    )
