"""Pages and the documents behind them: true counts, filters in the address, the facts of a change."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from catalog.run import write_run
from review import desk as desk_module
from review.views import data, score, share, small
from tests.review.conftest import PLAIN_RUN, SITE_RUN, Person, RunningDesk, opened
from tests.unit.catalog import catalog_runs as runs

SITE_KEY = SITE_RUN.replace("/", "_")
NEVER = datetime(2026, 1, 1, tzinfo=UTC)


def total(page: str) -> int:
    status = page.split('<p role="status">', 1)[1]
    return int(status.split(">", 1)[1].split(">", 0)[0].split("<", 1)[0].replace(",", ""))


def test_counts_are_true_and_filters_live_in_the_address(ana: Person) -> None:
    assert total(ana.get("/").text) == 5
    for query, wanted in {
        "site=testbase": 3, "site=-": 2, "kind=moved": 1, "kind=appeared": 2, "label=vehicle": 1, "zone=apron-1": 2,
        "min_score=0.8": 4, "max_score=0.8": 1, "since=2024-12-20": 3, "since=2024-12-21": 0, "run=nothing": 0,
        f"run={PLAIN_RUN}": 2, "kind=moved&site=-": 0, "state=provisional": 5,
    }.items():  # fmt: skip
        assert total(ana.get(f"/?{query}").text) == wanted, query


def test_an_answer_takes_a_change_out_of_what_waits(ana: Person, change: str) -> None:
    ana.answer("verdict", change, {"verdict": "confirmed"})
    assert total(ana.get("/").text) == 4
    assert total(ana.get("/?show=mine").text) == 1
    assert total(ana.get("/?show=all").text) == 5
    assert "✓ confirmed" in ana.get("/?show=all").text
    queue = ana.get("/api/queue").json()
    assert queue["total"] == 4
    assert change not in queue["subjects"]


def test_the_order_goes_on_behind_a_change(ana: Person) -> None:
    subjects = ana.get("/api/queue").json()["subjects"]
    assert len(set(subjects)) == 5
    behind = ana.get("/api/queue", params={"from": subjects[1], "limit": 2}).json()["subjects"]
    assert behind == subjects[2:4]
    assert ana.get("/api/queue", params={"from": "nothing"}).json()["subjects"] == subjects


@pytest.mark.parametrize(
    "query",
    [
        "min_score=x",
        "since=yesterday",
        "show=none",
        "what=x",
        "needs=x",
        "after=x",
        "site=" + "x" * 300,
        "min_score=nan",
    ],
)
def test_filters_that_cannot_be_are_said(ana: Person, query: str) -> None:
    answer = ana.get(f"/?{query}")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_not_assessable_tiles_are_listed_with_their_reasons(root: Path, tmp_path: Path) -> None:
    record = runs.record(tmp_path / "w", name="testbase/clouded")
    first, *others = record.conclusion.outcomes
    lost = type(first)(
        tile=others[-1].tile,
        outcome="not_assessable",
        reason="cloud over 93 % of the tile",
        valid_fraction=0.07,
    )
    record.conclusion.__dict__["outcomes"] = (first, *others[:-1], lost)
    write_run(record, root=root)
    with opened(root) as desk:
        ana = desk.person("Ana")
        page = ana.get("/?what=unseen").text
        assert "cloud over 93 % of the tile" in page
        item = ana.item(f"tile:testbase/clouded/{lost.tile}")
    assert not item["decidable"]
    assert "not observed is never gone" in item["facts_html"]


def test_facts_of_a_change(ana: Person, change: str) -> None:
    facts = unescape(ana.item(change)["facts_html"])
    for words in (
        "2024-12-04 08:21:07 UTC", "2024-12-20 08:23:41 UTC", "satellite-1", "0.50 m on the ground", "0.12 px",
        "sun 31° high from 160°", "12.5° off nadir", "100.0 %", "shadow", "before-scene", "after-scene",
        "(c) Test Imagery 2024", "not measured", "35.0 \u00d7 30.0 m", "apron-1",
    ):  # fmt: skip
        assert words in facts, words
    assert '<dd class="number">0.90</dd>' in facts


def test_a_measured_rate_of_false_alarms_is_told(root: Path, tmp_path: Path) -> None:
    measured = replace(runs.appeared((400, 10, 440, 50)), false_alarms_per_km2=0.234)
    write_run(runs.record(tmp_path / "w", name="testbase/measured", changes=(measured,)), root=root)
    with opened(root) as desk:
        facts = desk.person("Ana").item(measured.id)["facts_html"]
    assert "0.23 per km² expected" in facts
    assert "not measured" not in facts


def test_the_surest_come_first_where_asked_for(root: Path, tmp_path: Path) -> None:
    scores = {0.95: (300, 300, 320, 320), 0.6: (100, 300, 120, 320), 0.99: (500, 300, 520, 320)}
    changes = tuple(runs.appeared(box, score=score) for score, box in scores.items())
    write_run(runs.record(tmp_path / "w", name="testbase/more", changes=changes), root=root)
    with opened(root) as desk:
        ana = desk.person("Ana")
        scored = {entry.subject: entry.score for entry in desk.app.state.store.queue().entries}
        asked = {"order": "surest"}
        subjects = ana.get("/api/queue", params=asked).json()["subjects"]
        assert [scored[subject] for subject in subjects] == sorted(scored.values(), reverse=True)
        for last in subjects[:3]:
            ana.answer("verdict", last, {"verdict": "confirmed"})
        behind = ana.get("/api/queue", params={**asked, "from": subjects[2], "limit": 2}).json()["subjects"]
        assert behind == subjects[3:5], "also behind what was answered meanwhile"
        page = ana.get("/?order=surest&kind=appeared").text
        assert "order=surest&amp;kind=appeared&amp;subject=" in page, "and the order goes on beside a change"
        assert '<option value="surest" selected>' in page
        assert ana.get("/?order=best").status_code == 422


def test_nothing_is_shown_as_certain(root: Path, tmp_path: Path) -> None:
    sure = replace(runs.appeared((400, 10, 440, 50), score=0.9999), false_alarms_per_km2=0.0004)
    trusted = runs.alignment(residual_px=None, p95_px=None, verdict="georeference", reason="flat ground")
    record = runs.record(tmp_path / "w", name="testbase/sure", changes=(sure,))
    write_run(replace(record, model=replace(record.model, alignment=trusted)), root=root)
    with opened(root) as desk:
        ana = desk.person("Ana")
        facts, queue = unescape(ana.item(sure.id)["facts_html"]), unescape(ana.get("/").text)
    assert '<dd class="number">>0.99</dd>' in facts
    assert "<0.01 per km² expected" in facts
    assert "by georeference, not measured" in facts
    assert "score >0.99" in queue
    assert "1.00" not in queue


def test_a_new_label_is_told_with_who_gave_it(desk: RunningDesk, ana: Person, change: str) -> None:
    item = ana.answer("relabel", change, {"label": "truck"}).json()["item"]
    assert item["title"] == "truck appeared"
    assert item["given"] == "Relabelled by you, no verdict yet"
    ana.answer("verdict", change, {"verdict": "confirmed"})
    omar = desk.person("Omar")
    assert omar.item(change)["given"] == "Ana: confirmed; relabelled by Ana"
    ana.answer("assign_second", change, {"rule": "asked for at the desk"})
    assert "Ana" not in omar.item(change)["given"], "not before a blind answer"


def test_filters_without_a_field_can_be_taken_away(ana: Person, change: str) -> None:
    ana.answer("verdict", change, {"verdict": "rejected", "reason": "known_object"})
    page = ana.get(f"/?run={SITE_RUN}&reason=known_object&show=all&kind=appeared").text
    assert total(page) == 1
    assert "comparison Test base, 2024-12-04 to 2024-12-20" in page
    assert 'href="/?show=all&amp;reason=known_object&amp;kind=appeared"' in page
    assert "reason known object" in page
    assert 'class="chip"' not in ana.get("/?kind=appeared").text
    assert "comparison &lt;b&gt;" in ana.get("/?run=%3Cb%3E").text


def test_what_moved_is_called_a_hypothesis(desk: RunningDesk, ana: Person) -> None:
    omar = desk.person("Omar")
    (moved,) = ana.get("/api/queue?kind=moved").json()["subjects"]
    for person, verdict in ((ana, "confirmed"), (omar, "unsure")):
        person.answer("verdict", moved, {"verdict": verdict})
    page = ana.get("/disagreements").text
    assert "vehicle, may have moved" in page
    assert "Test base, tile" in page
    assert "2024-12-04 → 2024-12-20" in page
    assert "may have moved" in ana.get("/?kind=moved&show=all").text


def test_a_change_opens_with_enough_around_it(root: Path, tmp_path: Path) -> None:
    inside, corner = runs.appeared((300, 300, 308, 304)), runs.appeared((690, 2, 698, 6))
    apart = runs.moved((440, 200, 446, 204), (680, 420, 686, 424))
    changes = (inside, corner, apart)
    write_run(runs.record(tmp_path / "w", name="testbase/small", changes=changes), root=root)
    with opened(root) as desk:
        ana = desk.person("Ana")
        middle, edge, both = (ana.item(change.id) for change in changes)
    assert middle["focus"] == pytest.approx([244, 242, 364, 362], abs=0.1), "60 m about it"
    assert edge["focus"] == pytest.approx([580, 0, 700, 120], abs=0.1), "moved into the grid"
    col0, row0, col1, row1 = both["focus"]
    assert col0 < 440 < 686 < col1
    assert row0 < 200 < 424 < row1
    assert col1 - col0 == row1 - row0
    tile = both["tile_box"]
    assert tile[0] <= 0 < 686 < tile[2], "both ends, though they lie in two tiles"
    assert middle["tile_box"][2] < 686


def test_a_run_is_described_in_pixels(ana: Person) -> None:
    site, plain = (ana.get(f"/api/runs/{key}").json() for key in (SITE_KEY, PLAIN_RUN))
    assert (site["size"], site["placed"], site["deepest_zoom"]) == ([700, 600], True, 2)
    assert (plain["size"], plain["placed"], plain["north_deg"]) == ([420, 300], False, None)
    (zone,) = site["zones"]
    assert zone["name"] == "West apron"
    corners = [[50, 60], [650, 60], [650, 500], [50, 500], [50, 60]]
    assert [[round(col), round(row)] for col, row in zone["paths_px"][0]] == corners
    assert len(site["outlines"]) == 4, "a move has two places"
    assert {outline["date"] for outline in site["outlines"]} == {"before", "after"}
    assert site["bands"]["names"] == ["red", "green", "blue"]
    assert 0 < site["stretch"]["low"] < site["stretch"]["high"] < 256
    assert ana.get("/api/runs/nothing").status_code == 404


def test_the_page_carries_the_first_item(ana: Person, change: str) -> None:
    page = ana.get(f"/review?subject={change}").text
    block = page.split('<script type="application/json" id="first">', 1)[1].split("</script>", 1)[0]
    first = json.loads(block)
    assert first["item"]["subject"] == change
    assert first["run"]["key"] == SITE_KEY


def test_dates_of_a_place(root: Path, tmp_path: Path) -> None:
    """Of the same site and kind of image, where they reach over the place; in the order of time."""
    later = runs.scene("later", datetime(2025, 1, 7, 8, 20, tzinfo=UTC))
    middle = runs.scene("after-scene", runs.AFTER_TIME)
    aside = GeoBox((600, 700), Affine(0.5, 0, 765_200.0, 0, -0.5, 3_923_000.0), "EPSG:32636")
    others = {
        "testbase/next": {"before": middle, "after": later},
        "testbase/aside": {"before": middle, "after": runs.scene("x", NEVER), "grid": aside},
        "testbase/coarse": {"before": middle, "after": runs.scene("y", NEVER), "grid": runs.grid_of(gsd=3.0)},
        "other/next": {"after": runs.scene("z", NEVER), "site": replace(runs.site(), id="other")},
    }
    for number, (name, given) in enumerate(others.items()):
        write_run(runs.record(tmp_path / str(number), name=name, changes=(), **given), root=root)
    with opened(root) as desk:
        ana = desk.person("Ana")
        near, far, plain = (
            ana.get(f"/api/runs/{key}/dates?col={col}&row=200").json()["dates"]
            for key, col in ((SITE_KEY, 300), (SITE_KEY, 600), (PLAIN_RUN, 30))
        )
    assert [(date["role"], date["key"], date["acquired"]) for date in near] == [
        ("before", SITE_KEY, "2024-12-04T08:21:07Z"), ("after", SITE_KEY, "2024-12-20T08:23:41Z"),
        (None, "testbase_next", "2025-01-07T08:20:00Z"),
    ]  # fmt: skip
    assert [date["key"] for date in far] == [SITE_KEY, SITE_KEY, "testbase_next", "testbase_aside"]
    assert [(date["role"], date["acquired"]) for date in plain] == [("before", None), ("after", None)]


def test_new_runs_show_up(
    desk: RunningDesk, ana: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert total(ana.get("/").text) == 5
    late = runs.appeared((10, 10, 50, 50))
    write_run(
        runs.record(tmp_path / "w", name="testbase/later", changes=(late,)),
        root=desk.root,
    )
    monkeypatch.setattr(desk_module, "SYNC_S", 0.0)
    desk.app.state.shelf._listed = float("-inf")
    ana.get("/")
    assert total(ana.get("/?run=testbase/later").text) == 1
    assert ana.get("/api/runs/testbase_later").json()["name"] == "testbase/later"


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    with opened(tmp_path / "nothing") as desk:
        assert "sitewatch run" in desk.person("Ana").get("/").text


def test_data_blocks_cannot_be_ended_from_inside() -> None:
    text = str(data({"x": "</script><!-- & >"}))
    assert "<" not in text
    assert ">" not in text
    assert json.loads(text) == {"x": "</script><!-- & >"}


def test_figures_follow_from_the_answers(desk: RunningDesk, ana: Person) -> None:
    empty = ana.get("/figures").text
    assert "0 of 0 decided changes" in empty
    omar = desk.person("Omar")
    subjects = ana.get("/api/queue?show=all").json()["subjects"]
    for number, subject in enumerate(subjects):
        said = {"verdict": "confirmed"} if number < 3 else {"verdict": "rejected", "reason": "shadow"}
        ana.answer("assign_second", subject, {"rule": "asked for at the desk"})
        ana.answer("verdict", subject, said)
        omar.answer("verdict", subject, {"verdict": "confirmed"})
    page = ana.get("/figures").text
    assert "3 of 5 alike" in page
    assert "3 of 3 decided changes are real" in page, "disputed ones are left out of shares"
    for query in ("site=testbase", "sensor=optical", "simulated=yes", "site=nothing&sensor=sar&simulated=no"):
        assert ana.get(f"/figures?{query}").status_code == 200
    assert ana.get("/figures?sensor=nose").status_code == 422


def test_no_figure_claims_more_than_is_known(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITEWATCH_AUDIT_SHARE", "1")
    with opened(root) as desk:
        ana, omar = desk.person("Ana"), desk.person("Omar")
        first = ana.get("/api/queue?site=testbase").json()["subjects"][0]
        ana.answer("assign_second", first, {"rule": "asked for at the desk"})
        for person in (ana, omar):
            person.answer("verdict", first, {"verdict": "confirmed"})
        for blank in ana.get("/api/queue?what=blank").json()["subjects"]:
            ana.answer("verdict", blank, {"verdict": "nothing_missed"})
        assert big(ana.get("/figures?site=testbase").text) == ["1.00", "1.00", "\u2013"], (
            "one pair has no interval"
        )


def test_what_is_nearly_all_is_not_said_to_be_all() -> None:
    assert [score(value) for value in (None, 1.0, 0.991, 0.99, 0.5, 0.01, 0.0)] == [
        "\u2013", ">0.99", ">0.99", "0.99", "0.50", "0.01", "<0.01",
    ]  # fmt: skip
    assert [share(part) for part in (1, 0.996, 0.994, 0.5, 0.004, 0)] == [
        "1.00", ">0.99", "0.99", "0.50", "<0.01", "0.00",
    ]  # fmt: skip
    assert [small(value) for value in (None, 0, 0.0004, 0.006, 1.5)] == [
        "\u2013",
        "0.00",
        "<0.01",
        "0.01",
        "1.50",
    ]


def big(page: str) -> list[str]:
    """The large figures."""
    return [unescape(part.split("</p>", 1)[0]) for part in page.split('<p class="big">')[1:]]
