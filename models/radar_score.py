"""Score of a radar candidate: statistical first; what was learned from labelled ships only chooses between cuts.

The labelled radar pairs show one port, so a fitted scorer knows that port. What a change has to satisfy is therefore
said outright, as factors between 0 and 1 that are near 1 for anything that a person would call a ship on open water:

- it changed by more than speckle (`models.radar.equality`),
- it is a constant-false-alarm-rate target on the date on which it is claimed to stand (`models.cfar`),
- it is none on the other: bright on both dates is a fixed scatterer, however much its strength fluctuates,
- it is no streak of something brighter, and
- what surrounds it can be seen and is of one kind; otherwise only something large is worth listing, with a low score.
"""

import numpy as np
from numpy.typing import NDArray

from models.candidates import Regions
from models.cfar import Contrasts, contrasts
from models.evidence import ChangeEvidence
from models.features import Measured
from models.radar import LOOKS_RANGE

Values = NDArray[np.float64]

SIGMAS_SMALL, SIGMAS_LARGE = 4.0, 3.0
"""Change, and contrast with the clutter in its sigmas, at which a region of up to 4 and of 16 or more pixels scores one
half."""

LEAST_DB = 5.0
"""Contrast that scores one half however even the clutter is: slicks, wakes and fronts reach this."""

FIXED_SHARE = 0.5
"""Contrast on the other date, as a share of that on the date of the object, at which a region scores one half."""

ARM_SHARE = 0.57
"""Of the contrast of a region, found all along a straight continuation of it: an even chance of a piece of a streak."""

POINT_PX = 4
"""Radar pixels are about half a resolution cell, so that even a point covers two by two."""

EDGE_SHARE = 0.02
LARGE_PX = 30
"""Regions beside something unseen or on mixed clutter are pieces of quays, masts and mask rims below this area."""

AT_EDGE_LARGE, AT_EDGE_SMALL = 0.65, 0.35
STREAK_LEFT, SPECK_LEFT, WRONG_KIND_LEFT = 0.2, 0.4, 0.1
LEARNED_SHARE = 0.1


def radar_scores(regions: Regions, measured: Measured, evidence: ChangeEvidence, learned: Values) -> Values:
    """Score of every region of a cut.

    Parameters
    ----------
    regions : Regions
    measured : Measured
        Of the same regions.
    evidence : ChangeEvidence
    learned : float64 (region,)
        Score of a fitted scorer, 0-1; it moves the result by at most a tenth.

    Returns
    -------
    float64 (region,)
        0-1.
    """
    looks = LOOKS_RANGE[1] if evidence.looks is None else evidence.looks.least
    found = contrasts(regions, measured, evidence, looks)
    return statistical(found, measured) * (1 - LEARNED_SHARE + LEARNED_SHARE * learned)


def statistical(found: Contrasts, measured: Measured) -> Values:
    """The part of the score that no label has taught, float64 (region,), 0-1; 0 where no clutter could be seen."""
    area = measured.area_px.astype(np.float64)
    score = _rising(4.0 * (np.abs(measured.brightness) - _needed(area)))
    score *= _stands(found.present_sigmas, found.present_db, area)
    score *= 1.0 - _stands(found.absent_sigmas, found.absent_db, area)
    left = found.absent_db / np.maximum(found.present_db, 1e-3)
    score *= _rising(12.0 * (FIXED_SHARE - left))
    thin = measured.length_px / measured.width_px
    streak = ((found.streak >= 0) & (thin >= 3.5)) | ((found.streak >= 3) & (thin >= 2.5))
    score *= np.where(streak, STREAK_LEFT, 1.0) * _rising(20.0 * (ARM_SHARE - found.arm))
    score *= np.where(area < POINT_PX, SPECK_LEFT, 1.0)
    edge = found.mixed | (found.rim > EDGE_SHARE)
    score *= np.where(edge, np.where(area >= LARGE_PX, AT_EDGE_LARGE, AT_EDGE_SMALL), 1.0)
    score *= np.where((measured.kind > 0) == found.late, 1.0, WRONG_KIND_LEFT)
    out: Values = np.nan_to_num(score)
    return out


def _stands(sigmas: Values, db: Values, area: Values) -> Values:
    """How surely a region is a target among the clutter of one date, 0-1."""
    return _rising(2.0 * (sigmas - _needed(area))) * _rising(1.5 * (db - LEAST_DB))


def _needed(area: Values) -> Values:
    size = np.clip(np.log2(np.maximum(area, 1) / 4.0) / 2.0, 0.0, 1.0)
    out: Values = SIGMAS_SMALL + (SIGMAS_LARGE - SIGMAS_SMALL) * size
    return out


def _rising(x: Values) -> Values:
    out: Values = 1.0 / (1.0 + np.exp(-np.clip(x, -40.0, 40.0)))
    return out
