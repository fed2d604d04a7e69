"""Taking an answer in: what it is about, whether it may be given now, and what follows from it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, select

from catalog import journal
from catalog.errors import BadReview
from catalog.journal import Head, ReviewDraft, ReviewEvent
from catalog.queue import entries
from catalog.reader import load_run
from catalog.review_acts import MISSED, is_tile, tile_of
from catalog.review_index import add_missed, add_tile
from catalog.review_outline import on_grid
from catalog.review_rows import UNSEEN, missed_row, tile_row
from catalog.review_standing import stand, state_of
from catalog.review_tables import review_items, review_runs
from catalog.second_review import RULE_REVIEWER, SecondRule

_ITEM = select(review_items).where(review_items.c.subject == bindparam("subject_"))
_ITEMS = select(review_items).where(review_items.c.subject.in_(bindparam("subjects_", expanding=True)))
_AT_ONCE = 500


def take_in(
    connection: Connection, root: Path, drafts: Sequence[ReviewDraft], *, second: SecondRule | None = None
) -> tuple[list[ReviewEvent | BadReview], set[str]]:
    """Add answers to the journal, one after the other, and bring the index up to date.

    Parameters
    ----------
    connection : Connection
        Of `catalog.database.writing`.
    root : Path
    drafts : sequence of ReviewDraft
    second : SecondRule, optional
        Which changes want a second reviewer once they have a first verdict.

    Returns
    -------
    found : list of ReviewEvent or BadReview
        For each draft the event that holds it, or why it cannot be taken in: it is about nothing that is there, or may
        not be given now. An answer that is refused leaves nothing behind.
    turned : set of str
        Changes to give to `catalog.review_standing.mark_around`, for which nobody who answers has to wait.
    """
    second = second if second is not None and second.wants_any else None
    last: Head | ReviewEvent = journal.head(connection)
    found: list[ReviewEvent | BadReview] = []
    known = journal.with_keys(connection, [draft.key for draft in drafts])
    items = _items(connection, [draft.subject for draft in drafts if draft.subject is not None])
    for draft in drafts:
        try:
            if draft.key in known:
                found.append(journal.agreed(known[draft.key], draft))
                continue
            placed, item = _placed(connection, root, draft, items)
            event = journal.add(connection, placed, site=item["site"], run=item["run"], last=last)
        except BadReview as problem:
            found.append(problem)
            continue
        found.append(event)
        known[event.key] = event
        if event.act == "missed":
            add_missed(connection, root, event.subject, str(event.run), event.body)
        last = (_assign(connection, event, second) if second and event.act == "verdict" else None) or event
    return found, stand(connection, [event.subject for event in found if isinstance(event, ReviewEvent)])


def missed_subject(key: str) -> str:
    """What a change is called that a person added: the same when the answer is sent again."""
    return MISSED + hashlib.sha256(f"missed|{key}".encode()).hexdigest()[:12]


def _placed(
    connection: Connection, root: Path, draft: ReviewDraft, items: Mapping[str, RowMapping]
) -> tuple[ReviewDraft, RowMapping | dict[str, Any]]:
    """The draft with its subject, and what is known of that (at least site and run)."""
    if draft.act == "missed":
        run = _run(connection, str(draft.run))
        missed_row(root, run, "", draft.body)  # refuses what does not lie on the run's tiles
        placed = replace(draft, subject=missed_subject(draft.key))
        return placed, {"site": run["site"], "run": run["name"]}
    if draft.act == "undo":
        target = journal.with_seq(connection, draft.body["event"])
        journal.check_undo(
            target, draft, journal.events(connection, subject=target.subject) if target else []
        )
        if target is None:  # check_undo refuses it
            raise BadReview(f"event {draft.body['event']} is not in the journal")
        return journal.resolved(draft, target), {"site": target.site, "run": target.run}
    subject = str(draft.subject)
    item: RowMapping | dict[str, Any] | None = items.get(subject) or _item(connection, subject)
    if item is None and is_tile(subject):
        item = _unasked(connection, root, subject, draft)
    if item is None:
        raise BadReview(f"{subject}: no change of this id is known; look at the queue anew", conflict=True)
    _check(connection, draft, item)
    return draft, item


def _check(connection: Connection, draft: ReviewDraft, item: RowMapping | dict[str, Any]) -> None:
    """Whether an answer fits what it is about, and its time."""
    if draft.act == "verdict" and item["what"] == "unseen":
        raise BadReview(f"{draft.subject} could not be assessed: there is nothing to give a verdict on")
    if draft.act == "outline":
        on_grid(draft.body, _run(connection, str(item["run"]))["grid"])
    if draft.act == "verdict" and draft.body.get("settles"):
        state = state_of(connection, str(draft.subject))
        if state.second not in ("disputed", "settled"):
            raise BadReview(
                f"{draft.subject} is not disputed: give the verdict without settles", conflict=True
            )


def _unasked(
    connection: Connection, root: Path, subject: str, draft: ReviewDraft
) -> RowMapping | dict[str, Any] | None:
    """A tile that nobody was asked about; one that becomes part of the index where it gets a verdict."""
    name, tile = tile_of(subject)
    stored = _run(connection, name)
    run = load_run(root / str(stored["name"]))
    outcome = next((outcome for outcome in run.report.outcomes if outcome.tile == tile), None)
    if outcome is None:
        raise BadReview(f"{subject}: run {name} has no tile {tile}")
    if draft.act == "verdict":
        if outcome.outcome in UNSEEN:
            raise BadReview(f"{subject} could not be assessed: there is nothing to give a verdict on")
        if outcome.outcome != "unchanged":
            raise BadReview(f"{subject} has changes: give a verdict on each of them")
        add_tile(connection, tile_row(run, name, outcome))
        return _item(connection, subject)
    return {"site": stored["site"], "run": stored["name"], "what": "tile"}


def _assign(connection: Connection, event: ReviewEvent, second: SecondRule) -> ReviewEvent | None:
    """Ask for a second reviewer by rule, once."""
    found = entries(connection, review_items.c.subject == event.subject)
    rule = second.wants(found[0]) if found else None
    if rule is None or state_of(connection, event.subject).second_rule is not None:
        return None
    draft = ReviewDraft(
        key=f"second-of-{event.subject}", reviewer=RULE_REVIEWER, act="assign_second", subject=event.subject,
        body={"rule": rule},
    )  # fmt: skip
    if journal.with_key(connection, draft.key) is not None:
        return None
    return journal.add(connection, draft, site=event.site, run=event.run, last=event)


def _items(connection: Connection, subjects: Sequence[str]) -> dict[str, RowMapping]:
    """Rows of the index, as far as it has them."""
    found: dict[str, RowMapping] = {}
    for start in range(0, len(subjects), _AT_ONCE):
        part = {"subjects_": subjects[start : start + _AT_ONCE]}
        found |= {row["subject"]: row for row in connection.execute(_ITEMS, part).mappings()}
    return found


def _item(connection: Connection, subject: str) -> RowMapping | None:
    return connection.execute(_ITEM, {"subject_": subject}).mappings().first()


def _run(connection: Connection, name: str) -> RowMapping:
    found = connection.execute(select(review_runs).where(review_runs.c.name == name)).mappings().first()
    if found is None:
        raise BadReview(f"{name}: no run of this name is known; look at the queue anew", conflict=True)
    return found
