"""What is handed over of a run, before it has a format."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.bookkeeping import update
from catalog.errors import BadDatabase
from catalog.exports import brief, brief_html
from catalog.exports.about import about
from catalog.exports.gather import chosen, gather
from catalog.exports.outlines import new_change
from catalog.exports.people import Missed, Review
from catalog.reader import load_run
from catalog.report import Report
from catalog.run import InputFile, write_run
from tests.unit.catalog import catalog_runs as made
from tests.unit.catalog.exports import handovers


def test_a_finding_has_what_its_change_has(tmp_path: Path) -> None:
    run = handovers.stored(tmp_path)
    handover = handovers.handed(run)
    assert [one.tag for one in handover.findings] == ["V1", "A2", "M3"]
    one = handovers.finding(handover, "appeared")
    assert (one.zone_id, one.zone, one.score) == ("apron-1", "West apron", 0.9)
    assert one.place.ring is not None
    assert one.place.ring[0] == one.place.ring[-1]
    assert 35.9 < one.place.lon < 35.95
    assert one.chip is not None
    assert one.chip.is_file()
    moved = handovers.finding(handover, "moved")
    assert len(moved.places) == 2
    assert handover.pair.before.when == "2024-12-04 08:21 UTC"
    assert not handover.reviewed


def test_no_address_tells_about_a_machine_or_opens_anything(tmp_path: Path) -> None:
    work = tmp_path / "work"
    local = made.source_file(work, "before-scene", b"old")
    signed = replace(
        made.source_file(work, "after-scene", b"new"), href="https://u:pw@host.test/a.tif?sig=SECRET#x"
    )
    inputs: tuple[InputFile, ...] = (replace(local, href=str(tmp_path / "before.tif")), signed)
    pair = handovers.handed(handovers.stored(tmp_path, inputs=inputs)).pair
    assert [file.name for file in (*pair.before.files, *pair.after.files)] == [
        "before.tif",
        "https://host.test/a.tif",
    ]


def test_the_command_of_a_diff_is_quoted_for_a_shell(tmp_path: Path) -> None:
    work = tmp_path / "work"
    odd = replace(made.source_file(work, "before-scene", b"old"), href="/data/a b; rm -rf $HOME.jpg")
    given = {
        "given": {"gsd_m": 0.5, "sensor": None, "quantity": None},
        "scorer": str(tmp_path / "my.json"),
        "min_score": 0.5,
    }
    run = handovers.stored(
        tmp_path, name="before_after_0123", site=None, before=None, after=None, parameters=given,
        inputs=(odd, made.source_file(work, "after-scene", b"new")), grid=made.grid_of(crs=None),
    )  # fmt: skip
    pair = handovers.handed(run).pair
    assert pair.command == (
        "sitewatch diff 'a b; rm -rf $HOME.jpg' https://archive.test/after-scene.tif --gsd 0.5 --scorer my.json "
        "--min-score 0.5"
    )
    assert pair.before.when == "date unknown"
    assert pair.before.id == "a b; rm -rf $HOME.jpg"


def test_a_site_run_is_computed_again_from_its_own_copies(tmp_path: Path) -> None:
    pair = handovers.handed(handovers.stored(tmp_path, parameters={"min_score": 0.5, "rerun": {}})).pair
    assert pair.command == "sitewatch verify testbase/optical_20241204T082107Z_20241220T082341Z --rerun"


def test_a_day_without_an_hour_is_not_given_one(tmp_path: Path) -> None:
    day = datetime(2024, 12, 4, tzinfo=UTC)
    run = handovers.stored(tmp_path, before=made.scene("before-scene", day, time_known=False))
    pair = handovers.handed(run).pair
    assert (pair.before.acquired, pair.before.when) == ("2024-12-04", "2024-12-04 (time unknown)")


def test_states_come_from_the_database_beside_the_runs(tmp_path: Path) -> None:
    run = handovers.stored(tmp_path)
    assert all(one.state is None for one in handovers.handed(run).findings)
    update(tmp_path / "out", "testbase")
    states = {one.state.state for one in handovers.handed(run).findings}
    assert states == {"provisional"}


def test_a_verdict_leaves_what_later_dates_say(tmp_path: Path) -> None:
    change = made.appeared()
    run = handovers.reviewed(tmp_path, ("ann", "verdict", change.id, {"verdict": "confirmed"}))
    update(tmp_path / "out", "testbase")
    one = handovers.finding(handovers.handed(run), "appeared")
    assert (one.state.state, one.state.reason) == ("confirmed", "person")
    assert (one.later.state, one.later.reason) == ("provisional", "no_later_date")


def test_a_damaged_database_is_said_and_not_passed_over(tmp_path: Path) -> None:
    run = handovers.stored(tmp_path)
    (tmp_path / "out" / "sitewatch.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(BadDatabase, match=r"sitewatch\.db"):
        gather(run)


def test_tiles_without_a_result_are_handed_over_with_their_place(tmp_path: Path) -> None:
    base = made.record(tmp_path / "work", changes=())
    outcomes = (handovers.unseen(reason="cloud 92 %"), *base.conclusion.outcomes[1:])
    run = handovers.stored(tmp_path, changes=(), conclusion=replace(base.conclusion, outcomes=outcomes))
    (tile,) = handovers.handed(run).pair.unseen
    assert (tile.tile, tile.reason) == ("r00c00", "cloud 92 %")
    assert len(tile.ring) == 5


def test_only_what_was_asked_for(tmp_path: Path) -> None:
    handover = handovers.handed(handovers.stored(tmp_path))
    best = chosen(handover, min_score=0.8)
    assert {one.kind for one in best.findings} == {"appeared", "vanished"}
    assert (best.held_back, best.rule) == (1, "a score of 0.8 or more")
    none = chosen(best, confirmed=True)
    assert (len(none.findings), none.held_back) == (0, 3)


def test_outlines_of_an_earlier_result_do_not_stop_an_export(tmp_path: Path) -> None:
    """The pair was written anew on a smaller grid: what was drawn beyond it is told and left out."""
    from catalog.geometry import polygon  # noqa: PLC0415

    grid, work = made.grid_of(), tmp_path / "again"
    far = polygon(grid, [(500, 500), (520, 500), (520, 510), (500, 510), (500, 500)])
    change = made.appeared()
    handovers.reviewed(
        tmp_path,
        ("ann", "outline", change.id, {"geometry": far}),
        ("ann", "verdict", change.id, {"verdict": "confirmed"}),
        ("bob", "missed", None, {"geometry": far, "kind": "appeared", "label": "vehicle"}),
    )
    smaller = made.record(work, grid=made.grid_of((300, 400)), changes=(change,))
    run = load_run(write_run(smaller, root=tmp_path / "out").folder)
    handover = handovers.handed(run)
    (one,) = handover.findings
    assert (one.answer, one.redrawn, one.review.outline_off) == ("confirmed", False, True)
    assert one.place.length_m == pytest.approx(35.0)
    assert handover.not_placed == 1
    assert about(handover)["not_placed"] == 1
    page = brief_html.html(brief.brief(handover, lambda _: None)).decode()
    assert "1 change was added by a reviewer to an earlier result of this pair" in page
    assert "drawn on an earlier result, does not lie on these images" in page


def ids(report: Report) -> dict[str, str]:
    return {change.kind: change.id for change in report.changes}


def test_what_people_said_comes_with_it(tmp_path: Path) -> None:
    known = ids(handovers.stored(tmp_path / "first").report)
    ring = [[104.0, 124.0], [156.0, 124.0], [156.0, 186.0], [104.0, 186.0], [104.0, 124.0]]
    drawn = made.grid_of()
    from catalog.geometry import lon_lat  # noqa: PLC0415

    geometry = {"type": "Polygon", "coordinates": [[list(p) for p in lon_lat(drawn, ring)]]}
    far = [[500.0, 500.0], [520.0, 500.0], [520.0, 510.0], [500.0, 510.0], [500.0, 500.0]]
    missed = {"type": "Polygon", "coordinates": [[list(p) for p in lon_lat(drawn, far)]]}
    run = handovers.reviewed(
        tmp_path,
        ("ann", "verdict", known["appeared"], {"verdict": "confirmed"}),
        ("ann", "relabel", known["appeared"], {"label": "truck"}),
        ("ann", "outline", known["appeared"], {"geometry": geometry}),
        ("ann", "note", known["appeared"], {"text": "clear on both"}),
        ("ann", "verdict", known["vanished"], {"verdict": "rejected", "reason": "shadow"}),
        ("bob", "verdict", known["vanished"], {"verdict": "confirmed"}),
        ("bob", "verdict", known["moved"], {"verdict": "rejected", "reason": "seasonal"}),
        ("bob", "missed", None, {"geometry": missed, "kind": "appeared", "label": "vehicle"}),
    )
    handover = handovers.handed(run)
    assert handover.reviewed
    assert len(handover.pair.journal_head) == 64
    vanished, appeared, moved, added = handover.findings
    assert (appeared.answer, appeared.review.label, appeared.redrawn) == ("confirmed", "truck", True)
    assert appeared.place.length_m == pytest.approx(31.0, abs=0.3)
    assert appeared.review.remarks[0].text == "clear on both"
    assert (appeared.state.state, appeared.state.reason) == ("confirmed", "person")
    assert vanished.answer == "disputed"
    assert (moved.answer, moved.state.state) == ("rejected", "withdrawn")
    assert (added.tag, added.by_person, added.score, added.tile) == ("R1", True, None, "r00c00")
    assert added.place.length_m == pytest.approx(10.0, abs=0.3)
    assert added.place.width_m == pytest.approx(5.0, abs=0.3)
    assert added.answer == "confirmed"


@pytest.mark.parametrize(("ring", "degrees"), [
    (((0, 0), (10, 0), (10, 2), (0, 2), (0, 0)), 90.0), (((0, 0), (2, 0), (2, 10), (0, 10), (0, 0)), 0.0),
    (((0, 10), (10, 0), (11, 1), (1, 11), (0, 10)), 45.0),
])  # fmt: skip
def test_a_drawn_outline_is_measured_as_a_detection_is(
    ring: tuple[tuple[float, float], ...], degrees: float
) -> None:
    change = new_change(
        Missed(id="missed:1", kind="vanished", label="x", ring_px=ring, review=Review()), 0.5, tile="t"
    )
    assert change.place.orientation_deg % 180 == pytest.approx(degrees, abs=0.1)
    assert change.before is not None


def test_hostile_words_are_plain_everywhere(tmp_path: Path) -> None:
    handover = handovers.handed(handovers.hostile(tmp_path))
    text = repr(handover)
    for bad in ("\\u202e", "\\x07", "\\x00", "\\ufffe", "\\u2066"):
        assert bad not in text
    assert all(len(one.label) <= 160 for one in handover.findings)
