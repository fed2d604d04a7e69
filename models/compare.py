"""The comparison of two dates: prepare once per pair, compare tile by tile, conclude over the whole.

Every caller (`diff`, `evaluate`, the flows) goes through these functions, so that a figure measured with one holds
for the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from imagery.radiometry import normalise
from imagery.raster import FloatArray, Reader, Sensor, gsd_m
from imagery.register import register
from imagery.tile import Tile, blocks, enclosing, even_side_px, tiles
from models.budget import LOWEST, Budget, budget_for, own_null
from models.candidates import search_limits
from models.change import Change, TileOutcome
from models.conclude import Conclusion, conclude_pair, outcomes_of
from models.detect import Detection
from models.detectability import cell_px, cells_of, detectability
from models.evidence import KERNEL_PX, ChangeEvidence, evidence, measure_noise
from models.pair_model import ALGORITHM, PairModel, budget_row, lowest_listed, refusal
from models.score import load_scorer
from models.scorers import Scorer
from models.search import search

__all__ = [
    "ALGORITHM",
    "Comparison",
    "Conclusion",
    "PairModel",
    "TileResult",
    "budget_row",
    "compare",
    "compare_block",
    "compare_tile",
    "conclude",
    "halo_px",
    "labelled_cost",
    "lowest_listed",
    "null_claims",
    "prepare",
    "refusal",
    "valid_share",
    "verdict",
]

MIN_VALID = 0.25
"""Share of a tile that must be usable on both dates for it to count as assessed."""

Status = Literal["changed", "unchanged", "not_assessable"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TileResult:
    """What the comparison of one tile leaves.

    Parameters
    ----------
    tile : str
    valid_fraction : float
        Of the core, usable on both dates.
    reason : str or None
        Set where the tile could not be assessed.
    evidence : float32 (row, col) or None
        Signed change in robust sigmas over the core, NaN where not usable.
    detections : tuple of Detection
        Owned by this tile, all but hopeless ones, overlapping.
    detectability : float32 (layer, cell row, cell col) or None
        What it would have taken to be found here (`models.detectability`), over the cells that this tile owns; None
        where it could not be assessed.
    """

    tile: str
    valid_fraction: float
    reason: str | None
    evidence: FloatArray | None
    detections: tuple[Detection, ...]
    detectability: FloatArray | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Everything that the comparison of a pair found.

    Parameters
    ----------
    model : PairModel
    tiles : tuple of Tile
    results : tuple of TileResult
        One per tile, in the same order; without evidence where it was handed on.
    conclusion : Conclusion
    valid_fraction : float
        Of the whole grid.
    status : {"changed", "unchanged", "not_assessable"}
    reason : str or None
    """

    model: PairModel
    tiles: tuple[Tile, ...]
    results: tuple[TileResult, ...]
    conclusion: Conclusion
    valid_fraction: float
    status: Status
    reason: str | None


def halo_px(gsd_m: float, sensor: Sensor) -> int:
    """Pixels that a tile is read beyond its core, so that every region that it owns is whole and measured alike."""
    limits = search_limits(gsd_m, sensor)
    return limits.max_side_px + limits.context_px // 2 + limits.ring_px + 2 * KERNEL_PX


def prepare(
    before: Reader,
    after: Reader,
    *,
    sensor: Sensor,
    scorer: str | None = None,
    false_alarms_per_km2: float | None = None,
) -> PairModel:
    """Align and normalise a pair and measure its noise.

    Parameters
    ----------
    before, after : Reader
        On one grid, the same bands and quantity.
    sensor : {"optical", "sar"}
    scorer : str or None
    false_alarms_per_km2 : float or None
        Find the score that keeps false alarms within this; takes about as long as the comparison itself.

    Returns
    -------
    PairModel
        `alignment.verdict` may be "refused".
    """
    if scorer is not None:
        load_scorer(scorer, sensor)  # a wrong name should not cost the minutes below
    alignment = register(before, after, sensor=sensor)
    radiometry = normalise(before, after, alignment.shift, sensor=sensor)
    noise = measure_noise(
        before, after, alignment.shift, radiometry, sensor=sensor, residual_px=alignment.residual_px or 0.0
    )
    model = PairModel(
        sensor=sensor, gsd_m=gsd_m(before.grid), alignment=alignment, radiometry=radiometry, noise=noise, scorer=scorer
    )  # fmt: skip
    if false_alarms_per_km2 is None or refusal(model) is not None:
        return model
    return replace(model, budget=_budget(before, after, model, false_alarms_per_km2))


