"""The comparison of two dates: prepare once per pair, compare tile by tile, conclude over the whole.

Every caller (`diff`, `evaluate`, the flows) goes through these three functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from imagery.align import Alignment
from imagery.raster import FloatArray, Reader, Sensor
from imagery.tile import Tile
from models.change import Change, TileOutcome
from models.detect import Detection

ALGORITHM = "2026.11-1"
"""Version of everything that can change a result; part of every cache key and report."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairModel:
    """What holds for a whole pair: alignment, radiometric normalisation, noise.

    JSON-ready through `as_dict` / `from_dict`, so that it can pass between processes.
    """

    sensor: Sensor
    gsd_m: float
    alignment: Alignment
    radiometry: dict[str, Any]
    noise: dict[str, Any]

    def as_dict(self) -> dict[str, Any]: ...

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> "PairModel": ...


@dataclass(frozen=True, kw_only=True, eq=False)
class TileResult:
    """What the comparison of one tile leaves.

    Parameters
    ----------
    tile : str
    valid_fraction : float
        Of the core.
    reason : str or None
        Set where the tile could not be assessed.
    evidence : float32 (row, col) or None
        Signed change in robust sigmas over the core, NaN where not assessed.
    detections : tuple of Detection
        Owned by this tile, unfiltered by score (only hopeless ones are dropped), before non-maximum suppression.
    """

    tile: str
    valid_fraction: float
    reason: str | None
    evidence: FloatArray | None
    detections: tuple[Detection, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Conclusion:
    """Result of a pair: listed changes and one outcome per tile."""

    changes: tuple[Change, ...]
    outcomes: tuple[TileOutcome, ...]


def halo_px(gsd_m: float, sensor: Sensor) -> int:
    """Pixels that a tile must be read beyond its core so that every object is whole in one tile."""
    ...


def prepare(before: Reader, after: Reader, *, sensor: Sensor) -> PairModel:
    """Align and normalise a pair; `PairModel.alignment.verdict` may be "refused"."""
    ...


def compare_tile(before: Reader, after: Reader, model: PairModel, tile: Tile) -> TileResult:
    """Evidence and detections of one tile."""
    ...


def conclude(
    results: Sequence[TileResult], model: PairModel, *, pair: str, grid_name: str, min_score: float
) -> Conclusion:
    """Suppress overlaps, score, link vacated with occupied places, list what reaches `min_score`."""
    ...
