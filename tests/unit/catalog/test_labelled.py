"""Reviews as labelled cases: read back, compared and scored by the evaluation itself."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from catalog import layout
from catalog.cases import load_cases
from catalog.errors import BadReview, CatalogError
from catalog.geometry import polygon
from catalog.labelled import klass_of
from catalog.labelled_images import cut_image
from catalog.queue import QueueFilters
from catalog.review import ReviewStore
from catalog.review_index import SHARE_VARIABLE
from catalog.run import write_run
from flows.evaluate import evaluate_cases
from imagery.raster import Window
from models.evaluation import CaseScore
from tests.unit.catalog.catalog_runs import appeared, grid_of, moved, record
from tests.unit.catalog.histories import PLACE, Archive, Day, Said, finding_id
from tests.unit.catalog.reviews import draft, verdict

NOISE = (20, 100, 44, 112)
"""Where the run claims something that is not there."""

EMPTY, THERE, STILL = Day(day=1), Day(day=11, objects=[PLACE]), Day(day=21, objects=[PLACE])


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.pictures.draw", lambda *_: None)
    monkeypatch.setenv(SHARE_VARIABLE, "1")


@pytest.fixture
def store(tmp_path: Path, each_database: str) -> Iterator[ReviewStore]:
    """One pair in which an object came (and the run also claims noise), and a quiet pair after it."""
    del each_database
    archive = Archive(root=tmp_path / "out", work=tmp_path / "work")
    archive.compare(EMPTY, THERE, Said(), Said(place=NOISE, score=0.6))
    archive.compare(THERE, STILL)
    opened = ReviewStore(archive.root)
    yield opened
    opened.close()


REAL, FALSE = finding_id(EMPTY, THERE, Said()), finding_id(EMPTY, THERE, Said(place=NOISE))


def decided(store: ReviewStore) -> None:
    verdict(store, "confirmed", REAL)
    verdict(store, "rejected", FALSE, reason="shadow")
    (blank,) = store.queue(QueueFilters(what="blank")).entries
    verdict(store, "nothing_missed", blank.subject)


def test_the_evaluation_runs_on_them_and_finds_what_was_confirmed(store: ReviewStore, tmp_path: Path) -> None:
    """The planted object stands 60 grey levels above its ground: the comparison must find it, and score it a hit."""
    decided(store)
    store.append(draft("relabel", REAL, label="truck"))
    made = store.export_labelled(tmp_path / "cases")
    assert (len(made.cases), made.truths, made.left_out) == (2, 1, ())
    scores = evaluated(tmp_path / "cases")
    assert set(scores) == set(made.cases)
    with_object = next(score for name, score in scores.items() if name.endswith("_vehicle"))
    assert len(with_object.case.truths) == 1
    assert with_object.hit_scores[0] is not None
    blank = next(score for name, score in scores.items() if name.endswith("_none"))
    assert blank.case.null


def test_the_evaluation_misses_what_is_not_in_the_images(store: ReviewStore, tmp_path: Path) -> None:
    """The same cases with the noise confirmed instead: now the comparison must be told that it missed something."""
    verdict(store, "rejected", REAL)
    verdict(store, "confirmed", FALSE)
    store.append(draft("relabel", FALSE, label="truck"))
    store.export_labelled(tmp_path / "cases")
    (score,) = evaluated(tmp_path / "cases").values()
    assert list(score.hit_scores) == [None]
    assert len(score.scores_by_status["false_alarm"]) >= 1


def test_a_tile_with_something_undecided_is_no_control(store: ReviewStore, tmp_path: Path) -> None:
    """Every claim in a control counts as a false alarm, so nothing may stand there that somebody confirmed."""
    verdict(store, "confirmed", REAL)
    store.append(draft("relabel", REAL, label="container row"))
    verdict(store, "rejected", FALSE, reason="shadow")
    (blank,) = store.queue(QueueFilters(what="blank")).entries
    verdict(store, "nothing_missed", blank.subject)
    made = store.export_labelled(tmp_path / "cases")
    (control,) = load_cases(tmp_path / "cases")
    assert control.case.null
    assert control.case.name.startswith(layout.flat(blank.run))
    (tile, not_whole), (label, no_class) = made.left_out
    assert tile.startswith("tile r00c00 of ")
    assert "not all of it is decided" in not_whole
    assert label == "1 confirmed as 'container row'"
    assert "no class" in no_class


def evaluated(cases: Path) -> dict[str, CaseScore]:
    """Compared with the scorer that needs no likeness to real aircraft, and scored."""
    found = evaluate_cases(cases, scorer="statistical", resamplings=10)
    every = [score for summary in (found.summary, *found.summary.others) for score in summary.scores]
    assert found.summary.failed == {}
    assert all(score.assessed for score in every)
    return {score.case.name: score for score in every}


def test_boxes_lie_where_the_run_and_the_reviewer_say(store: ReviewStore, tmp_path: Path) -> None:
    decided(store)
    run = next(row["name"] for row in store.runs() if row["flagged"])
    outline = store.change(FALSE).outline
    store.append(draft("missed", None, run=run, geometry=outline, kind="vanished", label="ship"))
    store.export_labelled(tmp_path / "cases")
    cases = {files.case.name.rpartition("_")[2]: files.case for files in load_cases(tmp_path / "cases")}
    assert set(cases) == {"aircraft", "ship", "none"}
    (truth,) = cases["aircraft"].truths
    assert (truth.kind, tuple(truth.box)) == ("appeared", PLACE)
    (added,) = cases["ship"].truths
    assert added.kind == "vanished"
    assert tuple(added.box) == pytest.approx(NOISE, abs=0.2)
    # Each is another kind of object to the other case, which may be claimed freely there.
    assert tuple(cases["ship"].dont_care[0]) == PLACE
    assert tuple(cases["aircraft"].dont_care[0]) == pytest.approx(NOISE, abs=0.2)
    assert {case.component for case in cases.values()} == {"testbase/r00c00"}
    assert {case.origin for case in cases.values()} == {"simulated"}
    assert cases["aircraft"].gsd_m == pytest.approx(0.5, abs=1e-3)


def test_an_outline_and_a_label_of_a_person_count_before_the_run(store: ReviewStore, tmp_path: Path) -> None:
    verdict(store, "confirmed", REAL)
    store.append(draft("relabel", REAL, label="Trucks (two)"))
    store.append(draft("outline", REAL, geometry=store.change(FALSE).outline))
    store.export_labelled(tmp_path / "cases")
    (files,) = load_cases(tmp_path / "cases")
    assert files.case.klass == "vehicle"
    assert tuple(files.case.truths[0].box) == pytest.approx(NOISE, abs=0.2)


def test_what_nobody_decided_may_be_claimed_freely(store: ReviewStore, tmp_path: Path) -> None:
    verdict(store, "confirmed", REAL)
    store.export_labelled(tmp_path / "cases")
    (files,) = load_cases(tmp_path / "cases")
    assert [tuple(box) for box in files.case.dont_care] == [NOISE]
    meta = json.loads((files.folder / "meta.json").read_text())
    assert meta["journal"]["count"] == 1
    assert meta["reviewers"] == ["ann"]
    assert meta["scenes"]["before"]["licence"] == "CC-BY-4.0"


def test_disputed_changes_are_no_truth(store: ReviewStore, tmp_path: Path) -> None:
    verdict(store, "confirmed", REAL)
    verdict(store, "rejected", REAL, by="bob")
    verdict(store, "confirmed", FALSE)
    store.append(draft("relabel", FALSE, label="truck"))
    store.export_labelled(tmp_path / "cases")
    (files,) = load_cases(tmp_path / "cases")
    assert files.case.klass == "vehicle"
    (truth,) = files.case.truths
    assert tuple(truth.box) != PLACE
    assert [tuple(box) for box in files.case.dont_care] == [PLACE]


def test_both_ends_of_a_move_are_labelled(tmp_path: Path) -> None:
    made = record(tmp_path / "work", changes=(moved(), appeared((600, 500, 640, 530))))
    write_run(made, root=tmp_path / "out")
    store = ReviewStore(tmp_path / "out")
    for entry in store.queue().entries:
        verdict(store, "confirmed", entry.subject)
    store.export_labelled(tmp_path / "cases")
    cases = {files.case.name.rpartition("_")[2]: files.case for files in load_cases(tmp_path / "cases")}
    kinds = {truth.kind: tuple(truth.box) for truth in cases["vehicle"].truths}
    assert kinds == {"appeared": (480, 440, 510, 460), "vanished": (400, 400, 430, 420)}


def test_what_a_newer_result_does_not_show_is_named_and_left_out(tmp_path: Path) -> None:
    """The run was written anew on a smaller grid: neither the outline nor the added change lie on it."""
    root, grid, change = tmp_path / "out", grid_of((600, 600)), appeared()
    far = polygon(grid, [(500, 500), (520, 500), (520, 510), (500, 510), (500, 500)])
    write_run(record(tmp_path / "work", grid=grid, changes=(change,)), root=root)
    store = ReviewStore(root)
    store.append(draft("outline", change.id, geometry=far))
    verdict(store, "confirmed", change.id)
    run = store.runs()[0]["name"]
    added = store.append(draft("missed", None, run=run, geometry=far, kind="vanished", label="ship"))
    write_run(record(tmp_path / "again", grid=grid_of((300, 400)), changes=(change,)), root=root)
    store.sync()
    assert store.change(added.subject).entry.listed is False
    made = store.export_labelled(tmp_path / "cases")
    assert {what for what, why in made.left_out if "earlier result" in why} == {change.id, added.subject}
    store.close()


def test_nothing_is_written_where_nothing_is_decided(store: ReviewStore, tmp_path: Path) -> None:
    with pytest.raises(BadReview, match="review some changes first"):
        store.export_labelled(tmp_path / "cases")
    assert not list(tmp_path.glob("*cases*"))


def test_a_folder_that_is_there_is_left_alone(store: ReviewStore, tmp_path: Path) -> None:
    decided(store)
    (tmp_path / "cases").mkdir()
    with pytest.raises(CatalogError, match="is there already"):
        store.export_labelled(tmp_path / "cases")
    assert list((tmp_path / "cases").iterdir()) == []


def test_a_broken_run_is_named_and_left_out(store: ReviewStore, tmp_path: Path) -> None:
    decided(store)
    report = store.root / next(row["name"] for row in store.runs() if row["flagged"]) / "report.json"
    report.write_text("{")
    made = store.export_labelled(tmp_path / "cases")
    assert len(made.cases) == 1
    assert "report.json" in made.left_out[0][1]


@pytest.mark.parametrize(
    ("quantity", "expected"), [("dn", [0, 100]), ("reflectance", [0, 2000]), ("gamma0", [np.nan, -20.0])]
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_numbers_as_cases_are_read(tmp_path: Path, quantity: str, expected: list[float]) -> None:
    stored = {
        "dn": (np.uint8, [0, 100], 0, 1.0), "reflectance": (np.int16, [-32768, 2000], -32768, 1e-4),
        "gamma0": (np.float32, [np.nan, 0.01], np.nan, 1.0),
    }[quantity]  # fmt: skip
    dtype, values, nodata, scale = stored
    profile = {"driver": "GTiff", "width": 4, "height": 4, "count": 1, "dtype": dtype, "nodata": nodata}
    with rasterio.open(tmp_path / "in.tif", "w", **profile) as out:
        data = np.full((1, 4, 4), values[1], dtype)
        data[0, 1, 1] = values[0]
        out.write(data)
        out.scales = (scale,)
    cut_image(
        tmp_path / "in.tif", tmp_path / "out.tif", Window(row0=1, col0=1, row1=3, col1=4), quantity=quantity
    )
    with rasterio.open(tmp_path / "out.tif") as found:
        assert found.shape == (2, 3)
        np.testing.assert_allclose(found.read(1)[0, :2], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("label", "klass"),
    [
        ("aircraft (fighter size)", "aircraft"), ("Ship (50-100 m)", "ship"), ("vehicles", "vehicle"),
        ("truck", "vehicle"), ("container row", None), ("building or ground work", None), ("", None),
        ("shipping container", None), ("ship-like object", "ship"), ("large object", None), ("-", None),
    ],
)  # fmt: skip
def test_classes_of_labels(label: str, klass: str | None) -> None:
    assert klass_of(label) == klass
