"""The journal of findings: what state each change of a site is in, since when and why. Nothing is ever deleted.

Each event carries the hash of the event before it, so that an event that was altered, removed or slipped in shows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from catalog.layout import digest, utc_text
from catalog.tables import finding_events, findings
from models.finding_state import DECISIVE, NOTES

if TYPE_CHECKING:
    from catalog.judging import Judged

_BEGINNING = "0" * 64
_COVERED = ("finding", "state", "reason", "note", "run", "scenes", "decided_time", "successor", "rule", "at")
"""Fields that an event's hash covers, with the hash of the event before."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The present state of a finding.

    Parameters
    ----------
    state, reason : str
    decided_time : str or None
        Acquisition that decided, RFC 3339; None while nothing has.
    successor : str or None
    """

    state: str
    reason: str
    decided_time: str | None
    successor: str | None

    @property
    def decided(self) -> bool:
        """Whether a later date has had its say."""
        return self.reason in DECISIVE


def standing(connection: Connection, site: str) -> dict[str, Standing]:
    """Present state of every finding of a site, by id."""
    return {
        row["id"]: Standing(**{name: row[name] for name in Standing.__dataclass_fields__})
        for row in current(connection, [site])
    }


def current(connection: Connection, sites: Sequence[str] | None = None) -> list[RowMapping]:
    """Findings with their last event, the latest date first, then the best score."""
    last = (
        select(finding_events.c.finding, func.max(finding_events.c.seq).label("seq"))
        .group_by(finding_events.c.finding)
        .subquery()
    )
    event = finding_events
    query = (
        select(
            findings, event.c.state, event.c.reason, event.c.note, event.c.run.label("decided_by"),
            event.c.scenes, event.c.decided_time, event.c.successor, event.c.at.label("since"),
        )
        .join_from(findings, last, last.c.finding == findings.c.id)
        .join(event, event.c.seq == last.c.seq)
        .order_by(findings.c.after_time.desc(), findings.c.score.desc(), findings.c.id)
    )  # fmt: skip
    if sites is not None:
        query = query.where(findings.c.site.in_(sites))
    return list(connection.execute(query).mappings())


def record(connection: Connection, judged: Iterable["Judged"], *, rule: str) -> int:
    """Append what is new: findings, and events where a state is another than the last one recorded.

    A finding that a later date has decided is never undecided again because that date can no longer be seen.

    Returns
    -------
    int
        Events appended.
    """
    known: dict[str, dict[str, Standing]] = {}
    added = 0
    for one in judged:
        site = str((one.run.report.site or {})["id"])
        if site not in known:
            known[site] = standing(connection, site)
        states = known[site]
        before = states.get(one.change.id)
        if before is None:
            connection.execute(insert(findings).values(_facts(one, site)))
            if one.reason != "no_later_date":
                added += _append(connection, _first(one, rule))
        if _is_news(one, before):
            added += _append(connection, _event(one, rule))
            states[one.change.id] = Standing(
                state=one.state, reason=one.reason, decided_time=one.decided_time, successor=one.successor
            )
    return added


def _is_news(one: "Judged", before: Standing | None) -> bool:
    if before is None:
        return True
    if before.decided and one.reason not in DECISIVE:
        return False
    return (one.state, one.reason, one.successor) != (before.state, before.reason, before.successor)


def _facts(one: "Judged", site: str) -> dict[str, Any]:
    change, run = one.change, one.run
    return {
        "id": change.id, "site": site, "run": run.name, "sensor": run.report.sensor,
        "gsd_m": round(run.report.gsd_m, 4), "kind": change.kind, "label": change.label,
        "score": round(change.score, 6), "zone": change.zone, "length_m": round(change.place.length_m, 1),
        "before_scene": run.before["id"], "before_time": run.before_time, "after_scene": run.after["id"],
        "after_time": run.after_time, "simulated": run.report.simulated, "recorded": _now(),
    }  # fmt: skip


def _first(one: "Judged", rule: str) -> dict[str, Any]:
    """How every finding begins, also one whose fate is known by the time it is recorded."""
    return {
        "finding": one.change.id, "state": "provisional", "reason": "no_later_date",
        "note": NOTES["no_later_date"], "run": one.run.name, "scenes": [one.run.before["id"], one.run.after["id"]],
        "decided_time": None, "successor": None, "rule": rule, "at": _now(),
    }  # fmt: skip


def _event(one: "Judged", rule: str) -> dict[str, Any]:
    return {
        "finding": one.change.id, "state": one.state, "reason": one.reason, "note": NOTES[one.reason],
        "run": one.by, "scenes": list(one.scenes), "decided_time": one.decided_time, "successor": one.successor,
        "rule": rule, "at": _now(),
    }  # fmt: skip


def _append(connection: Connection, event: dict[str, Any]) -> int:
    query = select(finding_events.c.hash).order_by(finding_events.c.seq.desc()).limit(1)
    previous = connection.execute(query).scalar() or _BEGINNING
    connection.execute(
        insert(finding_events).values(
            **event, previous=previous, hash=digest({**event, "previous": previous})
        )
    )
    return 1


def chain_fault(connection: Connection) -> str | None:
    """What is wrong with the journal's chain of hashes; None where every event is as it was written."""
    previous = _BEGINNING
    events = connection.execute(select(finding_events).order_by(finding_events.c.seq)).mappings()
    for event in events:
        stated = _digest_of(event, previous)
        if event["previous"] != previous or event["hash"] != stated:
            return f"event {event['seq']}, on finding {event['finding']}, is not as it was written"
        previous = event["hash"]
    return None


def _digest_of(event: Mapping[Any, Any], previous: str) -> str:
    return digest({**{name: event[name] for name in _COVERED}, "previous": previous})


def _now() -> str:
    return utc_text(datetime.now(UTC))
