"""What decisions of people say about a detector, and about the people: agreement, and what a sample of blanks
implies.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from models.evaluation.tally import CONFIDENCE_PCT, RESAMPLINGS, Interval

UNKNOWN = Interval(math.nan, math.nan)


def kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Cohen's kappa of two ratings of each subject: 1 where all agree, 0 where no more do than by chance.

    Returns
    -------
    float
        NaN without pairs, and where all ratings are the same, so that agreement by chance is certain.

    References
    ----------
    Cohen 1960, doi:10.1177/001316446002000104.
    """
    if not pairs:
        return math.nan
    n = len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[rating] * second[rating] for rating in first) / n**2
    agreed = sum(a == b for a, b in pairs) / n
    return math.nan if math.isclose(chance, 1.0) else (agreed - chance) / (1 - chance)


def kappa_interval(
    pairs: Sequence[tuple[str, str]], *, resamplings: int = RESAMPLINGS, seed: int = 0
) -> Interval:
    """90 % interval of kappa by bootstrap over subjects; NaN for fewer than three.

    Resamples in which all ratings are the same say nothing and are left out.
    """
    if len(pairs) < 3:
        return UNKNOWN
    names = sorted({rating for pair in pairs for rating in pair})
    table = np.zeros((len(names), len(names)))
    for one, other in pairs:
        table[names.index(one), names.index(other)] += 1
    # Drawing subjects with replacement is drawing how often each cell of the table comes up.
    counts = np.random.default_rng(seed).multinomial(len(pairs), table.ravel() / len(pairs), resamplings)
    shares = counts.reshape(resamplings, *table.shape) / len(pairs)
    agreed = np.trace(shares, axis1=1, axis2=2)
    chance = (shares.sum(axis=2) * shares.sum(axis=1)).sum(axis=1)
    told = chance < 1 - 1e-12
    if not told.any():
        return UNKNOWN
    low, high = np.percentile((agreed[told] - chance[told]) / (1 - chance[told]), CONFIDENCE_PCT)
    return Interval(float(low), float(high))


def clopper_pearson(hits: int, trials: int) -> Interval:
    """90 % exact interval of a share; reaches 0 or 1 where none or all hit. NaN without trials.

    References
    ----------
    Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404.
    """
    if not trials:
        return UNKNOWN
    low = float(betaincinv(hits, trials - hits + 1, 0.05)) if hits else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 0.95)) if hits < trials else 1.0
    return Interval(low, high)


@dataclass(frozen=True, kw_only=True)
class Missed:
    """How much was missed in tiles that were called blank.

    Parameters
    ----------
    tiles : int
        Blank tiles.
    audited : int
        Of these, looked at by people because they were drawn.
    tiles_with : int
        Of the audited, those in which something had been missed.
    found : int
        What had been missed in them.
    estimate : float
        In all blank tiles; NaN where none was audited.
    interval : Interval
        90 %.
    """

    tiles: int
    audited: int
    tiles_with: int
    found: int
    estimate: float
    interval: Interval


def missed_in(tiles: int, counts: Sequence[int]) -> Missed:
    """What a random sample of the blank tiles says of all of them.

    The tiles that were drawn are known, so that only the others are estimated: by the share of tiles with something
    missed in the sample (with its exact interval) and the mean number in such a tile.

    Parameters
    ----------
    tiles : int
        Blank tiles from which each was drawn with the same probability.
    counts : sequence of int
        What had been missed in each tile that was drawn and looked at.
    """
    audited, found = len(counts), sum(counts)
    with_any = sum(count > 0 for count in counts)
    if not audited or audited > tiles:
        return Missed(
            tiles=tiles,
            audited=audited,
            tiles_with=with_any,
            found=found,
            estimate=math.nan,
            interval=UNKNOWN,
        )
    each = found / with_any if with_any else 1.0
    rest = (tiles - audited) * each
    share = clopper_pearson(with_any, audited)
    return Missed(
        tiles=tiles, audited=audited, tiles_with=with_any, found=found, estimate=found + rest * with_any / audited,
        interval=Interval(found + rest * share.low, found + rest * share.high),
    )  # fmt: skip


def share_found(found: Interval, missed: Interval) -> Interval:
    """Interval of ``found / (found + missed)`` from those of both: the worst and the best case together, so that it
    is rather too wide than too narrow.
    """
    return Interval(_share(found.low, missed.high), _share(found.high, missed.low))


def _share(part: float, other: float) -> float:
    total = part + other
    return part / total if total > 0 else math.nan


@dataclass(frozen=True, kw_only=True)
class AtBudget:
    """What a limit on false alarms would have let through, of what people have decided.

    Parameters
    ----------
    budget_per_km2 : float
    threshold : float or None
        Lowest score that keeps to it; None where no score does.
    seen, confirmed : int
        Confirmed changes at that score or better, and all confirmed ones.
    false_alarms : int
        Rejected at that score or better.
    """

    budget_per_km2: float
    threshold: float | None
    seen: int
    confirmed: int
    false_alarms: int


def at_budget(
    confirmed: Sequence[float], rejected: Sequence[float], *, km2: float, budget_per_km2: float
) -> AtBudget:
    """The lowest threshold that keeps false alarms within a budget, and what would have been seen with it.

    Parameters
    ----------
    confirmed, rejected : sequence of float
        Scores.
    km2 : float
        Ground that was examined.
    budget_per_km2 : float
    """
    thresholds = np.unique([*confirmed, *rejected])
    alarms = _at_or_above(rejected, thresholds)
    kept = np.flatnonzero(alarms <= budget_per_km2 * km2)
    if not len(kept):
        return AtBudget(
            budget_per_km2=budget_per_km2, threshold=None, seen=0, confirmed=len(confirmed), false_alarms=0
        )
    lowest = int(kept[0])
    return AtBudget(
        budget_per_km2=budget_per_km2, threshold=float(thresholds[lowest]),
        seen=int(_at_or_above(confirmed, thresholds)[lowest]), confirmed=len(confirmed),
        false_alarms=int(alarms[lowest]),
    )  # fmt: skip


def _at_or_above(scores: Sequence[float], thresholds: NDArray[np.float64]) -> NDArray[np.intp]:
    """How many scores reach each threshold."""
    out: NDArray[np.intp] = len(scores) - np.searchsorted(np.sort(np.array(scores)), thresholds, side="left")
    return out
