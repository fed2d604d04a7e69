"""Answers: each one event, counted once, refused in words; and what a second reviewer is not to know."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from catalog.second_review import SecondRule
from tests.review.conftest import ADDRESS, PLAIN_RUN, SITE_RUN, Person, RunningDesk, opened
from tests.unit.catalog.catalog_runs import appeared, grid_of, vanished

SITE_KEY = SITE_RUN.replace("/", "_")
RING = [[300, 310], [340, 310], [340, 330], [300, 330], [300, 310]]


def events(desk: RunningDesk) -> list[Any]:
    found: list[Any] = desk.app.state.store.events()
    return found


def plain_change(desk: RunningDesk) -> str:
    queue = desk.app.state.store.queue()
    return next(entry.subject for entry in queue.entries if entry.run == PLAIN_RUN)


def test_a_verdict_is_one_event_of_whoever_gave_it(desk: RunningDesk, ana: Person, change: str) -> None:
    answer = ana.answer("verdict", change, {"verdict": "rejected", "reason": "shadow"})
    assert answer.status_code == 200, answer.text
    (event,) = events(desk)
    assert (event.reviewer, event.act, event.subject) == ("Ana", "verdict", change)
    assert event.body == {"verdict": "rejected", "reason": "shadow"}
    assert answer.json()["event"] == event.seq
    assert answer.json()["item"]["given"] == "You: rejected, shadow"


def test_the_same_answer_sent_again_counts_once(desk: RunningDesk, ana: Person, change: str) -> None:
    key = uuid4().hex
    first, second = (ana.answer("verdict", change, {"verdict": "confirmed"}, key=key) for _ in range(2))
    assert first.json()["event"] == second.json()["event"]
    assert len(events(desk)) == 1
    other = ana.answer("verdict", change, {"verdict": "unsure"}, key=key)
    assert other.status_code == 409
    assert len(events(desk)) == 1


def test_an_answer_that_was_taken_is_never_told_to_be_lost(
    desk: RunningDesk, ana: Person, change: str
) -> None:
    shutil.rmtree(desk.root / SITE_RUN)
    desk.app.state.shelf._listed = float("-inf")
    answer = ana.answer("verdict", change, {"verdict": "confirmed"})
    assert (answer.status_code, answer.json()["item"]) == (200, None)
    assert [event.seq for event in events(desk)] == [answer.json()["event"]]


def test_nobody_answers_for_somebody_else(desk: RunningDesk, ana: Person, change: str) -> None:
    refused = ana.answer("verdict", change, {"verdict": "confirmed"}, reviewer="Omar")
    assert refused.status_code == 422
    assert events(desk) == []


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("verdict", {"verdict": "rejected"}),
        ("verdict", {"verdict": "rejected", "reason": "because"}),
        ("verdict", {"verdict": "nothing_missed"}),
        ("verdict", {}),
        ("relabel", {"label": "<img src=x onerror=alert(1)>"}),
        ("relabel", {"label": "=HYPERLINK(1)"}),
        ("note", {"text": ""}),
        ("note", {"text": "x" * 5000}),
        ("note", {"text": "a\u0000b"}),
        ("note", {"text": ["x"]}),
        ("relabel", {"label": "<svg onload=alert(1)>"}),
        ("outline", {"outline_px": [[0, 0], [1, 1]]}),
        ("outline", {"outline_px": [[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]}),
        ("outline", {"outline_px": [[0, 0], [1e308, 0], [1e308, 1e308], [0, 1e308], [0, 0]]}),
        ("outline", {"outline_px": [[-900, 0], [10, 0], [10, 10], [-900, 10], [-900, 0]]}),
        ("outline", {"outline_px": [[i % 100, i] for i in range(5000)]}),
        ("outline", {"outline_px": "M0 0"}),
        ("outline", {"outline_px": [[None, 0], [1, 0], [1, 1], [None, 0]]}),
        ("outline", {"geometry": {"type": "Point", "coordinates": [0, 0]}}),
        ("undo", {"event_key": "never-sent-000"}),
        ("undo", {"event": 99}),
        ("undo", {"event": "1; DROP TABLE review_events"}),
        ("dance", {}),
    ],
)
def test_answers_that_cannot_be_are_refused_in_words(
    desk: RunningDesk, ana: Person, change: str, act: str, body: dict[str, Any]
) -> None:
    refused = ana.answer(act, change, body, run_key=SITE_KEY)
    assert refused.status_code in (409, 422), refused.text
    assert refused.json()["error"]
    assert events(desk) == []


@pytest.mark.parametrize(
    "subject", ["nothing", "tile:nothing/r00c00", f"tile:{SITE_RUN}/r99c99", "tile:", "x" * 401, ""]
)
def test_answers_about_nothing_are_refused(desk: RunningDesk, ana: Person, subject: str) -> None:
    assert ana.answer("verdict", subject, {"verdict": "confirmed"}).status_code in (404, 409, 422)
    assert events(desk) == []


def test_an_outline_on_a_map_is_kept_on_the_ground(desk: RunningDesk, ana: Person, change: str) -> None:
    answer = ana.answer("outline", change, {"outline_px": RING}, run_key=SITE_KEY)
    assert answer.status_code == 200, answer.text
    (event,) = events(desk)
    assert event.body["geometry"]["type"] == "Polygon"
    back = answer.json()["item"]["ring"]
    assert (
        max(
            abs(p - q)
            for a, b in zip(sorted(back), sorted(RING), strict=True)
            for p, q in zip(a, b, strict=True)
        )
        < 0.1
    )


def test_an_outline_without_georeference_is_kept_in_pixels(desk: RunningDesk, ana: Person) -> None:
    ring = [[30, 31], [70, 31], [70, 55], [30, 55], [30, 31]]
    answer = ana.answer("outline", plain_change(desk), {"outline_px": ring}, run_key=PLAIN_RUN)
    assert answer.status_code == 200, answer.text
    assert events(desk)[0].body == {"outline_px": ring}
    assert answer.json()["item"]["ring"] == ring


def test_a_missed_change_is_added_and_shown(desk: RunningDesk, ana: Person) -> None:
    body = {"outline_px": RING, "kind": "appeared", "label": "truck"}
    answer = ana.answer("missed", None, body, run=SITE_RUN, run_key=SITE_KEY)
    assert answer.status_code == 200, answer.text
    item = ana.item(answer.json()["subject"])
    assert (item["kind"], item["label"], item["change"]) == ("appeared", "truck", item["subject"])
    assert item["focus"][0] < 300 < 340 < item["focus"][2]
    assert "Added by a person" in item["facts_html"]
    assert "added by a person" in ana.get("/?show=all").text


def test_outlines_that_people_drew_are_told_as_far_as_one_may_know(
    desk: RunningDesk, ana: Person, change: str
) -> None:
    def drawn(person: Person, key: str = SITE_KEY) -> dict[str, Any]:
        found = person.get(f"/api/runs/{key}/drawn").json()["outlines"]
        return {outline["change"]: outline for outline in found}

    assert drawn(ana) == {}
    added = ana.answer(
        "missed",
        None,
        {"outline_px": RING, "kind": "vanished", "label": "truck"},
        run=SITE_RUN,
        run_key=SITE_KEY,
    ).json()["subject"]
    key = uuid4().hex
    ana.answer("outline", change, {"outline_px": RING}, run_key=SITE_KEY, key=key)
    assert {c: (o["kind"], o["date"], o["label"]) for c, o in drawn(ana).items()} == {
        added: ("vanished", "before", "truck"), change: ("appeared", "after", "aircraft"),
    }  # fmt: skip
    omar = desk.person("Omar")
    assert drawn(omar) == drawn(ana)
    ana.answer("verdict", change, {"verdict": "confirmed"})
    ana.answer("assign_second", change, {"rule": "asked for at the desk"})
    assert set(drawn(omar)) == {added}, "a second reviewer is to judge what the run found"
    ana.answer("undo", change, {"event_key": key})
    assert set(drawn(ana)) == {added}
    assert drawn(ana, PLAIN_RUN) == {}
    assert ana.get("/api/runs/nothing/drawn").status_code == 404


def test_undo_takes_back_the_own_answer_and_keeps_both_events(
    desk: RunningDesk, ana: Person, change: str
) -> None:
    key = uuid4().hex
    ana.answer("verdict", change, {"verdict": "confirmed"}, key=key)
    omar = desk.person("Omar")
    assert omar.answer("undo", change, {"event_key": key}).status_code == 422
    undone = ana.answer("undo", change, {"event_key": key})
    assert undone.status_code == 200, undone.text
    assert undone.json()["item"]["given"] == "Not answered yet"
    assert [event.act for event in events(desk)] == ["verdict", "undo"]
    assert ana.answer("undo", change, {"event_key": key}).status_code == 409


def test_the_last_own_answer_is_known(
    desk: RunningDesk, ana: Person, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = {"event": None, "subject": None, "act": None}
    assert ana.get("/api/answers/last").json() == nothing
    ana.answer("verdict", change, {"verdict": "confirmed"})
    ana.answer("note", change, {"text": "first"})
    desk.person("Omar").answer("note", change, {"text": "another's"})
    assert ana.get("/api/answers/last").json() == {"event": 2, "subject": change, "act": "note"}
    ana.answer("undo", change, {"event": 2})
    assert ana.get("/api/answers/last").json() == {"event": 1, "subject": change, "act": "verdict"}
    monkeypatch.setattr("review.answers.SITTING", timedelta(0))
    assert ana.get("/api/answers/last").json() == nothing
    assert desk.stranger().get("/api/answers/last").status_code == 401


def test_two_people_on_one_change_both_count(desk: RunningDesk, ana: Person, change: str) -> None:
    omar = desk.person("Omar")
    ana.answer("verdict", change, {"verdict": "confirmed"})
    omar.answer("verdict", change, {"verdict": "rejected", "reason": "shadow"})
    assert len(events(desk)) == 2
    item = ana.item(change)
    assert "You: confirmed" in item["given"]
    assert "Omar: rejected, shadow" in item["given"]
    page = ana.get("/disagreements").text
    assert "Ana: confirmed" in page
    assert "Omar: rejected (shadow)" in page


def test_a_second_reviewer_does_not_see_what_the_first_one_said(
    desk: RunningDesk, ana: Person, change: str
) -> None:
    ana.answer("assign_second", change, {"rule": "asked for at the desk"})
    ana.answer("verdict", change, {"verdict": "rejected", "reason": "known_object"})
    ana.answer("note", change, {"text": "the yellow crane again"})
    ana.answer("relabel", change, {"label": "crane"})
    omar = desk.person("Omar")
    seen = [
        omar.get(address).text
        for address in (
            f"/review?subject={change}", f"/api/items?subject={change}", "/", "/?show=all",
            "/?show=all&verdict=rejected",
            "/disagreements",
        )
    ]  # fmt: skip
    for text in seen:
        assert "known object" not in text.split("<form")[0] + text.split("</form>")[-1]
        assert "yellow crane" not in text
        assert "Ana" not in text
        assert ">crane" not in text
    assert omar.item(change)["given"].startswith("Blind second review")
    omar.answer("verdict", change, {"verdict": "confirmed"})
    assert "Ana: rejected, known object" in omar.item(change)["given"]


def facet(page: str, name: str) -> set[str]:
    """What a select of the queue page offers, with its numbers."""
    options = page.split(f'<select name="{name}">', 1)[1].split("</select>", 1)[0]
    return {option.split(">", 1)[1].split("<", 1)[0] for option in options.split("<option")[1:]}


@pytest.mark.parametrize(
    "verdict", [{"verdict": "rejected", "reason": "known_object"}, {"verdict": "confirmed"}]
)
def test_filters_counts_and_figures_tell_a_second_reviewer_nothing_either(
    desk: RunningDesk, ana: Person, change: str, verdict: dict[str, str]
) -> None:
    omar, reader, lead = desk.person("Omar"), desk.person("Rita", "read-only"), desk.person("Lena", "lead")
    said = verdict["verdict"]
    queries = {
        f"verdict={said}": 0, "verdict=-": 5, "reason=known_object": 0, "reason=-": 5, "state=provisional": 5,
        "state=withdrawn": 0, "state=confirmed": 0,
    }  # fmt: skip
    ana.answer("assign_second", change, {"rule": "asked for at the desk"})
    unanswered = omar.get("/figures").text
    ana.answer("verdict", change, verdict)
    for person in (omar, reader):
        for query, number in queries.items():
            found = person.get(f"/api/queue?show=all&{query}").json()
            assert found["total"] == number, query
            assert (change in found["subjects"]) == (number > 0), query
        page = person.get("/?show=all").text
        assert facet(page, "verdict") == {"all", "none (5)"}
        assert facet(page, "state") == {"all", "provisional (5)"}
    assert omar.get("/figures").text == unanswered, "as if nobody had answered"
    decided = "1 of 1" if said == "confirmed" else "0 of 1"
    assert f"{decided} decided changes" in lead.get("/figures").text
    assert f"{decided} decided changes" in ana.get("/figures").text
    assert facet(ana.get("/?show=all").text, "verdict") == {"all", "none (4)", f"{said} (1)"}
    omar.answer("verdict", change, verdict)
    assert omar.get(f"/api/queue?show=all&verdict={said}").json()["subjects"] == [change]
    assert f"{decided} decided changes" in omar.get("/figures").text
    assert f"{decided} decided changes" in reader.get("/figures").text


def test_a_lead_settles(desk: RunningDesk, ana: Person, change: str) -> None:
    omar, lead = desk.person("Omar"), desk.person("Lena", "lead")
    ana.answer("verdict", change, {"verdict": "confirmed"})
    omar.answer("verdict", change, {"verdict": "unsure"})
    assert change in lead.get("/disagreements").text
    settled = lead.answer("verdict", change, {"verdict": "confirmed", "settles": True})
    assert settled.status_code == 200, settled.text
    assert "Nobody disagrees" in lead.get("/disagreements").text


def test_a_note_is_text_wherever_it_is_shown(ana: Person, change: str) -> None:
    hostile = (
        '</script><script>alert(1)</script><img src=x onerror=alert(2)> & "quotes" </textarea>'
        "<svg onload=alert(3)><style>*{}</style></svg>"
    )
    assert ana.answer("note", change, {"text": hostile}).status_code == 200
    page = ana.get(f"/review?subject={change}").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<svg onload" not in page
    assert "<svg onload" not in ana.item(change)["facts_html"]
    assert page.count("</script>") == 3, "the data block and the two scripts of the page"
    assert "&lt;script&gt;alert(1)" in ana.item(change)["facts_html"]


def test_a_blank_tile_is_answered(desk: RunningDesk, ana: Person) -> None:
    subject = f"tile:{SITE_RUN}/r01c01"
    item = ana.item(subject)
    assert (item["is_tile"], item["decidable"]) == (True, True)
    assert ana.answer("verdict", subject, {"verdict": "nothing_missed"}).status_code == 200
    assert events(desk)[0].subject == subject


def test_ids_follow_from_the_place(change: str) -> None:
    assert appeared().id == change != vanished().id
    assert tuple(grid_of().shape) == (600, 700)


def test_a_share_goes_to_a_second_reviewer_by_rule(root: Path) -> None:
    with opened(root, second=SecondRule(share=1.0)) as desk:
        ana, omar = desk.person("Ana"), desk.person("Omar")
        subject = ana.get("/api/queue").json()["subjects"][0]
        ana.answer("verdict", subject, {"verdict": "confirmed"})
        assert [event.act for event in events(desk)].count("assign_second") == 1
        assert subject in omar.get("/api/queue").json()["subjects"]
        assert omar.item(subject)["blind"]
        omar.answer("verdict", subject, {"verdict": "confirmed"})
        assert subject not in desk.person("Eve").get("/api/queue").json()["subjects"]


def test_the_rule_for_second_reviews_outlasts_a_desk_and_is_shown_to_leads(root: Path) -> None:
    rule = SecondRule(share=0.25, labels=("ship <b>",))
    with opened(root, second=rule, opened_by="Lena") as desk:
        page = desk.person("Lena", "lead").get("/reviewers").text
        assert "<strong>a random 0.25 of all changes; label ship &lt;b&gt;</strong>" in page
        assert "Said by Lena" in page
        assert desk.person("Ana").get("/reviewers").status_code == 403
    with opened(root) as desk:
        assert desk.app.state.store.second_rule().rule == rule
    with opened(root, second=SecondRule()) as desk:
        page = desk.person("Lena", "lead").get("/reviewers").text
        assert "No change goes to a second reviewer by rule" in page


@pytest.mark.usefixtures("each_database")
def test_a_review_on_each_database(root: Path, change: str) -> None:
    with opened(root, second=SecondRule(share=1.0)) as desk:
        ana, omar, lead = desk.person("Ana"), desk.person("Omar"), desk.person("Lena", "lead")
        assert ana.answer("verdict", change, {"verdict": "rejected", "reason": "shadow"}).status_code == 200
        assert omar.item(change)["blind"]
        assert omar.get("/api/queue?show=all&verdict=rejected").json()["total"] == 0
        body = {"outline_px": RING, "kind": "appeared", "label": "truck"}
        assert ana.answer("missed", None, body, run=SITE_RUN, run_key=SITE_KEY).status_code == 200
        assert omar.answer("verdict", change, {"verdict": "confirmed"}).status_code == 200
        assert change in lead.get("/disagreements").text
        settled = lead.answer("verdict", change, {"verdict": "confirmed", "settles": True})
        assert settled.status_code == 200, settled.text
        assert "1 of 1 decided changes" in omar.get("/figures").text
        omar.client.post("/signout", data={"csrf": omar.csrf}, headers={"Origin": ADDRESS})
        assert omar.get("/", follow_redirects=False).status_code == 303
