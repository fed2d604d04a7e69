"""What the journal amounts to: the review state of a subject, folded from its events.

**States.** What later dates say (docs/findings.md) and what a person says come together as *provisional*, *confirmed*
or *withdrawn*; a person's verdict outranks the rule. *unsure*, and verdicts that contradict each other, leave it to
the rule.

**Several reviewers.** Each stands by the last verdict that they gave and did not take back. Where all say the same,
that is the verdict. Where they differ it is disputed, until they agree or somebody who was asked to settles it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from catalog.journal import ReviewEvent, in_force
from catalog.review_acts import MISSED
from models.finding_state import State

Second = Literal["none", "needed", "waiting", "agreed", "disputed", "settled"]
"""*needed*: two reviewers are wanted and none has answered; *waiting*: one has."""

Needs = Literal["first", "second", "settle", "none"]
"""What a subject waits for: a first verdict, a second one, or somebody who settles a dispute."""

BY_PERSON = "person"
"""Reason of a state that a person's verdict decided."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The verdict that a reviewer stands by.

    Parameters
    ----------
    reviewer, verdict : str
    reason : str or None
        Why rejected.
    settles : bool
    seq : int
    at : str
    """

    reviewer: str
    verdict: str
    reason: str | None
    settles: bool
    seq: int
    at: str


@dataclass(frozen=True, kw_only=True)
class Note:
    """A remark."""

    reviewer: str
    text: str
    seq: int
    at: str


@dataclass(frozen=True, kw_only=True)
class Automatic:
    """What the rule says of a change, by later dates; see `models.finding_state`."""

    state: State = "provisional"
    reason: str = "no_later_date"


@dataclass(frozen=True, kw_only=True)
class ReviewState:
    """Where a subject stands.

    Parameters
    ----------
    subject : str
    state : {"provisional", "confirmed", "withdrawn"}
        Of person and rule together.
    state_reason : str
        ``person``, or the rule's.
    automatic : Automatic
        The rule alone.
    verdict : str or None
        The verdict of all reviewers; None while there is none or they differ.
    reason : str or None
        Why rejected: the last of those given.
    answers : tuple of Answer
        One for each reviewer, in order of time.
    second : Second
    second_rule : str or None
        Why a second reviewer is wanted.
    needs : Needs
    label : str or None
        The label that a person gave, None where nobody changed it.
    outline : mapping or None
        The outline that a person drew (`geometry` or `outline_px`).
    added : mapping or None
        What a person added: kind, label and outline of a change that the run had missed; None where that was taken
        back.
    suppressed : mapping or None
        `until` and `reason` of an explicit suppression.
    unsuppressed : bool
        Whether a person said last that recurrences here are not to be marked.
    notes : tuple of Note
    version : int
        Number of the last event about it: grows with each. 0 where there is none.
    """

    subject: str
    state: State
    state_reason: str
    automatic: Automatic
    verdict: str | None
    reason: str | None
    answers: tuple[Answer, ...]
    second: Second
    second_rule: str | None
    needs: Needs
    label: str | None
    outline: Mapping[str, Any] | None
    added: Mapping[str, Any] | None
    suppressed: Mapping[str, Any] | None
    unsuppressed: bool
    notes: tuple[Note, ...]
    version: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        nested = {
            "automatic": dict(self.automatic.__dict__),
            "answers": [dict(answer.__dict__) for answer in self.answers],
            "notes": [dict(note.__dict__) for note in self.notes],
        }
        return {**self.__dict__, **nested}

    def seen_by(self, reviewer: str) -> "ReviewState":
        """The state as a second reviewer may see it: nothing of what others said, while their own answer is
        wanted.
        """
        if self.second not in ("needed", "waiting") or reviewer in {a.reviewer for a in self.answers}:
            return self
        return replace(
            self, state=self.automatic.state, state_reason=self.automatic.reason, verdict=None, reason=None,
            answers=(), label=None, outline=None, suppressed=None, unsuppressed=False, notes=(),
        )  # fmt: skip


def fold(
    subject: str,
    events: Sequence[ReviewEvent],
    *,
    automatic: Automatic | None = None,
) -> ReviewState:
    """The state of a subject; a pure function of its events.

    Parameters
    ----------
    subject : str
    events : sequence of ReviewEvent
        All of this subject, in order.
    automatic : Automatic, optional
        What the rule says.
    """
    automatic = automatic or Automatic()
    standing = in_force(events)
    answers = _answers(standing)
    rule = _last(standing, "assign_second", "rule")
    verdict, reason = _agreed(answers)
    second = _second(answers, wanted=rule is not None)
    added = _last(standing, "missed")
    state, state_reason = _combined(subject, verdict, automatic, added)
    suppression = next((e for e in reversed(standing) if e.act in ("suppress", "unsuppress")), None)
    return ReviewState(
        subject=subject, state=state, state_reason=state_reason, automatic=automatic, verdict=verdict, reason=reason,
        answers=answers, second=second, second_rule=rule, needs=_needs(subject, answers, second, added),
        label=_last(standing, "relabel", "label"), outline=_last(standing, "outline"), added=added,
        suppressed=suppression.body if suppression and suppression.act == "suppress" else None,
        unsuppressed=suppression is not None and suppression.act == "unsuppress",
        notes=tuple(
            Note(reviewer=e.reviewer, text=str(e.body["text"]), seq=e.seq, at=e.at) for e in standing if e.act ==
            "note"
        ),
        version=max((event.seq for event in events), default=0),
    )  # fmt: skip


def _answers(standing: Sequence[ReviewEvent]) -> tuple[Answer, ...]:
    """The last verdict of each reviewer. Who adds a change says by that that it is one."""
    found: dict[str, Answer] = {}
    for event in standing:
        if event.act in ("verdict", "missed"):
            found.pop(event.reviewer, None)
            found[event.reviewer] = Answer(
                reviewer=event.reviewer, verdict=str(event.body.get("verdict", "confirmed")),
                reason=event.body.get("reason"), settles=bool(event.body.get("settles")), seq=event.seq, at=event.at,
            )  # fmt: skip
    return tuple(found.values())


def _agreed(answers: Sequence[Answer]) -> tuple[str | None, str | None]:
    """The one verdict, and why rejected."""
    settling = [answer for answer in answers if answer.settles]
    counted = settling[-1:] or list(answers)
    verdicts = {answer.verdict for answer in counted}
    if len(verdicts) != 1:
        return None, None
    reasons = [answer.reason for answer in counted if answer.reason is not None]
    return verdicts.pop(), reasons[-1] if reasons else None


def _second(answers: Sequence[Answer], *, wanted: bool) -> Second:
    if len(answers) >= 2:
        if len({answer.verdict for answer in answers}) == 1:
            return "agreed"
        return "settled" if any(answer.settles for answer in answers) else "disputed"
    if not wanted:
        return "none"
    return "waiting" if answers else "needed"


def _needs(subject: str, answers: Sequence[Answer], second: Second, added: Mapping[str, Any] | None) -> Needs:
    if subject.startswith(MISSED) and added is None:
        return "none"
    if second == "disputed":
        return "settle"
    if not answers:
        return "first"
    return "second" if second == "waiting" else "none"


def _combined(
    subject: str, verdict: str | None, automatic: Automatic, added: Mapping[str, Any] | None
) -> tuple[State, str]:
    if subject.startswith(MISSED) and added is None:
        return "withdrawn", BY_PERSON
    if verdict == "confirmed":
        return "confirmed", BY_PERSON
    if verdict == "rejected":
        return "withdrawn", BY_PERSON
    return automatic.state, automatic.reason


def _last(standing: Sequence[ReviewEvent], act: str, name: str | None = None) -> Any:
    """Body, or a field of it, of the last event of a kind."""
    for event in reversed(standing):
        if event.act == act:
            return event.body if name is None else event.body[name]
    return None
