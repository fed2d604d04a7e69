"""What reviews say: how often the detector is right, what it misses, how far reviewers agree, what a stricter
threshold would have cost.

All intervals are 90 %, as everywhere in sitewatch. Changes count by the verdict that reviewers agree on; *unsure* and
disputed ones are told and left out of shares.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from catalog.review_agreement import Agreement, agreement_of, asked_for, first_verdicts
from catalog.review_tables import review_items, review_runs
from models.evaluation.reliability import wilson
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
BANDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Edges of the score bands; the lower one belongs to a band."""

_SPLITS = ("site", "zone", "label", "band")
_RUN = ("name", "status", "blank", "assessed_km2")
_ITEM = (
    "subject", "what", "added", "listed", "run", "tile", "site", "zone", "label", "score", "verdict", "given_label",
    "answers", "second", "reviewers",
)  # fmt: skip
_UNDECIDED = {"verdict": None, "given_label": None, "answers": 0}


@dataclass(frozen=True, kw_only=True)
class Precision:
    """How many of the listed changes are real.

    Parameters
    ----------
    of : str
        Which changes: a site, zone, label or score band; ``""`` outside every zone.
    listed : int
        By the runs' present results.
    confirmed, rejected, unsure : int
    relabelled : int
        Of the confirmed, those whose label a person changed.
    share : float
        Confirmed of confirmed and rejected; NaN where there are none. What was looked at is not a random choice:
        compare within score bands.
    interval : Interval
        Wilson's, which treats changes as independent.
    """

    of: str
    listed: int
    confirmed: int
    rejected: int
    unsure: int
    relabelled: int
    share: float
    interval: Interval


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
    *,
    sites: Sequence[str] = (),
    sensor: str | None = None,
    simulated: bool | None = None,
    budgets_per_km2: Sequence[float] = BUDGETS_PER_KM2,
    viewer: str | None = None,
) -> Figures:
    """Figures of all reviews, or of those of some sites, one kind of image, simulated or real ones.

    Parameters
    ----------
    connection : Connection
    sites : sequence of str
    sensor : {"optical", "sar"} or None
    simulated : bool or None
    budgets_per_km2 : sequence of float
        Of the dry run.
    viewer : str or None
        Reviewer for whom a change that they are still to answer blind counts as undecided.
    """
    runs = [
        dict(row)
        for row in connection.execute(_chosen(review_runs, _RUN, sites, sensor, simulated)).mappings()
    ]
    items = [
        _seen(dict(row), viewer)
        for row in connection.execute(_chosen(review_items, _ITEM, sites, sensor, simulated)).mappings()
    ]
    listed = [i for i in items if i["what"] == "change" and i["listed"] and not i["added"]]
    precision = _precision("all", listed)
    subjects = {item["subject"] for item in items if item["answers"] >= 2}
    pairs = first_verdicts(connection, subjects)
    return Figures(
        precision=precision,
        by={split: _by(split, listed) for split in _SPLITS},
        recall=_recall(precision, items, runs),
        agreement=agreement_of(list(pairs.values())),
        blind=agreement_of([pairs[s] for s in pairs.keys() & asked_for(connection)]),
        dry_run=_dry_run(listed, runs, budgets_per_km2),
    )


def band_of(score: float) -> str:
    """The score band, such as ``0.6-0.7``."""
    for low, high in pairwise(BANDS):
        if score < high:
            return f"{low:g}-{high:g}"
    return f"{BANDS[-2]:g}-{BANDS[-1]:g}"


def _seen(item: dict[str, Any], viewer: str | None) -> dict[str, Any]:
    """An item as far as somebody may know what others said of it."""
    hidden = (
        viewer is not None and item["second"] in ("needed", "waiting") and viewer not in item["reviewers"]
    )
    return item | _UNDECIDED if hidden else item


def _chosen(
    table: Table, names: Sequence[str], sites: Sequence[str], sensor: str | None, simulated: bool | None
) -> Select[Any]:
    query = select(*(table.c[name] for name in names))
    if sites:
        query = query.where(table.c.site.in_(sites))
    if sensor is not None:
        query = query.where(table.c.sensor == sensor)
    return query if simulated is None else query.where(table.c.simulated.is_(simulated))


def _precision(of: str, items: Sequence[Mapping[str, Any]]) -> Precision:
    by = {
        verdict: [i for i in items if i["verdict"] == verdict]
        for verdict in ("confirmed", "rejected", "unsure")
    }
    confirmed, rejected = len(by["confirmed"]), len(by["rejected"])
    decided = confirmed + rejected
    return Precision(
        of=of, listed=len(items), confirmed=confirmed, rejected=rejected, unsure=len(by["unsure"]),
        relabelled=sum(i["given_label"] not in (None, i["label"]) for i in by["confirmed"]),
        share=confirmed / decided if decided else math.nan, interval=wilson(confirmed, decided),
    )  # fmt: skip


def _by(split: str, items: Sequence[dict[str, Any]]) -> tuple[Precision, ...]:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        name = band_of(item["score"]) if split == "band" else item[split]
        groups["" if name is None else str(name)].append(item)
    return tuple(_precision(name, group) for name, group in sorted(groups.items()))


def _recall(
    precision: Precision, items: Sequence[Mapping[str, Any]], runs: Sequence[Mapping[str, Any]]
) -> Recall:
    added: dict[tuple[str, str], int] = defaultdict(int)
    for item in items:
        if item["what"] == "change" and item["added"] and item["verdict"] == "confirmed":
            added[item["run"], item["tile"]] += 1
    counts, drawn = [], set()
    for item in items:
        if item["what"] == "blank" and not item["added"] and item["verdict"] is not None:
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
    listed: Sequence[Mapping[str, Any]], runs: Sequence[Mapping[str, Any]], budgets: Sequence[float]
) -> DryRun:
    open_ = {item["run"] for item in listed if item["verdict"] is None}
    assessed = [run for run in runs if run["status"] != "not_assessable"]
    done = {run["name"]: run for run in assessed if run["name"] not in open_}
    # A run without changes is decided by nobody; it counts only beside runs that somebody looked at.
    looked = {item["run"] for item in listed} & done.keys()
    km2 = sum(run["assessed_km2"] for run in done.values()) if looked else 0.0
    scores: dict[str, list[float]] = {"confirmed": [], "rejected": []}
    for item in listed:
        if item["run"] in looked and item["verdict"] in scores:
            scores[item["verdict"]].append(item["score"])
    rows = [
        at_budget(scores["confirmed"], scores["rejected"], km2=km2, budget_per_km2=budget)
        for budget in budgets
    ]
    return DryRun(
        runs=len(done) if looked else 0,
        of_runs=len(assessed),
        km2=round(km2, 4),
        rows=tuple(rows) if looked else (),
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
