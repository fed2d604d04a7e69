"""What events amount to: pure folding, person above rule, nothing lost."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.journal import ReviewEvent
from catalog.standings import Automatic, ReviewState, fold

_SEQ = itertools.count(1)
LASTS = Automatic(state="confirmed", reason="lasts")


def event(
    act: str, by: str = "ann", seq: int | None = None, subject: str = "abc", **body: Any
) -> ReviewEvent:
    number = next(_SEQ) if seq is None else seq
    return ReviewEvent(
        seq=number, key=f"k{number}", at=f"2025-01-01T00:00:00.{number:06d}Z", reviewer=by, act=act, site=None,
        run=None, subject=subject, body=body, previous="", hash="",
    )  # fmt: skip


def said(verdict: str, by: str = "ann", **more: Any) -> ReviewEvent:
    if verdict == "rejected":
        more.setdefault("reason", "cloud")
    return event("verdict", by, verdict=verdict, **more)


def test_nothing_said_leaves_it_to_the_rule() -> None:
    state = fold("abc", [], automatic=LASTS)
    assert (state.state, state.state_reason, state.verdict, state.needs, state.second) == (
        "confirmed", "lasts", None, "first", "none",
    )  # fmt: skip
    assert fold("abc", []).state == "provisional"


@pytest.mark.parametrize(
    ("verdict", "state", "reason"),
    [
        ("confirmed", "confirmed", "person"),
        ("rejected", "withdrawn", "person"),
        ("unsure", "confirmed", "lasts"),
    ],
)
def test_a_person_outranks_the_rule_but_not_by_being_unsure(verdict: str, state: str, reason: str) -> None:
    found = fold("abc", [said(verdict)], automatic=LASTS)
    assert (found.state, found.state_reason) == (state, reason)
    assert found.automatic == LASTS
    assert found.needs == "none"


def test_the_last_word_of_a_reviewer_counts_and_the_first_is_still_there() -> None:
    events = [said("confirmed"), said("rejected", reason="shadow")]
    state = fold("abc", events)
    assert (state.verdict, state.reason, len(state.answers)) == ("rejected", "shadow", 1)
    assert state.version == events[-1].seq


def test_two_who_differ_are_disputed_and_the_rule_decides_meanwhile() -> None:
    state = fold("abc", [said("confirmed"), said("rejected", "bob")], automatic=LASTS)
    assert (state.verdict, state.second, state.needs, state.state) == (
        None,
        "disputed",
        "settle",
        "confirmed",
    )


def test_a_dispute_ends_when_they_agree_or_somebody_settles_it() -> None:
    events = [said("confirmed"), said("rejected", "bob")]
    agreed = fold("abc", [*events, said("confirmed", "bob")])
    assert (agreed.verdict, agreed.second, agreed.needs) == ("confirmed", "agreed", "none")
    settled = fold("abc", [*events, said("rejected", "lea", reason="seasonal", settles=True)])
    assert (settled.verdict, settled.reason, settled.second) == ("rejected", "seasonal", "settled")
    assert settled.state == "withdrawn"
    assert [answer.reviewer for answer in settled.answers] == ["ann", "bob", "lea"]


def test_taking_back_the_settlement_brings_the_dispute_back() -> None:
    events = [said("confirmed"), said("rejected", "bob"), said("confirmed", "lea", settles=True)]
    undo = event("undo", "lea", event=events[-1].seq)
    assert fold("abc", [*events, undo]).second == "disputed"


def test_second_review_goes_from_needed_to_waiting_to_its_end() -> None:
    assign = event("assign_second", "sitewatch", rule="score 0.4 to 0.6")
    assert (fold("abc", [assign]).second, fold("abc", [assign]).needs) == ("needed", "first")
    waiting = fold("abc", [said("confirmed"), assign])
    assert (waiting.second, waiting.needs, waiting.second_rule) == ("waiting", "second", "score 0.4 to 0.6")
    assert fold("abc", [said("confirmed"), assign, said("confirmed", "bob")]).second == "agreed"
    assert fold("abc", [said("confirmed"), assign, said("unsure", "bob")]).second == "disputed"


def test_a_second_reviewer_sees_nothing_of_the_first() -> None:
    events = [
        said("rejected"), event("assign_second", "sitewatch", rule="x"), event("note", text="clearly a shadow"),
        event("relabel", label="shadow"), event("suppress", until="2025-06-01", reason="shadow"),
    ]  # fmt: skip
    whole = fold("abc", events, automatic=LASTS)
    blind = whole.seen_by("bob")
    assert (blind.verdict, blind.reason, blind.answers, blind.notes, blind.label, blind.suppressed) == (
        None, None, (), (), None, None,
    )  # fmt: skip
    assert (blind.state, blind.state_reason) == ("confirmed", "lasts")
    assert (blind.second, blind.needs) == ("waiting", "second")
    assert "shadow" not in str(blind.as_dict())
    assert whole.seen_by("ann") == whole
    answered = fold("abc", [*events, said("confirmed", "bob")], automatic=LASTS)
    assert answered.seen_by("bob") == answered


def test_label_outline_and_notes() -> None:
    notes = [event("note", text="one"), event("note", "bob", text="two")]
    events = [
        event("relabel", label="ship"), event("relabel", "bob", label="tanker"),
        event("outline", geometry={"type": "Polygon"}), *notes,
    ]  # fmt: skip
    state = fold("abc", events)
    assert (state.label, state.outline) == ("tanker", {"geometry": {"type": "Polygon"}})
    assert [(note.reviewer, note.text) for note in state.notes] == [("ann", "one"), ("bob", "two")]
    undone = fold("abc", [*events, event("undo", "bob", event=events[1].seq)])
    assert undone.label == "ship"


def test_who_adds_a_change_confirms_it_until_it_is_taken_back() -> None:
    added = event("missed", subject="missed:1", kind="appeared", label="truck", outline_px=[])
    state = fold("missed:1", [added])
    assert (state.verdict, state.state, state.needs) == ("confirmed", "confirmed", "none")
    assert state.added == added.body
    gone = fold("missed:1", [added, event("undo", event=added.seq)])
    assert (gone.verdict, gone.state, gone.state_reason, gone.needs) == (None, "withdrawn", "person", "none")


def test_suppression_by_hand_and_its_end() -> None:
    on = event("suppress", until="2025-06-01", reason="cloud")
    assert fold("abc", [on]).suppressed == {"until": "2025-06-01", "reason": "cloud"}
    off = fold("abc", [on, event("unsuppress")])
    assert (off.suppressed, off.unsuppressed) == (None, True)
    assert fold("abc", [on, event("unsuppress"), on]).suppressed is not None


PEOPLE = st.sampled_from(["ann", "bob", "cyd"])


@st.composite
def histories(draw: st.DrawFn) -> list[ReviewEvent]:
    """Verdicts and undos as the journal lets them be: one's own, and not of what is taken back already."""
    found: list[ReviewEvent] = []
    back: dict[int, int] = {}
    for seq in range(1, draw(st.integers(0, 14)) + 1):
        who = draw(PEOPLE)
        mine = [
            e.seq for e in found
            if e.reviewer == who and not (e.seq in back and back[e.seq] not in back)
        ]  # fmt: skip
        if mine and draw(st.booleans()):
            target = draw(st.sampled_from(mine))
            back[target] = seq
            found.append(event("undo", who, seq, event=target))
        else:
            found.append(
                event("verdict", who, seq, verdict=draw(st.sampled_from(["confirmed", "rejected", "unsure"])))
            )
    return found


def model(events: list[ReviewEvent]) -> dict[str, str]:
    """By the words of it: an event is in force unless an undo that is in force names it."""

    def in_force(event: ReviewEvent) -> bool:
        return not any(
            other.act == "undo" and other.body["event"] == event.seq and in_force(other) for other in events
        )

    return {
        event.reviewer: event.body["verdict"]
        for event in events
        if event.act == "verdict" and in_force(event)
    }


@given(histories())
def test_any_history_of_verdicts_and_undos(events: list[ReviewEvent]) -> None:
    state: ReviewState = fold("abc", events)
    expected = model(events)
    assert {answer.reviewer: answer.verdict for answer in state.answers} == expected
    verdicts = set(expected.values())
    assert state.verdict == (verdicts.pop() if len(verdicts) == 1 else None)
    assert state.version == len(events)
    assert fold("abc", events) == state
