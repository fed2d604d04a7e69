"""How many of the listed changes are real, altogether and by site, zone, label and score band."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from catalog.queue_rows import Mask, QueueRows
from models.evaluation.reliability import wilson
from models.evaluation.tally import Interval

BANDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Edges of the score bands; the lower one belongs to a band."""

_BAND_NAMES = tuple(f"{low:g}-{high:g}" for low, high in pairwise(BANDS))


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


def precision_by(rows: QueueRows, listed: Mask, split: str | None) -> tuple[Precision, ...]:
    """Precision of the listed changes, by what they have in a column; None: of all together."""
    places = np.flatnonzero(listed)
    names, groups = _groups(rows, places, split)
    verdicts = {
        verdict: _count(rows.among("verdict", verdict)[places], groups, len(names))
        for verdict in ("confirmed", "rejected", "unsure")
    }
    renamed = rows.among("verdict", "confirmed") & ~rows.among("given_label", None)
    relabelled = _count((renamed & rows.differ("given_label", "label"))[places], groups, len(names))
    sizes = np.bincount(groups, minlength=len(names))
    found = [
        _precision(
            name, listed=int(sizes[i]), relabelled=int(relabelled[i]),
            **{verdict: int(numbers[i]) for verdict, numbers in verdicts.items()},
        )
        for i, name in enumerate(names)
        if split is None or sizes[i]
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: one.of))


def band_of(score: float) -> str:
    """The score band, such as ``0.6-0.7``."""
    return _BAND_NAMES[int(np.searchsorted(BANDS[1:-1], score, side="right"))]


def _groups(
    rows: QueueRows, places: NDArray[np.intp], split: str | None
) -> tuple[list[str], NDArray[np.intp]]:
    """Names of groups, and in which one each entry is."""
    if split is None:
        return ["all"], np.zeros(len(places), np.intp)
    if split == "band":
        return list(_BAND_NAMES), np.searchsorted(BANDS[1:-1], rows.scores[places], side="right")
    names = ["" if value is None else str(value) for value in rows.known[split]]
    return names, rows.codes[split][places].astype(np.intp)


def _count(of: Mask, groups: NDArray[np.intp], number: int) -> NDArray[np.intp]:
    return np.bincount(groups[of], minlength=number)


def _precision(
    of: str, *, listed: int, confirmed: int, rejected: int, unsure: int, relabelled: int
) -> Precision:
    decided = confirmed + rejected
    return Precision(
        of=of, listed=listed, confirmed=confirmed, rejected=rejected, unsure=unsure, relabelled=relabelled,
        share=confirmed / decided if decided else math.nan, interval=wilson(confirmed, decided),
    )  # fmt: skip
