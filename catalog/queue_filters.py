"""Which part of the queue a person wants to see, and whether it can be asked for so."""

import math
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from catalog.errors import BadReview
from catalog.standings import Needs

What = Literal["change", "blank", "unseen"]
Order = Literal["worth", "surest"]
ORDERS: tuple[Order, ...] = ("worth", "surest")
WHATS: tuple[What, ...] = ("change", "blank", "unseen")


@dataclass(frozen=True, kw_only=True)
class QueueFilters:
    """Which part of the queue; an empty tuple or None does not narrow it down.

    Parameters
    ----------
    what : {"change", "blank", "unseen"}
        Changes; blank tiles of the audit; tiles that could not be assessed.
    sites, zones, runs, tiles, kinds, labels : tuple of str
        ``""`` stands for none: no site, outside every zone.
    min_score, max_score : float or None
        Both included. Changes that a person added have no score and are kept.
    since, until : str or None
        Dates (``2025-01-31``), both included, of the later image, UTC.
    states, verdicts, reasons, seconds : tuple of str
        See `catalog.standings.ReviewState`. ``""`` among verdicts: none yet, or disputed.
    needs : tuple of str
        ``first``, ``second``, ``settle``, ``none``.
    unanswered_by : str or None
        Leave out what this reviewer has answered.
    answered_by : str or None
        Only what this reviewer has answered.
    suppressed : bool or None
        Whether its place is suppressed.
    order : {"worth", "surest"}
        As `catalog.queue` says; or the highest score first, whatever its tile, what has none last.
    listed : bool or None
        Whether the run's present result lists it; True by default, None: also what an earlier result listed.
    """

    what: What = "change"
    sites: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    tiles: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    min_score: float | None = None
    max_score: float | None = None
    since: str | None = None
    until: str | None = None
    states: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    seconds: tuple[str, ...] = ()
    needs: tuple[Needs, ...] = ()
    unanswered_by: str | None = None
    answered_by: str | None = None
    suppressed: bool | None = None
    listed: bool | None = True
    order: Order = "worth"

    def __post_init__(self) -> None:
        if self.what not in WHATS:
            raise BadReview(f"what must be one of {', '.join(WHATS)}, got {self.what!r}")
        if self.order not in ORDERS:
            raise BadReview(f"order must be one of {', '.join(ORDERS)}, got {self.order!r}")
        for name in ("min_score", "max_score"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and math.isfinite(value)):
                raise BadReview(f"{name} must be a number, got {value!r}")
        for name in ("since", "until"):
            value = getattr(self, name)
            if value is not None:
                day_of(name, value)


def day_of(name: str, value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadReview(f"{name} must be a date such as 2025-01-31, got {value!r:.40}") from None
