"""What reviews say: how often the detector is right, what it misses, how far reviewers agree, what a stricter
threshold would have cost.

All intervals are 90 %, as everywhere in sitewatch. Changes count by the verdict that reviewers agree on; *unsure* and
disputed ones are told and left out of shares.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, select

from catalog.queue_rows import Mask, QueueRows
from catalog.review_agreement import Agreement, Pairs, agreement_of
from catalog.review_precision import Precision, precision_by
from catalog.review_tables import review_runs
from models.evaluation.tally import Interval
from models.review_statistics import (
    UNKNOWN,
    AtBudget,
    Missed,
    at_budget,
    missed_in,
    share_found,
)

BUDGETS_PER_KM2 = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)

_SPLITS = ("site", "zone", "label", "band")
_RUN = ("name", "status", "blank", "assessed_km2")


@dataclass(frozen=True, kw_only=True)
class Recall:
    """How much of what changed was listed, by the audit of blank tiles.

    Parameters
    ----------
    real : float
        Listed changes that are real: those confirmed and, of those nobody has decided, the share that precision says.
    real_interval : Interval
    blank : Missed
        What was missed in blank tiles.
    added : int
        What people added in other tiles; not extrapolated.
    share : float
    interval : Interval
        Worst and best case of both parts together.
    """

    real: float
    real_interval: Interval
    blank: Missed
    added: int
    share: float
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What limits on false alarms would have let through, in runs whose every listed change was decided.

    Parameters
    ----------
    runs : int
        Decided completely, of `of_runs`.
    of_runs : int
    km2 : float
        Ground examined in them.
    rows : tuple of AtBudget
        Empty where no run is decided completely.
    """

    runs: int
    of_runs: int
    km2: float
    rows: tuple[AtBudget, ...]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """All of it.

    Parameters
    ----------
    precision : Precision
        Of everything.
    by : mapping of split to tuple of Precision
        Split by site, zone, label and band.
    recall : Recall
    agreement : Agreement
        Of all changes with two reviewers.
    blind : Agreement
        Of those whose second reviewer did not see what the first one said.
    dry_run : DryRun
    """

    precision: Precision
    by: Mapping[str, tuple[Precision, ...]]
    recall: Recall
    agreement: Agreement
    blind: Agreement
    dry_run: DryRun

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready: what cannot be known is null."""
        found: dict[str, Any] = _plain(self)
        return found


def figures(
    connection: Connection,
    rows: QueueRows,
    pairs: Pairs,
    *,
    sites: Sequence[str] = (),
    sensor: str | None = None,
    simulated: bool | None = None,
    budgets_per_km2: Sequence[float] = BUDGETS_PER_KM2,
) -> Figures:
    """Figures of all reviews, or of those of some sites, one kind of image, simulated or real ones.

    Parameters
    ----------
    connection : Connection
    rows : QueueRows
        Of the same database, as far as whoever asks may know them.
    pairs : Pairs
    sites : sequence of str
    sensor : {"optical", "sar"} or None
    simulated : bool or None
    budgets_per_km2 : sequence of float
        Of the dry run.
    """
    runs = [dict(row) for row in connection.execute(_chosen_runs(sites, sensor, simulated)).mappings()]
    here = _chosen(rows, sites, sensor, simulated)
    listed = here & rows.among("what", "change") & rows.among("listed", True) & rows.among("added", False)
    precision = precision_by(rows, listed, None)[0]
    twice = here & ~rows.among("answers", 0, 1)
    known = {
        s: pairs.first[s] for i in np.flatnonzero(twice).tolist() if (s := rows.subjects[i]) in pairs.first
    }
    return Figures(
        precision=precision,
        by={split: precision_by(rows, listed, split) for split in _SPLITS},
        recall=_recall(precision, _audited(rows, here), runs),
        agreement=agreement_of(list(known.values())),
        blind=agreement_of([known[s] for s in known.keys() & pairs.asked_for]),
        dry_run=_dry_run(rows, listed, runs, budgets_per_km2),
    )


def _chosen(rows: QueueRows, sites: Sequence[str], sensor: str | None, simulated: bool | None) -> Mask:
    found: Mask = np.ones(len(rows.subjects), np.bool_)
    if sites:
        found &= rows.among("site", *sites)
    if sensor is not None:
        found &= rows.among("sensor", sensor)
    return found if simulated is None else found & rows.among("simulated", simulated)


def _chosen_runs(sites: Sequence[str], sensor: str | None, simulated: bool | None) -> Select[Any]:
    query = select(*(review_runs.c[name] for name in _RUN))
    if sites:
        query = query.where(review_runs.c.site.in_(sites))
    if sensor is not None:
        query = query.where(review_runs.c.sensor == sensor)
    return query if simulated is None else query.where(review_runs.c.simulated.is_(simulated))


def _audited(rows: QueueRows, here: Mask) -> list[Mapping[str, Any]]:
    """What people added and confirmed, and the blank tiles that they looked at."""
    added = rows.among("what", "change") & rows.among("added", True) & rows.among("verdict", "confirmed")
    blank = rows.among("what", "blank") & rows.among("added", False) & ~rows.among("verdict", None)
    places = np.flatnonzero(here & (added | blank))
    columns = {name: rows.column(name, places) for name in ("what", "run", "tile", "verdict")}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _recall(
    precision: Precision, items: Sequence[Mapping[str, Any]], runs: Sequence[Mapping[str, Any]]
) -> Recall:
    added: dict[tuple[str, str], int] = defaultdict(int)
    for item in items:
        if item["what"] == "change":
            added[item["run"], item["tile"]] += 1
    counts, drawn = [], set()
    for item in items:
        if item["what"] == "blank":
            place = (item["run"], item["tile"])
            drawn.add(place)
            # Somebody who says that something was missed need not have drawn it.
            counts.append(max(added[place], 1) if item["verdict"] == "missed" else added[place])
    blank = missed_in(sum(run["blank"] for run in runs), counts)
    others = sum(number for place, number in added.items() if place not in drawn)
    open_ = precision.listed - precision.confirmed - precision.rejected
    real, spread = _real(precision, open_)
    missed = blank.estimate + others
    spread_missed = Interval(blank.interval.low + others, blank.interval.high + others)
    total = real + missed
    return Recall(
        real=real, real_interval=spread, blank=blank, added=others,
        share=real / total if total > 0 else math.nan,
        interval=share_found(spread, spread_missed) if total > 0 else UNKNOWN,
    )  # fmt: skip


def _real(precision: Precision, undecided: int) -> tuple[float, Interval]:
    """Listed changes that are real, with the undecided ones taken to be so as often as the decided ones."""
    if not undecided:
        return precision.confirmed, Interval(precision.confirmed, precision.confirmed)
    low, high = precision.interval
    return precision.confirmed + undecided * precision.share, Interval(
        precision.confirmed + undecided * low, precision.confirmed + undecided * high
    )


def _dry_run(
    rows: QueueRows, listed: Mask, runs: Sequence[Mapping[str, Any]], budgets: Sequence[float]
) -> DryRun:
    of = rows.codes["run"]
    assessed = [run for run in runs if run["status"] != "not_assessable"]
    names = rows.known["run"]
    open_ = {names[code] for code in np.unique(of[listed & rows.among("verdict", None)])}
    done = {run["name"]: run for run in assessed if run["name"] not in open_}
    # A run without changes is decided by nobody; it counts only beside runs that somebody looked at.
    looked = {names[code] for code in np.unique(of[listed])} & done.keys()
    counted = listed & rows.among("run", *looked)
    km2 = sum(run["assessed_km2"] for run in done.values()) if looked else 0.0
    confirmed, rejected = (
        rows.scores[counted & rows.among("verdict", verdict)].tolist()
        for verdict in ("confirmed", "rejected")
    )
    found = [at_budget(confirmed, rejected, km2=km2, budget_per_km2=budget) for budget in budgets]
    return DryRun(
        runs=len(done) if looked else 0,
        of_runs=len(assessed),
        km2=round(km2, 4),
        rows=tuple(found) if looked else (),
    )


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value
