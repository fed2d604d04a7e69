"""Blind second reviews: which changes, who sees what, who has the last word."""

from dataclasses import replace
from pathlib import Path

import pytest

from catalog.bookkeeping import rebuild
from catalog.errors import BadReview
from catalog.queue import QueueFilters
from catalog.second_review import SecondRule
from tests.unit.catalog.reviews import FIRST, SECOND, Open, verdict

pytestmark = pytest.mark.usefixtures("no_pictures")


class TestSecondReview:
    def test_a_rule_sends_changes_to_a_second_reviewer_who_does_not_see_the_first(
        self, reviewed: Path, opened: Open
    ) -> None:
        store = opened(reviewed, second=SecondRule(score_band=(0.5, 0.7)))
        verdict(store, "rejected", SECOND)
        verdict(store, "confirmed", FIRST)
        assert [event.act for event in store.events()] == ["verdict", "assign_second", "verdict"]
        waiting = QueueFilters(needs=("second",), unanswered_by="bob")
        (entry,) = store.queue(waiting, viewer="bob").entries
        assert (entry.subject, entry.second, entry.verdict, entry.answers) == (SECOND, "waiting", None, 0)
        assert entry.state == "provisional"
        assert store.change(SECOND, viewer="bob").state.answers == ()
        assert store.tile(entry.run, entry.tile, viewer="bob").entries[0].verdict is None
        assert store.queue(QueueFilters(needs=("second",), unanswered_by="ann")).entries == ()
        assert store.queue(QueueFilters(needs=("second",)), viewer="ann").entries[0].verdict == "rejected"
        verdict(store, "confirmed", SECOND, by="bob")
        (disputed,) = store.queue(QueueFilters(needs=("settle",)), viewer="bob").entries
        assert (disputed.subject, disputed.answers) == (SECOND, 2)
        with pytest.raises(BadReview, match="is not disputed"):
            verdict(store, "confirmed", FIRST, by="lea", settles=True)
        verdict(store, "confirmed", SECOND, by="lea", settles=True)
        assert store.change(SECOND).entry.second == "settled"
        assert store.change(SECOND).entry.verdict == "confirmed"
        assert [event.act for event in store.events()].count("assign_second") == 1

    def test_the_rule_is_kept_with_the_records(self, reviewed: Path, opened: Open) -> None:
        first = opened(reviewed)
        assert first.second_rule() is None
        verdict(first, subject=SECOND)
        rule = SecondRule(score_band=(0.8, 1.0), zones=("apron-1",), labels=("ship",))
        first.give_rule(rule, given_by="lea")
        first.give_rule(rule, given_by="bob")  # the same: nothing new
        later = opened(reviewed)
        found = later.second_rule()
        assert found is not None
        assert (found.rule, found.given_by, found.rule.words) == (
            rule, "lea", "scores 0.8 to 1; zone apron-1; label ship",
        )  # fmt: skip
        verdict(later, subject=FIRST)
        assert later.state(FIRST).second_rule == "score 0.8 to 1"
        later.give_rule(SecondRule(), given_by="lea")
        verdict(first, subject=SECOND, by="eve")  # a desk that was open before follows
        assert later.state(SECOND).second_rule is None
        assert rebuild(reviewed).lost is None
        kept = opened(reviewed).second_rule()
        assert kept is not None
        assert (kept.rule, kept.rule.words) == (SecondRule(), "no change")

    def test_rules(self, reviewed: Path, opened: Open) -> None:
        first = opened(reviewed).change(FIRST).entry
        assert SecondRule().wants(first) is None
        assert SecondRule(share=1).wants(first) == "a random 100%"
        assert SecondRule(labels=("aircraft",)).wants(first) == "label aircraft"
        assert SecondRule(zones=("apron",)).wants(replace(first, zone="apron")) == "zone apron"
        with pytest.raises(BadReview, match="share of second reviews"):
            SecondRule(share=2)
        with pytest.raises(BadReview, match="two rising scores"):
            SecondRule(score_band=(0.7, 0.5))
