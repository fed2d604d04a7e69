"""Keeping the index in step: after each answer, and after the rule has judged anew."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shapely.geometry import shape
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from catalog import suppression
from catalog.journal import ReviewEvent
from catalog.review_tables import (
    review_answers,
    review_events,
    review_items,
    review_outlines,
    review_runs,
    review_suppressions,
)
from catalog.review_worth import worth
from catalog.standings import Automatic, ReviewState, fold
from catalog.tables import finding_events

_AT_ONCE = 500
_LATELY = 200
_LAST_CHANGE = select(func.max(review_items.c.changed))
_EVENTS_OF = (
    select(review_events)
    .where(review_events.c.subject == bindparam("subject_"))
    .order_by(review_events.c.seq)
)
_RULE_OF = (
    select(finding_events.c.state, finding_events.c.reason)
    .where(finding_events.c.finding == bindparam("subject_"))
    .order_by(finding_events.c.seq.desc())
    .limit(1)
)


def refresh(connection: Connection, subjects: Iterable[str]) -> None:
    """Bring everything that the index says of subjects, and of what comes up again at their places, up to date with
    the journal and the rule.
    """
    mark_around(connection, stand(connection, subjects))


def stand(connection: Connection, subjects: Iterable[str]) -> set[str]:
    """Bring what the index says of subjects up to date; those whose places are suppressed from now on, or not any
    more: `mark_around` them after.
    """
    wanted = list(dict.fromkeys(subjects))
    tiles: set[tuple[str, str]] = set()
    turned: set[str] = set()
    for part in _parts(wanted):
        touched, others = _refresh(connection, part)
        tiles |= touched
        turned |= others
    weigh_tiles(connection, tiles)
    return turned


def mark_around(connection: Connection, subjects: Iterable[str]) -> None:
    """Look anew at everything that lies where some changes lie: whether it is suppressed."""
    near: set[str] = set()
    for part in _parts(sorted(subjects)):
        outlines = _outlines(connection, part)
        rows = (
            connection.execute(select(review_items).where(review_items.c.subject.in_(part))).mappings().all()
        )
        for row in rows:
            if row["subject"] in outlines and row["lon"] is not None:
                near |= _near(connection, row, outlines[row["subject"]])
    touched: set[tuple[str, str]] = set()
    for part in _parts(sorted(near)):
        touched |= _mark(connection, part)
    weigh_tiles(connection, touched)


def mark_lately(connection: Connection) -> None:
    """The same for the last rejections, should a killed process not have come to it."""
    latest = select(review_suppressions.c.subject).order_by(review_suppressions.c.seq.desc()).limit(_LATELY)
    mark_around(connection, list(connection.execute(latest).scalars()))


def refresh_site(connection: Connection, site: str) -> None:
    """The same for all changes of a site whose judgement by the rule is another than the index has."""
    latest = _latest(connection, None)
    rows = connection.execute(
        select(review_items.c.subject, review_items.c.rule_state, review_items.c.rule_reason).where(
            review_items.c.site == site, review_items.c.what == "change"
        )
    ).all()
    refresh(
        connection,
        (
            row.subject
            for row in rows
            if row.subject in latest and latest[row.subject][:2] != (row.rule_state, row.rule_reason)
        ),
    )


def state_of(connection: Connection, subject: str) -> ReviewState:
    """Where a subject stands, folded from its events."""
    rows = connection.execute(_EVENTS_OF, {"subject_": subject})
    rule = connection.execute(_RULE_OF, {"subject_": subject}).first()
    automatic = Automatic(state=rule.state, reason=rule.reason) if rule else None
    return fold(subject, [ReviewEvent(**row._asdict()) for row in rows], automatic=automatic)


def _refresh(connection: Connection, subjects: Sequence[str]) -> tuple[set[tuple[str, str]], set[str]]:
    """Tiles whose worth may be another now, and changes whose places are suppressed now, or not any more."""
    items = {
        row["subject"]: dict(row)
        for row in connection.execute(
            select(review_items, review_runs.c.min_score)
            .join_from(review_items, review_runs, review_runs.c.name == review_items.c.run, isouter=True)
            .where(review_items.c.subject.in_(subjects))
        ).mappings()
    }
    outlines = _outlines(connection, subjects)
    events, latest = _events(connection, subjects), _latest(connection, subjects)
    states = {}
    for subject in items:
        rule = latest.get(subject)
        automatic = Automatic(state=rule[0], reason=rule[1]) if rule else None
        states[subject] = fold(subject, events[subject], automatic=automatic)
    turned = suppression.keep(
        connection,
        [
            (states[subject], item, outlines.get(subject))
            for subject, item in items.items()
            if item["what"] == "change"
        ],
    )
    _write_answers(connection, list(states.values()))
    marking = suppression.sites_with_any(connection)
    rows = []
    for subject, item in items.items():
        unmarked = states[subject].verdict is not None or item["site"] not in marking
        found = None if unmarked else _mark_of(connection, item, outlines.get(subject))
        rows.append(_row(item, states[subject], found, latest.get(subject)))
    _write(connection, rows)
    touched = {
        (items[row["item"]]["run"], items[row["item"]]["tile"])
        for row in rows
        if row["worth"] != items[row["item"]]["worth"]
    }
    return touched, turned


def _row(
    item: Mapping[str, Any],
    state: ReviewState,
    found: suppression.Suppression | None,
    rule: tuple[str, str, str | None] | None,
) -> dict[str, Any]:
    return {
        "item": state.subject, "state": state.state, "verdict": state.verdict, "verdict_reason": state.reason,
        "needs": "none" if item["what"] == "unseen" else state.needs, "second": state.second,
        "given_label": state.label, "answers": len(state.answers), "last_seq": state.version,
        "reviewers": [answer.reviewer for answer in state.answers],
        "rule_state": rule[0] if rule else None, "rule_reason": rule[1] if rule else None,
        "successor": rule[2] if rule else None, **_marked(item, found, rule),
    }  # fmt: skip


def _marked(
    item: Mapping[str, Any], found: suppression.Suppression | None, rule: Sequence[str | None] | None
) -> dict[str, Any]:
    worth_now = worth(
        after_time=item["after_time"], score=item["score"], threshold=item["min_score"], watched=item["watched"],
        rule_state=rule[0] if rule else None, rule_reason=rule[1] if rule else None, suppressed=found is not None,
    )  # fmt: skip
    return {
        "suppressed": found is not None, "suppressed_by": found.subject if found else None,
        "suppressed_until": found.until if found else None, "worth": worth_now,
    }  # fmt: skip


def _mark_of(
    connection: Connection, item: Mapping[str, Any], outline: Mapping[str, Any] | None
) -> suppression.Suppression | None:
    if item["what"] != "change" or item["added"] or item["lon"] is None or not outline:
        return None
    return suppression.suppressed(
        connection, site=item["site"], sensor=item["sensor"], place=outline, day=item["after_time"],
        gsd_m=item["gsd_m"], but=item["subject"],
    )  # fmt: skip


def _near(connection: Connection, item: Mapping[Any, Any], outline: Mapping[str, Any]) -> set[str]:
    """Changes whose place may be that of `item`."""
    east, north, reach = suppression.around(shape(dict(outline)), item["gsd_m"])
    column = review_items.c
    query = select(column.subject).where(
        column.site.is_(None) if item["site"] is None else column.site == item["site"],
        column.lon.between(east - reach, east + reach),
        column.lat.between(north - reach, north + reach),
        column.what == "change",
        column.subject != item["subject"],
    )
    return set(connection.execute(query).scalars())


def _mark(connection: Connection, subjects: Sequence[str]) -> set[tuple[str, str]]:
    """Tiles of those changes for which it is another answer."""
    touched = set()
    outlines = _outlines(connection, subjects)
    rows = connection.execute(
        select(review_items, review_runs.c.min_score)
        .join_from(review_items, review_runs, review_runs.c.name == review_items.c.run, isouter=True)
        .where(review_items.c.subject.in_(subjects), review_items.c.verdict.is_(None))
    ).mappings()
    changed = []
    for row in rows.all():
        item = dict(row)
        found = _mark_of(connection, item, outlines.get(item["subject"]))
        new = _marked(item, found, (item["rule_state"], item["rule_reason"]))
        if any(item[name] != value for name, value in new.items()):
            changed.append({"item": item["subject"], **new})
            touched.add((item["run"], item["tile"]))
    _write(connection, changed)
    return touched


def weigh_tiles(connection: Connection, tiles: Iterable[tuple[str, str]]) -> None:
    """A tile is worth as much as the best of its listed changes."""
    column = review_items.c
    best = (
        select(func.coalesce(func.max(column.worth), 0.0))
        .where(
            column.run == bindparam("of_run"), column.tile == bindparam("of_tile"), column.listed.is_(True)
        )
        .scalar_subquery()
    )
    number = next_change(connection)
    rows = [{"of_run": run, "of_tile": tile, "number": number} for run, tile in sorted(tiles)]
    if rows:
        connection.execute(
            update(review_items)
            .where(column.run == bindparam("of_run"), column.tile == bindparam("of_tile"))
            .values(tile_worth=best, changed=bindparam("number")),
            rows,
        )


def next_change(connection: Connection) -> int:
    """Number for the rows that are written now."""
    return int(connection.execute(_LAST_CHANGE).scalar() or 0) + 1


def _write(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        number = next_change(connection)
        names = [name for name in rows[0] if name != "item"]
        connection.execute(
            update(review_items)
            .where(review_items.c.subject == bindparam("item"))
            .values({name: bindparam(name) for name in (*names, "changed")}),
            [row | {"changed": number} for row in rows],
        )


def _write_answers(connection: Connection, states: Sequence[ReviewState]) -> None:
    if not states:
        return
    subjects = [state.subject for state in states]
    connection.execute(delete(review_answers).where(review_answers.c.subject.in_(subjects)))
    rows = [
        {
            "subject": state.subject, "reviewer": answer.reviewer, "verdict": answer.verdict, "reason": answer.reason,
            "seq": answer.seq, "at": answer.at,
        }
        for state in states
        for answer in state.answers
    ]  # fmt: skip
    if rows:
        connection.execute(insert(review_answers), rows)


def _outlines(connection: Connection, subjects: Sequence[str]) -> dict[str, Any]:
    query = select(review_outlines).where(review_outlines.c.subject.in_(subjects))
    return {row.subject: row.outline for row in connection.execute(query)}


def _events(connection: Connection, subjects: Sequence[str]) -> dict[str, list[ReviewEvent]]:
    found: dict[str, list[ReviewEvent]] = defaultdict(list)
    query = select(review_events).where(review_events.c.subject.in_(subjects)).order_by(review_events.c.seq)
    for row in connection.execute(query):
        found[row.subject].append(ReviewEvent(**row._asdict()))
    return found


def _latest(connection: Connection, subjects: Sequence[str] | None) -> dict[str, tuple[Any, str, str | None]]:
    """State, reason and successor by the rule; only of some findings where they are given."""
    event = finding_events.c
    last = select(func.max(event.seq)).group_by(event.finding)
    if subjects is not None:
        last = last.where(event.finding.in_(subjects))
    query = select(event.finding, event.state, event.reason, event.successor).where(event.seq.in_(last))
    return {row.finding: (row.state, row.reason, row.successor) for row in connection.execute(query)}


def _parts(subjects: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(subjects), _AT_ONCE):
        yield list(subjects[start : start + _AT_ONCE])
