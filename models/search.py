"""Finding objects in the evidence of a window: cut, measure, score, look again, keep."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from imagery.tile import Tile
from models.candidates import Regions, SearchLimits, cuts, search_limits, spot_maps
from models.detect import Detection
from models.evidence import ChangeEvidence
from models.features import Measured, Surroundings, measure, surroundings
from models.footprints import footprints
from models.objects import candidates_of, detections_of
from models.pair_model import PairModel
from models.radar_score import radar_scores
from models.score import load_scorer
from models.scorers import Scorer, TreeScorer, promising
from models.second_look import Views, look_again, views

Values = NDArray[np.float64]

THREADS = 2
"""Cuts that are measured at a time; image filters and array arithmetic run side by side."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """Regions of one cut with what is known of them.

    Parameters
    ----------
    regions : Regions
    measured : Measured
    scores : float64 (region,)
        From the first look.
    more : float64 (region, measure) or None
        From the second look, where one was taken.
    """

    regions: Regions
    measured: Measured
    scores: Values
    more: Values | None = None


def search(found: ChangeEvidence, model: PairModel, cut: Sequence[Tile]) -> tuple[Detection, ...]:
    """Detections that the tiles of `cut` own, all but hopeless ones, overlapping.

    Parameters
    ----------
    found : ChangeEvidence
        Over a window that holds the tiles with their halos.
    model : PairModel
    cut : sequence of Tile
    """
    limits = search_limits(model.gsd_m, model.sensor)
    around = surroundings(found, limits)
    spotted = spot_maps(found, limits)
    scorer: Scorer = load_scorer(model.scorer, model.sensor).at(model.gsd_m)
    seen = views(found, around, spotted[-1], model.gsd_m) if isinstance(scorer, TreeScorer) else None

    def look(cut_out: Callable[[], Regions | None]) -> Found | None:
        regions = cut_out()
        if regions is None:
            return None
        one = _looked_at(regions, found, around, seen, limits, scorer, model.gsd_m)
        if model.sensor == "sar":
            return replace(one, scores=radar_scores(regions, one.measured, found, one.scores))
        return one

    with ThreadPoolExecutor(THREADS) as pool:
        looked = [one for one in pool.map(look, cuts(found, limits, spotted)) if one is not None]
    if not looked:
        return ()
    if isinstance(scorer, TreeScorer):
        looked = _scored_again(looked, scorer)
    return detections_of(
        [candidates_of(one.regions, one.measured, one.scores) for one in looked], found, cut=cut, gsd_m=model.gsd_m,
        residual_px=model.alignment.residual_px or 0.0,
    )  # fmt: skip


def _looked_at(
    regions: Regions, found: ChangeEvidence, around: Surroundings, seen: Views | None, limits: SearchLimits,
    scorer: Scorer, gsd_m: float,
) -> Found:  # fmt: skip
    feet = footprints(regions, found.valid, limits.ring_px)
    measured = measure(regions, feet, found, around, gsd_m)
    scores = scorer.score(measured.features)
    if seen is None:
        return Found(regions=regions, measured=measured, scores=scores)
    chosen = np.flatnonzero(promising(scores))
    measured = measured.only(chosen)
    more = look_again(measured, feet.only(chosen), found, around, seen, gsd_m)
    return Found(regions=regions.only(chosen), measured=measured, scores=scores[chosen], more=more)


def _scored_again(looked: Sequence[Found], scorer: TreeScorer) -> list[Found]:
    """With the scores of the second look, all cuts at once: trees cost by the call and hardly by the row."""
    columns = [np.hstack([one.measured.features, one.more]) for one in looked if one.more is not None]
    ends = np.cumsum([len(rows) for rows in columns])[:-1]
    scores = np.split(scorer.score_again(np.vstack(columns)), ends)
    return [replace(one, scores=again) for one, again in zip(looked, scores, strict=True)]
