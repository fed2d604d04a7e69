"""The review journal: every answer once, in one chain, whoever gives them at once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog.database import writing
from catalog.errors import BadDatabase, BadReview, BrokenJournal
from catalog.journal import BEGINNING, ReviewDraft, ReviewEvent
from catalog.journal_copy import last_copied, read_copy
from catalog.layout import JOURNAL_COPY
from catalog.review import ReviewStore
from catalog.review_tables import review_events
from tests.unit.catalog.reviews import FIRST, SECOND, draft, verdict

PEOPLE, EACH = 50, 4


@pytest.fixture
def root(reviewed: Path, each_database: str) -> Path:
    del each_database
    return reviewed


@pytest.fixture
def store(root: Path) -> Iterator[ReviewStore]:
    opened = ReviewStore(root)
    yield opened
    opened.close()


def chained(events: list[ReviewEvent]) -> bool:
    previous = [BEGINNING, *(event.hash for event in events)]
    return all(
        event.seq == number and event.previous == before and event.hash == event.true_hash
        for number, (event, before) in enumerate(zip(events, previous, strict=False), 1)
    )


def test_an_answer_is_kept_with_who_when_and_what_about(store: ReviewStore) -> None:
    event = verdict(store, "rejected", reason="tide_or_waves", by="Zoë K.")
    assert (event.seq, event.reviewer, event.act, event.subject) == (1, "Zoë K.", "verdict", FIRST)
    assert event.site == "testbase"
    assert event.run is not None
    assert event.run.startswith("testbase/optical")
    assert event.body == {"verdict": "rejected", "reason": "tide_or_waves"}
    assert event.at.endswith("Z")
    assert store.events() == [event]
    assert chained([event])


def test_fifty_people_at_once_lose_nothing(store: ReviewStore, root: Path) -> None:
    """On two changes only, so that they also meet; the journal stays one chain, and so does its copy."""
    start = threading.Barrier(PEOPLE)

    def person(number: int) -> list[ReviewEvent]:
        start.wait()
        return [
            verdict(store, ("confirmed", "unsure")[i % 2], (FIRST, SECOND)[number % 2], by=f"person {number}")
            for i in range(EACH)
        ]

    with ThreadPoolExecutor(PEOPLE) as pool:
        given = [event for events in pool.map(person, range(PEOPLE)) for event in events]
    events = store.events()
    assert len(events) == PEOPLE * EACH
    assert chained(events)
    assert sorted(given, key=lambda event: event.seq) == events
    assert list(read_copy(root)) == events
    for subject in (FIRST, SECOND):
        state = store.state(subject)
        assert len(state.answers) == PEOPLE // 2
        assert state.verdict == "unsure"
        assert store.change(subject).entry.answers == PEOPLE // 2


def test_several_stores_of_one_folder_write_one_chain(root: Path) -> None:
    """As several processes do: each with connections of its own."""
    stores = [ReviewStore(root) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: verdict(stores[i % 4], by=f"person {i}"), range(40)))
    events = stores[0].events()
    assert len({event.reviewer for event in events}) == len(events) == 40
    assert chained(events)
    assert list(read_copy(root)) == events
    for opened in stores:
        opened.close()


def test_an_answer_sent_again_counts_once(store: ReviewStore) -> None:
    first = verdict(store, "rejected", key="same", reason="cloud")
    verdict(store, "confirmed", by="bob")
    again = verdict(store, "rejected", key="same", reason="cloud")
    assert again == first
    assert len(store.events()) == 2


def test_an_answer_sent_again_from_many_threads_counts_once(store: ReviewStore) -> None:
    with ThreadPoolExecutor(16) as pool:
        events = list(pool.map(lambda _: verdict(store, key="same"), range(32)))
    assert len({event.seq for event in events}) == 1
    assert len(store.events()) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"said": "unsure"},
        {"said": "confirmed", "by": "bob"},
        {"said": "confirmed", "subject": SECOND},
    ],
)
def test_one_key_for_two_answers_is_refused(store: ReviewStore, other: dict[str, str]) -> None:
    verdict(store, "confirmed", key="same")
    with pytest.raises(BadReview, match="make a new key") as caught:
        verdict(store, **other, key="same")
    assert caught.value.conflict
    assert len(store.events()) == 1


def test_undo_and_missed_can_be_sent_again_too(store: ReviewStore) -> None:
    event = verdict(store)
    undo = draft("undo", None, event=event.seq, key="undo")
    assert store.append(undo) == store.append(undo)
    run = store.runs()[0]["name"]
    place = store.change(SECOND).outline
    missed = draft("missed", None, run=run, geometry=place, kind="appeared", label="truck", key="missed")
    added = store.append(missed)
    assert store.append(missed) == added
    assert len(store.events()) == 3


def test_a_refused_answer_leaves_nothing_and_keeps_nobody_else_out(store: ReviewStore) -> None:
    """Refusals and answers that come in together share one transaction."""
    start = threading.Barrier(20)

    def person(number: int) -> ReviewEvent | BadReview:
        start.wait()
        try:
            return verdict(store, subject=FIRST if number % 2 else "nothing-known", by=f"person {number}")
        except BadReview as problem:
            return problem

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(person, range(20)))
    assert sum(isinstance(one, BadReview) for one in found) == 10
    assert all("no change of this id" in str(one) for one in found if isinstance(one, BadReview))
    assert len(store.events()) == 10
    assert chained(store.events())


def test_events_after_a_number_and_of_a_subject(store: ReviewStore) -> None:
    for subject in (FIRST, SECOND, FIRST):
        verdict(store, subject=subject)
    assert [event.seq for event in store.events(after=1)] == [2, 3]
    assert [event.seq for event in store.events(subject=FIRST)] == [1, 3]
    assert [event.seq for event in store.events(limit=2)] == [1, 2]


class TestUndo:
    def test_takes_back_the_last_word(self, store: ReviewStore) -> None:
        verdict(store, "confirmed")
        second = verdict(store, "rejected")
        store.append(draft("undo", None, event=second.seq))
        assert store.state(FIRST).verdict == "confirmed"
        assert len(store.events(subject=FIRST)) == 3

    def test_can_be_undone_and_done_again(self, store: ReviewStore) -> None:
        first = verdict(store, "confirmed")
        undo = store.append(draft("undo", None, event=first.seq))
        assert store.state(FIRST).verdict is None
        back = store.append(draft("undo", None, event=undo.seq))
        assert store.state(FIRST).verdict == "confirmed"
        store.append(draft("undo", None, event=back.seq))
        assert store.state(FIRST).verdict is None
        with pytest.raises(BadReview, match="taken back already, by event 4"):
            store.append(draft("undo", None, event=back.seq))

    def test_is_for_ones_own_answers(self, store: ReviewStore) -> None:
        event = verdict(store, by="ann")
        with pytest.raises(BadReview, match="event 1 is ann's"):
            store.append(draft("undo", None, by="bob", event=event.seq))

    def test_needs_something_to_take_back(self, store: ReviewStore) -> None:
        with pytest.raises(BadReview, match="event 7 is not in the journal"):
            store.append(draft("undo", None, event=7))
        event = verdict(store)
        store.append(draft("undo", None, event=event.seq))
        with pytest.raises(BadReview, match="taken back already, by event 2"):
            store.append(draft("undo", None, event=event.seq))
        with pytest.raises(BadReview, match=f"is about {FIRST}, not about {SECOND}"):
            store.append(draft("undo", SECOND, event=2))


class TestCopy:
    def test_follows_after_a_crash_between_database_and_copy(self, store: ReviewStore, root: Path) -> None:
        verdict(store)
        whole = (root / JOURNAL_COPY).read_bytes()
        verdict(store, by="bob")
        (root / JOURNAL_COPY).write_bytes(whole + b'{"seq":2,"key":')  # killed while it wrote
        verdict(store, by="cyd")
        events = store.events()
        assert [one for one in read_copy(root) if isinstance(one, ReviewEvent)] == events
        assert last_copied(root) == 3

    def test_a_second_journal_is_never_begun_over_a_lost_one(self, store: ReviewStore, root: Path) -> None:
        verdict(store)
        with writing(root) as connection:
            sqlite = connection.dialect.name == "sqlite"
            connection.execute(
                text(f"DROP TRIGGER review_events_no_delete{'' if sqlite else ' ON review_events'}")
            )
            connection.execute(text("DELETE FROM review_events"))
        with pytest.raises(BrokenJournal, match=r"ends at event 0, its copy .* at event 1"):
            verdict(store, by="bob")

    def test_its_end_is_found_behind_long_lines(self, store: ReviewStore, root: Path) -> None:
        for _ in range(40):
            store.append(draft("note", text="ü" * 4000))
        assert last_copied(root) == 40


def test_the_database_itself_refuses_a_second_event_of_a_number(store: ReviewStore, root: Path) -> None:
    event = verdict(store)
    values = event.as_dict() | {"key": "another", "hash": "f" * 64}
    with pytest.raises(BadDatabase, match=r"(?i)unique"), writing(root) as connection:
        connection.execute(review_events.insert().values(values))


def test_drafts_say_what_is_wrong_with_them() -> None:
    good = {"key": "k", "reviewer": "ann", "act": "verdict", "subject": "a", "body": {"verdict": "confirmed"}}
    ReviewDraft(**good)
    for change, said in [
        ({"key": ""}, "key is empty"),
        ({"key": "x" * 201}, "key has 201 characters"),
        ({"key": 7}, "key must be text"),
        ({"reviewer": "a\nb"}, "reviewer must be on one line"),
        ({"reviewer": "a\x00b"}, r"control character U\+0000"),
        ({"reviewer": "ann\u202e"}, r"control character U\+202E"),
        ({"act": "delete"}, "act must be one of"),
        ({"subject": None}, "verdict needs a subject"),
        ({"run": "a/b"}, "run is given for missed and for nothing else"),
        ({"body": []}, "body of verdict must be an object"),
        ({"body": {"verdict": "confirmed", "extra": 1}}, "fields that it does not know: 'extra'"),
    ]:
        with pytest.raises(BadReview, match=said):
            ReviewDraft(**({**good, **change}))
