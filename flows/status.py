"""How the watch stands, from the database alone: what is newest, what was tried, what failed, what was found."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from catalog.attempts import GOOD, history, is_running
from catalog.database import check, reading
from catalog.findings import chain_fault, current
from catalog.recorded_runs import present_runs, unrecorded
from catalog.tables import finding_events, scenes
from flows.errors import UnknownSite
from flows.serve_state import poll_documents
from models.finding_state import STATES

FORMAT = "sitewatch-status/1"
NEWEST = 5
"""Findings listed for each site."""

_POLL = ("source", "checked", "outcome", "message", "newest", "failing_since")
_POLL_TROUBLE = ("source down", "refused", "failed")
_GSD_RATIO = 1.3  # as in imagery.select, which would load much that nothing here needs


def status_document(root: Path, sites: Sequence[str] = (), *, now: datetime | None = None) -> dict[str, Any]:
    """What ``sitewatch status --json`` prints.

    Parameters
    ----------
    root : Path
        The outputs folder.
    sites : sequence of str
        Only these; all that were ever watched where empty.
    now : datetime, optional
        Aware UTC; ages are counted to it.

    Raises
    ------
    BadDatabase
        ``sitewatch.db`` is there and cannot be read.
    UnknownSite
        A site was asked for that was never watched.
    """
    now = now or datetime.now(UTC)
    polls = poll_documents(root)
    polled = {str(poll["site"]) for poll in polls}
    with reading(root) as connection:
        left = unrecorded(root, connection)
        journal = None
        tables = None
        if connection is not None:
            check(connection)
            tables = _Tables(connection)
            journal = {"events": tables.events, "fault": chain_fault(connection)}
        known = sorted(polled.union(tables.sites if tables else ()))
        wanted = list(sites) or known
        _refuse_unknown(wanted, known, root)
        found = [
            _site(root, name, tables, [poll for poll in polls if poll["site"] == name], now)
            for name in wanted
        ]
        return _document(root, now, found, journal, left)


class _Tables:
    """Everything that is read, at one moment."""

    def __init__(self, connection: Connection) -> None:
        self.attempts = history(connection)
        self.runs = present_runs(connection)
        self.scenes = list(connection.execute(select(scenes)).mappings())
        self.findings = current(connection)
        self.events = len(connection.execute(select(finding_events.c.seq)).all())

    @property
    def sites(self) -> list[str]:
        """Every site that was ever tried."""
        return sorted({*(row["site"] for row in self.attempts), *(row["site"] for row in self.runs)})


def _refuse_unknown(wanted: Iterable[str], known: Sequence[str], root: Path) -> None:
    for name in wanted:
        if name not in known:
            there = f"; there are {', '.join(known)}" if known else ""
            raise UnknownSite(f"{name}: was never watched with results in {root}{there}")


def _document(
    root: Path,
    now: datetime,
    sites: Sequence[dict[str, Any]],
    journal: dict[str, Any] | None,
    left: Sequence[str],
) -> dict[str, Any]:
    return {
        "format": FORMAT, "time": _text(now), "out": str(root), "sites": list(sites), "journal": journal,
        "unrecorded_runs": list(left),
    }  # fmt: skip


def _site(
    root: Path, name: str, tables: _Tables | None, polls: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, Any]:
    tried = [row for row in tables.attempts if row["site"] == name] if tables else []
    runs = [row for row in tables.runs if row["site"] == name] if tables else []
    offered = [row for row in tables.scenes if row["site"] == name] if tables else []
    sources = [
        _source(root, source, [row for row in tried if row["source"] == source], now)
        for source in dict.fromkeys(row["source"] for row in reversed(tried))
    ]
    return {
        "site": name,
        "simulated": bool(runs) and all(row["simulated"] for row in runs),
        "health": _health(sources, polls),
        "sensors": _sensors(runs, offered, now),
        "sources": sources,
        "polls": [{field: poll.get(field) for field in _POLL} for poll in polls],
        "findings": _findings([row for row in tables.findings if row["site"] == name] if tables else []),
        "next_run": None,
    }


def _health(sources: Sequence[Mapping[str, Any]], polls: Sequence[Mapping[str, Any]]) -> str:
    """The worst of what the sources were last like, to a run or to a poll."""
    last = {source["last"]["result"] for source in sources}
    # What became of the runs that polls start is among the sources already.
    last |= {poll["outcome"].replace(" ", "_") for poll in polls if poll["outcome"] in _POLL_TROUBLE}
    for result in (
        "source_down",
        "refused",
        "failed",
        "interrupted",
        "degraded",
        "no_pair",
        "running",
        "done",
    ):
        if result in last:
            return result
    return "never_tried"


def _sensors(
    runs: Sequence[RowMapping], offered: Sequence[RowMapping], now: datetime
) -> list[dict[str, Any]]:
    """Newest image offered and newest image compared, for each kind of image."""
    kinds: list[tuple[str, float]] = []
    for row in sorted((*runs, *offered), key=lambda row: (str(row["sensor"]), float(row["gsd_m"]))):
        if not any(_alike(row, kind) for kind in kinds):
            kinds.append((str(row["sensor"]), float(row["gsd_m"])))
    found = []
    for kind in kinds:
        seen = [(row["acquired"], row["id"]) for row in offered if _alike(row, kind)]
        compared = [(row["after_time"], row["after_scene"]) for row in runs if _alike(row, kind)]
        assessed = [row for row in runs if _alike(row, kind) and row["status"] != "not_assessable"]
        found.append(
            {
                "sensor": kind[0], "gsd_m": kind[1],
                "newest": _dated(max((*seen, *compared), default=None), now),
                "compared": _dated(max(((r["after_time"], r["after_scene"]) for r in assessed), default=None), now),
                "tiles_unseen": _unseen(assessed),
            }
        )  # fmt: skip
    return found


def _alike(row: Mapping[Any, Any], kind: tuple[str, float]) -> bool:
    return row["sensor"] == kind[0] and kind[1] <= float(row["gsd_m"]) * 1.0001 <= kind[1] * _GSD_RATIO


def _dated(scene: tuple[str, str] | None, now: datetime) -> dict[str, Any] | None:
    if scene is None:
        return None
    return {"scene": scene[1], "acquired": scene[0], "age_days": round(_age_s(scene[0], now) / 86400, 1)}


def _unseen(assessed: Sequence[RowMapping]) -> dict[str, int] | None:
    """Tiles that the newest comparison could not assess."""
    if not assessed:
        return None
    outcomes: Mapping[str, int] = max(assessed, key=lambda row: str(row["after_time"]))["outcomes"]
    return {"unseen": outcomes["not_assessable"] + outcomes["failed"], "of": sum(outcomes.values())}


def _source(root: Path, source: str, tried: Sequence[dict[str, Any]], now: datetime) -> dict[str, Any]:
    rows = [_attempt(root, row, now) for row in tried]
    ended = [row for row in rows if row["result"] != "running"]
    good = [row for row in ended if row["result"] in GOOD]
    trouble = list(takewhile(lambda row: row["result"] not in GOOD, reversed(ended)))
    return {
        "source": source,
        "last": rows[-1],
        "last_good": good[-1] if good else None,
        "trouble": {
            "result": trouble[0]["result"], "reason": trouble[0]["reason"], "since": trouble[-1]["began"],
            "attempts": len(trouble),
        } if trouble else None,
    }  # fmt: skip


def _attempt(root: Path, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    """An attempt; one without an end is running, or was killed."""
    result, reason = row["result"], row["reason"]
    if result is None and is_running(root, row["id"]):
        result = "running"
    elif result is None:
        result, reason = "interrupted", "its process ended without a word: killed, or the machine stopped"
    return {
        "id": row["id"], "began": row["began"], "ended": row["ended"],
        "age_hours": round(_age_s(row["ended"] or row["began"], now) / 3600, 2),
        "period": [row["period_start"], row["period_end"]], "result": result, "reason": reason,
        "runs": row["runs"] or 0, "new_scenes": row["new_scenes"] or 0, "tiles": row["tiles"] or {},
        "unseen": [{"reason": why, "tiles": count} for why, count in row["unseen"] or ()],
    }  # fmt: skip


def _findings(rows: Sequence[RowMapping]) -> dict[str, Any]:
    """How many are in which state and why, and the newest ones; what another finding replaced is only counted."""
    states, reasons = Counter(row["state"] for row in rows), Counter(row["reason"] for row in rows)
    names = (
        "id", "run", "sensor", "gsd_m", "kind", "label", "score", "zone", "length_m", "before_time", "after_time",
        "simulated", "state", "reason", "note", "decided_time", "since",
    )  # fmt: skip
    newest = [row for row in rows if row["reason"] != "superseded"][:NEWEST]
    return {
        "states": {state: states[state] for state in STATES},
        "reasons": dict(sorted(reasons.items())),
        "newest": [{name: row[name] for name in names} for row in newest],
    }


def _age_s(moment: str, now: datetime) -> float:
    return (now - datetime.fromisoformat(moment.replace("Z", "+00:00"))).total_seconds()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
