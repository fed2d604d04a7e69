"""What a page shows of one change or tile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.queue import QueueEntry
from catalog.standings import ReviewState
from models.change import Change, TileOutcome


@dataclass(frozen=True, kw_only=True, eq=False)
class ChangeView:
    """A change with all that is known of it.

    Parameters
    ----------
    entry : QueueEntry
    state : ReviewState
    change : Change or None
        As the run has it; None for one that a person added, or that the present result does not list.
    outline : mapping or None
        Where it lies: GeoJSON polygon, or `outline_px` for images without georeference. As the run has it, or as it was
        added; an outline drawn anew is in `state.outline`.
    run : str
    """

    entry: QueueEntry
    state: ReviewState
    change: Change | None
    outline: Mapping[str, Any] | None
    run: str


@dataclass(frozen=True, kw_only=True, eq=False)
class TileView:
    """A tile of a run with the changes in it.

    Parameters
    ----------
    run, tile : str
    subject : str
        What an answer about the tile itself names.
    outcome : TileOutcome
    entries : tuple of QueueEntry
        Its changes, those that people added among them, best first.
    state : ReviewState
        Of the tile itself: its verdict where it is blank, notes on it.
    """

    run: str
    tile: str
    subject: str
    outcome: TileOutcome
    entries: tuple[QueueEntry, ...]
    state: ReviewState


def seen_by(viewer: str, entry: QueueEntry, state: ReviewState) -> tuple[QueueEntry, ReviewState]:
    """An entry and its state without what a viewer is not to know before they answer."""
    shown = state.seen_by(viewer)
    return (entry if shown is state else entry.blinded()), shown