def _budget(before: Reader, after: Reader, model: PairModel, asked_per_km2: float) -> Budget:
    scorer = load_scorer(model.scorer, model.sensor)
    scores, km2 = own_null(
        before, after, sensor=model.sensor, noise=model.noise.brightness, unit=model.radiometry.unit,
        residual_px=model.alignment.residual_px or 0.0, claims=lambda one, other: null_claims(one, other, model),
    )  # fmt: skip
    return budget_for(asked_per_km2, scores, km2, lambda score: labelled_cost(scorer, score, model.gsd_m))


def null_claims(one: Reader, other: Reader, model: PairModel) -> list[float]:
    """Scores of everything that is claimed between two images where nothing changed."""
    found = compare(
        one, other, sensor=model.sensor, pair="null", grid_name="null", min_score=LOWEST, scorer=model.scorer
    )  # fmt: skip
    return [end.score for c in found.conclusion.changes for end in (c.before, c.after) if end is not None]


def labelled_cost(scorer: Scorer, score: float, gsd_m: float) -> float | None:
    """False alarms per km2 on labelled places, small and large objects together; None where never measured."""
    rates = [scorer.false_alarms_per_km2(score, length_m, gsd_m) for length_m in (5.0, 40.0)]
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None


def compare_tile(before: Reader, after: Reader, model: PairModel, tile: Tile) -> TileResult:
    """Evidence and detections of one tile."""
    return compare_block(before, after, model, (tile,))[0]


def compare_block(
    before: Reader, after: Reader, model: PairModel, cut: Sequence[Tile]
) -> tuple[TileResult, ...]:
    """Evidence and detections of neighbouring tiles, computed together because their halos overlap.

    Returns
    -------
    tuple of TileResult
        One per tile, the same as if each had been compared alone.
    """
    shape = (int(before.grid.shape[0]), int(before.grid.shape[1]))
    window = enclosing(cut).clipped(shape)
    found = evidence(before, after, model.alignment.shift, model.radiometry, model.noise, window)
    detections: tuple[Detection, ...] = ()
    maps: tuple[FloatArray | None, ...] = (None,) * len(cut)
    if refusal(model) is None and found.valid.any():
        detections = search(found, model, cut)
        cells = [cells_of(tile.core, cell_px(model.gsd_m)) for tile in cut]
        maps = detectability(found, model.noise, cells, gsd_m=model.gsd_m, sensor=model.sensor)
    statistic = found.statistic
    return tuple(
        _tile_result(tile, found, statistic, model, detections, seen)
        for tile, seen in zip(cut, maps, strict=True)
    )


def _tile_result(
    tile: Tile,
    found: ChangeEvidence,
    statistic: FloatArray,
    model: PairModel,
    detections: tuple[Detection, ...],
    seen: FloatArray | None,
) -> TileResult:
    window = found.window
    core = np.s_[
        tile.core.row0 - window.row0 : tile.core.row1 - window.row0,
        tile.core.col0 - window.col0 : tile.core.col1 - window.col0,
    ]
    valid = found.valid[core]
    share = float(valid.mean())
    reason = refusal(model)
    if reason is None and share < MIN_VALID:
        reason = f"{share:.0%} of the tile can be seen on both dates (cloud, shadow of cloud or no data)"
    unseen = share == 0.0 or model.alignment.verdict == "refused"
    return TileResult(
        tile=tile.id, valid_fraction=share, reason=reason,
        evidence=None if unseen else np.where(valid, statistic[core], np.nan).astype(np.float32),
        detections=tuple(d for d in detections if d.tile == tile.id), detectability=None if reason else seen,
    )  # fmt: skip


