"""The ledger: one outcome for every tile of a run, with the reason where nothing could be said."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from catalog.errors import BrokenRecord, CatalogError
from catalog.layout import TILES, read_json
from imagery.tile import Tile
from models.change import TileOutcome

FORMAT = "sitewatch-tiles/1"
OUTCOMES = ("changed", "unchanged", "not_assessable", "failed")


def ledger(
    tiles: Sequence[Tile], outcomes: Sequence[TileOutcome], detectability: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The ledger document.

    Parameters
    ----------
    tiles : sequence of Tile
    outcomes : sequence of TileOutcome
    detectability : mapping or None
        The report's: what would have been found in each tile.

    Raises
    ------
    CatalogError
        A tile without an outcome, with two, or an outcome of no tile.
    """
    wanted, given = Counter(tile.id for tile in tiles), Counter(outcome.tile for outcome in outcomes)
    if wanted != given:
        odd = sorted((wanted - given).keys() | (given - wanted).keys())
        raise CatalogError(f"every tile needs exactly one outcome; wrong for {', '.join(odd[:10])}")
    seen = {} if detectability is None else detectability["tiles"]
    by_tile = {outcome.tile: outcome for outcome in outcomes}
    return {
        "format": FORMAT,
        "counts": counts(outcomes),
        "tiles": [_row(tile, by_tile[tile.id], seen.get(tile.id)) for tile in tiles],
    }


def read_ledger(folder: Path) -> list[dict[str, Any]]:
    """Rows of the ledger of a run on disk.

    Raises
    ------
    BrokenRecord
        Missing, or not a ledger.
    """
    document = read_json(folder / TILES)
    rows = document.get("tiles") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "tile" in row for row in rows):
        raise BrokenRecord(f"{folder / TILES} is not a ledger of tiles; run the pair again to write it anew")
    return rows


def counts(outcomes: Iterable[TileOutcome]) -> dict[str, int]:
    """Number of tiles by outcome; every outcome is named."""
    found = Counter[str](outcome.outcome for outcome in outcomes)
    return {name: found[name] for name in OUTCOMES}


def reasons(outcomes: Iterable[TileOutcome]) -> list[tuple[str, int]]:
    """Why tiles were not assessed, the commonest reason first."""
    stated = Counter(
        outcome.reason or "no reason given"
        for outcome in outcomes
        if outcome.outcome in {"not_assessable", "failed"}
    )
    return stated.most_common()


def _row(tile: Tile, outcome: TileOutcome, seen: Mapping[str, Any] | None) -> dict[str, Any]:
    core = tile.core
    return {
        "tile": tile.id,
        "bbox_px": [core.col0, core.row0, core.col1, core.row1],
        "halo_px": tile.halo_px,
        "outcome": outcome.outcome,
        "reason": outcome.reason,
        "valid_fraction": round(outcome.valid_fraction, 4),
        "changes": outcome.changes,
        "detectability": seen,
    }
