"""What a page asks of the records before it hands a run over."""

from pathlib import Path

from catalog.queue import QueueFilters
from catalog.second_review import SecondRule
from tests.unit.catalog.reviews import FIRST, SECOND, Open, draft, verdict


def run_of(store: object) -> str:
    (row,) = store.runs()  # type: ignore[attr-defined]
    return str(row["name"])


def test_what_is_kept_from_whoever_is_to_answer_blind(reviewed: Path, opened: Open) -> None:
    store = opened(reviewed, second=SecondRule(share=1.0))
    run = run_of(store)
    assert store.kept_from("bob", run) == 0
    verdict(store, "confirmed")
    assert store.kept_from("bob", run) == 1
    assert store.kept_from("ann", run) == 0, "what she said herself"
    store.append(draft("assign_second", SECOND, rule="asked for"))
    assert store.kept_from("bob", run) == 1, "nobody has said anything of the other one"
    store.append(draft("note", SECOND, text="a crane"))
    assert store.kept_from("bob", run) == 2
    assert store.kept_from("ann", run) == 0
    assert store.kept_from("bob", "another/run") == 0
    verdict(store, "rejected", by="bob")
    assert store.kept_from("bob", run) == 1
    assert store.kept_from("rea", run) == 1, "disputed is no longer blind, the note is"


def test_runs_in_which_a_filter_finds_something(reviewed: Path, opened: Open) -> None:
    store = opened(reviewed)
    run = run_of(store)
    verdict(store, "confirmed", FIRST)

    def found(**filters: object) -> list[str]:
        return [str(row["name"]) for row in store.runs_of(QueueFilters(**filters), viewer="bob")]  # type: ignore[arg-type]

    assert found() == [run]
    assert found(verdicts=("confirmed",)) == [run]
    assert found(verdicts=("rejected",)) == []
    assert found(min_score=0.99) == []
    store.append(draft("assign_second", FIRST, rule="asked for"))
    assert found(verdicts=("confirmed",)) == [], "blind: not even by a list of runs"