def conclude(
    results: Sequence[TileResult], model: PairModel, *, pair: str, grid_name: str, min_score: float
) -> Conclusion:
    """Suppress overlaps, list what reaches `min_score`, link vacated with occupied places.

    Parameters
    ----------
    results : sequence of TileResult
    model : PairModel
    pair, grid_name : str
        Part of every change's id.
    min_score : float
        Counts only where the model has no budget.
    """
    lowest = lowest_listed(model, min_score)
    scorer: Scorer = load_scorer(model.scorer, model.sensor)
    detections = [d for result in results for d in result.detections]
    changes: tuple[Change, ...] = conclude_pair(
        detections,
        pair=pair,
        grid_name=grid_name,
        min_score=lowest,
        gsd_m=model.gsd_m,
        sensor=model.sensor,
        scorer=scorer,
    )
    outcomes: tuple[TileOutcome, ...] = outcomes_of(
        [(result.tile, result.valid_fraction, result.reason) for result in results], changes
    )
    return Conclusion(changes=changes, outcomes=outcomes)


def compare(
    before: Reader, after: Reader, *, sensor: Sensor, pair: str, grid_name: str, min_score: float = 0.5,
    tile_px: int | None = None, scorer: str | None = None, false_alarms_per_km2: float | None = None,
    on_tile: Callable[[Tile, TileResult], None] | None = None,
) -> Comparison:  # fmt: skip
    """Compare a whole pair in this process.

    Parameters
    ----------
    before, after : Reader
        On one grid, the same bands and quantity.
    sensor : {"optical", "sar"}
    pair, grid_name : str
        Part of every change's id.
    min_score : float
        Lowest score that is listed.
    tile_px : int or None
        Tile side; the result does not depend on it. None: the usual one.
    scorer : str or None
        Name of a scorer; None for the sensor's default.
    false_alarms_per_km2 : float or None
        In place of `min_score`: the score that keeps false alarms within this.
    on_tile : callable or None
        Called with each tile's result; its evidence and map are then not kept.
    """
    model = prepare(before, after, sensor=sensor, scorer=scorer, false_alarms_per_km2=false_alarms_per_km2)
    shape = (int(before.grid.shape[0]), int(before.grid.shape[1]))
    cut = tuple(tiles(shape, size_px=tile_px or even_side_px(shape), halo_px=halo_px(model.gsd_m, sensor)))
    by_tile = {}
    for block in blocks(cut):
        for tile, result in zip(block, compare_block(before, after, model, block), strict=True):
            if on_tile:
                on_tile(tile, result)
            by_tile[tile.id] = replace(result, evidence=None, detectability=None) if on_tile else result
    results = [by_tile[tile.id] for tile in cut]
    conclusion = conclude(results, model, pair=pair, grid_name=grid_name, min_score=min_score)
    share = valid_share(cut, results)
    status, reason = verdict(model, conclusion)
    return Comparison(
        model=model, tiles=cut, results=tuple(results), conclusion=conclusion, valid_fraction=share, status=status,
        reason=reason,
    )  # fmt: skip


def valid_share(cut: Sequence[Tile], results: Sequence[TileResult]) -> float:
    """Share of the whole grid that could be seen on both dates."""
    areas = [tile.core.shape[0] * tile.core.shape[1] for tile in cut]
    seen = sum(area * result.valid_fraction for area, result in zip(areas, results, strict=True))
    return float(seen / sum(areas))


def verdict(model: PairModel, conclusion: Conclusion) -> tuple[Status, str | None]:
    """What a pair as a whole comes to, and why where it could not be assessed."""
    reason = refusal(model)
    if reason:
        return "not_assessable", reason
    if conclusion.changes:
        return "changed", None
    if all(outcome.outcome in ("not_assessable", "failed") for outcome in conclusion.outcomes):
        reasons = sorted({outcome.reason or "" for outcome in conclusion.outcomes})
        return "not_assessable", f"no tile could be assessed: {reasons[0]}"
    return "unchanged", None
