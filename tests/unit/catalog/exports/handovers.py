"""Runs to hand over: an ordinary one, one whose every word is hostile, one that people reviewed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from shapely.geometry import box

from catalog.exports.findings import Handed, Handover
from catalog.exports.gather import gather
from catalog.exports.reviews import reviews_of
from catalog.journal import ReviewDraft
from catalog.reader import StoredRun, load_run
from catalog.review import ReviewStore
from catalog.run import write_run
from imagery.site import Zone
from models.change import TileOutcome
from tests.unit.catalog import catalog_runs as made

SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    SCRIPT,
    "\"><img src=x onerror=alert(1)> onclick='x'",
    '<svg onload=alert(1)><script>alert(1)</script><use href="data:image/svg+xml,x#x"/></svg>',
    '=HYPERLINK("http://evil.test","here")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "\u202egnp.exe\u202c \u2066turned\u2069",
    "]]><x/>&lt;&amp;",
    "$[id] ${id} {{id}} %s {0}",
    "bell\x07 nul\x00 vt\x0b nonchar\ufffe",
    "'; DROP TABLE findings;--",
    "Z" + "\u0301" * 300,
    "long " * 3000,
    "قاعدة حميميم الجوية Хмеймим \u6f22\u5b57",
    "../../etc/passwd",
)
ONE_OF_EACH = " | ".join(text for text in HOSTILE if len(text) < 100)


def stored(tmp_path: Path, **given: Any) -> StoredRun:
    """A run as it lies on disk."""
    return load_run(write_run(made.record(tmp_path / "work", **given), root=tmp_path / "out").folder)


def measured(change: Any, rate: float = 0.2) -> Any:
    """A change of a kind whose scores were measured as probabilities."""
    return replace(change, false_alarms_per_km2=rate, label_probability=0.82)


def hostile(tmp_path: Path) -> StoredRun:
    """Every word that comes from outside tries something."""
    zones = {
        f"z{i}": Zone(
            id=f"z{i}", name=text, kind="apron", geometry=box(35.9103, 35.4025, 35.9115, 35.4035),
            position_error_m=10.0, confidence="high", source=text,
        )
        for i, text in enumerate(HOSTILE)
    }  # fmt: skip
    site = replace(made.site(), name=ONE_OF_EACH, attribution=ONE_OF_EACH, zones=zones)
    changes = tuple(
        replace(
            made.appeared((10 + 40 * i, 100, 30 + 40 * i, 130), label=text[:200]), zone=f"z{i}",
            causes=(text[:300],), label=text[:200],
        )
        for i, text in enumerate(HOSTILE)
    )  # fmt: skip
    scenes = {
        date: made.scene(
            f"{date}-scene", time, platform=ONE_OF_EACH, licence=ONE_OF_EACH, attribution=ONE_OF_EACH
        )
        for date, time in (("before", made.BEFORE_TIME), ("after", made.AFTER_TIME))
    }
    base = made.record(tmp_path / "work", changes=changes)
    outcomes = tuple(
        replace(outcome, outcome="not_assessable", reason=ONE_OF_EACH, valid_fraction=0.0, changes=0)
        if outcome.tile != "r00c00"
        else outcome
        for outcome in base.conclusion.outcomes
    )
    record = replace(
        base,
        site=site,
        notes=(ONE_OF_EACH,),
        conclusion=replace(base.conclusion, outcomes=outcomes),
        **scenes,
    )
    return load_run(write_run(record, root=tmp_path / "out").folder)


def reviewed(
    tmp_path: Path, *answers: tuple[str, str, str | None, dict[str, Any]], **given: Any
) -> StoredRun:
    """A run with answers in the journal beside it: reviewer, act, id of the change (None: missed), body."""
    run = stored(tmp_path, **given)
    store = ReviewStore(tmp_path / "out")
    for number, (reviewer, act, subject, body) in enumerate(answers):
        store.append(
            ReviewDraft(
                key=f"k{number}", reviewer=reviewer, act=act, subject=subject,
                run=run.report.name if act == "missed" else None, body=body,
            )
        )  # fmt: skip
    store.close()
    return run


def handed(run: StoredRun) -> Handover:
    """What is handed over of a run, with its reviews."""
    return gather(run, reviews=reviews_of(run))


def finding(handover: Handover, kind: str) -> Handed:
    """The first finding of a kind."""
    return next(one for one in handover.findings if one.kind == kind)


def unseen(tile: str = "r00c00", reason: str = "cloud") -> TileOutcome:
    """A tile of which nothing can be said."""
    return TileOutcome(tile=tile, outcome="not_assessable", reason=reason, valid_fraction=0.0)
