"""What commands print of a Report with ``--json``."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from catalog import detectability
from catalog.layout import jsonable
from catalog.ledger import counts
from catalog.report import Report
from catalog.report_build import build_report
from models.change import Change
from models.finding_state import STATES

if TYPE_CHECKING:
    from catalog.findings import Standing
    from catalog.run import RunPaths, RunRecord
    from catalog.suppression import Suppression

KINDS = ("appeared", "vanished", "moved")


def diff_document(result: "Report | RunRecord", paths: "RunPaths") -> dict[str, Any]:
    """What ``sitewatch diff --json`` prints."""
    report = result if isinstance(result, Report) else build_report(result, {})
    alignment = report.alignment
    return {
        "status": report.status,
        "reason": report.reason,
        "item": None if paths.item is None else str(paths.item),
        "gsd_m": round(report.gsd_m, 4),
        "seconds": report.seconds,
        "alignment": None
        if alignment is None
        else {name: alignment[name] for name in ("residual_px", "p95_px", "verdict")},
        "valid_fraction": report.valid_fraction,
        "detectability": detectability.short(report.detectability),
        "report": str(paths.report),
        "changes": [change_row(change) for change in report.changes],
    }


def run_row(result: "Report | RunRecord", paths: "RunPaths") -> dict[str, Any]:
    """One row of ``sitewatch run --json``."""
    report = result if isinstance(result, Report) else build_report(result, {})
    return {
        "site": None if report.site is None else report.site["id"],
        "before": _when(report.before),
        "after": _when(report.after),
        "status": report.status,
        "reason": report.reason,
        "item": None if paths.item is None else str(paths.item),
        "counts": kind_counts(report.changes),
        "outcomes": counts(report.outcomes),
        "simulated": report.simulated,
    }


def change_row(change: Change) -> dict[str, Any]:
    """One change as ``sitewatch diff --json`` lists it."""

    def place(date: str) -> dict[str, Any] | None:
        found = getattr(change, date)
        if found is None:
            return None
        return {
            "bbox_px": list(found.bbox_px),
            "length_m": round(found.length_m, 2),
            "width_m": round(found.width_m, 2),
            "area_m2": round(found.area_m2, 2),
        }

    row: dict[str, Any] = jsonable(
        {
            "id": change.id,
            "kind": change.kind,
            "label": change.label,
            "label_probability": change.label_probability,
            "score": round(change.score, 6),
            "zone": change.zone,
            "link": change.link.__dict__,
            "false_alarms_per_km2": change.false_alarms_per_km2,
            "causes": change.causes,
            "before": place("before"),
            "after": place("after"),
        }
    )
    return row


def kind_counts(changes: tuple[Change, ...]) -> dict[str, int]:
    """Number of changes by kind; every kind is named."""
    return {kind: sum(change.kind == kind for change in changes) for kind in KINDS}


def with_states(
    row: Mapping[str, Any],
    changes: Iterable[Mapping[str, Any]],
    states: "Mapping[str, Standing]",
    recurrences: "Mapping[str, Suppression]",
) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """A row of ``sitewatch run --json`` and its change rows, with the state of each finding and whether a reviewer
    has rejected the same at its place before.

    A run's files never say it: it depends on dates and answers that come later.
    """
    until = {id_: found.until for id_, found in recurrences.items()}
    found = tuple(
        {**change, "state": states[change["id"]].state, "suppressed_until": until.get(change["id"])}
        for change in changes
    )
    listed = [
        {name: change[name] for name in ("id", "kind", "state")}
        | {"reason": states[change["id"]].reason, "suppressed_until": change["suppressed_until"]}
        for change in found
    ]
    count = {state: sum(change["state"] == state for change in found) for state in STATES}
    suppressed = sum(change["suppressed_until"] is not None for change in found)
    return {**row, "states": count, "suppressed": suppressed, "findings": listed}, found


def _when(scene: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if scene is None else {"id": scene["id"], "time": scene["acquired"]}
