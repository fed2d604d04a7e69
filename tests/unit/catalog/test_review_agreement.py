"""First verdicts kept in memory, against reading the whole journal."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from catalog.database import Database, database_of
from catalog.journal import ReviewDraft, append
from catalog.review_agreement import FirstVerdicts, Pairs

SUBJECTS = ("one", "two", "three")
PEOPLE = ("ann", "bob", "cleo")


@pytest.fixture
def database(tmp_path: Path, each_database: str) -> Iterator[Database]:
    del each_database
    found = database_of(tmp_path, kept=True)
    yield found
    found.close()


def give(database: Database, number: int, act: str, subject: str, reviewer: str, **body: object) -> int:
    draft = ReviewDraft(key=f"k{number}", reviewer=reviewer, act=act, subject=subject, body=body)
    with database.writing() as connection:
        return append(connection, draft, site=None, run=None).seq


def pairs(database: Database, firsts: FirstVerdicts) -> Pairs:
    with database.reading() as connection:
        return firsts.pairs(connection)


def test_what_is_kept_is_what_the_journal_says_after_every_answer(database: Database) -> None:
    rng = np.random.default_rng(4)
    kept, own = FirstVerdicts(), {}
    for number in range(60):
        subject, reviewer = SUBJECTS[int(rng.integers(3))], PEOPLE[int(rng.integers(3))]
        act = ("verdict", "verdict", "assign_second", "undo", "note")[int(rng.integers(5))]
        if act == "undo":
            if (subject, reviewer) not in own:
                continue
            give(database, number, act, subject, reviewer, event=own.pop((subject, reviewer)))
        else:
            said = ("confirmed", "unsure")[int(rng.integers(2))]
            body = {"verdict": {"verdict": said}, "note": {"text": "x"}, "assign_second": {"rule": "r"}}[act]
            seq = give(database, number, act, subject, reviewer, **body)
            if act == "verdict":
                own[subject, reviewer] = seq
        assert pairs(database, kept) == pairs(database, FirstVerdicts())
    assert len(pairs(database, kept).first) == 3


def test_what_was_said_before_a_second_was_asked_is_not_blind(database: Database) -> None:
    give(database, 1, "verdict", "one", "ann", verdict="confirmed")
    give(database, 2, "assign_second", "one", "rule", rule="share")
    give(database, 3, "verdict", "one", "bob", verdict="unsure")
    give(database, 4, "verdict", "two", "ann", verdict="confirmed")
    give(database, 5, "verdict", "two", "bob", verdict="confirmed")
    give(database, 6, "assign_second", "two", "rule", rule="share")
    found = pairs(database, FirstVerdicts())
    assert found.first == {"one": ("confirmed", "unsure"), "two": ("confirmed", "confirmed")}
    assert found.asked_for == {"one"}


def test_another_journal_in_its_place_is_noticed(tmp_path: Path) -> None:
    kept = FirstVerdicts()
    one, other = database_of(tmp_path / "one"), database_of(tmp_path / "other")
    for number, reviewer in enumerate(("ann", "bob")):
        give(one, number, "verdict", "first", reviewer, verdict="confirmed")
    assert set(pairs(one, kept).first) == {"first"}
    for number, reviewer in enumerate(("ann", "bob", "cleo")):
        give(other, number, "verdict", "second", reviewer, verdict="unsure")
    assert pairs(other, kept).first == {"second": ("unsure", "unsure")}
