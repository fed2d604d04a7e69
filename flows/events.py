"""What the flows tell the world: Prefect events, each new result once.

Every event is about one resource, ``sitewatch.site.<site>``, so that an automation can be told to listen to a site
or to all of them (``sitewatch.site.*``). Prefect itself adds the flow run, its deployment and its tags as related.

================================  =================================================================================
``sitewatch.change.detected``     a run found changes, or now finds others than it did
``sitewatch.run.degraded``        tiles failed, a pair was refused, or a run ended in an error; the source wants
                                  another login, key or link
``sitewatch.source.down``         a source stopped answering; said once until it answers again
================================  =================================================================================

Clouded tiles are the ordinary fate of optical images and no degradation.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from prefect.events import emit_event

from flows import wire
from flows.pair_result import PairResult
from flows.work import read_json, work_folder, write_json

if TYPE_CHECKING:
    from flows.watch import SiteResult

P = ParamSpec("P")

CHANGE = "sitewatch.change.detected"
DEGRADED = "sitewatch.run.degraded"
DOWN = "sitewatch.source.down"
ALL = (CHANGE, DEGRADED, DOWN)

TOP = 5
"""Changes that are listed in an event."""

_FOLDER = "announced"


def resource_of(site: str) -> str:
    """The stable id of a site, the same for every event about it."""
    return f"sitewatch.site.{site}"


def announced(watch: "Callable[P, SiteResult]") -> "Callable[P, SiteResult]":
    """Have what is new about the runs of each call told, where its parameter `announce` says so.

    Told of after they were recorded: only then is it known which changes were rejected at their place before.
    """
    signature = inspect.signature(watch)

    @functools.wraps(watch)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> "SiteResult":
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        result = watch(*args, **kwargs)
        for run in result.runs if given.arguments["announce"] else ():
            announce_run(result.site, result.source, run, Path(given.arguments["out"]).resolve())
        return result

    return wrapper


def announce_run(site: str, source: str, result: PairResult, out: Path) -> list[str]:
    """Emit what is new about a written run; returns the names of the events that were emitted."""
    emitted = []
    if result.row["status"] == "changed":
        digest = wire.fingerprint(sorted([c["id"], c["kind"]] for c in result.changes))
        if _emit_once(CHANGE, site, result.name, digest, run_payload(site, source, result), out):
            emitted.append(CHANGE)
    fault = fault_of(result)
    if fault is not None:
        digest = wire.fingerprint(fault)
        payload = run_payload(site, source, result) | {"problem": fault, "text": f"{site}: {fault}"}
        if _emit_once(DEGRADED, site, result.name, digest, payload, out):
            emitted.append(DEGRADED)
    return emitted


def announce_failure(site: str, source: str, problem: str, out: Path) -> bool:
    """Emit that a run ended in an error, unless that was the last thing said about this source."""
    payload = {
        "site": site,
        "source": source,
        "problem": problem,
        "text": f"{site}: the run ended: {problem}",
    }
    return _emit_once(DEGRADED, site, f"run of {source}", wire.fingerprint(problem), payload, out)


def announce_refusal(site: str, source: str, problem: str, out: Path) -> bool:
    """Emit that a source refuses, once until a run ends well: its words may be others each time."""
    payload = {
        "site": site,
        "source": source,
        "problem": problem,
        "text": f"{site}: {source} refuses: {problem}",
    }
    return _emit_once(DEGRADED, site, f"run of {source}", "refused", payload, out)


def forget_failure(site: str, source: str, out: Path) -> None:
    """After a run that ended well the same error is news again."""
    path = _path(out, site)
    said = _said(path)
    if said.pop(f"{DEGRADED} run of {source}", None) is not None:
        write_json(path, said)


def announce_down(site: str, source: str, problem: str, since: str) -> None:
    """Emit that a source does not answer."""
    payload = {"site": site, "source": source, "since": since, "problem": problem}
    emit(DOWN, site, payload | {"text": f"{site}: {source} does not answer: {problem}"})


def fault_of(result: PairResult) -> str | None:
    """What went wrong with a pair, None where nothing did."""
    failed = [outcome for outcome in result.outcomes if outcome.outcome == "failed"]
    if failed:
        return f"{len(failed)} of {len(result.outcomes)} tiles of {result.name} failed: {failed[0].reason}"
    if result.row["status"] == "not_assessable" and not _clouded(result):
        return f"{result.name} could not be assessed: {result.row['reason']}"
    return None


def _clouded(result: PairResult) -> bool:
    """Whether every tile was looked at, and simply nothing could be seen."""
    return all("cloud" in (outcome.reason or "") for outcome in result.outcomes)


def run_payload(site: str, source: str, result: PairResult) -> dict[str, Any]:
    """What an event says about a run: JSON-ready, small, no pixels."""
    row = result.row
    counts = {kind: number for kind, number in row["counts"].items() if number}
    said = ", ".join(f"{number} {kind}" for kind, number in counts.items()) or str(row["status"])
    if row.get("suppressed"):
        said += f" ({row['suppressed']} where a reviewer rejected the same before)"
    simulated = "SIMULATED images: " if row["simulated"] else ""
    period = f"{row['before']['time'][:10]} to {row['after']['time'][:10]}"
    return {
        "site": site,
        "source": source,
        "run": result.name,
        "folder": str(result.paths.folder),
        "status": row["status"],
        "before": row["before"],
        "after": row["after"],
        "simulated": row["simulated"],
        "counts": row["counts"],
        "suppressed": row.get("suppressed", 0),
        "outcomes": row["outcomes"],
        "top": [_brief(change) for change in sorted(result.changes, key=lambda c: -c["score"])[:TOP]],
        "text": f"{simulated}{site}, {period}: {said}",
    }


def _brief(change: Mapping[str, Any]) -> dict[str, Any]:
    place = change["after"] or change["before"]
    return {key: change[key] for key in ("id", "kind", "label", "score", "zone")} | {
        "length_m": place["length_m"], "suppressed_until": change.get("suppressed_until"),
    }  # fmt: skip


def _emit_once(event: str, site: str, about: str, digest: str, payload: dict[str, Any], out: Path) -> bool:
    """Emit unless this was the last thing said; noted only afterwards, so that nothing is lost in between."""
    path = _path(out, site)
    said = _said(path)
    if said.get(f"{event} {about}") == digest:
        return False
    emit(event, site, payload)
    write_json(path, {**said, f"{event} {about}": digest})
    return True


def emit(event: str, site: str, payload: dict[str, Any]) -> None:
    """Hand one event to Prefect, which sends it in the background and adds the flow run that it belongs to."""
    resource = {
        "prefect.resource.id": resource_of(site),
        "prefect.resource.name": site,
        "sitewatch.source": str(payload.get("source", "")),
    }
    emit_event(event=event, resource=resource, payload=payload)


def _path(out: Path, site: str) -> Path:
    return work_folder(out, _FOLDER) / f"{site}.json"


def _said(path: Path) -> dict[str, Any]:
    return read_json(path) or {}
