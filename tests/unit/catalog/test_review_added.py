"""Changes that people add to a run."""

from pathlib import Path

import pytest

from catalog.database import database_of
from catalog.errors import BadReview
from catalog.geometry import polygon
from catalog.queue import QueueFilters
from catalog.review_index import rebuild as rebuild_index
from catalog.review_tables import DERIVED
from catalog.run import write_run
from tests.unit.catalog.catalog_runs import appeared, grid_of, record
from tests.unit.catalog.reviews import Open, draft, place_of, subjects, verdict, wgs_square

pytestmark = pytest.mark.usefixtures("no_pictures")


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
