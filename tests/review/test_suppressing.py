"""Places whose recurrences are suppressed: by whom and until when, for longer, or shown again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.reviewers import Role
from tests.review.conftest import PLAIN_RUN, Person, RunningDesk, opened, write_recurrence
from tests.unit.catalog.catalog_runs import appeared

FIRST = appeared().id
AGAIN = "again"


@pytest.fixture
def desk(root: Path, tmp_path: Path) -> Iterator[RunningDesk]:
    """A desk on a change that comes up again."""
    assert write_recurrence(root, tmp_path / "later") == AGAIN
    with opened(root) as running:
        yield running


@pytest.fixture
def ana(desk: RunningDesk) -> Person:
    return desk.person("Ana")


def reject(desk: RunningDesk, person: Person) -> None:
    answer = person.answer("verdict", FIRST, {"verdict": "rejected", "reason": "known_object"})
    assert answer.status_code == 200, answer.text
    desk.app.state.store.settle()


def say(person: Person, act: str, **body: Any) -> dict[str, Any]:
    """Say something of the place while the recurrence is on the screen; the recurrence after."""
    answer = person.answer(act, FIRST, body, shows=AGAIN)
    assert answer.status_code == 200, answer.text
    assert answer.json()["subject"] == FIRST
    return dict(answer.json()["item"])


def test_a_recurrence_says_who_rejected_what_and_until_when(desk: RunningDesk, ana: Person) -> None:
    reject(desk, desk.person("Omar"))
    item = ana.item(AGAIN)
    facts = " ".join(item["facts_html"].split())
    assert item["place"]["subject"] == FIRST
    assert item["place"]["reason"] == "known_object"
    assert f"Suppressed until {item['place']['until']}" in facts
    assert f'Omar rejected <a href="/review?subject={FIRST}">the same at this place</a> on 20' in facts
    assert "known object." in facts
    own = ana.item(FIRST)
    assert own["place"] == item["place"], "the change itself says what it does"
    assert "What comes up again at this place: known object" in own["facts_html"]


@pytest.mark.parametrize("role", ["reviewer", "lead"])
def test_a_place_is_shown_again_and_that_is_taken_back(desk: RunningDesk, role: Role) -> None:
    person = desk.person("Omar", role)
    reject(desk, person)
    until = person.item(AGAIN)["place"]["until"]
    shown = say(person, "unsuppress")
    assert shown["place"] == {"subject": AGAIN, "until": None, "reason": None}
    assert "Suppressed" not in shown["facts_html"]
    own = person.item(FIRST)
    assert "is shown" in own["facts_html"]
    assert own["place"]["until"] is None
    last = person.get("/api/answers/last").json()
    assert (last["act"], last["subject"]) == ("unsuppress", FIRST)
    back = person.answer("undo", FIRST, {"event": last["event"]}, shows=AGAIN).json()["item"]
    assert (back["subject"], back["place"]["until"]) == (AGAIN, until)
    assert [event.act for event in desk.app.state.store.events()] == ["verdict", "unsuppress", "undo"]


def test_a_place_is_suppressed_from_now_on_and_longer(desk: RunningDesk, ana: Person) -> None:
    marked = say(ana, "suppress", until="2027-01-31", reason="seasonal")
    assert marked["place"] == {"subject": FIRST, "until": "2027-01-31", "reason": "seasonal"}
    assert 'Ana suppressed <a href="/review' in " ".join(marked["facts_html"].split())
    longer = say(ana, "suppress", until="2029-12-31", reason="seasonal")
    assert longer["place"]["until"] == "2029-12-31"
    last = ana.get("/api/answers/last").json()["event"]
    back = ana.answer("undo", FIRST, {"event": last}, shows=AGAIN).json()["item"]
    assert back["place"]["until"] == "2027-01-31", "as it was before"


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("suppress", {"until": "soon", "reason": "shadow"}),
        ("suppress", {"until": "2027-02-30", "reason": "shadow"}),
        ("suppress", {"until": "2027-01-31", "reason": "dull"}),
        ("suppress", {"until": "2027-01-31"}),
        ("suppress", {"until": ["2027-01-31"], "reason": "shadow"}),
        ("unsuppress", {"until": "2027-01-31"}),
    ],
)
def test_words_that_cannot_be_are_refused(
    desk: RunningDesk, ana: Person, act: str, body: dict[str, Any]
) -> None:
    assert ana.answer(act, FIRST, body).status_code == 422
    assert desk.app.state.store.events() == []


def test_read_only_sees_it_and_says_nothing(desk: RunningDesk, ana: Person) -> None:
    rea = desk.person("Rea", "read-only")
    reject(desk, ana)
    assert rea.answer("unsuppress", FIRST, {}).status_code == 403
    facts = rea.item(AGAIN)["facts_html"]
    assert "Suppressed until" in facts
    assert "<button" not in facts
    assert "<button" in ana.item(AGAIN)["facts_html"]


def test_nothing_is_suppressed_where_a_place_has_no_position(desk: RunningDesk, ana: Person) -> None:
    entries = desk.app.state.store.queue().entries
    plain = next(entry.subject for entry in entries if entry.run == PLAIN_RUN)
    item = ana.item(plain)
    assert item["place"] is None
    assert 'data-action="place"' not in item["facts_html"]


def test_who_is_to_answer_blind_is_not_told_by_a_mark(desk: RunningDesk, ana: Person) -> None:
    omar = desk.person("Omar")
    ana.answer("assign_second", FIRST, {"rule": "asked for"})
    reject(desk, ana)
    assert say(ana, "suppress", until="2029-12-31", reason="seasonal")["place"]["subject"] == AGAIN
    assert "Suppressed" not in omar.item(AGAIN)["facts_html"]
    blind = omar.item(FIRST)
    assert blind["place"] is None
    assert "Ana" not in blind["facts_html"]
    reject(desk, omar)
    assert omar.item(AGAIN)["place"]["until"] == "2029-12-31"


def test_what_the_page_shows_is_told_as_its_viewer_may_know_it(desk: RunningDesk, ana: Person) -> None:
    """`shows` names any change: what is blind stays so."""
    omar = desk.person("Omar")
    ana.answer("assign_second", AGAIN, {"rule": "asked for"})
    ana.answer("verdict", AGAIN, {"verdict": "confirmed"})
    answer = omar.answer("note", FIRST, {"text": "here too"}, shows=AGAIN).json()
    assert answer["item"]["given"].startswith("Blind second review")
    gone = omar.answer("note", FIRST, {"text": "there"}, shows="nothing")
    assert (gone.status_code, gone.json()["item"]) == (200, None)
