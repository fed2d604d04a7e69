"""Which changes go to a second reviewer, who does not see what the first one said."""

import hashlib
from dataclasses import dataclass

from catalog.errors import BadReview
from catalog.queue import QueueEntry

RULE_REVIEWER = "sitewatch"
"""Who assigns by rule."""

_SCALE = float(1 << 64)


@dataclass(frozen=True, kw_only=True)
class SecondRule:
    """Which changes want a second reviewer; any part is enough. The default wants none.

    Parameters
    ----------
    share : float
        Of all changes, drawn once and for ever by their ids, 0-1.
    score_band : (float, float) or None
        Lowest and highest score, both included.
    zones, labels : tuple of str
    """

    share: float = 0.0
    score_band: tuple[float, float] | None = None
    zones: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise BadReview(f"share of second reviews must lie in 0-1, got {self.share}")
        if self.score_band is not None and not 0.0 <= self.score_band[0] <= self.score_band[1] <= 1.0:
            raise BadReview(f"score band of second reviews must be two rising scores, got {self.score_band}")

    @property
    def wants_any(self) -> bool:
        """Whether it can want any change at all."""
        return self.share > 0 or self.score_band is not None or bool(self.zones or self.labels)

    def wants(self, entry: QueueEntry) -> str | None:
        """Why a change wants a second reviewer; None where it does not."""
        if entry.what != "change":
            return None
        if entry.zone is not None and entry.zone in self.zones:
            return f"zone {entry.zone}"
        if entry.label is not None and entry.label in self.labels:
            return f"label {entry.label}"
        if self.score_band is not None and entry.score is not None:
            low, high = self.score_band
            if low <= entry.score <= high:
                return f"score {low:g} to {high:g}"
        drawn = int.from_bytes(hashlib.sha256(f"second|{entry.subject}".encode()).digest()[:8], "big")
        return f"a random {self.share:.0%}" if drawn / _SCALE < self.share else None
